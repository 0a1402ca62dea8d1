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
from .ground import BARE, MINE, RAISED, VALID

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

    rgb: bytes (3, rows, columns). kinds: bits (rows, columns) of what each pixel is (``ground``: VALID, MINE, RAISED, …). centre:
    frame coordinates of the middle. along_m (columns,), right_m (rows,): how far from the middle each lies; aisles may be left out.
    """

    rgb: np.ndarray
    kinds: np.ndarray
    centre: tuple[float, float]
    axis_deg: float
    pixel_m: float
    along_m: np.ndarray
    right_m: np.ndarray

    def without_aisles(self, margin: int) -> Upright:
        """Less the rows and columns further than so many pixels from anything of the block: they only cost time.

        What is then side by side is ground with ground, for the margins stay.
        """
        mine = self.are(MINE)
        rows, columns = (np.flatnonzero(spread(mine.any(axis)[None], margin)[0]) for axis in (1, 0))
        if mine.shape == (len(rows), len(columns)):
            return self
        cut = np.ix_(rows, columns)
        rgb, kinds = np.stack([band[cut] for band in self.rgb]), self.kinds[cut]
        return Upright(rgb, kinds, self.centre, self.axis_deg, self.pixel_m, self.along_m[columns], self.right_m[rows])

    def are(self, kind: int) -> np.ndarray:
        """Bool (rows, columns): pixels of a kind, or of several at once."""
        return self.kinds & kind == kind

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

    colour: bytes (3, rows, columns) of the patch. mine: bool (rows, columns), what belongs to the block. extent_m: along and across the axis.
    """
    s, c = np.sin(np.radians(axis_deg)), np.cos(np.radians(axis_deg))
    columns, rows = (int(np.ceil(side / pixel_m)) for side in extent_m)
    # Frame coordinates may be millions of metres: GDAL is given them from the patch's corner.
    west = centre[0] - patch.x0 - (columns / 2 * s + rows / 2 * c) * pixel_m
    north = centre[1] - patch.y0 - (columns / 2 * c - rows / 2 * s) * pixel_m
    grid = (west, pixel_m * s, pixel_m * c, north, pixel_m * c, -pixel_m * s)
    how = "cubic" if patch.gsd_m > 1.5 * pixel_m else "bilinear"
    rgb = turned(colour, patch.gsd_m, grid, (rows, columns), how)
    kinds = turned(
        (patch.valid * np.uint8(VALID) | mine * np.uint8(MINE))[None], patch.gsd_m, grid, (rows, columns), "near"
    )[0]
    along_m, right_m = ((np.arange(n) - (n - 1) / 2) * pixel_m for n in (columns, rows))
    return Upright(rgb, kinds, centre, axis_deg, pixel_m, along_m, right_m)


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

    crests: the same two, without the blur beside each edge, but good for skewed lines too. raised: bool, what is not ground.
    """

    across_columns: np.ndarray
    across_rows: np.ndarray
    crests: tuple[np.ndarray, np.ndarray]
    raised: np.ndarray
    pixel_m: float

    @cached_property
    def standing(self) -> Outlines:
        """For boxes whose long sides run down the columns."""
        return Outlines.of(self.across_columns, self.across_rows, *self.crests, self.raised, self.pixel_m)

    @cached_property
    def lying(self) -> Outlines:
        """For boxes whose long sides run along the rows: the same picture with rows and columns exchanged."""
        pictures = (self.across_rows, self.across_columns, *self.crests[::-1], self.raised)
        side, end, side_crest, end_crest, raised = (np.ascontiguousarray(picture.T) for picture in pictures)
        return Outlines.of(side, end, side_crest, end_crest, raised, self.pixel_m)

    def turned(self, off_deg: float, along_m: np.ndarray, right_m: np.ndarray) -> Edges:
        """As it is for an axis a few degrees further clockwise, by whole pixels. along_m, right_m: as in the view."""
        rows, columns = self.raised.shape
        slope = np.tan(np.radians(off_deg)) / self.pixel_m
        row = np.arange(rows)[:, None] + np.rint(slope * along_m).astype(int)[None]
        column = np.arange(columns)[None] - np.rint(slope * right_m).astype(int)[:, None]
        place = np.clip(row, 0, rows - 1) * columns + np.clip(column, 0, columns - 1)
        first, second, *crests, raised = (
            picture.take(place) for picture in (self.across_columns, self.across_rows, *self.crests, self.raised)
        )
        return Edges(first, second, (crests[0], crests[1]), raised, self.pixel_m)


@dataclass(frozen=True)
class Outlines:
    """Running sums of the evidence, for boxes whose long sides run down the columns: along each column of what marks long sides
    (``side``, ``side_crest``), along each row of what marks ends (``end``, ``end_crest``), and of what is not ground (``filled``).

    All are modulo 65,536: differences over up to 257 pixels, or boxes of so many pixels, are exact.
    """

    side: np.ndarray
    end: np.ndarray
    side_crest: np.ndarray
    end_crest: np.ndarray
    filled: np.ndarray
    pixel_m: float

    @classmethod
    def of(
        cls,
        side: np.ndarray,
        end: np.ndarray,
        side_crest: np.ndarray,
        end_crest: np.ndarray,
        raised: np.ndarray,
        pixel_m: float,
    ) -> Outlines:
        """From bytes (rows, columns) and a bool picture."""
        filled = running_sum(running_sum(raised.view(np.uint8), 0), 1)
        sums = (running_sum(side, 0), running_sum(end, 1), running_sum(side_crest, 0), running_sum(end_crest, 1))
        return cls(*sums, filled, pixel_m)

    def scores(self, length: int, width: int, filled: float, step: int = 1) -> np.ndarray:
        """Outline score times WHOLE (int16, about -0.5..1) of a rectangle of so many pixels, by its upper left pixel, in every
        ``step``-th row; 0 where less than a share of it is filled.

        Half the mean of the four sides and half the weakest of them, less half the strongest line inside (mean over its full
        length, the blur beside edges left out): a rectangle that straddles two boxes has one, a box does not.
        """
        rows, columns = self.end.shape[0] - length + 1, self.side.shape[1] - width + 1
        if rows < 1 or columns < 1:
            return np.zeros((0, 0), np.int16)
        margin = max(1, int(round(INNER_MARGIN_M / self.pixel_m)))
        at = np.s_[:rows:step]
        sides = _means(self.side[length:][at], self.side[at], length)
        left, right = sides[:, :columns], sides[:, width - 1 :]
        top, bottom = (_means(end[:, width:], end[:, :-width], width) for end in (self.end[at], self.end[length - 1 :][at]))
        weakest = np.minimum(np.minimum(left, right), np.minimum(top, bottom))
        crest = _means(self.side_crest[length:][at], self.side_crest[at], length)
        across = _means(self.end_crest[:, width:], self.end_crest[:, :-width], width)
        inner = np.maximum(
            _running_max(crest, max(1, width - 2 * margin), 1, margin, columns),
            _running_max(across, max(1, length - 2 * margin), 0, margin, rows)[::step],
        )
        score = left.astype(np.int16)
        for side in (right, top, bottom):
            score += side
        score += (weakest.astype(np.int16) - inner) * np.int16(4)
        low, high = self.filled[at], self.filled[length:][at]
        covered = high[:, width:] - high[:, :-width]
        covered -= low[:, width:] - low[:, :-width]
        score *= covered >= np.uint16(filled * length * width)
        return score

    def places(
        self, length: int, width: int, filled: float, above: int, step: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row and column of the upper left pixel, and the score, where it is above a least one and no neighbour's is higher."""
        score = self.scores(length, width, filled, step)
        row, column = _peaks(score, above)
        return row * step, column, score[row, column]


