"""How each layer looks. Styles are built here in code and stored in the GeoPackage, so there is one place to change them.

What the symbols say: a broken outline is approximate; a hollow marker is not there yet or was only reported; patterns and
shapes differ as well as colours.
"""

from __future__ import annotations

from qgis.core import (
    QgsConditionalStyle,
    QgsPalLayerSettings,
    QgsProperty,
    QgsRuleBasedRenderer,
    QgsSingleSymbolRenderer,
    QgsSymbolLayer,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QColor

from . import forms, schema, temporal
from .symbols import (
    BLUE,
    DASH_DOT,
    DASH_DOT_DOT,
    DOTS,
    GREEN,
    GREY,
    LONG,
    ORANGE,
    PINK,
    RED,
    SHORT,
    SKY,
    WHITE,
    YELLOW,
    area,
    bare,
    label,
    line,
    marker,
    rules,
    stroke,
    ticks,
    wash,
    with_accuracy,
)

AROUND = QgsPalLayerSettings.Placement.OrderedPositionsAroundPoint
ALONG = QgsPalLayerSettings.Placement.Curved
OUTSIDE = QgsPalLayerSettings.Placement.OutsidePolygons  # so that what was counted stays in sight
INSIDE = QgsPalLayerSettings.Placement.Horizontal

APPROXIMATE = 'coalesce("approximate", false)'
BOTH_NAMES = 'concat("name", \'\\n\' || "name_ko")'
BOTH_NAMES_IN_A_LINE = 'concat("name", \'  ·  \' || "name_ko")'
FAR, REGION, TOWN, SITE, YARD = 2_000_000, 700_000, 150_000, 60_000, 15_000  # scale denominators
COARSE = 12_000  # lines wrong by half a kilometre and more are not drawn closer than this: they would mislead


def apply(layer: QgsVectorLayer, name: str) -> None:
    """Give a layer the style of that name: a table of the GeoPackage, or zones, detections, tally, comparison, changes."""
    STYLES[name](layer)
    forms.apply(layer, name)
    temporal.apply(layer, name)


def _show(layer: QgsVectorLayer, symbols, labels: QgsPalLayerSettings | None = None, out_to: float = 0, into: float = 0):
    layer.setRenderer(symbols if isinstance(symbols, QgsRuleBasedRenderer) else QgsSingleSymbolRenderer(symbols))
    if labels is not None:
        layer.setLabeling(QgsVectorLayerSimpleLabeling(labels))
        layer.setLabelsEnabled(True)
    if out_to or into:
        layer.setScaleBasedVisibility(True)
        layer.setMinimumScale(out_to)
        layer.setMaximumScale(into)


def _approximate_or_not(approximate, exact) -> QgsRuleBasedRenderer:
    return rules(("approximate", APPROXIMATE, approximate), ("surveyed or drawn on imagery", "ELSE", exact))


def _zone(layer):
    symbols = _approximate_or_not(area(stroke(ORANGE, 0.7, LONG)), area(stroke(ORANGE, 0.7)))
    _show(layer, symbols, label(BOTH_NAMES, ORANGE, 10, INSIDE, out_to=FAR, into=80_000, priority=2), into=COARSE)


def _fence(layer):
    posts = ticks("cross2", PINK, 2.0, 7.0)
    symbols = _approximate_or_not(line(stroke(PINK, 0.5, SHORT), posts), line(stroke(PINK, 0.5), posts))
    _show(layer, symbols, label(BOTH_NAMES_IN_A_LINE, PINK, 8, ALONG, out_to=REGION), into=COARSE)


def _border(dash):
    def style(layer):
        symbols = rules(
            ("at sea", "\"kind\" = 'border_maritime'", line(stroke(RED, 0.5, DOTS))),
            ("on land", "ELSE", line(stroke(WHITE, 1.3), bare(RED, 0.8, dash))),
        )
        _show(layer, symbols, label(BOTH_NAMES_IN_A_LINE, WHITE, 8, ALONG, out_to=FAR))

    return style


def _coastline(layer):
    _show(layer, _approximate_or_not(line(stroke(SKY, 0.35, LONG)), line(stroke(SKY, 0.35))), into=5_000)


def _piers(layer):
    symbols = _approximate_or_not(area(stroke(YELLOW, 0.6, LONG)), area(stroke(YELLOW, 0.6)))
    _show(layer, symbols, label(BOTH_NAMES, YELLOW, 9, INSIDE, out_to=SITE, priority=7), SITE * 2)


def _berths(layer):
    symbols = _approximate_or_not(area(stroke(SKY, 0.4, SHORT), hatch=SKY), area(stroke(SKY, 0.4), hatch=SKY))
    _show(layer, symbols, label(BOTH_NAMES, SKY, 7, INSIDE, out_to=8_000, priority=3), SITE)


def _stations(layer):
    symbol = with_accuracy(marker("square", BLUE, 3.4), BLUE)
    _show(layer, symbol, label(BOTH_NAMES, WHITE, 9, AROUND, out_to=REGION, priority=9, dist_mm=3), FAR)


def _tracks(layer):
    sleepers = ticks("line", GREEN, 2.2, 3.5)
    symbols = _approximate_or_not(line(stroke(GREEN, 0.5, LONG)), line(stroke(GREEN, 0.5), sleepers))
    named = 'concat("name", if(' + APPROXIMATE + ", ' (schematic)', ''), '  ·  ' || \"name_ko\")"
    _show(layer, symbols, label(named, GREEN, 8, ALONG, out_to=SITE), SITE * 2)


def _railway_russia(layer):
    schematic = line(stroke(WHITE, 0.5, "3;3"))
    real = line(stroke(WHITE, 0.9, "3;3"), ticks("line", WHITE, 2.4, 6.0))
    named = 'concat("name", if(' + APPROXIMATE + ", ' (schematic)', ''), '  ·  ' || \"name_ko\")"
    _show(layer, _approximate_or_not(schematic, real), label(named, WHITE, 8, ALONG, out_to=REGION, priority=3))


def _landmarks(layer):
    kinds = (
        ("railway bridge", "bridge_rail", marker("diamond", GREEN, 4.2)),
        ("road bridge, under construction", "bridge_road", marker("diamond", GREEN, 4.2, hollow=True)),
        ("border crossing", "border_crossing", marker("pentagon", RED, 4.0)),
        ("refinery", "refinery", marker("equilateral_triangle", ORANGE, 4.2)),
        ("settlement", "settlement", marker("circle", GREY, 2.6)),
        ("tripoint", "tripoint", marker("star", YELLOW, 4.4)),
        ("reported position of a ship", "reported_position", marker("triangle", SKY, 3.8, hollow=True)),
    )
    entries = [(text, f"\"kind\" = '{kind}'", with_accuracy(symbol, WHITE)) for text, kind, symbol in kinds]
    entries.append(("other", "ELSE", with_accuracy(marker("circle", WHITE, 2.6), WHITE)))
    minor = "\"kind\" in ('tripoint', 'settlement', 'reported_position')"
    named = f"if({minor} and @map_scale > {TOWN}, '', {BOTH_NAMES})"
    _show(layer, rules(*entries), label(named, WHITE, 8, AROUND, out_to=REGION, priority=8, dist_mm=3), FAR)


def _roofs(layer):
    symbol = area(stroke(GREY, 0.6), hatch=GREY, angle_deg=135, every_mm=2.0)
    dated = "concat(coalesce(\"name\", 'roof'), '\\n', \"date_from\", ' – ', \"date_to\")"
    _show(layer, symbol, label(dated, WHITE, 8, INSIDE, out_to=YARD), SITE)


def _zones(layer):
    zone_labels(layer, '"zone_id"')


def zone_labels(layer: QgsVectorLayer, expression: str) -> None:
    """Style a zones layer, polygons or track lines, with these labels."""
    if layer.geometryType() == 1:
        _show(layer, line(stroke(YELLOW, 0.4)), label(expression, YELLOW, 9, ALONG, out_to=YARD * 2, priority=8))
    else:
        _show(layer, area(stroke(YELLOW, 0.5)), label(expression, YELLOW, 9, OUTSIDE, out_to=SITE, priority=8))


def label_zones(layer: QgsVectorLayer, expression: str) -> None:
    """Label a zones layer without changing its symbols, which are the user's."""
    on_line = layer.geometryType() == QgsWkbTypes.GeometryType.LineGeometry
    place, reach = (ALONG, YARD * 2) if on_line else (OUTSIDE, SITE)
    layer.setLabeling(QgsVectorLayerSimpleLabeling(label(expression, YELLOW, 9, place, out_to=reach, priority=8)))
    layer.setLabelsEnabled(True)
    layer.triggerRepaint()


def tally_expression(tally_layer_id: str) -> str:
    """Label of a zone: its name and its counts with their ranges, looked up in a tally table of the project."""
    count = (
        '"class" || \': \' || if("estimate" is null, \'not observed\', round("estimate") || \' (\' || round("low") '
        "|| ' to ' || round(\"high\") || ')')"
    )
    return _zone_expression(tally_layer_id, count, "\"unit\" = 'objects'")


def comparison_expression(comparison_layer_id: str) -> str:
    """Label of a zone: its name and its verdicts, each with a sign, looked up in a comparison table of the project."""
    signs = "".join(f"when \"verdict\" like '{verdict}%' then '{sign} ' " for verdict, sign, _ in VERDICT_SIGNS)
    return _zone_expression(
        comparison_layer_id, f"case {signs} else '' end || \"class\" || ': ' || \"verdict\"", "\"unit\" = 'objects'"
    )


def _zone_expression(table: str, text: str, rows: str) -> str:
    found = f"aggregate('{table}', 'concatenate', {text}, {rows} and \"zone_id\" = attribute(@parent, 'zone_id'), '\\n')"
    return f"concat(\"zone_id\", '\\n' || nullif({found}, ''))"


def _detections(layer):
    by_class = (
        ("freight car", "freight_car", ORANGE),
        ("container", "container", SKY),
        ("ship", "ship", GREEN),
    )
    entries = [(text, f"\"class\" = '{word}'", area(stroke(colour, 0.4))) for text, word, colour in by_class]
    entries.append(("another class", "\"class\" not in ('freight_car', 'container', 'ship')", area(stroke(PINK, 0.4))))
    entries += [
        ("accepted by a reviewer", _status(schema.ACCEPTED), area([wash(WHITE, 70)])),
        ("rejected by a reviewer", _status(schema.REJECTED), area(bare(GREY, 0.6, DOTS), hatch=GREY, every_mm=1.2)),
        ("added by a reviewer", _status(schema.ADDED), area(bare(WHITE, 0.5, SHORT))),
    ]
    initial = 'upper(left("class", 1))'
    _show(layer, rules(*entries), label(f"{initial} || ' ' || round(100 * \"p\") || '%'", WHITE, 7, INSIDE, out_to=1_000))


def _status(word: str) -> str:
    return f"\"status\" = '{word}'"


def _review_cells(layer):
    entries = (
        ("still to look at", 'not coalesce("done", false)', area(stroke(YELLOW, 0.9))),
        ("done", 'coalesce("done", false)', area(bare(WHITE, 0.3, DOTS))),
    )
    numbers = label('"cell_id"', YELLOW, 9, INSIDE, out_to=SITE, priority=8)  # cells adjoin: outside, it would be another's
    numbers.labelPerPart = True  # a cell may go on in the next polygon of its zone
    _show(layer, rules(*entries), numbers)


def _singles(layer):
    entries = (
        ("marked by the first counter alone", "\"counter\" = 'MARKS_1'", marker("circle", ORANGE, 3.6, hollow=True)),
        (
            "marked by the second counter alone",
            "coalesce(\"counter\", '') <> 'MARKS_1'",
            marker("diamond", SKY, 4.0, hollow=True),
        ),
        ("accepted", _status(schema.ACCEPTED), marker("circle", WHITE, 1.4)),
        ("rejected", _status(schema.REJECTED), marker("circle", GREY, 1.4)),
    )
    _show(layer, rules(*entries))


CHANGE_SIGNS = (
    (schema.APPEARED, "+"),
    (schema.DISAPPEARED, "−"),
    (schema.MOVED, "→"),
    (schema.NOT_OBSERVABLE, "?"),
)


def _changes(layer):
    entries = (
        (schema.APPEARED, area(stroke(GREEN, 0.6), hatch=GREEN, angle_deg=0, every_mm=1.5)),
        (schema.DISAPPEARED, area(stroke(RED, 0.6, SHORT), hatch=RED, angle_deg=45, every_mm=1.5)),
        (schema.MOVED, area(stroke(BLUE, 0.6, DASH_DOT))),
        (schema.STAYED, area(stroke(WHITE, 0.3))),
        (schema.NOT_OBSERVABLE, area(stroke(GREY, 0.4, DOTS))),
    )
    sign = "".join(f"when \"change\" = '{word}' then '{mark}' " for word, mark in CHANGE_SIGNS)
    symbols = rules(*((word, f"\"change\" = '{word}'", symbol) for word, symbol in entries))
    _show(layer, symbols, label(f"case {sign}end", WHITE, 9, INSIDE, out_to=3_000))


def _changed_areas(layer):
    symbols = rules(
        (
            "brighter than before",
            "\"change\" = 'brighter'",
            area(stroke(YELLOW, 0.5), hatch=YELLOW, angle_deg=0, every_mm=1.5),
        ),
        (
            "darker than before",
            "\"change\" = 'darker'",
            area(stroke(BLUE, 0.5, SHORT), hatch=BLUE, angle_deg=45, every_mm=1.5),
        ),
        ("other", "ELSE", area(stroke(WHITE, 0.4))),
    )
    _show(layer, symbols, label("if(\"change\" = 'brighter', '+', '−')", WHITE, 9, INSIDE, out_to=3_000))


# Verdict, the sign that stands for it, and the colour of its row.
VERDICT_SIGNS = (
    ("increase", "▲", "#c9f2e1"),
    ("decrease", "▼", "#ffd9cf"),
    ("the same", "=", "#e6e6e6"),
    ("no change shown", "~", "#f4f4f4"),
    ("not observed", "?", "#fff6c2"),
    ("not comparable", "×", "#fff6c2"),
)


UNSURE = "#fff6c2"  # rows that say too little to be read as a number


def _row(expression: str, name: str, colour: str) -> QgsConditionalStyle:
    """Rows of a table for which the expression holds, on this colour."""
    style = QgsConditionalStyle(expression)
    style.setName(name)
    style.setBackgroundColor(QColor(colour))
    style.setTextColor(QColor("#202020"))
    return style


def _comparison(layer):
    rows = [_row(f"\"verdict\" like '{verdict}%'", verdict, colour) for verdict, _, colour in VERDICT_SIGNS]
    layer.conditionalStyles().setRowStyles(rows)


def _slot_changes(layer):
    colours = {verdict: colour for verdict, _, colour in VERDICT_SIGNS}
    alike = (("filled", "increase"), ("emptied", "decrease"), ("not observed", "not observed"))
    layer.conditionalStyles().setRowStyles([_row(f"\"change\" = '{word}'", word, colours[like]) for word, like in alike])


def _tally(layer):
    layer.conditionalStyles().setRowStyles([_row('"estimate" is null', "not observed", UNSURE)])


def _series(layer):
    alert = _row('"alert"', "outside what the earlier looks predict", "#ffd9cf")
    _tally(layer)
    layer.conditionalStyles().setRowStyles([alert, *layer.conditionalStyles().rowStyles()])


def _visibility(layer):
    layer.conditionalStyles().setRowStyles([_row('not "usable"', "not observed", UNSURE)])


def _calls(layer):
    layer.conditionalStyles().setRowStyles([_row('"p" < 0.95', "not reviewed", UNSURE)])


def _tie_points(layer):
    arrow = marker("arrow", GREEN, 4.0)
    for i in range(arrow.symbolLayerCount()):
        arrow.symbolLayer(i).setDataDefinedProperty(
            QgsSymbolLayer.Property.PropertyAngle, QgsProperty.fromExpression('degrees(atan2("dx_m", "dy_m"))')
        )
    symbols = rules(
        ("used: direction in which the scene is moved", '"used"', arrow), ("not used", "ELSE", marker("cross", GREY, 2.0))
    )
    told = 'if("used", round(sqrt("dx_m" ^ 2 + "dy_m" ^ 2), 1) || \' m\', \'\')'
    _show(layer, symbols, label(told, WHITE, 7, AROUND, out_to=SITE, dist_mm=2))


def _plain_table(layer):
    """Nothing to draw."""


STYLES = {
    "zone": _zone,
    "fence": _fence,
    "border_prk_chn": _border(DASH_DOT),
    "border_prk_rus": _border(DASH_DOT_DOT),
    "coastline": _coastline,
    "piers": _piers,
    "berths": _berths,
    "stations": _stations,
    "tracks": _tracks,
    "railway_russia": _railway_russia,
    "landmarks": _landmarks,
    "roofs": _roofs,
    "reported_activity": _plain_table,
    "events": _plain_table,
    "object_dimensions": _plain_table,
    "zones": _zones,
    "detections": _detections,
    "tally": _tally,
    "comparison": _comparison,
    "accuracy": _plain_table,
    "changes": _changes,
    "turnover": _plain_table,
    "train_pairs": _plain_table,
    "slot_changes": _slot_changes,
    "review_cells": _review_cells,
    "changed_areas": _changed_areas,
    "counters": _plain_table,
    "singles": _singles,
    "series": _series,
    "series_summary": _plain_table,
    "visibility": _visibility,
    "calls": _calls,
    "calls_summary": _plain_table,
    "tie_points": _tie_points,
}
