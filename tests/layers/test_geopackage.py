import sqlite3

import pytest
from qgis.core import QgsProject, QgsVectorFileWriter, QgsVectorLayer, edit

from rason.engine.errors import Cancelled, Refusal
from rason.layers import geopackage, schema
from rason.layers.geopackage import EDITED, KEPT, REPLACED, WRITTEN
from rason.layers.reference import Table, tables

NAMES = [table.name for table in tables()]
ONE = [table for table in tables() if table.name in ("piers", "tracks")]


def silent(fraction):
    pass


def add(path, what=None, overwrite=False):
    return {table.name: outcome for table, outcome in geopackage.add_tables(path, what or tables(), overwrite, silent)}


def opened(path, table):
    layer = QgsVectorLayer(geopackage.uri(path, table), table, "ogr")
    assert layer.isValid()
    return layer


def query(path, sql):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def user_table(path, name="mine"):
    layer = QgsVectorLayer("Point?crs=EPSG:4326&field=a:integer", name, "memory")
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.layerName = name
    if path.exists():
        options.actionOnExistingFile = QgsVectorFileWriter.ActionOnExistingFile.CreateOrOverwriteLayer
    error = QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), QgsProject.instance().transformContext(), options)
    assert error[0] == QgsVectorFileWriter.WriterError.NoError


