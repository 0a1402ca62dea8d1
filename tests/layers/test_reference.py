import json
import re

import pytest
from qgis.core import QgsDistanceArea, QgsGeometry, QgsWkbTypes

from rason.layers import reference, schema

TABLES = {table.name: table for table in reference.tables()}
LAYERS = [table for table in reference.tables() if table.geometry != "NoGeometry"]
WORDS = ("zone", "fence", "border", "coastline", "pier", "berth", "station", "track", "railway", "landmark", "roof")


def measure():
    area = QgsDistanceArea()
    area.setEllipsoid("WGS84")
    return area


def rows(name):
    return {row["id"]: (geometry, row) for geometry, row in TABLES[name].rows()}


@pytest.mark.parametrize("word", WORDS)
def test_every_layer_asked_for_is_there(word):
    assert any(word in table.name for table in LAYERS)


@pytest.mark.parametrize("table", LAYERS, ids=lambda table: table.name)
def test_every_feature_says_where_it_comes_from(table):
    assert set(schema.names(schema.REFERENCE)) <= set(schema.names(table.columns))
    kind = QgsWkbTypes.parseType(table.geometry)
    for geometry, row in table.rows():
        for key in ("id", "name", "name_ko", "kind", "source", "source_date", "licence", "evidence"):
            assert row[key], (table.name, row["id"], key)
        assert row["accuracy_m"] > 0
        assert isinstance(row["approximate"], bool)
        assert re.search("[가-힣]", row["name_ko"])
        assert geometry.isGeosValid()
        assert QgsWkbTypes.flatType(QgsWkbTypes.singleType(geometry.wkbType())) == QgsWkbTypes.singleType(kind)
        assert 130 <= geometry.boundingBox().center().x() <= 131
        assert 42 <= geometry.boundingBox().center().y() <= 42.9


@pytest.mark.parametrize(("name", "number"), [("reported_activity", 45), ("events", 24), ("object_dimensions", 26)])
def test_tables_are_whole_and_typed(name, number):
    table = TABLES[name]
    content = [row for _, row in table.rows()]
    assert len(content) == number
    assert all(set(row) == set(schema.names(table.columns)) for row in content)
    reals = [column.name for column in table.columns if column.type == schema.REAL]
    assert all(isinstance(row[key], float) or row[key] is None for row in content for key in reals)
    assert len({row["id"] for row in content}) == number


def test_what_must_not_be_measured_from_is_approximate():
    assert rows("fence")["fence-land-side"][1]["approximate"]
    assert all(row["approximate"] for _, row in rows("railway_russia").values())
    assert all(row["approximate"] for _, row in rows("piers").values()), "75 m off: not to be measured from"
    assert not rows("border_prk_chn")["border-prk-chn"][1]["approximate"]


def test_tracks_say_that_they_are_schematic():
    assert TABLES["tracks"].keeps_edits
    for _, row in TABLES["tracks"].rows():
        assert row["kind"] == "track"
        assert row["approximate"]
        assert "SCHEMATIC" in row["note"]


def test_roofs_are_empty_and_dated():
    assert TABLES["roofs"].rows() == []
    assert {"date_from", "date_to"} <= set(schema.names(TABLES["roofs"].columns))


@pytest.mark.parametrize(
    ("table", "feature", "km"),
    [
        ("fence", "fence-land-side", 55.19),
        ("border_prk_chn", "border-prk-chn", 101.04),
        ("border_prk_rus", "border-prk-rus", 17.53),  # published: about 17
        ("border_prk_rus", "border-prk-rus-sea", 23.06),
        ("coastline", "coast-prk-1", 166.86),
    ],
)
def test_lengths_are_the_published_ones(table, feature, km):
    assert measure().measureLength(rows(table)[feature][0]) / 1000 == pytest.approx(km, abs=0.02)


def test_borders_meet_at_the_tripoint():
    point = rows("landmarks")["tripoint-prk-chn-rus"][0]
    for table, feature in (("border_prk_chn", "border-prk-chn"), ("border_prk_rus", "border-prk-rus")):
        assert rows(table)[feature][0].distance(point) < 1e-5


@pytest.mark.parametrize("word", ["Friendship", "under construction", "refinery", "crossing"])
def test_landmarks(word):
    assert any(word in row["name"] for _, row in TABLES["landmarks"].rows())


def test_each_pier_has_two_berths_beside_it():
    piers = rows("piers")
    land = QgsGeometry.unaryUnion([geometry for geometry, _ in piers.values()])
    berths = rows("berths")
    assert len(berths) == 2 * len(piers)
    for geometry, row in berths.values():
        assert row["approximate"]
        assert row["zone_id"] == row["id"]
        assert measure().measureArea(geometry.intersection(land)) < 1
        pier = next(g for name, (g, _) in piers.items() if name.split("-")[1] == row["id"].split("-")[1])
        assert geometry.distance(pier) < 1e-7
        assert 8_000 < measure().measureArea(geometry) < 25_000


def test_openstreetmap_data_stay_apart_and_are_attributed():
    for file in reference.DATA.glob("*.geojson"):
        licences = {feature["properties"]["licence"] for feature in json.loads(file.read_text("utf8"))["features"]}
        derived = file.stem in ("borders", "coastline")
        assert all(("OpenStreetMap contributors" in licence) == derived for licence in licences), file.name
    assert "(c) OpenStreetMap contributors" in (reference.DATA / "README.md").read_text("utf8")
