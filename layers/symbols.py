"""Pieces of symbols that stay legible over imagery: every stroke has a dark casing, every text a dark halo."""

from __future__ import annotations

from qgis.core import (
    QgsFillSymbol,
    QgsFillSymbolLayer,
    QgsLinePatternFillSymbolLayer,
    QgsLineSymbol,
    QgsMarkerLineSymbolLayer,
    QgsMarkerSymbol,
    QgsPalLayerSettings,
    QgsProperty,
    QgsRuleBasedRenderer,
    QgsSimpleFillSymbolLayer,
    QgsSimpleLineSymbolLayer,
    QgsSimpleMarkerSymbolLayer,
    QgsSymbolLayer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsUnitTypes,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor

CASING = "#141414"
CASING_MM = 0.8  # wider than its stroke by this much in all

# Okabe and Ito's colours, which colour-blind people tell apart, lightened for dark imagery.
ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK, WHITE, GREY = (
    "#f5a81c",
    "#6cc5f0",
    "#2fd19b",
    "#f7ec5c",
    "#4f9dff",
    "#ff6b4a",
    "#f08fc7",
    "#ffffff",
    "#bdbdbd",
)

# Dash patterns in millimetres: stroke;gap;…
LONG, SHORT, DOTS, DASH_DOT, DASH_DOT_DOT = "5;2.5", "2;1.5", "0.6;1.4", "7;2;1.2;2", "7;1.6;1.2;1.6;1.2;1.6"


def stroke(colour: str, width_mm: float, dash: str = "") -> list[QgsSymbolLayer]:
    """A line and its casing, to go into a line symbol or round a fill."""
    return [_line(CASING, width_mm + CASING_MM, "", 190), _line(colour, width_mm, dash)]


def bare(colour: str, width_mm: float, dash: str = "") -> list[QgsSymbolLayer]:
    """A line without casing."""
    return [_line(colour, width_mm, dash)]


def _line(colour: str, width_mm: float, dash: str = "", alpha: int = 255) -> QgsSymbolLayer:
    layer = QgsSimpleLineSymbolLayer(QColor(colour), width_mm)
    shade = QColor(colour)
    shade.setAlpha(alpha)
    layer.setColor(shade)
    layer.setPenJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dash:
        layer.setPenCapStyle(Qt.PenCapStyle.FlatCap)
        layer.setUseCustomDashPattern(True)
        layer.setCustomDashVector([float(number) for number in dash.split(";")])
        layer.setCustomDashPatternUnit(QgsUnitTypes.RenderUnit.RenderMillimeters)
    return layer


def ticks(shape: str, colour: str, size_mm: float, every_mm: float) -> list[QgsSymbolLayer]:
    """Markers along a line: "line" for sleepers, "cross2" for a fence."""
    layer = QgsMarkerLineSymbolLayer(True, every_mm)
    layer.setSubSymbol(
        _filled(
            QgsMarkerSymbol(),
            [_marker(shape, CASING, CASING, size_mm + 0.4, 1.0), _marker(shape, colour, colour, size_mm, 0.5)],
        )
    )
    return [layer]


def line(*parts: list[QgsSymbolLayer]) -> QgsLineSymbol:
    """A line symbol of strokes and ticks, the first at the bottom."""
    return _filled(QgsLineSymbol(), [layer for part in parts for layer in part])


def area(outline: list[QgsSymbolLayer], hatch: str = "", angle_deg: float = 45.0, every_mm: float = 3.0) -> QgsFillSymbol:
    """An outlined area, open to the imagery below; ``hatch`` is a colour."""
    layers: list[QgsSymbolLayer] = []
    if hatch:
        pattern = QgsLinePatternFillSymbolLayer()
        pattern.setLineAngle(angle_deg)
        pattern.setDistance(every_mm)
        pattern.setSubSymbol(line(bare(hatch, 0.25)))
        layers.append(pattern)
    return _filled(QgsFillSymbol(), layers + outline)


def _filled(symbol, layers: list[QgsSymbolLayer]):
    """The symbol made of these layers alone. Copies: a symbol owns its layers (its constructor from a list crashes 3.22)."""
    symbol.deleteSymbolLayer(0)
    for layer in layers:
        symbol.appendSymbolLayer(layer.clone())
    return symbol


def wash(colour: str, alpha: int) -> QgsFillSymbolLayer:
    """An even, translucent fill without outline."""
    shade = QColor(colour)
    shade.setAlpha(alpha)
    layer = QgsSimpleFillSymbolLayer(shade)
    layer.setStrokeStyle(Qt.PenStyle.NoPen)
    return layer


def marker(shape: str, colour: str, size_mm: float, *, hollow: bool = False) -> QgsMarkerSymbol:
    """A point on a dark casing; hollow ones are not there yet, or are reports."""
    fill = "#00000000" if hollow else colour
    rim = colour if hollow else WHITE
    return _filled(QgsMarkerSymbol(), [_marker(shape, fill, CASING, size_mm, 1.6), _marker(shape, fill, rim, size_mm, 0.5)])


def with_accuracy(symbol: QgsMarkerSymbol, colour: str) -> QgsMarkerSymbol:
    """Adds a dotted ring as wide as the position error, `accuracy_m` true metres."""
    for below, (ring_colour, width) in enumerate(((CASING, 0.9), (colour, 0.4))):
        ring = _marker("circle", "#00000000", ring_colour, 10.0, width)
        ring.setStrokeStyle(Qt.PenStyle.DashLine)
        ring.setSizeUnit(QgsUnitTypes.RenderUnit.RenderMetersInMapUnits)
        ring.setDataDefinedProperty(
            QgsSymbolLayer.Property.PropertySize, QgsProperty.fromExpression('2 * coalesce("accuracy_m", 0)')
        )
        symbol.insertSymbolLayer(below, ring)
    return symbol


def _marker(shape: str, fill: str, stroke_colour: str, size_mm: float, stroke_mm: float) -> QgsSimpleMarkerSymbolLayer:
    return QgsSimpleMarkerSymbolLayer.create(
        {
            "name": shape,
            "color": _rgba(fill),
            "outline_color": _rgba(stroke_colour),
            "outline_width": str(stroke_mm),
            "size": str(size_mm),
        }
    )


def _rgba(colour: str) -> str:
    if colour == "#00000000":
        return "0,0,0,0"
    shade = QColor(colour)
    return f"{shade.red()},{shade.green()},{shade.blue()},255"


def rules(*entries: tuple[str, str, object]) -> QgsRuleBasedRenderer:
    """A renderer of (label, filter, symbol); every rule that fits is drawn, "ELSE" where none does."""
    root = QgsRuleBasedRenderer.Rule(None)
    for label, condition, symbol in entries:
        root.appendChild(QgsRuleBasedRenderer.Rule(symbol, 0, 0, condition, label))
    return QgsRuleBasedRenderer(root)


def label(
    expression: str,
    colour: str,
    size_pt: float,
    placement: int,
    *,
    out_to: float,
    into: float = 1,
    priority: int = 5,
    dist_mm: float = 1.0,
) -> QgsPalLayerSettings:
    """Labels with a dark halo, shown between the scales 1:out_to and 1:into."""
    halo = QgsTextBufferSettings()
    halo.setEnabled(True)
    halo.setSize(0.8)
    halo.setColor(QColor(CASING))
    text = QgsTextFormat()
    text.setSize(size_pt)
    text.setColor(QColor(colour))
    text.setBuffer(halo)
    settings = QgsPalLayerSettings()
    settings.fieldName, settings.isExpression = expression, True
    settings.setFormat(text)
    settings.placement = placement
    settings.scaleVisibility, settings.minimumScale, settings.maximumScale = True, out_to, into
    settings.maxCurvedCharAngleIn, settings.maxCurvedCharAngleOut = 50, -50
    settings.priority = priority
    settings.dist = dist_mm
    return settings
