"""Berth strips: the water beside a pier where a ship alongside has its centre.

Geometry goes in and comes out as WGS 84 longitude and latitude; widths are true metres on the ground.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsGeometry,
    QgsPointXY,
    QgsWkbTypes,
)

WIDTH_M = 40.0  # the beam of a 120 m coaster is 18-22 m: two abreast, or one and the error of the quay line
ALONG_DEG = 20.0  # an edge turned further than this from the pier's long axis is its root or its tip
SHORTEST_SHARE = 0.25  # of the longest quay line; shorter ones are corners
WINDS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
WGS84 = "EPSG:4326"


class Strip(NamedTuple):
    """One berth: the wind it faces as seen from its pier (empty when it wraps round), and its polygon."""

    side: str
    geometry: QgsGeometry


def metres_at(point: QgsPointXY) -> QgsCoordinateReferenceSystem:
    """A metric CRS centred on a point in degrees; within 50 km of it lengths are true to 0.002 %."""
    return QgsCoordinateReferenceSystem.fromProj(
        f"+proj=aeqd +lat_0={point.y():.6f} +lon_0={point.x():.6f} +datum=WGS84 +units=m +no_defs"
    )


def berth_strips(pier: QgsGeometry, width_m: float, piers: QgsGeometry, water: QgsGeometry | None = None) -> list[Strip]:
    """The strips beside one pier (polygon).

    With ``water`` (polygons) they are all water within width_m of the pier. Without, they lie along both long sides: a
    pier's root and tip are left out, and so is what another of the ``piers`` covers.
    """
    frame = metres_at(pier.centroid().asPoint())
    there = QgsCoordinateTransform(QgsCoordinateReferenceSystem(WGS84), frame, QgsCoordinateTransformContext())

    def local(geometry):
        moved = QgsGeometry(geometry)
        moved.transform(there)
        return moved

    pier_m, land = local(pier), local(piers)
    if water is not None:
        near = pier_m.buffer(width_m, 8).intersection(local(water))
        found = [Strip("", part) for part in _polygons(near.difference(land))]
    else:
        found = [Strip(side, strip) for side, strip in _beside(pier_m, width_m, land)]
    largest = max((strip.geometry.area() for strip in found), default=0.0)
    strips = [strip for strip in found if strip.geometry.area() > 0.05 * largest]
    for strip in strips:
        strip.geometry.transform(there, Qgis.TransformDirection.Reverse)
    return strips


def _beside(pier: QgsGeometry, width_m: float, land: QgsGeometry):
    for ring in _rings(pier):
        chains = _quay_lines(ring)
        longest = max(map(_length, chains), default=0.0)
        for chain in chains:
            if _length(chain) >= SHORTEST_SHARE * longest:
                strip = _outside(chain, width_m).difference(land)
                side = _wind(chain)
                yield from ((side, part) for part in _polygons(strip))


def _rings(pier: QgsGeometry) -> list[list[QgsPointXY]]:
    """Outer rings, clockwise, without the closing point: the outside is to the left."""
    rings = []
    for part in _polygons(pier):
        ring = part.asPolygon()[0][:-1]
        twice_area = sum(a.x() * b.y() - b.x() * a.y() for a, b in zip(ring, ring[1:] + ring[:1]))
        rings.append(ring if twice_area < 0 else ring[::-1])
    return rings


def _quay_lines(ring: list[QgsPointXY]) -> list[list[QgsPointXY]]:
    """Chains of edges that run along the long axis of the ring's smallest rectangle."""
    box = QgsGeometry.fromPolygonXY([[*ring, ring[0]]]).orientedMinimumBoundingBox()[0].asPolygon()[0]
    long_side = max(zip(box, box[1:]), key=lambda edge: edge[0].distance(edge[1]))
    axis = long_side[0].azimuth(long_side[1])
    edges = list(zip(ring, ring[1:] + ring[:1]))
    along = [abs((a.azimuth(b) - axis + 90) % 180 - 90) <= ALONG_DEG for a, b in edges]
    start = along.index(False) if False in along else 0  # so that no chain is cut by the ring's first point
    chains: list[list[QgsPointXY]] = []
    previous = False
    for (a, b), keep in zip(edges[start:] + edges[:start], along[start:] + along[:start]):
        if keep and previous:
            chains[-1].append(b)
        elif keep:
            chains.append([a, b])
        previous = keep
    return chains


def _outside(chain: list[QgsPointXY], width_m: float) -> QgsGeometry:
    """The strip to the left of a chain: a rectangle an edge, and a wedge where two edges part."""
    pieces, last = [], None
    for a, b in zip(chain, chain[1:]):
        length = a.distance(b)
        if not length:
            continue
        dx, dy = -(b.y() - a.y()) / length * width_m, (b.x() - a.x()) / length * width_m
        a_out, b_out = QgsPointXY(a.x() + dx, a.y() + dy), QgsPointXY(b.x() + dx, b.y() + dy)
        pieces.append([a, b, b_out, a_out, a])
        if last is not None:
            pieces.append([a, last, a_out, a])
        last = b_out
    return QgsGeometry.unaryUnion([QgsGeometry.fromPolygonXY([piece]).makeValid() for piece in pieces])


def _wind(chain: list[QgsPointXY]) -> str:
    """The wind the chain's left side faces."""
    return WINDS[round(((chain[0].azimuth(chain[-1]) - 90) % 360) / 45) % 8]


def _length(chain: list[QgsPointXY]) -> float:
    return math.fsum(a.distance(b) for a, b in zip(chain, chain[1:]))


def _polygons(geometry: QgsGeometry) -> list[QgsGeometry]:
    parts = geometry.asGeometryCollection() if not geometry.isEmpty() else []
    return [part for part in parts if part.type() == QgsWkbTypes.GeometryType.PolygonGeometry]
