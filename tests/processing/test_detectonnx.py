"""rason:detectonnx: a user's model, card and scene in; detections out."""

import json

import numpy as np
import pytest
from osgeo import gdal, osr
from shapely.geometry import box

from rason.tests.onnx_models import passing, shaped

X, Y = 606000.0, 4660000.0

pytest.importorskip("onnxruntime")


def write_scene(path, data, *, gsd=0.5, epsg=32652):
    """A GeoTIFF of 8-bit bands."""
    file = gdal.GetDriverByName("GTiff").Create(str(path), data.shape[2], data.shape[1], len(data), gdal.GDT_Byte)
    file.SetGeoTransform((X, gsd, 0, Y, 0, -gsd))
    if epsg:
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(epsg)
        file.SetProjection(reference.ExportToWkt())
    for band, values in enumerate(data, 1):
        file.GetRasterBand(band).WriteArray(values)
    file = None
    return str(path)


@pytest.fixture
def given(tmp_path):
    """A scene of three bars (12 x 2 m), a semantic model that sees them and its card beside it."""
    data = np.full((3, 200, 240), 3, np.uint8)
    for row, column in ((20, 20), (57, 50), (150, 200)):
        data[:, row : row + 4, column : column + 24] = 250
    card = {"name": "Bars", "classes": ["bar"], "layout": "semantic", "gsd_m": 0.5, "largest_object_m": 12, "licence": "CC0-1.0",
            "class_map": {"bar": "truck"}}  # fmt: skip
    model = passing(tmp_path / "bars.onnx")
    (tmp_path / "bars.onnx.json").write_text(json.dumps(card))
    return {"INPUT": write_scene(tmp_path / "scene.tif", data), "MODEL": model, "EPOCH": "2023-07-18", "OUTPUT": "memory:"}


def test_finds_what_the_model_sees(run, given):
    results = run("rason:detectonnx", **given)
    features = list(results["OUTPUT"].getFeatures())
    assert results["FOUND"] == len(features) == 3
    assert {(f["class"], f["type"], f["epoch"], f["status"]) for f in features} == {
        ("truck", "bar", "2023-07-18", "detected")
    }
    assert all(
        f["length_m"] == pytest.approx(12) and f["p"] == f["score"] and "not calibrated" in f["note"] for f in features
    )
    assert all(f["detector"].startswith("Bars ") for f in features)
    log = run.feedback.textLog()
    for words in (
        "licence CC0-1.0",
        "64 x 64 pixels, 3 channels",
        "trained at 0.5 m",
        "semantic, 1 classes: bar",
        "read as it is",
    ):
        assert words in log, log


def test_zones_classes_and_confidence(run, refused, given, make_zones, tmp_path):
    zones = make_zones(
        tmp_path / "z.gpkg",
        [(box(X, Y - 60, X + 60, Y), {"zone_id": "north"}), (box(X + 500, Y, X + 600, Y + 9), {"zone_id": "away"})],
    )
    results = run("rason:detectonnx", **given, ZONES=zones, CLASSES="TRUCK")
    assert results["FOUND"] == 2 and {f["zone_id"] for f in results["OUTPUT"].getFeatures()} == {"north"}
    assert "Not observed: away" in run.feedback.textLog()
    assert run("rason:detectonnx", **given, CONFIDENCE=0.99)["FOUND"] == 0
    refused("knows no plane. It knows bar", "rason:detectonnx", **given, CLASSES="plane")


def test_the_record_holds_model_and_card(run, given, tmp_path):
    from qgis.core import QgsVectorLayer

    run("rason:detectonnx", **{**given, "OUTPUT": str(tmp_path / "d.gpkg")})
    layer = QgsVectorLayer(str(tmp_path / "d.gpkg"), "d", "ogr")
    record = json.loads(layer.metadata().history()[0])
    assert {"scene.tif", "bars.onnx", "bars.onnx.json"} <= {entry["name"] for entry in record["inputs"]}
    assert json.loads(record["parameters"]["MODEL_SAYS"])["licence"] == "CC0-1.0"


def test_what_does_not_fit_is_refused(refused, given, make_zones, tmp_path):
    def check(words, **changed):
        refused(words, "rason:detectonnx", **{**given, **changed})

    check("MODEL: .* is no file", MODEL=str(tmp_path / "none.onnx"))
    (tmp_path / "text.onnx").write_text("no model")
    check("text.onnx is not an ONNX model", MODEL=str(tmp_path / "text.onnx"))
    check("classifier", MODEL=shaped(tmp_path / "c.onnx", (1, 1000)))
    check("not understood: 1 x 7 x 9 x 9 x 2", MODEL=shaped(tmp_path / "u.onnx", (1, 7, 9, 9, 2)))
    four = passing(tmp_path / "four.onnx", channels=4)
    check("needs 4 bands", MODEL=four)
    (tmp_path / "bad.json").write_text('{"gsd": 0.3}')
    check("unknown entry gsd", CARD=str(tmp_path / "bad.json"))
    check("CARD: .*none.json cannot be read", CARD=str(tmp_path / "none.json"))
    (tmp_path / "hash.json").write_text(json.dumps({"sha256": "ab" * 32}))
    check("not the file its card describes", CARD=str(tmp_path / "hash.json"))
    check("trained at 0.1 m, the scene has 0.5 m", MODEL_GSD=0.1)
    check("LARGEST_OBJECT: objects of 100 m", LARGEST_OBJECT=100)
    check(
        "no coordinate reference system", INPUT=write_scene(tmp_path / "free.tif", np.ones((3, 64, 64), np.uint8), epsg=None)
    )
    check("no acquisition time|EPOCH", EPOCH=None)
    away = make_zones(tmp_path / "z.gpkg", [(box(0, 0, 9, 9), {"zone_id": "a"})])
    check("outside the scene", ZONES=away)


def test_without_onnxruntime_the_way_to_get_it_is_told(refused, given, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "onnxruntime" else found(name, *rest)
    )
    refused("onnxruntime is missing.*QPIP", "rason:detectonnx", **given)
    refused("MODEL: .*none.onnx is no file", "rason:detectonnx", **{**given, "MODEL": "none.onnx"})


def test_nothing_is_found_where_it_is_hidden(run, given, tmp_path):
    seen = np.full((1, 200, 240), 1, np.uint8)
    seen[:, :, 150:] = 3  # the third bar lies behind a cloud
    mask = write_scene(tmp_path / "seen.tif", seen)
    assert run("rason:detectonnx", **given, VISIBILITY=mask)["FOUND"] == 2


def test_p_comes_from_a_calibration_that_knows_the_class(run, given, tmp_path):
    from rason.engine.calibration import Calibration, dump
    from rason.engine.probability import ScoreModel

    curve = ScoreModel(("score",), np.array([0.5]), np.array([1.0]), np.array([-1.0, 0.0]), np.zeros((0, 2)), 60)
    labels = Calibration("truck", [5, 6], [1, 1], [0, 0], [1, 0], [2, 2], model=curve)
    (tmp_path / "c.json").write_text(dump([labels]))
    features = list(run("rason:detectonnx", **given, CALIBRATION=str(tmp_path / "c.json"))["OUTPUT"].getFeatures())
    assert len(features) == 3
    assert all(f["p"] == pytest.approx(1 / (1 + np.e)) and f["note"].startswith("p_site") for f in features)
    assert "no probability" not in run.feedback.textLog()
