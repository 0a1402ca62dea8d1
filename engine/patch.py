"""A piece of a scene in memory: pixels on a north-up square grid of true metres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# Weights of ITU-R BT.601, which suit 8-bit display values.
LUMA = {"red": 0.299, "green": 0.587, "blue": 0.114}


@dataclass(frozen=True)
class Patch:
    """Pixels, their validity and where they lie.

    data: float32 (bands, rows, columns), stretched so that the scene's dark end is 0 and its bright end 1 (values outside
    are kept). One stretch for the visible bands, so colours keep their relations. Radar scenes (vv, vh, hh, hv): as stored.
    valid: bool (rows, columns); False where nothing was observed. Pixels there hold 0.
    x0, y0: frame coordinates in metres of the upper left corner; x grows to the east, y to the north (up).
    gsd_m: side of a pixel in metres. roles: what each band shows (red, green, blue, nir, pan, grey, vv, vh, hh, hv, other).
    """

    data: np.ndarray
    valid: np.ndarray
    x0: float
    y0: float
    gsd_m: float
    roles: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.data.shape[1], self.data.shape[2]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in frame metres."""
        rows, columns = self.shape
        return self.x0, self.y0 - rows * self.gsd_m, self.x0 + columns * self.gsd_m, self.y0

    def band(self, role: str) -> np.ndarray | None:
        """The band with this role (rows, columns), or None."""
        return self.data[self.roles.index(role)] if role in self.roles else None

    def rgb(self) -> np.ndarray:
        """Red, green and blue (3, rows, columns); a single-band picture three times."""
        if all(role in self.roles for role in LUMA):
            return self.data[[self.roles.index(role) for role in LUMA]]
        return np.repeat(self.data[:1], 3, axis=0)

    def luminance(self) -> np.ndarray:
        """Brightness (rows, columns)."""
        return np.tensordot(np.array(list(LUMA.values()), np.float32), self.rgb(), axes=1)

    def to_pixel(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Fractional column and row of frame points; (0, 0) is the centre of the first pixel."""
        return (np.asarray(x) - self.x0) / self.gsd_m - 0.5, (self.y0 - np.asarray(y)) / self.gsd_m - 0.5

    def to_frame(self, column: Any, row: Any) -> tuple[np.ndarray, np.ndarray]:
        """Frame coordinates of fractional pixel positions, the inverse of ``to_pixel``."""
        return self.x0 + (np.asarray(column) + 0.5) * self.gsd_m, self.y0 - (np.asarray(row) + 0.5) * self.gsd_m

    def inside(self, geometry: Any) -> np.ndarray:
        """Bool (rows, columns): pixels whose centre lies in a shapely polygon of frame coordinates."""
        return burnt(geometry, self.shape, self.x0, self.y0, self.gsd_m)


def burnt(geometry: Any, shape: tuple[int, int], x0: float, y0: float, gsd_m: float) -> np.ndarray:
    """Bool (rows, columns): pixels of a north-up grid whose centre lies in a shapely polygon; x0, y0: upper left corner."""
    from osgeo import gdal, ogr, osr

    rows, columns = shape
    grid = gdal.GetDriverByName("MEM").Create("", columns, rows, 1, gdal.GDT_Byte)
    grid.SetGeoTransform((x0, gsd_m, 0, y0, 0, -gsd_m))
    frame = osr.SpatialReference('LOCAL_CS["frame"]')  # GDAL warns where grid and layer have none
    grid.SetProjection(frame.ExportToWkt())
    driver = ogr.GetDriverByName("MEM") or ogr.GetDriverByName("Memory")  # one driver from GDAL 3.11 on
    source = driver.CreateDataSource("")
    layer = source.CreateLayer("zone", frame)
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometryDirectly(ogr.CreateGeometryFromWkb(bytes(geometry.wkb)))
    layer.CreateFeature(feature)
    gdal.RasterizeLayer(grid, [1], layer, burn_values=[1])
    return grid.ReadAsArray().astype(bool)
