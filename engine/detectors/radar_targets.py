"""From the bright pixels of a radar window to targets: rectangles with their brightness, without sidelobes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from ..detections import Detections
from ..patch import Patch
from ..probability import ScoreModel
from ..rectangles import close_pairs, minimum_rectangle
from . import radar_hulls
from .backscatter import box_mean
from .radar_pixels import Sparse

LONGEST_M, WIDEST_M = 460.0, 110.0  # as outlined, blur included; what is larger is land, ice or a breakwater
BLUR_PX = 2.7  # of the file, that the impulse response adds to length and width (measured on simulated ships)

_LEAST_M = 10.0  # as outlined: smaller specks are boats, buoys and birds
_OUTLINE = 10**-1.4  # of a ship's brightness: fainter pixels are its sidelobes
_RESOLVED_PX, _MARGIN_PX = 6.0, 6  # width from which an area may be several hulls; looked at round it
_EXPLAINED = 0.6  # share of the brightness that hulls must hold to stand for the whole area
_SEVERAL_M = 70.0  # wider than any one ship
_SIDELOBE, _SIDELOBE_M, _TILT = 10**-1.6, 600.0, 0.3  # share, reach and slant of the cross round a bright target
MOST = 0.98  # of p: the simulator, on which it is fitted, knows no buoys or platforms
FULL_DB = 3.0  # over the threshold: what is brighter is no likelier a ship
WEIGHTS = Path(__file__).parent / "weights" / "ships_sar.json"

_COLUMNS = ("x", "y", "length_m", "width_m", "azimuth_deg", "excess_db", "peak", "contrast", "pixels")


@cache
def probability() -> ScoreModel:
    """p of a target by its score, dB over the threshold up to FULL_DB; made by bench/fit_ships_sar.py."""
    return ScoreModel.from_dict(json.loads(WEIGHTS.read_text("utf8"))["model"])


@dataclass(frozen=True)
class Targets:
    """N targets, one row each.

    Centre and rectangle in frame metres, dB over the threshold, intensity of the brightest pixel in the
    first band, brightness in times the sea, and number of pixels. too_large: areas that were left out.
    """

    table: np.ndarray
    too_large: int = 0

    @classmethod
    def of(cls, rows: Sequence[Sequence[float]], too_large: int = 0) -> Targets:
        """From rows of the columns' values."""
        return cls(np.array(rows, float).reshape(-1, len(_COLUMNS)), too_large)

    @classmethod
    def joined(cls, parts: Sequence[Targets]) -> Targets:
        """All parts, one after another."""
        return cls.of(np.concatenate([part.table for part in parts]) if parts else [], sum(part.too_large for part in parts))

    def __len__(self) -> int:
        return len(self.table)

    def __getattr__(self, name: str) -> np.ndarray:
        if name not in _COLUMNS:
            raise AttributeError(name)
        return self.table[:, _COLUMNS.index(name)]

    def select(self, which: np.ndarray) -> Targets:
        """The rows of a mask or index array."""
        return replace(self, table=self.table[which])

    def detections(self) -> Detections:
        """As ships, with p and notes."""
        p = np.minimum(probability().p(np.minimum(self.excess_db, FULL_DB)), MOST)
        few, wide = self.pixels <= 3, self.width_m > _SEVERAL_M
        note = np.where(few, "small: two or three pixels", np.where(wide, "perhaps several", ""))
        sides = self.length_m, self.width_m, self.azimuth_deg
        return Detections.make(self.x, self.y, *sides, "ship", score=self.excess_db, p=p, note=note)


