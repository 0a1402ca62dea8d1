"""A track straightened into a strip: one row for each step along the line, one column for each step across it.

Everything that looks along a line (wagons on a track, ships along a quay, boxes along a lane) starts from such a strip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..patch import Patch
from .base import Progress, SceneLike, silent

PIECE_M = 60.0  # a track is read in pieces this long, so that a long diagonal track never needs its whole bounding box
TANGENT_M = 2.0  # the direction is taken over this half length, so that a digitised kink does not fold the strip


@dataclass(frozen=True)
class Strip:
    """A straightened line with n steps along and m across.

    s_m: (n,) distance along the line of each step's middle. x, y: (n,) the line in frame metres. along: (n, 2) unit vectors.
    across_m: (m,) offsets to the right of the travelling direction. colour: float32 (n, m, 3) red, green, blue.
    weight: float32 (n, m) share of a sample that was observed, 0..1. background: float32 (k, 3) colours of the surroundings,
    a thin sample of all pixels read. step_m: distance between rows.
    """

    s_m: np.ndarray
    x: np.ndarray
    y: np.ndarray
    along: np.ndarray
    across_m: np.ndarray
    colour: np.ndarray
    weight: np.ndarray
    background: np.ndarray
    step_m: float

    def __len__(self) -> int:
        return len(self.s_m)

    @property
    def observed(self) -> np.ndarray:
        """Bool (n,): rows of which more than a third was seen."""
        return self.weight.mean(1) > 1 / 3

    def rows(self, which: slice) -> Strip:
        """A stretch of the strip."""
        parts = {name: getattr(self, name)[which] for name in ("s_m", "x", "y", "along", "colour", "weight")}
        return replace(self, **parts)

    def narrowed(self, half_m: float) -> Strip:
        """Only what lies within ``half_m`` of the line."""
        inside = np.flatnonzero(np.abs(self.across_m) <= half_m + 1e-6)
        near = slice(inside[0], inside[-1] + 1) if len(inside) else slice(0)
        return replace(self, across_m=self.across_m[near], colour=self.colour[:, near], weight=self.weight[:, near])

    def moved(self, by_m: float) -> Strip:
        """The same strip with distances counted from elsewhere."""
        return replace(self, s_m=self.s_m + by_m)

    def lanes(self, edges_m: Any) -> tuple[np.ndarray, np.ndarray]:
        """Means across the line between pairs of offsets (from, to): colour (n, lanes, 3) and observed share (n, lanes)."""
        columns = np.stack([(self.across_m >= low) & (self.across_m <= high) for low, high in edges_m]).astype(np.float32)
        inside = np.flatnonzero(columns.any(0))
        used = slice(inside[0], inside[-1] + 1) if len(inside) else slice(0)
        weight, chosen = self.weight[:, used], columns[:, used].T
        weighted = (self.colour[:, used] * weight[..., None]).reshape(len(self), -1)
        bands = np.zeros((len(chosen), 3, len(columns), 3), np.float32)
        for band in range(3):
            bands[:, band, :, band] = chosen
        colour = (weighted @ bands.reshape(3 * len(chosen), -1)).reshape(len(self), -1, 3)  # at once is twice as fast
        total = weight @ chosen
        return colour / np.maximum(total, 1e-6)[..., None], total / columns.sum(1)


def points_along(line: Any, step_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points every ``step_m`` along a shapely line: distance (n,), x, y (n,) and unit direction (n, 2).

    The last step that does not fit whole is left out; a line shorter than one step gives no points.
    """
    knots = np.asarray(line.coords, float)[:, :2]
    at = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T))])
    s = (np.arange(int(at[-1] / step_m + 1e-9)) + 0.5) * step_m

    def where(distance: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(distance, at, knots[:, k]) for k in (0, 1)], axis=1)

    ahead = where(np.minimum(s + TANGENT_M, at[-1])) - where(np.maximum(s - TANGENT_M, 0.0))
    middle = where(s)
    return s, middle[:, 0], middle[:, 1], ahead / np.maximum(np.hypot(*ahead.T), 1e-9)[:, None]


