"""The demo: a labelled synthetic pair of Rajin's piers and Tumangan's station, two places at two times.

Where things stand follows the reference layers; what stands there is invented, and so are all counts.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from ..classes import counted_in
from ..errors import Refusal
from ..georeference import transform
from ..sun import sun_position
from ..tanks import FREIGHT_CAR, TANK, TANK_CAR
from ..zones import Zone
from . import files, port, rail, ships
from .layout import Area, Bounds, Layout, rectangle, right_of
from .render import Rendered, render

EPSG = 32652
GSD_M = 0.35
REFERENCE = Path(__file__).resolve().parents[2] / "layers" / "data"
# Transshipment tracks with loading aisles between them. At the usual 5.3 m a train's October shadow covers the next track.
TRACK_SPACING_M = 9.0
ON_TRACK_M = 1.5  # a car within this distance of a track's line stands on it
SAME_DIRECTION_DEG = 20.0


@dataclass(frozen=True)
class Story:
    """What one epoch shows. fill: share of each pier's container slots. cars: freight cars on each track of the station.

    moored_m: lengths of the ships along each pier's sides, in the order north, middle, south and of ``sides``.
    under_way_m: lengths of ships in the roadstead.
    """

    utc: datetime
    fill: tuple[float, float, float]
    cars: tuple[int, ...]
    moored_m: tuple[tuple[float, ...], ...]
    under_way_m: tuple[float, ...]


STORIES = (
    Story(
        datetime(2023, 7, 18, 2, 11, 0, tzinfo=timezone.utc),
        (0.25, 0.0, 0.1),
        (0, 9, 0, 14, 0, 6, 0),
        ((), (95.0,), (), (), (), ()),
        (48.0,),
    ),
    Story(
        datetime(2023, 10, 12, 2, 26, 0, tzinfo=timezone.utc),
        (0.9, 0.6, 0.5),
        (0, 21, 30, 14, 0, 17, 24),
        ((120.0,), (), (110.0,), (), (), (115.0, 70.0)),
        (48.0, 82.0),
    ),
)


@dataclass(frozen=True)
class DemoScene:
    """One file of the demo. epoch: ISO 8601 UTC. zones: source for OGR. truth: (zone_id, class) → count."""

    place: str
    epoch: str
    path: str
    zones: str
    truth: dict[tuple[str, str], int]


def write(
    folder: str | Path,
    seed: int = 20231012,
    reference: str | Path = REFERENCE,
    progress: Callable[[float], None] | None = None,
) -> list[DemoScene]:
    """Write the demo's four scenes, zones.gpkg (a layer a place), truth.csv (counts) and truth.gpkg (boxes) into a folder.

    reference: the folder of the reference layers (piers, stations, railway as GeoJSON). Existing files of these names are
    replaced. Scenes are GeoTIFFs of GSD_M in UTM zone 52 N with their (invented) acquisition time in the metadata.
    Raises Refusal where the reference layers are missing.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    builders = {"rajin": rajin, "tumangan": tumangan}
    made: list[DemoScene] = []
    boxes: dict[str, list[files.Row]] = {}
    zones: dict[str, list[files.Row]] = {}
    for number, (place, build) in enumerate(builders.items()):
        for k, story in enumerate(STORIES):
            layout, bounds = build(story, np.random.default_rng([seed, number, k]), Path(reference))
            azimuth, elevation = sun_position(story.utc, *_lonlat(bounds))
            scene = render(
                layout,
                bounds,
                gsd_m=GSD_M,
                sun_azimuth_deg=azimuth,
                sun_elevation_deg=elevation,
                seed=seed + 10 * number + k,
                ground_seed=seed + number,
            )
            path = folder / f"{place}_{story.utc:%Y-%m-%d}_synthetic.tif"
            files.write_geotiff(scene, path, story.utc, EPSG)
            zones[place] = files.zone_rows(layout.zones)
            boxes[f"{place}_{story.utc:%Y_%m_%d}"] = files.truth_rows(scene)
            made.append(
                DemoScene(
                    place,
                    f"{story.utc:%Y-%m-%dT%H:%M:%SZ}",
                    str(path),
                    f"{folder / 'zones.gpkg'}|layername={place}",
                    counts(scene, layout.zones),
                )
            )
            if progress:
                progress(len(made) / (len(builders) * len(STORIES)))
    files.write_geopackage(zones, folder / "zones.gpkg", EPSG)
    files.write_geopackage(boxes, folder / "truth.gpkg", EPSG)
    _write_counts(made, folder / "truth.csv")
    return made


