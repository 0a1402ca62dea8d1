"""rason:simulatescene: files with their truth, repeatable, refused in one line, counted by the rest of Rason."""

import shutil

import numpy as np
import pytest
from osgeo import gdal

SMALL = {"SIZE": 260.0, "GSD": 1.0}


@pytest.fixture
def simulate(run, rows, tmp_path):
    """Runs rason:simulatescene into tmp_path; returns results, pixels, truth and zones."""

    def call(name="s", **parameters):
        outputs = {
            "OUTPUT": str(tmp_path / f"{name}.tif"),
            "TRUTH": str(tmp_path / f"{name}_truth.gpkg"),
            "ZONES": str(tmp_path / f"{name}_zones.gpkg"),
        }
        results = run("rason:simulatescene", **{**SMALL, **outputs, **parameters})
        return results, gdal.Open(results["OUTPUT"]).ReadAsArray(), rows(results["TRUTH"]), rows(results["ZONES"])

    return call


@pytest.mark.parametrize(
    ("kind", "class_name", "zone_kind"),
    [("port", "ship", "berth"), ("container yard", "container", "yard"), ("rail yard", "freight_car", "track"),
     ("berth", "ship", "berth"), ("roadstead", "ship", "water")],
)  # fmt: skip
def test_every_kind_of_place_has_scene_truth_and_zones(simulate, kind, class_name, zone_kind):
    results, pixels, truth, zones = simulate(KIND=kind, FILL=1.0, OFF_NADIR=10.0)
    assert pixels.shape == (3, 260, 260) and pixels.min() > 0
    mine = [row for row in truth if row["class"] == class_name and row["zone_id"]]
    assert mine and results["OBJECTS"] >= len(mine)
    assert all(0 <= row["visible_fraction"] <= 1 and row["height_m"] > 0 and row["type"] for row in mine)
    assert {row["zone_id"] for row in mine} <= {zone["zone_id"] for zone in zones}
    assert zone_kind in {zone["kind"] for zone in zones}
    assert {row["scene"] for row in truth} == {"s.tif"} and {row["epoch"] for row in truth} == {"2023-10-12T02:26:00Z"}


def test_the_file_says_that_it_is_synthetic_and_how_it_was_taken(simulate):
    results, _, _, _ = simulate(KIND="roadstead", SUN_ELEVATION=33.0, SUN_AZIMUTH=141.0, OFF_NADIR=7.0)
    file = gdal.Open(results["OUTPUT"])
    assert file.GetMetadataItem("TIFFTAG_IMAGEDESCRIPTION").startswith("SYNTHETIC")
    assert file.GetMetadataItem("ACQUISITIONDATETIME", "IMAGERY") == "2023-10-12T02:26:00Z"
    assert "rason:simulatescene" in file.GetMetadataItem("RASON_RECORD")
    from rason.engine.conditions import from_metadata
    from rason.engine.gdal_files import metadata

    assert from_metadata(metadata(file)) == {
        "sun_elevation_deg": 33.0,
        "sun_azimuth_deg": 141.0,
        "off_nadir_deg": 7.0,
        "view_azimuth_deg": 200.0,
    }


def test_the_same_seed_gives_the_same_scene(simulate):
    first, again, other = (
        simulate(name, KIND="container yard", SEED=seed)[1:3] for name, seed in (("a", 4), ("b", 4), ("c", 5))
    )
    assert np.array_equal(first[0], again[0]) and not np.array_equal(first[0], other[0])
    same = [[{k: v for k, v in row.items() if k not in ("scene", "fid")} for row in truth] for _, truth in (first, again)]
    assert same[0] == same[1]


def test_an_empty_place_holds_nothing_that_is_counted(simulate):
    results, _, _, zones = simulate(KIND="container yard", FILL=0.0)
    assert results["OBJECTS"] == 0 and zones


def test_the_extent_may_be_in_any_crs_and_the_scene_is_in_utm(simulate):
    results, pixels, _, _ = simulate(
        KIND="roadstead", EXTENT="14478000,14478300,5180000,5180280 [EPSG:3857]", SUN_ELEVATION=40.0
    )
    file = gdal.Open(results["OUTPUT"])
    assert '"EPSG","32652"' in file.GetProjection()
    assert 200 < pixels.shape[2] < 245 and 190 < pixels.shape[1] < 225  # 1 Mercator metre there is 0.74 m
    south = simulate("south", KIND="roadstead", CENTRE="18.42,-33.9 [EPSG:4326]", EPOCH="2024-01-10T10:00:00Z")[0]
    assert '"EPSG","32734"' in gdal.Open(south["OUTPUT"]).GetProjection()


