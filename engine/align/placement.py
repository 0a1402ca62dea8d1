"""A picture without georeference put on the map by a few points that someone marked in it: QGIS's georeferencer files."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import Refusal
from ..gdal_files import metadata, raising
from ..georeference import Frame, spatial_reference
from .warp import Source

_HEADERS = (("mapx", "mapy", "pixelx", "pixely"), ("mapx", "mapy", "sourcex", "sourcey"))  # before and since QGIS 3.24
_FLAT = 0.02  # points whose spread across is a smaller share of that along lie on a line
_STRETCHED = 2.0  # pixels that come out longer than this times their width are a mistake


@dataclass(frozen=True)
class ControlPoints:
    """column, row: pixels from the upper left corner, row down. x, y: map coordinates. wkt: their CRS, "" where the file has none."""

    column: np.ndarray
    row: np.ndarray
    x: np.ndarray
    y: np.ndarray
    wkt: str = ""


@dataclass(frozen=True)
class Placement:
    """transform: GDAL's six numbers from pixel to map. residual: map units that each point lies off."""

    transform: tuple[float, ...]
    residual: np.ndarray
    kind: str

    @property
    def pixel(self) -> float:
        """Side of a pixel in map units."""
        _, a, b, _, d, e = self.transform
        return float(abs(a * e - b * d) ** 0.5)


def parse(text: str, name: str = "POINTS") -> ControlPoints:
    """The enabled points of a georeferencer file, with or without its line of CRS. Raises Refusal for other files."""
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    wkt = next((line.partition(":")[2].strip() for line in lines if line.lower().startswith("#crs:")), "")
    table = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    table = [
        {(key or "").strip().lower(): (value if isinstance(value, str) else "").strip() for key, value in row.items()}
        for row in table
    ]
    header = next((names for names in _HEADERS if table and set(names) <= set(table[0])), None)
    if header is None:
        raise Refusal(
            "{name} is no points file of QGIS's Georeferencer (mapX, mapY, pixelX or sourceX, …). Save one there with File > "
            "Save GCP Points As.",
            name=name,
        )  # fmt: skip
    try:
        rows = [[float(row[key]) for key in header] for row in table if row.get("enable", "1") not in ("0", "false")]
    except ValueError as error:
        raise Refusal("{name} holds a coordinate that is no number. Save the points anew.", name=name) from error
    found = np.array(rows, float).reshape(-1, 4)
    if not np.isfinite(found).all():
        raise Refusal("{name} holds a coordinate that is no number. Save the points anew.", name=name)
    return ControlPoints(found[:, 2], -found[:, 3], found[:, 0], found[:, 1], wkt)


def place(points: ControlPoints, size: Sequence[int], name: str = "POINTS") -> Placement:
    """The similarity through two points, the affine transform nearest to three or more. size: columns and rows of the picture.

    Raises Refusal for too few points, points on one line, outside the picture, and what would mirror it.
    """
    count = len(points.x)
    pixels, ground = np.column_stack([points.column, points.row]), np.column_stack([points.x, points.y])
    if len({tuple(p) for p in pixels}) < 2 or len({tuple(p) for p in ground}) < 2:
        raise Refusal("{name} holds {count} different enabled points: at least two are needed, three or more are better.",
                      name=name, count=min(len({tuple(p) for p in pixels}), len({tuple(p) for p in ground})))  # fmt: skip
    if (pixels < -1).any() or (pixels > np.array(size) + 1).any():
        raise Refusal("{name} has points outside INPUT's {columns} x {rows} pixels: it belongs to another picture.",
                      name=name, columns=size[0], rows=size[1])  # fmt: skip
    if count == 2:
        a, b = _similarity(pixels, ground)
        matrix = np.array([[a, b], [b, -a]])
    else:
        for what, where in ((pixels, "in the picture"), (ground, "on the map")):
            along, across = np.linalg.svd(what - what.mean(axis=0), compute_uv=False)[:2]
            if across < _FLAT * along:
                raise Refusal("{name}: the points lie on one line {where}: add one well beside it.", name=name, where=where)
        offset = pixels - pixels.mean(axis=0)
        matrix = np.linalg.lstsq(offset, ground - ground.mean(axis=0), rcond=None)[0].T
    stretch = np.linalg.svd(matrix, compute_uv=False)
    if np.linalg.det(matrix) >= 0:
        raise Refusal("{name} would mirror the picture: two of its points are mixed up. Check each of them.", name=name)
    if stretch[0] > _STRETCHED * stretch[1]:
        raise Refusal("{name} would stretch the picture {times} times in one direction: a point is wrong. Check each of them.",
                      name=name, times=f"{stretch[0] / stretch[1]:.1f}")  # fmt: skip
    corner = ground.mean(axis=0) - matrix @ pixels.mean(axis=0)
    residual = np.hypot(*(ground - pixels @ matrix.T - corner).T)
    transform = corner[0], matrix[0, 0], matrix[0, 1], corner[1], matrix[1, 0], matrix[1, 1]
    return Placement(tuple(float(v) for v in transform), residual, "similarity" if count == 2 else "affine")


def _similarity(pixels: np.ndarray, ground: np.ndarray) -> tuple[float, float]:
    """a and b of x = a column + b row, y = b column - a row: turned and scaled, rows running down."""
    step, way = pixels[1] - pixels[0], ground[1] - ground[0]
    turned = complex(way[0], way[1]) / complex(step[0], -step[1])
    return turned.real, turned.imag


def placed(path: str, points: ControlPoints, frame: Frame, *, bands: str = "") -> tuple[Source, Any, Placement]:
    """A picture put on the map by control points: the file as it is with its transform, and the scene in the frame's coordinates.

    Points without CRS are in that of the frame's scene.
    """
    from osgeo import gdal

    from ..scene import Scene

    try:
        with raising():
            file = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_READONLY)
    except RuntimeError as error:
        raise Refusal("INPUT cannot be opened as a raster. Check the path and the file.") from error
    wkt = points.wkt or frame.scene_wkt
    found = place(points, (file.RasterXSize, file.RasterYSize))
    raw, upright = (f"/vsimem/rason_{uuid.uuid4().hex}.vrt" for _ in range(2))
    with raising():
        there = gdal.Translate(raw, file, format="VRT", outputSRS=wkt)
        there.SetGCPs([], "")
        there.SetProjection(wkt)
        there.SetGeoTransform(found.transform)
        there.FlushCache()
        has_alpha = any(
            file.GetRasterBand(i + 1).GetColorInterpretation() == gdal.GCI_AlphaBand for i in range(file.RasterCount)
        )
        gdal.Warp(upright, raw, format="VRT", dstSRS=frame.wkt, resampleAlg="cubic", dstAlpha=not has_alpha).FlushCache()
    scene = Scene.open(upright, bands=f"{bands},alpha" if bands and not has_alpha else bands, frame=frame)
    for path in (raw, upright):
        gdal.Unlink(path)  # the scene has read them
    scene.metadata, scene.files = metadata(file), tuple(file.GetFileList() or ())
    return Source(file, found.transform, spatial_reference(wkt).ExportToWkt()), scene, found
