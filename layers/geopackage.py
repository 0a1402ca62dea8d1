"""Tables, styles and metadata in one GeoPackage, without losing what else is in it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Callable, NamedTuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsLayerMetadata,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ..engine.errors import Cancelled, Refusal
from . import schema, styles
from .reference import Table

WRITTEN, REPLACED, KEPT, EDITED = "written", "replaced", "kept", "edited"
FINGERPRINT = "rason:fingerprint"  # keyword of the metadata: what a table held when Rason wrote it
BUSY = "{} is being written by another program. Save and close it there, then run again; nothing of it was lost."
CRS = "EPSG:4326"


class Outcome(NamedTuple):
    """What happened to one table: written, replaced, kept (it was there) or edited (there, changed, so not replaced)."""

    table: Table
    what: str


def uri(path: str | Path, table: str) -> str:
    """The source string of one table of a GeoPackage."""
    return f"{Path(path).as_posix()}|layername={table}"


def check(path: str | Path) -> None:
    """Refuse a path where no GeoPackage can be written or added to."""
    path = Path(path)
    if path.suffix.lower() != ".gpkg":
        raise Refusal("OUTPUT: {path} is not named as a GeoPackage. Give a file name that ends in .gpkg.", path=path)
    if path.is_dir():
        raise Refusal("OUTPUT: {path} is a folder. Give the name of a GeoPackage file in it.", path=path)
    if not path.parent.is_dir():
        raise Refusal("OUTPUT: the folder {parent} does not exist. Make it first or choose another.", parent=path.parent)
    for place in (path.parent, path):  # SQLite writes its journal beside the file
        if place.exists() and not os.access(place, os.W_OK):
            raise Refusal("OUTPUT: {place} cannot be written. Choose a file in a folder of your own.", place=place)
    if path.exists():
        table_names(path)
        _rows(path, "BEGIN IMMEDIATE")  # as a writer would; closing takes it back


def table_names(path: str | Path, name: str = "OUTPUT") -> set[str]:
    """Names of the tables of a GeoPackage; Refusal, which calls it ``name``, when the file is none, or is locked."""
    return {row[0] for row in _rows(path, "SELECT table_name FROM gpkg_contents", name)}


def fingerprint(path: str | Path, table: str) -> str:
    """A digest of all rows of a table: different after any edit."""
    rows = _rows(path, f'SELECT * FROM "{table}" ORDER BY 1')
    return hashlib.sha256(repr(rows).encode("utf8")).hexdigest()


def _rows(path: str | Path, query: str, name: str = "OUTPUT") -> list[tuple]:
    # Not through a QGIS layer: its connection would stay open in QGIS's pool, and the file could not be moved. Not read-only:
    # the last reader could then not remove the side files.
    try:
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=rw", uri=True, timeout=2)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise Refusal(BUSY.format(path)) from error
        raise Refusal("{name}: {path} exists and is not a GeoPackage. Choose another file.", name=name, path=path) from error


def add_tables(
    path: str | Path, tables: Iterable[Table], overwrite: bool, progress: Callable[[float], None]
) -> list[Outcome]:
    """Write the tables a GeoPackage lacks; with ``overwrite`` also renew those that nobody has edited.

    A new file appears whole or not at all. In an existing file each table is written in a transaction of its own, and other
    tables are not touched; a run that fails keeps those it finished and is completed by running again, one that is cancelled
    takes out what it added. ``progress`` takes a fraction 0..1.
    """
    path, tables = Path(path), list(tables)
    check(path)
    if path.exists():
        return _add(path, tables, overwrite, progress)
    handle, draft = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".gpkg", dir=path.parent)
    os.close(handle)
    draft = Path(draft)
    draft.unlink()  # only its name was wanted: GDAL makes the file
    try:
        with _without_waiting_for_the_disk():
            outcomes = _add(draft, tables, overwrite, progress)
        _settle(draft)
        os.replace(draft, path)
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            draft.with_name(draft.name + end).unlink(missing_ok=True)
    return outcomes


@contextmanager
def _without_waiting_for_the_disk() -> Iterator[None]:
    """Three times faster, and safe for a draft: losing power loses the draft alone."""
    from osgeo import gdal

    option = "OGR_SQLITE_SYNCHRONOUS"
    before = gdal.GetThreadLocalConfigOption(option)
    gdal.SetThreadLocalConfigOption(option, "OFF")
    try:
        yield
    finally:
        gdal.SetThreadLocalConfigOption(option, before)


def _settle(path: Path) -> None:
    """Bring everything onto the disk and into the one file: QGIS leaves its side files' mode switched on."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _add(path: Path, tables: list[Table], overwrite: bool, progress: Callable[[float], None]) -> list[Outcome]:
    there = table_names(path) if path.exists() else set()
    outcomes = []
    try:
        for number, table in enumerate(tables):
            progress(number / len(tables))
            what = WRITTEN if table.name not in there else _fate(path, table, overwrite)
            if what in (WRITTEN, REPLACED):
                _write(path, table)
                finish(path, table)
            outcomes.append(Outcome(table, what))
    except Cancelled:
        _drop(path, [table.name for table, what in outcomes if what == WRITTEN])
        raise
    return outcomes


