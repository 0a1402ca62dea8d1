"""How well an upright rectangle of a given size is outlined by edges, for every position of a picture at once.

The picture lies in the boxes' own frame (``upright``), so that a side is a run of pixels along a row or a column and its
mean edge a difference of two running sums. Everything is bytes and short integers, which numpy works through a hundred times
faster than filters of floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..patch import Patch
from .blocks import spread

SATURATION_PERCENTILE = 92.0  # the strong edges of a block: tops against gaps and ground
SATURATION = 0.45  # of that: an edge nearly half as strong counts in full, so that paint and haze do not matter
NOISE_TIMES = 5.0  # an edge must beat the bare ground's own texture by this much before it counts in full
RIDGE_M = 0.5  # half width over which a dark gap between two boxes of one colour shows
NEXT_TO = 15 / 16  # what an edge counts for a side one pixel off it: stacks lean and rows are skewed by a degree or two
INNER_MARGIN_M = 0.7  # lines this near a side belong to it
WHOLE = 2040  # the score of a perfect outline in short integers


@dataclass(frozen=True)
class Upright:
    """A patch turned into the boxes' frame: columns run along ``axis_deg`` (clockwise from north), rows to its right.

    rgb: bytes (3, rows, columns). valid, mine: bool (rows, columns), what was seen, and what belongs to the block. centre:
    frame coordinates of the middle. along_m (columns,), right_m (rows,): how far from the middle each lies; aisles may be left out.
    """

    rgb: np.ndarray
    valid: np.ndarray
    mine: np.ndarray
    centre: tuple[float, float]
    axis_deg: float
    pixel_m: float
    along_m: np.ndarray
    right_m: np.ndarray

    def without_aisles(self, margin: int) -> Upright:
        """Less the rows and columns further than so many pixels from anything of the block: they only cost time.

        What is then side by side is ground with ground, for the margins stay.
        """
        rows, columns = (np.flatnonzero(spread(self.mine.any(axis)[None], margin)[0]) for axis in (1, 0))
        cut = np.ix_(rows, columns)
        rgb = np.stack([band[cut] for band in self.rgb])
        rest = self.valid[cut], self.mine[cut], self.centre, self.axis_deg, self.pixel_m
        return Upright(rgb, *rest, self.along_m[columns], self.right_m[rows])

    def to_frame(self, column: Any, row: Any) -> tuple[np.ndarray, np.ndarray]:
        """Frame coordinates of fractional pixel positions."""
        along = np.interp(column, np.arange(len(self.along_m)), self.along_m)
        right = np.interp(row, np.arange(len(self.right_m)), self.right_m)
        s, c = np.sin(np.radians(self.axis_deg)), np.cos(np.radians(self.axis_deg))
        return self.centre[0] + along * s + right * c, self.centre[1] + along * c - right * s


def round_about(
    patch: Patch, mine: np.ndarray, axis_deg: float, margin_m: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Middle (frame coordinates) and sides (metres along and across an axis) of the rectangle round a bool picture of a patch."""
    row = np.flatnonzero(mine.any(1))
    first, last = mine[row].argmax(1), mine.shape[1] - 1 - mine[row][:, ::-1].argmax(1)  # the ends of each row say it all
    x, y = patch.to_frame(np.concatenate([first, last]), np.concatenate([row, row]))
    s, c = np.sin(np.radians(axis_deg)), np.cos(np.radians(axis_deg))
    along, right = x * s + y * c, x * c - y * s
    u, v = (along.max() + along.min()) / 2, (right.max() + right.min()) / 2
    return (u * s + v * c, u * c - v * s), (np.ptp(along) + 2 * margin_m, np.ptp(right) + 2 * margin_m)