@dataclass(frozen=True)
class Window:
    """What is known of a window: its intensity, where the sea is, what exceeds it and what is bright enough for an outline.

    blur_m: what the impulse response adds to a length.
    """

    patch: Patch
    sea: np.ndarray
    hits: Sparse
    bright: Sparse
    blur_m: float

    def targets(self, index: np.ndarray) -> Targets:
        """A bright area (flat indices) as one target or, where it is resolved and shaped like several hulls, as these."""
        times = self.bright[1][np.searchsorted(self.bright[0], index)]
        rows, columns = np.divmod(index[times >= _OUTLINE * times.max()], self.patch.shape[1])
        g = self.patch.gsd_m
        x, y, length, width, azimuth = minimum_rectangle(np.column_stack(self.patch.to_frame(columns, rows)))
        too_large = length > LONGEST_M or width > WIDEST_M
        if too_large or width - self.blur_m > (_RESOLVED_PX - 1) * g:
            hulls, explained = self._hulls(index, times)
            if explained >= _EXPLAINED or (hulls and too_large):
                return Targets.of(hulls)
        if too_large or length + g < _LEAST_M:
            return Targets.of([], int(too_large))
        return Targets.of([self._row(index, times, (x, y, length + g, width + g, azimuth))])

    def _row(self, index: np.ndarray, times: np.ndarray, rectangle: tuple[float, ...]) -> tuple[float, ...]:
        """A target's row. rectangle: x, y, outer length and width, azimuth."""
        x, y, length, width, azimuth = rectangle
        length, width = (max(side - self.blur_m, 0.5 * self.patch.gsd_m) for side in (length, width))
        at = np.minimum(np.searchsorted(self.hits[0], index), len(self.hits[0]) - 1)
        excess = self.hits[1][at][self.hits[0][at] == index].max(initial=self.hits[1].min(initial=1.0))
        peak = self.patch.data[0].ravel()[index].max()
        return x, y, length, width, azimuth, 10 * np.log10(excess), peak, times.max(), len(index)

    def _hulls(self, index: np.ndarray, times: np.ndarray) -> tuple[list[tuple[float, ...]], float]:
        """Rows of the hulls of a bright area, and the share of its brightness that they hold."""
        rows, columns = np.divmod(index, self.patch.shape[1])
        top, left = max(rows.min() - _MARGIN_PX, 0), max(columns.min() - _MARGIN_PX, 0)
        window = np.s_[top : rows.max() + _MARGIN_PX + 1, left : columns.max() + _MARGIN_PX + 1]
        own = np.zeros(self.sea[window].shape, bool)
        own[rows - top, columns - left] = True
        level = np.median(self.patch.data[0].ravel()[index] / times)
        contrast = box_mean(self.patch.data[0][window]) / level
        pieces = radar_hulls.hulls(contrast, _closed(own), self.sea[window], self.patch.gsd_m).moved(top, left)
        x, y = self.patch.to_frame(pieces.column, pieces.row)
        found, taken = [], np.zeros(len(index), bool)
        for k in range(len(pieces)):
            u, v = columns - pieces.column[k], rows - pieces.row[k]
            cos, sin = np.cos(pieces.angle[k]), np.sin(pieces.angle[k])
            inside = (np.abs(u * cos + v * sin) <= pieces.length[k] / 2) & (np.abs(v * cos - u * sin) <= pieces.width[k] / 2)
            taken |= inside
            if inside.any():
                sides = pieces.length[k] * self.patch.gsd_m, pieces.width[k] * self.patch.gsd_m
                rectangle = (x[k], y[k], *sides, float(np.degrees(pieces.angle[k])) + 90)
                found.append(self._row(index[inside], times[inside], rectangle))
        return found, float(times[taken].sum() / times.sum())


def _closed(mask: np.ndarray) -> np.ndarray:
    """Without the holes that speckle leaves."""
    from scipy import ndimage

    return ndimage.binary_closing(np.pad(mask, 2), np.ones((3, 3), bool))[2:-2, 2:-2]


def without_sidelobes(t: Targets, gsd_m: float) -> Targets:
    """Without faint specks on the cross that a bright target's impulse response draws along range and azimuth."""
    i, j = close_pairs(t.x, t.y, _SIDELOBE_M)
    i, j = np.where(t.contrast[i] >= t.contrast[j], i, j), np.where(t.contrast[i] >= t.contrast[j], j, i)
    dx, dy = np.abs(t.x[j] - t.x[i]), np.abs(t.y[j] - t.y[i])
    on_cross = np.minimum(dx, dy) <= _TILT * np.maximum(dx, dy) + t.width_m[i] / 2 + gsd_m
    faint = t.contrast[j] <= _SIDELOBE * t.contrast[i]
    kept = np.ones(len(t), bool)
    kept[j[on_cross & faint]] = False
    return t.select(kept)
