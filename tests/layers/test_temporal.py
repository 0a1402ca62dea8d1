"""The temporal controller shows each epoch on its day in UTC, wherever the machine stands."""

import time

import pytest
from qgis.core import QgsDateTimeRange, QgsFeature, QgsVectorLayer, QgsVectorLayerTemporalContext
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, QTime

from rason.layers import schema, styles, temporal

EPOCHS = (
    "2023-10-11T23:59:59Z",
    "2023-10-12T00:00:00Z",
    "2023-10-12T23:30:00Z",
    "2023-10-12",
    "2023-10",
    "2023-10-13T00:00:00Z",
    None,
)
SHOWN = ["2023-10-12T00:00:00Z", "2023-10-12T23:30:00Z", "2023-10-12", "2023-10"]


@pytest.fixture
def clock(monkeypatch):
    """Sets the machine's time zone."""

    def set_to(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield set_to
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Pyongyang", "America/New_York", "Pacific/Apia"])
@pytest.mark.parametrize("name", ["detections", "changes"])
@pytest.mark.parametrize("spec", [Qt.TimeSpec.UTC, Qt.TimeSpec.LocalTime])
def test_a_day_shows_what_was_seen_that_day(qgis_app, clock, zone, name, spec):
    clock(zone)
    layer = QgsVectorLayer("Polygon?crs=EPSG:32652", "d", "memory")
    layer.dataProvider().addAttributes(list(schema.qgs_fields(schema.CHANGES)))
    layer.updateFields()
    for epoch in EPOCHS:
        feature = QgsFeature(layer.fields())
        feature["epoch"] = epoch
        layer.dataProvider().addFeature(feature)
    styles.apply(layer, name)
    days = [QDateTime(QDate(2023, 10, day), QTime(0, 0), spec) for day in (12, 13)]
    context = QgsVectorLayerTemporalContext()
    context.setLayer(layer)
    shown = layer.temporalProperties().createFilterString(context, QgsDateTimeRange(*days, True, False))
    assert layer.temporalProperties().isActive() and [f["epoch"] for f in layer.getFeatures(shown)] == SHOWN


@pytest.fixture
def opened(qgis_app):
    """A layer of detections as QGIS 3.22 opens it from a GeoPackage: the style's expressions, but neither mode nor activity."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:32652&field=class:string&field=epoch:string", "d", "memory")
    styles.apply(layer, "detections")
    layer.temporalProperties().setDefaultsFromDataProviderTemporalCapabilities(layer.dataProvider().temporalCapabilities())
    assert not layer.temporalProperties().isActive()
    return layer


def test_a_file_opened_later_follows_the_controller_too(opened):
    temporal.wake([opened])
    properties = opened.temporalProperties()
    assert properties.isActive() and properties.mode() == temporal.EXPRESSIONS
    assert properties.endExpression() == temporal.END


def test_who_switches_it_off_has_it_off(opened):
    temporal.wake([opened])
    opened.temporalProperties().setIsActive(False)
    other = QgsVectorLayer("Point?crs=EPSG:32652", "other", "memory")
    temporal.wake([opened, other])
    assert not opened.temporalProperties().isActive() and not other.temporalProperties().isActive()
