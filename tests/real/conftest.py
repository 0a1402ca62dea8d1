"""The main job on real imagery, through qgis_process as a user would run it."""

import json
from types import SimpleNamespace

import pytest
from osgeo import ogr, osr
from shapely.geometry import shape

WHEN = "2020-05-01T10:00:00Z"  # none of the sets says when it was taken


@pytest.fixture(scope="session")
def tally_real(process, imagery, rows, tmp_path_factory):
    """Runs rason:tallyscene on a scene of a set; returns totals, the table of counts and the detections."""

    def run(scene, zones, classes, **parameters):
        folder = tmp_path_factory.mktemp("real")
        outputs = {"DETECTIONS": folder / "d.gpkg", "TALLY": folder / "t.gpkg", "REPORT": folder / "r.html"}
        path = zones if isinstance(zones, str) else write(folder / "zones.gpkg", zones)
        done = process(
            "rason:tallyscene", INPUT=imagery / scene, ZONES=path, CLASSES=classes, EPOCH=WHEN, **outputs, **parameters
        )
        assert done.code == 0, done.log
        assert (folder / "r.html").stat().st_size > 10_000
        tally = rows(outputs["TALLY"])
        counts = {(row["zone_id"], row["class"]): row for row in tally if row["unit"] == "objects"}
        return SimpleNamespace(
            results=done.results, tally=tally, counts=counts, detections=rows(outputs["DETECTIONS"]), log=done.log
        )

    return run


def write(path, zones):
    """A GeoPackage of polygons and lines together: zones are (zone_id, kind or "", shapely geometry), UTM zone 52 N."""
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32652)
    layer = source.CreateLayer("zones", reference, ogr.wkbUnknown)
    for field in ("zone_id", "kind"):
        layer.CreateField(ogr.FieldDefn(field, ogr.OFTString))
    for zone_id, kind, geometry in zones:
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetField("zone_id", zone_id)
        if kind:
            feature.SetField("kind", kind)
        feature.SetGeometry(ogr.CreateGeometryFromWkb(bytes(geometry.wkb)))
        layer.CreateFeature(feature)
    source = None
    return str(path)


@pytest.fixture(scope="session")
def features(imagery):
    """(properties, shapely geometry) of a GeoJSON of a set."""

    def read(path):
        return [(f["properties"], shape(f["geometry"])) for f in json.loads((imagery / path).read_text("utf8"))["features"]]

    return read
