"""rason:tallyscene: the main job, on a small synthetic scene."""

import re
from pathlib import Path

import pytest
from osgeo import gdal, ogr
from qgis.core import QgsVectorLayer
from shapely.geometry import MultiPolygon, Point, Polygon, box

from rason.layers import schema

WHEN = "2023-07-18T02:05:00Z"


@pytest.fixture(scope="module")
def tallied(place, provider, tmp_path_factory, rows):
    """One run on the small scene, used by several tests."""
    import processing

    folder = tmp_path_factory.mktemp("tally")
    paths = {key: str(folder / name) for key, name in (("DETECTIONS", "d.gpkg"), ("TALLY", "t.gpkg"), ("REPORT", "r.html"))}
    results = processing.run("rason:tallyscene", {"INPUT": place.scene, "ZONES": place.zones, **paths})
    return results, rows(paths["DETECTIONS"]), rows(paths["TALLY"]), paths


def counts(tally):
    return {row["zone_id"]: row["estimate"] for row in tally if row["unit"] == "objects" and row["class"] in schema.CLASSES}


def test_counts_what_is_there(tallied, place):
    _, detections, tally, _ = tallied
    truth = place.truth["scene"]
    found = counts(tally)
    assert found["empty"] == 0
    assert abs(found["loaded"] - truth["loaded"]) <= 1
    assert abs(found["yard"] - truth["yard"]) <= 0.25 * truth["yard"]
    assert {row["class"] for row in detections} == {"freight_car", "container"}


def test_tally_keeps_the_contract(tallied):
    _, _, tally, _ = tallied
    assert [name for name in tally[0] if name not in ("fid", "geometry")] == schema.names(schema.TALLY)
    for row in tally:
        assert row["epoch"] == WHEN and row["level"] == 0.9 and row["rules"] and row["scene"] == "scene.tif"
        assert row["low"] <= row["estimate"] <= row["high"]
        if row["unit"] == "objects":
            assert float(row["estimate"]).is_integer() and row["visible_fraction"] == pytest.approx(1.0)
    units = {(row["zone_id"], row["unit"]) for row in tally}
    assert {("loaded", "m"), ("loaded", "share"), ("yard", "m2"), ("yard", "share")} <= units
    keys = {(row["zone_id"], row["class"], row["unit"], row["epoch"]) for row in tally}
    assert len(keys) == len(tally), "zone, class, unit and epoch are unique"


def test_nothing_detected_has_an_upper_end(tallied):
    empty = next(row for row in tallied[2] if row["zone_id"] == "empty" and row["unit"] == "objects")
    assert empty["low"] == 0 and empty["high"] >= 1


def test_detections_keep_the_contract(tallied, place):
    _, detections, _, _ = tallied
    assert [name for name in detections[0] if name not in ("fid", "geometry")] == schema.names(schema.DETECTIONS)
    for row in detections:
        assert row["status"] == "detected" and row["epoch"] == WHEN and row["zone_id"] in place.shapes
        assert 0 <= row["p"] <= 1 and 0 <= row["azimuth_deg"] < 180 and row["length_m"] >= row["width_m"]
        assert row["geometry"].area == pytest.approx(row["length_m"] * row["width_m"], rel=0.01)
        zone = place.shapes[row["zone_id"]]
        assert zone.distance(row["geometry"].centroid) < 2.0


def test_totals_with_their_ends(tallied):
    results, _, tally, _ = tallied
    for name in ("FREIGHT_CAR", "CONTAINER"):
        total, low, high = (results[f"TOTAL_{name}{end}"] for end in ("", "_LOW", "_HIGH"))
        assert total == sum(row["estimate"] for row in tally if row["class"].upper() == name and row["unit"] == "objects")
        assert low <= total <= high
    assert results["TOTAL_SHIP"] is None, "no zone for ships"


