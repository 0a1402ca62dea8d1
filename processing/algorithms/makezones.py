"""rason:makezones: counting zones from piers (with berth strips), tracks, or any polygon layer."""

from __future__ import annotations

from collections import Counter

from qgis.core import (
    NULL,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeatureRequest,
    QgsGeometry,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsWkbTypes,
)

from ...engine.errors import Refusal
from ...engine.words import KINDS
from ...layers import berths, schema, zones
from .. import bridge, lazy, outputs, scenes
from ..base import RasonAlgorithm

provenance = lazy.engine("provenance")

LINE, POLYGON = QgsWkbTypes.GeometryType.LineGeometry, QgsWkbTypes.GeometryType.PolygonGeometry


class MakeZones(RasonAlgorithm):
    """Any lines or polygons in; zones with unique ids and kinds out."""

    group_id = "layers"

    libraries = ()

    def name(self):
        """Fixed id."""
        return "makezones"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Make counting zones")

    def tags(self):
        """Words to find it by."""
        return self.tr("rason,zones,pier,berth,yard,track,railway,openstreetmap,counting").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Makes zones to count in from any layer: piers get a strip of water along their long sides for ships, lines become "
            "tracks for freight cars, polygons become yards, water or areas.\n\nA zone drawn well helps more than any setting: "
            "a track lies within half a metre of its rails, a yard is one stacking block with a few metres of free ground round "
            "it, and a berth or water zone ends at the quay line. Check the zones over the scene and move them before counting."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        polygon, line = QgsProcessing.SourceType.TypeVectorPolygon, QgsProcessing.SourceType.TypeVectorLine
        parameters = (
            (
                QgsProcessingParameterFeatureSource("INPUT", self.tr("Piers, tracks or areas"), [polygon, line]),
                self.tr(
                    "Polygons, or lines for tracks, in any coordinate system. Only selected features where there are some."
                ),
            ),
            (
                QgsProcessingParameterEnum(
                    "KIND", self.tr("Kind of zone"), [zones.AUTO, *KINDS], defaultValue=zones.AUTO, usesStaticStrings=True
                ),
                self.tr(
                    "What they are: pier and yard zones count containers, track freight cars, berth and water ships, area "
                    "everything. auto takes the field kind or OpenStreetMap's tags; lines are tracks, other polygons areas."
                ),
            ),
            (
                QgsProcessingParameterField("ID_FIELD", self.tr("Field with the zone ids"), None, "INPUT", optional=True),
                self.tr(
                    "Names the zones in every result. Left empty: zone_id, id or osm_id where there is one, else numbers."
                ),
            ),
            (
                QgsProcessingParameterNumber(
                    "BERTH_WIDTH",
                    self.tr("Width of berth strips (m)"),
                    QgsProcessingParameterNumber.Type.Double,
                    berths.WIDTH_M,
                    minValue=0,
                    maxValue=1000,
                ),
                self.tr("Metres of water beside each pier in which ships are counted; 0 makes no berths."),
            ),
            (
                QgsProcessingParameterFeatureSource("WATER", self.tr("Water"), [polygon], optional=True),
                self.tr(
                    "Polygons of the water. With them a berth is all water beside a pier; without, it lies along both long "
                    "sides, which is wrong where one of them is land."
                ),
            ),
            (
                QgsProcessingParameterString("RAILWAY", self.tr("Railways to keep"), "rail,narrow_gauge", optional=True),
                self.tr("For OpenStreetMap lines: values of the tag railway, separated by commas. Empty keeps every line."),
            ),
            (
                QgsProcessingParameterFeatureSink(
                    "OUTPUT", self.tr("Zones"), QgsProcessing.SourceType.TypeVectorAnyGeometry
                ),
                self.tr("Zones with zone_id (unique), name and kind, in the coordinate system of the input."),
            ),
        )
        for parameter, text in parameters:
            self.addParameter(scenes.with_help(parameter, text, advanced=parameter.name() in ("ID_FIELD", "RAILWAY")))
        self.addOutput(QgsProcessingOutputNumber("COUNT", self.tr("Number of zones")))

    def read(self, parameters, context, feedback):
        """Read and check all features."""
        self.kind = self.parameterAsEnumString(parameters, "KIND", context) or zones.AUTO
        self.width_m = self.parameterAsDouble(parameters, "BERTH_WIDTH", context)
        self.id_fields = (self.parameterAsString(parameters, "ID_FIELD", context).lower(), *zones.ID_FIELDS)
        source = self._source(parameters, "INPUT", context)
        self.to_wgs84 = _to_wgs84(source, context)
        self.shapes = self._shapes(source, "INPUT", feedback)
        self.is_line = self._one_type() == LINE
        if self.is_line:
            self.shapes = self._railways(self.parameterAsString(parameters, "RAILWAY", context))
        self.water = None
        if parameters.get("WATER") not in (None, ""):
            self.water = self._read_water(self._source(parameters, "WATER", context), context, feedback)
        loose = sum(shape.values.get("approximate", "").lower() in ("true", "1", "t") for shape in self.shapes)
        if loose:
            feedback.pushWarning(
                self.tr(
                    "Approximate or schematic: {} of {} features. Move their zones onto the scene before counting."
                ).format(loose, len(self.shapes))
            )

    def work(self, parameters, context, feedback):
        """Make the zones and write them."""
        step, made = bridge.progress(feedback, 0, 90), []
        for zone in zones.make(self.shapes, self.kind, self.id_fields, self.to_wgs84, self.width_m, self.water):
            made.append(zone)
            step(min(1.0, len(made) / (3 * len(self.shapes))))
        ids = zones.unique(zone.zone_id for zone in made)
        self._tell(made, ids, feedback)
        rows = [{**zone._asdict(), "zone_id": zone_id} for zone, zone_id in zip(made, ids)]
        geometries = [zone.geometry for zone in made]
        for geometry in geometries:
            geometry.convertToMultiType()
        wkb = QgsWkbTypes.Type.MultiLineString if self.is_line else QgsWkbTypes.Type.MultiPolygon
        fields, crs = schema.qgs_fields(schema.ZONES), self.to_wgs84.sourceCrs()
        sink, destination = self.parameterAsSink(parameters, "OUTPUT", context, fields, wkb, crs)
        if sink is None:
            raise QgsProcessingException(self.invalidSinkError(parameters, "OUTPUT"))
        bridge.write_rows(sink, schema.ZONES, rows, geometries)
        del sink  # the file is complete only now
        record = provenance.record(self.id(), parameters, [])
        self.written.append(outputs.Written(destination, "zones", self.tr("Zones"), record))
        return {"OUTPUT": destination, "COUNT": len(rows)}

    def _source(self, parameters, name, context):
        source = self.parameterAsSource(parameters, name, context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, name))
        bridge.crs_of(source, name)
        return source

    def _shapes(self, source, name, feedback):
        keys = [field.name().lower() for field in source.fields()]
        shapes = []
        for feature in source.getFeatures(QgsFeatureRequest()):
            texts = ("" if value in (None, NULL) else str(value).strip() for value in feature.attributes())
            values = dict(zip(keys, texts))
            label = zones.first(values, self.id_fields) or str(feature.id())
            geometry = bridge.usable(feature.geometry(), label, name, feedback)
            if geometry is not None:
                shapes.append(zones.Shape(label, values, geometry))
        if not shapes:
            raise Refusal(
                self.tr("{} holds no usable feature. Draw at least one polygon or line, or clear the selection.").format(
                    name
                )
            )
        return shapes

    def _one_type(self):
        """LINE or POLYGON, whichever all features are; refuses a mixture, and a kind that needs the other."""
        is_line = self.shapes[0].is_line
        if any(shape.is_line != is_line for shape in self.shapes):
            raise Refusal(
                self.tr("INPUT holds lines and polygons together. Run once for the lines and once for the polygons.")
            )
        if is_line and self.kind not in (zones.AUTO, "track"):
            raise Refusal(
                self.tr("INPUT holds lines, but a zone of kind {} is a polygon. Draw polygons, or choose track.").format(
                    self.kind
                )
            )
        if not is_line and self.kind == "track":
            raise Refusal(
                self.tr("INPUT holds polygons, but tracks are lines. Give the lines of the rails, or another kind.")
            )
        return LINE if is_line else POLYGON

    def _railways(self, wanted):
        wanted = {word.strip().lower() for word in wanted.split(",")} - {""}
        found = {zones.railway_of(shape.values) for shape in self.shapes}
        if not wanted or found == {None}:
            return self.shapes
        kept = [shape for shape in self.shapes if zones.railway_of(shape.values) in wanted]
        if not kept:
            there = ", ".join(sorted(word for word in found if word)) or self.tr("none")
            raise Refusal(
                self.tr("INPUT holds no line with railway = {}; its values: {}. Change RAILWAY, or leave it empty.").format(
                    " or ".join(sorted(wanted)), there
                )
            )
        return kept

    def _read_water(self, source, context, feedback):
        """All water as one geometry in WGS 84."""
        shapes, way = self._shapes(source, "WATER", feedback), _to_wgs84(source, context)
        if any(shape.is_line for shape in shapes):
            raise Refusal(self.tr("WATER holds lines. Give polygons of the water, or leave it empty."))
        for shape in shapes:
            shape.geometry.transform(way)
        return QgsGeometry.unaryUnion([shape.geometry for shape in shapes])

    def _tell(self, made, ids, feedback):
        kinds = Counter(zone.kind for zone in made)
        feedback.pushInfo(self.tr("Zones: {}.").format(", ".join(f"{count} {kind}" for kind, count in kinds.items())))
        changed = [f"{zone.zone_id} -> {zone_id}" for zone, zone_id in zip(made, ids) if zone.zone_id != zone_id]
        if changed:
            feedback.pushWarning(self.tr("Repeated ids were numbered: {}.").format(", ".join(changed[:10])))
        if kinds["pier"] and self.width_m and not kinds["berth"]:
            feedback.pushWarning(self.tr("No pier touches WATER: no berths were made."))
        elif kinds["berth"] and self.water is None:
            feedback.pushInfo(self.tr("Berths lie along both long sides of each pier. Delete those on land, or give WATER."))


def _to_wgs84(source, context):
    return QgsCoordinateTransform(source.sourceCrs(), QgsCoordinateReferenceSystem(berths.WGS84), context.transformContext())
