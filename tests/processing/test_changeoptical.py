"""rason:changeoptical: raster, areas and vectors of two scenes of one place; what it refuses and says."""

import numpy as np
import pytest
from osgeo import gdal


@pytest.fixture
def given(place, tmp_path):
    return {
        "BEFORE": place.scene,
        "AFTER": place.other,
        "OUTPUT": str(tmp_path / "c.tif"),
        "OBJECTS": str(tmp_path / "c.gpkg"),
    }


def test_boxes_that_came_are_areas(run, rows, place, given, tmp_path):
    results = run("rason:changeoptical", **given, VECTORS=str(tmp_path / "v.tif"))
    classes, strong = gdal.Open(results["OUTPUT"]).ReadAsArray()
    assert set(np.unique(classes)) <= {0, 1, 2, 3} and ((strong >= 30) == (classes >= 2)).all()
    found = rows(results["OBJECTS"])
    assert len(found) == results["AREAS"] > 0
    new = place.shapes["yard"].buffer(15)
    assert sum(r["area_m2"] for r in found if new.intersects(r["geometry"])) > 60
    assert all(r["epoch_1"] == "2023-07-18T02:05:00Z" and r["epoch_2"] == "2023-10-12T02:05:00Z" for r in found)
    assert all(0 <= r["p_value"] <= 0.001 and r["change"] in ("brighter", "darker") for r in found)
    assert all(r["area_m2"] == pytest.approx(r["geometry"].area, rel=0.01) for r in found)
    assert 0 < results["CHANGED_SHARE"] < 0.3 and 0 <= results["SHIFT_PX"] < 0.5
    assert gdal.Open(results["VECTORS"]).RasterCount == 2


def test_the_other_order_is_sorted_and_said(run, given):
    forward = run("rason:changeoptical", **given)
    first = gdal.Open(forward["OUTPUT"]).ReadAsArray()
    back = run("rason:changeoptical", **given | {"BEFORE": given["AFTER"], "AFTER": given["BEFORE"]})
    assert "were sorted" in run.feedback.textLog()
    assert np.array_equal(first, gdal.Open(back["OUTPUT"]).ReadAsArray())


def test_a_shift_is_said(run, given, variant):
    west, north = 606000.0 + 1.2, 4660000.0
    shifted = variant(given["AFTER"], "shifted.tif", outputBounds=[west, north, west + 240.0, north - 160.0])
    results = run("rason:changeoptical", **given | {"AFTER": shifted})
    assert results["SHIFT_PX"] == pytest.approx(4.0, abs=0.4) and "align them first" in run.feedback.textLog()


def test_what_is_hidden_is_not_compared(run, given, place, variant):
    seen = variant(place.other, "seen.tif", bandList=[1])
    file = gdal.Open(seen, gdal.GA_Update)
    data = np.ones((file.RasterYSize, file.RasterXSize), np.uint8)
    data[:, :300] = 2
    file.GetRasterBand(1).WriteArray(data)
    file.FlushCache()
    results = run("rason:changeoptical", **given, VISIBILITY_AFTER=seen)
    classes = gdal.Open(results["OUTPUT"]).ReadAsArray()[0]
    assert (classes[:, :300] == 0).all() and (classes[:, 300:] > 0).all()


@pytest.mark.parametrize(
    "words, after",
    [
        ("same scene", lambda place, variant: place.scene),
        ("same epoch", lambda place, variant: variant(place.scene, "copy.tif")),
        ("has 1", lambda place, variant: variant(place.other, "grey.tif", bandList=[1])),
        ("do not overlap", lambda place, variant: variant(place.other, "far.tif", outputBounds=[7e5, 4.66e6, 7.002e5, 4.6598e6])),
        ("", lambda place, variant: "/nowhere.tif"),
    ],
)  # fmt: skip
def test_bad_input(refused, given, place, variant, words, after, tmp_path):
    refused(words, "rason:changeoptical", **given | {"AFTER": after(place, variant)})
    assert not (tmp_path / "c.tif").exists() and not (tmp_path / "c.gpkg").exists()


def test_radar_is_sent_elsewhere(refused, given):
    refused("changesar", "rason:changeoptical", **given, BANDS="vv,vh,other")


def test_the_same_picture_under_another_date(refused, given, variant):
    copy = variant(given["BEFORE"], "copy.tif")
    refused("same picture", "rason:changeoptical", **given | {"AFTER": copy}, EPOCH_AFTER="2023-10-01")


def test_times_of_which_nobody_knows_the_order_are_refused(refused, run, given):
    refused(
        "earlier one is not known",
        "rason:changeoptical",
        **given,
        EPOCH_BEFORE="2023-10-12",
        EPOCH_AFTER="2023-10-12T02:05:00Z",
    )
    refused(
        "EPOCH_AFTER and EPOCH_BEFORE", "rason:changeoptical", **given, EPOCH_BEFORE="2023-10-12", EPOCH_AFTER="2023-10-12"
    )
    run("rason:changeoptical", **given, EPOCH_BEFORE="2023-07-18", EPOCH_AFTER="2023-10-12T02:05:00")
    log = run.feedback.textLog()
    assert "different precision (day, second)" in log and "AFTER: The time 2023-10-12T02:05:00 names no zone" in log
