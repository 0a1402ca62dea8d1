"""rason:visibility, and the tally behind its raster."""

import numpy as np
import pytest
from osgeo import gdal
from shapely.affinity import translate
from shapely.geometry import Point, box

X, Y = 606000.0, 4660000.0


def mask_like(path, source, value, rest=0, gsd=10.0):
    """A raster of the scene's extent: ``value`` in the western half, ``rest`` in the eastern one."""
    gdal.Translate(str(path), source, xRes=gsd, yRes=gsd, bandList=[1], noData="none")
    file = gdal.Open(str(path), gdal.GA_Update)
    data = np.full((file.RasterYSize, file.RasterXSize), rest, np.uint8)
    data[:, : data.shape[1] // 2] = value
    file.GetRasterBand(1).WriteArray(data)
    file.FlushCache()
    return str(path)


@pytest.fixture
def look(run, rows, place, tmp_path):
    """Runs rason:visibility; returns results, the raster's array, and the table by zone."""

    def call(**parameters):
        results = run(
            "rason:visibility",
            **{
                "INPUT": place.scene,
                "ZONES": place.zones,
                "OUTPUT": str(tmp_path / "v.tif"),
                "TABLE": str(tmp_path / "t.gpkg"),
            }
            | parameters,
        )
        return results, gdal.Open(results["OUTPUT"]).ReadAsArray(), {r["zone_id"]: r for r in rows(results["TABLE"])}

    return call


def test_a_clear_scene_is_seen(look, place):
    results, raster, table = look()
    assert set(table) == set(place.shapes) and all(row["visible_fraction"] > 0.99 for row in table.values())
    assert (raster == 1).mean() > 0.99 and results["ZONES_OBSERVED"] == 3 and results["ZONES_NOT_OBSERVED"] == 0
    assert table["yard"]["epoch"] == "2023-07-18T02:05:00Z" and table["yard"]["epoch_precision"] == "second"
    file = gdal.Open(results["OUTPUT"])  # must outlive its band
    file.GetMetadata()  # GDAL looks into the side file only then
    names = file.GetRasterBand(1).GetCategoryNames()
    assert names[2] == "cloud" and names[7] == "masked by user"


def test_roofs_count_while_they_stood(look, place, make_zones, tmp_path):
    shape = place.shapes["yard"]
    west, south, east, north = shape.bounds
    fields = ("date_from", "date_to")
    roofs = make_zones(
        tmp_path / "roofs.gpkg",
        [(box(west, south, (west + east) / 2 - 1, north), {"date_from": "2023-07"}),
         (box((west + east) / 2 - 1, south, east, north), {"date_from": "2023-08", "date_to": "2024"})],
        fields=fields,
    )  # fmt: skip
    _, raster, table = look(ROOFS=roofs)
    assert table["yard"]["roof_share"] == pytest.approx(0.5, abs=0.03) and table["yard"]["usable"]
    assert "roof 4" in table["yard"]["note"]
    _, _, later = look(ROOFS=roofs, EPOCH="2023-10-12")
    assert later["yard"]["roof_share"] == pytest.approx(1, abs=0.01) and not later["yard"]["usable"]
    assert later["yard"]["note"].startswith("not observed")


def test_masks_quality_and_slots(look, rows, place, make_zones, tmp_path):
    hidden = mask_like(tmp_path / "hidden.tif", place.scene, 9)
    _, raster, table = look(MASK=hidden)
    assert table["yard"]["masked_share"] == pytest.approx(1) and table["loaded"]["masked_share"] == pytest.approx(
        0.5, abs=0.03
    )
    scl = mask_like(tmp_path / "a_SCL.tif", place.scene, 9, 4)
    slots = make_zones(
        tmp_path / "slots.gpkg",
        [(box(X + 30, Y - 40, X + 42, Y - 37), {"slot_id": "A1"}), (box(X + 200, Y - 40, X + 212, Y - 37), {"slot_id": "B7"})],
        fields=("slot_id",),
    )  # fmt: skip
    polygon = make_zones(tmp_path / "mine.gpkg", [(box(X + 130, Y - 160, X + 240, Y - 120), {})])
    results, raster, table = look(QUALITY=scl, MASK=polygon, SLOTS=slots, SLOT_TABLE=str(tmp_path / "s.gpkg"))
    assert table["yard"]["cloud_share"] == pytest.approx(1) and table["empty"]["masked_share"] > 0.4
    assert results["CLOUD_FRACTION"] == pytest.approx(0.5, abs=0.03) and set(np.unique(raster)) <= {0, 1, 2, 7}
    found = {row["slot_id"]: row for row in rows(results["SLOT_TABLE"])}
    assert found["A1"]["visible_fraction"] == 0 and found["A1"]["zone_id"] == "yard"
    assert found["B7"]["visible_fraction"] == 1 and not found["B7"]["zone_id"]


def test_the_tally_looks_only_where_it_is_seen_and_scales_up(look, run, rows, place, make_zones, tmp_path):
    east = make_zones(tmp_path / "mine.gpkg", [(box(X + 156, Y - 160, X + 240, Y), {}), (box(X, Y - 70, X + 52, Y), {})])
    seen, _, _ = look(MASK=east)
    results = run("rason:tallyscene", INPUT=place.scene, ZONES=place.zones, VISIBILITY=seen["OUTPUT"],
                  CLASSES=["freight_car", "container"], DETECTIONS=str(tmp_path / "d.gpkg"), TALLY=str(tmp_path / "t.gpkg"))  # fmt: skip
    tally = {(r["zone_id"], r["unit"]): r for r in rows(results["TALLY"]) if r["class"] != "tank_car"}
    track, yard = tally["loaded", "objects"], tally["yard", "objects"]
    assert track["visible_fraction"] == pytest.approx(0.66, abs=0.02)
    assert "could not be seen: scaled up" in track["note"] and track["estimate"] > track["detected"]
    assert yard["estimate"] is None and yard["low"] is None, "less than half of it is seen"
    assert "not observed" in yard["note"]
    assert all(r["geometry"].centroid.x < X + 160 for r in rows(results["DETECTIONS"]))
    table = run("rason:visibility", INPUT=place.scene, ZONES=place.zones, MASK=east, OUTPUT=str(tmp_path / "w.tif"),
                TABLE=str(tmp_path / "w.gpkg"))["TABLE"]  # fmt: skip
    marks = make_zones(tmp_path / "m.gpkg", [(Point(X + 60, Y - 40), {"class": "container"})], fields=("class",))
    again = run("rason:tally", DETECTIONS=marks, ZONES=place.zones, VISIBILITY=table, EPOCH="2023-07-18",
                OUTPUT=str(tmp_path / "again.gpkg"))  # fmt: skip
    by_zone = {r["zone_id"]: r for r in rows(again["OUTPUT"])}
    assert by_zone["yard"]["estimate"] is None


@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        ("MASK cannot be opened|MASK", {"MASK": "nothing.tif"}),
        ("MASK has no polygon over the scene", {"MASK": "elsewhere"}),
        ("QUALITY: neither", {"QUALITY": "one"}),
        ("no Sentinel-2 SCL", {"QUALITY": "scene", "QUALITY_KIND": "SCL"}),
        ("belong together", {"SLOTS": "zones"}),
        ("is no .tif", {"OUTPUT": "/tmp/v.png"}),
        ("same file", {"OUTPUT": "scene"}),
        ("no date", {"ROOFS": "roofs"}),
    ],
)
def test_bad_input(refused, place, make_zones, variant, tmp_path, words, parameters):
    files = {
        "one": lambda: mask_like(tmp_path / "one.tif", place.scene, 1),
        "scene": lambda: variant(place.scene, "grey.tif", bandList=[1]),
        "elsewhere": lambda: make_zones(tmp_path / "far.gpkg", [(translate(place.shapes["yard"], 5e4, 0), {})]),
        "zones": lambda: make_zones(tmp_path / "slots.gpkg", [(place.shapes["yard"], {"zone_id": "a"})]),
        "roofs": lambda: make_zones(tmp_path / "r.gpkg", [(place.shapes["yard"], {"date_from": "spring"})], fields=("date_from",)),
    }  # fmt: skip
    given = {"INPUT": place.scene, "ZONES": place.zones, "OUTPUT": str(tmp_path / "v.tif"), "TABLE": "memory:"}
    for key, value in parameters.items():
        given[key] = files[value]() if value in files else value
    if parameters.get("OUTPUT") == "scene":
        given["OUTPUT"] = given["INPUT"]
    refused(words, "rason:visibility", **given)
    assert not (tmp_path / "v.tif").exists()


