"""The user's own ONNX models: cards, layouts, masks, and tiles put together."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rason.engine.errors import Cancelled, MissingLibrary, Refusal
from rason.engine.onnx import layouts, masks, stitching
from rason.engine.onnx.card import Card, from_metadata, read_card
from rason.engine.onnx.model import Model
from rason.engine.onnx.suppression import one_each, suppress
from rason.engine.rectangles import iou
from rason.engine.scene import Scene
from rason.engine.zones import Zone
from rason.tests.onnx_models import WIDTH, encoded, passing, shaped

GSD = 0.5
WEST, NORTH = 500000.0, 4690000.0


# --- the card -------------------------------------------------------------------------------------------------------


def test_card_is_read_and_overrides_what_the_model_says():
    text = json.dumps(
        {"gsd_m": 0.3, "classes": ["a", "b"], "channels": "bgr", "class_map": {"a": "truck"}, "confidence": 0.4}
    )
    card = read_card(text).over(from_metadata({"names": "{0: 'x'}", "resolution": "50", "stride": "32"}))
    assert card.gsd_m == (0.3, 0.3) and card.classes == ("a", "b") and card.channels == ("blue", "green", "red")
    assert card.stride == 32 and card.class_map == {"a": "truck"} and card.known()["confidence"] == 0.4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("[1]", "no model card"),
        ('{"gsd": 1, "colour": 2}', "unknown entry colour, gsd. Known are .*gsd_m"),
        ('{"gsd_m": -1}', "gsd_m must be a number above 0"),
        ('{"gsd_m": [2, 1]}', "finest, coarsest"),
        ('{"gsd_m": true}', "above 0"),
        ('{"classes": "a"}', "list of names"),
        ('{"classes": {"x": "a"}}', "list of names"),
        ('{"confidence": 3}', "between 0 and 1"),
        ('{"layout": "yolo"}', "one of v5, v8"),
        ('{"normalisation": "none"}', "one of 0-1"),
        ('{"channels": ["red", "swir9"]}', "rgb, bgr or a list"),
        ('{"sha256": "abc"}', "64 hexadecimal"),
        ('{"std": [1, 0, 1]}', "above 0"),
        ('{"class_map": {"a": 1}}', "large-vehicle"),
        ('{"name": 5}', "must be a text"),
    ],
)
def test_card_with_an_error_is_refused(text, words):
    with pytest.raises(Refusal, match=words):
        read_card(text)


def test_what_ultralytics_writes_is_understood():
    card = from_metadata(
        {"names": "{0: 'plane', 2: \"ship's boat\"}", "task": "obb", "stride": "32", "imgsz": "[1024, 1024]", "license": "AGPL-3.0",
         "args": "{'batch': 1, 'nms': False}"}
    )  # fmt: skip
    assert card.classes == ("plane", "class 1", "ship's boat") and card.layout == "obb" and card.tile_px == 1024
    assert card.licence == "AGPL-3.0" and card.stride == 32
    assert from_metadata({"task": "obb", "args": "{'nms': True}"}).layout == "end2end-obb"
    assert from_metadata({"end2end": "True"}).layout == "end2end"


def test_what_deepness_and_geodeep_write_is_understood():
    card = from_metadata(
        {"model_type": '"Detector"', "det_type": '"YOLO_Ultralytics_OBB"', "det_conf": "0.3", "det_iou_thresh": "0.4", "resolution": "20",
         "class_names": '{"0": "tree"}', "standardization_mean": "[0.1, 0.2, 0.3]"}
    )  # fmt: skip
    assert card == Card(classes=("tree",), layout="obb", confidence=0.3, iou=0.4, gsd_m=(0.2, 0.2), mean=(0.1, 0.2, 0.3))


def test_metadata_are_never_run_and_nonsense_counts_as_not_said(tmp_path):
    target = tmp_path / "made"
    evil = f"__import__('pathlib').Path({str(target)!r}).touch()"
    assert from_metadata({"names": evil, "stride": "many", "imgsz": "[]", "resolution": "-5", "args": evil}) == Card()
    assert not target.exists()


# --- layouts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shapes", "side", "classes", "hint", "expected"),
    [
        ([(1, 25200, 85)], 640, 80, "", ("v5", 80, False)),
        ([(1, 25200, 85)], 640, 0, "", ("v5", 80, False)),
        ([(1, 25200, 6)], 640, 1, "", ("v5", 1, False)),
        ([(1, 84, 8400)], 640, 80, "", ("v8", 80, True)),
        ([(1, 84, 8400)], 640, 0, "", ("v8", 80, True)),
        ([(1, 8400, 84)], 640, 80, "", ("v8", 80, False)),
        ([(1, 300, 84)], 640, 80, "", ("v8", 80, False)),  # RT-DETR
        ([(1, 20, 21504)], 1024, 15, "obb", ("obb", 15, True)),
        ([(1, 20, 21504)], 1024, 15, "", ("obb", 15, True)),
        ([(1, 300, 6)], 640, 80, "", ("end2end", 80, False)),
        ([(1, 300, 6)], 640, 1, "", ("end2end", 1, False)),
        ([(1, 300, 7)], 1024, 15, "end2end-obb", ("end2end-obb", 15, False)),
        ([(1, 300, 7)], 1024, 0, "", ("end2end-obb", 1, False)),
        ([(1, 116, 8400), (1, 32, 160, 160)], 640, 80, "", ("v8", 80, True)),
        ([(1, 300, 38), (1, 32, 160, 160)], 640, 80, "", ("end2end", 80, False)),
        ([(1, 25200, 117), (1, 32, 160, 160)], 640, 80, "", ("v5", 80, False)),
        ([(1, 6, 65536)], 512, 2, "v8", ("v8", 2, True)),
        ([(1, 5, 512, 512)], 512, 5, "", ("semantic", 5, False)),
        ([(1, 512, 512)], 512, 5, "", ("semantic", 0, False)),
    ],
)
def test_layouts_are_recognised(shapes, side, classes, hint, expected):
    layout = layouts.recognise(shapes, (side, side), classes, hint)
    assert (layout.name, layout.classes, layout.by_column) == expected
    assert (layout.prototypes >= 0) == (len(shapes) == 2)


@pytest.mark.parametrize(
    ("shapes", "classes", "hint", "words"),
    [
        ([(1, 1000)], 0, "", "classifier"),
        ([(1, 84, 8400)], 3, "", "1 x 84 x 8400 .3 classes are named"),
        ([(1, 84, 8400)], 80, "v5", "said to be v5"),
        ([(1, 3), (1, 3, 4)], 0, "", "Known are v5"),
        ([(1, 100, 4), (1, 100, 81)], 80, "", "not understood"),
        ([(5,)], 0, "", "not understood"),
        ([], 0, "", "not understood"),
    ],
)
def test_unknown_layouts_are_refused_with_their_shapes(shapes, classes, hint, words):
    with pytest.raises(Refusal, match=words):
        layouts.recognise(shapes, (640, 640), classes, hint)


def test_an_oriented_model_read_as_another_is_noticed():
    rows = np.array([[10, 10, 8, 4, 0.9, -0.5], [30, 30, 8, 4, 0.8, 1.2]], np.float32)
    with pytest.raises(Refusal, match='"layout": "obb"'):
        layouts.read(layouts.Layout("v8", 2), [rows[None]], 0, (64, 64), 0.5)
    with pytest.raises(Refusal, match="whole numbers"):
        layouts.read(layouts.Layout("end2end", 2), [np.array([[[1, 1, 5, 5, 0.9, 0.4]]])], 0, (64, 64), 0.5)


def test_angles_sizes_classes_and_shares():
    rows = np.array([[10, 20, 8, 4, 0.1, 0.9, np.pi / 6], [30, 30, 4, 8, 0.8, 0.2, 0.0]], np.float32)
    look = layouts.read(layouts.Layout("obb", 2), [rows[None]], 0, (64, 64), 0.5)
    assert np.allclose(look.rectangles, [[10, -20, 8, 4, 120], [30, -30, 8, 4, 0]], atol=1e-4) and look.kind.tolist() == [
        1,
        0,
    ]
    shares = np.array([[0.5, 0.25, 0.125, 0.0625, 0.9]], np.float32)
    look = layouts.read(layouts.Layout("v8", 1), [shares[None]], 0, (64, 128), 0.5)
    assert np.allclose(look.rectangles, [[64, -16, 16, 4, 90]])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 0.5, 0.7]))
def test_suppression_is_the_greedy_one(seed, threshold):
    rng = np.random.default_rng(seed)
    n = 24
    r = np.column_stack([rng.uniform(0, 20, (n, 2)), rng.uniform(6, 12, n), rng.uniform(2, 6, n), rng.uniform(0, 180, n)])
    score, kind = rng.random(n), rng.integers(0, 2, n)
    kept = []
    for i in np.argsort(-score, kind="stable"):
        if all(kind[i] != kind[j] or iou(r[i : i + 1], r[j : j + 1])[0] <= threshold for j in kept):
            kept.append(i)
    assert suppress(r, score, kind, threshold).tolist() == kept


def test_two_classes_of_one_rectangle_are_one_object():
    r = np.array([[0, 0, 10, 4, 0], [0, 0.2, 10, 4, 0], [0, 0, 4, 2, 0]], float)
    assert one_each(r, np.array([0.6, 0.9, 0.5]), np.array([0, 1, 2]), 0.5).tolist() == [1, 2]


# --- masks ----------------------------------------------------------------------------------------------------------


def _drawn(rectangle, size):
    """Mask of a rectangle given as in ``Look``."""
    x, y, length, width, azimuth = rectangle
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    angle = np.radians(azimuth)
    dx, dy = columns - x, -rows - y
    return (np.abs(dx * np.sin(angle) + dy * np.cos(angle)) <= length / 2) & (
        np.abs(dy * np.sin(angle) - dx * np.cos(angle)) <= width / 2
    )


@pytest.mark.parametrize("azimuth", [0, 25, 90, 140])
def test_a_patch_becomes_its_rectangle(azimuth):
    truth = np.array([40.0, -30.0, 30.0, 9.0, azimuth])
    picture = np.stack([np.zeros((64, 80)), np.where(_drawn(truth, (64, 80)), 4.0, -4.0), np.full((64, 80), -9.0)])
    look = masks.components(picture, (64, 80), 0.5, 0)
    assert look.kind.tolist() == [1] and look.score[0] > 0.95
    assert iou(look.rectangles, truth[None])[0] > 0.85


def test_class_numbers_and_coarse_maps():
    numbers = np.zeros((32, 32), np.int64)
    numbers[4:8, 4:12], numbers[20:24, 20:22] = 2, 1
    look = masks.components(numbers, (64, 64), 0.5, 0)
    order = np.argsort(look.kind)
    assert np.allclose(look.rectangles[order], [[42, -44, 8, 4, 0], [16, -12, 16, 8, 90]]) and np.all(look.score == 1)


def test_masks_of_single_objects_turn_their_boxes():
    size, truth = (128, 128), np.array([60.0, -70.0, 50.0, 12.0, 60.0])
    fine = np.where(_drawn(truth, size), 1.0, -1.0).reshape(32, 4, 32, 4).mean((1, 3))
    prototypes = np.stack([fine, np.zeros_like(fine)]).astype(np.float32)
    box = np.array([[60.0, -70.0, 50.0, 36.0, 90.0]])
    look = layouts.Look(box, np.ones(1), np.zeros(1, int), np.array([[3.0, 9.0]], np.float32))
    assert iou(masks.tighten(look, prototypes, size).rectangles, truth[None])[0] > 0.8
    empty = layouts.Look(box, np.ones(1), np.zeros(1, int), np.array([[0.0, 1.0]], np.float32))
    assert np.array_equal(masks.tighten(empty, prototypes, size).rectangles, box)


# --- with onnxruntime -----------------------------------------------------------------------------------------------


def test_without_onnxruntime_the_way_to_get_it_is_told(monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "onnxruntime" else found(name, *rest)
    )
    with pytest.raises(MissingLibrary, match="onnxruntime is missing.*QPIP.*pip install"):
        Model.open("model.onnx")


@pytest.fixture
def ort():
    return pytest.importorskip("onnxruntime")


@pytest.fixture
def scene(tmp_path):
    """Writes data (bands, rows, columns) as a GeoTIFF and opens it."""
    from osgeo import gdal, gdal_array

    def make(data, gsd=GSD, nodata=None, **options):
        path, kind = str(tmp_path / "scene.tif"), gdal_array.NumericTypeCodeToGDALTypeCode(data.dtype)
        file = gdal.GetDriverByName("GTiff").Create(
            path, data.shape[2], data.shape[1], data.shape[0], kind, ["PHOTOMETRIC=RGB"]
        )
        file.SetGeoTransform((WEST, gsd, 0, NORTH, 0, -gsd))
        file.SetProjection('PROJCS["u",GEOGCS["w",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["G",0],'
                           'UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],'
                           'PARAMETER["central_meridian",129],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],'
                           'PARAMETER["false_northing",0],UNIT["metre",1]]')  # fmt: skip
        for band, values in enumerate(data, 1):
            file.GetRasterBand(band).WriteArray(values)
            if nodata is not None:
                file.GetRasterBand(band).SetNoDataValue(nodata)
        file = None
        return Scene.open(path, **options)

    return make


def _objects(rng, shape, n, apart=14):
    """Centres (n, 2: row, column) at least ``apart`` pixels from each other and the edge."""
    places = []
    while len(places) < n:
        place = rng.integers(apart, np.array(shape) - apart)
        if all(np.hypot(*(place - other)) >= apart for other in places):
            places.append(place)
    return np.array(places)


def _written(shape, places, lengths, turns):
    """The picture in which ``encoded`` models read these objects: (3, rows, columns) of 8 bit, background 1."""
    data = np.ones((3, *shape), np.uint8)
    rows, columns = places.T
    data[0, rows, columns], data[1, rows, columns], data[2, rows, columns] = 230, turns, lengths * 255 / 32
    return data


@pytest.mark.parametrize(
    ("layout", "options"),
    [
        ("v8", {}), ("v5", {}), ("obb", {"metadata": {"task": "obb"}}), ("end2end", {"side": 24}), ("end2end-obb", {"side": 24}),
        ("v8", {"batch": 2}), ("obb", {"kind": "float16"}), ("obb", {"kind": "uint8"}), ("v8", {"channels_last": True}),
    ],
)  # fmt: skip
def test_every_object_once_and_whole(ort, scene, tmp_path, layout, options):
    rng = np.random.default_rng(3)
    shape, n = ((150, 171), 40) if options.get("side", 64) == 64 else ((70, 81), 5)
    places = _objects(rng, shape, n)
    lengths, turns = rng.integers(5, 9, len(places)), rng.integers(1, 85, len(places))
    data = _written(shape, places, lengths, turns)
    model = Model.open(encoded(tmp_path / "m.onnx", layout, **options))
    result = stitching.find(scene(data), model, largest_m=4.5, confidence=0.6)
    found = result.detections
    assert len(found) == len(places) and set(found.class_name) == {"car"} and result.tiles > 1
    columns, rows = (found.x - WEST) / GSD - 0.5, (NORTH - found.y) / GSD - 0.5
    nearest = np.hypot(columns[:, None] - places[:, 1], rows[:, None] - places[:, 0])
    match = nearest.argmin(1)
    assert nearest.min(1).max() < 0.05 and len(set(match)) == len(places)
    assert np.allclose(found.length_m, lengths[match] * GSD, atol=0.1) and np.allclose(found.width_m, WIDTH * GSD, atol=0.02)
    if "obb" in layout:
        expected = (90 + np.degrees(turns[match] / 255 * 3)) % 180
        assert np.abs((found.azimuth_deg - expected + 90) % 180 - 90).max() < 0.3
    assert np.allclose(found.score, 230 / 255, atol=0.01) and np.array_equal(found.p, found.score)


def _bars(rng, shape, n, length=18, width=4):
    """A mask picture with n bars along rows or columns, apart from each other; and their centres."""
    data, centres = np.zeros((3, *shape), np.uint8), []
    while len(centres) < n:
        high, wide = (length, width) if rng.random() < 0.5 else (width, length)
        row, column = rng.integers(3, shape[0] - high - 3), rng.integers(3, shape[1] - wide - 3)
        if not data[0, row - 2 : row + high + 2, column - 2 : column + wide + 2].any():
            data[0, row : row + high, column : column + wide] = 255
            centres.append((row + high / 2, column + wide / 2))
    return data, np.array(centres)


def test_objects_across_tile_edges_are_whole(ort, scene, tmp_path):
    data, centres = _bars(np.random.default_rng(1), (260, 230), 60)
    model = Model.open(passing(tmp_path / "m.onnx"), Card(classes=("bar",), layout="semantic"))
    found = stitching.find(scene(data), model, largest_m=9.0).detections
    assert len(found) == len(centres)
    assert np.allclose(found.length_m, 9.0) and np.allclose(found.width_m, 2.0)


def test_objects_longer_than_said_are_warned_about(ort, scene, tmp_path):
    data = np.zeros((3, 64, 200), np.uint8)
    data[:, 30:34, 20:180] = 255
    model = Model.open(passing(tmp_path / "m.onnx"), Card(classes=("bar",), layout="semantic"))
    result = stitching.find(scene(data), model, largest_m=5.0)
    assert "Raise it" in result.warnings[0]
    with pytest.raises(Refusal, match="LARGEST_OBJECT: objects of 80 m do not fit .*tiles of 64 pixels"):
        stitching.find(scene(data), model, largest_m=80.0)


def test_zones_take_what_has_its_centre_in_them(ort, scene, tmp_path):
    from shapely.geometry import box

    rng = np.random.default_rng(7)
    data, centres = _bars(rng, (260, 230), 60)
    model = Model.open(passing(tmp_path / "m.onnx"), Card(classes=("bar",), layout="semantic"))
    zones = [Zone("a", "area", box(WEST + 10, NORTH - 40, WEST + 40, NORTH - 12)),
             Zone("b", "area", box(WEST + 90, NORTH - 129, WEST + 114, NORTH - 90))]  # fmt: skip
    whole, part = (stitching.find(scene(data), model, largest_m=9.0, zones=chosen) for chosen in ((), zones))
    x, y = whole.detections.x, whole.detections.y
    inside = zones[0].holds(x, y) | zones[1].holds(x, y)
    assert 0 < inside.sum() == len(part.detections) and part.tiles < whole.tiles
    assert set(part.detections.zone_id) == {"a", "b"}
    with pytest.raises(Refusal, match="outside the scene"):
        stitching.find(scene(data), model, zones=[Zone("c", "area", box(0, 0, 10, 10))])


@pytest.mark.parametrize("gsd", [0.17, 0.25, 0.5, 0.8])
def test_the_scene_is_brought_to_the_models_gsd(ort, scene, tmp_path, gsd):
    side = round(100 / gsd)
    data = np.zeros((3, side, side), np.uint8)
    for west, north in ((10, 10), (30.4, 50.8), (70, 45)):
        data[:, round(north / gsd) : round((north + 5) / gsd), round(west / gsd) : round((west + 16) / gsd)] = 255
    model = Model.open(passing(tmp_path / "m.onnx"), Card(classes=("bar",), layout="semantic", gsd_m=(0.5, 0.5)))
    assert stitching.check(scene(data, gsd), model, largest_m=16.0).gsd_m == 0.5
    found = stitching.find(scene(data, gsd), model, largest_m=16.0).detections
    assert len(found) == 3
    assert np.allclose(found.length_m, 16, atol=0.8) and np.allclose(found.width_m, 5, atol=0.8)
    assert np.allclose(sorted(found.x - WEST), [18, 38.4, 78], atol=0.5)


def test_a_scene_far_too_coarse_is_refused_and_a_rather_coarse_one_warned_about(ort, scene, tmp_path):
    coarse = scene(np.full((3, 64, 64), 9, np.uint8), 3.0)
    model = Model.open(passing(tmp_path / "m.onnx"), Card(classes=("bar",), layout="semantic", gsd_m=(0.3, 0.3)))
    with pytest.raises(Refusal, match="trained at 0.3 m, the scene has 3 m"):
        stitching.find(coarse, model)
    texts = stitching.doubts(coarse, model, gsd_m=(1.5, 1.5))
    assert any("expect misses" in text for text in texts) and any("LARGEST_OBJECT" in text for text in texts)
    free = Model.open(passing(tmp_path / "m.onnx"), Card(layout="semantic"))
    assert any("MODEL_GSD" in text for text in stitching.doubts(coarse, free))
    assert stitching.working_gsd(0.4, (0.3, 0.5)) == 0.4 and stitching.working_gsd(0.1, (0.3, 0.5)) == 0.3


def test_a_blown_up_scene_is_refused(ort, scene, tmp_path):
    file = scene(np.full((3, 64, 64), 9, np.uint8), 0.3)
    file.__dict__["effective_gsd_m"] = 1.5  # as measured on a picture that was enlarged
    model = Model.open(passing(tmp_path / "m.onnx"), Card(layout="semantic", gsd_m=(0.3, 0.3)))
    with pytest.raises(Refusal, match="detail is only as fine as"):
        stitching.doubts(file, model)


def test_values_arrive_as_the_card_says(ort, scene, tmp_path):
    data = np.zeros((3, 64, 64), np.uint8)
    data[0], data[1], data[2] = 51, 102, 255

    def given(picture=data, **card):
        model = Model.open(passing(tmp_path / "m.onnx"), Card(layout="semantic", **card))
        file = scene(picture, bands=card.pop("bands", ""))
        mixing = model.mixing(file.roles, file.display)
        target = model.buffer()
        mixing.fill(target[0], file.values(file.bounds, (64, 64), mixing.bands)[0])
        return target[0][:, 5, 5]

    assert np.allclose(given(), [0.2, 0.4, 1.0])
    assert np.allclose(given(channels=("blue", "green", "red")), [1.0, 0.4, 0.2])
    assert np.allclose(given(normalisation="0-255"), [51, 102, 255])
    assert np.allclose(given(normalisation="file"), [51, 102, 255])
    assert np.allclose(given(normalisation="imagenet"), [(0.2 - 0.485) / 0.229, (0.4 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    assert np.allclose(given(mean=(0.1, 0.1, 0.1), std=(0.5, 0.5, 0.5)), [0.2, 0.6, 1.8])
    assert np.allclose(given(channels=("grey", "red", "red"))[0], 0.299 * 0.2 + 0.587 * 0.4 + 0.114)
    deep = (np.arange(64 * 64).reshape(1, 64, 64) % 1000 + 2000).repeat(3, 0).astype(np.uint16)
    assert 0 <= given(deep)[0] <= 1
    assert given(deep, normalisation="file")[0] == deep[0, 5, 5]


def test_a_grey_scene_serves_a_colour_model_but_a_missing_band_is_refused(ort, scene, tmp_path):
    grey = scene(np.full((1, 64, 64), 51, np.uint8))
    model = Model.open(passing(tmp_path / "m.onnx"), Card(layout="semantic"))
    assert model.mixing(grey.roles, grey.display).bands == (0,)
    four = Model.open(passing(tmp_path / "m4.onnx", channels=4), Card(layout="semantic"))
    colour = scene(np.full((3, 64, 64), 51, np.uint8))
    with pytest.raises(Refusal, match="needs 4 bands .red, green, blue, nir., INPUT has red, green, blue: nir is missing"):
        stitching.check(colour, four)
    six = Model.open(passing(tmp_path / "m6.onnx", channels=6), Card(layout="semantic"))
    with pytest.raises(Refusal, match="needs 6 bands, INPUT has 3"):
        stitching.check(colour, six)


def test_nothing_is_looked_for_where_nothing_is_seen(ort, scene, tmp_path):
    data, centres = _bars(np.random.default_rng(2), (128, 128), 10)
    data[:, data[0] == 0] = 7
    data[:, :, 64:] = 0
    file = scene(data, nodata=0)
    model = Model.open(passing(tmp_path / "m.onnx"), Card(classes=("bar",), layout="semantic"))
    found = stitching.find(file, model, largest_m=9.0).detections
    assert len(found) and (found.x < WEST + 33).all()
    empty = scene(np.zeros((3, 100, 100), np.uint8), nodata=0)
    assert len(stitching.find(empty, model).detections) == 0


def test_unseen_tiles_between_seen_ones_change_nothing(ort, scene, tmp_path):
    data = np.zeros((3, 64, 64 * 30), np.uint8)
    starts = [64 * k + 4 for k in (0, 2, 3, 5, 9, 10, 14, 15, 16, 21, 28)]
    for k, start in enumerate(starts):
        data[:, 10:50, start : start + 48] = 20
        data[:, 20:24, start + 10 : start + 28 + k] = 255
    model = Model.open(passing(tmp_path / "m.onnx"), Card(classes=("bar",), layout="semantic"))
    found = stitching.find(scene(data, nodata=0), model, largest_m=15.0).detections
    order = np.argsort(found.x)
    assert np.allclose(found.length_m[order], (18 + np.arange(len(starts))) * GSD)


def test_cancel_stops_within_a_tile(ort, scene, tmp_path):
    data, _ = _bars(np.random.default_rng(1), (260, 230), 20)
    model = Model.open(passing(tmp_path / "m.onnx"), Card(classes=("bar",), layout="semantic"))
    told = []

    def progress(fraction):
        told.append(fraction)
        if fraction > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        stitching.find(scene(data), model, progress=progress)
    assert told[-1] < 0.4
    stitching.find(scene(data), model, progress=told.append)
    assert told[-1] == 1.0


def test_a_size_the_model_cannot_take_is_refused(ort, scene, tmp_path):
    model = Model.open(passing(tmp_path / "m.onnx", side="side", broken=True), Card(layout="semantic"))
    with pytest.raises(Refusal, match="could not be run on a tile .* tile size"):
        stitching.find(scene(np.ones((3, 64, 64), np.uint8)), model)


def test_open_input_size_and_the_cards_hash(ort, tmp_path):
    path = encoded(tmp_path / "m.onnx", open_size=True)
    digest = hashlib.sha256((tmp_path / "m.onnx").read_bytes()).hexdigest()
    with pytest.raises(Refusal, match="not the file its card describes"):
        Model.open(path, Card(sha256="0" * 64))
    model = Model.open(path, Card(sha256=digest), tile_px=50)
    assert (model.input.rows, model.input.columns) == (64, 64) and model.names == ("car", "van")
    assert "Output: v8, 2 classes: car, van." in model.about()[2]


@pytest.mark.parametrize(
    ("shapes", "options", "words"),
    [
        ([(1, 1000)], {}, "classifier"),
        ([(1, 300, 9)], {"metadata": {"names": "{0: 'a'}"}}, "1 x 300 x 9 .1 classes are named"),
        ([(1, 10)], {"metadata": {"task": "classify"}}, "made for 'classify'"),
        ([(1, 4, 64, 64)], {"metadata": {"names": "{0: 'a', 1: 'b'}"}}, "4 classes for each pixel, but 2 are named"),
        ([(1, 6, 100)], {"taken": (1, 3)}, "not one picture"),
    ],
)
def test_models_that_are_no_detectors_are_refused(ort, tmp_path, shapes, options, words):
    with pytest.raises(Refusal, match=words):
        Model.open(shaped(tmp_path / "m.onnx", *shapes, **options))


def test_class_numbers_without_names_and_a_card_that_names_others(ort, tmp_path):
    path = shaped(tmp_path / "m.onnx", (1, 300, 6))
    assert Model.open(path).called(np.array([0, 7])).tolist() == ["class 0", "class 7"]
    with pytest.raises(Refusal, match="class_map names lorry, which the model does not know: car"):
        Model.open(path, Card(classes=("car",), class_map={"lorry": "truck"}))


def test_files_that_are_no_models_are_refused(ort, tmp_path):
    (tmp_path / "m.onnx").write_text("hello")
    with pytest.raises(Refusal, match="not an ONNX model"):
        Model.open(str(tmp_path / "m.onnx"))
    with pytest.raises(Refusal, match="cannot be read"):
        Model.open(str(tmp_path / "none.onnx"))
    encoded(tmp_path / "whole.onnx")
    whole = (tmp_path / "whole.onnx").read_bytes()
    (tmp_path / "m.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Refusal, match="not an ONNX model"):
        Model.open(str(tmp_path / "m.onnx"))


def test_background_is_found_by_its_name(ort, tmp_path):
    path = shaped(tmp_path / "m.onnx", (1, 3, 64, 64))
    assert Model.open(path, Card(classes=("a", "b"))).names == ("background", "a", "b")
    assert Model.open(path, Card(classes=("a", "Background", "b"))).background == 1
    assert Model.open(path, Card(classes=("a", "b", "c"))).background == -1
    assert Model.open(path, Card(classes=("a", "b", "c"), background="c")).background == 2
    with pytest.raises(Refusal, match="background d is none"):
        Model.open(path, Card(classes=("a", "b", "c"), background="d"))
