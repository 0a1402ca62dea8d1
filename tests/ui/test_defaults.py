"""Which layers the dialogs open with."""

import pytest
from qgis.core import QgsFeature, QgsProcessing, QgsProject, QgsRasterLayer, QgsVectorLayer

from rason.ui.defaults import comparison_defaults, scene_defaults

TALLY = "zone_id scene class epoch estimate low high visible_fraction"
DETECTIONS = "class scene score epoch length_m width_m azimuth_deg zone_id"


@pytest.fixture
def project():
    project = QgsProject()
    yield project
    project.clear()


def add(project, name, fields, kind="Polygon", **values):
    layer = QgsVectorLayer(
        f"{kind}?crs=EPSG:32652" + "".join(f"&field={field}:string" for field in fields.split()), name, "memory"
    )
    if values:
        feature = QgsFeature(layer.fields())
        for field, value in values.items():
            feature[field] = value
        layer.dataProvider().addFeature(feature)
    project.addMapLayer(layer)
    return layer


def tally(project, epoch, zone="T1", scene="a.tif"):
    return add(project, "any name", TALLY, "None", epoch=epoch, zone_id=zone, scene=scene)


def boxes(project, epoch, scene="a.tif", fields=""):
    return add(project, "any name", DETECTIONS + fields, epoch=epoch, scene=scene)


def layers(parameters):
    """The parameters that are layers, without those that are destinations."""
    return {key: value for key, value in parameters.items() if value != QgsProcessing.TEMPORARY_OUTPUT}


def scene(project, tmp_path, name):
    from osgeo import gdal

    gdal.GetDriverByName("GTiff").Create(str(tmp_path / name), 8, 8, 1)
    layer = QgsRasterLayer(str(tmp_path / name), name)
    project.addMapLayer(layer)
    return layer


def test_empty_project(project):
    assert layers(scene_defaults(project, None)) == {}
    assert layers(comparison_defaults(project, None)) == {}


def test_active_raster_wins_over_the_uppermost(project, tmp_path):
    first, second = scene(project, tmp_path, "a.tif"), scene(project, tmp_path, "b.tif")
    for active in (first, second):
        assert layers(scene_defaults(project, active)) == {"INPUT": active.id()}
    assert scene_defaults(project, None)["INPUT"] in (first.id(), second.id())


def test_background_map_is_no_scene(project):
    tiles = QgsRasterLayer("type=xyz&url=http://localhost/%7Bz%7D/%7Bx%7D/%7By%7D.png", "tiles", "wms")
    project.addMapLayer(tiles)
    assert layers(scene_defaults(project, tiles)) == {}


@pytest.mark.parametrize("fields, found", [("ZONE_ID Kind name", True), ("zone_id name", False), (DETECTIONS, False)])
def test_zones_are_known_by_their_fields(project, fields, found):
    layer = add(project, "anything", fields)
    assert layers(scene_defaults(project, layer)) == ({"ZONES": layer.id()} if found else {})


def test_a_table_is_no_zone_layer(project):
    assert layers(scene_defaults(project, add(project, "table", "zone_id kind", kind="None"))) == {}


def test_active_layer_of_another_project_is_not_used(project):
    stray = QgsVectorLayer("Polygon?field=zone_id:string&field=kind:string", "stray", "memory")
    assert layers(scene_defaults(project, stray)) == {}


def test_one_tally_is_given_as_the_first(project):
    only = tally(project, "2024-05-12T00:00:00Z")
    assert layers(comparison_defaults(project, None)) == {"TALLY_1": only.id()}


def test_the_two_latest_tallies_with_their_detections(project):
    tallies = {day: tally(project, day) for day in ("2024-06-03", "2023-01-01", "2024-05-12")}
    found = boxes(project, "2024-06-03")
    boxes(project, "2023-01-01")
    boxes(project, "2024-06-03", scene="of another scene.tif")
    boxes(project, "2024-05-12", fields=" change")
    assert comparison_defaults(project, None) == {
        "TALLY_1": tallies["2024-05-12"].id(),
        "TALLY_2": tallies["2024-06-03"].id(),
        "DETECTIONS_2": found.id(),
        "REPORT": QgsProcessing.TEMPORARY_OUTPUT,
    }


def test_changes_are_asked_for_where_both_detections_are_known(project):
    for day in ("2024-06-03", "2024-05-12"):
        tally(project, day)
        assert "CHANGES" not in comparison_defaults(project, None)
        boxes(project, day)
    assert comparison_defaults(project, None)["CHANGES"] == QgsProcessing.TEMPORARY_OUTPUT


def test_the_active_tally_is_one_of_the_two(project):
    tallies = {day: tally(project, day) for day in ("2024-06-03", "2023-01-01", "2024-05-12")}
    assert layers(comparison_defaults(project, tallies["2023-01-01"])) == {
        "TALLY_1": tallies["2023-01-01"].id(),
        "TALLY_2": tallies["2024-06-03"].id(),
    }


def test_tallies_of_another_place_or_of_the_same_epoch_make_no_pair(project):
    rajin = tally(project, "2024-06-03", zone="pier")
    tally(project, "2024-05-12", zone="track")
    tally(project, "2024-06-03", zone="pier")
    assert list(layers(comparison_defaults(project, rajin))) == ["TALLY_1"]
    before = tally(project, "2022-05-12", zone="pier")
    assert layers(comparison_defaults(project, rajin)) == {"TALLY_1": before.id(), "TALLY_2": rajin.id()}


def test_empty_tally_is_passed_over(project):
    add(project, "empty", TALLY, "None")
    assert layers(comparison_defaults(project, None)) == {}