def _drop(path: Path, names: list[str]) -> None:
    """Take tables out again, with their metadata and styles."""
    from osgeo import gdal

    if not names:
        return
    source = gdal.OpenEx(str(path), gdal.OF_VECTOR | gdal.OF_UPDATE)
    for name in names:
        source.DeleteLayer(name)
    del source  # closes
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("DELETE FROM layer_styles WHERE f_table_name = ?", [(name,) for name in names])


def _fate(path: Path, table: Table, overwrite: bool) -> str:
    """What becomes of a table that exists: edited ones and ones that are not Rason's are the user's."""
    layer = QgsVectorLayer(uri(path, table.name), table.name, "ogr")
    written = layer.metadata().keywords().get(FINGERPRINT)
    if not written:  # the user's own, or a run that was cut off before it was finished
        return EDITED if overwrite else KEPT
    if not overwrite or table.keeps_edits:
        return KEPT
    return REPLACED if written == [fingerprint(path, table.name)] else EDITED


def _write(path: Path, table: Table) -> None:
    """One table with its rows, in one transaction."""
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", table.name
    options.layerOptions = ["GEOMETRY_NAME=geom", "FID=fid", f"DESCRIPTION={table.about}"]
    options.actionOnExistingFile = (
        QgsVectorFileWriter.ActionOnExistingFile.CreateOrOverwriteLayer
        if path.exists()
        else QgsVectorFileWriter.ActionOnExistingFile.CreateOrOverwriteFile
    )
    fields = schema.qgs_fields(table.columns)
    spatial = table.geometry != "NoGeometry"
    crs = QgsCoordinateReferenceSystem(CRS) if spatial else QgsCoordinateReferenceSystem()
    writer = QgsVectorFileWriter.create(
        str(path), fields, QgsWkbTypes.parseType(table.geometry), crs, QgsCoordinateTransformContext(), options
    )
    _must(writer.hasError() == QgsVectorFileWriter.WriterError.NoError, path, writer.errorMessage())
    for geometry, values in table.rows():
        feature = QgsFeature(fields)
        for name in schema.names(table.columns):
            feature.setAttribute(name, values.get(name))
        if spatial and table.geometry.startswith("Multi"):
            geometry.convertToMultiType()
        feature.setGeometry(geometry)
        _must(writer.addFeature(feature), path, writer.errorMessage())
    del writer  # commits


def finish(path: Path, table: Table) -> None:
    """Store style and metadata of a table that was just written."""
    layer = QgsVectorLayer(uri(path, table.name), table.title, "ogr")
    _must(layer.isValid(), path, f"its table {table.name} cannot be read back")
    styles.apply(layer, table.name)
    store_style(layer, table.name)
    layer.setMetadata(_describe(path, layer, table))
    message, stored = layer.saveDefaultMetadata()
    _must(stored, path, message)


def store_style(layer: QgsVectorLayer, name: str) -> None:
    """Store the layer's style in its database as the default, in place of what was there.

    An older style must go first: storing over it opens a question in QGIS 3.22, even in qgis_process, and waits for ever.
    """
    related, identifiers = layer.listStylesInDatabase()[:2]
    for identifier in identifiers[: max(related, 0)]:
        layer.deleteStyleFromDatabase(identifier)
    if hasattr(layer, "saveStyleToDatabaseV2"):  # from QGIS 3.44 on, which warns of the older one
        problem = layer.saveStyleToDatabaseV2(name, "", True, "")[1]
    else:
        problem = layer.saveStyleToDatabase(name, "", True, "")
    if problem:
        raise Refusal("The style of {name} could not be stored: {problem}", name=name, problem=problem)


def _describe(path: Path, layer: QgsVectorLayer, table: Table) -> QgsLayerMetadata:
    """Title, sources, licences and the fingerprint that tells edits."""
    metadata = QgsLayerMetadata()
    metadata.setIdentifier(table.name)
    metadata.setTitle(table.title)
    metadata.setAbstract(table.about)
    metadata.setType("dataset")
    metadata.setLanguage("ENG")
    metadata.setCrs(layer.crs())
    values = [row for _, row in table.rows()]
    metadata.setLicenses(sorted({row["licence"] for row in values}))
    metadata.setRights(sorted({source_line(row) for row in values}))
    metadata.setKeywords({FINGERPRINT: [fingerprint(path, table.name)]})
    metadata.setHistory(["Written by rason:createlayers."])
    return metadata


def source_line(row: dict) -> str:
    """Who to name for a row, with date and accuracy where they are known."""
    who = row.get("source") or row.get("publisher") or ""
    when = row.get("source_date") or row.get("published") or ""
    accuracy = f"; {row['accuracy_m']:g} m" if row.get("accuracy_m") else ""
    return f"{who} ({when}){accuracy}" if when else f"{who}{accuracy}"


def _must(good: bool, path: str | Path, message: str) -> None:
    if not good:
        raise Refusal(
            BUSY.format(path) if "locked" in message else f"{path} could not be written: {message or 'no reason given'}."
        )