def rajin(story: Story, rng: np.random.Generator, reference: Path = REFERENCE) -> tuple[Layout, Bounds]:
    """Rajin's three piers with the shore they stand on, and the box to look at. Pier outlines are the reference layer's."""
    from shapely.geometry import Polygon, box
    from shapely.ops import unary_union

    piers = sorted(
        _features(reference / "piers.geojson"), key=lambda pier: -pier[1]["coordinates"][0][0][1]
    )  # from the north
    rings = [_projected(geometry["coordinates"][0][:-1]) for _, geometry in piers]
    corners = np.concatenate(rings)
    west, south = corners.min(axis=0) - (120.0, 60.0)
    east, north = corners.max(axis=0) + (310.0, 60.0)
    sea = np.array([[west, south], [east, south], [east, north], [west, north]]) + 200.0 * np.array(
        [[-1, -1], [1, -1], [1, 1], [-1, 1]]
    )
    shore = _shore(rings, sea)
    dry = unary_union([Polygon(ring) for ring in (shore, *rings)]).buffer(0.5)
    layout = Layout((Area(sea, "water", ships.WATER_LEVEL_M), Area(shore, "soil")))
    moored = iter(story.moored_m)
    for (facts, _), ring, fill in zip(piers, rings, story.fill):
        name = facts["id"].split("-")[-1]
        pier = port.pier(name, ring, facts["azimuth_deg"], rng, fill=fill, cranes=1)
        root_azimuth = float(np.degrees(np.arctan2(*(ring[0] - ring[-1]))))
        behind = (ring[0] + ring[-1]) / 2 + right_of(root_azimuth) * 40.0
        warehouse = Area(rectangle(behind, 64.0, 22.0, root_azimuth), "roof", 8.0)
        layout = layout.with_(areas=[*pier.areas, warehouse], things=pier.things, zones=pier.zones)
        for start, end in sides(ring, facts["azimuth_deg"]):
            wind = _wind(float(np.degrees(np.arctan2(*(end - start)))) - 90.0)
            berth = ships.berth(f"berth-{name}-{wind.lower()}", start, end, f"Berth {wind} of the {name} pier")
            layout = layout.with_(
                things=ships.moored(start, end, next(moored, ()), rng),
                zones=[replace(berth, geometry=berth.geometry.difference(dry))],
            )
    road = (corners[:, 0].max() + 60.0, south + 15.0, east - 120.0, north - 15.0)
    layout = layout.with_(zones=[Zone("roadstead", "water", box(*road), "Roadstead east of the piers")])
    for length, share in zip(story.under_way_m, (0.3, 0.75)):
        x, y = (road[0] + road[2]) / 2, road[1] + share * (road[3] - road[1])
        layout = layout.with_(things=ships.under_way(x, y, 350.0 + rng.uniform(-10.0, 10.0), length, rng))
    return layout, (float(west), float(south), float(east), float(north))


