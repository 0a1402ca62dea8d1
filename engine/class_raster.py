"""Rasters whose values are words (masks, quality layers), read onto a scene's grid without mixing the words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import Refusal
from .gdal_files import raising
from .georeference import Frame

MOST_PIXELS = 48_000_000  # read at once; a larger raster is thinned out (nearest pixels)


@dataclass(frozen=True)
class ClassRaster:
    """An opened raster of one band of whole numbers. files: what bears its pixels. wkt: its CRS."""

    dataset: Any
    wkt: str
    name: str

    @classmethod
    def open(cls, source: str, *, crs_wkt: str = "", name: str) -> ClassRaster:
        """Open a raster for GDAL. name: the parameter, for errors. Raises Refusal for what holds no words on a map."""
        from osgeo import gdal

        try:
            with raising():
                dataset = gdal.OpenEx(source, gdal.OF_RASTER | gdal.OF_READONLY)
        except RuntimeError as error:
            raise Refusal(
                "{name}: {source} cannot be opened as a raster. Check the file, or copy it again.", name=name, source=source
            ) from error
        if dataset.RasterCount != 1:
            raise Refusal(
                "{name} has {bands} bands. Give a raster of one band that holds the classes.",
                name=name,
                bands=dataset.RasterCount,
            )
        wkt = crs_wkt or dataset.GetProjection()
        if not wkt or tuple(dataset.GetGeoTransform()) == (0.0, 1.0, 0.0, 0.0, 0.0, 1.0):
            raise Refusal("{name} has no georeference. Give it the CRS and the extent of its scene first.", name=name)
        if gdal.DataTypeIsComplex(dataset.GetRasterBand(1).DataType):
            raise Refusal("{name} holds complex values. Give a raster of whole numbers.", name=name)
        return cls(dataset, wkt, name)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that bear the pixels."""
        return tuple(self.dataset.GetFileList() or ())

    @property
    def file_name(self) -> str:
        """The first file's name."""
        return Path(self.files[0]).name if self.files else ""

    @property
    def nodata(self) -> float | None:
        """The value that stands for nothing known."""
        return self.dataset.GetRasterBand(1).GetNoDataValue()

    def onto(
        self, frame: Frame, x0: float, y0: float, gsd_m: float, shape: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values (rows, columns) of the nearest pixels on a grid of frame metres, and where the raster lies at all (bool).

        Raises Refusal where it lies nowhere on the grid or cannot be read.
        """
        from osgeo import gdal

        rows, columns = shape
        bounds = x0, y0 - rows * gsd_m, x0 + columns * gsd_m, y0
        try:
            with raising():
                warped = gdal.Warp("", self.dataset, format="MEM", srcSRS=self.wkt, dstSRS=frame.wkt, outputBounds=bounds,
                                   width=columns, height=rows, resampleAlg="near", dstAlpha=True, srcNodata="None",
                                   errorThreshold=0.05)  # fmt: skip
                values = warped.GetRasterBand(1).ReadAsArray()
                known = warped.GetRasterBand(2).ReadAsArray() > 0
        except RuntimeError as error:
            raise Refusal("{name} cannot be laid on the scene. Check its CRS and its extent.", name=self.name) from error
        if not known.any():
            raise Refusal("{name} lies outside the scene. Give the one of this scene, or check its CRS.", name=self.name)
        if np.issubdtype(values.dtype, np.floating):
            known &= np.isfinite(values)
            values = np.where(known, values, 0)
        return values, known
