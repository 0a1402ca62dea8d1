"""rason:tally: hand counts and detections of a layer."""

import json

import pytest
from osgeo import ogr
from qgis.core import QgsProcessingFeatureSourceDefinition, QgsProcessingOutputLayerDefinition, QgsVectorLayer
from shapely.geometry import Point, box

ZONES = [
    (box(606000, 4659900, 606100, 4660000), {"zone_id": "a"}),
    (box(606200, 4659900, 606300, 4660000), {"zone_id": "b"}),
]
WHEN = "2023-10-12T02:05:00Z"


@pytest.fixture
def layers(make_zones, tmp_path):
    """Writes marks and zones; returns their paths."""

    def write(marks, fields=("class",), zones=ZONES):
        return {
            "DETECTIONS": make_zones(tmp_path / "marks.gpkg", marks, fields=fields),
            "ZONES": make_zones(tmp_path / "zones.gpkg", zones),
        }

    return write


def points(number, kind="truck", x=606010, step=2.0):
    return [(Point(x + step * i, 4659950), {"class": kind}) for i in range(number)]


def table(run, rows, tmp_path, **parameters):
    results = run("rason:tally", OUTPUT=str(tmp_path / "t.gpkg"), EPOCH=WHEN, **parameters)
    return results, {(row["zone_id"], row["class"], row["unit"]): row for row in rows(results["OUTPUT"])}


def test_points_drawn_by_hand_have_an_error_too(run, rows, layers, tmp_path):
    results, tally = table(run, rows, tmp_path, **layers(points(30)))
    row = tally["a", "truck", "objects"]
    assert row["basis"] == "counted" and row["estimate"] == 30 and row["low"] < 30 < row["high"]
    assert row["high"] - 30 > 30 - row["low"], "people miss the same hard objects: at least"
    assert "at least" in row["rules"]
    assert tally["b", "truck", "objects"]["estimate"] == 0 and tally["b", "truck", "objects"]["high"] >= 1
    assert (results["TOTAL"], results["TOTAL_LOW"] < 30 < results["TOTAL_HIGH"]) == (30, True)


def test_boxes_also_give_area_and_share(run, rows, layers, tmp_path):
    boxes = [(box(606010 + 10 * i, 4659940, 606016 + 10 * i, 4659942.4), {"class": "coal_pile"}) for i in range(5)]
    _, tally = table(run, rows, tmp_path, **layers(boxes))
    assert tally["a", "coal_pile", "m2"]["estimate"] == pytest.approx(5 * 6 * 2.4, abs=1)
    assert tally["a", "coal_pile", "share"]["estimate"] == pytest.approx(5 * 6 * 2.4 / 10_000, abs=0.01)
    empty = tally["b", "coal_pile", "m2"]
    assert empty["estimate"] == empty["low"] == 0 < empty["high"], "looked at, and nothing there: 0 with a bound"


def test_a_day_without_any_box_has_the_units_of_a_day_with_boxes(run, rows, make_zones, tmp_path):
    marks = make_zones(tmp_path / "none.gpkg", [], geometry_type=ogr.wkbPolygon, fields=("class",))
    zones = make_zones(tmp_path / "zones.gpkg", ZONES)
    _, tally = table(run, rows, tmp_path, DETECTIONS=marks, ZONES=zones, CLASSES="container")
    assert set(tally) == {(zone, "container", unit) for zone in ("a", "b") for unit in ("objects", "m2", "share")}
    assert all(row["estimate"] == 0 for row in tally.values())


def test_the_record_of_a_run_from_the_dialog_reads_like_any_other(run, layers, tmp_path):
    path = str(tmp_path / "t.gpkg")
    given = layers(points(3))
    marks = QgsProcessingFeatureSourceDefinition(given["DETECTIONS"])
    run("rason:tally", **{**given, "DETECTIONS": marks, "OUTPUT": QgsProcessingOutputLayerDefinition(path), "EPOCH": WHEN})
    record = json.loads(QgsVectorLayer(f"{path}|layername=t", "t", "ogr").metadata().history()[0])
    assert (record["parameters"]["DETECTIONS"], record["parameters"]["OUTPUT"]) == (given["DETECTIONS"], path)


def test_several_classes_at_once(run, rows, layers, tmp_path):
    results, tally = table(run, rows, tmp_path, **layers(points(5) + points(3, "coach", x=606210)))
    assert tally["a", "truck", "objects"]["estimate"] == 5 and tally["b", "coach", "objects"]["estimate"] == 3
    assert results["TOTAL"] is None, "no total over different things"


def test_an_object_in_two_overlapping_zones_is_in_both_but_once_in_the_total(run, rows, layers, tmp_path):
    zones = [ZONES[0], (box(606000, 4659900, 606050, 4660000), {"zone_id": "half"})]
    results, tally = table(run, rows, tmp_path, **layers(points(10), zones=zones))
    assert tally["a", "truck", "objects"]["estimate"] == tally["half", "truck", "objects"]["estimate"] == 10
    assert results["TOTAL"] == 10


