"""rason:comparetrains on boxes drawn as wagons."""

from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import box

from rason.layers import schema

KINDS = {"tank": 12.0, "gondola": 13.9, "box": 14.7, "container flat": 19.6}
FIELDS = ("class", "zone_id", "epoch", "type", "type_p", "position_m")


@pytest.fixture(scope="module")
def layers(make_zones, tmp_path_factory):
    """Two sightings of one train (the second turned round), another train, points, and two tracks in one layer."""
    folder = tmp_path_factory.mktemp("trains")
    names = np.random.default_rng(1).choice(list(KINDS), 20)

    def write(name, kinds, epoch, seed, zone="t1", shape=None):
        rng, x, features = np.random.default_rng(seed), 606000.0, []
        for i, kind in enumerate(kinds):
            length = KINDS[kind] + rng.normal(0, 0.3)
            outline = box(x, 4660000, x + length, 4660003)
            values = {"class": "freight_car", "zone_id": zone if isinstance(zone, str) else zone[i], "epoch": epoch, "type": kind,
                      "type_p": "0.9", "position_m": str(x - 606000 + length / 2)}  # fmt: skip
            features.append((shape(outline) if shape else outline, values))
            x += length + 1
        return make_zones(folder / f"{name}.gpkg", features, fields=FIELDS)

    return {
        "first": write("first", names, "2024-03-01", 2),
        "again": write("again", names[::-1], "2024-04-01", 3),
        "other": write("other", np.random.default_rng(9).choice(list(KINDS), 20), "2024-04-01", 4),
        "points": write("points", names, "2024-04-01", 3, shape=lambda outline: outline.centroid),
        "tracks": write("tracks", names, "2024-04-01", 3, zone=["t1", "t2"] * 10),
        "empty": write("empty", [], "2024-04-01", 3),
        "hour": write("hour", names, "2024-03-01T02:05:00Z", 3),
        "undated": write("undated", names, "", 3),
    }


def test_the_same_wagons_are_consistent_and_turned_round(run, layers, rows, tmp_path):
    results = run("rason:comparetrains", TRAIN_1=layers["again"], TRAIN_2=layers["first"], OUTPUT=str(tmp_path / "o.gpkg"),
                  REPORT=str(tmp_path / "r.html"))  # fmt: skip
    assert results["VERDICT"] == "consistent" and results["SIMILARITY"] > results["CHANCE"] and results["MATCHED"] >= 18
    assert "sorted" in run.feedback.textLog() and "running the other way" in run.feedback.textLog()
    table = rows(results["OUTPUT"])
    assert [name for name in table[0] if name not in ("fid", "geometry")] == schema.names(schema.TRAIN_PAIRS)
    assert table[0]["epoch_1"] == "2024-03-01" and table[0]["number_1"] == 1 and table[0]["number_2"] == 20
    text = Path(results["REPORT"]).read_text("utf8")
    assert "consistent with" in text and "straightened" in text and "<script" not in text


def test_another_train_is_not(run, layers):
    results = run("rason:comparetrains", TRAIN_1=layers["first"], TRAIN_2=layers["other"], OUTPUT="memory:")
    assert results["VERDICT"] == "no more alike than chance" and results["SIMILARITY"] < max(results["CHANCE"], 0.3)


def test_undated_wagons_and_one_track_of_several(run, layers):
    results = run("rason:comparetrains", TRAIN_1=layers["undated"], TRAIN_2=layers["again"], OUTPUT="memory:")
    assert results["VERDICT"] == "consistent" and "the first day" in run.feedback.textLog()
    run("rason:comparetrains", TRAIN_1=layers["first"], TRAIN_2=layers["tracks"], ZONE_2="t2", OUTPUT="memory:")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"TRAIN_2": "first"}, "same epoch"),
        ({"TRAIN_2": "tracks"}, "several tracks"),
        ({"ZONE_2": "t9"}, "no wagons on a track"),
        ({"TRAIN_2": "empty"}, "holds no wagons"),
        ({"TRAIN_2": "points"}, "need a length"),
        ({"BEFORE": "scene"}, "given alone"),
    ],
)
def test_bad_sightings_are_refused(refused, layers, place, change, words):
    named = {key: layers.get(value) or getattr(place, str(value), value) for key, value in change.items()}
    given = {"TRAIN_1": layers["first"], "TRAIN_2": layers["again"], "OUTPUT": "memory:", **named}
    refused(words, "rason:comparetrains", **given)


def test_a_day_and_an_hour_of_it_have_no_order(refused, layers):
    given = {"TRAIN_1": layers["first"], "TRAIN_2": layers["hour"], "OUTPUT": "memory:"}
    refused("may be of the same day .2024-03-01 and 2024-03-01T02:05:00Z", "rason:comparetrains", **given)


def test_scenes_that_do_not_show_the_wagons_are_refused(refused, layers, place, tmp_path):
    from osgeo import gdal

    far = str(tmp_path / "far.tif")
    gdal.Translate(far, place.scene, outputBounds=[7e5, 4.66e6, 7.002e5, 4.6598e6])
    given = {"TRAIN_1": layers["first"], "TRAIN_2": layers["again"], "OUTPUT": "memory:"}
    refused("of TRAIN_1 lie outside BEFORE", "rason:comparetrains", **given, BEFORE=far, AFTER=place.scene)


def test_one_sighting_given_twice_is_refused(refused, layers, place):
    given = {"TRAIN_1": layers["undated"], "TRAIN_2": layers["undated"], "OUTPUT": "memory:"}
    refused("the same wagons in the same places", "rason:comparetrains", **given)
    given["TRAIN_2"] = layers["first"]
    refused("BEFORE and AFTER are the same scene", "rason:comparetrains", **given, BEFORE=place.scene, AFTER=place.scene)
