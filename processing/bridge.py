"""The only code that turns QGIS layers into engine values and results into features."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from qgis.core import (
    NULL,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingException,
    QgsProcessingParameterRasterLayer,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QDateTime, Qt

from ..engine.errors import Cancelled, Refusal
from ..engine.words import KINDS
from ..layers import schema
from . import lazy
from .lazy import np

if TYPE_CHECKING:
    from ..engine.class_raster import ClassRaster
    from ..engine.detections import Detections
    from ..engine.georeference import Frame
    from ..engine.scene import Scene
    from ..engine.zones import Zone

epochs, georeference, class_raster = (lazy.engine(name) for name in ("epoch", "georeference", "class_raster"))


def progress(feedback, start=0.0, end=100.0):
    """The engine's progress callback for a QgsProcessingFeedback: moves the bar, raises Cancelled."""

    def step(fraction):
        feedback.setProgress(start + (end - start) * fraction)
        if feedback.isCanceled():
            raise Cancelled

    return step


def archived(algorithm, parameters) -> dict[str, QgsRasterLayer]:
    """Layers of the rasters that are given as /vsi… paths (in an archive), which QGIS 3.22 takes for missing files."""
    rasters = [d.name() for d in algorithm.parameterDefinitions() if isinstance(d, QgsProcessingParameterRasterLayer)]
    paths = {name: parameters.get(name) for name in rasters}
    return {
        name: QgsRasterLayer(p, Path(p).name) for name, p in paths.items() if isinstance(p, str) and p.startswith("/vsi")
    }


def tables(algorithm, parameters, key, context):
    """The vector layers and tables that a parameter of several layers names; QGIS lets rasters through."""
    layers = algorithm.parameterAsLayerList(parameters, key, context) or []
    for layer in layers:
        if not isinstance(layer, QgsVectorLayer):
            raise Refusal("{key}: {name} is no table and no vector layer. Choose another one.", key=key, name=layer.name())
    return layers


def raster_layer(algorithm, parameters, name, context):
    """The raster layer of a parameter, or None."""
    return archived(algorithm, parameters).get(name) or algorithm.parameterAsRasterLayer(parameters, name, context)


def read_scene(layer, *, bands="", name="INPUT", frame=None) -> Scene:
    """The engine's scene of a raster layer, in another scene's frame where that is given. Raises Refusal for layers that are no files."""
    if not (isinstance(layer, QgsRasterLayer) and layer.isValid()):
        raise Refusal("{name} cannot be opened as a raster. Check the path and the file.", name=name)
    if layer.providerType() != "gdal":
        raise Refusal(
            "{name} is a web service ({providertype}), whose pictures have no acquisition time. Save a file.",
            name=name,
            providertype=layer.providerType(),
        )
    crs = layer.crs()
    wkt = crs.toWkt(QgsCoordinateReferenceSystem.WKT_PREFERRED_GDAL) if crs.isValid() else ""
    from ..engine.scene import Scene

    return Scene.open(layer.dataProvider().dataSourceUri(), crs_wkt=wkt, bands=bands, name=name, frame=frame)


def scene_name(layer) -> str:
    """File name of a raster layer."""
    return Path(re.split(r"[|?]", layer.source())[0]).name or layer.name()


def read_epoch(value, precision, metadata, name="INPUT"):
    """The epoch of EPOCH (QDateTime, text or None) and EPOCH_PRECISION ("auto", …), else the file's.

    A QDateTime without zone is wall-clock UTC: the machine's own time zone must not matter.
    """
    given = None
    if isinstance(value, QDateTime) and value.isValid():
        if value.timeSpec() == Qt.TimeSpec.LocalTime:
            value.setTimeSpec(Qt.TimeSpec.UTC)
        given = epochs.read(value.toUTC().toString(Qt.DateFormat.ISODate), "EPOCH")
    elif value not in (None, NULL, "") and not isinstance(value, QDateTime):
        given = epochs.read(str(value), "EPOCH")
    epoch = epochs.required(given, metadata, name)
    return epoch if precision in ("", "auto") else epochs.with_precision(epoch, precision)


def field_index(fields, name) -> int:
    """Index of a field whose name matches without regard to case, or -1."""
    return next((i for i, field in enumerate(fields) if field.name().lower() == name.lower()), -1)