def test_with_nothing_but_a_kind(run):
    results = run("rason:simulatescene", KIND="sar", OUTPUT="TEMPORARY_OUTPUT", TRUTH="memory:", ZONES="memory:")
    assert gdal.Open(results["OUTPUT"]).ReadAsArray().shape == (2, 600, 600) and results["OBJECTS"] > 10


def test_radar(simulate):
    results, pixels, truth, zones = simulate(KIND="sar", SIZE=2600.0, GSD=10.0, FILL=1.0)
    assert pixels.shape == (2, 260, 260) and pixels.dtype == np.float32 and pixels.min() >= 0
    assert results["OBJECTS"] == len(truth) > 0 and {row["class"] for row in truth} == {"ship"}
    assert [zone["kind"] for zone in zones] == ["water"]


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("at most 64 million can be simulated", {"SIZE": 5000.0, "GSD": 0.3}),
        ("too small", {"SIZE": 40.0}),
        ("below the horizon at 2024-05-01T15:00:00Z", {"EPOCH": "2024-05-01T15:00:00Z"}),
        ("A sun -3° high", {"SUN_ELEVATION": -3.0}),
        ("no time of day", {"EPOCH": "2024-05-01"}),
        ("off nadir cannot be simulated", {"OFF_NADIR": 70.0}),
        ("A pixel of 0.01 m|million pixels", {"GSD": 0.01}),
        ("radar is simulated at 5 to 30 m", {"KIND": "sar", "GSD": 1.0, "SIZE": 3000.0}),
        ("at most 2 million", {"KIND": "sar", "GSD": 10.0, "SIZE": 30000.0}),
        ("between 84° south", {"CENTRE": "10,88 [EPSG:4326]"}),
        ("no .tif file", {"OUTPUT": "scene.png"}),
        ("does not exist", {"OUTPUT": "missing/scene.tif"}),
        ("Unknown parameter", {"FILLING": 1.0}),
    ],
)
def test_refused(refused, tmp_path, words, changes):
    given = {**SMALL, "OUTPUT": "s.tif", **changes}
    given["OUTPUT"] = str(tmp_path / given["OUTPUT"])
    refused(words, "rason:simulatescene", TRUTH="memory:", ZONES="memory:", **given)
    assert not list(tmp_path.iterdir())


def test_cancel_is_quick_and_leaves_nothing(tmp_path, provider):
    import time

    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback

    class Stop(QgsProcessingFeedback):
        def setProgress(self, value):
            if value > 5 and not self.isCanceled():
                self.at = time.monotonic()
                self.cancel()

    feedback = Stop(False)
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("rason:simulatescene")
    parameters = {"SIZE": 900.0, "GSD": 0.6, "OUTPUT": str(tmp_path / "s.tif"), "TRUTH": "memory:", "ZONES": "memory:"}
    _, good = algorithm.run(parameters, QgsProcessingContext(), feedback)
    assert not good and time.monotonic() - feedback.at < 2.0
    assert not list(tmp_path.iterdir())


def test_it_can_be_counted_and_the_report_says_synthetic(simulate, run, tmp_path):
    _, _, truth, zones = simulate(KIND="rail yard", FILL=0.5, GSD=0.5, SIZE=240.0, SUN_ELEVATION=45.0)
    report = tmp_path / "r.html"
    run("rason:tallyscene", INPUT=str(tmp_path / "s.tif"), ZONES=str(tmp_path / "s_zones.gpkg"), CLASSES="freight_car",
        DETECTIONS="memory:", TALLY="memory:", REPORT=str(report))  # fmt: skip
    assert "synthetic" in report.read_text("utf8").lower()


def test_truth_agrees_with_itself_in_rason_accuracy(simulate, run, tmp_path):
    simulate(KIND="container yard", FILL=0.6)
    truth, zones = str(tmp_path / "s_truth.gpkg"), str(tmp_path / "s_zones.gpkg")
    same = shutil.copy(truth, tmp_path / "found.gpkg")  # a layer beside itself is refused
    results = run("rason:accuracy", DETECTIONS=str(same), TRUTH=truth, ZONES=zones, OUTPUT="memory:", CLASSES="container")
    assert results["PRECISION"] == results["RECALL"] == 1.0
