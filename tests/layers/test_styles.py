import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtXml import QDomDocument

from rason.layers import schema, styles
from rason.layers.reference import tables

RESULTS = (
    ("zones", "Polygon", schema.ZONES),
    ("zones", "LineString", schema.ZONES),
    ("detections", "Polygon", schema.DETECTIONS),
    ("changes", "Polygon", schema.CHANGES),
    ("changed_areas", "Polygon", schema.CHANGED_AREAS),
    ("review_cells", "Polygon", schema.REVIEW_CELLS),
    ("singles", "Point", schema.SINGLES),
    ("counters", "NoGeometry", schema.COUNTERS),
    ("tally", "NoGeometry", schema.TALLY),
    ("comparison", "NoGeometry", schema.COMPARISON),
    ("tie_points", "Point", schema.TIE_POINTS),
)
ALL = [(table.name, table.geometry, table.columns) for table in tables()] + list(RESULTS)
DRAWN = [entry for entry in ALL if entry[1] != "NoGeometry"]
SQUARE = "Polygon ((-1 -1, -1 1, 1 1, 1 -1, -1 -1))"


def make(geometry, columns, rows=()):
    layer = QgsVectorLayer(geometry if geometry == "NoGeometry" else f"{geometry}?crs=EPSG:32652", "layer", "memory")
    layer.dataProvider().addAttributes(list(schema.qgs_fields(columns)))
    layer.updateFields()
    for wkt, values in rows:
        feature = QgsFeature(layer.fields())
        if wkt:
            feature.setGeometry(QgsGeometry.fromWkt(wkt))
        for name, value in values.items():
            feature[name] = value
        layer.dataProvider().addFeatures([feature])
    return layer