def straighten(
    scene: SceneLike,
    line: Any,
    *,
    step_m: float,
    half_width_m: float,
    gsd_m: float | None = None,
    around_m: float = 0.0,
    progress: Progress = silent,
) -> Strip:
    """Sample a scene along a shapely line of frame metres, ``half_width_m`` to either side, bilinearly.

    The scene is read piece by piece with ``around_m`` more on every side, at ``gsd_m`` (native when None).
    """
    s, x, y, along = points_along(line, step_m)
    half = int(round(half_width_m / step_m))
    across = np.arange(-half, half + 1) * step_m
    colour = np.zeros((len(s), len(across), 3), np.float32)
    weight = np.zeros((len(s), len(across)), np.float32)
    background = [np.zeros((0, 3), np.float32)]
    for rows in _pieces(len(s), step_m):
        right = np.stack([along[rows, 1], -along[rows, 0]], axis=1)
        px = x[rows, None] + right[:, :1] * across
        py = y[rows, None] + right[:, 1:] * across
        margin = around_m + 2 * scene.gsd_m
        patch = scene.read((px.min() - margin, py.min() - margin, px.max() + margin, py.max() + margin), gsd_m)
        colour[rows], weight[rows] = bilinear(patch, px, py)
        background.append(_thin_sample(patch))
        progress(rows.stop / len(s))
    return Strip(s, x, y, along, across, colour, weight, np.concatenate(background), step_m)


def bilinear(patch: Patch, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours (..., 3) and observed share (...) of a patch at frame points; pixels not observed do not contribute."""
    rows, columns = patch.shape
    column, row = patch.to_pixel(x, y)
    c0 = np.clip(np.floor(column).astype(np.intp), 0, columns - 2)
    r0 = np.clip(np.floor(row).astype(np.intp), 0, rows - 2)
    fc, fr = np.clip(column - c0, 0, 1).astype(np.float32), np.clip(row - r0, 0, 1).astype(np.float32)
    seen = patch.valid.astype(np.float32)
    pixels = np.stack([*(patch.rgb() * seen), seen], axis=-1).reshape(-1, 4)  # the fourth channel carries the observed share
    total = np.zeros((*column.shape, 4), np.float32)
    for dr, dc in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = (fr if dr else 1 - fr) * (fc if dc else 1 - fc)
        total += share[..., None] * pixels.take((r0 + dr) * columns + c0 + dc, axis=0)
    return total[..., :3] / np.maximum(total[..., 3:], 1e-6), total[..., 3]


def lengthened(line: Any, by_m: float) -> Any:
    """The shapely line drawn on straight past both its ends, in the direction of its last ten metres."""
    from shapely.geometry import LineString

    knots = np.asarray(line.coords, float)[:, :2]
    near = min(10.0, 0.5 * line.length)
    inner = [np.array(line.interpolate(at).coords[0][:2]) for at in (near, line.length - near)]
    outer = [end + (end - back) / max(np.hypot(*(end - back)), 1e-9) * by_m for end, back in zip(knots[[0, -1]], inner)]
    return LineString(np.vstack([outer[0], knots, outer[1]]))


def observed_runs(strip: Strip, bridge_m: float) -> list[slice]:
    """Stretches of the strip that were seen, holes up to ``bridge_m`` long bridged (a mast, a printed mark)."""
    seen = np.flatnonzero(strip.observed)
    if not len(seen):
        return []
    breaks = np.flatnonzero(np.diff(seen) * strip.step_m > bridge_m + strip.step_m)
    starts = seen[np.concatenate([[0], breaks + 1])]
    stops = seen[np.concatenate([breaks, [len(seen) - 1]])] + 1
    return [slice(int(a), int(b)) for a, b in zip(starts, stops)]


def _pieces(n: int, step_m: float) -> Iterator[slice]:
    size = max(1, int(PIECE_M / step_m))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def _thin_sample(patch: Patch) -> np.ndarray:
    """About a thousand observed pixels of a patch, (k, 3)."""
    stride = max(1, int(np.sqrt(patch.valid.size / 1000.0)))
    keep = patch.valid[::stride, ::stride]
    return np.ascontiguousarray(patch.rgb()[:, ::stride, ::stride][:, keep].T)
