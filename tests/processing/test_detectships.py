"""rason:detectships: what is cut out, what stood there before, and the occupied berth."""

from datetime import datetime, timezone

import numpy as np
import pytest
from shapely.geometry import box

from .conftest import EPSG, X, Y


@pytest.fixture(scope="module")
def harbour(tmp_path_factory):
    """A quay in the west with one ship alongside, and one at anchor in the east."""
    from rason.engine.simulate import files, render, ships
    from rason.engine.simulate.layout import Area, Layout, rectangle

    rng = np.random.default_rng(4)
    areas = (
        Area(rectangle(np.array([X + 150, Y - 100.0]), 400.0, 300.0, 90.0), "water", ships.WATER_LEVEL_M),
        Area(rectangle(np.array([X + 15, Y - 100.0]), 300.0, 90.0, 0.0), "concrete"),
    )
    quay = np.array([X + 60.0, Y - 190.0]), np.array([X + 60.0, Y - 10.0])
    anchored = ships.ship(X + 220, Y - 100.0, 20.0, 80.0, rng)
    layout = Layout(areas, things=(*ships.moored(quay[1], quay[0], [70.0], rng), anchored))
    scene = render.render(layout, (X, Y - 200.0, X + 300, Y), gsd_m=1.0, sun_azimuth_deg=150, sun_elevation_deg=50, seed=3)
    path = tmp_path_factory.mktemp("harbour") / "scene.tif"
    files.write_geotiff(scene, path, datetime(2023, 7, 18, 2, 5, tzinfo=timezone.utc), EPSG)
    return str(path)


@pytest.fixture
def water(make_zones, tmp_path):
    return make_zones(
        tmp_path / "water.gpkg", [(box(X + 60.5, Y - 190, X + 290, Y - 10), {"zone_id": "B", "kind": "berth"})]
    )


def test_the_berth_is_measured_and_the_anchored_ship_found(run, harbour, water):
    results = run("rason:detectships", INPUT=harbour, ZONES=water, OUTPUT="memory:", MEASURES="memory:")
    lengths = [feature["length_m"] for feature in results["OUTPUT"].getFeatures()]
    assert any(abs(length - 80) < 12 for length in lengths)
    measures = {feature["unit"]: feature["estimate"] for feature in results["MEASURES"].getFeatures()}
    assert abs(measures["m"] - 70) < 15 and 0.2 < measures["share"] < 0.6
    assert "B: berth occupied from" in run.feedback.textLog()


def test_excluded_places_are_cut_out(run, harbour, water, make_zones, tmp_path):
    without = make_zones(tmp_path / "out.gpkg", [(box(X + 150, Y - 200, X + 300, Y), {"zone_id": "x"})])
    found = run("rason:detectships", INPUT=harbour, ZONES=water, EXCLUDE=without, OUTPUT="memory:")["OUTPUT"].getFeatures()
    assert all(feature.geometry().centroid().asPoint().x() < X + 150 for feature in found)


def test_what_stands_there_on_another_date_is_flagged(run, harbour, water):
    first = run("rason:detectships", INPUT=harbour, ZONES=water, EPOCH="2023-05-01", OUTPUT="memory:")["OUTPUT"]
    again = run("rason:detectships", INPUT=harbour, ZONES=water, STATIC=first, OUTPUT="memory:")["OUTPUT"]
    assert again.featureCount() == first.featureCount() > 0
    assert all("stands there on 2023-05-01 too" in feature["note"] for feature in again.getFeatures())
    same = run("rason:detectships", INPUT=harbour, ZONES=water, STATIC=again, OUTPUT="memory:")["OUTPUT"]
    assert not any("stands there" in str(feature["note"]) for feature in same.getFeatures())


def test_lines_cannot_be_other_detections(refused, harbour, water, place):
    refused("is a line", "rason:detectships", INPUT=harbour, ZONES=water, STATIC=place.zones, OUTPUT="memory:")


def test_a_zone_without_pixels_or_wholly_excluded_is_refused(refused, harbour, water, tmp_path):
    from osgeo import gdal

    blank = str(tmp_path / "blank.tif")
    gdal.Translate(blank, harbour, noData=0)
    scene = gdal.Open(blank, gdal.GA_Update)
    for band in range(1, scene.RasterCount + 1):
        pixels = scene.GetRasterBand(band).ReadAsArray()
        pixels[:, 50:] = 0
        scene.GetRasterBand(band).WriteArray(pixels)
    scene = None
    refused("shows nothing in ZONES", "rason:detectships", INPUT=blank, ZONES=water, OUTPUT="memory:")
    refused("EXCLUDE covers all of zone B", "rason:detectships", INPUT=harbour, ZONES=water, EXCLUDE=water, OUTPUT="memory:")