def test_none_found_needs_the_class_that_was_looked_for(run, refused, rows, layers, tmp_path):
    given = layers([])
    refused("CLASSES", "rason:tally", OUTPUT="memory:", EPOCH=WHEN, **given)
    _, tally = table(run, rows, tmp_path, CLASSES="truck", **given)
    assert tally["a", "truck", "objects"]["estimate"] == 0 and tally["a", "truck", "objects"]["high"] >= 1


def test_rejected_detections_are_left_out_and_status_sets_the_basis(run, rows, layers, tmp_path):
    fields = ("class", "status", "detector")
    marks = [
        (geometry, {**values, "status": "accepted", "detector": "rason"}) for geometry, values in points(8, "container")
    ]
    marks += [
        (geometry, {**values, "status": "rejected", "detector": "rason"})
        for geometry, values in points(4, "container", x=606040)
    ]
    _, tally = table(run, rows, tmp_path, **layers(marks, fields=fields))
    row = tally["a", "container", "objects"]
    assert row["estimate"] == 8 and row["basis"] == "reviewed"


def test_detections_keep_their_uncertainty(run, rows, layers, tmp_path):
    fields = ("class", "status", "detector")
    marks = [
        (geometry, {**values, "status": "detected", "detector": "rason"}) for geometry, values in points(20, "container")
    ]
    _, tally = table(run, rows, tmp_path, **layers(marks, fields=fields))
    detected = tally["a", "container", "objects"]
    assert detected["basis"] == "uncalibrated"
    _, tally = table(run, rows, tmp_path, BASIS="counted", **layers(marks, fields=fields))
    counted = tally["a", "container", "objects"]
    assert detected["high"] - detected["low"] > counted["high"] - counted["low"]


def test_visibility_hides_zones(run, rows, layers, make_zones, tmp_path):
    seen = make_zones(
        tmp_path / "v.gpkg",
        [(ZONES[0][0], {"zone_id": "a", "visible_fraction": "0.3"})],
        fields=("zone_id", "visible_fraction"),
    )
    _, tally = table(run, rows, tmp_path, VISIBILITY=seen, **layers(points(4)))
    assert tally["a", "truck", "objects"]["estimate"] is None and tally["b", "truck", "objects"]["estimate"] == 0


@pytest.mark.parametrize(
    ("marks", "fields", "words"),
    [
        (points(2), ("other",), "no field class"),
        ([(points(1)[0][0], {"epoch": "2020-01-01"}), (points(1)[0][0], {"epoch": "2021-01-01"})], ("epoch",), "more than one epoch|no field class"),
        ([(box(0, 0, 1, 1).exterior, {"class": "truck"})], ("class",), "is a line"),
    ],
)  # fmt: skip
def test_bad_marks_are_refused(refused, layers, marks, fields, words):
    refused(words, "rason:tally", OUTPUT="memory:", EPOCH=WHEN, **layers(marks, fields=fields))


def test_no_time_is_refused(refused, layers):
    refused("EPOCH", "rason:tally", OUTPUT="memory:", **layers(points(2)))


def test_ten_thousand_marks_in_two_hundred_zones_take_under_a_second():
    import time

    import numpy as np

    from rason.engine.detections import Detections
    from rason.engine.shipped import shipped
    from rason.engine.tallying import tally_marks
    from rason.engine.zones import Zone

    rng = np.random.default_rng(1)
    marks = Detections.make(rng.uniform(0, 2000, 10_000), rng.uniform(0, 1000, 10_000), 6, 2.4, 0, "container")
    zones = [
        Zone(f"z{i}", "yard", box(100 * (i % 20), 100 * (i // 20), 100 * (i % 20) + 90, 100 * (i // 20) + 90))
        for i in range(200)
    ]
    tally_marks(
        marks.select(slice(0, 10)),
        zones[:2],
        ["container"],
        {"container": shipped("container")},
        basis="detected",
        visible={},
    )
    start = time.process_time()
    rows, _ = tally_marks(marks, zones, ["container"], {"container": shipped("container")}, basis="detected", visible={})
    assert time.process_time() - start < 1.0
    assert len([row for row in rows if row["unit"] == "objects"]) == 200


@pytest.mark.parametrize(("value", "words"), [("much", "no number"), ("1.4", "not between 0 and 1")])
def test_visible_fractions_that_cannot_be(refused, layers, make_zones, tmp_path, value, words):
    fields = ("zone_id", "visible_fraction")
    seen = make_zones(tmp_path / "v.gpkg", [(ZONES[0][0], {"zone_id": "a", "visible_fraction": value})], fields=fields)
    refused(words, "rason:tally", OUTPUT="memory:", EPOCH=WHEN, VISIBILITY=seen, **layers(points(3)))


def test_what_a_calibration_lacks_is_said(run, layers, tmp_path):
    from rason.engine.calibration import Calibration, dump

    path = tmp_path / "c.json"
    path.write_text(dump([Calibration.none("container")]))
    given = {**layers(points(5)), "CALIBRATION": str(path), "EPOCH": WHEN, "OUTPUT": "memory:"}
    run("rason:tally", BASIS="detected", **given)
    assert "CALIBRATION holds container, nothing for truck" in run.feedback.textLog()
    run("rason:tally", BASIS="counted", **given)
    assert "nothing for truck" not in run.feedback.textLog(), "a count by hand rests on no calibration"