def tumangan(story: Story, rng: np.random.Generator, reference: Path = REFERENCE) -> tuple[Layout, Bounds]:
    """The freight yard of Tumangan: tracks through the station's coordinate, along the railway, and the box to look at."""
    centre = next(
        _projected([geometry["coordinates"]])[0]
        for facts, geometry in _features(reference / "stations.geojson")
        if facts["id"] == "station-tumangang"
    )
    arriving = next(
        _projected(geometry["coordinates"])
        for facts, geometry in _features(reference / "railway.geojson")
        if facts["id"] == "rail-hongui-tumangang"
    )
    azimuth = float(np.degrees(np.arctan2(*(arriving[-1] - arriving[0]))))
    layout = rail.station(centre, azimuth, rng, occupied=story.cars, spacing_m=TRACK_SPACING_M, name="tumangan")
    corners = np.concatenate(layout.tracks)
    west, south = corners.min(axis=0) - (25.0, 40.0)
    east, north = corners.max(axis=0) + (25.0, 40.0)
    return layout, (float(west), float(south), float(east), float(north))


def sides(ring: np.ndarray, azimuth_deg: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """The long sides of a pier as (start, end) with the water to their left: edges of the ring along its axis."""
    x, y = ring.T
    if float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) > 0:  # counter-clockwise: water to the right
        ring = ring[::-1]
    found = []
    for start, end in zip(ring, np.roll(ring, -1, axis=0)):
        off = (np.degrees(np.arctan2(*(end - start))) - azimuth_deg + 90.0) % 180.0 - 90.0
        if abs(off) < SAME_DIRECTION_DEG:
            found.append((start, end))
    return found


def counts(scene: Rendered, zones: Sequence[Zone]) -> dict[tuple[str, str], int]:
    """True number of objects of each class a zone is counted for: centres in polygons, or within ON_TRACK_M of a track."""
    from shapely.geometry import Point

    found: dict[tuple[str, str], int] = {}
    classes = rail.counted_as(scene.truth.class_name)
    for zone in zones:
        region = zone.geometry.buffer(ON_TRACK_M) if zone.is_track else zone.geometry
        for class_name in counted_in(zone.kind):
            objects = scene.truth.select(classes == class_name)
            inside = np.array([region.contains(Point(x, y)) for x, y in zip(objects.x, objects.y)], bool)
            found[zone.zone_id, class_name] = int(inside.sum())
            if class_name == FREIGHT_CAR:
                found[zone.zone_id, TANK_CAR] = int((objects.type_name[inside] == TANK).sum())
    return found


def _wind(azimuth_deg: float) -> str:
    return ("N", "NE", "E", "SE", "S", "SW", "W", "NW")[round(azimuth_deg / 45.0) % 8]


def _shore(rings: Sequence[np.ndarray], sea: np.ndarray) -> np.ndarray:
    """Land to the west of a line through the piers' roots (last and first corner of each ring), as far as the sea's box."""
    coast = [corner for ring in rings for corner in (ring[-1], ring[0])]
    west, south, north = sea[:, 0].min(), sea[:, 1].min(), sea[:, 1].max()
    return np.array([(coast[0][0], north), *coast, (coast[-1][0], south), (west, south), (west, north)])


def _features(path: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Properties and geometry of a GeoJSON file's features."""
    if not path.is_file():
        raise Refusal("{path} is missing: the demo needs the reference layers that come with the plugin.", path=path)
    with open(path, encoding="utf-8") as file:
        return [(feature["properties"], feature["geometry"]) for feature in json.load(file)["features"]]


def _projected(lonlat: Sequence[Sequence[float]]) -> np.ndarray:
    """Longitudes and latitudes (N, 2) in metres of UTM zone 52 N."""
    return np.column_stack(transform("EPSG:4326", f"EPSG:{EPSG}", *np.asarray(lonlat, float)[:, :2].T))


def _lonlat(bounds: Bounds) -> tuple[float, float]:
    west, south, east, north = bounds
    longitude, latitude = transform(f"EPSG:{EPSG}", "EPSG:4326", (west + east) / 2, (south + north) / 2)
    return float(longitude), float(latitude)


def _write_counts(scenes: Sequence[DemoScene], path: Path) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("place", "epoch", "zone_id", "class", "truth"))
        for scene in scenes:
            for (zone_id, class_name), count in scene.truth.items():
                table.writerow((scene.place, scene.epoch, zone_id, class_name, count))
