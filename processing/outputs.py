"""Writing results: rows into sinks, then style and provenance into what was written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsLayerMetadata,
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsProcessingException,
    QgsProcessingLayerPostProcessorInterface,
    QgsProcessingUtils,
    QgsRasterLayer,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QColor

from ..engine.errors import Refusal
from ..layers import geopackage, schema, styles
from . import bridge


@dataclass(frozen=True)
class Written:
    """A destination that got its rows and waits for style and provenance, which need the main thread."""

    destination: str
    style: str
    title: str
    record: str


def write(algorithm, parameters, key, context, columns, rows, *, style, title, record, geometries=None, crs=None,
          shape=QgsWkbTypes.Type.Polygon) -> str:  # fmt: skip
    """Open the sink of ``key``, write all rows and note it for ``finish``; returns the destination's id."""
    wkb = QgsWkbTypes.Type.NoGeometry if geometries is None else shape
    crs = crs or QgsCoordinateReferenceSystem()
    sink, destination = algorithm.parameterAsSink(parameters, key, context, schema.qgs_fields(columns), wkb, crs)
    if sink is None:
        raise QgsProcessingException(algorithm.invalidSinkError(parameters, key))
    bridge.write_rows(sink, columns, rows, geometries, key)
    del sink  # the file is complete only now
    algorithm.written.append(Written(destination, style, title, record))
    return destination


def finish(written, context) -> None:
    """Name the layer by its scene and apply the style; in a GeoPackage store style and provenance with the table."""
    if context.willLoadLayerOnCompletion(written.destination):
        context.layerToLoadOnCompletionDetails(written.destination).name = written.title
    layer = QgsProcessingUtils.mapLayerFromString(written.destination, context)
    if not isinstance(layer, QgsVectorLayer):
        return
    styles.apply(layer, written.style)
    metadata = QgsLayerMetadata()
    metadata.setIdentifier(layer.name())
    metadata.setTitle(written.title)
    metadata.setAbstract("Made by Rason. The history holds the run's record: algorithm, version, parameters, inputs.")
    metadata.setType("dataset")
    metadata.setHistory([written.record])
    metadata.setCrs(layer.crs())
    layer.setMetadata(metadata)
    path = layer.source().split("|")[0]
    if path.lower().endswith(".gpkg"):
        if "|layername=" not in layer.source():  # QGIS finds metadata only by the table's name
            layer.setDataSource(geopackage.uri(path, Path(path).stem), layer.name(), "ogr")
        geopackage.store_style(layer, written.style)
        message, stored = layer.saveDefaultMetadata()
        if not stored:
            raise Refusal("The record of the run could not be stored in {path} ({message}).", path=path, message=message)
        layer.reload()  # storing breaks the layer's own handle in 3.22, and this layer is what the desktop shows


class _Painter(QgsProcessingLayerPostProcessorInterface):
    """Shows a raster with the style beside its file, which QGIS passes over when it loads a result."""

    def postProcessLayer(self, layer, context, feedback):
        """Called in the main thread once the layer is loaded."""
        layer.loadDefaultStyle()


# The context deletes the post-processors of its layers, so each layer has one of its own; but it does not keep their Python side.
PAINTERS = []


def paint(path, title, classes, context) -> None:
    """Store the colours (value, (red, green, blue, alpha), name) of a raster of classes in a style beside its file.

    The colour table of a TIFF has no transparency, and 256 entries. QGIS takes the style whenever the file is opened.
    """
    layer = QgsRasterLayer(path, title)
    entries = [QgsPalettedRasterRenderer.Class(value, QColor(*colour), name) for value, colour, name in classes]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries))
    message, stored = layer.saveNamedStyle(layer.styleURI(), QgsMapLayer.StyleCategory.Symbology)
    if not stored:
        raise Refusal("The colours of {path} could not be stored ({message}).", path=path, message=message)
    if context.willLoadLayerOnCompletion(path):
        details = context.layerToLoadOnCompletionDetails(path)
        details.name = title
        PAINTERS.append(_Painter())
        details.setPostProcessor(PAINTERS[-1])


def write_report(report, path) -> None:
    """Write a report; a failure is one line for the user."""
    try:
        report.write(Path(path))
    except OSError as error:
        raise Refusal(
            "REPORT: {path} could not be written ({strerror}). Choose another place.", path=path, strerror=error.strerror
        ) from error


def write_text(text, path, name="OUTPUT") -> None:
    """Write a text file; an existing one is replaced only when the new one is complete."""
    target = Path(path)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        part.write_text(text, "utf8")
        os.replace(part, target)
    except OSError as error:
        raise Refusal(
            "{name}: {path} could not be written ({strerror}). Choose another place.",
            name=name,
            path=path,
            strerror=error.strerror,
        ) from error
    finally:
        part.unlink(missing_ok=True)