def crs_of(source, name) -> QgsCoordinateReferenceSystem:
    """The CRS of a feature source. Raises Refusal where it has none, also where a GeoPackage calls that "undefined"."""
    crs = source.sourceCrs()
    if not crs.isValid() or crs.description().startswith("Undefined"):
        raise Refusal("{layer} has no coordinate reference system. Assign one to the layer.", layer=name)
    return crs


def read_zones(source, frame: Frame, context, feedback, name="ZONES", called="zone_id") -> list[Zone]:
    """Zones of a feature source in the frame's coordinates, named by the field ``called``.

    Missing zone_ids are filled from the feature id, missing kinds from the shape; null geometries are skipped and invalid
    ones repaired, and both are said. Raises Refusal for no zones, other shapes, unknown kinds, duplicate zone_ids.
    """
    from ..engine.zones import Zone

    if not any(feature.hasGeometry() for feature in source.getFeatures()):
        raise Refusal("{name} holds no zones. Draw at least one polygon or track line (or clear the selection).", name=name)
    columns = {key: field_index(source.fields(), key) for key in ("name", "kind")}
    columns["zone_id"] = field_index(source.fields(), called)
    change = _transform(crs_of(source, name), frame.wkt, context)
    zones, unnamed = [], False
    for feature in source.getFeatures(QgsFeatureRequest()):
        text = {key: _text(feature, index) for key, index in columns.items()}
        unnamed |= not text["zone_id"]
        label = text["zone_id"] or str(feature.id())
        geometry = usable(feature.geometry(), label, name, feedback)
        if geometry is None:
            continue
        is_line = geometry.type() == QgsWkbTypes.GeometryType.LineGeometry
        kind = (text["kind"] or ("track" if is_line else "area")).lower()
        _check_kind(kind, is_line, label, name)
        zones.append(Zone(label, kind, _shape(geometry, change, label, name), text["name"]))
    if unnamed:
        feedback.pushInfo(f"{name}: zones without zone_id are named by their feature id.")
    _check_unique([zone.zone_id for zone in zones], name)
    return zones


def read_area(source, frame: Frame, context, feedback, name):
    """All polygons of a feature source as one shapely geometry in the frame's coordinates, or None where it holds none."""
    from shapely.ops import unary_union

    shapes = [shape for shape, _ in read_polygons(source, frame, context, feedback, name)]
    return unary_union(shapes) if shapes else None


def _check_kind(kind, is_line, label, name):
    if kind not in KINDS:
        raise Refusal(
            "{name}: zone {label} has kind '{kind}'. Use one of {names}.",
            name=name,
            label=label,
            kind=kind,
            names=", ".join(KINDS),
        )
    if is_line != (kind == "track"):
        need = "line" if kind == "track" else "polygon"
        raise Refusal(
            "{name}: zone {label} is of kind {kind}, which needs a {need}. Change its kind or its geometry.",
            name=name,
            label=label,
            kind=kind,
            need=need,
        )


def _check_unique(ids, name):
    double = sorted({zone_id for zone_id in ids if ids.count(zone_id) > 1})
    if double:
        raise Refusal(
            "{name}: zone_id {names} occurs more than once. Give each zone its own.", name=name, names=", ".join(double[:5])
        )


def _text(feature, index) -> str:
    stored = value(feature, index)
    return "" if stored is None else str(stored).strip()


def value(feature, index):
    """An attribute as Python sees it: None for NULL or a missing field."""
    stored = feature.attribute(index) if index >= 0 else None
    return None if stored is None or stored == NULL else stored


def usable(geometry, label, name, feedback):
    """A valid line or polygon without Z and M; None (said) for a null one."""
    if geometry.isNull() or geometry.isEmpty():
        feedback.pushWarning(f"{name}: feature {label} has no geometry and is skipped.")
        return None
    polygon, line = QgsWkbTypes.GeometryType.PolygonGeometry, QgsWkbTypes.GeometryType.LineGeometry
    if geometry.type() not in (polygon, line):
        raise Refusal("{name}: feature {label} is a point. Zones are polygons, or lines for tracks.", name=name, label=label)
    geometry = QgsGeometry(geometry)
    if QgsWkbTypes.isCurvedType(geometry.wkbType()):
        geometry.convertToStraightSegment()
    for drop in (geometry.get().dropZValue, geometry.get().dropMValue):
        drop()
    if geometry.type() == polygon and not geometry.isGeosValid():
        geometry = geometry.makeValid()
        geometry.convertGeometryCollectionToSubclass(polygon)
        if geometry.isEmpty():
            raise Refusal("{name}: the polygon of zone {label} encloses nothing. Draw it again.", name=name, label=label)
        feedback.pushWarning(f"{name}: the polygon of zone {label} was invalid and has been repaired.")
    return geometry


