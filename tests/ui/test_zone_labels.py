"""Results as labels of the zones."""

import pytest
from qgis.core import QgsFeature, QgsPalLayerSettings, QgsProject, QgsVectorLayer, QgsVectorLayerSimpleLabeling


@pytest.fixture
def layers(qgis_new_project):
    """Zones and a tally of the project."""
    zones = QgsVectorLayer("LineString?crs=EPSG:32652&field=zone_id:string&field=kind:string", "zones", "memory")
    tally = QgsVectorLayer(
        "NoGeometry?field=zone_id:string&field=class:string&field=unit:string&field=estimate:double&field=low:double"
        "&field=high:double",
        "tally",
        "memory",
    )
    feature = QgsFeature(tally.fields())
    feature.setAttributes(["T1", "freight_car", "objects", 4.0, 2.0, 7.0])
    tally.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayers([zones, tally])
    yield zones, tally
    QgsProject.instance().removeAllMapLayers()


def text_of(layer, zone_id):
    from qgis.core import QgsExpression, QgsExpressionContext, QgsExpressionContextUtils

    feature = QgsFeature(layer.fields())
    feature.setAttributes([zone_id, "track"])
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    context.setFeature(feature)
    context.setFields(layer.fields())
    return QgsExpression(layer.labeling().settings().fieldName).evaluate(context)


def test_zones_are_labelled_with_the_tally(layers):
    from rason.ui.zone_labels import label

    zones, tally = layers
    label(QgsProject.instance(), "TALLY", tally.id())
    assert zones.labelsEnabled() and text_of(zones, "T1") == "T1\nfreight_car: 4 (2 to 7)"
    assert text_of(zones, "T2") == "T2"


def test_the_users_own_labels_stay(layers):
    from rason.ui.zone_labels import label

    zones, tally = layers
    settings = QgsPalLayerSettings()
    settings.fieldName = "kind"
    zones.setLabeling(QgsVectorLayerSimpleLabeling(settings))
    zones.setLabelsEnabled(True)
    label(QgsProject.instance(), "TALLY", tally.id())
    assert zones.labeling().settings().fieldName == "kind"


def test_a_result_that_was_not_loaded_changes_nothing(layers):
    from rason.ui.zone_labels import label

    label(QgsProject.instance(), "TALLY", "somewhere.gpkg")
    assert not layers[0].labelsEnabled()
