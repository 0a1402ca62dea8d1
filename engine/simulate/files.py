"""Synthetic scenes and their truth as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import Refusal
from ..gdal_files import raising
from ..zones import Zone
from .render import Rendered

Row = tuple[Any, dict[str, Any]]  # a shapely geometry, and the values of the fields


def write_geotiff(
    scene: Rendered, path: str | Path, utc: datetime, epsg: int, facts: Mapping[str, str] | None = None
) -> None:
    """A tiled, compressed GeoTIFF that says when it was "taken" and that it is synthetic.

    utc: aware datetime. epsg: code of the metric CRS of the frame. facts: more metadata. Raises Refusal where it cannot be
    written.
    """
    from osgeo import gdal

    _, rows, columns = scene.data.shape
    options = ["TILED=YES", "COMPRESS=LZW", "PREDICTOR=2", "PHOTOMETRIC=RGB"]
    try:
        with raising():
            file = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, 3, gdal.GDT_Byte, options)
            file.SetGeoTransform((scene.x0, scene.gsd_m, 0.0, scene.y0, 0.0, -scene.gsd_m))
            file.SetProjection(_crs(epsg).ExportToWkt())
            file.SetMetadata(
                {
                    "TIFFTAG_DATETIME": f"{utc:%Y:%m:%d %H:%M:%S}",
                    "TIFFTAG_SOFTWARE": "Rason simulator",
                    "TIFFTAG_IMAGEDESCRIPTION": "SYNTHETIC scene: what stands here is invented",
                    **(facts or {}),
                }
            )
            file.SetMetadata({"ACQUISITIONDATETIME": f"{utc:%Y-%m-%dT%H:%M:%SZ}"}, "IMAGERY")
            file.WriteArray(scene.data)
            file.FlushCache()
    except RuntimeError as error:  # no such folder, no right to write, disk full
        raise _unwritable(path) from error


def write_geopackage(layers: Mapping[str, Sequence[Row]], path: str | Path, epsg: int) -> None:
    """A new GeoPackage in place of an old one; fields are text or real, as the first row's values. Raises Refusal."""
    from osgeo import gdal, ogr

    Path(path).unlink(missing_ok=True)
    file = _created("GPKG", path, 0, 0, 0, gdal.GDT_Unknown, [])
    for name, rows in layers.items():
        layer = file.CreateLayer(name, _crs(epsg), ogr.wkbUnknown)
        for field, value in rows[0][1].items() if rows else ():
            layer.CreateField(ogr.FieldDefn(field, ogr.OFTString if isinstance(value, str) else ogr.OFTReal))
        layer.StartTransaction()
        for geometry, values in rows:
            feature = ogr.Feature(layer.GetLayerDefn())
            for field, value in values.items():
                feature.SetField(field, value)
            feature.SetGeometryDirectly(ogr.CreateGeometryFromWkb(bytes(geometry.wkb)))
            layer.CreateFeature(feature)
        layer.CommitTransaction()


def zone_rows(zones: Sequence[Zone]) -> list[Row]:
    """Zones with the fields that Rason reads."""
    return [(zone.geometry, {"zone_id": zone.zone_id, "name": zone.name, "kind": zone.kind}) for zone in zones]


def truth_rows(scene: Rendered) -> list[Row]:
    """True rectangles with class, type and sizes."""
    from shapely.geometry import Polygon

    truth = scene.truth
    sizes = ("length_m", "width_m", "azimuth_deg")
    return [
        (
            Polygon(ring),
            {
                "class": str(truth.class_name[i]),
                "note": str(truth.note[i]),
                **{name: float(getattr(truth, name)[i]) for name in sizes},
                "height_m": float(scene.truth_height_m[i]),
            },
        )
        for i, ring in enumerate(truth.corners())
    ]


def _created(driver: str, path: str | Path, *arguments: Any) -> Any:
    from osgeo import gdal

    try:
        file = gdal.GetDriverByName(driver).Create(str(path), *arguments)
    except RuntimeError:  # where GDAL raises instead of giving None
        file = None
    if file is None:
        raise _unwritable(path)
    return file


def _unwritable(path: str | Path) -> Refusal:
    return Refusal("{path} cannot be written: choose a folder that exists and that you may write to.", path=path)


def _crs(epsg: int) -> Any:
    from osgeo import osr

    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    return crs
