"""Checks every output before any is opened, so that nothing of the user's is lost and nothing is left half written."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from qgis.core import (
    QgsProcessing,
    QgsProcessingDestinationParameter,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorLayer,
    QgsProperty,
)

from ..engine.errors import Refusal
from ..layers import geopackage
from . import bridge

# Sinks that keep every field and every row (QGIS 3.22: DBF cuts names, FlatGeobuf loses tables).
SUFFIXES = {".gpkg", ".geojson", ".json", ".csv", ".xlsx"}
TABLES_ONLY = {".csv", ".xlsx"}
OGR_URI = re.compile(r"^ogr:\s*dbname='(?P<path>[^']+)'\s*(table=\"(?P<table>[^\"]+)\")?", re.IGNORECASE)
OWN_TABLES = {"layer_styles"}


def check(algorithm, parameters, context) -> list[Path]:
    """Refuse outputs that cannot be written or would destroy something; returns the files this run will create anew."""
    outputs = {}
    for definition in algorithm.destinationParameterDefinitions():
        target = _target(definition, parameters)
        if target is None:
            continue
        path, table = target
        key = (_real(path), table)
        if key in outputs or (table is None and any(other[0] == key[0] for other in outputs)):
            raise Refusal(
                "{name} and {value} are the same file {path}: give each output its own.",
                name=definition.name(),
                value=outputs.get(key) or "another output",
                path=path,
            )
        outputs[key] = definition.name()
        _check_place(definition, path)
        if isinstance(definition, QgsProcessingParameterFeatureSink):
            _check_sink(definition, path, table)
        if isinstance(definition, QgsProcessingParameterFileDestination):
            _check_file(definition, path)
        if isinstance(definition, QgsProcessingParameterRasterDestination):
            _check_raster(definition, path, algorithm.raster_endings)
    _check_inputs(algorithm, parameters, context, outputs)
    return [Path(path) for path, _ in outputs if not os.path.exists(path)]


def remove(created, context) -> None:
    """Delete what a failed run created."""
    context.temporaryLayerStore().removeAllMapLayers()
    for path in created:
        beside = [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal", ".aux.xml")]
        beside += [path.with_suffix(".qml")] if path.suffix in (".tif", ".tiff") else []
        for leftover in (path, *beside):
            try:
                leftover.unlink()
            except OSError:
                continue


def _target(definition, parameters):
    """(path, table or None) of a destination that is a file, else None."""
    value = parameters.get(definition.name())
    if value is None:
        value = definition.defaultValue()
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        value = value.sink
    if isinstance(value, QgsProperty):
        value = value.staticValue()
    text = str(value or "").strip()
    if (
        not text
        or text in (QgsProcessing.TEMPORARY_OUTPUT, "memory:")
        or text.startswith(("memory:", "postgis:", "postgres"))
    ):
        return None
    uri = OGR_URI.match(text)
    if uri:
        return uri["path"], uri["table"]
    return text.split("|")[0], None


def _check_place(definition, path) -> None:
    name, folder = definition.name(), os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise Refusal(
            "{name}: the folder {folder} does not exist. Make it first or choose another.", name=name, folder=folder
        )
    if os.path.isdir(path):
        raise Refusal("{name}: {path} is a folder. Give a file name.", name=name, path=path)
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise Refusal("{name}: {path} cannot be written. Choose a file in a folder of your own.", name=name, path=path)


def _check_file(definition, path) -> None:
    """Refuse a name that says the file is of another kind: nobody opens a page that is called .pdf."""
    endings = re.findall(r"\*(\.\w+)", definition.fileFilter())
    if endings and Path(path).suffix.lower() not in endings:
        raise Refusal("{key}: {path} is no {ending} file. Give a name that ends in {ending}.", key=definition.name(), path=path, ending=" or ".join(endings))  # fmt: skip


def _check_raster(definition, path, endings) -> None:
    if Path(path).suffix.lower() not in endings:
        raise Refusal(
            "{name}: {path} is no {ending} file. Give a name that ends in {endings}.",
            name=definition.name(), path=path, ending=endings[0], endings=" or ".join(endings),
        )  # fmt: skip


def _check_sink(definition, path, table) -> None:
    name, suffix = definition.name(), Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise Refusal(
            "{name}: {value} files cannot hold this table. Use .gpkg (or .geojson; .csv and .xlsx for tables "
            "without geometry).",
            name=name,
            value=suffix or "no",
        )
    if suffix in TABLES_ONLY and definition.dataType() != QgsProcessing.SourceType.TypeVector:
        raise Refusal("{name}: {suffix} cannot hold geometry. Use .gpkg or .geojson.", name=name, suffix=suffix)
    if suffix != ".gpkg" or not os.path.exists(path):
        return
    refuse_held(path, name)
    others = sorted(geopackage.table_names(path, name) - {table or Path(path).stem} - OWN_TABLES)
    if table is None and others:
        raise Refusal(
            "{name}: {path} already holds other tables ({names}), which would be lost. To add one, write "
            '{name}="ogr:dbname=\'{path}\' table=\\"{lower}\\" (geom)".',
            name=name,
            path=path,
            names=", ".join(others[:5]),
            lower=name.lower(),
        )


def refuse_held(path, name) -> None:
    """Refuse a GeoPackage that another program holds, which QGIS would find out only half-way through writing."""
    held = Refusal(
        "{name}: {path} is open in another program. Close it there, or choose another file.", name=name, path=path
    )
    if os.path.exists(f"{path}-wal") and os.path.getsize(f"{path}-wal"):
        raise held
    with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=rw", uri=True, timeout=0)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
            connection.rollback()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise held from error
        except sqlite3.DatabaseError:
            pass  # no GeoPackage at all: said by whoever reads its tables


def _check_inputs(algorithm, parameters, context, outputs) -> None:
    for definition in algorithm.parameterDefinitions():
        for source in _sources(algorithm, definition, parameters, context):
            path, table = _source_file(source)
            for (output, output_table), name in outputs.items():
                same_table = output_table is None or table is None or output_table == table
                if path and _real(path) == output and same_table:
                    raise Refusal(
                        "{name} is the same file as the input {name_2} ({path}): choose another output.",
                        name=name,
                        name_2=definition.name(),
                        path=path,
                    )


def _sources(algorithm, definition, parameters, context):
    if isinstance(definition, QgsProcessingDestinationParameter) or parameters.get(definition.name()) is None:
        return []
    name = definition.name()
    if isinstance(definition, QgsProcessingParameterMultipleLayers):
        layers = algorithm.parameterAsLayerList(parameters, name, context)
    elif isinstance(definition, QgsProcessingParameterRasterLayer):
        layers = [bridge.raster_layer(algorithm, parameters, name, context)]
    elif isinstance(definition, QgsProcessingParameterMapLayer):
        layers = [algorithm.parameterAsLayer(parameters, name, context)]
    elif isinstance(definition, (QgsProcessingParameterFeatureSource, QgsProcessingParameterVectorLayer)):
        layers = [algorithm.parameterAsVectorLayer(parameters, name, context)]
    else:
        return []
    return [layer.source() for layer in layers if layer]


def _source_file(source):
    table = re.search(r"\|layername=([^|]+)", source)
    return source.split("|")[0], table.group(1) if table else None


def _real(path) -> str:
    return os.path.realpath(path)
