"""rason:makezones through Processing: kinds, ids, berths, geometry, refusals."""

import pytest
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsDistanceArea,
    QgsFeature,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsProject,
    QgsVectorLayer,
    QgsWkbTypes,
)

from rason.layers import reference, schema

X, Y = 606000.0, 4676000.0  # near Rajin, UTC 52 N


def box(x, y, width, height):
    return f"Polygon (({X + x} {Y + y}, {X + x} {Y + y + height}, {X + x + width} {Y + y + height}, {X + x + width} {Y + y}, {X + x} {Y + y}))"


def line(x, y, length):
    return f"LineString ({X + x} {Y + y}, {X + x + length} {Y + y})"


PIER = box(0, 0, 100, 300)


def layer(geometry, rows, crs="EPSG:32652", fields=None):
    """A memory layer of (WKT or None, {field: text})."""
    names = fields if fields is not None else sorted({name for _, values in rows for name in values})
    uri = f"{geometry}?crs={crs}" + "".join(f"&field={name}:string" for name in names)
    result = QgsVectorLayer(uri, "layer", "memory")
    features = []
    for wkt, values in rows:
        feature = QgsFeature(result.fields())
        if wkt:
            feature.setGeometry(QgsGeometry.fromWkt(wkt))
        for name, value in values.items():
            feature[name] = value
        features.append(feature)
    assert result.dataProvider().addFeatures(features)[0]
    return result


class Feedback(QgsProcessingFeedback):
    def __init__(self):
        super().__init__(False)
        self.warnings, self.errors = [], []

    def pushWarning(self, text):
        self.warnings.append(text)

    def reportError(self, text, fatal=False):
        self.errors.append(text)


def run(source, feedback=None, **parameters):
    """The output layer; a refusal is raised."""
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("rason:makezones")
    context, feedback = QgsProcessingContext(), feedback or Feedback()
    context.setProject(QgsProject.instance())
    parameters = {"INPUT": source, "OUTPUT": "memory:", **parameters}
    good, message = algorithm.checkParameterValues(parameters, context)
    if not good:
        raise QgsProcessingException(message)
    results, good = algorithm.run(parameters, context, feedback)
    if not good:
        raise QgsProcessingException(feedback.errors[-1])
    made = QgsProcessingUtils.mapLayerFromString(results["OUTPUT"], context)
    context.temporaryLayerStore().takeMapLayer(made)
    assert results["COUNT"] == len(list(made.getFeatures()))
    return made


def refusal(source, **parameters):
    """The message of a refusal, without the traceback, which would keep layers alive beyond QGIS's end."""
    try:
        run(source, **parameters)
    except QgsProcessingException as error:
        return str(error)
    pytest.fail("it was not refused")


def zones(made):
    return {feature["zone_id"]: feature for feature in made.getFeatures()}


def area_m2(made, feature):
    measure = QgsDistanceArea()
    measure.setSourceCrs(made.crs(), QgsProject.instance().transformContext())
    measure.setEllipsoid("WGS84")
    return measure.measureArea(feature.geometry())


def test_piers_get_berths(provider):
    made = run(layer("Polygon", [(PIER, {"kind": "pier", "id": "p1", "name": "Pier 1"})]), BERTH_WIDTH=50)
    found = zones(made)
    assert [field for field in made.fields().names() if field != "fid"] == schema.names(schema.ZONES)
    assert {name: zone["kind"] for name, zone in found.items()} == {"p1": "pier", "p1-e": "berth", "p1-w": "berth"}
    assert found["p1-e"]["name"] == "Pier 1, E side"
    for name in ("p1-e", "p1-w"):
        assert area_m2(made, found[name]) == pytest.approx(50 * 300, rel=2e-3)
        assert found[name].geometry().intersection(found["p1"].geometry()).area() < 1


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:5179", "EPSG:3034"])
def test_metres_are_metres_in_any_crs(provider, crs):
    source = layer("Polygon", [(PIER, {"kind": "pier", "id": "p1"})])
    import processing

    moved = processing.run("native:reprojectlayer", {"INPUT": source, "TARGET_CRS": crs, "OUTPUT": "memory:"})["OUTPUT"]
    made = run(moved, BERTH_WIDTH=50)
    assert made.crs() == QgsCoordinateReferenceSystem(crs)
    for name in ("p1-e", "p1-w"):
        assert area_m2(made, zones(made)[name]) == pytest.approx(50 * 300, rel=3e-3)