def test_style_and_provenance_are_stored(tallied):
    paths = tallied[3]
    for key in ("DETECTIONS", "TALLY"):
        layer = QgsVectorLayer(paths[key], key, "ogr")
        assert "tallyscene" in "".join(layer.metadata().history())
        assert "sha256" in "".join(layer.metadata().history())
    layer = QgsVectorLayer(paths["DETECTIONS"], "d", "ogr")
    assert layer.renderer().type() == "RuleRenderer"


def test_report_is_one_page_with_numbers_and_picture(tallied):
    text = Path(tallied[3]["REPORT"]).read_text("utf8")
    assert "Synthetic scene" in text and "SHA-256" in text and "data:image/" in text and "The yard" in text
    assert "http://" not in text.replace("http://www.w3.org", "") and "<script" not in text


def test_the_same_run_twice_onto_its_own_outputs(run, place, tmp_path):
    outputs = {"DETECTIONS": str(tmp_path / "d.gpkg"), "TALLY": f"ogr:dbname='{tmp_path}/t.gpkg' table=\"tally\" (geom)"}
    first, second = (
        run("rason:tallyscene", INPUT=place.scene, ZONES=place.zones, CLASSES="freight_car", **outputs) for _ in "ab"
    )
    assert first == second


def test_two_tables_of_one_geopackage(run, place, tmp_path, rows):
    path = f"{tmp_path}/all.gpkg"
    for table in ("one", "two"):
        run(
            "rason:tallyscene", INPUT=place.scene, ZONES=place.zones, CLASSES="freight_car",
            DETECTIONS=f"ogr:dbname='{path}' table=\"det_{table}\" (geom)", TALLY=f"ogr:dbname='{path}' table=\"tally_{table}\" (geom)",
        )  # fmt: skip
    source = ogr.Open(path)
    names = {source.GetLayer(i).GetName() for i in range(source.GetLayerCount())}
    assert {"det_one", "det_two", "tally_one", "tally_two"} <= names


# What is handled, and said.


def test_zone_partly_outside_is_scaled_and_one_outside_is_not_observed(run, place, make_zones, tmp_path, rows):
    west, south, east, north = place.bounds
    zones = [
        (box(east - 60, north - 60, east + 30, north - 10), {"zone_id": "part", "kind": "yard"}),
        (box(east - 20, north - 60, east + 80, north - 10), {"zone_id": "little", "kind": "yard"}),
        (box(east + 100, north - 60, east + 180, north - 10), {"zone_id": "outside", "kind": "yard"}),
        (place.shapes["yard"], {"zone_id": "whole", "kind": "yard"}),
    ]
    results = run("rason:tallyscene", INPUT=place.scene, ZONES=make_zones(tmp_path / "z.gpkg", zones), CLASSES="container",
                  DETECTIONS="memory:", TALLY=str(tmp_path / "t.gpkg"))  # fmt: skip
    table = {row["zone_id"]: row for row in rows(results["TALLY"]) if row["unit"] == "objects"}
    assert table["part"]["visible_fraction"] == pytest.approx(2 / 3, abs=0.02) and table["part"]["estimate"] is not None
    for zone, share in (("little", 0.2), ("outside", 0.0)):
        assert table[zone]["visible_fraction"] == pytest.approx(share, abs=0.02)
        assert [table[zone][key] for key in ("detected", "estimate", "low", "high")] == [None] * 4
    assert results["TOTAL_CONTAINER"] == table["whole"]["estimate"] + table["part"]["estimate"]
    assert "Not observed" in run.feedback.textLog()


def test_all_nodata_is_not_observed(run, place, variant, tmp_path, rows):
    empty = variant(place.scene, "nodata.tif", scaleParams=[[0, 255, 0, 0]] * 3, noData=0)
    results = run(
        "rason:tallyscene", INPUT=empty, ZONES=place.zones, EPOCH=WHEN, DETECTIONS="memory:", TALLY=str(tmp_path / "t.gpkg")
    )
    assert all(row["estimate"] is None for row in rows(results["TALLY"]))
    assert results["TOTAL_CONTAINER"] is None and results["TOTAL_FREIGHT_CAR"] is None