def upright(
    colour: np.ndarray,
    patch: Patch,
    mine: np.ndarray,
    axis_deg: float,
    pixel_m: float,
    centre: tuple[float, float],
    extent_m: tuple[float, float],
) -> Upright:
    """A part of a patch turned by ``axis_deg`` round ``centre``; cubic where it magnifies.

    colour: bytes (3, rows, columns) of the patch. mine: bool (rows, columns). extent_m: along and across the axis.
    """
    s, c = np.sin(np.radians(axis_deg)), np.cos(np.radians(axis_deg))
    columns, rows = (int(np.ceil(side / pixel_m)) for side in extent_m)
    # Frame coordinates may be millions of metres: GDAL is given them from the patch's corner.
    west = centre[0] - patch.x0 - (columns / 2 * s + rows / 2 * c) * pixel_m
    north = centre[1] - patch.y0 - (columns / 2 * c - rows / 2 * s) * pixel_m
    grid = (west, pixel_m * s, pixel_m * c, north, pixel_m * c, -pixel_m * s)
    how = "cubic" if patch.gsd_m > 1.5 * pixel_m else "bilinear"
    rgb = turned(colour, patch.gsd_m, grid, (rows, columns), how)
    marks = turned((patch.valid.view(np.uint8) + mine)[None], patch.gsd_m, grid, (rows, columns), "near")[0]
    along_m, right_m = ((np.arange(n) - (n - 1) / 2) * pixel_m for n in (columns, rows))
    return Upright(rgb, marks > 0, marks > 1, centre, axis_deg, pixel_m, along_m, right_m)


def turned(bands: np.ndarray, gsd_m: float, grid: tuple[float, ...], shape: tuple[int, int], how: str) -> np.ndarray:
    """Byte bands (n, rows, columns) on another grid (a GDAL geotransform); 0 outside."""
    from osgeo import gdal, gdal_array

    source = gdal_array.OpenArray(np.ascontiguousarray(bands))
    source.SetGeoTransform((0.0, gsd_m, 0.0, 0.0, 0.0, -gsd_m))
    target = gdal.GetDriverByName("MEM").Create("", shape[1], shape[0], len(bands), gdal.GDT_Byte)
    target.SetGeoTransform(grid)
    gdal.Warp(target, source, resampleAlg=how, errorThreshold=0.0)
    return target.ReadAsArray().reshape(len(bands), *shape)


