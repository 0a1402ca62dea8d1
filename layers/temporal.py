"""When a layer's features are shown by QGIS's temporal controller: on the day of their epoch, in UTC, whatever the machine's clock.

The controller compares with make_datetime(year, month, …) of its own frame, which has no time zone; so the days here are made of the
digits of ``epoch`` alone, without its Z. A month stands for all its days.
"""

from __future__ import annotations

from qgis.core import QgsVectorLayer, QgsVectorLayerTemporalProperties

# Layers with an epoch, and what may be drawn of them.
TIMED = ("detections", "changes")
EXPRESSIONS = QgsVectorLayerTemporalProperties.TemporalMode.FeatureDateTimeStartAndEndFromExpressions

_DAY = "to_date(left(\"epoch\", 10), 'yyyy-MM-dd')"
_MONTH = "to_date(left(\"epoch\", 7) || '-01', 'yyyy-MM-dd')"


def _midnight(day: str, month: str) -> str:
    """Midnight, without a time zone, of a date that depends on how precisely the epoch is known."""
    date = f'if(length("epoch") < 10, {month}, {day})'
    return f"with_variable('d', {date}, make_datetime(year(@d), month(@d), day(@d), 0, 0, 0))"


START = _midnight(_DAY, _MONTH)
END = _midnight(f"{_DAY} + to_interval('1 day')", f"{_MONTH} + to_interval('1 month')")


def apply(layer: QgsVectorLayer, name: str) -> None:
    """Make the layer of that name (see ``styles.apply``) follow the temporal controller; features without an epoch are left out."""
    if name not in TIMED:
        return
    properties = layer.temporalProperties()
    properties.setStartExpression(START)
    properties.setEndExpression(END)
    _follow(properties)


def wake(layers) -> None:
    """Make layers that were just opened follow the controller where their style says so.

    QGIS reads the expressions of the stored style and then lets the file's format decide on mode and activity (3.22). Who has
    switched a layer off by hand has left its mode.
    """
    for layer in layers:
        properties = layer.temporalProperties() if isinstance(layer, QgsVectorLayer) else None
        if properties and properties.startExpression() == START and properties.mode() != EXPRESSIONS:
            _follow(properties)


def _follow(properties) -> None:
    properties.setMode(EXPRESSIONS)
    properties.setIsActive(True)
