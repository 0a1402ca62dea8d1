"""The reference layers: which there are, and what is in them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Callable, NamedTuple

from qgis.core import QgsGeometry, QgsJsonUtils

from . import schema
from .berths import WIDTH_M, WINDS, berth_strips

DATA = Path(__file__).parent / "data"
APPROXIMATE_FROM_M = 50.0  # coarser than this, or of evidence C or D, is drawn as approximate
SIDES_KO = dict(zip(WINDS, ("북쪽", "북동쪽", "동쪽", "남동쪽", "남쪽", "남서쪽", "서쪽", "북서쪽")))
FACT = "fact"

Row = tuple[QgsGeometry, dict[str, Any]]  # geometry in WGS 84 (null for tables) and values by field name


class Table(NamedTuple):
    """One table of the GeoPackage. ``geometry`` is a WKB type's name or NoGeometry; ``rows`` makes the content."""

    name: str
    title: str
    geometry: str
    columns: tuple[schema.Column, ...]
    rows: Callable[[], list[Row]]
    about: str
    keeps_edits: bool = False  # tables that are the user's from the first day: never replaced


def _features(file: str) -> Iterator[Row]:
    text = (DATA / f"{file}.geojson").read_text("utf8")
    shapes = QgsJsonUtils.stringToFeatureList(text, QgsJsonUtils.stringToFields(text))
    for feature, shape in zip(json.loads(text)["features"], shapes):
        values = feature["properties"]
        coarse = values["accuracy_m"] > APPROXIMATE_FROM_M or values["evidence"] in ("C", "D")
        yield shape.geometry(), {**values, "approximate": coarse}


def _where(file: str, **wanted: tuple[str, ...]) -> list[Row]:
    return [row for row in _features(file) if all(row[1][key] in words for key, words in wanted.items())]


def _records(file: str, columns: tuple[schema.Column, ...]) -> list[Row]:
    kinds = {column.name: column.type for column in columns}
    with open(DATA / f"{file}.csv", encoding="utf8", newline="") as handle:
        rows = [{**row, "licence": FACT} for row in csv.DictReader(handle)]
    return [(QgsGeometry(), {key: _typed(text, kinds[key]) for key, text in row.items()}) for row in rows]


def _typed(text: str, kind: int) -> Any:
    if not text:
        return None
    return float(text) if kind == schema.REAL else text


def _landmarks() -> list[Row]:
    return [*_features("landmarks"), *_where("borders", kind=("tripoint",))]


def _berths() -> list[Row]:
    piers = list(_features("piers"))
    everything = QgsGeometry.unaryUnion([geometry for geometry, _ in piers])
    rows = []
    for geometry, pier in piers:
        for strip in berth_strips(geometry, WIDTH_M, everything):
            identifier = pier["id"].replace("pier", "berth") + "-" + strip.side.lower()
            values = {
                "id": identifier,
                "zone_id": identifier,
                "name": f"{pier['name']}, {strip.side} side",
                "name_ko": f"{pier['name_ko']} {SIDES_KO[strip.side]} 선석",
                "kind": "berth",
                "approximate": True,
                "note": f"Derived: {WIDTH_M:g} m beside the long side of the pier. Move it with the pier before counting.",
            }
            rows.append((strip.geometry, {**pier, **values}))
    return rows


def _tracks() -> list[Row]:
    return [
        (line, {**row, "zone_id": row["id"], "kind": "track"}) for line, row in _where("railway", id=("rail-rajin-port",))
    ]


def _railway_russia() -> list[Row]:
    return [row for row in _features("railway") if row[1]["id"] != "rail-rajin-port"]


@cache
def tables() -> tuple[Table, ...]:
    """All tables, in the order in which they are listed and drawn: the first on top."""
    return (
        Table(
            "stations",
            "Stations",
            "Point",
            schema.REFERENCE,
            lambda: list(_features("stations")),
            "Railway stations between Rajin and Khasan, from published coordinates.",
        ),
        Table(
            "landmarks",
            "Landmarks",
            "Point",
            schema.REFERENCE,
            _landmarks,
            "Friendship Bridge, road bridge under construction, refinery, crossings and other points, from published "
            "coordinates; the ring is the position error to expect.",
        ),
        Table(
            "roofs",
            "Roofs",
            "MultiPolygon",
            schema.ROOFS,
            list,
            "Nothing can be counted below a roof. Empty: draw roofs over tracks and yards here, with the dates between which "
            "they stood. The canopy built over the tracks at Tumangang since December 2024 is about 348 m by 26 m; no outline "
            "of it was published.",
            True,
        ),
        Table(
            "piers",
            "Piers",
            "MultiPolygon",
            schema.PIERS,
            lambda: list(_features("piers")),
            "The three piers of Rajin port. Small-scale outlines, 55-90 m off in places: move them onto the scene.",
        ),
        Table(
            "berths",
            "Berths",
            "MultiPolygon",
            schema.COUNTABLE,
            _berths,
            "Strips of water along the long sides of the piers, derived from their outlines. Move them with the piers.",
        ),
        Table(
            "tracks",
            "Tracks",
            "MultiLineString",
            schema.COUNTABLE,
            _tracks,
            "For you to draw: one line a track, within half a metre of its rails. What is in it is schematic.",
            True,
        ),
        Table(
            "railway_russia",
            "Railway to Russia (schematic)",
            "MultiLineString",
            schema.REFERENCE,
            _railway_russia,
            "Straight lines between stations from Rajin to Khasan: not the tracks.",
        ),
        Table(
            "fence",
            "Fence (approximate)",
            "MultiLineString",
            schema.REFERENCE,
            lambda: list(_features("fence")),
            "Not surveyed: the land side of an administrative boundary, kilometres off in places.",
        ),
        Table(
            "border_prk_chn",
            "Border DPRK-China",
            "MultiLineString",
            schema.REFERENCE,
            lambda: _where("borders", id=("border-prk-chn",)),
            "The border in the Tumen river. OpenStreetMap, 2017.",
        ),
        Table(
            "border_prk_rus",
            "Border DPRK-Russia",
            "MultiLineString",
            schema.REFERENCE,
            lambda: _where("borders", id=("border-prk-rus", "border-prk-rus-sea")),
            "The border in the Tumen river and a part of the territorial sea limit. OpenStreetMap, 2017.",
        ),
        Table(
            "coastline",
            "Coastline",
            "MultiLineString",
            schema.REFERENCE,
            lambda: list(_features("coastline")),
            "Generalised shore of the DPRK and Russia, 100-150 m off in places. OpenStreetMap, 2017.",
        ),
        Table(
            "zone",
            "Special economic zone (approximate)",
            "MultiPolygon",
            schema.REFERENCE,
            lambda: list(_features("zone")),
            "The special city's boundary as a stand-in for the zone: not the same line.",
        ),
        Table(
            "reported_activity",
            "Reported activity",
            "NoGeometry",
            schema.REPORTED_ACTIVITY,
            lambda: _records("reported_activity", schema.REPORTED_ACTIVITY),
            "Published counts with their sources. Cumulative totals overlap and must not be added.",
        ),
        Table(
            "events",
            "Events",
            "NoGeometry",
            schema.EVENTS,
            lambda: _records("events", schema.EVENTS),
            "Dated events behind the counts, with their sources.",
        ),
        Table(
            "object_dimensions",
            "Object dimensions",
            "NoGeometry",
            schema.OBJECT_DIMENSIONS,
            lambda: _records("object_dimensions", schema.OBJECT_DIMENSIONS),
            "Lengths and widths of containers, wagons, ships and trucks, with their sources.",
        ),
    )
