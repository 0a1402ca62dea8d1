"""The pixel grid of a dataset seen north-up, whatever the order its rows and columns are stored in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Window = tuple[int, int, int, int]  # column, row, width, height, on the north-up grid
_QUARTER_PIXEL = 0.25  # how far a grid taken as square may end up from the truth at the scene's far edge


@dataclass(frozen=True)
class Grid:
    """A geotransform in GDAL's order and the stored size; ``columns`` and ``rows`` are those of the north-up view."""

    transform: tuple[float, ...]
    stored_columns: int
    stored_rows: int

    @classmethod
    def of(cls, dataset: Any) -> Grid:
        """The grid of a GDAL dataset."""
        return cls(tuple(dataset.GetGeoTransform()), dataset.RasterXSize, dataset.RasterYSize)

    @property
    def turned(self) -> bool:
        """Whether stored rows run north-south (a rotation by a quarter turn)."""
        return self.transform[1] == 0 and self.transform[5] == 0

    @property
    def _steps(self) -> tuple[float, float]:
        """Signed map steps to the east along a row and to the north along a column of the north-up view, as stored."""
        _, a, b, _, d, e = self.transform
        return (b, d) if self.turned else (a, e)

    @property
    def is_plain(self) -> bool:
        """Whether the grid is parallel to the axes and its pixels are square, so that no resampling is needed."""
        _, a, b, _, d, e = self.transform
        if not (self.turned or (b == 0 and d == 0)):
            return False
        east, north = (abs(step) for step in self._steps)
        return abs(east - north) * max(self.columns, self.rows) < _QUARTER_PIXEL * east

    @property
    def columns(self) -> int:
        """Pixels from west to east."""
        return self.stored_rows if self.turned else self.stored_columns

    @property
    def rows(self) -> int:
        """Pixels from north to south."""
        return self.stored_columns if self.turned else self.stored_rows

    @property
    def gsd_m(self) -> float:
        """Side of a pixel in map units."""
        east, north = self._steps
        return math.sqrt(abs(east * north))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in map units."""
        east, north = self._steps
        x0, y0 = self.transform[0], self.transform[3]
        width, height = east * self.columns, north * self.rows
        return x0 + min(width, 0), y0 + min(height, 0), x0 + max(width, 0), y0 + max(height, 0)

    def corner(self, column: int, row: int) -> tuple[float, float]:
        """Map coordinates of a pixel's upper left corner."""
        west, _, _, north = self.bounds
        return west + column * self.gsd_m, north - row * self.gsd_m

    def window(self, bounds: tuple[float, float, float, float], step: int) -> Window:
        """The window that covers a box of map units, its edges on multiples of ``step`` pixels (it may leave the scene)."""
        west, _, _, north = self.bounds
        side = self.gsd_m * step
        nudge = 1e-6  # a box that ends on a pixel's edge does not take the next pixel
        c0, r0 = math.floor((bounds[0] - west) / side + nudge), math.floor((north - bounds[3]) / side + nudge)
        c1, r1 = math.ceil((bounds[2] - west) / side - nudge), math.ceil((north - bounds[1]) / side - nudge)
        return c0 * step, r0 * step, max(c1 - c0, 1) * step, max(r1 - r0, 1) * step

    def clip(self, window: Window, step: int) -> Window:
        """The part of a window inside the grid, cut to whole steps."""
        column, row, width, height = window
        c0, r0 = max(column, 0), max(row, 0)
        c1, r1 = min(column + width, self.columns // step * step), min(row + height, self.rows // step * step)
        return c0, r0, max(c1 - c0, 0), max(r1 - r0, 0)

    def stored(self, window: Window) -> Window:
        """The same window in the dataset's own columns and rows."""
        column, row, width, height = window
        east, north = self._steps
        if east < 0:
            column = self.columns - column - width
        if north > 0:
            row = self.rows - row - height
        return (row, column, height, width) if self.turned else (column, row, width, height)

    def north_up(self, data: np.ndarray) -> np.ndarray:
        """Stored pixels (bands, rows, columns) of a window turned north-up."""
        east, north = self._steps
        if self.turned:
            data = data.swapaxes(1, 2)
        return data[:, :: 1 if north < 0 else -1, :: 1 if east > 0 else -1]

    def sample(self, count: int, side: int) -> Iterator[Window]:
        """count x count windows of ``side`` pixels spread evenly; one window of all where the grid is small."""
        if self.columns <= count * side and self.rows <= count * side:
            yield 0, 0, self.columns, self.rows
            return
        width, height = min(side, self.columns), min(side, self.rows)
        for i in range(count):
            for j in range(count):
                yield (
                    round((self.columns - width) * j / (count - 1)),
                    round((self.rows - height) * i / (count - 1)),
                    width,
                    height,
                )
