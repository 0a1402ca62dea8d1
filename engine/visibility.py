"""What of a scene could be seen, pixel by pixel, and why not: one raster of causes, and the shares of a zone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .patch import burnt
from .visible import places_along

# Values of the raster. 1 is seen, everything else is hidden: that is the one meaning every reader of it relies on.
NODATA, CLEAR, CLOUD, SHADOW, HAZE, GLINT, ROOF, MASKED = range(8)
NAMES = {
    NODATA: "not observed",
    CLEAR: "clear",
    CLOUD: "cloud",
    SHADOW: "cloud shadow",
    HAZE: "haze",
    GLINT: "glint",
    ROOF: "roof",
    MASKED: "masked by user",
}
FIELDS = {
    NODATA: "nodata_share",
    CLOUD: "cloud_share",
    SHADOW: "shadow_share",
    HAZE: "haze_share",
    GLINT: "glint_share",
    ROOF: "roof_share",
    MASKED: "masked_share",
}
# Where several causes hide a pixel the last one here is named.
ORDER = (GLINT, HAZE, SHADOW, CLOUD, ROOF, MASKED, NODATA)

PIXEL_M = 1.0  # side of the raster's pixels where the scene is finer: a wagon is three of them wide
MOST_PIXELS = 48_000_000  # a larger scene gets larger pixels, so that memory stays bounded


@dataclass(frozen=True)
class Mask:
    """The causes (uint8, rows, columns) on a north-up grid of frame metres; x0, y0: its upper left corner."""

    causes: np.ndarray
    x0: float
    y0: float
    gsd_m: float

    @classmethod
    def blank(cls, bounds: tuple[float, float, float, float], gsd_m: float) -> Mask:
        """All clear, over a scene of these bounds with pixels of gsd_m; the mask's pixels are a multiple of them."""
        west, south, east, north = bounds
        step = pixel_step(bounds, gsd_m)
        side = gsd_m * step
        shape = max(1, int((north - south) / side + 1e-6)), max(1, int((east - west) / side + 1e-6))
        return cls(np.full(shape, CLEAR, np.uint8), west, north, side)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.causes.shape[0], self.causes.shape[1]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in frame metres."""
        rows, columns = self.shape
        return self.x0, self.y0 - rows * self.gsd_m, self.x0 + columns * self.gsd_m, self.y0

    def hide(self, where: np.ndarray, cause: int, rows: slice = slice(None), columns: slice = slice(None)) -> None:
        """Name ``cause`` where ``where`` (bool, of the window) is true and no cause of more weight stands already."""
        window = self.causes[rows, columns]
        lighter = (CLEAR, *ORDER[: ORDER.index(cause)])
        window[where & np.isin(window, lighter)] = cause

    def window(self, bounds: tuple[float, float, float, float]) -> tuple[slice, slice]:
        """Rows and columns that touch a box of frame metres, cut to the mask."""
        west, south, east, north = bounds
        rows, columns = self.shape
        top, bottom = (self.y0 - north) / self.gsd_m, (self.y0 - south) / self.gsd_m
        left, right = (west - self.x0) / self.gsd_m, (east - self.x0) / self.gsd_m
        return _cut(top, bottom, rows), _cut(left, right, columns)

    def hide_polygon(self, geometry: Any, cause: int) -> None:
        """``hide`` for the pixels whose centre lies in a shapely polygon of frame coordinates."""
        rows, columns = self.window(geometry.bounds)
        if rows.stop > rows.start and columns.stop > columns.start:
            self.hide(self._inside(geometry, rows, columns), cause, rows, columns)

    def hide_cells(self, where: np.ndarray, cause: int, x0: float, y0: float, side_m: float) -> None:
        """``hide`` for the pixels whose centre lies in a cell (bool, rows, columns) of another grid that is true."""
        height, width = where.shape
        rows, columns = self.window((x0, y0 - height * side_m, x0 + width * side_m, y0))
        if not where.any() or rows.stop <= rows.start or columns.stop <= columns.start:
            return
        y = self.y0 - (np.arange(rows.start, rows.stop) + 0.5) * self.gsd_m
        x = self.x0 + (np.arange(columns.start, columns.stop) + 0.5) * self.gsd_m
        row, column = np.floor((y0 - y) / side_m).astype(int), np.floor((x - x0) / side_m).astype(int)
        inside = ((row >= 0) & (row < height))[:, None] & ((column >= 0) & (column < width))
        self.hide(where[np.ix_(row.clip(0, height - 1), column.clip(0, width - 1))] & inside, cause, rows, columns)

    def _inside(self, geometry: Any, rows: slice, columns: slice) -> np.ndarray:
        shape = rows.stop - rows.start, columns.stop - columns.start
        corner = self.x0 + columns.start * self.gsd_m, self.y0 - rows.start * self.gsd_m
        return burnt(geometry, shape, *corner, self.gsd_m)

    def at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Cause (N,) at points of frame metres; not observed outside."""
        rows, columns = self.shape
        row = np.floor((self.y0 - np.asarray(y)) / self.gsd_m).astype(int)
        column = np.floor((np.asarray(x) - self.x0) / self.gsd_m).astype(int)
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        found = self.causes[row.clip(0, rows - 1), column.clip(0, columns - 1)]
        return np.where(inside, found, NODATA).astype(np.uint8)

    def scene_shares(self) -> np.ndarray:
        """Share (8,) of the whole raster by cause."""
        counts = _counted(self.causes.ravel())
        return counts / counts.sum()

    def shares(self, geometry: Any) -> np.ndarray:
        """Share (8,) of a polygon's area or of a line's length by cause, summing to 1; what lies outside is not observed."""
        if "Line" in geometry.geom_type:
            x, y = places_along(geometry)
            counts = _counted(self.at(x, y))
            return counts / counts.sum()
        rows, columns = self.window(geometry.bounds)
        counts = np.zeros(len(NAMES))
        if rows.stop > rows.start and columns.stop > columns.start:
            found = self.causes[rows, columns][self._inside(geometry, rows, columns)]
            counts = _counted(found)
        whole = max(geometry.area / self.gsd_m**2, counts.sum())
        if counts.sum() == 0:  # smaller than a pixel
            centre = geometry.representative_point()
            counts[self.at(np.array([centre.x]), np.array([centre.y]))[0]] = whole
        outside = whole - counts.sum()
        # the outline crosses pixels: only what the raster cannot hold at all counts as outside
        if outside <= geometry.length / self.gsd_m and _within(geometry.bounds, self.bounds):
            outside = 0.0
        counts[NODATA] += outside
        return counts / counts.sum()


