"""Which layers the dialogs open with."""

import pytest
from qgis.core import QgsFeature, QgsProject, QgsRasterLayer, QgsVectorLayer

from rason.ui.defaults import comparison_defaults, scene_defaults

TALLY = "zone_id class epoch estimate low high visible_fraction"
DETECTIONS = "class score epoch length_m width_m azimuth_deg zone_id"


@pytest.fixture
def project():
    project = QgsProject()
    yield project
    project.clear()


def add(project, name, fields, kind="Polygon", epoch=None):
    layer = QgsVectorLayer(
        f"{kind}?crs=EPSG:32652" + "".join(f"&field={field}:string" for field in fields.split()), name, "memory"
    )
    if epoch:
        feature = QgsFeature(layer.fields())
        feature["epoch"] = epoch
        layer.dataProvider().addFeature(feature)
    project.addMapLayer(layer)
    return layer


def scene(project, tmp_path, name):
    from osgeo import gdal

    gdal.GetDriverByName("GTiff").Create(str(tmp_path / name), 8, 8, 1)
    layer = QgsRasterLayer(str(tmp_path / name), name)
    project.addMapLayer(layer)
    return layer


def test_empty_project(project):
    assert scene_defaults(project, None) == {}
    assert comparison_defaults(project, None) == {}


def test_active_raster_wins_over_the_uppermost(project, tmp_path):
    first, second = scene(project, tmp_path, "a.tif"), scene(project, tmp_path, "b.tif")
    for active in (first, second):
        assert scene_defaults(project, active) == {"INPUT": active.id()}
    assert scene_defaults(project, None)["INPUT"] in (first.id(), second.id())


def test_background_map_is_no_scene(project):
    tiles = QgsRasterLayer("type=xyz&url=http://localhost/%7Bz%7D/%7Bx%7D/%7By%7D.png", "tiles", "wms")
    project.addMapLayer(tiles)
    assert scene_defaults(project, tiles) == {}


@pytest.mark.parametrize("fields, found", [("ZONE_ID Kind name", True), ("zone_id name", False), (DETECTIONS, False)])
def test_zones_are_known_by_their_fields(project, fields, found):
    layer = add(project, "anything", fields)
    assert scene_defaults(project, layer) == ({"ZONES": layer.id()} if found else {})


def test_a_table_is_no_zone_layer(project):
    assert scene_defaults(project, add(project, "table", "zone_id kind", kind="None")) == {}


def test_active_layer_of_another_project_is_not_used(project):
    stray = QgsVectorLayer("Polygon?field=zone_id:string&field=kind:string", "stray", "memory")
    assert scene_defaults(project, stray) == {}


def test_one_tally_is_given_as_the_first(project):
    tally = add(project, "t", TALLY, "None", "2024-05-12T00:00:00Z")
    assert comparison_defaults(project, None) == {"TALLY_1": tally.id()}


def test_the_two_latest_tallies_with_their_detections(project):
    tallies = {day: add(project, "t", TALLY, "None", day) for day in ("2024-06-03", "2023-01-01", "2024-05-12")}
    boxes = add(project, "d", DETECTIONS, epoch="2024-06-03")
    add(project, "old", DETECTIONS, epoch="2023-01-01")
    assert comparison_defaults(project, None) == {
        "TALLY_1": tallies["2024-05-12"].id(),
        "TALLY_2": tallies["2024-06-03"].id(),
        "DETECTIONS_2": boxes.id(),
    }


def test_empty_tally_is_passed_over(project):
    add(project, "empty", TALLY, "None")
    assert comparison_defaults(project, None) == {}
