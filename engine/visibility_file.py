"""The visibility raster as a GeoTIFF that any GIS shows with the names and colours of its classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .detectors.base import Progress, silent
from .errors import Refusal
from .gdal_files import raising
from .georeference import Frame
from .visibility import CLEAR, CLOUD, GLINT, HAZE, MASKED, NAMES, NODATA, ROOF, SHADOW, Mask

_STRIP = 512  # rows written between two calls of progress

COLOURS = {
    NODATA: (60, 60, 60, 255),
    CLEAR: (255, 255, 255, 0),
    CLOUD: (240, 240, 255, 255),
    SHADOW: (70, 70, 140, 255),
    HAZE: (200, 190, 220, 255),
    GLINT: (255, 215, 80, 255),
    ROOF: (190, 90, 60, 255),
    MASKED: (230, 60, 160, 255),
}


def write(mask: Mask, frame: Frame, path: str | Path, metadata: Mapping[str, str], progress: Progress = silent) -> None:
    """One band of uint8 on the mask's grid, in the frame's CRS. Raises Refusal where it cannot be written."""
    from osgeo import gdal

    rows, columns = mask.shape
    options = ["TILED=YES", "COMPRESS=DEFLATE", "ZLEVEL=6"]
    try:
        with raising():
            file = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, 1, gdal.GDT_Byte, options)
            file.SetGeoTransform((mask.x0, mask.gsd_m, 0.0, mask.y0, 0.0, -mask.gsd_m))
            file.SetProjection(frame.wkt)
            file.SetMetadata(dict(metadata))
            band = file.GetRasterBand(1)
            band.SetDescription("visibility")
            table = gdal.ColorTable()
            for value, colour in COLOURS.items():
                table.SetColorEntry(value, colour)
            band.SetColorTable(table)
            band.SetCategoryNames([NAMES[value] for value in sorted(NAMES)])  # in the side file that GDAL keeps
            for top in range(0, rows, _STRIP):
                progress(top / rows)
                band.WriteArray(mask.causes[top : top + _STRIP], 0, top)
            file.FlushCache()
    except RuntimeError as error:
        raise Refusal(
            "OUTPUT: {path} could not be written ({error}). Choose another place.", path=path, error=error
        ) from error
