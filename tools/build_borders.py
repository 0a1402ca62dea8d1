#!/usr/bin/env python3
"""Derive borders.geojson and coastline.geojson around Rason from two npm data packages.

    python3 tools/build_borders.py

fetches the packages with npm (46 MB) into a temporary folder, and writes the two small files into layers/data. Needs npm
and shapely, and about 1 GB of memory for ten seconds. Run it only to renew the files: they are part of the repository.

The data are OpenStreetMap's of 2017, (c) OpenStreetMap contributors, under the ODbL 1.0; so are the results. The MIT licence
named in the packages covers their code only.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

COASTLINE, MARITIME = "countries-coastline-1m", "countries-maritime-10m"
VERSION = "0.6.0"
DATA = Path(__file__).resolve().parent.parent / "layers" / "data"
WINDOW = (130.0, 42.0, 131.0, 42.9)  # west, south, east, north in degrees
MOUTH = (130.69945, 42.29331)  # where the line in the Tumen river meets the sea
CODES = ("PRK", "CHN", "RUS")
SHORTEST_M = 50  # scraps along the window's edge are dropped


def fetch(package: str, folder: Path) -> Path:
    """Download one package with npm; returns the path of its country polygons."""
    command = ["npm", "pack", "--silent", f"@geo-maps/{package}@{VERSION}"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(folder / f"geo-maps-{package}-{VERSION}.tgz") as archive:
        archive.extract("package/map.geo.json", folder / package)
    return folder / package / "package" / "map.geo.json"


def countries(path: Path) -> dict:
    """Polygons of the three neighbours, cut to the window."""
    from shapely.geometry import box, shape
    from shapely.ops import unary_union
    from shapely.validation import make_valid

    window, result = box(*WINDOW), {}
    for feature in json.loads(path.read_text("utf8"))["features"]:
        code = feature["properties"].get("A3")
        if code in CODES:
            geometry = shape(feature["geometry"])
            near = [make_valid(part) for part in getattr(geometry, "geoms", [geometry]) if part.intersects(window)]
            result[code] = unary_union(near).intersection(window)
    return result


def length_m(line) -> float:
    """Length on the WGS 84 ellipsoid."""
    from pyproj import Geod

    return Geod(ellps="WGS84").geometry_length(line)


def lines(geometry) -> list:
    """Merged lines of any geometry that holds lines, longest first."""
    from shapely.geometry import MultiLineString
    from shapely.ops import linemerge

    parts = [part for part in getattr(geometry, "geoms", [geometry]) if part.geom_type in ("LineString", "LinearRing")]
    merged = linemerge(MultiLineString([list(part.coords) for part in parts]))
    return sorted(getattr(merged, "geoms", [merged]), key=length_m, reverse=True)


def shared(a, b):
    """The longest line two countries share."""
    return lines(a.boundary.intersection(b.boundary))[0]


def starting_at(line, point):
    """The line, turned if need be so that it starts at its end nearer to the point."""
    from shapely.geometry import LineString, Point

    head, tail = Point(line.coords[0]), Point(line.coords[-1])
    return line if head.distance(point) <= tail.distance(point) else LineString(list(line.coords)[::-1])


def borders(land: dict, sea: dict) -> list[dict]:
    """The river borders, the part of the territorial sea limit inside the window, and the tripoint."""
    from shapely.geometry import LineString, Point
    from shapely.ops import substring

    china, upper = shared(land["PRK"], land["CHN"]), shared(land["PRK"], land["RUS"])
    tripoint = Point(min((upper.coords[0], upper.coords[-1]), key=lambda end: china.distance(Point(end))))
    upper = starting_at(upper, tripoint)
    # The land polygons end where the estuary counts as sea, 4 km short of the mouth; the coarser maritime ones go on.
    whole = starting_at(shared(sea["PRK"], sea["RUS"]), tripoint)
    leave, mouth = whole.project(Point(upper.coords[-1])), whole.project(Point(MOUTH))
    river = LineString([*upper.coords, *list(substring(whole, leave, mouth).coords)[1:]])
    offshore = substring(whole, mouth, whole.length)
    return [
        feature(china, "border-prk-chn", "Border PRK-CHN (Tumen river)", "조중 국경 (두만강)", "border", 50),
        feature(river, "border-prk-rus", "Border PRK-RUS (Tumen river to its mouth)", "조로 국경 (두만강)", "border", 100),
        feature(
            offshore,
            "border-prk-rus-sea",
            "PRK-RUS territorial sea limit (part)",
            "조로 영해 경계 (일부)",
            "border_maritime",
            500,
        ),
        feature(tripoint, "tripoint-prk-chn-rus", "Tripoint PRK-CHN-RUS", "조중로 3국 국경점", "tripoint", 50),
    ]


def coastline(land: dict) -> list[dict]:
    """The shores of PRK and RUS inside the window, without the borders and the window's edge."""
    from shapely.geometry import box
    from shapely.ops import unary_union

    edge, features = box(*WINDOW).boundary.buffer(1e-7), []
    for code, korean in (("PRK", "조선"), ("RUS", "로씨야")):
        neighbours = unary_union([land[other].boundary for other in CODES if other != code]).buffer(1e-7)
        shore = land[code].boundary.difference(neighbours).difference(edge)
        kept = [line for line in lines(shore) if length_m(line) >= SHORTEST_M]
        for number, line in enumerate(kept, 1):
            name = (f"Coastline {code} {number}", f"{korean} 해안선 {number}")
            features.append(feature(line, f"coast-{code.lower()}-{number}", *name, "coastline", 150))
    return features


def feature(shape, identifier: str, name: str, name_ko: str, kind: str, accuracy_m: float) -> dict:
    """A GeoJSON feature of a line or point with the fields of the reference layers; coordinates rounded to a decimetre."""
    line = shape.geom_type == "LineString"
    window = f"{WINDOW[0]}-{WINDOW[2]} E, {WINDOW[1]}-{WINDOW[3]} N"
    properties = {
        "id": identifier,
        "name": name,
        "name_ko": name_ko,
        "kind": kind,
        "source": f"OpenStreetMap via geo-maps {VERSION}",
        "source_date": "2017",
        "licence": "ODbL-1.0, (c) OpenStreetMap contributors",
        "accuracy_m": accuracy_m,
        "evidence": "B",
        "note": f"Simplified; {length_m(shape) / 1000:.2f} km inside {window}." if line else "Where the two borders meet.",
    }
    coordinates = [[round(x, 6), round(y, 6)] for x, y in shape.coords]
    geometry = {"type": shape.geom_type, "coordinates": coordinates if line else coordinates[0]}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def save(name: str, features: list[dict]) -> None:
    """Write one feature a line, so that differences can be read."""
    rows = [json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in features]
    text = f'{{"type":"FeatureCollection","name":"{name}","features":[\n' + ",\n".join(rows) + "\n]}\n"
    (DATA / f"{name}.geojson").write_text(text, "utf8")


def main() -> None:
    """Fetch, derive, save."""
    with tempfile.TemporaryDirectory() as folder:
        land, sea = (countries(fetch(package, Path(folder))) for package in (COASTLINE, MARITIME))
    save("borders", borders(land, sea))
    save("coastline", coastline(land))


if __name__ == "__main__":
    main()