def picture(layer, scale=1_000):
    """The layer alone on mid grey, as a set of colours by pixel."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32652"))
    settings.setBackgroundColor(QColor(128, 128, 128))
    settings.setOutputSize(QSize(120, 120))
    half = scale * 120 * 0.0254 / 96 / 2
    settings.setExtent(QgsRectangle(-half, -half, half, half))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    return [image.pixelColor(x, y).getRgb()[:3] for x in range(120) for y in range(120)]


def drawn(pixels):
    return sum(pixel != (128, 128, 128) for pixel in pixels)


def contrast(pixels):
    """Lightest and darkest of what was drawn, 0..255."""
    light = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b in pixels]
    return max(light), min(light)


def example(geometry, size):
    if "Polygon" in geometry:
        return f"Polygon ((-{size} -{size}, -{size} {size}, {size} {size}, {size} -{size}, -{size} -{size}))"
    return f"LineString (-{size} -{size}, {size} {size})" if "Line" in geometry else "Point (0 0)"


@pytest.mark.parametrize(("name", "geometry", "columns"), ALL)
def test_every_style_survives_being_stored(name, geometry, columns):
    layer = make(geometry, columns)
    styles.apply(layer, name)
    document = QDomDocument()
    layer.exportNamedStyle(document)
    again = make(geometry, columns)
    assert again.importNamedStyle(document)[0]
    assert again.labelsEnabled() == layer.labelsEnabled()
    if layer.renderer():
        assert again.renderer().dump() == layer.renderer().dump()


@pytest.mark.parametrize(("name", "geometry", "columns"), DRAWN)
def test_labels_and_rules_are_expressions_without_errors(name, geometry, columns):
    from qgis.core import QgsExpression

    layer = make(geometry, columns)
    styles.apply(layer, name)
    texts = [layer.labeling().settings().fieldName] if layer.labelsEnabled() else []
    if layer.renderer().type() == "RuleRenderer":
        texts += [rule.filterExpression() for rule in layer.renderer().rootRule().children() if not rule.isElse()]
    for text in texts:
        expression = QgsExpression(text)
        assert not expression.hasParserError(), (text, expression.parserErrorString())
        assert set(expression.referencedColumns()) <= {*schema.names(columns), "QgsFeatureRequest.ALL_ATTRIBUTES"}


@pytest.mark.parametrize(("name", "geometry", "columns"), DRAWN)
def test_legible_on_grey_imagery(name, geometry, columns):
    scale = 20_000 if name in ("zone", "fence", "coastline") else 1_000
    values = {
        "class": "ship",
        "status": "detected",
        "change": "appeared",
        "approximate": True,
        "kind": "track",
        "name": "가",
    }
    values = {key: value for key, value in values.items() if key in schema.names(columns)}
    layer = make(geometry, columns, [(example(geometry, scale / 150), values)])
    styles.apply(layer, name)
    light, dark = contrast(picture(layer, scale))
    assert light > 140, "a bright stroke"
    assert dark < 70, "in a dark casing"


@pytest.mark.parametrize("name", ["zone", "fence", "piers", "berths", "tracks", "railway_russia", "coastline"])
def test_approximate_geometry_is_drawn_as_approximate(name):
    table = next(table for table in tables() if table.name == name)
    scale, pictures = (20_000 if name in ("zone", "fence", "coastline") else 10_000), []
    for approximate in (True, False):
        layer = make(table.geometry, table.columns, [(example(table.geometry, scale / 150), {"approximate": approximate})])
        styles.apply(layer, name)
        layer.setLabelsEnabled(False)
        pictures.append(picture(layer, scale))
    assert drawn(pictures[0])
    assert pictures[0] != pictures[1]


def lightness(pixels, threshold=140):
    return [0.299 * r + 0.587 * g + 0.114 * b > threshold for r, g, b in pixels]


@pytest.mark.parametrize(("field", "words"), [("status", schema.STATUSES), ("change", schema.CHANGE_WORDS)])
def test_states_differ_without_colour(field, words):
    columns, name = (schema.DETECTIONS, "detections") if field == "status" else (schema.CHANGES, "changes")
    pictures = []
    for word in words:
        layer = make("Polygon", columns, [(example("Polygon", 8), {field: word, "class": "ship", "p": 0.9})])
        styles.apply(layer, name)
        pictures.append(lightness(picture(layer)))
    for i, one in enumerate(pictures):
        for other in pictures[i + 1 :]:
            assert sum(a != b for a, b in zip(one, other)) > 40


def test_borders_differ_without_colour():
    pictures = []
    for name in ("border_prk_chn", "border_prk_rus"):
        layer = make("LineString", schema.REFERENCE, [("LineString (-100 0, 100 0)", {"kind": "border"})])
        styles.apply(layer, name)
        pictures.append(lightness(picture(layer), 200))
    assert sum(a != b for a, b in zip(*pictures)) > 20


def test_scale_ranges():
    ranges = {}
    for name, geometry, columns in ALL:
        layer = make(geometry, columns)
        styles.apply(layer, name)
        ranges[name] = layer.isInScaleRange(500_000), layer.isInScaleRange(2_000)
    assert ranges["zone"] == (True, False), "half a kilometre off: not for close looks"
    assert ranges["piers"] == ranges["berths"] == ranges["roofs"] == (False, True)
    assert ranges["stations"] == (True, True)


@pytest.mark.parametrize("class_name", ["truck", None])
def test_a_class_of_the_users_own_is_drawn(class_name):
    layer = make("Polygon", schema.DETECTIONS, [(example("Polygon", 8), {"class": class_name, "status": "added"})])
    styles.apply(layer, "detections")
    assert drawn(picture(layer)) > 100


def rows_of(kind):
    tally = {"zone_id": "pier-1", "class": "container", "unit": "objects", "estimate": 73.2, "low": 70.0, "high": 78.4}
    unseen = {"zone_id": "pier-1", "class": "ship", "unit": "objects"}
    area = {"zone_id": "pier-1", "class": "container", "unit": "m2", "estimate": 900.0}
    verdicts = [
        {"zone_id": "pier-1", "class": "container", "unit": "objects", "verdict": "increase"},
        {"zone_id": "pier-1", "class": "ship", "unit": "objects", "verdict": "the same within 3"},
    ]
    return [(None, row) for row in ([tally, unseen, area] if kind == "tally" else verdicts)]


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("tally", ["container: 73 (70 to 78)", "ship: not observed"]),
        ("comparison", ["▲ container: increase", "= ship: the same within 3"]),
    ],
)
def test_zones_are_labelled_with_what_was_found(kind, lines):
    from qgis.core import QgsExpression, QgsExpressionContext, QgsExpressionContextUtils

    table = make("NoGeometry", getattr(schema, kind.upper()), rows_of(kind))
    zones = make("Polygon", schema.ZONES, [(SQUARE, {"zone_id": "pier-1"}), (SQUARE, {"zone_id": "pier-2"})])
    QgsProject.instance().addMapLayers([table, zones])
    expression = QgsExpression(getattr(styles, f"{kind}_expression")(table.id()))
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(zones))
    found = []
    for feature in zones.getFeatures():
        context.setFeature(feature)
        found.append(expression.evaluate(context).split("\n"))
    QgsProject.instance().removeAllMapLayers()
    assert not expression.hasEvalError(), expression.evalErrorString()
    assert found == [["pier-1", *lines], ["pier-2"]]


def test_every_verdict_has_a_row_style_and_a_sign():
    layer = make("NoGeometry", schema.COMPARISON)
    styles.apply(layer, "comparison")
    assert [style.name() for style in layer.conditionalStyles().rowStyles()] == list(schema.VERDICTS)
    assert len({sign for _, sign, _ in styles.VERDICT_SIGNS}) == len(schema.VERDICTS)