def test_water_decides_the_side(provider):
    water = layer("Polygon", [(box(100, -100, 500, 500), {})])
    made = run(layer("Polygon", [(PIER, {"kind": "pier", "id": "p1"})]), WATER=water, BERTH_WIDTH=40)
    assert set(zones(made)) == {"p1", "p1-berth"}
    assert area_m2(made, zones(made)["p1-berth"]) == pytest.approx(40 * 300 + 3.1416 * 40**2 / 2, rel=0.01)


def test_no_berths_when_none_are_wanted(provider):
    assert set(zones(run(layer("Polygon", [(PIER, {"kind": "pier", "id": "p1"})]), BERTH_WIDTH=0))) == {"p1"}


@pytest.mark.parametrize(
    ("geometry", "wkt", "values", "kind", "expected"),
    [
        ("Polygon", PIER, {}, "auto", {"area"}),
        ("Polygon", PIER, {}, "yard", {"yard"}),
        ("Polygon", PIER, {}, "pier", {"pier", "berth"}),
        ("Polygon", PIER, {"MAN_MADE": "pier"}, "auto", {"pier", "berth"}),
        ("Polygon", PIER, {"kind": "water"}, "auto", {"water"}),
        ("Polygon", PIER, {"kind": "water"}, "area", {"area"}),
        ("LineString", line(0, 0, 500), {}, "auto", {"track"}),
        ("LineString", line(0, 0, 500), {}, "track", {"track"}),
        ("MultiLineStringZM", f"MultiLineStringZM (({X} {Y} 1 2, {X + 9} {Y} 1 2))", {}, "auto", {"track"}),
    ],
)
def test_kinds(provider, geometry, wkt, values, kind, expected):
    made = run(layer(geometry, [(wkt, values)]), KIND=kind)
    assert {zone["kind"] for zone in made.getFeatures()} == expected
    assert made.wkbType() in (QgsWkbTypes.Type.MultiPolygon, QgsWkbTypes.Type.MultiLineString)


OSM = [
    (line(0, 0, 500), {"railway": "rail", "osm_id": "11", "name": "1번선"}),
    (line(0, 10, 500), {"railway": "rail", "osm_id": "12"}),
    (line(0, 20, 500), {"railway": "abandoned", "osm_id": "13"}),
    (line(0, 30, 500), {"railway": "", "osm_id": "14"}),
    (line(0, 40, 500), {"railway": "narrow_gauge", "osm_id": "15"}),
]


@pytest.mark.parametrize(
    ("railway", "expected"),
    [
        (None, {"11", "12", "15"}),
        ("rail", {"11", "12"}),
        ("abandoned, rail", {"11", "12", "13"}),
        ("", {str(n) for n in range(11, 16)}),
    ],
)
def test_the_railways_of_an_openstreetmap_extract(provider, railway, expected):
    parameters = {} if railway is None else {"RAILWAY": railway}
    assert set(zones(run(layer("LineString", OSM), **parameters))) == expected


def test_openstreetmap_tags_in_a_bag(provider):
    rows = [(line(0, 0, 500), {"other_tags": '"railway"=>"rail"'}), (line(0, 9, 500), {"other_tags": '"highway"=>"track"'})]
    assert run(layer("LineString", rows)).featureCount() == 1


def test_ids_are_unique_and_repeats_are_said(provider):
    feedback = Feedback()
    rows = [(line(0, n * 5, 500), {"zone_id": word}) for n, word in enumerate(["a", "a", "", "b"])]
    assert set(zones(run(layer("LineString", rows), feedback))) == {"a", "a-2", "track-3", "b"}
    assert any("a-2" in text for text in feedback.warnings)


def test_the_field_of_ids_can_be_chosen(provider):
    rows = [(line(0, n * 5, 500), {"Gleis": word, "id": str(n)}) for n, word in enumerate(["T1", ""])]
    assert set(zones(run(layer("LineString", rows), ID_FIELD="Gleis"))) == {"T1", "1"}


def test_null_and_empty_geometries_are_skipped_and_said(provider):
    feedback = Feedback()
    made = run(layer("Polygon", [(None, {"id": "nothing"}), (PIER, {"id": "p"})]), feedback)
    assert set(zones(made)) == {"p"}
    assert any("nothing" in text for text in feedback.warnings)


def test_an_invalid_polygon_is_repaired_and_said(provider):
    feedback = Feedback()
    bow = f"Polygon (({X} {Y}, {X + 100} {Y + 100}, {X + 100} {Y}, {X} {Y + 100}, {X} {Y}))"
    made = run(layer("Polygon", [(bow, {"id": "bow"})]), feedback)
    assert zones(made)["bow"].geometry().isGeosValid()
    assert zones(made)["bow"].geometry().area() == pytest.approx(5_000)
    assert any("bow" in text for text in feedback.warnings)


