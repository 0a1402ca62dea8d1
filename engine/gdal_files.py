"""Opening rasters with GDAL, and refusing those that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .bands import is_radar
from .errors import Refusal
from .georeference import Frame

_UNTRANSFORMED = (0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
_CACHE_BYTES = 96 << 20  # a row of 512-pixel blocks of three 8-bit bands, 60,000 pixels wide
_DOMAINS = ("", "IMAGERY", "IMD", "IMAGE_STRUCTURE", "RPC")


@contextmanager
def raising() -> Iterator[None]:
    """GDAL errors as RuntimeErrors inside the block only: other plugins rely on the old behaviour."""
    from osgeo import gdal

    before = gdal.GetUseExceptions()
    gdal.UseExceptions()
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        yield
    finally:
        gdal.PopErrorHandler()
        if not before:
            gdal.DontUseExceptions()


@contextmanager
def modest_cache() -> Iterator[None]:
    """GDAL's block cache kept small inside the block only: scenes are read in order, and it would fill with what is done with."""
    from osgeo import gdal

    before = gdal.GetCacheMax()
    gdal.SetCacheMax(min(before, _CACHE_BYTES))
    try:
        yield
    finally:
        gdal.SetCacheMax(before)


def open_raster(source: str, name: str) -> Any:
    """A GDAL dataset with pixels and a usable georeference; raises Refusal with the cure otherwise."""
    from osgeo import gdal

    try:
        with raising():
            dataset = gdal.OpenEx(source, gdal.OF_RASTER | gdal.OF_READONLY)
    except RuntimeError as error:
        raise Refusal(
            "{name}: {source} cannot be opened as a raster ({error}). Check the file, or copy it again.",
            name=name,
            source=source,
            error=_short(error),
        ) from error
    if dataset.RasterCount == 0:
        raise Refusal(
            "{name}: {source} holds no bands of its own. Choose one of its sub-datasets.", name=name, source=source
        )
    _check_values(dataset, name)
    _check_georeference(dataset, name)
    return dataset


def forget(path: str) -> None:
    """Drop a file held in memory (/vsimem/…)."""
    from osgeo import gdal

    gdal.Unlink(path)


def metadata(dataset: Any) -> dict[str, dict[str, str]]:
    """Metadata of the domains that matter, {domain: {key: value}}."""
    return {domain: dict(dataset.GetMetadata(domain) or {}) for domain in _DOMAINS}


def without_palette(dataset: Any) -> Any:
    """A palette picture as red, green and blue; others unchanged."""
    from osgeo import gdal

    if dataset.RasterCount != 1 or dataset.GetRasterBand(1).GetColorTable() is None:
        return dataset
    with raising():
        return gdal.Translate("", dataset, format="VRT", rgbExpand="rgba" if _has_clear_colours(dataset) else "rgb")


def warped(dataset: Any, wkt: str, frame: Frame, roles: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """The dataset on the frame's north-up square grid, as a VRT that warps what is read; with an alpha band."""
    from osgeo import gdal

    has_alpha = "alpha" in roles
    how = "bilinear" if is_radar(roles) else "cubic"  # beside a bright radar target cubic goes below zero
    with raising():
        out = gdal.Warp("", dataset, format="VRT", srcSRS=wkt, dstSRS=frame.wkt, resampleAlg=how, dstAlpha=not has_alpha,
                        srcAlpha=has_alpha, xRes=_ground_step(dataset, frame), yRes=_ground_step(dataset, frame),
                        warpOptions=["UNIFIED_SRC_NODATA=YES"], errorThreshold=0.05)  # fmt: skip
    return out, roles if has_alpha else (*roles, "alpha")


def _ground_step(dataset: Any, frame: Frame) -> float:
    """Side in frame metres of the square that has the area of the scene's middle pixel."""
    import math

    import numpy as np

    a = dataset.GetGeoTransform()
    column, row = dataset.RasterXSize / 2 + np.array([0, 1, 0]), dataset.RasterYSize / 2 + np.array([0, 0, 1])
    x, y = frame.from_scene(a[0] + column * a[1] + row * a[2], a[3] + column * a[4] + row * a[5])
    return math.sqrt(abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])))


def _check_values(dataset: Any, name: str) -> None:
    from osgeo import gdal

    kind = dataset.GetRasterBand(1).DataType
    if gdal.DataTypeIsComplex(kind):
        raise Refusal("{name} holds complex values. Convert it to amplitude or intensity first.", name=name)


def _check_georeference(dataset: Any, name: str) -> None:
    transform = dataset.GetGeoTransform()
    if tuple(transform) == _UNTRANSFORMED:
        if dataset.GetGCPCount():
            raise Refusal(
                "{name} has only ground control points: warp it first (Raster > Projections > Warp, or gdalwarp -tps).",
                name=name,
            )
        if dataset.GetMetadata("RPC"):
            raise Refusal("{name} has only RPCs: orthorectify it first (gdalwarp -rpc -to RPC_DEM=dem.tif).", name=name)
        raise Refusal(
            "{name} has no georeference. Give it one with the Georeferencer (Layer > Georeferencer) first.", name=name
        )
    _, a, b, _, d, e = transform
    east, south, skew = a * a + d * d, b * b + e * e, a * b + d * e
    if east == 0 or south == 0 or abs(skew) > 1e-3 * (east * south) ** 0.5:
        raise Refusal(
            "{name} has a sheared georeference: warp it first (Raster > Projections > Warp, or gdalwarp).", name=name
        )


def _has_clear_colours(dataset: Any) -> bool:
    table = dataset.GetRasterBand(1).GetColorTable()
    return any(table.GetColorEntry(i)[3] < 255 for i in range(table.GetCount()))


def _short(error: Exception) -> str:
    """The first sentence of a GDAL message, without its path."""
    return str(error).splitlines()[0][:120]
