import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsVectorLayer
from qgis.PyQt import sip

from rason.layers import geopackage, group
from rason.layers.reference import tables

SOME = [table for table in tables() if table.name in ("stations", "piers", "tracks", "zone", "events")]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("group") / "a.gpkg"
    geopackage.add_tables(path, SOME, False, lambda fraction: None)
    return path


@pytest.fixture
def project(qgis_app):
    project = QgsProject()
    yield project
    sip.delete(project)  # pytest would keep the last one longer than QGIS lives


def show(project, path, some=SOME):
    for table in some:
        layer = QgsVectorLayer(geopackage.uri(path, table.name), "raw", "ogr")
        project.addMapLayer(layer)
        group.place(project, layer, table)


def shown(project):
    return [node.layer().name() for node in group.find(project).findLayers()]


def test_no_group_yet(project):
    assert group.find(project) is None
    assert group.extent(project).isNull()


@pytest.mark.parametrize("order", [1, -1])
def test_layers_stand_in_drawing_order_whatever_order_they_come_in(project, file, order):
    show(project, file, SOME[::order])
    assert shown(project) == [table.title for table in SOME]
    assert len(project.layerTreeRoot().findLayers()) == len(SOME)
    assert group.find(project).name() == "Rason"


def test_a_renamed_and_moved_group_is_found_again(project, file):
    show(project, file, SOME[:2])
    found = group.find(project)
    found.setName("Meine Zone")
    project.layerTreeRoot().addGroup("Projects").insertChildNode(0, found.clone())
    project.layerTreeRoot().removeChildNode(found)
    show(project, file, SOME[2:])
    assert [node.name() for node in project.layerTreeRoot().children()] == ["Projects"]
    assert group.find(project).name() == "Meine Zone"


def test_a_group_of_the_users_called_rason_is_not_ours(project, file):
    project.layerTreeRoot().addGroup("Rason")
    show(project, file, SOME[:1])
    assert len(project.layerTreeRoot().children()) == 2
    assert shown(project) == [SOME[0].title]


def test_layers_from_another_file_make_room_but_the_users_tracks_stay(project, file, tmp_path):
    other = tmp_path / "b.gpkg"
    geopackage.add_tables(other, SOME, False, lambda fraction: None)
    show(project, file)
    show(project, other)
    assert shown(project).count("Piers") == 1
    assert shown(project).count("Tracks") == 2
    assert len(project.mapLayers()) == len(SOME) + 1


def test_a_layer_being_edited_is_not_taken_away(project, file, tmp_path):
    other = tmp_path / "b.gpkg"
    geopackage.add_tables(other, SOME[1:2], False, lambda fraction: None)
    show(project, file, SOME[1:2])
    next(iter(project.mapLayers().values())).startEditing()
    show(project, other, SOME[1:2])
    assert len(project.mapLayers()) == 2


@pytest.mark.parametrize("crs", ["", "EPSG:4326", "EPSG:3857", "EPSG:32652", "EPSG:5179"])
def test_where_to_zoom_in_any_project_crs(project, file, crs):
    project.setCrs(QgsCoordinateReferenceSystem(crs))
    show(project, file)
    around = group.extent(project)
    scale = 1.0 if crs in ("", "EPSG:4326") else 90_000
    assert 0.5 * scale < around.width() < 1.5 * scale
    assert not around.isEmpty()


def test_layers_come_styled(project, file):
    show(project, file)
    piers = next(layer for layer in project.mapLayers().values() if layer.name() == "Piers")
    assert piers.labelsEnabled()
    assert piers.renderer().type() == "RuleRenderer"
