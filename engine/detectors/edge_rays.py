"""What a picture shows beyond the edges of boxes, along one way: how far it stays dark, and where the next box stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..detections import Detections
from ..patch import Patch

FACING = 0.35  # cosine between an edge's normal and the way from which the edge counts
ACROSS = 5  # lines along each edge
INNER = slice(0, None, 2)  # of these, those that look for the end of a block
STEP_PX = 0.7  # between samples along a line
TRIM_M = 0.5  # left out at both ends of an edge
FREE_M = 1.2  # bare beyond a free edge: gaps within a block are narrower
RUN_M = 0.9  # what rises stays up at least this far
BESIDE_M = 0.6  # what lies this close before another box may be its outline


@dataclass(frozen=True)
class Edges:
    """M sides of boxes that face a way. box: whose. start: points (M, ACROSS, 2) along each, in frame metres. facing: cosine between
    their normals and the way. normal: unit vectors (M, 2) outwards."""

    box: np.ndarray
    start: np.ndarray
    facing: np.ndarray
    normal: np.ndarray

    @classmethod
    def facing_to(cls, boxes: Detections, way: np.ndarray, mine: np.ndarray) -> Edges:
        """Those of boxes with these numbers (N) that face a unit vector; start points leave out the ends."""
        ring = boxes.select(mine).corners()
        side = np.roll(ring, -1, 1) - ring  # counter-clockwise: outside is to the right
        length = np.maximum(np.hypot(side[..., 0], side[..., 1]), 1e-6)
        facing = (side[..., 1] * way[0] - side[..., 0] * way[1]) / length
        box, number = np.nonzero((facing > FACING) & (length > 3 * TRIM_M))
        trim = (TRIM_M / length[box, number])[:, None]
        share = trim + (1 - 2 * trim) * np.linspace(0.0, 1.0, ACROSS)
        start = ring[box, number][:, None] + share[..., None] * side[box, number][:, None]
        normal = np.stack([side[..., 1], -side[..., 0]], -1) / length[..., None]
        return cls(mine[box], start, facing[box, number], normal[box, number])

    def along(self, way: np.ndarray) -> np.ndarray:
        """Cosine (M) between their normals and another unit vector."""
        return self.normal @ way

    def select(self, which: np.ndarray) -> Edges:
        """Those of a mask."""
        return Edges(*(getattr(self, field.name)[which] for field in fields(self)))

    @classmethod
    def together(cls, parts: Sequence[Edges]) -> Edges:
        """All of several."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@dataclass(frozen=True)
