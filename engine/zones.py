"""Where things are counted: polygons and track lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

# How far from a track's line the centre of a wagon on it may lie; half the usual distance of two tracks (4.5 m) is more.
TRACK_REACH_M = 2.0


@dataclass(frozen=True)
class Zone:
    """One zone in the scene's frame: a shapely (multi)polygon, or a (multi)line for tracks, coordinates in metres."""

    zone_id: str
    kind: str
    geometry: Any
    name: str = ""

    @property
    def is_track(self) -> bool:
        """Whether the zone is a line."""
        return "Line" in self.geometry.geom_type

    @property
    def length_m(self) -> float:
        """Length of a track; 0 for polygons."""
        return float(self.geometry.length) if self.is_track else 0.0

    @property
    def area_m2(self) -> float:
        """Area of a polygon; 0 for tracks."""
        return float(self.geometry.area)

    def parts(self) -> list:
        """The single lines or polygons."""
        return [part for part in getattr(self.geometry, "geoms", [self.geometry]) if not part.is_empty]

    def squares(self, side_m: float) -> Iterator[Any]:
        """The polygon cut into pieces that fit into equal rectangles of at most this side."""
        from shapely.geometry import box

        west, south, east, north = self.geometry.bounds
        columns, rows = (max(1, int(np.ceil(side / side_m))) for side in (east - west, north - south))
        xs, ys = np.linspace(west, east, columns + 1), np.linspace(south, north, rows + 1)
        for i in range(columns):
            for j in range(rows):
                piece = self.geometry.intersection(box(xs[i], ys[j], xs[i + 1], ys[j + 1]))
                if piece.area > 0:
                    yield piece

    def holds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which points (N,) belong to the zone: inside the polygon, or within TRACK_REACH_M of the track."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        reach = TRACK_REACH_M if self.is_track else 0.0
        west, south, east, north = self.geometry.bounds
        near = np.flatnonzero((x >= west - reach) & (x <= east + reach) & (y >= south - reach) & (y <= north + reach))
        answer = np.zeros(x.shape, bool)
        if near.size:
            test = _near_line if self.is_track else _in_rings
            answer[near] = test(self._chains(), x[near], y[near])
        return answer

    def _chains(self) -> list[np.ndarray]:
        """Vertices (K, 2) of the lines, or of all rings of the polygons."""
        if self.is_track:
            return [np.asarray(part.coords)[:, :2] for part in self.parts()]
        return [np.asarray(ring.coords)[:, :2] for part in self.parts() for ring in (part.exterior, *part.interiors)]


def _in_rings(rings: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Even-odd rule. Half-open: a point on the common side of two zones belongs to one of them."""
    inside = np.zeros(x.shape, bool)
    for ring in rings:
        (ax, ay), (bx, by) = ring[:-1].T[:, :, None], ring[1:].T[:, :, None]
        crosses = (ay > y) != (by > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= ((crosses & (x < ax + (y - ay) * (bx - ax) / (by - ay))).sum(0) % 2).astype(bool)
    return inside


def _near_line(lines: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Within TRACK_REACH_M of any segment."""
    near = np.zeros(x.shape, bool)
    for line in lines:
        (ax, ay), (bx, by) = line[:-1].T[:, :, None], line[1:].T[:, :, None]
        dx, dy = bx - ax, by - ay
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / np.maximum(dx * dx + dy * dy, 1e-12), 0, 1)
        near |= (np.hypot(x - ax - along * dx, y - ay - along * dy) <= TRACK_REACH_M).any(0)
    return near