def _shape(geometry, change, label, name):
    """The shapely geometry in frame coordinates."""
    from shapely import wkb

    _move(geometry, change, label, name)
    return wkb.loads(bytes(geometry.asWkb()))


def _move(geometry, change, label, name):
    """Transform a geometry in place. PROJ fails for some coordinates, and makes others infinite."""
    try:
        geometry.transform(change)
        moved = geometry.boundingBox().isFinite()
    except QgsCsException:
        moved = False
    if not moved:
        raise Refusal(
            "{layer}: feature {feature} cannot be brought into the scene's coordinates. Check the layer's CRS.",
            layer=name, feature=label,
        )  # fmt: skip


def _transform(source_crs, wkt, context):
    return QgsCoordinateTransform(source_crs, QgsCoordinateReferenceSystem.fromWkt(wkt), context.transformContext())


def read_polygons(source, frame: Frame, context, feedback, name, fields=()) -> list[tuple[object, dict[str, str]]]:
    """Polygons of a feature source in the frame's coordinates (shapely), each with the text of these fields ("" where missing).

    The key "id" holds the feature's id. Raises Refusal for lines and points.
    """
    if not source.featureCount():
        return []
    columns = {key: field_index(source.fields(), key) for key in fields}
    change = _transform(crs_of(source, name), frame.wkt, context)
    found = []
    for feature in source.getFeatures(QgsFeatureRequest()):
        label = str(feature.id())
        geometry = usable(feature.geometry(), label, name, feedback)
        if geometry is None:
            continue
        if geometry.type() != QgsWkbTypes.GeometryType.PolygonGeometry:
            raise Refusal("{name}: feature {label} is a line. Give polygons.", name=name, label=label)
        texts = {key: _text(feature, index) for key, index in columns.items()}
        found.append((_shape(geometry, change, label, name), {"id": label, **texts}))
    return found


def read_classes(layer, name) -> ClassRaster:
    """The engine's raster of classes of a layer. Raises Refusal for layers that are no files."""
    if layer is None or not layer.isValid() or layer.providerType() != "gdal":
        raise Refusal("{name} cannot be opened as a raster file. Check the path and the file.", name=name)
    crs = layer.crs()
    wkt = crs.toWkt(QgsCoordinateReferenceSystem.WKT_PREFERRED_GDAL) if crs.isValid() else ""
    return class_raster.ClassRaster.open(layer.dataProvider().dataSourceUri(), crs_wkt=wkt, name=name)


def frame_of(source, name) -> Frame:
    """A metric frame around a feature source."""
    crs = crs_of(source, name)
    centre = source.sourceExtent().center()
    return georeference.metric_frame(crs.toWkt(QgsCoordinateReferenceSystem.WKT_PREFERRED_GDAL), (centre.x(), centre.y()))


class Part:
    """Some features of a feature source, read like a source."""

    def __init__(self, source, features):
        self.source, self.features = source, list(features)

    def getFeatures(self, request=None):
        """The features, whatever the request."""
        return iter(self.features)

    def featureCount(self):
        """Their number."""
        return len(self.features)

    def fields(self):
        """Of the source."""
        return self.source.fields()

    def sourceCrs(self):
        """Of the source."""
        return self.source.sourceCrs()

    def sourceExtent(self):
        """Of these features."""
        extent = QgsRectangle()
        for feature in self.features:
            if feature.hasGeometry():
                extent.combineExtentWith(feature.geometry().boundingBox())
        return extent


