"""Changed pixels that hang together, as polygons."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Refusal
from ..gdal_files import raising

MOST = 200_000  # polygons that a layer can still show
TENTHS = 10  # the band of strength holds tenths of a decade of p
STRONGEST = 255


def strength(p: np.ndarray) -> np.ndarray:
    """-10 log10 p as uint8: 30 is p = 0.001."""
    with np.errstate(divide="ignore"):
        return np.minimum(-TENTHS * np.log10(np.maximum(p, 1e-30)), STRONGEST).astype(np.uint8)


@dataclass(frozen=True)
class Area:
    """Changed pixels that touch. geometry: shapely polygon in frame coordinates. p: of its middle pixel. brighter: share of pixels."""

    geometry: Any
    p: float
    area_m2: float
    brighter: float


def areas(
    path: str | Path, changed: tuple[int, ...], brighter: tuple[int, ...], least_px: int, progress: Callable[[float], None],
    *, band: int = 1, strength_band: int = 2,
) -> list[Area]:  # fmt: skip
    """Polygons of at least ``least_px`` pixels that touch by side or corner, whose class in a raster's ``band`` is one of ``changed``.

    brighter: the classes that got brighter. Raises Refusal for more polygons than a layer can show.
    """
    from osgeo import gdal
    from shapely import wkb

    with raising():
        file = gdal.Open(str(path))
        classes, strengths = file.GetRasterBand(band), file.GetRasterBand(strength_band)
        with tempfile.TemporaryDirectory() as folder:
            mask = _mask(classes, changed, Path(folder) / "mask.tif", lambda f: progress(0.3 * f))
            if least_px > 1:
                # pieces that are too small become what surrounds them; 8-connected, so corners hold together
                _guarded(gdal.SieveFilter, (mask, None, mask, least_px, 8), progress, 0.3, 0.5)
            shapes = [bytes(geometry) for geometry in _polygons(mask, file, progress)]
    if len(shapes) > MOST:
        raise Refusal(
            "{shapes} changed areas are more than a layer can show. Set a larger MIN_AREA or a smaller SIGNIFICANCE.",
            shapes=len(shapes),
        )
    found = []
    x0, side, _, y0, _, _ = file.GetGeoTransform()
    for i, shape in enumerate(shapes):
        progress(0.7 + 0.3 * i / len(shapes))
        geometry = wkb.loads(shape)
        west, south, east, north = geometry.bounds
        window = [round(v) for v in ((west - x0) / side, (y0 - north) / side, (east - west) / side, (north - south) / side)]
        own, strong = classes.ReadAsArray(*window), strengths.ReadAsArray(*window)
        inside = np.isin(own, changed)
        if len(shapes) > 1 and not inside.all():
            from ..patch import burnt

            inside &= burnt(geometry, (inside.shape[0], inside.shape[1]), west, north, side)
        if inside.any():
            found.append(
                Area(
                    geometry,
                    float(10 ** (-np.median(strong[inside]) / TENTHS)),
                    geometry.area,
                    float(np.isin(own[inside], brighter).mean()),
                )  # fmt: skip
            )
    return found


def _mask(classes: Any, changed: tuple[int, ...], path: Path, progress: Callable[[float], None]) -> Any:
    """Band of a file in which changed pixels are 1."""
    from osgeo import gdal

    columns, rows = classes.XSize, classes.YSize
    file = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, 1, gdal.GDT_Byte, ["COMPRESS=DEFLATE", "ZLEVEL=1", "BIGTIFF=IF_SAFER"])  # fmt: skip
    for row in range(0, rows, 512):
        progress(row / rows)
        strip = classes.ReadAsArray(0, row, columns, min(512, rows - row))
        file.GetRasterBand(1).WriteArray(np.isin(strip, changed).astype(np.uint8), 0, row)
    file.FlushCache()
    band = file.GetRasterBand(1)
    band.file = file  # the band lives as long as its file
    return band


def _polygons(mask: Any, file: Any, progress: Callable[[float], None]) -> Iterator[bytes]:
    """WKB of each area of ones."""
    from osgeo import gdal, ogr, osr

    driver = ogr.GetDriverByName("MEM") or ogr.GetDriverByName("Memory")
    source = driver.CreateDataSource("")
    frame = osr.SpatialReference('LOCAL_CS["frame"]')
    layer = source.CreateLayer("areas", frame)
    mask.file.SetGeoTransform(file.GetGeoTransform())
    _guarded(gdal.Polygonize, (mask, mask, layer, -1, ["8CONNECTED=8"]), progress, 0.5, 0.7)
    for feature in layer:
        yield bytes(feature.GetGeometryRef().ExportToWkb())


def _guarded(call: Any, arguments: tuple[Any, ...], progress: Callable[[float], None], start: float, end: float) -> None:
    """Run a GDAL function with our progress; what that raises (the user's cancel) passes through GDAL."""
    raised: list[BaseException] = []

    def step(fraction: float, *_: object) -> int:
        try:
            progress(start + (end - start) * fraction)
        except BaseException as error:
            raised.append(error)
            return 0
        return 1

    try:
        call(*arguments, callback=step)
    except RuntimeError:
        if not raised:
            raise
    if raised:
        raise raised[0]
