"""rason:compareepochs and the shipped models, on the small synthetic place."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr
from qgis.core import QgsVectorLayer
from shapely.geometry import Point, box

from rason.layers import schema


@pytest.fixture(scope="module")
def tallies(place, provider, tmp_path_factory):
    """Tally and detections of both epochs."""
    import processing

    folder = tmp_path_factory.mktemp("epochs")
    found = {}
    for number, scene in ((1, place.scene), (2, place.other)):
        outputs = {"TALLY": str(folder / f"t{number}.gpkg"), "DETECTIONS": str(folder / f"d{number}.gpkg")}
        processing.run("rason:tallyscene", {"INPUT": scene, "ZONES": place.zones, **outputs})
        found.update({f"TALLY_{number}": outputs["TALLY"], f"DETECTIONS_{number}": outputs["DETECTIONS"]})
    return found


@pytest.fixture(scope="module")
def compared(tallies, provider, rows, tmp_path_factory):
    import processing

    folder = tmp_path_factory.mktemp("compared")
    outputs = {
        key: str(folder / name) for key, name in (("COMPARISON", "c.gpkg"), ("CHANGES", "x.gpkg"), ("REPORT", "r.html"))
    }
    results = processing.run("rason:compareepochs", {**tallies, **outputs})
    return results, rows(outputs["COMPARISON"]), rows(outputs["CHANGES"]), outputs


def test_comparison_keeps_the_contract(compared):
    _, comparison, _, _ = compared
    assert [name for name in comparison[0] if name not in ("fid", "geometry")] == schema.names(schema.COMPARISON)
    for row in comparison:
        assert row["epoch_1"] == "2023-07-18T02:05:00Z" and row["epoch_2"] == "2023-10-12T02:05:00Z"
        assert (
            row["low"] <= row["difference"] <= row["high"]
            and 0 < row["p_value"] <= 1
            and row["q_value"] >= row["p_value"] - 1e-5
        )
        assert row["verdict"] in ("increase", "decrease", "no change shown") or row["verdict"].startswith("the same within")
        assert row["smallest_visible_change"] > 1 and "two days" in row["note"] and "trend" not in row["note"]


def test_what_did_not_change_is_not_called(compared):
    results, comparison, _, _ = compared
    by = {(row["zone_id"], row["unit"]): row for row in comparison}
    loaded = by["loaded", "objects"]
    assert loaded["difference"] == loaded["estimate_2"] - loaded["estimate_1"] > 0
    assert results["INCREASES"] == sum(row["verdict"] == "increase" for row in comparison)


def test_changes_hold_every_object_once(compared, tallies, rows):
    _, _, changes, _ = compared
    before, after = (rows(tallies[f"DETECTIONS_{number}"]) for number in (1, 2))
    assert [name for name in changes[0] if name not in ("fid", "geometry")] == schema.names(schema.CHANGES)
    words = [row["change"] for row in changes]
    kept = words.count("stayed") + words.count("moved")
    assert words.count("appeared") + kept == len(after) and words.count("disappeared") + kept == len(before)
    assert all(row["match_id"] for row in changes if row["change"] in ("stayed", "moved"))


def test_the_report_speaks_of_two_days(compared):
    text = Path(compared[3]["REPORT"]).read_text("utf8")
    assert "Two scenes are two days, not a trend" in text and "not observed" not in text


def test_the_order_does_not_matter(compared, tallies, run, rows, tmp_path):
    turned = {"TALLY_1": tallies["TALLY_2"], "TALLY_2": tallies["TALLY_1"]}
    results = run("rason:compareepochs", COMPARISON=str(tmp_path / "c.gpkg"), **turned)
    assert "sorted" in run.feedback.textLog()
    assert rows(results["COMPARISON"]) == compared[1]


def test_twice_onto_its_own_outputs(process, tallies, place, tmp_path):
    """3.22 would ask in a modal window, for ever, when a style is stored twice."""
    compare = {**tallies, "COMPARISON": tmp_path / "c.gpkg", "CHANGES": f"ogr:dbname='{tmp_path}/x.gpkg' table=\"x\" (geom)"}
    count = {
        "DETECTIONS": tallies["DETECTIONS_1"],
        "ZONES": place.zones,
        "OUTPUT": f"ogr:dbname='{tmp_path}/x.gpkg' table=\"t\" (geom)",
    }
    for algorithm, parameters in (("rason:compareepochs", compare), ("rason:tally", count)):
        for _ in range(2):
            done = process(algorithm, timeout=30, **parameters)
            assert done.code == 0, done.log


def test_styles_are_stored(compared):
    assert QgsVectorLayer(compared[3]["CHANGES"], "x", "ogr").renderer().type() == "RuleRenderer"
    assert "compareepochs" in "".join(QgsVectorLayer(compared[3]["COMPARISON"], "c", "ogr").metadata().history())


def test_unseen_zones_are_not_observed(run, place, tallies, rows, tmp_path):
    import sqlite3

    path = tmp_path / "hidden.gpkg"
    path.write_bytes(Path(tallies["TALLY_2"]).read_bytes())
    with sqlite3.connect(path) as connection:
        table = connection.execute("SELECT table_name FROM gpkg_contents WHERE table_name <> 'layer_styles'").fetchone()[0]
        connection.execute(
            f"UPDATE {table} SET detected=NULL, estimate=NULL, low=NULL, high=NULL, visible_fraction=0.2 WHERE zone_id='yard'"  # nosec
        )
    given = {**tallies, "TALLY_2": str(path)}
    results = run("rason:compareepochs", COMPARISON=str(tmp_path / "c.gpkg"), CHANGES=str(tmp_path / "x.gpkg"), **given)
    verdicts = {(row["zone_id"], row["unit"]): row["verdict"] for row in rows(results["COMPARISON"])}
    assert verdicts["yard", "objects"] == "not observed" and verdicts["loaded", "objects"] != "not observed"
    words = {row["change"] for row in rows(results["CHANGES"]) if row["zone_id"] == "yard"}
    assert "disappeared" not in words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"TALLY_2": "TALLY_1"}, "same epoch"),
        ({"TALLY_2": "DETECTIONS_1"}, "is no tally"),
        ({"DETECTIONS_2": None, "CHANGES": "memory:"}, "CHANGES needs"),
        (
            {"DETECTIONS_1": "DETECTIONS_2", "DETECTIONS_2": "DETECTIONS_1", "CHANGES": "memory:"},
            "detections of the same scene",
        ),
    ],
)
def test_bad_pairs_are_refused(refused, tallies, change, words):
    given = {**tallies, "COMPARISON": "memory:", **{key: tallies.get(value, value) for key, value in change.items()}}
    refused(words, "rason:compareepochs", **{key: value for key, value in given.items() if value is not None})


def test_tallies_of_different_zones_are_refused(refused, run, place, tallies, make_zones, tmp_path):
    zones = make_zones(tmp_path / "z.gpkg", [(place.shapes["yard"], {"zone_id": "another", "kind": "yard"})])
    marks = make_zones(tmp_path / "m.gpkg", [(Point(606050, 4659960), {"class": "container"})], fields=("class",))
    other = run("rason:tally", DETECTIONS=marks, ZONES=zones, EPOCH="2023-10-12T02:05:00Z", OUTPUT=str(tmp_path / "t.gpkg"))[
        "OUTPUT"
    ]
    refused(
        "no zone, class and unit in common",
        "rason:compareepochs",
        TALLY_1=tallies["TALLY_1"],
        TALLY_2=other,
        COMPARISON="memory:",
    )
    level = run("rason:tally", DETECTIONS=marks, ZONES=place.zones, EPOCH="2023-10-12T02:05:00Z", LEVEL=0.8,
                OUTPUT=str(tmp_path / "l.gpkg"))["OUTPUT"]  # fmt: skip
    refused("different levels", "rason:compareepochs", TALLY_1=tallies["TALLY_1"], TALLY_2=level, COMPARISON="memory:")


# What came and went, what both could see, slots.


def _visibility(path, hidden):
    """A raster of rason:visibility over the place, with ``hidden`` (west, east in metres from its west end) under cloud."""
    data = np.ones((160, 240), np.uint8)
    data[:, hidden[0] : hidden[1]] = 2
    file = gdal.GetDriverByName("GTiff").Create(str(path), 240, 160, 1, gdal.GDT_Byte)
    file.SetGeoTransform((606000, 1, 0, 4660000, 0, -1))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32652)
    file.SetProjection(reference.ExportToWkt())
    file.GetRasterBand(1).WriteArray(data)
    return str(path)


def test_turnover_and_slots(run, tallies, make_zones, rows, tmp_path):
    slots = make_zones(
        tmp_path / "s.gpkg",
        [(box(606023 + 13 * i, 4659950, 606036 + 13 * i, 4659980), {"slot_id": f"bay {i}"}) for i in range(3)],
        fields=("slot_id", "zone_id"),
    )
    outputs = {key: str(tmp_path / f"{key}.gpkg") for key in ("COMPARISON", "TURNOVER", "SLOT_TABLE")}
    report = tmp_path / "r.html"
    run("rason:compareepochs", **tallies, SLOTS=slots, REPORT=str(report), **outputs)
    turned = {row["zone_id"]: row for row in rows(outputs["TURNOVER"]) if row["class"] == "freight_car"}
    assert [name for name in turned["loaded"] if name not in ("fid", "geometry")] == schema.names(schema.TURNOVER)
    loaded = turned["loaded"]
    assert loaded["stayed"] + loaded["moved"] >= 5 and loaded["appeared"] >= 4  # six cars stay, six come
    assert loaded["appeared_by_error_low"] <= loaded["appeared_by_error"] <= loaded["appeared_by_error_high"]
    assert loaded["came_low"] <= loaded["came"] <= loaded["came_high"] and loaded["went_low"] == 0
    states = {row["slot_id"]: row["change"] for row in rows(outputs["SLOT_TABLE"])}
    assert states["bay 0"] == states["bay 1"] == "occupied both" and states["bay 2"] == "filled"
    text = report.read_text("utf8")
    assert "Came, at least" in text and "errors alone" in text and "Slot bay 2" in text


def test_only_what_both_could_see_is_compared(run, tallies, place, rows, tmp_path):
    rasters = {
        "VISIBILITY_1": _visibility(tmp_path / "v1.tif", (0, 60)),
        "VISIBILITY_2": _visibility(tmp_path / "v2.tif", (120, 240)),
    }
    outputs = {key: str(tmp_path / f"{key}.gpkg") for key in ("COMPARISON", "CHANGES")}
    run("rason:compareepochs", **tallies, ZONES=place.zones, **rasters, **outputs)
    loaded = next(r for r in rows(outputs["COMPARISON"]) if r["zone_id"] == "loaded" and r["unit"] == "objects")
    assert loaded["common_visible_fraction"] == pytest.approx(60 / 220, abs=0.01) and "both scenes show" in loaded["note"]
    for row in rows(outputs["CHANGES"]):
        shown = 606060 < row["geometry"].centroid.x < 606120
        if row["change"] in ("appeared", "disappeared"):
            assert shown
        assert shown or row["change"] in ("not observable", "stayed", "moved")


def test_the_level_is_another_question(run, tallies, rows, tmp_path):
    asked = {question: rows(run("rason:compareepochs", **tallies, QUESTION=question, COMPARISON=str(tmp_path / f"{question}.gpkg"))
                            ["COMPARISON"]) for question in ("number", "level")}  # fmt: skip
    for number, level in zip(asked["number"], asked["level"]):
        if number["unit"] == "objects" and number["estimate_1"]:
            assert level["smallest_visible_change"] > number["smallest_visible_change"] and "five looks" in level["note"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"VISIBILITY_1": "scene"}, "given alone"),
        ({"VISIBILITY_1": "scene", "VISIBILITY_2": "other"}, "need ZONES"),
        ({"VISIBILITY_1": "scene", "VISIBILITY_2": "other", "ZONES": "zones"}, "bands"),
        ({"SLOTS": "zones"}, "belong together"),
        ({"SLOT_TABLE": "memory:"}, "belong together"),
        ({"DETECTIONS_2": None, "TURNOVER": "memory:"}, "TURNOVER needs"),
    ],
)
def test_half_given_ground_is_refused(refused, tallies, place, given, words):
    named = {key: getattr(place, str(value), value) for key, value in given.items()}
    merged = {**tallies, "COMPARISON": "memory:", **named}
    refused(words, "rason:compareepochs", **{key: value for key, value in merged.items() if value is not None})


# The shipped models, through qgis_process.


def test_countyard(process, place, make_zones, tmp_path, rows):
    tracks = make_zones(tmp_path / "tracks.gpkg", [(place.shapes[key], {"name": key}) for key in ("loaded", "empty")])
    outputs = {
        "count__DETECTIONS": tmp_path / "d.gpkg",
        "count__TALLY": tmp_path / "t.gpkg",
        "zones__OUTPUT": tmp_path / "z.gpkg",
    }
    done = process("rason:countyard", INPUT=place.scene, AREAS=tracks, CLASSES="freight_car", **outputs)
    assert done.code == 0, done.log
    assert len([row for row in rows(tmp_path / "t.gpkg") if row["unit"] == "objects"]) == 2
    assert process("rason:countyard", INPUT=place.scene, AREAS=tracks, TRESHOLD=1, **outputs).refused()


def test_comparescenes(process, place, tmp_path, rows):
    outputs = {
        f"{child}__{key}": tmp_path / f"{child}_{key}.gpkg"
        for child in ("before", "after")
        for key in ("TALLY", "DETECTIONS")
    }
    outputs.update(
        compare__COMPARISON=tmp_path / "c.gpkg", compare__CHANGES=tmp_path / "x.gpkg", compare__REPORT=tmp_path / "r.html"
    )
    done = process("rason:comparescenes", BEFORE=place.scene, AFTER=place.other, ZONES=place.zones, **outputs)
    assert done.code == 0, done.log
    assert {row["zone_id"] for row in rows(tmp_path / "c.gpkg")} == set(place.shapes)
    assert (tmp_path / "r.html").stat().st_size > 1000