def test_only_selected_features(provider):
    source = layer("LineString", OSM)
    source.selectByExpression("osm_id = '12'")
    QgsProject.instance().addMapLayer(source)
    made = run(QgsProcessingFeatureSourceDefinition(source.id(), True))
    QgsProject.instance().removeMapLayer(source)
    assert set(zones(made)) == {"12"}


def test_approximate_features_are_warned_about(provider):
    feedback = Feedback()
    run(layer("Polygon", [(PIER, {"id": "p", "approximate": "true"})]), feedback)
    assert any("Approximate" in text for text in feedback.warnings)


@pytest.mark.parametrize(
    ("source", "parameters", "words"),
    [
        (lambda: layer("Polygon", [], fields=["id"]), {}, "no usable feature"),
        (lambda: layer("Polygon", [(None, {})]), {}, "no usable feature"),
        (lambda: layer("Point", [(f"Point ({X} {Y})", {})]), {}, "point"),
        (lambda: layer("Polygon", [(PIER, {})], crs=""), {}, "coordinate reference system"),
        (lambda: layer("Polygon", [(PIER, {})]), {"KIND": "track"}, "tracks are lines"),
        (lambda: layer("LineString", [(line(0, 0, 9), {})]), {"KIND": "pier"}, "is a polygon"),
        (lambda: layer("LineString", OSM), {"RAILWAY": "tram"}, "tram"),
        (lambda: layer("Polygon", [(PIER, {})]), {"BERTH_WIDHT": 3}, "BERTH_WIDHT"),
        (lambda: layer("Polygon", [(PIER, {})]), {"WATER": lambda: layer("Polygon", [], fields=["id"])}, "WATER"),
        (lambda: layer("Polygon", [(PIER, {})]), {"OUTPUT": "/nowhere/a.gpkg"}, "does not exist"),
        (lambda: layer("Polygon", [(PIER, {})]), {"OUTPUT": "/tmp/a.shp"}, ".shp"),
    ],
)
def test_refused_in_one_line(provider, source, parameters, words):
    message = refusal(source(), **{key: value() if callable(value) else value for key, value in parameters.items()})
    assert words in message
    assert "\n" not in message


def test_lines_and_polygons_together_are_refused(provider, tmp_path):
    path = tmp_path / "mixed.geojson"
    shapes = ('{"type":"Point","coordinates":[130,42]}', '{"type":"LineString","coordinates":[[130,42],[130.1,42]]}')
    features = ",".join(f'{{"type":"Feature","properties":{{}},"geometry":{shape}}}' for shape in shapes)
    path.write_text(f'{{"type":"FeatureCollection","features":[{features}]}}')
    assert "point" in refusal(str(path))
    path.write_text(
        path.read_text().replace(shapes[0], '{"type":"Polygon","coordinates":[[[130,42],[130.1,42],[130,42.1],[130,42]]]}')
    )
    assert "together" in refusal(str(path))


def test_the_reference_piers_and_tracks_through_a_geopackage(provider, tmp_path):
    from rason.layers import geopackage

    file = tmp_path / "a.gpkg"
    some = [table for table in reference.tables() if table.name in ("piers", "railway_russia")]
    geopackage.add_tables(file, some, False, lambda fraction: None)
    target = f"ogr:dbname='{tmp_path / 'z.gpkg'}' table=\"zones\" (geom)"
    for _ in range(2):  # onto its own output
        made = run(geopackage.uri(file, "piers"), OUTPUT=target)
        assert len(zones(made)) == 9
        assert made.labelsEnabled()

    assert run(geopackage.uri(file, "railway_russia")).featureCount() == 5


def test_through_qgis_process(process, tmp_path, rows):
    source = tmp_path / "piers.geojson"
    source.write_text((reference.DATA / "piers.geojson").read_text("utf8"), "utf8")
    done = process("rason:makezones", INPUT=source, OUTPUT=tmp_path / "zones.gpkg")
    assert done.code == 0, done.log
    assert done.results["COUNT"] == 9
    assert {row["kind"] for row in rows(tmp_path / "zones.gpkg", "zones")} == {"pier", "berth"}
    assert "tracks are lines" in process("rason:makezones", INPUT=source, KIND="track", OUTPUT=tmp_path / "b.gpkg").refused()
    assert not (tmp_path / "b.gpkg").exists()