def test_zones_of_any_shape_are_read(run, place, make_zones, tmp_path, rows):
    bow = Polygon([(place.bounds[0] + 20, place.bounds[3] - 60), (place.bounds[0] + 80, place.bounds[3] - 20),
                   (place.bounds[0] + 80, place.bounds[3] - 60), (place.bounds[0] + 20, place.bounds[3] - 20)])  # fmt: skip
    yard = place.shapes["yard"]
    cut = yard.centroid.x
    halves = MultiPolygon([box(yard.bounds[0], yard.bounds[1], cut, yard.bounds[3]), box(cut + 0.5, *yard.bounds[1:])])
    zones = [(None, {"zone_id": "null"}), (bow, {"zone_id": "bow"}), (halves, {"ZONE_ID": "multi"}), (yard, {})]
    results = run("rason:tallyscene", INPUT=place.scene, ZONES=make_zones(tmp_path / "z.gpkg", zones), CLASSES="container",
                  DETECTIONS="memory:", TALLY=str(tmp_path / "t.gpkg"))  # fmt: skip
    log = run.feedback.textLog()
    assert "no geometry" in log and "repaired" in log and "named by their feature id" in log
    assert {row["zone_id"] for row in rows(results["TALLY"])} == {"bow", "3", "4"}


def test_small_pixels_with_coarse_detail_are_found_out(run, place, tmp_path, rows):
    """A screenshot of a coarse picture: boxes are refused, their area is given, and the log says why."""
    coarse, blown = str(tmp_path / "coarse.tif"), str(tmp_path / "blown.tif")
    gdal.Translate(coarse, place.scene, xRes=1.2, yRes=1.2, resampleAlg="average")
    gdal.Translate(blown, coarse, xRes=0.3, yRes=0.3, resampleAlg="cubic")
    results = run("rason:tallyscene", INPUT=blown, ZONES=place.zones, CLASSES="container", EPOCH=WHEN,
                  DETECTIONS="memory:", TALLY=str(tmp_path / "t.gpkg"))  # fmt: skip
    assert {row["unit"] for row in rows(results["TALLY"])} == {"m2", "share"}
    assert results["TOTAL_CONTAINER"] is None
    assert re.search(r"pixels 0.30 m, detail 1.[12]\d m", run.feedback.textLog())


def test_counting_rules_are_printed(run, place):
    run(
        "rason:tallyscene",
        INPUT=place.scene,
        ZONES=place.zones,
        CLASSES="freight_car",
        DETECTIONS="memory:",
        TALLY="memory:",
    )
    assert "an articulated twin tank counts as two" in run.feedback.textLog()


# What is refused: one line that names the input and the cure, and no output.


def translate(place, tmp_path, name, **options):
    path = str(tmp_path / name)
    gdal.Translate(path, place.scene, **options)
    return path


def bad_scene(kind, place, tmp_path):
    """(path, expected words, other parameters)."""
    if kind == "no CRS":
        path = translate(place, tmp_path, "nocrs.tif")
        dataset = gdal.Open(path, gdal.GA_Update)
        dataset.SetProjection("")
        dataset = None
        return path, "coordinate reference system"
    if kind == "no time":
        path = str(tmp_path / "notime.tif")
        gdal.Translate(path, place.scene, options="-mo TIFFTAG_DATETIME=")
        dataset = gdal.Open(path, gdal.GA_Update)
        dataset.SetMetadata({}, "IMAGERY")
        dataset.SetMetadata({})
        dataset = None
        return path, "EPOCH"
    if kind == "too coarse":
        return translate(place, tmp_path, "coarse.tif", xRes=6, yRes=6, resampleAlg="average"), "too coarse"
    if kind == "no georeference":
        path = str(tmp_path / "nogeo.png")
        gdal.Translate(path, place.scene, format="PNG")
        for side in tmp_path.glob("nogeo.png.aux.xml"):
            side.unlink()
        return path, "no georeference"
    if kind == "truncated":
        path = tmp_path / "short.tif"
        path.write_bytes(Path(place.scene).read_bytes()[:100_000])
        return str(path), "truncated|cannot be opened"
    path = tmp_path / "text.tif"
    path.write_text("no raster")
    return str(path), "could not load|cannot be opened|Could not load"


