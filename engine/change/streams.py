"""Two or more scenes read block by block on the grid of the first, where all of them show the ground."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Refusal
from ..gdal_files import raising
from ..grid import Window
from ..tiles import Bounds, common

WIDTH_PX, HEIGHT_PX = 4096, 512  # of a block: whole tiles of most files
MOST_VALUES = 1 << 24  # of all bands of all scenes in a block
SAMPLE_WINDOWS, SAMPLE_PX = 8, 128  # per side, spread over the scene
SHIFT_WINDOWS, SHIFT_PX = 3, 256
LEAST_PX = 400  # that both scenes show
SMOOTH = 0.18  # cycles a pixel: standard deviation of the low-pass in the shift's cross-spectrum
SURE_PEAK = 9.0  # of the correlation over its spread: unrelated pictures reach 6.5


@dataclass(frozen=True)
class Stack:
    """Scenes with one frame. bands: which of each scene's bands, equally many. The grid is the first scene's, cut to what all cover."""

    scenes: tuple[Any, ...]
    bands: tuple[tuple[int, ...], ...]
    x0: float
    y0: float
    gsd_m: float
    columns: int
    rows: int

    @classmethod
    def of(
        cls, scenes: Sequence[Any], bands: Sequence[Sequence[int]], names: Sequence[str], gsd_m: float | None = None
    ) -> Stack:
        """names: what the user calls the scenes. gsd_m: side to which pixels are averaged; left out, the first scene's. Raises Refusal where they do not overlap."""
        first = scenes[0]
        box: Bounds = first.bounds
        for scene, name in zip(scenes[1:], names[1:]):
            box = common(box, scene.bounds)
            if box[2] - box[0] < first.gsd_m or box[3] - box[1] < first.gsd_m:
                raise Refusal(
                    "{name} and {name_2} do not overlap: they show different places, or one has a wrong CRS. Choose two "
                    "scenes of one place.",
                    name=names[0],
                    name_2=name,
                )
        west, _, _, north = first.bounds
        step, nudge = first.gsd_m, 1e-6
        left, top = math.ceil((box[0] - west) / step - nudge), math.ceil((north - box[3]) / step - nudge)
        right, bottom = math.floor((box[2] - west) / step + nudge), math.floor((north - box[1]) / step + nudge)
        if right <= left or bottom <= top:
            raise Refusal("{names} overlap by less than a pixel. Choose scenes of one place.", names=" and ".join(names))
        of_side = max(1, round(gsd_m / step)) if gsd_m else 1
        columns, rows = (right - left) // of_side, (bottom - top) // of_side
        if not columns or not rows:
            raise Refusal("A pixel of {gsd_m:g} m is larger than what the scenes share. Give a smaller GSD.", gsd_m=gsd_m)
        corner = west + left * step, north - top * step
        return cls(tuple(scenes), tuple(tuple(b) for b in bands), *corner, step * of_side, columns, rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def overlap(self) -> float:
        """Share of the smaller scene that all of them cover."""
        areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (scene.bounds for scene in self.scenes)]
        return min(1.0, self.rows * self.columns * self.gsd_m**2 / min(areas))

    def windows(self) -> Iterator[Window]:
        """Blocks that cover the grid once, in the order of the file."""
        most = MOST_VALUES // (sum(map(len, self.bands)) * min(WIDTH_PX, self.columns))
        height = min(HEIGHT_PX, max(32, most // 32 * 32))
        for row in range(0, self.rows, height):
            for column in range(0, self.columns, WIDTH_PX):
                yield column, row, min(WIDTH_PX, self.columns - column), min(height, self.rows - row)

    def read(self, window: Window) -> tuple[list[np.ndarray], np.ndarray]:
        """Values (bands, rows, columns; float32) of each scene, and where all of them show the ground."""
        column, row, width, height = window
        west, north = self.x0 + column * self.gsd_m, self.y0 - row * self.gsd_m
        bounds = west, north - height * self.gsd_m, west + width * self.gsd_m, north
        seen, data = np.ones((height, width), bool), []
        for scene, bands in zip(self.scenes, self.bands):
            values, valid = scene.values(bounds, (height, width), bands)
            data.append(values.astype(np.float32, copy=False))
            seen &= valid
        return data, seen

    def sample(self, progress: Callable[[float], None]) -> tuple[list[np.ndarray], float]:
        """Values (bands, N; float32) of up to a million pixels that all scenes show, from windows spread over the grid; seen share.

        Raises Refusal where hardly any pixel is shown by all.
        """
        kept: list[list[np.ndarray]] = [[] for _ in self.scenes]
        windows, total, read = self._spread(SAMPLE_WINDOWS, SAMPLE_PX), 0, 0
        for i, window in enumerate(windows):
            progress(i / len(windows))
            data, seen = self.read(window)
            total, read = total + int(seen.sum()), read + seen.size
            for part, values in zip(kept, data):
                part.append(values[:, seen])
        if total < LEAST_PX:
            raise Refusal(
                "Hardly any pixel is seen in every scene: what they share is empty, nodata or hidden. Check the scenes and VISIBILITY."
            )
        return [np.concatenate(part, axis=1) for part in kept], total / read

    def shift_px(self) -> tuple[float, float] | None:
        """How far the second scene's content lies to the right of and below the first's, in pixels; None where that is not sure.

        Phase correlation in nine windows, the median of those with a clear peak (ALGORITHMS 3, co-registration).
        """
        found = []
        for window in self._spread(SHIFT_WINDOWS, SHIFT_PX):
            data, seen = self.read(window)
            if min(seen.shape) >= 32 and seen.mean() > 0.9:
                shift = _phase_shift(data[0].mean(0), data[1].mean(0))
                found += [shift] if shift is not None else []
        if not found:
            return None
        middle = np.median(found, axis=0)
        agree = np.hypot(*(np.array(found) - middle).T) < 1.0
        return (float(middle[0]), float(middle[1])) if agree.sum() > len(found) / 2 else None

    def _spread(self, count: int, side: int) -> list[Window]:
        """count × count windows spread evenly, or blocks of all where the grid is small."""
        if self.rows * self.columns <= (count * side) ** 2:
            return [
                (c, r, min(side, self.columns - c), min(side, self.rows - r))
                for r in range(0, self.rows, side)
                for c in range(0, self.columns, side)
            ]
        width, height = min(side, self.columns), min(side, self.rows)
        n_x, n_y = (min(count, max(1, size // side)) for size in (self.columns, self.rows))
        x = np.linspace(0, self.columns - width, n_x).round().astype(int).tolist()
        y = np.linspace(0, self.rows - height, n_y).round().astype(int).tolist()
        return [(c, r, width, height) for r in y for c in x]

    def create(self, path: str | Path, bands: Sequence[str], kind: str, nodata: float | None, metadata: Mapping[str, str], key: str) -> Any:  # fmt: skip
        """A GeoTIFF on this grid, open for writing. kind: "Byte", "Float32", …; key: the parameter, for errors."""
        from osgeo import gdal

        options = ["TILED=YES", "COMPRESS=DEFLATE", "ZLEVEL=1", "BIGTIFF=IF_SAFER"]
        try:
            with raising():
                file = gdal.GetDriverByName("GTiff").Create(
                    str(path), self.columns, self.rows, len(bands), gdal.GetDataTypeByName(kind), options
                )
                file.SetGeoTransform((self.x0, self.gsd_m, 0.0, self.y0, 0.0, -self.gsd_m))
                file.SetProjection(self.scenes[0].frame.wkt)
                file.SetMetadata(dict(metadata))
                for i, name in enumerate(bands):
                    file.GetRasterBand(i + 1).SetDescription(name)
                    if nodata is not None:
                        file.GetRasterBand(i + 1).SetNoDataValue(nodata)
        except RuntimeError as error:
            raise Refusal(
                "{key}: {path} could not be written ({error}). Choose another place.", key=key, path=path, error=error
            ) from error
        return file


def write(file: Any, window: Window, bands: Sequence[np.ndarray], key: str) -> None:
    """Write a block of each band. Raises Refusal where the disk is full."""
    column, row = window[:2]
    try:
        with raising():
            for i, values in enumerate(bands):
                file.GetRasterBand(i + 1).WriteArray(values, column, row)
    except RuntimeError as error:
        raise Refusal("{key} could not be written ({error}). Is the disk full?", key=key, error=error) from error


def _phase_shift(first: np.ndarray, second: np.ndarray) -> np.ndarray | None:
    """Columns and rows by which the second image lies right of and below the first; None without a clear peak."""
    taper = np.outer(np.hanning(first.shape[0]), np.hanning(first.shape[1]))
    a, b = (np.fft.rfft2((image - image.mean()) * taper) for image in (first, second))
    cross = b * np.conj(a)
    fy, fx = np.fft.fftfreq(first.shape[0], 1.0)[:, None], np.fft.rfftfreq(first.shape[1], 1.0)[None]
    low = np.exp(-(fx**2 + fy**2) / (2 * SMOOTH**2))
    peak_map = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-12) * low, first.shape)
    row, column = np.unravel_index(np.argmax(peak_map), peak_map.shape)
    if peak_map[row, column] < SURE_PEAK * peak_map.std():
        return None
    shift = []
    for axis, at in ((1, int(column)), (0, int(row))):
        line = peak_map[row] if axis == 1 else peak_map[:, column]
        n = len(line)
        before, middle, after = (max(float(line[(at + d) % n]), 1e-12) for d in (-1, 0, 1))
        before, middle, after = np.log([before, middle, after])  # a Gaussian's logarithm is a parabola
        bend = before - 2 * middle + after
        part = (before - after) / (2 * bend) if bend < 0 else 0.0
        whole = at if at <= n // 2 else at - n
        shift.append(whole + float(np.clip(part, -0.5, 0.5)))
    return np.array(shift)
