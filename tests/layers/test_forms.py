import pytest
from qgis.core import QgsGeometry, QgsVectorLayer, QgsVectorLayerUtils, edit

from rason.layers import forms, geopackage, schema
from rason.layers.reference import tables

COLUMNS = {"zones": schema.ZONES, "detections": schema.DETECTIONS, "changes": schema.CHANGES}


@pytest.mark.parametrize("table", [*forms.CHOICES, *forms.DEFAULTS])
def test_forms_name_fields_that_exist(table):
    columns = COLUMNS.get(table) or next(entry.columns for entry in tables() if entry.name == table)
    assert {*forms.CHOICES.get(table, {}), *forms.DEFAULTS.get(table, {})} <= set(schema.names(columns))


@pytest.fixture
def drawn(tmp_path):
    """Two tracks drawn one after the other in the stored layer, not saved between."""
    path = tmp_path / "a.gpkg"
    geopackage.add_tables(path, [table for table in tables() if table.name == "tracks"], False, lambda fraction: None)
    layer = QgsVectorLayer(geopackage.uri(path, "tracks"), "tracks", "ogr")
    with edit(layer):
        for latitude in (42.1, 42.2):
            line = QgsGeometry.fromWkt(f"MultiLineString ((130 {latitude}, 130.1 {latitude}))")
            context = layer.createExpressionContext()
            assert layer.addFeature(QgsVectorLayerUtils.createFeature(layer, line, {}, context))
    return {feature["zone_id"]: feature for feature in layer.getFeatures()}


def test_a_drawn_track_is_complete_and_has_a_number_of_its_own(drawn):
    assert set(drawn) == {"rail-rajin-port", "track-1", "track-2"}
    track = drawn["track-2"]
    assert track["kind"] == "track"
    assert track["approximate"] in (False, 0)
    for name in ("source", "source_date", "licence", "accuracy_m", "evidence"):
        assert track[name]