def delete_table(path, name):
    from osgeo import ogr

    source = ogr.Open(str(path), 1)
    source.DeleteLayer(name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "라선 layers.gpkg"
    assert set(add(path).values()) == {WRITTEN}
    return path


def test_all_tables_are_there_and_nothing_beside_the_file(whole):
    assert geopackage.table_names(whole) >= set(NAMES)
    assert [path.name for path in whole.parent.iterdir()] == [whole.name]


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
def test_each_table_has_its_rows_style_and_metadata(whole, table):
    layer = opened(whole, table.name)
    assert layer.featureCount() == len(table.rows())
    assert [name for name in layer.fields().names() if name != "fid"] == schema.names(table.columns)
    assert layer.crs().authid() == ("EPSG:4326" if table.geometry != "NoGeometry" else "")
    related, _, names = layer.listStylesInDatabase()[:3]
    assert (related, names[0]) == (1, table.name)
    metadata = layer.metadata()
    assert metadata.title() == table.title
    assert metadata.abstract() == table.about
    licences = {row["licence"] for _, row in table.rows()}
    assert set(metadata.licenses()) == licences
    assert bool(metadata.rights()) == bool(licences)


def test_openstreetmap_is_attributed_in_the_metadata(whole):
    assert "OpenStreetMap contributors" in opened(whole, "coastline").metadata().licenses()[0]


def test_again_changes_nothing(whole):
    before = whole.read_bytes()
    assert set(add(whole).values()) == {KEPT}
    assert whole.read_bytes() == before


def test_a_users_table_survives_everything(tmp_path):
    path = tmp_path / "a.gpkg"
    user_table(path)
    assert set(add(path, ONE).values()) == {WRITTEN}
    assert add(path, ONE, overwrite=True)["piers"] == REPLACED
    assert "mine" in geopackage.table_names(path)


def test_only_missing_tables_are_added(tmp_path):
    path = tmp_path / "a.gpkg"
    add(path, ONE[:1])
    assert add(path, ONE) == {ONE[0].name: KEPT, ONE[1].name: WRITTEN}


def test_overwrite_spares_what_was_edited(tmp_path):
    path = tmp_path / "a.gpkg"
    add(path, ONE)
    layer = opened(path, "piers")
    with edit(layer):
        layer.changeAttributeValue(1, layer.fields().indexOf("name"), "moved")
    del layer
    assert add(path, ONE, overwrite=True) == {"piers": EDITED, "tracks": KEPT}
    assert next(opened(path, "piers").getFeatures())["name"] == "moved"


def test_overwrite_spares_a_moved_geometry(tmp_path):
    path = tmp_path / "a.gpkg"
    add(path, ONE)
    layer = opened(path, "piers")
    with edit(layer):
        layer.moveVertex(130.3, 42.2, 1, 0)
    del layer
    assert add(path, ONE, overwrite=True)["piers"] == EDITED


def test_overwrite_renews_the_rest_with_one_style_each(tmp_path):
    path = tmp_path / "a.gpkg"
    some = [table for table in tables() if table.name in ("piers", "tracks", "roofs", "events")]
    add(path, some)
    assert add(path, some, overwrite=True) == {"piers": REPLACED, "tracks": KEPT, "roofs": KEPT, "events": REPLACED}
    assert sorted(row[0] for row in query(path, "SELECT f_table_name FROM layer_styles")) == sorted(t.name for t in some)
    assert opened(path, "piers").metadata().title() == "Piers"


def test_a_users_own_table_of_that_name_is_never_replaced(tmp_path):
    path = tmp_path / "a.gpkg"
    user_table(path, "piers")
    assert add(path, ONE)["piers"] == KEPT
    assert add(path, ONE, overwrite=True)["piers"] == EDITED
    assert opened(path, "piers").fields().names() == ["fid", "a"]


def test_a_style_left_by_a_deleted_table_does_not_stop_a_new_one(tmp_path):
    path = tmp_path / "a.gpkg"
    add(path, ONE)
    left = query(path, "SELECT * FROM layer_styles WHERE f_table_name = 'piers'")
    delete_table(path, "piers")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM layer_styles WHERE f_table_name = 'piers'")
        connection.execute(f"INSERT INTO layer_styles VALUES ({', '.join('?' * len(left[0]))})", left[0])
    connection.close()
    assert add(path, ONE)["piers"] == WRITTEN
    assert len(query(path, "SELECT * FROM layer_styles WHERE f_table_name = 'piers'")) == 1


def _failing():
    raise Refusal("no rows")


@pytest.mark.parametrize("error", [Refusal, Cancelled])
def test_a_new_file_appears_whole_or_not_at_all(tmp_path, error):
    def fails(fraction):
        if fraction > 0.5:
            raise error

    with pytest.raises(error):
        geopackage.add_tables(tmp_path / "a.gpkg", tables(), False, fails)
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_run_leaves_an_existing_file_as_it_was(tmp_path):
    def fails(fraction):
        if fraction > 0.5:
            raise Cancelled

    path = tmp_path / "a.gpkg"
    user_table(path)
    add(path, ONE)
    before = geopackage.table_names(path)
    with pytest.raises(Cancelled):
        geopackage.add_tables(path, tables(), True, fails)
    assert geopackage.table_names(path) == before
    for table, column in (("layer_styles", "f_table_name"), ("gpkg_metadata_reference", "table_name")):
        named = {row[0] for row in query(path, f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")}
        assert {"piers", "tracks"} <= named <= before
    assert query(path, "SELECT COUNT(*) FROM piers")[0][0]
    assert set(add(path).values()) == {WRITTEN, KEPT}


def test_an_existing_file_is_not_lost_when_a_table_fails(tmp_path):
    path = tmp_path / "a.gpkg"
    user_table(path)
    bad = Table("bad", "Bad", "Point", schema.REFERENCE, _failing, "x")
    with pytest.raises(Refusal):
        add(path, [*ONE, bad])
    assert {"mine", "piers", "tracks"} <= geopackage.table_names(path)
    assert add(path, ONE) == {"piers": KEPT, "tracks": KEPT}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", None, "ends in .gpkg"),
        ("nowhere/a.gpkg", None, "folder"),
        ("folder.gpkg", "", "is a folder"),
        ("text.gpkg", "hello", "not a GeoPackage"),
        ("empty.gpkg", b"", "not a GeoPackage"),
    ],
)
def test_refused(tmp_path, name, content, words):
    path = tmp_path / name
    if content == "":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.write_text(content)
    with pytest.raises(Refusal, match=words) as refusal:
        geopackage.check(path)
    assert "\n" not in str(refusal.value)
    if content == "hello":
        assert path.read_text() == "hello"


@pytest.mark.parametrize("lock", ["EXCLUSIVE", "IMMEDIATE"])
def test_another_writer_is_waited_for_and_then_refused(tmp_path, lock):
    path = tmp_path / "a.gpkg"
    user_table(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"BEGIN {lock}")
    try:
        with pytest.raises(Refusal, match="another program"):
            add(path, ONE)
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    assert "mine" in geopackage.table_names(path)
    assert add(path, ONE) == {"piers": WRITTEN, "tracks": WRITTEN}