@dataclass(frozen=True)
class Edges:
    """Edge evidence in bytes: ``across_columns`` marks sides that run along a column, ``across_rows`` those along a row.

    crests: the same two, without the blur beside each edge, but good for skewed lines too.
    """

    across_columns: np.ndarray
    across_rows: np.ndarray
    crests: tuple[np.ndarray, np.ndarray]
    pixel_m: float

    @cached_property
    def _sums(self) -> list[np.ndarray]:
        """Running sums along the lines, modulo 65,536: differences over up to 257 pixels are exact."""
        pictures = (self.across_columns, self.across_rows, *self.crests)
        one_more = (((1, 0), (0, 0)), ((0, 0), (1, 0)))
        return [np.pad(e, one_more[k % 2]).cumsum(k % 2, dtype=np.uint16) for k, e in enumerate(pictures)]

    def means(self, length: int, along: int, crests: bool = False) -> np.ndarray:
        """Mean evidence in bytes of all lines of so many pixels along an axis (0: down columns, 1: along rows)."""
        total = self._sums[along + 2 * crests]
        line = total[length:] - total[:-length] if along == 0 else total[:, length:] - total[:, :-length]
        drop = int(length).bit_length() - 1  # so that sum times 256 / length stays below 65,536
        line >>= np.uint16(drop)
        line *= np.uint16((256 << drop) // length)
        line >>= np.uint16(8)
        return line.astype(np.uint8)


def edges(view: Upright, where: np.ndarray, bare: np.ndarray) -> Edges:
    """Colour steps and dark gaps, saturated by what is strong in ``where`` (bool) and quiet on ``bare`` ground (bool)."""
    raw = [_evidence(view, axis) for axis in (1, 0)]
    unseen = spread(~view.valid, 3) if not view.valid.all() else None
    if unseen is not None:
        where, bare = where & ~unseen, bare & ~unseen
    strong = np.mean([np.percentile(e[where], SATURATION_PERCENTILE) for e in raw]) if where.any() else 255.0
    noise = np.mean([np.median(e[bare]) for e in raw]) if bare.any() else 0.0
    limit = max(SATURATION * strong, NOISE_TIMES * noise, 1.0)
    table = np.minimum(np.arange(2048) * (255.0 / limit), 255.0).astype(np.uint8)
    sides, crests = [], []
    for e, axis in zip(raw, (1, 0)):
        crest = _crest(e, axis)
        e = table[e]
        if unseen is not None:
            e[unseen] = 0
        sides.append(_beside(e, axis))
        crests.append(_beside(_beside(e * crest, axis), axis))
    return Edges(sides[0], sides[1], (crests[0], crests[1]), view.pixel_m)


def _crest(e: np.ndarray, axis: int) -> np.ndarray:
    """Bool: where evidence is highest across a line; the blur beside an edge is no second edge."""
    padded = np.pad(e, 1)[:, 1:-1] if axis == 0 else np.pad(e, 1)[1:-1]
    before, after = (padded[:-2], padded[2:]) if axis == 0 else (padded[:, :-2], padded[:, 2:])
    return (e >= before) & (e >= after)


def _beside(e: np.ndarray, axis: int) -> np.ndarray:
    """Evidence that also counts, a little less, one pixel aside: a side may lie so far off."""
    less = (e.astype(np.uint16) * int(NEXT_TO * 256) >> 8).astype(np.uint8)
    out = e.copy()
    ahead, behind = (np.s_[1:], np.s_[:-1]) if axis == 0 else (np.s_[:, 1:], np.s_[:, :-1])
    np.maximum(out[ahead], less[behind], out=out[ahead])
    np.maximum(out[behind], less[ahead], out=out[behind])
    return out


def _evidence(view: Upright, axis: int) -> np.ndarray:
    """The larger of the colour step and the dark gap across one axis of the picture (0 rows, 1 columns), times six."""
    n = max(1, int(round(RIDGE_M / view.pixel_m)))
    rgb = view.rgb if axis == 1 else view.rgb.transpose(0, 2, 1)
    rows, columns = rgb.shape[1:]
    wide = np.empty((rows + 2, columns + 2 * n), np.int16)
    step, grey = np.zeros((rows, columns), np.int16), np.zeros((rows, columns + 2 * n), np.int16)
    for band in rgb:
        wide[1:-1, n:-n] = band
        wide[1:-1, :n], wide[1:-1, -n:] = band[:, :1], band[:, -1:]
        wide[0], wide[-1] = wide[1], wide[-2]
        smooth = wide[:-2] + wide[1:-1] + wide[2:]  # three along the side
        np.maximum(step, np.abs(smooth[:, n + 1 : n + 1 + columns] - smooth[:, n - 1 : n - 1 + columns]), out=step)
        grey += smooth
    lower = np.minimum(grey[:, 2 * n :], grey[:, :columns])
    dark = (lower - grey[:, n:-n]) // 3
    found = np.maximum(step, dark)
    np.maximum(found, 0, out=found)
    return found if axis == 1 else np.ascontiguousarray(found.T)


def rectangle_scores(found: Edges, rows: int, columns: int) -> np.ndarray:
    """Outline score times WHOLE (int16, about -0.5..1) of a rectangle of that many pixels, by its upper left pixel.

    Half the mean of the four sides and half the weakest of them, less half the strongest line inside (mean over its full
    length, the blur beside edges left out): a rectangle that straddles two boxes has one, a box does not.
    """
    height, width = found.across_columns.shape
    if height < rows or width < columns:
        return np.zeros((0, 0), np.int16)
    by_column, by_row = found.means(rows, 0), found.means(columns, 1)  # lines of the rectangle's height, and of its width
    left, right = by_column[:, : width - columns + 1], by_column[:, columns - 1 :]
    top, bottom = by_row[: height - rows + 1], by_row[rows - 1 :]
    weakest = np.minimum(np.minimum(left, right), np.minimum(top, bottom))
    margin = int(round(INNER_MARGIN_M / found.pixel_m))
    inner = np.maximum(
        _running_max(found.means(rows, 0, True), max(1, columns - 2 * margin), 1, margin, left.shape[1]),
        _running_max(found.means(columns, 1, True), max(1, rows - 2 * margin), 0, margin, top.shape[0]),
    )
    score = left.astype(np.int16)
    for side in (right, top, bottom):
        score += side
    score += (weakest.astype(np.int16) - inner) * np.int16(4)
    return score


def _running_max(a: np.ndarray, window: int, axis: int, first: int, count: int) -> np.ndarray:
    """The largest of each ``window`` neighbours along an axis, ``count`` of them from the one at ``first``."""
    if axis == 0:
        return _running_max(a.T, window, 1, first, count).T
    size = 1
    while 2 * size <= window:
        a = np.maximum(a[:, :-size], a[:, size:])
        size *= 2
    second = first + window - size
    return np.maximum(a[:, first : first + count], a[:, second : second + count])