SCENES = ["no CRS", "no time", "too coarse", "no georeference", "truncated", "not a raster"]


@pytest.mark.parametrize("kind", SCENES)
def test_bad_scenes_are_refused(refused, place, tmp_path, kind):
    path, words = bad_scene(kind, place, tmp_path)
    before = set(tmp_path.iterdir())
    epoch = {} if kind == "no time" else {"EPOCH": WHEN}
    outputs = {"DETECTIONS": str(tmp_path / "d.gpkg"), "TALLY": str(tmp_path / "t.gpkg")}
    refused(words, "rason:tallyscene", INPUT=path, ZONES=place.zones, **outputs, **epoch)
    assert set(tmp_path.iterdir()) - {p for p in tmp_path.iterdir() if p.suffix == ".xml"} <= before


@pytest.mark.parametrize("kind", SCENES)
def test_bad_scenes_in_qgis_process(process, place, tmp_path, kind):
    path, words = bad_scene(kind, place, tmp_path)
    epoch = {} if kind == "no time" else {"EPOCH": WHEN}
    done = process(
        "rason:tallyscene", INPUT=path, ZONES=place.zones, DETECTIONS=tmp_path / "d.gpkg", TALLY=tmp_path / "t.gpkg", **epoch
    )
    assert re.search(words, done.refused()), done.log
    assert not (tmp_path / "d.gpkg").exists() and not (tmp_path / "t.gpkg").exists()


def bad_zones(kind, place, make_zones, tmp_path):
    west, south, east, north = place.bounds
    yard = place.shapes["yard"]
    zones = {
        "all outside": ([(box(east + 500, south, east + 600, north), {"zone_id": "a"})], "all outside"),
        "empty": ([], "holds no zones"),
        "only null": ([(None, {"zone_id": "a"})], "holds no zones"),
        "points": ([(Point(west + 5, south + 5), {"zone_id": "a"})], "point"),
        "twice": ([(yard, {"zone_id": "a"}), (yard, {"zone_id": "a"})], "more than once"),
        "unknown kind": ([(yard, {"zone_id": "a", "kind": "parking"})], "parking"),
        "kind and shape": ([(yard, {"zone_id": "a", "kind": "track"})], "needs a line"),
    }[kind]
    return make_zones(tmp_path / "bad.gpkg", zones[0]), zones[1]


@pytest.mark.parametrize("kind", ["all outside", "empty", "only null", "points", "twice", "unknown kind", "kind and shape"])
def test_bad_zones_are_refused(refused, place, make_zones, tmp_path, kind):
    path, words = bad_zones(kind, place, make_zones, tmp_path)
    outputs = {"DETECTIONS": str(tmp_path / "d.gpkg"), "TALLY": str(tmp_path / "t.gpkg")}
    refused(words, "rason:tallyscene", INPUT=place.scene, ZONES=path, **outputs)
    assert not (tmp_path / "d.gpkg").exists()


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ({"TALLY": "{t}/none/t.gpkg"}, "folder .* does not exist"),
        ({"TALLY": "{t}/t.dbf"}, "cannot hold"),
        ({"DETECTIONS": "{t}/d.csv"}, "cannot hold geometry"),
        ({"TALLY": "{t}/d.gpkg"}, "same file"),
        ({"TALLY": "{zones}"}, "same file as the input ZONES"),
        ({"DETECTIONS": "{t}/users.gpkg"}, "would be lost"),
        ({"DETECTIONS": "{t}/locked.gpkg"}, "another program"),
        ({"DETECTIONS": "{t}/text.gpkg"}, "not a GeoPackage"),
        ({"REPORT": "{t}"}, "folder"),
        ({"CALIBRATION": "{t}/text.json"}, "not a calibration file"),
        ({"BANDS": "red,green"}, "names 2 bands"),
        ({"EPOCH": "2999-01-01T00:00:00Z"}, "no acquisition time"),
    ],
)  # fmt: skip
def test_bad_outputs_and_options_are_refused(refused, place, make_zones, tmp_path, outputs, words):
    import shutil
    import sqlite3

    shutil.copy(place.zones, tmp_path / "zones.gpkg")
    for name in ("users.gpkg", "locked.gpkg"):
        make_zones(tmp_path / name, [])
    for name in ("text.gpkg", "text.json"):
        (tmp_path / name).write_text("hello")
    holder = sqlite3.connect(tmp_path / "locked.gpkg")
    holder.execute("BEGIN EXCLUSIVE")
    zones = str(tmp_path / "zones.gpkg")
    given = {
        key: value.format(t=tmp_path, zones=zones) if isinstance(value, str) else value for key, value in outputs.items()
    }
    before = {path: path.stat().st_size for path in tmp_path.iterdir()}
    parameters = {"DETECTIONS": str(tmp_path / "d.gpkg"), "TALLY": str(tmp_path / "t.gpkg"), **given}
    refused(words, "rason:tallyscene", INPUT=place.scene, ZONES=zones, **parameters)
    holder.close()
    assert {path: path.stat().st_size for path in tmp_path.iterdir()} == before


