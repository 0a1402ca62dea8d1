"""rason:visibility: what of a scene could be seen, and why not."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsRasterLayer,
)

from ...engine.errors import Refusal
from ...engine.words import PICTURE_CAUSES, QUALITY_KINDS
from ...layers import schema
from .. import bridge, lazy, outputs, scenes
from ..base import RasonAlgorithm

counting, look, provenance, roofs, tally, visibility, visibility_file, visible = (
    lazy.engine(name)
    for name in ("counting", "look", "provenance", "roofs", "tally", "visibility", "visibility_file", "visible")
)

POLYGONS = [QgsProcessing.SourceType.TypeVectorPolygon]


class Visibility(RasonAlgorithm):
    """Scene in; raster of causes and the visible fraction of zones and slots out."""

    def name(self):
        """Fixed id."""
        return "visibility"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Visibility of a scene")

    def tags(self):
        """Words to find it by."""
        return self.tr("cloud,shadow,haze,glint,roof,mask,nodata,visible fraction,SCL,QA_PIXEL").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Says which pixels of one optical scene could be seen, and of each zone and slot how much.\n\nHidden is what has no "
            "data, what MASK covers, what lies under a roof of ROOFS that stood at the epoch, what QUALITY calls cloud or cloud "
            "shadow, and what CAUSES reads off the picture.\n\nThe picture is read with care, so that no bright yard is "
            "taken for cloud: finer than about 1.3 m, cloud and haze are white bodies without any sharp edge; coarser, only several "
            "clouds that cast visible shadows are found, and in colour pictures up to 10 m white ones of 300 m and more with soft "
            "edges, so give the quality layer there. Haze hides only where the ground's edges are "
            "lost in it. Snow, an even veil over the whole picture and smooth glint are not told: give MASK.\n\nThe raster says 1 where the "
            "ground is seen and else what hides it. Give it to rason:tallyscene and the detecting algorithms as VISIBILITY, or "
            "its table to rason:tally: numbers are then scaled up to the whole zone. A zone of which less than half could be "
            "seen is not observed, never 0."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr = self.tr
        kind = QgsProcessing.SourceType
        shown = QgsProcessingParameterFeatureSource(
            "ZONES", tr("Zones"), [kind.TypeVectorPolygon, kind.TypeVectorLine], optional=True
        )
        slots = QgsProcessingParameterFeatureSource("SLOTS", tr("Slots"), POLYGONS, optional=True)
        mask = QgsProcessingParameterMapLayer(
            "MASK", tr("Your mask"), optional=True, types=[kind.TypeRaster, kind.TypeVectorPolygon]
        )
        which = QgsProcessingParameterEnum(
            "QUALITY_KIND", tr("Kind of the quality layer"), options=["auto", *QUALITY_KINDS], defaultValue="auto",
            usesStaticStrings=True,
        )  # fmt: skip
        causes = QgsProcessingParameterEnum(
            "CAUSES", tr("Look in the picture for"), options=list(PICTURE_CAUSES), allowMultiple=True, optional=True,
            defaultValue=list(PICTURE_CAUSES), usesStaticStrings=True,
        )  # fmt: skip
        table = QgsProcessingParameterFeatureSink("TABLE", tr("Visible fractions"), kind.TypeVector)
        slot_table = QgsProcessingParameterFeatureSink(
            "SLOT_TABLE", tr("Visible fractions of slots"), kind.TypeVector, optional=True, createByDefault=False
        )
        for parameter in (
            scenes.with_help(
                QgsProcessingParameterRasterLayer("INPUT", tr("Scene")),
                tr("Optical image file with georeference: aerial or satellite, one, three or more bands."),
            ),
            scenes.with_help(
                shown, tr("Polygons, and lines for tracks, of which the visible fraction is wanted. Left empty: the whole scene.")
            ),
            scenes.with_help(
                slots, tr("Polygons of single places, such as container slots: field slot_id where present.")
            ),
            scenes.with_help(
                mask, tr("What you know to be hidden: polygons, or a raster in which every value but 0 and nodata is hidden.")
            ),
            scenes.with_help(
                QgsProcessingParameterRasterLayer("QUALITY", tr("Quality layer"), optional=True),
                tr("Scene classification (SCL) of Sentinel-2 L2A or QA_PIXEL of Landsat Collection 2, of this scene."),
            ),
            scenes.with_help(
                which, tr("auto finds it out from the file's name or its values, and asks where neither tells."), advanced=True
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSource("ROOFS", tr("Roofs"), POLYGONS, optional=True),
                tr("Polygons with fields date_from and date_to (days, months or years; empty: always, still). Those that stood "
                   "at the epoch hide what is under them."),
            ),
            scenes.with_help(
                causes,
                tr("What is looked for in the picture itself; none where your masks say it all. With QUALITY, cloud and cloud shadow "
                   "come from that layer alone."),
            ),
            *scenes.epoch_parameters(tr, tr("Left empty, the file must say it.")),
            scenes.bands_parameter(tr),
            scenes.with_help(
                QgsProcessingParameterRasterDestination("OUTPUT", tr("Visibility")),
                tr("GeoTIFF: 0 not observed, 1 clear, 2 cloud, 3 cloud shadow, 4 haze, 5 glint, 6 roof, 7 masked by user."),
            ),
            scenes.with_help(table, tr("Table: visible fraction of each zone, and the share of each cause.")),
            scenes.with_help(slot_table, tr("The same for each slot of SLOTS.")),
        ):  # fmt: skip
            self.addParameter(parameter)
        self.addOutput(QgsProcessingOutputNumber("VISIBLE_FRACTION", tr("Share of the scene that could be seen")))
        self.addOutput(QgsProcessingOutputNumber("CLOUD_FRACTION", tr("Share of the scene under cloud")))
        self.addOutput(QgsProcessingOutputNumber("ZONES_OBSERVED", tr("Zones of which at least half could be seen")))
        self.addOutput(QgsProcessingOutputNumber("ZONES_NOT_OBSERVED", tr("Zones that count as not observed")))

    def read(self, parameters, context, feedback):
        """Open and check everything; nothing is written yet."""
        layer = bridge.raster_layer(self, parameters, "INPUT", context)
        self.scene = bridge.read_scene(layer, bands=self.parameterAsString(parameters, "BANDS", context))
        self.scene_name = bridge.scene_name(layer)
        self.epoch = scenes.read_epoch(self, parameters, context, self.scene.metadata)
        source = self.parameterAsSource(parameters, "ZONES", context)
        self.zones = bridge.read_zones(source, self.scene.frame, context, feedback) if source else []
        counting.check_place(self.scene, self.zones)
        self.slots = self._polygons(parameters, "SLOTS", context, feedback, ("slot_id", "zone_id"))
        if bool(self.slots) != bool(parameters.get("SLOT_TABLE")):
            raise Refusal(
                self.tr("SLOTS and SLOT_TABLE belong together: give both or neither, and SLOTS at least one polygon.")
            )
        dated = self._polygons(parameters, "ROOFS", context, feedback, ("date_from", "date_to"))
        self.roofs = [shape for shape, texts in dated if roofs.stood(texts["date_from"], texts["date_to"], self.epoch)]
        if dated:
            feedback.pushInfo(self.tr("{} of {} roofs stood at the epoch.").format(len(self.roofs), len(dated)))
        self._read_masks(parameters, context, feedback)
        # QGIS takes an empty list for the default
        none = parameters.get("CAUSES") == []
        self.causes = [] if none else self.parameterAsEnumStrings(parameters, "CAUSES", context)
        for text in (*self.scene.warnings, self.epoch.warning):
            if text:
                feedback.pushWarning(text)

    def _polygons(self, parameters, key, context, feedback, fields):
        source = self.parameterAsSource(parameters, key, context)
        return bridge.read_polygons(source, self.scene.frame, context, feedback, key, fields) if source else []

    def _read_masks(self, parameters, context, feedback):
        self.quality, self.hidden, self.outlines = None, None, []
        self.files = list(self.scene.files)
        if parameters.get("QUALITY"):
            layer = bridge.raster_layer(self, parameters, "QUALITY", context)
            kind = self.parameterAsEnumString(parameters, "QUALITY_KIND", context)
            self.quality = bridge.read_classes(layer, "QUALITY"), "" if kind == "auto" else kind
            self.files += self.quality[0].files
        if not parameters.get("MASK"):
            return
        layer = self.parameterAsLayer(parameters, "MASK", context)
        if layer is None:
            raise Refusal(self.tr("MASK cannot be opened as a raster or as polygons. Check the path and the file."))
        if isinstance(layer, QgsRasterLayer):
            self.hidden = bridge.read_classes(layer, "MASK")
            self.files += self.hidden.files
        else:
            polygons = bridge.read_polygons(layer, self.scene.frame, context, feedback, "MASK")
            self.outlines = [shape for shape, _ in polygons]
            if all(visible.apart(shape.bounds, self.scene.bounds) for shape in self.outlines):
                raise Refusal(self.tr("MASK has no polygon over the scene. Check its place and its reference system."))

    def work(self, parameters, context, feedback):
        """Look, then write."""
        found = look.look(
            self.scene, quality_layer=self.quality, hidden_raster=self.hidden, hidden_polygons=self.outlines, roofs=self.roofs,
            causes=self.causes, progress=bridge.progress(feedback, 0, 90),
        )  # fmt: skip
        for text in found.warnings:
            feedback.pushWarning(text)
        rows = self._rows(found.mask, bridge.progress(feedback, 90, 92))
        self._tell(rows, found.mask, feedback)
        record = provenance.record(
            self.id(), parameters, provenance.fingerprint(self.files, bridge.progress(feedback, 92, 95))
        )
        results = {"OUTPUT": self.parameterAsOutputLayer(parameters, "OUTPUT", context)}
        visibility_file.write(
            found.mask, self.scene.frame, results["OUTPUT"],
            {"ACQUISITIONDATETIME": self.epoch.iso(), "TIFFTAG_SOFTWARE": f"Rason {provenance.version()}", "RASON_RECORD": record},
            bridge.progress(feedback, 95, 98),
        )  # fmt: skip
        classes = [(value, colour, visibility.NAMES[value]) for value, colour in visibility_file.COLOURS.items()]
        outputs.paint(results["OUTPUT"], self.tr("What could be seen of {}").format(self.scene_name), classes, context)
        results["TABLE"] = outputs.write(
            self, parameters, "TABLE", context, schema.VISIBILITY, rows,
            style="visibility", title=self.tr("Visibility of {}").format(self.scene_name), record=record,
        )  # fmt: skip
        if self.slots:
            results["SLOT_TABLE"] = outputs.write(
                self, parameters, "SLOT_TABLE", context, schema.SLOT_VISIBILITY, self._slot_rows(found.mask, bridge.progress(feedback, 98, 100)),
                style="visibility", title=self.tr("Visible slots of {}").format(self.scene_name), record=record,
            )  # fmt: skip
        share = found.mask.scene_shares()
        usable = sum(row["usable"] for row in rows)
        return {
            **results,
            "VISIBLE_FRACTION": float(share[visibility.CLEAR]),
            "CLOUD_FRACTION": float(share[visibility.CLOUD]),
            "ZONES_OBSERVED": usable,
            "ZONES_NOT_OBSERVED": len(rows) - usable,
        }

    def _rows(self, mask, step):
        """One row a zone, or one for the whole scene."""
        if not self.zones:
            return [self._row("scene", mask.scene_shares())]
        rows = []
        for zone in self.zones:
            step(len(rows) / len(self.zones))
            rows.append(self._row(zone.zone_id, mask.shares(zone.geometry)))
        return rows

    def _slot_rows(self, mask, step):
        rows = []
        for shape, texts in self.slots:
            step(len(rows) / len(self.slots))
            zone_id = texts["zone_id"] or self._zone_of(shape)
            rows.append({"slot_id": texts["slot_id"] or texts["id"], **self._row(zone_id, mask.shares(shape))})
        return rows

    def _zone_of(self, shape):
        """zone_id of the first polygon that holds the slot."""
        point = shape.representative_point()
        return next((zone.zone_id for zone in self.zones if not zone.is_track and zone.geometry.contains(point)), "")

    def _row(self, zone_id, shares):
        seen = float(shares[visibility.CLEAR])
        usable, hidden = seen >= tally.LEAST_VISIBLE, visibility.described(shares)
        return {
            "zone_id": zone_id,
            "scene": self.scene_name,
            "epoch": self.epoch.iso(),
            "epoch_precision": self.epoch.precision,
            "visible_fraction": seen,
            "usable": usable,
            **{field: float(shares[cause]) for cause, field in visibility.FIELDS.items()},
            "note": hidden if usable else self.tr("not observed: {}").format(hidden),
        }

    def _tell(self, rows, mask, feedback):
        """The fractions in the log."""
        whole = mask.scene_shares()
        hidden = visibility.described(whole)
        feedback.pushInfo(
            self.tr("{:.0%} of the scene could be seen.").format(whole[visibility.CLEAR]).replace("%", " %")
            + (self.tr(" Hidden by: {}.").format(hidden) if hidden else "")
        )
        for row in rows if self.zones else ():
            feedback.pushInfo(
                self.tr("{}: visible fraction {:.2f}. {}")
                .format(row["zone_id"], row["visible_fraction"], row["note"])
                .rstrip()
            )
        unseen = [row["zone_id"] for row in rows if not row["usable"]]
        if unseen:
            feedback.pushWarning(self.tr("Not observed, less than half could be seen: {}.").format(", ".join(unseen)))
