"""A small synthetic place: one yard, two tracks (one empty), one berth; its scene and its zones as files."""

from datetime import datetime, timezone
from types import SimpleNamespace

import numpy as np
import pytest
from osgeo import gdal, ogr, osr
from shapely.geometry import LineString, box

X, Y = 606000.0, 4660000.0
EPSG = 32652


def _reference():
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(EPSG)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def write_zones(path, zones, *, epsg=EPSG, geometry_type=ogr.wkbUnknown, fields=("zone_id", "name", "kind"), driver="GPKG"):
    """zones: (geometry or None, {field: value})."""
    source = ogr.GetDriverByName(driver).CreateDataSource(str(path))
    reference = None
    if epsg:
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(epsg)
    layer = source.CreateLayer("zones", reference, geometry_type)
    for field in fields:
        layer.CreateField(ogr.FieldDefn(field, ogr.OFTString))
    for geometry, values in zones:
        feature = ogr.Feature(layer.GetLayerDefn())
        for field, value in values.items():
            if field in fields:
                feature.SetField(field, value)
        if geometry is not None:
            feature.SetGeometry(ogr.CreateGeometryFromWkb(bytes(geometry.wkb)))
        layer.CreateFeature(feature)
    source = None
    return str(path)


@pytest.fixture(scope="session")
def make_zones():
    """The function that writes a layer of zones."""
    return write_zones


def _boxes(port, bays):
    """Six rows of 40 ft boxes in each bay, neighbours of different paint: what is a box is beyond doubt."""
    paints = [(0.5, 0.1, 0.08), (0.08, 0.18, 0.4), (0.6, 0.6, 0.58), (0.1, 0.3, 0.15)]
    return [
        port.container(X + 30 + 13 * bay, Y - 48 + 2.85 * row, 90.0, 12.19, 1, paints[(row + bay) % 4])
        for bay in range(bays)
        for row in range(6)
    ]


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """scene, other (three months later, fuller), zones: paths. shapes: the zones' geometries. truth: {zone_id: number}."""
    from rason.engine.simulate import files, port, rail, render
    from rason.engine.simulate.layout import Area, Layout, rectangle

    folder = tmp_path_factory.mktemp("place")
    bounds = (X, Y - 160.0, X + 240.0, Y)
    shapes = {
        "yard": box(X + 20, Y - 60, X + 80, Y - 20),
        "loaded": LineString([(X + 10, Y - 100), (X + 230, Y - 100)]),
        "empty": LineString([(X + 10, Y - 130), (X + 230, Y - 130)]),
    }
    paths, truth = {}, {}
    for name, bays, cars, when in (
        ("scene", 2, 6, datetime(2023, 7, 18, 2, 5)),
        ("other", 3, 12, datetime(2023, 10, 12, 2, 5)),
    ):
        rng = np.random.default_rng(5)
        block = _boxes(port, bays)
        tracks = [np.array(shapes[key].coords) for key in ("loaded", "empty")]
        train = rail.train(tracks[0], 30.0, ["gondola"] * cars, rng)
        yard = Area(rectangle(np.array([X + 50, Y - 40.0]), 120.0, 60.0, 90.0), "concrete")
        layout = Layout((yard,), tuple(tracks), (*block, *train))
        scene = render.render(layout, bounds, gsd_m=0.3, sun_azimuth_deg=150, sun_elevation_deg=45, seed=3)
        files.write_geotiff(scene, folder / f"{name}.tif", when.replace(tzinfo=timezone.utc), EPSG)
        paths[name] = str(folder / f"{name}.tif")
        truth[name] = {"yard": len(block), "loaded": len(train), "empty": 0}
    zones = [
        (shapes["yard"], {"zone_id": "yard", "name": "The yard", "kind": "yard"}),
        (shapes["loaded"], {"zone_id": "loaded", "name": "Track 1", "kind": "track"}),
        (shapes["empty"], {"zone_id": "empty", "name": "Track 2", "kind": "track"}),
    ]
    return SimpleNamespace(
        folder=folder, zones=write_zones(folder / "zones.gpkg", zones), shapes=shapes, truth=truth, bounds=bounds, **paths
    )


@pytest.fixture
def run(provider):
    """processing.run by id; returns results and the log. Layers given by path."""
    import processing
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProject

    def call(algorithm, **parameters):
        context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
        context.setProject(QgsProject.instance())
        call.feedback = feedback
        return processing.run(algorithm, parameters, context=context, feedback=feedback)

    return call


@pytest.fixture
def refused(run):
    """Runs what must be refused and checks the message, which QGIS puts into the exception or only into the log."""
    import re

    from qgis.core import QgsProcessingException

    def check(words, algorithm, **parameters):
        with pytest.raises(QgsProcessingException) as error:
            run(algorithm, **parameters)
        told = f"{error.value}\n{run.feedback.textLog()}"
        assert re.search(words, told), told
        assert "Unexpected error" not in told, told

    return check


@pytest.fixture
def variant(tmp_path):
    """Writes a changed copy of a raster: variant(path, name, **gdal.Translate options)."""

    def write(path, name, **options):
        target = str(tmp_path / name)
        gdal.Translate(target, path, **options)
        return target

    return write