def test_cancel_is_an_error_and_leaves_nothing(provider, place, tmp_path):
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback

    feedback = QgsProcessingFeedback(False)
    feedback.progressChanged.connect(lambda value: feedback.cancel() if value > 5 else None)
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("rason:tallyscene")
    parameters = {"INPUT": place.scene, "ZONES": place.zones, "CLASSES": ["freight_car"],
                  "DETECTIONS": str(tmp_path / "d.gpkg"), "TALLY": str(tmp_path / "t.gpkg")}  # fmt: skip
    results, good = algorithm.run(parameters, QgsProcessingContext(), feedback)
    assert not good and "Cancelled" in feedback.textLog()
    assert not list(tmp_path.iterdir())


def test_a_missing_library_is_named_with_the_cure(refused, place, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "shapely" else real(name, *rest))
    refused(
        "shapely.*python3-shapely",
        "rason:tallyscene",
        INPUT=place.scene,
        ZONES=place.zones,
        DETECTIONS="memory:",
        TALLY="memory:",
    )


def test_refusals_reach_the_user_through_a_model(process, place, make_zones, tmp_path):
    tracks = make_zones(tmp_path / "tracks.gpkg", [(place.shapes["loaded"], {"zone_id": "a"})])
    done = process(
        "rason:countyard", INPUT=place.scene, AREAS=tracks, CLASSES="ship",
        count__DETECTIONS=tmp_path / "d.gpkg", count__TALLY=tmp_path / "t.gpkg", zones__OUTPUT=tmp_path / "z.gpkg",
    )  # fmt: skip
    assert "ZONES has no polygons of a fitting kind" in done.refused()
    assert not (tmp_path / "t.gpkg").exists()


def test_areas_of_coal_and_covered_stacks_on_demand(run, place, rows, tmp_path):
    results = run("rason:tallyscene", INPUT=place.scene, ZONES=place.zones, CLASSES=["coal_pile", "covered_stack", "container"],
                  DETECTIONS=str(tmp_path / "d.gpkg"), TALLY=str(tmp_path / "t.gpkg"))  # fmt: skip
    table = {(row["class"], row["unit"]): row for row in rows(results["TALLY"])}
    assert ("coal_pile", "objects") not in table and ("covered_stack", "objects") not in table
    for name in ("coal_pile", "covered_stack"):
        assert table[name, "m2"]["low"] == 0 and table[name, "m2"]["high"] >= 300 and table[name, "m2"]["rules"]
        assert table[name, "m2"]["zone_id"] == "yard", "tracks hold none"
    assert results["TOTAL_CONTAINER"] > 0 and "TOTAL_COAL_PILE" not in results
    assert {row["class"] for row in rows(results["DETECTIONS"])} == {"container"}
