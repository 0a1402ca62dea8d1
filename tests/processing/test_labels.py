"""rason:accuracy and rason:calibrate: detections, truth and zones of several scenes."""

import json
from pathlib import Path

import numpy as np
import pytest
from osgeo import ogr, osr
from shapely.affinity import rotate, translate
from shapely.geometry import LineString, Point, box

from rason.engine.calibration import load
from rason.layers import schema

X, Y = 606000.0, 4660000.0


def write(path, rows, fields, epsg=32652):
    """rows: (geometry, {field: value})."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = source.CreateLayer(Path(path).stem, reference, ogr.wkbUnknown)
    for field, kind in fields.items():
        layer.CreateField(ogr.FieldDefn(field, ogr.OFTString if kind is str else ogr.OFTReal))
    for geometry, values in rows:
        feature = ogr.Feature(layer.GetLayerDefn())
        for field, value in values.items():
            if field in fields and value is not None:
                feature.SetField(field, value)
        feature.SetGeometry(ogr.CreateGeometryFromWkb(bytes(geometry.wkb)))
        layer.CreateFeature(feature)
    source = None
    return str(path)


DET = {"class": str, "score": float, "p": float, "scene": str, "status": str}
TRUE = {"class": str, "scene": str}
ZONE = {"zone_id": str, "kind": str, "scene": str, "site": str, "sun_elevation_deg": float, "sensor": str}


def port(k, rng, n=24, recall=0.85):
    """One scene: a full yard and an empty one; detections of most, with doubles and two false ones, by score."""
    x0 = X + 1000 * k
    full, empty = box(x0, Y, x0 + 200, Y + 100), box(x0, Y + 120, x0 + 200, Y + 220)
    scene = f"scene {k}"
    truth, found = [], []
    for i in range(n):
        shape = rotate(box(-6, -1.5, 6, 1.5), 7 * k)
        shape = translate(shape, x0 + 15 + 25 * (i % 7), Y + 12 + 20 * (i // 7))
        truth.append((shape, {"class": "container", "scene": scene}))
        if rng.random() < recall:
            moved = translate(shape, *rng.normal(0, 0.4, 2))
            found.append((moved, {"class": "container", "scene": scene, "score": rng.uniform(0.4, 1.0), "p": 0.9}))
    found.append((translate(truth[0][0], 0.5, 0.5), {"class": "container", "scene": scene, "score": 0.3, "p": 0.9}))
    for at in ((30, 95), (40, 170)):
        shape = translate(box(-6, -1.5, 6, 1.5), x0 + at[0], Y + at[1])
        found.append((shape, {"class": "container", "scene": scene, "score": rng.uniform(0.1, 0.5), "p": 0.6}))
    zones = [
        (shape, {"zone_id": f"{name} {k}", "kind": "yard", "scene": scene, "site": f"site {k}", "sun_elevation_deg": 30.0 + 5 * k,
                 "sensor": "WV02"})
        for name, shape in (("full", full), ("empty", empty))
    ]  # fmt: skip
    return found, truth, zones


@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    """Six labelled scenes as files."""
    folder, rng = tmp_path_factory.mktemp("labels"), np.random.default_rng(3)
    found, truth, zones = ([row for part in parts for row in part] for parts in zip(*(port(k, rng) for k in range(6))))
    return {
        "folder": folder,
        "found": found,
        "truth": truth,
        "zones": zones,
        "DETECTIONS": write(folder / "d.gpkg", found, DET),
        "TRUTH": write(folder / "t.gpkg", truth, TRUE),
        "ZONES": write(folder / "z.gpkg", zones, ZONE),
    }


@pytest.fixture
def given(layers):
    return {key: layers[key] for key in ("DETECTIONS", "TRUTH", "ZONES")}


def test_accuracy_counts_what_is_there(run, given, layers, rows, tmp_path):
    results = run("rason:accuracy", **given, OUTPUT=str(tmp_path / "a.gpkg"), REPORT=str(tmp_path / "a.html"))
    table = rows(str(tmp_path / "a.gpkg"))
    assert [name for name in table[0] if name not in ("fid", "geometry")] == schema.names(schema.ACCURACY)
    total = table[0]
    assert (total["group_by"], total["class"], total["places"]) == ("all", "container", 12)
    assert total["true_objects"] == len(layers["truth"]) and total["found"] == len(layers["found"])
    # a double is one where the first box itself was found; each scene has two false ones
    assert 12 <= total["false_ones"] <= 12 and total["doubles"] <= 6 and total["hits"] + total["missed"] == 144
    assert total["hits"] + total["doubles"] + total["false_ones"] == total["found"]
    assert results["RECALL"] == pytest.approx(total["hits"] / 144) and results["PRECISION"] == total["precision"]
    assert results["F1"] == pytest.approx(2 * total["hits"] / (144 + total["found"]))
    assert results["COUNT_ERROR"] == pytest.approx(total["found"] / 144 - 1)
    groups = {row["group_by"] for row in table}
    assert groups == {"all", "scene", "zone", "sun height"}
    by_scene = [row for row in table if row["group_by"] == "scene"]
    assert len(by_scene) == 6 and sum(row["true_objects"] for row in by_scene) == 144
    empty = next(row for row in table if row["name"] == "scene 0, empty 0")
    assert empty["true_objects"] == 0 and empty["found"] == 1 and empty["recall"] is None
    text = (tmp_path / "a.html").read_text("utf8")
    assert "Plots" in text and "<svg" in text and "Precision and recall" in text and "<script" not in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_points_and_whole_scenes(run, layers, tmp_path, rows):
    """Truth as points, no zones: all of each scene is one zone."""
    points = write(tmp_path / "p.gpkg", [(shape.centroid, values) for shape, values in layers["truth"]], TRUE)
    results = run("rason:accuracy", DETECTIONS=layers["DETECTIONS"], TRUTH=points, OUTPUT=str(tmp_path / "a.gpkg"))
    total = rows(str(tmp_path / "a.gpkg"))[0]
    assert total["places"] == 6 and 0.75 < results["RECALL"] < 0.97


def test_calibrate_writes_what_a_tally_reads(run, given, layers, tmp_path):
    path = tmp_path / "c.json"
    results = run("rason:calibrate", **given, OUTPUT=str(path), SOURCE="drawn by a test")
    made = load(path.read_text("utf8"))["container"]
    assert results["SCENES"] == 6 == len(made.tp) and results["LABELS"] == len(layers["found"])
    assert made.bg.tolist() == [2.0] * 6 and made.exposure == pytest.approx([4.0] * 6, rel=0.001)
    assert (made.tp + made.fn).tolist() == [24.0] * 6 and made.source == "drawn by a test"
    assert made.sites == 6 and made.sensors == ("WorldView-2",) and made.conditions["sun_elevation_deg"] == (25.0, 60.0)
    assert "effective_gsd_m" not in made.conditions
    assert made.model.kind == "p_site" and made.model.p([0.9])[0] > made.model.p([0.2])[0]
    assert made.trust("site 9", sun_elevation_deg=40.0, sensor="WorldView-2").basis == "calibrated"
    assert made.trust("site 9", sun_elevation_deg=15.0, sensor="WorldView-2").site_sd == 0.2
    log = run.feedback.textLog()
    for words in ("recall 0.", "precision 0.", "varies between scenes by", "false detections per ha", "curve on score"):
        assert words in log, words


def test_a_tally_with_it_is_calibrated_and_says_p(run, given, layers, place, make_zones, tmp_path, rows):
    path = str(tmp_path / "c.json")
    run("rason:calibrate", **given, OUTPUT=path)
    one = write(tmp_path / "one.gpkg", [row for row in layers["found"] if row[1]["scene"] == "scene 2"], DET)
    zones = write(tmp_path / "z.gpkg", [row for row in layers["zones"] if row[1]["scene"] == "scene 2"], ZONE)
    run("rason:tally", DETECTIONS=one, ZONES=zones, EPOCH="2024-05-01", BASIS="detected", CALIBRATION=path, SITE="site 2",
        OUTPUT=str(tmp_path / "t.gpkg"))  # fmt: skip
    full = next(row for row in rows(str(tmp_path / "t.gpkg")) if row["zone_id"] == "full 2" and row["unit"] == "objects")
    assert full["basis"] == "calibrated" and full["low"] <= 24 <= full["high"] and "sun height" in full["note"]
    yard = make_zones(tmp_path / "yard.gpkg", [(place.shapes["yard"], {"zone_id": "yard"})])
    results = run("rason:detectcontainers", INPUT=place.scene, ZONES=yard, CALIBRATION=path, OUTPUT="memory:")
    features = list(results["OUTPUT"].getFeatures())
    assert features and all("p_site" in f["note"] for f in features)


def test_a_finished_review_is_truth_enough(run, layers, tmp_path):
    marks = [
        (shape, {**values, "status": "accepted" if values["score"] > 0.35 else "rejected"})
        for shape, values in layers["found"]
    ]
    marks += [(translate(box(-6, -1.5, 6, 1.5), X + 1000 * k + 190, Y + 90),
               {"class": "container", "scene": f"scene {k}", "status": "added"}) for k in range(6)]  # fmt: skip
    reviewed = write(tmp_path / "r.gpkg", marks, DET)
    run("rason:calibrate", DETECTIONS=reviewed, ZONES=layers["ZONES"], OUTPUT=str(tmp_path / "c.json"))
    made = load((tmp_path / "c.json").read_text("utf8"))["container"]
    assert made.fn.tolist() == [1.0] * 6
    assert (made.tp + made.dup + made.bg).sum() == len(layers["found"])


def test_one_class_under_two_names_is_said(run, given, layers, tmp_path):
    named = [(shape, {**values, "class": "Behälter"}) for shape, values in layers["truth"]]
    given["TRUTH"] = write(tmp_path / "t.gpkg", named, TRUE)
    assert run("rason:accuracy", **given, OUTPUT="memory:")["RECALL"] > 0.75
    assert "TRUTH calls Behälter what DETECTIONS call container" in run.feedback.textLog()


def test_several_classes_without_one_in_common_are_refused(refused, given, layers, tmp_path):
    named = [(s, {**v, "class": f"kind {i % 2}"}) for i, (s, v) in enumerate(layers["truth"])]
    given["TRUTH"] = write(tmp_path / "t.gpkg", named, TRUE)
    refused("no class in common", "rason:accuracy", **given, OUTPUT="memory:")


def test_one_scene_works_and_says_uncalibrated(run, layers, tmp_path):
    only = [{"scene": "scene 1"}]
    paths = {
        key: write(tmp_path / f"{key}.gpkg", [row for row in layers[part] if row[1]["scene"] == only[0]["scene"]], fields)
        for key, part, fields in (("DETECTIONS", "found", DET), ("TRUTH", "truth", TRUE), ("ZONES", "zones", ZONE))
    }
    run("rason:calibrate", **paths, OUTPUT=str(tmp_path / "c.json"))
    assert "uncalibrated" in run.feedback.textLog()
    assert load((tmp_path / "c.json").read_text("utf8"))["container"].trust("site 1").basis == "uncalibrated"


def test_zones_without_scene_go_where_the_objects_are(run, layers, tmp_path):
    bare = write(tmp_path / "z.gpkg", layers["zones"], {"zone_id": str, "kind": str})
    run(
        "rason:calibrate",
        DETECTIONS=layers["DETECTIONS"],
        TRUTH=layers["TRUTH"],
        ZONES=bare,
        OUTPUT=str(tmp_path / "c.json"),
    )
    made = load((tmp_path / "c.json").read_text("utf8"))["container"]
    assert made.exposure == pytest.approx([4.0] * 6, rel=0.001), "both yards of each scene"
    assert "no site is named" in run.feedback.textLog()


def test_tracks_count_kilometres(run, tmp_path):
    line = LineString([(X, Y), (X + 500, Y)])
    zones = write(tmp_path / "z.gpkg", [(line, {"zone_id": "t", "kind": "track"})], ZONE)
    cars = [(translate(box(-6, -1.5, 6, 1.5), X + 50 + 20 * k, Y), {"class": "freight_car"}) for k in range(8)]
    truth = write(
        tmp_path / "t.gpkg", [(Point(shape.centroid), {"class": "freight_car"}) for shape, _ in cars], {"class": str}
    )
    found = write(tmp_path / "d.gpkg", cars, {"class": str})
    run("rason:calibrate", DETECTIONS=found, TRUTH=truth, ZONES=zones, OUTPUT=str(tmp_path / "c.json"))
    made = load((tmp_path / "c.json").read_text("utf8"))["freight_car"]
    assert made.exposure_unit == "km" and made.exposure[0] == pytest.approx(0.5, rel=0.001) and made.tp[0] == 8


def shifted(rows_, metres):
    return [(translate(shape, metres, 0), values) for shape, values in rows_]


@pytest.mark.parametrize("algorithm", ["rason:accuracy", "rason:calibrate"])
@pytest.mark.parametrize(
    "change, words",
    [
        ("truth elsewhere", "No detection of container touches a true one"),
        ("zones elsewhere", "TRUTH lies 9\\d km from ZONES"),
        ("zones beside", "None of DETECTIONS and TRUTH lies in ZONES"),
        ("truth without scene", "which scene they belong to"),
        ("mixed classes", "does not say the class"),
        ("unknown class", "CLASSES names zeppelin, but DETECTIONS and TRUTH hold container"),
        ("lines as truth", "is a line"),
        ("input without scene", "none|has .* in its field scene"),
    ],
)
def test_what_is_no_judgement_is_refused(refused, given, layers, place, tmp_path, algorithm, change, words):
    given = {**given, "OUTPUT": str(tmp_path / "out.json" if algorithm == "rason:calibrate" else tmp_path / "out.gpkg")}
    if change == "truth elsewhere":
        given["TRUTH"] = write(tmp_path / "t.gpkg", [(translate(s, 12, 9), v) for s, v in layers["truth"]], TRUE)
    elif change == "zones elsewhere":
        given["ZONES"] = write(tmp_path / "z.gpkg", shifted(layers["zones"], 90000), ZONE)
    elif change == "zones beside":
        given["ZONES"] = write(tmp_path / "z.gpkg", shifted(layers["zones"], 400), ZONE)
    elif change == "truth without scene":
        given["TRUTH"] = write(tmp_path / "t.gpkg", layers["truth"], {"class": str})
    elif change == "mixed classes":
        mixed = [(s, {**v, "class": "ship" if i % 2 else "container"}) for i, (s, v) in enumerate(layers["found"])]
        given["DETECTIONS"] = write(tmp_path / "d.gpkg", mixed, DET)
        given["TRUTH"] = write(tmp_path / "t.gpkg", layers["truth"], {"scene": str})
    elif change == "unknown class":
        given["CLASSES"] = "zeppelin"
    elif change == "lines as truth":
        lines = [(LineString([(X, Y), (X + 9, Y)]), {"scene": "scene 0"})]
        given["TRUTH"] = write(tmp_path / "t.gpkg", lines, TRUE)
    else:
        given["INPUTS"] = [place.scene, place.other]
    refused(words, algorithm, **given)
    assert not Path(given["OUTPUT"]).exists()


def test_calibrate_wants_zones_a_review_that_is_done_and_a_json(refused, layers, tmp_path, given):
    empty = write(tmp_path / "z.gpkg", [], ZONE)
    refused("ZONES holds no zones", "rason:calibrate", **{**given, "ZONES": empty}, OUTPUT=str(tmp_path / "c.json"))
    refused(
        "reviewed to the end", "rason:calibrate", DETECTIONS=layers["DETECTIONS"], ZONES=layers["ZONES"],
        OUTPUT=str(tmp_path / "c.json"),
    )  # fmt: skip
    refused("json", "rason:calibrate", **given, OUTPUT=str(tmp_path / "c.txt"))
    assert not list(tmp_path.glob("c.*"))


def test_the_file_is_plain_json(run, given, tmp_path):
    run("rason:calibrate", **given, OUTPUT=str(tmp_path / "c.json"), SYNTHETIC=True)
    values = json.loads((tmp_path / "c.json").read_text("utf8"))
    assert values[0]["class"] == "container" and values[0]["synthetic"] is True
    assert load(json.dumps(values))["container"].model.kind == "p_sim"
    assert "synthetic" in run.feedback.textLog()
