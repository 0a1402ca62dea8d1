"""A scene moved by its displacement: its pixels resampled once, straight from the file, or only said to lie elsewhere (VRT)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..detectors.base import Progress, silent
from ..errors import Cancelled, Refusal
from ..gdal_files import modest_cache, raising
from ..georeference import Frame, transform
from .displacement import Displacement

RESAMPLING = ("nearest", "bilinear", "cubic", "lanczos", "average")
_NODES = 17  # control points a side: a field is smooth between them
_EXACT_PX = 0.02  # a geotransform that passes all control points within this says the whole displacement
_MEMORY = 64 << 20  # bytes that the warper may take
_LOST = ("RPC", "GEOLOCATION")  # domains that would say where the scene lay before


@dataclass(frozen=True)
class Source:
    """A scene's file as it is: dataset, its geotransform (the file's, or from control points) and CRS."""

    dataset: Any
    geotransform: tuple[float, ...]
    wkt: str


def place(
    source: Source, frame: Frame, displacement: Displacement, target: str, metadata: Mapping[str, Mapping[str, str]]
) -> None:
    """Write a VRT of the source's own pixels that lie where they belong, in the reference's CRS (frame.scene_wkt), with metadata.

    By a geotransform where that says it all, else by a grid of ground control points.
    """
    from osgeo import gdal

    column, row, x, y = _control(source, frame, displacement)
    fit, off = _linear(column, row, x, y)
    with raising():
        vrt = gdal.Translate(target, source.dataset, format="VRT")
        vrt.SetGCPs([], "")
        if off <= _EXACT_PX:
            vrt.SetProjection(frame.scene_wkt)
            vrt.SetGeoTransform(fit)
        else:
            points = [gdal.GCP(*(float(v) for v in (x[i], y[i], 0, column[i], row[i]))) for i in range(len(x))]
            vrt.SetGCPs(points, frame.scene_wkt)
        for domain in _LOST:
            vrt.SetMetadata({}, domain)
        for domain, values in metadata.items():
            vrt.SetMetadata(dict(values), domain)
        vrt.FlushCache()


def _control(source: Source, frame: Frame, displacement: Displacement) -> tuple[np.ndarray, ...]:
    """Pixel and line of a grid over the file, and where they belong (reference CRS)."""
    columns, rows = source.dataset.RasterXSize, source.dataset.RasterYSize
    column, row = (v.ravel() for v in np.meshgrid(np.linspace(0, columns, _NODES), np.linspace(0, rows, _NODES)))
    a = source.geotransform
    x, y = transform(source.wkt, frame.wkt, a[0] + column * a[1] + row * a[2], a[3] + column * a[4] + row * a[5])
    east, north = x, y
    for _ in range(4):  # the displacement is known by where the ground lies, not by where it was shown
        dx, dy = displacement.at(east, north)
        east, north = x - dx, y - dy
    return column, row, *frame.to_scene(east, north)


def _linear(column: np.ndarray, row: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[tuple[float, ...], float]:
    """The geotransform nearest to control points, and the most pixels it leaves one off."""
    basis = np.column_stack([np.ones(len(column)), column, row])
    middle = np.array([x.mean(), y.mean()])
    fit = np.linalg.lstsq(basis, np.column_stack([x, y]) - middle, rcond=None)[0]
    off = np.hypot(*(basis @ fit + middle - np.column_stack([x, y])).T).max()
    side = np.sqrt(abs(np.linalg.det(fit[1:])))
    return tuple(float(v) for v in (*(fit[:, 0] + [middle[0], 0, 0]), *(fit[:, 1] + [middle[1], 0, 0]))), float(off / side)


@dataclass(frozen=True)
class Target:
    """The grid that is written: bounds west, south, east, north, and pixel sides, in the reference's CRS."""

    bounds: tuple[float, float, float, float]
    step: tuple[float, float]