def read_marks(source, frame: Frame, context, name="DETECTIONS", *, rejected=False) -> tuple[Detections, dict[str, list]]:
    """Detections or hand-drawn marks (points or polygons) in frame coordinates, and their text fields by name.

    Rejected ones are left out unless ``rejected``. class is "object" and p is 1 where the layer does not say. Points have no length. Raises
    Refusal for lines.
    """
    from ..engine.detections import Detections
    from ..engine.rectangles import minimum_rectangle

    if not source.featureCount():
        return Detections.empty(), {column.name: [] for column in schema.DETECTIONS}
    change = _transform(crs_of(source, name), frame.wkt, context)
    keys = [column.name for column in schema.DETECTIONS]
    columns = {key: field_index(source.fields(), key) for key in keys}
    rows, texts = [], {key: [] for key in keys}
    for feature in source.getFeatures(QgsFeatureRequest()):
        values = {key: _text(feature, index) for key, index in columns.items()}
        geometry = feature.geometry()
        if geometry.isNull() or (values["status"] == schema.REJECTED and not rejected):
            continue
        _move(geometry, change, feature.id(), name)
        if geometry.type() == QgsWkbTypes.GeometryType.PointGeometry:
            rectangles = [(p.x(), p.y(), 0.0, 0.0, 0.0) for p in _points(geometry)]
        elif geometry.type() == QgsWkbTypes.GeometryType.PolygonGeometry:
            rectangles = [minimum_rectangle(np.array([(v.x(), v.y()) for v in geometry.vertices()]))]
        else:
            raise Refusal("{name}: feature {id} is a line. Objects are points or polygons.", name=name, id=feature.id())
        for rectangle in rectangles:
            rows.append((*rectangle, _number(values["score"]), _number(values["p"])))
            for key in keys:
                texts[key].append(values[key])
    if not rows:
        return Detections.empty(), texts
    x, y, length, width, azimuth, score, p = np.array(rows, float).T
    kinds = [word or "object" for word in texts["class"]]
    marks = Detections.make(x, y, length, width, azimuth, kinds, score=score, p=p, note=texts["note"])
    type_p = [_number(text, np.nan) for text in texts["type_p"]]
    return marks.with_(zone_id=texts["zone_id"], type_name=texts["type"], type_p=type_p), texts


def _points(geometry):
    return geometry.asMultiPoint() if geometry.isMultipart() else [geometry.asPoint()]


def _number(text, default=1.0) -> float:
    try:
        return float(text)
    except ValueError:
        return default


def rectangles(detections: Detections, frame: Frame) -> list[QgsGeometry]:
    """A polygon an object in the scene's CRS."""
    corners = detections.corners()
    x, y = frame.to_scene(corners[..., 0], corners[..., 1])
    return [QgsGeometry.fromPolygonXY([[QgsPointXY(a, b) for a, b in zip(xs, ys)] + [QgsPointXY(xs[0], ys[0])]])
            for xs, ys in zip(x, y)]  # fmt: skip


def detection_rows(detections: Detections, **same) -> list[dict]:
    """One dict of the contract's fields a detection; ``same`` holds those that all share (scene, epoch, …)."""
    names = (
        "score", "p", "length_m", "width_m", "azimuth_deg", "zone_id", "note", "type_p", "position_m", "heading_deg",
        "tiers_low", "tiers_high",
    )  # fmt: skip
    return [
        {"class": str(kind), "type": str(detections.type_name[i]),
         **{key: _plain(getattr(detections, key)[i]) for key in names}, **same}
        for i, kind in enumerate(detections.class_name)
    ]  # fmt: skip


def write_rows(sink, columns, rows: Iterable[dict], geometries=None, name="OUTPUT") -> None:
    """Write all rows in the columns' order; a row that cannot be stored is an error, not a smaller output."""
    features = []
    for i, row in enumerate(rows):
        feature = QgsFeature()
        feature.setAttributes([_stored(row.get(column.name)) for column in columns])
        if geometries is not None:
            feature.setGeometry(geometries[i])
        features.append(feature)
    if not sink.addFeatures(features, QgsFeatureSink.Flag.FastInsert):
        raise QgsProcessingException(f"{name}: a row could not be written ({sink.lastError()}). Nothing was kept.")


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _stored(value):
    value = _plain(value)
    return NULL if value is None or value == "" or (isinstance(value, float) and not np.isfinite(value)) else value