class Rays:
    """What lies along a way beyond M free edges, at the distances at_m (T): value of the picture, (M, T), median across the edge.

    free_m: (M) as far as no box is met and pixels are valid.
    """

    edges: Edges
    at_m: np.ndarray
    value: np.ndarray
    free_m: np.ndarray

    @classmethod
    def cast(
        cls, edges: Edges, way: np.ndarray, reach_m: float, patch: Patch, value: np.ndarray, numbers: np.ndarray
    ) -> Rays:
        """Along a unit vector, from edges with FREE_M of bare ground before them. numbers: picture of the boxes' numbers, -1 for none."""
        edges = edges.select(is_free(edges, way, patch, numbers))
        at_m = _steps(reach_m, patch)
        flat, unseen = _cells(edges.start, way, at_m, patch)
        stopped = unseen | _others(numbers.ravel()[flat], edges)
        first = np.where(stopped.any(2), stopped.argmax(2), len(at_m))
        free_m = np.sort(first, 1)[:, ACROSS // 2] * (at_m[1] - at_m[0])
        return cls(edges, at_m, np.median(value.ravel()[flat], axis=1).reshape(-1, len(at_m)), free_m)

    @classmethod
    def together(cls, parts: Sequence[Rays]) -> Rays:
        """All of several, of one reach and pixel."""
        edges = Edges.together([part.edges for part in parts])
        value, free_m = (np.concatenate([getattr(part, name) for part in parts]) for name in ("value", "free_m"))
        return cls(edges, parts[0].at_m, value, free_m)

    def mean(self, start_m: Any, end_m: Any) -> np.ndarray:
        """Mean value (M) between two distances, NaN where boxes or the picture's end leave none."""
        start, end = np.broadcast_to(start_m, self.free_m.shape), np.minimum(end_m, self.free_m - BESIDE_M)
        inside = (self.at_m >= start[:, None]) & (self.at_m < end[:, None])
        count = inside.sum(1)
        return np.where(count > 0, (self.value * inside).sum(1) / np.maximum(count, 1), np.nan)

    def rise_m(self, level: np.ndarray) -> np.ndarray:
        """Where the value rises over a level (M) for at least RUN_M; inf where it does not before a box or the picture's end."""
        run = max(2, int(np.ceil(RUN_M / (self.at_m[1] - self.at_m[0]))))
        over = (self.value > level[:, None]) & (self.at_m < (self.free_m - BESIDE_M / 2)[:, None])
        total = np.pad(over, ((0, 0), (1, 0))).cumsum(1)
        lasting = total[:, run:] - total[:, :-run] == run
        k = lasting.argmax(1)
        each = np.arange(len(k))
        before = self.value[each, np.maximum(k - 1, 0)]
        here = self.value[each, k]
        share = np.clip((here - level) / np.maximum(here - before, 1e-6), 0.0, 1.0)
        where = self.at_m[k] - share * (self.at_m[1] - self.at_m[0])
        return np.where(lasting.any(1), where, np.inf)


@dataclass(frozen=True)
class Exits:
    """Where lines (L each) from M edges leave the boxes they cross for bare ground: at_m (M, L), and last (M, L), the number of the box
    left there, -1 where they do not. box: whose edges."""

    box: np.ndarray
    at_m: np.ndarray
    last: np.ndarray

    @classmethod
    def find(cls, edges: Edges, way: np.ndarray, reach_m: float, patch: Patch, numbers: np.ndarray) -> Exits:
        """Along a unit vector, from edges beside which other boxes stand."""
        edges = edges.select(~is_free(edges, way, patch, numbers))
        at_m = _steps(reach_m, patch)
        step_m = at_m[1] - at_m[0]
        flat, unseen = _cells(edges.start[:, INNER], way, at_m, patch)
        number = numbers.ravel()[flat]
        run = int(np.ceil(FREE_M / step_m))
        total = np.pad((number < 0) & ~unseen, ((0, 0), (0, 0), (1, 0))).cumsum(2, dtype=np.int32)
        lasting = total[..., run:] - total[..., :-run] == run
        k = lasting.argmax(2)
        before = np.take_along_axis(number, np.maximum(k - 1, 0)[..., None], 2)[..., 0]
        return cls(edges.box, k * step_m, np.where(lasting.any(2) & (k > 0), before, -1))

    @classmethod
    def together(cls, parts: Sequence[Exits]) -> Exits:
        """All of several."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def is_free(edges: Edges, way: np.ndarray, patch: Patch, numbers: np.ndarray) -> np.ndarray:
    """Bool (M): edges before which most lines cross ground FREE_M wide, square to the edge, that is seen and holds no other box."""
    at_m = _steps(FREE_M / FACING, patch)
    flat, unseen = _cells(edges.start, way, at_m, patch)
    near = at_m < (FREE_M / edges.facing)[:, None, None]
    return (~(near & (unseen | _others(numbers.ravel()[flat], edges))).any(2)).sum(1) > ACROSS // 2


def _steps(reach_m: float, patch: Patch) -> np.ndarray:
    """Distances (T) along a line, at most STEP_PX pixels apart."""
    step_m = STEP_PX * patch.gsd_m
    return (np.arange(max(int(np.ceil(reach_m / step_m)), int(np.ceil(FREE_M / step_m)) + 1)) + 0.5) * step_m


def _cells(start: np.ndarray, way: np.ndarray, at_m: np.ndarray, patch: Patch) -> tuple[np.ndarray, np.ndarray]:
    """Flat numbers of the pixels at distances (T) from points (M, L, 2), shape (M, L, T), and which are not seen."""
    rows, columns = patch.shape
    first, along = patch.to_pixel(start[..., 0], start[..., 1]), (way[0] / patch.gsd_m, -way[1] / patch.gsd_m)
    column, row = (
        np.rint(begin.astype(np.float32)[..., None] + np.float32(step) * at_m.astype(np.float32)).astype(np.int32)
        for begin, step in zip(first, along)
    )
    outside = (row < 0) | (row >= rows) | (column < 0) | (column >= columns)
    flat = np.where(outside, 0, row * columns + column)
    return flat, outside | ~patch.valid.ravel()[flat]


def _others(number: np.ndarray, edges: Edges) -> np.ndarray:
    """Bool (M, L, T): where another box than the edge's own is met."""
    return (number >= 0) & (number != edges.box[:, None, None])


def numbered(boxes: Detections, patch: Patch) -> np.ndarray:
    """Picture (rows, columns) of the number of the box whose top is seen there, -1 for none."""
    picture = np.full(patch.shape, -1, np.int32)
    step = 0.9 * patch.gsd_m  # a few pixels stay open: no line passes by them
    u, v = (
        np.linspace(-0.5, 0.5, int(np.ceil(side.max(initial=0.0) / step)) + 1) for side in (boxes.length_m, boxes.width_m)
    )
    azimuth = np.radians(boxes.azimuth_deg)
    along, right = (np.stack([np.sin(a), np.cos(a)], 1) for a in (azimuth, azimuth + np.pi / 2))
    along, right = along * boxes.length_m[:, None], right * boxes.width_m[:, None]
    points = along[:, None, None] * u[:, None, None] + right[:, None, None] * v[:, None]
    column, row = (np.rint(p).astype(int) for p in patch.to_pixel(
        points[..., 0] + boxes.x[:, None, None], points[..., 1] + boxes.y[:, None, None]))  # fmt: skip
    inside = (row >= 0) & (row < patch.shape[0]) & (column >= 0) & (column < patch.shape[1])
    number = np.broadcast_to(np.arange(len(boxes))[:, None, None], row.shape)
    picture[row[inside], column[inside]] = number[inside]
    return picture
