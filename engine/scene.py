"""One image at one time, read on demand in windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .bands import VISIBLE, given_roles, is_radar, read_roles
from .errors import Refusal
from .gdal_files import metadata, modest_cache, open_raster, raising, warped, without_palette
from .georeference import Frame, metric_frame
from .grid import Grid, Window
from .patch import Patch

Bounds = tuple[float, float, float, float]

_SAMPLES, _SAMPLE_PX = 6, 128  # contrast is measured on 6 x 6 windows of 128 pixels, spread over the scene
_SHARP_SAMPLES, _SHARP_PX = 4, 256  # sharpness on 4 x 4 windows of 256 pixels
_STRETCH = (0.5, 99.5)  # percentiles that become 0 and 1
_COLLAR_PX = 1024  # side of the overview in which the black collar is traced


class Scene:
    """An image file: opened once, checked at once, read in windows.

    Pixels come as Patches on the frame's grid, those of radar scenes as stored. Files whose grid is not north-up and square in true metres (degrees, Web
    Mercator, rotated) are warped while reading; axis-aligned ones are read as they are.
    Attributes: gsd_m (metres a pixel), roles (of the bands in a Patch), frame, metadata, files, warnings.
    """

    def __init__(self, dataset: Any, frame: Frame, roles: tuple[str, ...], name: str) -> None:
        self._dataset, self.frame, self.name = dataset, frame, name
        self._bands = [i for i, role in enumerate(roles) if role != "alpha"]
        self._alpha = [i for i, role in enumerate(roles) if role == "alpha"][:1]
        self.roles = tuple(roles[i] for i in self._bands)
        self._grid = Grid.of(dataset)
        self.gsd_m = self._grid.gsd_m
        self._sources: tuple[Any, ...] = ()  # datasets that a virtual one reads from: GDAL must not close them
        self.files: tuple[str, ...] = ()
        self.band_names: tuple[str, ...] = ()
        self.metadata: dict[str, dict[str, str]] = {}
        self.warnings: tuple[str, ...] = ()

    @classmethod
    def open(
        cls, source: str, *, crs_wkt: str = "", bands: str = "", name: str = "INPUT", frame: Frame | None = None
    ) -> Scene:
        """Open a raster for GDAL (path, /vsi… path, VRT). crs_wkt overrides the file's CRS, bands its band roles.

        frame: another scene's, to which this one is brought; left out, the scene has its own.
        Raises Refusal for what cannot be used: not a raster, corrupt, no georeference, no CRS, complex values.
        """
        original = open_raster(source, name)
        wkt = crs_wkt or original.GetProjection()
        if not wkt:
            raise Refusal(
                "{name} has no coordinate reference system. Assign one (layer properties, or gdal_edit -a_srs).", name=name
            )
        dataset = without_palette(original)
        roles, guess = (given_roles(bands, dataset.RasterCount), "") if bands else read_roles(dataset)
        frame = Frame(wkt, frame.wkt) if frame else metric_frame(wkt, _centre(dataset))
        unwarped = dataset
        if not (frame.is_scene_crs and Grid.of(dataset).is_plain):
            dataset, roles = warped(dataset, wkt, frame, roles)
        scene = cls(dataset, frame, roles, name)
        scene._sources = (original, unwarped)
        scene.files = tuple(original.GetFileList() or ())
        scene.metadata = metadata(original)
        scene.band_names = tuple(original.GetRasterBand(i + 1).GetDescription() or "" for i in range(original.RasterCount))
        scene.warnings = (guess,) if guess else ()
        return scene

    @property
    def band_numbers(self) -> tuple[int, ...]:
        """Numbers, from 1, that the bands of ``roles`` have in the file (in its red, green and blue where it has a palette)."""
        return tuple(i + 1 for i in self._bands)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows on the frame's grid."""
        return self._grid.columns, self._grid.rows

    @property
    def bounds(self) -> Bounds:
        """West, south, east and north in frame metres."""
        return self._grid.bounds

    @cached_property
    def stretch(self) -> tuple[np.ndarray, np.ndarray]:
        """Dark end and range of each band (float32), one pair for all visible bands; measured once, on a sample."""
        samples: list[list[np.ndarray]] = [[] for _ in self.roles]
        for window in self._grid.sample(_SAMPLES, _SAMPLE_PX):
            data, valid = self._read(window, 1)
            for kept, values in zip(samples, data):
                kept.append(values[valid])
        return _ends([np.concatenate(parts) for parts in samples], self.roles)

    @cached_property
    def effective_gsd_m(self) -> float:
        """The coarser of pixel size and measured sharpness."""
        return self._sharpness()

    def measure(self, progress: Callable[[float], None]) -> None:
        """Find the effective GSD now, with progress, where a long run must stay ready to be cancelled."""
        if "effective_gsd_m" not in self.__dict__:
            self.__dict__["effective_gsd_m"] = self._sharpness(progress)

    def _sharpness(self, progress: Callable[[float], None] = lambda fraction: None) -> float:
        from .sharpness import effective_gsd

        blocks = [self._patch(window, 1) for window in self._grid.sample(_SHARP_SAMPLES, _SHARP_PX)]
        seen = [block for block in blocks if block.valid.mean() > 0.5]
        if not seen or is_radar(self.roles):  # speckle is as sharp as the pixel, whatever the detail
            return self.gsd_m
        return effective_gsd([block.luminance() for block in seen], [block.valid for block in seen], self.gsd_m, progress)

    def read(self, bounds: Bounds, gsd_m: float | None = None) -> Patch:
        """Pixels of a box of frame metres, area-averaged to about gsd_m where that is coarser than the scene."""
        step = max(1, round(gsd_m / self.gsd_m)) if gsd_m else 1
        return self._patch(self._grid.window(bounds, step), step)

    @cached_property
    def display(self) -> tuple[np.ndarray, np.ndarray]:
        """Dark end and range of each band as a picture viewer takes them: 0 and 255 for 8-bit files, else the stretch."""
        if self._is_8_bit:
            return np.zeros(len(self.roles), np.float32), np.full(len(self.roles), 255, np.float32)
        return self.stretch

    def values(self, bounds: Bounds, shape: tuple[int, int], bands: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Values as the file holds them (bands, rows, columns; uint8, else float32) of a box resampled to ``shape``; validity.

        bands: indices of ``roles``. Averaged where that is coarser than the scene, cubic where finer, as they are where equal.
        What is not valid holds 0.
        """
        (rows, columns), step = shape, (bounds[2] - bounds[0]) / shape[1] / self.gsd_m
        left, top = (bounds[0] - self.bounds[0]) / self.gsd_m, (self.bounds[3] - bounds[3]) / self.gsd_m
        x0, x1 = _overlap(left, step, columns, self.size[0])
        y0, y1 = _overlap(top, step, rows, self.size[1])
        if (x0, x1, y0, y1) == (0, columns, 0, rows):
            return self._resampled(_within((left, top, columns * step, rows * step), self.size), shape, bands)
        data = np.zeros((len(bands), rows, columns), np.uint8 if self._is_8_bit else np.float32)
        valid = np.zeros((rows, columns), bool)
        if x1 > x0 and y1 > y0:
            window = _within((left + x0 * step, top + y0 * step, (x1 - x0) * step, (y1 - y0) * step), self.size)
            place = np.s_[y0:y1, x0:x1]
            data[(slice(None), *place)], valid[place] = self._resampled(window, (y1 - y0, x1 - x0), bands)
        return data, valid

    def _resampled(
        self, window: tuple[float, ...], shape: tuple[int, int], bands: Sequence[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """As ``_read``, for a window of any fractions of pixels and any shape."""
        chosen = [self._bands[i] for i in bands]
        data = self._pixels(window, shape, chosen, np.uint8 if self._is_8_bit else np.float32)
        valid = np.ones(shape, bool)
        if not self._is_8_bit:
            valid = np.isfinite(data).all(axis=0)
        nodata = [self._dataset.GetRasterBand(i + 1).GetNoDataValue() for i in chosen]
        if all(value is not None for value in nodata):
            valid &= ~(data == np.array(nodata, np.float32)[:, None, None]).all(axis=0)
        if self._alpha or self._has_mask:
            valid &= self._pixels(window, shape, self._alpha or [-1], np.float32)[0] > 0
        if self._collar is not None:
            x, y, width, height = window
            whole = int(x), int(y), max(1, round(width)), max(1, round(height))
            valid &= ~_in_collar(~data.any(axis=0), self._collar, whole, self.size)
        if not valid.all():
            data[:, ~valid] = 0
        return data, valid

    def _pixels(self, window: tuple[float, ...], shape: tuple[int, int], bands: Sequence[int], kind: Any) -> np.ndarray:
        """Bands by index (-1: the dataset's mask) of a window resampled to ``shape``, north-up."""
        from osgeo import gdal

        column, row, width, height = self._grid.stored(window)  # type: ignore[arg-type]
        out = np.empty((len(bands), *(shape[::-1] if self._grid.turned else shape)), kind)
        step = width / out.shape[2]
        how = gdal.GRIORA_Average if step > 1 else gdal.GRIORA_Cubic if step < 1 else gdal.GRIORA_NearestNeighbour
        try:
            with raising(), modest_cache():
                for target, index in zip(out, bands):
                    first = self._dataset.GetRasterBand(max(index, 0) + 1)
                    band = first.GetMaskBand() if index < 0 else first
                    band.ReadAsArray(column, row, width, height, buf_obj=target, resample_alg=how)
        except RuntimeError as error:
            raise Refusal(
                "{name} cannot be read: the file is truncated or damaged. Copy it again.", name=self.name
            ) from error
        return self._grid.north_up(out)

    @cached_property
    def _is_8_bit(self) -> bool:
        from osgeo import gdal

        return all(self._dataset.GetRasterBand(i + 1).DataType == gdal.GDT_Byte for i in self._bands)

    def _patch(self, window: Window, step: int) -> Patch:
        column, row, width, height = window
        data = np.zeros((len(self.roles), height // step, width // step), np.float32)
        valid = np.zeros(data.shape[1:], bool)
        inner = self._grid.clip(window, step)
        if inner[2] and inner[3]:
            raw, seen = self._read(inner, step)
            x, y = (inner[0] - column) // step, (inner[1] - row) // step
            place = np.s_[y : y + seen.shape[0], x : x + seen.shape[1]]
            if not is_radar(self.roles):
                dark, span = self.stretch
                raw = (raw - dark[:, None, None]) / span[:, None, None]
            if not seen.all():
                raw[:, ~seen] = 0
            if seen.shape == valid.shape:
                data, valid = raw, seen
            else:
                data[(slice(None), *place)], valid[place] = raw, seen
        x0, y0 = self._grid.corner(column, row)
        return Patch(data, valid, x0, y0, self.gsd_m * step, self.roles)

    def _read(self, window: Window, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Raw values, float32 (bands, rows, columns), and validity of a window inside the grid, averaged over ``step``."""
        data = self._raw(window, step, self._bands)
        valid = np.isfinite(data).all(axis=0)
        if not valid.all():
            data[:, ~valid] = 0
        nodata = [self._dataset.GetRasterBand(i + 1).GetNoDataValue() for i in self._bands]
        if all(value is not None for value in nodata):
            valid &= ~(data == np.array(nodata, np.float32)[:, None, None]).all(axis=0)
        if self._alpha:
            valid &= self._raw(window, step, self._alpha)[0] > 0
        elif self._has_mask:
            valid &= self._raw(window, step, [-1])[0] > 0
        if self._collar is not None:
            valid &= ~_in_collar(~data.any(axis=0), self._collar, window, self.size)
        return data, valid

    def _raw(self, window: Window, step: int, bands: list[int]) -> np.ndarray:
        """Bands by index (-1: the dataset's mask) of a window, north-up, averaged over ``step``."""
        return self._pixels(window, (window[3] // step, window[2] // step), bands, np.float32)

    @cached_property
    def shows_all(self) -> bool:
        """Whether every pixel is valid, as the file's kind tells without a look at the pixels; False where they must be read."""
        from osgeo import gdal

        bands = [self._dataset.GetRasterBand(i + 1) for i in self._bands]
        whole = all(band.DataType in (gdal.GDT_Byte, gdal.GDT_UInt16, gdal.GDT_Int16) for band in bands)
        hidden = self._alpha or self._has_mask or all(band.GetNoDataValue() is not None for band in bands)
        return whole and not hidden and self._collar is None

    @cached_property
    def _has_mask(self) -> bool:
        from osgeo import gdal

        return bool(self._dataset.GetRasterBand(1).GetMaskFlags() & gdal.GMF_PER_DATASET)

    @cached_property
    def _collar(self) -> np.ndarray | None:
        """Overview (rows, columns) of the black collar, zero in all bands and connected to the scene's edge; or None."""
        self.__dict__["_collar"] = None  # while the edge is read
        columns, rows = self.size
        edges = [(0, 0, columns, 1), (0, rows - 1, columns, 1), (0, 0, 1, rows), (columns - 1, 0, 1, rows)]
        if all(self._raw(edge, 1, self._bands).any(axis=0).all() for edge in edges):
            return None
        return _trace_collar(self._overview())

    def _overview(self) -> np.ndarray:
        """Where any band differs from zero, on a grid of at most 1,024 pixels a side (nearest pixels)."""
        from osgeo import gdal

        columns, rows = self._dataset.RasterXSize, self._dataset.RasterYSize
        shrink = max(1, math.ceil(max(columns, rows) / _COLLAR_PX))
        size = max(1, columns // shrink), max(1, rows // shrink)
        seen = np.zeros((size[1], size[0]), bool)
        with raising():
            for index in self._bands:
                band = self._dataset.GetRasterBand(index + 1)
                seen |= band.ReadAsArray(0, 0, columns, rows, *size, resample_alg=gdal.GRIORA_NearestNeighbour) != 0
        return self._grid.north_up(seen[None])[0]


def _overlap(start: float, step: float, count: int, size: int) -> tuple[int, int]:
    """First and last pixel (of ``count``, each ``step`` scene pixels, from ``start``) that lie in a scene of ``size`` pixels."""
    nudge = 1e-6
    return max(0, math.ceil(-start / step - nudge)), min(count, math.floor((size - start) / step + nudge))


def _within(window: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """A window without the rounding that would make it leave the scene or be resampled for nothing."""
    x, y, width, height = (round(v) if abs(v - round(v)) < 1e-6 else v for v in window)
    x, y = max(x, 0), max(y, 0)
    return x, y, min(width, size[0] - x), min(height, size[1] - y)


def _centre(dataset: Any) -> tuple[float, float]:
    a = dataset.GetGeoTransform()
    column, row = dataset.RasterXSize / 2, dataset.RasterYSize / 2
    return a[0] + column * a[1] + row * a[2], a[3] + column * a[4] + row * a[5]


def _ends(values: list[np.ndarray], roles: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Dark end and range of each band from its sampled values; the visible bands share theirs."""
    ends = np.array([np.percentile(v, _STRETCH) if v.size else (np.nan, np.nan) for v in values])
    visible = [i for i, role in enumerate(roles) if role in VISIBLE]
    if visible and np.isfinite(ends[visible]).any():
        ends[visible] = np.nanmin(ends[visible, 0]), np.nanmax(ends[visible, 1])
    ends = np.where(np.isfinite(ends), ends, (0.0, 1.0))
    span = ends[:, 1] - ends[:, 0]
    return ends[:, 0].astype(np.float32), np.where(span > 0, span, 1.0).astype(np.float32)


def _trace_collar(seen: np.ndarray) -> np.ndarray | None:
    """The parts of ``~seen`` that touch the edge."""
    from scipy.ndimage import label

    parts, _ = label(~seen)
    touching = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    collar = np.isin(parts, touching[touching > 0])
    return collar if collar.any() else None


def _in_collar(zero: np.ndarray, collar: np.ndarray, window: Window, size: tuple[int, int]) -> np.ndarray:
    """Which all-zero pixels of a window hang together with the collar of the overview."""
    from scipy.ndimage import label

    if not zero.any():
        return zero
    column, row, width, height = window
    rows = _overview_index(row, height, zero.shape[0], size[1], collar.shape[0])
    columns = _overview_index(column, width, zero.shape[1], size[0], collar.shape[1])
    parts, _ = label(zero)
    hits = np.unique(parts[zero & collar[np.ix_(rows, columns)]])
    return np.isin(parts, hits[hits > 0])


def _overview_index(start: int, length: int, count: int, full: int, small: int) -> np.ndarray:
    """Overview cells of ``count`` pixels that cover start..start+length of a side of ``full`` pixels."""
    centres = start + (np.arange(count) + 0.5) * length / count
    return np.clip((centres * small / full).astype(int), 0, small - 1)


@dataclass(frozen=True)
class ArrayScene:
    """A scene held in memory: data (bands, rows, columns) already stretched to 0..1, for tests and the simulator."""

    data: np.ndarray
    gsd_m: float
    roles: tuple[str, ...] = ("red", "green", "blue")
    x0: float = 0.0
    y0: float = 0.0
    valid: np.ndarray | None = None
    effective_gsd: float | None = None
    name: str = "array"

    @property
    def effective_gsd_m(self) -> float:
        """The coarser of pixel and sharpness."""
        return self.effective_gsd or self.gsd_m

    def measure(self, progress: Callable[[float], None]) -> None:
        """As the file's; here it is given."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in frame metres."""
        rows, columns = self.data.shape[1:]
        return self.x0, self.y0 - rows * self.gsd_m, self.x0 + columns * self.gsd_m, self.y0

    def read(self, bounds: tuple[float, float, float, float], gsd_m: float | None = None) -> Patch:
        """Pixels of a box, padded with invalid ones; block-averaged when a coarser gsd_m is asked for."""
        west, south, east, north = bounds
        g = self.gsd_m
        c0, r0 = int(np.floor((west - self.x0) / g)), int(np.floor((self.y0 - north) / g))
        c1, r1 = int(np.ceil((east - self.x0) / g)), int(np.ceil((self.y0 - south) / g))
        rows, columns = self.data.shape[1:]
        valid = np.zeros((r1 - r0, c1 - c0), bool)
        data = np.zeros((self.data.shape[0], *valid.shape), np.float32)
        rs, re, cs, ce = max(r0, 0), min(r1, rows), max(c0, 0), min(c1, columns)
        if re > rs and ce > cs:
            inner = np.s_[rs - r0 : re - r0, cs - c0 : ce - c0]
            data[(slice(None), *inner)] = self.data[:, rs:re, cs:ce]
            valid[inner] = True if self.valid is None else self.valid[rs:re, cs:ce]
        step = max(1, int(round(gsd_m / g))) if gsd_m else 1
        if step > 1:
            h, w = valid.shape[0] // step * step, valid.shape[1] // step * step
            data = data[:, :h, :w].reshape(len(data), h // step, step, w // step, step).mean((2, 4))
            valid = valid[:h, :w].reshape(h // step, step, w // step, step).mean((1, 3)) > 0.5
        return Patch(data * valid, valid, self.x0 + c0 * g, self.y0 - r0 * g, g * step, self.roles)
