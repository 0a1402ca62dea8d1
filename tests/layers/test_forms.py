import pytest
from qgis.core import NULL, QgsExpression, QgsFeature, QgsGeometry, QgsVectorLayer, QgsVectorLayerUtils, edit

from rason.layers import forms, geopackage, schema
from rason.layers.reference import tables

COLUMNS = {
    "zones": schema.ZONES,
    "detections": schema.DETECTIONS,
    "changes": schema.CHANGES,
    "review_cells": schema.REVIEW_CELLS,
    "singles": schema.SINGLES,
}


@pytest.mark.parametrize("table", [*forms.CHOICES, *forms.DEFAULTS, *forms.KEPT_UP, *forms.COUNTED])
def test_forms_name_fields_that_exist(table):
    columns = COLUMNS.get(table) or next(entry.columns for entry in tables() if entry.name == table)
    kinds = (forms.CHOICES, forms.DEFAULTS, forms.KEPT_UP, forms.COUNTED)
    assert {field for kind in kinds for field in kind.get(table, {})} <= set(schema.names(columns))


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


def test_a_done_cell_gets_its_day_and_loses_it_again():
    layer = QgsVectorLayer("Polygon", "cells", "memory")
    layer.dataProvider().addAttributes(list(schema.qgs_fields(schema.REVIEW_CELLS)))
    layer.updateFields()
    forms.apply(layer, "review_cells")
    definition = layer.defaultValueDefinition(layer.fields().indexOf("reviewed_at"))
    assert definition.applyOnUpdate()
    values = []
    for value in (True, False):
        feature = QgsFeature(layer.fields())
        feature["done"] = value
        context = layer.createExpressionContext()
        context.setFeature(feature)
        values.append(QgsExpression(definition.expression()).evaluate(context))
    assert len(values[0]) == 10 and values[1] in (None, NULL)
