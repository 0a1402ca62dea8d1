"""The labelled rail scenes of ``../shared/imagery``: pictures at several GSDs, tracks, true vehicles, and how finds are matched."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from checkout import ROOT, load_rason

SHARED = Path(os.environ.get("RASON_SHARED", ROOT.parent / "shared"))

load_rason()

# picture, tracks, vehicles, mask of pixels painted over by whoever made the set
FILES = {
    "d-rail-yard": ("yard.tif", "rail_tracks.geojson", "rail_vehicles.geojson", "painted_mask.tif"),
    "d-rail-muttenz2": (
        "example_0.25m_repaired.tif",
        "rail_tracks_by_eye.geojson",
        "rail_vehicles_by_eye.geojson",
        "printed_mask_0.25m.tif",
    ),
    "d-port-train": ("t_0616.tif", "rail_tracks_by_eye.geojson", "rail_vehicles_by_eye.geojson", None),
}
LEFT_OUT = {("d-rail-yard", "T29")}  # its only vehicle lies beyond the line's end (the set's README)
CUT_ENDS = {("d-rail-yard", "T18"), ("d-rail-yard", "T21")}  # "empty" tracks that end in a cut wagon or its shadow
ON_TRACK_M, MATCH_M, POINT_CUT_M, EDGE_M = 1.8, 5.0, 7.0, 0.3


@dataclass
class Vehicle:
    """A true vehicle along its track: middle and, where its outline is known, both ends (metres); cut by the picture's edge; type."""

    at: float
    low: float
    high: float
    cut: bool
    type_name: str = ""


@dataclass
class Track:
    """A labelled track."""

    set_name: str
    name: str
    line: object
    vehicles: list = field(default_factory=list)


def tracks(set_name):
    """The tracks of a set with their vehicles in order."""
    from shapely.geometry import Point, box, shape

    from rason.engine.detectors.strip import lengthened

    folder = SHARED / "imagery" / set_name
    picture, lines, vehicles, _ = FILES[set_name]
    edge = box(*_bounds(folder / picture)).boundary
    out = [Track(set_name, f["properties"]["track"], shape(f["geometry"])) for f in _features(folder / lines)]
    for feature in _features(folder / vehicles):
        outline = shape(feature["geometry"])
        nearest = min(out, key=lambda track: track.line.distance(outline.centroid))
        if nearest.line.distance(outline.centroid) > ON_TRACK_M:
            continue
        longer = lengthened(nearest.line, 30.0)
        at = longer.project(outline.centroid) - 30.0
        if outline.geom_type == "Point":
            cut = min(at, nearest.line.length - at) < POINT_CUT_M
            nearest.vehicles.append(Vehicle(at, np.nan, np.nan, cut))
            continue
        corners = sorted(longer.project(Point(p)) - 30.0 for p in outline.exterior.coords[:-1])
        nearest.vehicles.append(Vehicle(at, np.mean(corners[:2]), np.mean(corners[-2:]), outline.distance(edge) < EDGE_M))
    for track in out:
        track.vehicles.sort(key=lambda vehicle: vehicle.at)
    return [track for track in out if (set_name, track.name) not in LEFT_OUT]


def scene(set_name, gsd_m=None, *, painted=True, change=None):
    """The set's picture as an ArrayScene, stretched like a Scene; averaged exactly by area to ``gsd_m``.

    painted False: the painted pixels count as not observed. change: applied to the stretched native pixels.
    """
    from osgeo import gdal

    from rason.engine.scene import ArrayScene

    folder = SHARED / "imagery" / set_name
    picture, _, _, mask = FILES[set_name]
    source = gdal.Open(str(folder / picture))
    data, corner = source.ReadAsArray().astype(float), source.GetGeoTransform()
    dark, bright = np.percentile(data, [0.5, 99.5])
    data = (data - dark) / (bright - dark)
    valid = np.ones(data.shape[1:], bool)
    if mask and not painted:
        valid = gdal.Open(str(folder / mask)).ReadAsArray() == 0
    if change:
        data = change(data)
    native = corner[1]
    if gsd_m:
        down, across = (_area_weights(n, native, gsd_m) for n in valid.shape)
        share = down @ valid @ across.T
        data = np.stack([down @ (band * valid) @ across.T for band in data]) / np.maximum(share, 1e-6)
        valid = share > 0.25
    return ArrayScene(data.astype(np.float32), gsd_m or native, x0=corner[0], y0=corner[3], valid=valid, name=set_name)


def match(found_m, track):
    """Hits, false and missed for wagon centres along a track: one to one within 5 m, vehicles cut by the edge not judged.

    Gives also a bool array: which finds are false, and None entries for those not judged, as (hit, false, missed, verdicts) with
    verdicts 1 hit, 0 false, nan not judged.
    """
    from scipy.optimize import linear_sum_assignment

    true_m = np.array([vehicle.at for vehicle in track.vehicles])
    cut = np.array([vehicle.cut for vehicle in track.vehicles], bool)
    verdicts = np.zeros(len(found_m))
    taken = np.zeros(len(true_m), bool)
    if len(found_m) and len(true_m):
        distance = np.abs(np.subtract.outer(found_m, true_m))
        rows, columns = linear_sum_assignment(np.where(distance <= MATCH_M, distance, 1e3))
        good = distance[rows, columns] <= MATCH_M
        verdicts[rows[good]] = np.where(cut[columns[good]], np.nan, 1.0)
        taken[columns[good]] = True
    return int((verdicts == 1).sum()), int((verdicts == 0).sum()), int((~taken & ~cut).sum()), verdicts


def _features(path):
    return json.loads(path.read_text("utf8"))["features"]


def _bounds(path):
    from osgeo import gdal

    source = gdal.Open(str(path))
    x, size, _, y, _, _ = source.GetGeoTransform()
    return x, y - source.RasterYSize * size, x + source.RasterXSize * size, y


def _area_weights(n, native_m, gsd_m):
    """(m, n) share of each coarse cell that each fine cell fills."""
    low = np.arange(int(n * native_m / gsd_m + 1e-6))[:, None] * gsd_m
    fine = np.arange(n) * native_m
    return np.clip(np.minimum(low + gsd_m, fine + native_m) - np.maximum(low, fine), 0, None) / gsd_m
