"""Counting zones out of a map layer's features, and of what its fields say about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from qgis.core import Qgis, QgsCoordinateTransform, QgsGeometry, QgsWkbTypes

from ..engine.words import KINDS
from .berths import berth_strips

AUTO = "auto"
# Fields that say what a feature is, in the order in which they are asked; OpenStreetMap's and Rason's own.
KIND_FIELDS = ("kind", "man_made", "landuse", "natural")
KIND_OF_WORD = {
    **{kind: kind for kind in KINDS},
    "quay": "pier",
    "breakwater": "area",
    "container_yard": "yard",
    "depot": "yard",
    "basin": "water",
    "harbour": "water",
    "bay": "water",
}
ID_FIELDS = ("zone_id", "id", "osm_id", "full_id")
NAME_FIELDS = ("name", "name_en", "ref", "railway:track_ref")
RAILWAY_FIELDS = ("railway", "other_tags")  # the second is GDAL's bag of OpenStreetMap tags
RAILWAY_TAG = re.compile(r'"railway"=>"([^"]*)"')


class Shape(NamedTuple):
    """One feature to make a zone of: a label for messages, its fields by lower-case name, and its valid geometry."""

    label: str
    values: Mapping[str, str]
    geometry: QgsGeometry

    @property
    def is_line(self) -> bool:
        """Whether it can be a track."""
        return self.geometry.type() == QgsWkbTypes.GeometryType.LineGeometry


class Zone(NamedTuple):
    """A zone as it is written, geometry as in the layer it comes from."""

    zone_id: str
    name: str
    kind: str
    geometry: QgsGeometry


def make(
    shapes: list[Shape],
    kind: str,
    id_fields: Iterable[str],
    to_wgs84: QgsCoordinateTransform,
    berth_width_m: float,
    water: QgsGeometry | None,
) -> Iterator[Zone]:
    """One zone a shape, of this kind or (auto) of the kind it has; behind each pier its berths.

    ``water`` is in WGS 84. Ids come from the first of ``id_fields`` that holds something, else they are numbers; they may
    repeat (see ``unique``).
    """
    kinds = [kind_of(shape.values, shape.is_line) if kind == AUTO else kind for shape in shapes]
    piers = [_moved(shape.geometry, to_wgs84) for shape, word in zip(shapes, kinds) if word == "pier"]
    land = QgsGeometry.unaryUnion(piers)
    for number, (shape, word) in enumerate(zip(shapes, kinds), 1):
        zone_id = first(shape.values, id_fields) or f"{word}-{number}"
        name = first(shape.values, NAME_FIELDS)
        yield Zone(zone_id, name, word, shape.geometry)
        if word == "pier" and berth_width_m:
            for strip in berth_strips(_moved(shape.geometry, to_wgs84), berth_width_m, land, water):
                strip.geometry.transform(to_wgs84, Qgis.TransformDirection.Reverse)
                side = f"{strip.side} side" if strip.side else "berth"
                ending = strip.side.lower() if strip.side else "berth"
                yield Zone(f"{zone_id}-{ending}", f"{name or zone_id}, {side}", "berth", strip.geometry)


def _moved(geometry: QgsGeometry, way: QgsCoordinateTransform) -> QgsGeometry:
    moved = QgsGeometry(geometry)
    moved.transform(way)
    return moved


def kind_of(values: Mapping[str, str], is_line: bool) -> str:
    """The kind a feature has by its fields (lower-case names): lines are tracks, polygons an area unless they say more."""
    if is_line:
        return "track"
    said = (KIND_OF_WORD.get(values.get(field, "").lower()) for field in KIND_FIELDS)
    kind = next((word for word in said if word), "area")
    return "area" if kind == "track" else kind


def railway_of(values: Mapping[str, str]) -> str | None:
    """The value of the `railway` tag, "" for a feature that has none; None where the layer does not know the tag."""
    if not any(field in values for field in RAILWAY_FIELDS):
        return None
    tag = RAILWAY_TAG.search(values.get("other_tags", ""))
    return (values.get("railway") or (tag.group(1) if tag else "")).lower()


def first(values: Mapping[str, str], fields: Iterable[str]) -> str:
    """The first of these fields that holds something, or ""."""
    return next((values[field] for field in fields if values.get(field)), "")


def unique(identifiers: Iterable[str]) -> list[str]:
    """The same identifiers, with -2, -3, … behind those that occur again."""
    taken: set[str] = set()
    result = []
    for identifier in identifiers:
        candidate, number = identifier, 1
        while candidate in taken:
            number += 1
            candidate = f"{identifier}-{number}"
        taken.add(candidate)
        result.append(candidate)
    return result