def running_sum(picture: np.ndarray, axis: int) -> np.ndarray:
    """Sums from the edge on, modulo 65,536, with a first row or column of zeros."""
    rows, columns = picture.shape
    out = np.zeros((rows + (axis == 0), columns + (axis == 1)), np.uint16)
    np.cumsum(picture, axis, np.uint16, out[1:] if axis == 0 else out[:, 1:])
    return out


def _means(upper: np.ndarray, lower: np.ndarray, length: int) -> np.ndarray:
    """Means in bytes of lines of so many pixels, from running sums."""
    total = upper - lower
    total //= np.uint16(length)
    return total.astype(np.uint8)


def _peaks(score: np.ndarray, above: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of values that no neighbour of the eight exceeds."""
    padded = np.zeros((score.shape[0] + 2, score.shape[1] + 2), score.dtype)
    padded[1:-1, 1:-1] = score
    highest = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    highest = np.maximum(np.maximum(highest[:, :-2], highest[:, 1:-1]), highest[:, 2:])
    # On flat arrays numpy searches several times faster.
    return np.divmod(np.flatnonzero((score > above) & (score >= highest)), max(score.shape[1], 1))


def edges(view: Upright) -> Edges:
    """Colour steps and dark gaps, saturated by what is strong in the block and quiet on bare ground."""
    raw = [_evidence(view, axis) for axis in (1, 0)]
    where, bare, valid = view.are(MINE), view.are(BARE), view.are(VALID)
    unseen = spread(~valid, 3) if not valid.all() else None
    if unseen is not None:
        where, bare = where & ~unseen, bare & ~unseen
    here, free = np.flatnonzero(where), np.flatnonzero(bare)
    strong = np.mean([np.percentile(e.take(here), SATURATION_PERCENTILE) for e in raw]) if len(here) else 255.0
    noise = np.mean([np.median(e.take(free)) for e in raw]) if len(free) else 0.0
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
    return Edges(sides[0], sides[1], (crests[0], crests[1]), view.are(MINE | RAISED), view.pixel_m)


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
