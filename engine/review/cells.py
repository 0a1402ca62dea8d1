"""The cells of a review: ground cut into pieces a person can go through, and the order in which they are drawn.

A cell's chance grows with what the detector makes of it, so that the looks go where its errors can be large; a third of the
chances goes by ground alone, so that a blind detector cannot keep a cell out of sight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import Refusal
from ..zones import TRACK_REACH_M, Zone

# About five objects where they stand close, and small enough to be seen at once on a screen.
SIDES_M = {"freight_car": 50.0, "container": 40.0, "ship": 500.0}
USUAL_SIDE_M = 50.0
BY_GROUND = 1 / 3
MOST_CELLS = 50_000


@dataclass(frozen=True)
class Frame:
    """All cells of the zones: polygons that share no ground, zone_id being that of the zone they are cut from.

    expected: (M,) objects that the detector makes of each. chance: (M,) of being drawn first; the chances sum to 1.
    """

    cells: tuple[Zone, ...]
    expected: np.ndarray
    chance: np.ndarray

    def order(self, seed: int) -> np.ndarray:
        """Numbers (M,) of the cells as they are drawn, without replacement: the first n are a sample for any n.

        Each cell rings after an exponential time with its chance as rate, which draws one after another in proportion to the
        chances of those left.
        """
        rings = np.random.default_rng([seed, 11]).exponential(size=len(self.cells)) / self.chance
        return np.argsort(rings, kind="stable")


def frame(zones: Sequence[Zone], side_m: float, x: np.ndarray, y: np.ndarray, p: np.ndarray) -> Frame:
    """Cut the zones into cells of about this side, given the detections' centres (N,) and p (N,).

    Raises Refusal for more cells than anyone could want.
    """
    cells = tuple(_cells(zones, side_m))
    expected, left = np.zeros(len(cells)), np.ones(len(x), bool)
    for i, cell in enumerate(cells):
        inside = left & cell.holds(x, y)
        expected[i] = p[inside].sum()
        left &= ~inside
    ground = np.array([cell.area_m2 for cell in cells])
    chance = ground / ground.sum()
    if expected.any():
        chance = BY_GROUND * chance + (1 - BY_GROUND) * expected / expected.sum()
    return Frame(cells, expected, chance)


def _cells(zones: Sequence[Zone], side_m: float) -> list[Zone]:
    """Polygons of all zones; what an earlier zone holds is not cut again."""
    from shapely.ops import unary_union

    whole = [_strip(zone) if zone.is_track else zone.geometry for zone in zones]
    count = sum(zone.length_m / side_m if zone.is_track else zone.area_m2 / side_m**2 for zone in zones)
    if count > MOST_CELLS:
        raise Refusal("CELL of {side:g} m makes {count:,.0f} cells of ZONES. Make it larger.", side=side_m, count=count)
    cells: list[Zone] = []
    for i, zone in enumerate(zones):
        before = [ground for ground in whole[:i] if ground.intersects(whole[i])]
        taken = unary_union(before) if before else None
        for piece in _stretches(zone, side_m) if zone.is_track else zone.squares(side_m):
            piece = _polygons(piece if taken is None else piece.difference(taken))
            if piece.area > 0:
                cells.append(replace(zone, geometry=piece))
    return cells


def _strip(zone: Zone) -> Any:
    return zone.geometry.buffer(TRACK_REACH_M, cap_style=2)


def _stretches(zone: Zone, side_m: float) -> Iterator[Any]:
    """The strips of equal stretches of a track."""
    from shapely.ops import substring

    for line in zone.parts():
        count = max(1, round(line.length / side_m))
        edges = np.linspace(0, line.length, count + 1)
        for start, end in zip(edges, edges[1:]):
            yield substring(line, start, end).buffer(TRACK_REACH_M, cap_style=2)


def _polygons(geometry: Any) -> Any:
    """The polygons of a geometry alone: touching zones leave lines and points."""
    from shapely.geometry import MultiPolygon

    parts = [part for part in getattr(geometry, "geoms", [geometry]) if part.geom_type == "Polygon" and part.area > 0]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)