def pixel_step(bounds: tuple[float, float, float, float], gsd_m: float) -> int:
    """How many of the scene's pixels the side of a mask's pixel has."""
    area = (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])
    return max(1, round(PIXEL_M / gsd_m), math.ceil(math.sqrt(area / MOST_PIXELS) / gsd_m))


def described(shares: np.ndarray) -> str:
    """ "cloud 40 %, roof 5 %": the causes that hide at least half a per cent, largest first; "" where all is seen."""
    hidden = [(float(shares[cause]), NAMES[cause]) for cause in FIELDS if shares[cause] >= 0.005]
    return ", ".join(f"{name} {share:.0%}".replace("%", " %") for share, name in sorted(hidden, reverse=True))


def blocks(mask: Mask, side: int = 1024) -> Iterator[tuple[slice, slice]]:
    """Windows of the mask, row by row, for work that must not hold the whole scene."""
    rows, columns = mask.shape
    for top in range(0, rows, side):
        for left in range(0, columns, side):
            yield slice(top, min(top + side, rows)), slice(left, min(left + side, columns))


def block_bounds(mask: Mask, rows: slice, columns: slice) -> tuple[float, float, float, float]:
    """West, south, east and north of a window of the mask."""
    g = mask.gsd_m
    return mask.x0 + columns.start * g, mask.y0 - rows.stop * g, mask.x0 + columns.stop * g, mask.y0 - rows.start * g


def _counted(causes: np.ndarray, piece: int = 1 << 20) -> np.ndarray:
    """How often each cause occurs (8,), float; in pieces, because bincount makes 8 bytes of each."""
    counts = np.zeros(len(NAMES))
    for start in range(0, len(causes), piece):
        counts += np.bincount(causes[start : start + piece], minlength=len(NAMES))
    return counts


def _cut(low: float, high: float, size: int) -> slice:
    start = min(max(math.floor(low + 1e-6), 0), size)
    return slice(start, min(max(math.ceil(high - 1e-6), start), size))


def _within(inner: tuple[float, float, float, float], outer: tuple[float, float, float, float]) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]