def test_a_mask_of_another_kind_is_no_visibility(refused, place, tmp_path):
    scl = mask_like(tmp_path / "scl.tif", place.scene, 9)
    refused("no raster of rason:visibility", "rason:tallyscene", INPUT=place.scene, ZONES=place.zones, VISIBILITY=scl,
            DETECTIONS="memory:", TALLY="memory:")  # fmt: skip


def test_in_the_map_the_raster_covers_nothing_that_is_clear(provider, place, tmp_path):
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback, QgsProject, QgsRasterLayer

    path = str(tmp_path / "seen.tif")
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(QgsProject.instance())
    details = QgsProcessingContext.LayerDetails("OUTPUT", QgsProject.instance(), "OUTPUT")
    context.addLayerToLoadOnCompletion(path, details)
    algorithm = QgsApplication.processingRegistry().algorithmById("rason:visibility")
    given = {"INPUT": place.scene, "OUTPUT": path, "TABLE": "TEMPORARY_OUTPUT"}
    _, done = algorithm.run(given, context, feedback)
    assert done, feedback.textLog()
    shown = context.layerToLoadOnCompletionDetails(path)
    options = QgsRasterLayer.LayerOptions()
    options.loadDefaultStyle = False  # as Processing loads it
    loaded = QgsRasterLayer(path, "seen", "gdal", options)
    shown.postProcessor().postProcessLayer(loaded, context, feedback)
    by_hand = QgsRasterLayer(path, "seen")
    for layer in (loaded, by_hand):
        colours = {entry.value: entry.color.alpha() for entry in layer.renderer().classes()}
        assert colours[1] == 0 and all(alpha for value, alpha in colours.items() if value != 1)
        assert set(colours) == set(range(8))
        assert {entry.value: entry.label for entry in layer.renderer().classes()}[2] == "cloud"
    assert "scene.tif" in shown.name


def test_a_run_that_fails_leaves_no_colours_behind(refused, place, tmp_path, monkeypatch):
    from rason.engine.errors import Refusal
    from rason.processing import outputs

    def fail(*given, **named):
        assert (tmp_path / "seen.qml").is_file()
        raise Refusal("the disk is full")

    monkeypatch.setattr(outputs, "write", fail)
    refused("the disk is full", "rason:visibility", INPUT=place.scene, OUTPUT=str(tmp_path / "seen.tif"), TABLE="memory:")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "given, causes", [([], []), (["glint"], ["glint"]), (None, ["cloud", "cloud_shadow", "haze", "glint"])]
)
def test_nothing_is_looked_for_where_no_cause_is_chosen(provider, place, given, causes):
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback

    from rason.processing.algorithms.visibility import Visibility

    algorithm = Visibility()
    algorithm.initAlgorithm()
    parameters = {"INPUT": place.scene, "OUTPUT": "TEMPORARY_OUTPUT", "TABLE": "TEMPORARY_OUTPUT"}
    parameters |= {} if given is None else {"CAUSES": given}
    assert algorithm.prepare(parameters, QgsProcessingContext(), QgsProcessingFeedback())
    assert algorithm.causes == causes
