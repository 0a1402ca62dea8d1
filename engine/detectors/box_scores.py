"""How well an upright rectangle of a given size is outlined by edges, for every position of a picture at once.

The picture lies in the boxes' own frame (``upright``), so that a side is a run of pixels along a row or a column and its
mean edge is one box filter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..patch import Patch

SATURATION_PERCENTILE = 92.0  # the strong edges of a block: tops against gaps and ground
SATURATION = 0.45  # of that: an edge nearly half as strong counts in full, so that paint and haze do not matter
NOISE_TIMES = 5.0  # an edge must beat the bare ground's own texture by this much before it counts in full
AXIS_TEXTURE_TIMES = 2.0  # gradients below twice the bare ground's say nothing about direction
AXIS_PERCENTILE = 97.0  # and a few glaring ones must not decide alone
RIDGE_M = 0.5  # half width over which a dark gap between two boxes of one colour shows
TOLERANCE_M = 0.25  # a side may lie this far off: stacks lean and rows are skewed by a degree or two
INNER_MARGIN_M = 0.7  # lines this near a side belong to it


@dataclass(frozen=True)
class Upright:
    """A patch turned into the boxes' frame: columns run along ``axis_deg`` (clockwise from north), rows to its right.

    rgb: (3, rows, columns). away: (rows, columns), distance from the ground's colours. valid: bool (rows, columns). centre:
    frame coordinates of the middle.
    """

    rgb: np.ndarray
    away: np.ndarray
    valid: np.ndarray
    centre: tuple[float, float]
    axis_deg: float
    pixel_m: float

    def to_frame(self, column: Any, row: Any) -> tuple[np.ndarray, np.ndarray]:
        """Frame coordinates of fractional pixel positions."""
        rows, columns = self.valid.shape
        along = (np.asarray(column) - (columns - 1) / 2) * self.pixel_m
        right = (np.asarray(row) - (rows - 1) / 2) * self.pixel_m
        s, c = np.sin(np.radians(self.axis_deg)), np.cos(np.radians(self.axis_deg))
        return self.centre[0] + along * s + right * c, self.centre[1] + along * c - right * s

    def mask(self, patch: Patch, inside: np.ndarray) -> np.ndarray:
        """A bool picture of the patch seen in this frame."""
        rows, columns = np.indices(self.valid.shape, sparse=True)
        column, row = (np.round(v).astype(int) for v in patch.to_pixel(*self.to_frame(columns, rows)))
        held = (column >= 0) & (row >= 0) & (column < inside.shape[1]) & (row < inside.shape[0])
        return held & inside[np.where(held, row, 0), np.where(held, column, 0)]


def axis_of(patch: Patch, raised: np.ndarray, bare: np.ndarray) -> tuple[float, float]:
    """Direction of the edges of what stands on the ground, and how clearly they share it.

    raised, bare: bool (rows, columns), pixels of objects and of ground. Returns degrees clockwise from north, 0..90 (right
    angles count as one), and the peak of the smoothed histogram of gradient directions over its mean: 1 where nothing
    is aligned, 0 where nothing stands.
    """
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(patch.rgb(), (0, 0.7, 0.7))
    down, across = ndimage.sobel(smooth, axis=1), ndimage.sobel(smooth, axis=2)
    strength = np.hypot(down, across)
    pick = strength.argmax(0)[None]
    strength, down, across = (np.take_along_axis(a, pick, 0)[0] for a in (strength, down, across))
    seen = ndimage.binary_erosion(patch.valid, iterations=3)
    # Single pixels of another colour are noise; an object's edge lies on its rim, half of it on the ground.
    use = ndimage.binary_dilation(ndimage.binary_opening(raised), iterations=2) & seen
    if not use.any():
        return 0.0, 0.0
    texture = np.median(strength[bare & seen]) if np.any(bare & seen) else 0.0
    weight = np.clip(strength[use] - AXIS_TEXTURE_TIMES * texture, 0.0, None)
    weight = np.minimum(weight, np.percentile(weight, AXIS_PERCENTILE))
    angle = np.degrees(np.arctan2(across[use], -down[use])) % 90.0
    histogram = np.bincount((angle * 2).astype(int) % 180, weight, 180)
    smoothed = ndimage.gaussian_filter1d(histogram, 2.0, mode="wrap")
    peak = int(smoothed.argmax())
    return (peak + 0.5) / 2.0, float(smoothed[peak] / max(smoothed.mean(), 1e-12))


def upright(
    patch: Patch,
    away: np.ndarray,
    axis_deg: float,
    pixel_m: float,
    extent_m: tuple[float, float],
    centre: tuple[float, float],
) -> Upright:
    """The patch turned by ``axis_deg`` around ``centre``; extent_m along and across the axis; cubic where it magnifies.

    away: float (rows, columns) of the patch, distance from the ground's colours, turned along.
    """
    from scipy import ndimage

    columns, rows = (int(np.ceil(side / pixel_m)) for side in extent_m)
    blank = Upright(np.zeros((3, 0, 0)), np.zeros((0, 0)), np.zeros((rows, columns), bool), centre, axis_deg, pixel_m)
    r, c = np.indices((rows, columns), sparse=True)
    at = np.stack(patch.to_pixel(*blank.to_frame(c, r))[::-1]).astype(np.float32)
    order = 3 if patch.gsd_m > 1.5 * pixel_m else 1

    def turned(band: np.ndarray, order: int) -> np.ndarray:
        return ndimage.map_coordinates(band, at, output=np.float32, order=order, mode="nearest")

    rgb = np.stack([turned(band, order) for band in patch.rgb()])
    return Upright(rgb, turned(away, 1), blank.mask(patch, patch.valid), centre, axis_deg, pixel_m)


@dataclass(frozen=True)
class Edges:
    """Edge evidence 0..1: ``across_columns`` marks sides that run along a column, ``across_rows`` those along a row."""

    across_columns: np.ndarray
    across_rows: np.ndarray
    pixel_m: float


def edges(view: Upright, where: np.ndarray, bare: np.ndarray) -> Edges:
    """Colour steps and dark gaps, saturated by what is strong in ``where`` (bool) and quiet on ``bare`` ground (bool)."""
    from scipy import ndimage

    raw = [_evidence(view, axis) for axis in (2, 1)]
    grown = ndimage.binary_dilation(~view.valid, iterations=3)
    where, bare = where & ~grown, bare & ~grown
    strong = np.mean([np.percentile(e[where], SATURATION_PERCENTILE) for e in raw]) if where.any() else 1.0
    noise = np.mean([np.median(e[bare]) for e in raw]) if bare.any() else 0.0
    limit = max(SATURATION * strong, NOISE_TIMES * noise, 1e-6)
    reach = 2 * int(round(TOLERANCE_M / view.pixel_m)) + 1
    sat = []
    for e, axis in zip(raw, (1, 0)):
        e = np.where(grown, 0.0, np.minimum(e / limit, 1.0)).astype(np.float32)
        sat.append(ndimage.maximum_filter1d(e, reach, axis=axis))
    return Edges(sat[0], sat[1], view.pixel_m)


def _evidence(view: Upright, axis: int) -> np.ndarray:
    """The larger of the colour step and the dark gap across one axis of the picture (1 rows, 2 columns)."""
    from scipy import ndimage

    along = 3 - axis
    smooth = ndimage.uniform_filter1d(view.rgb, 3, axis=along)
    step = np.abs(ndimage.convolve1d(smooth, [0.5, 0, -0.5], axis=axis)).max(0)
    grey = smooth.mean(0)
    n = max(1, int(round(RIDGE_M / view.pixel_m)))
    lower = np.minimum(_shifted(grey, n, axis - 1), _shifted(grey, -n, axis - 1))
    return np.maximum(step, 0.5 * (lower - grey))


def _shifted(a: np.ndarray, by: int, axis: int) -> np.ndarray:
    """The array moved along an axis; the edge repeats."""
    index = np.clip(np.arange(a.shape[axis]) + by, 0, a.shape[axis] - 1)
    return np.take(a, index, axis=axis)


def rectangle_scores(found: Edges, rows: int, columns: int) -> np.ndarray:
    """Outline score about -0.5..1 (rows, columns) of a rectangle of that many pixels centred on each pixel.

    Half the mean of the four sides and half the weakest of them, less the strongest line inside (mean over its full length):
    a rectangle that straddles two boxes has one, a box does not.
    """
    from scipy import ndimage

    by_column = ndimage.uniform_filter1d(found.across_columns, rows, axis=0)  # lines of the rectangle's height
    by_row = ndimage.uniform_filter1d(found.across_rows, columns, axis=1)
    half_c, half_r = columns // 2, rows // 2
    sides = [
        _shifted(by_column, -half_c, 1),
        _shifted(by_column, columns - half_c - 1, 1),
        _shifted(by_row, -half_r, 0),
        _shifted(by_row, rows - half_r - 1, 0),
    ]
    weakest = np.minimum(np.minimum(sides[0], sides[1]), np.minimum(sides[2], sides[3]))
    margin = int(round(INNER_MARGIN_M / found.pixel_m))
    inner = np.maximum(
        ndimage.maximum_filter1d(by_column, max(1, columns - 2 * margin), axis=1),
        ndimage.maximum_filter1d(by_row, max(1, rows - 2 * margin), axis=0),
    )
    return 0.5 * (sum(sides) / 4 + weakest) - 0.5 * inner
