"""rason:comparecounts with good and bad input."""

import pytest
from shapely.geometry import Point, box

WHEN = "2023-10-12T02:05:00Z"
FIELDS = ("class", "scene", "epoch", "status")
X, Y = 606000, 4660000
ZONES = [(box(X, Y, X + 200, Y + 50), {"zone_id": "west"}), (box(X + 200, Y, X + 400, Y + 50), {"zone_id": "east"})]


def counter(which, dx=0.0, **values):
    same = {"class": "truck", "scene": "s.tif", "epoch": WHEN, **values}
    return [(Point(X + 5 + 10 * k + dx, Y + 20), same) for k in which]


@pytest.fixture
def layers(make_zones, tmp_path):
    def write(first, second, **more):
        parts = {"MARKS_1": first, "MARKS_2": second, **more}
        return {key: make_zones(tmp_path / f"{key}.gpkg", part, **({"fields": FIELDS} if key != "ZONES" else {}))
                for key, part in parts.items()}  # fmt: skip

    return write


def test_both_and_each_alone_by_zone_and_what_there_is_at_least(run, rows, layers, tmp_path):
    from rason.layers import schema

    given = layers(counter(range(34)), counter([*range(4, 36), 38], dx=1.5), ZONES=ZONES)
    table, singles = str(tmp_path / "t.gpkg"), str(tmp_path / "s.gpkg")
    results = run("rason:comparecounts", **given, OUTPUT=table, SINGLES=singles)
    found = {row["zone_id"]: row for row in rows(table)}
    assert [name for name in rows(table)[0] if name not in ("fid", "geometry")] == schema.names(schema.COUNTERS)
    assert (results["BOTH"], results["ONLY_1"], results["ONLY_2"]) == (30, 4, 3)
    assert [(found[z]["both"], found[z]["only_1"], found[z]["only_2"]) for z in ("west", "east", "all zones")] == [
        (16, 4, 0), (14, 0, 3), (30, 4, 3)]  # fmt: skip
    total = found["all zones"]
    assert total["seen"] == 37 <= total["low"] == results["AT_LEAST"] <= total["estimate"] <= total["high"]
    assert "At least" in total["note"] and "33 to 34 is no interval" in total["note"]
    alone = rows(singles)
    assert len(alone) == 7 and {(r["counter"], r["status"], r["class"]) for r in alone} == {
        ("MARKS_1", None, "truck"), ("MARKS_2", None, "truck")}  # fmt: skip
    assert {r["zone_id"] for r in alone} == {"west", "east"} and alone[0]["geometry"].x == pytest.approx(X + 5)


def test_rejected_singles_are_no_objects(run, rows, layers, tmp_path):
    from osgeo import ogr

    given = layers(counter(range(30)), counter(range(3, 36)))
    singles = str(tmp_path / "s.gpkg")
    run("rason:comparecounts", **given, OUTPUT="memory:", SINGLES=singles)
    source = ogr.Open(singles, update=1)
    for feature in source.GetLayer(0):
        feature["status"] = "rejected" if feature["counter"] == "MARKS_1" else "accepted"
        source.GetLayer(0).SetFeature(feature)
        del feature
    del source
    results = run("rason:comparecounts", **given, ADJUDICATED=singles, OUTPUT="memory:", SINGLES="memory:")
    assert (results["BOTH"], results["ONLY_1"], results["ONLY_2"], results["AT_LEAST"]) == (27, 0, 6, 33)


def test_a_detector_and_a_layer_without_class(run, layers, make_zones, tmp_path):
    boxes = [(box(X + 10 * k, Y + 16, X + 8 + 10 * k, Y + 22), {"class": "truck", "status": "rejected" if k == 9 else "detected"})
             for k in range(10)]  # fmt: skip
    bare = make_zones(tmp_path / "bare.gpkg", counter(range(8)), fields=())
    given = layers(boxes, counter([0]))
    results = run("rason:comparecounts", MARKS_1=given["MARKS_1"], MARKS_2=bare, OUTPUT="memory:")
    assert (results["BOTH"], results["ONLY_1"], results["ONLY_2"]) == (8, 1, 0)


@pytest.mark.parametrize(
    ("first", "second", "more", "said"),
    [
        (counter(range(5)), counter(range(5), scene="other.tif"), {}, "are of scene s.tif and MARKS_2 of other.tif"),
        (counter(range(5)), counter(range(5), epoch="2023-07-18T02:05:00Z"), {}, "rason:compareepochs"),
        (counter(range(5)), counter(range(5), **{"class": "ship"}), {}, "no class in common"),
        (counter(range(5)), counter(range(5), dx=5000.0), {}, "No mark of MARKS_1 lies at one of MARKS_2"),
        (counter(range(5)), counter(range(5), dx=5000.0), {"ZONES": ZONES}, "None of MARKS_2 lies in ZONES"),
        (counter(range(5)), [], {}, "MARKS_2 holds no marks"),
        (counter(range(5)), counter(range(5)), {"ADJUDICATED": counter([1])}, "lacks the field counter"),
        (counter([1]) + counter([2], epoch="2023-07-18T02:05:00Z"), counter([1]), {}, "more than one epoch"),
    ],
)
def test_bad_input_is_one_line(first, second, more, said, refused, layers):
    refused(said, "rason:comparecounts", **layers(first, second, **more), OUTPUT="memory:", SINGLES="memory:")


def test_a_layer_beside_itself_and_unknown_classes_are_refused(refused, layers):
    given = layers(counter(range(5)), counter(range(5)))
    same = {"MARKS_1": given["MARKS_1"], "MARKS_2": given["MARKS_1"]}
    refused("are the same layer", "rason:comparecounts", **same, OUTPUT="memory:", SINGLES="memory:")
    refused(
        "Neither MARKS_1 nor MARKS_2 holds crane, but .*Change CLASSES",
        "rason:comparecounts",
        **given,
        CLASSES="crane",
        OUTPUT="memory:",
        SINGLES="memory:",
    )