def own_grid(placed: str, reference: Any) -> Target:
    """Pixels of the moved scene's own size, on the corners of the reference's where the sizes agree; the whole scene."""
    from osgeo import gdal

    with raising():
        about = gdal.Warp("", placed, format="VRT", dstSRS=_wkt(placed))
    a, b = about.GetGeoTransform(), reference.GetGeoTransform()
    step = tuple(theirs if abs(own / theirs - 1) < 1e-3 else own for own, theirs in ((a[1], abs(b[1])), (-a[5], abs(b[5]))))
    west, north = a[0], a[3]
    east, south = west + about.RasterXSize * a[1], north + about.RasterYSize * a[5]
    left = b[0] + np.round((west - b[0]) / step[0]) * step[0]
    top = b[3] + np.round((north - b[3]) / step[1]) * step[1]
    columns, rows = max(1, round((east - left) / step[0])), max(1, round((top - south) / step[1]))
    return Target((float(left), float(top - rows * step[1]), float(left + columns * step[0]), float(top)), step)


def reference_grid(reference: Any) -> Target:
    """Exactly the reference's pixels. Raises Refusal where these are turned."""
    a = reference.GetGeoTransform()
    if a[2] or a[4]:
        raise Refusal("REFERENCE is turned against north: its grid cannot be taken over. Choose GRID own.")
    east, south = a[0] + reference.RasterXSize * a[1], a[3] + reference.RasterYSize * a[5]
    box = min(a[0], east), min(a[3], south), max(a[0], east), max(a[3], south)
    return Target(box, (abs(a[1]), abs(a[5])))


def warp(
    placed: str, grid: Target, target: str, metadata: Mapping[str, Mapping[str, str]], *, resampling: str = "cubic",
    progress: Progress = silent,
) -> None:  # fmt: skip
    """Write the placed scene on a grid as GeoTIFF, with these metadata {domain: {key: value}}. Raises Refusal where it cannot be written."""
    from osgeo import gdal

    stopped = []

    def step(share: float, message: str, data: Any) -> int:
        try:
            progress(share)
        except Cancelled as cancelled:
            stopped.append(cancelled)
            return 0
        return 1

    try:
        with raising(), modest_cache():
            source = gdal.Open(placed)
            kind = source.GetRasterBand(1).DataType
            if source.GetRasterBand(1).GetColorTable() is not None:
                resampling = "nearest"
            real = kind in (gdal.GDT_Float32, gdal.GDT_Float64)
            bare = source.GetRasterBand(1).GetNoDataValue() is None and not _masked(source)
            file = gdal.Warp(
                target, source, format="GTiff", dstSRS=_wkt(placed), outputBounds=grid.bounds, xRes=grid.step[0], yRes=grid.step[1],
                resampleAlg={"nearest": "near"}.get(resampling, resampling), tps=bool(source.GetGCPCount()), errorThreshold=0.02,
                dstNodata="nan" if real and bare else None, warpMemoryLimit=_MEMORY, callback=step,
                creationOptions=["TILED=YES", "COMPRESS=DEFLATE", f"PREDICTOR={3 if real else 2}", "BIGTIFF=IF_SAFER"],
            )  # fmt: skip
            for domain, values in metadata.items():
                file.SetMetadata(dict(values), domain)
            for i in range(source.RasterCount):
                file.GetRasterBand(i + 1).SetDescription(source.GetRasterBand(i + 1).GetDescription())
            file.FlushCache()
    except RuntimeError as error:
        if stopped:
            raise stopped[0] from None
        raise Refusal(
            "OUTPUT: {path} could not be written ({error}). Choose another place.", path=Path(target).name, error=error
        ) from error
    if stopped:
        raise stopped[0]


def _masked(dataset: Any) -> bool:
    from osgeo import gdal

    return bool(dataset.GetRasterBand(1).GetMaskFlags() & (gdal.GMF_PER_DATASET | gdal.GMF_ALPHA))


def _wkt(placed: str) -> str:
    """CRS of a placed scene, by geotransform or control points."""
    from osgeo import gdal

    dataset = gdal.Open(placed)
    return str(dataset.GetProjection() or dataset.GetGCPProjection())
