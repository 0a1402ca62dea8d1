"""rason:tallyscene: count objects in the zones of one scene, with intervals. The main job."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
)

from ...engine.rules import COUNTING_RULES
from ...layers import schema
from .. import bridge, lazy, outputs, reports, scenes
from ..base import RasonAlgorithm

counting, provenance, tally = (lazy.engine(name) for name in ("counting", "provenance", "tally"))


class TallyScene(RasonAlgorithm):
    """Scene and zones in; detections, tally and report out."""

    def name(self):
        """Fixed id."""
        return "tallyscene"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Tally a scene")

    def tags(self):
        """Words to find it by."""
        return self.tr("count,containers,freight cars,wagons,ships,imagery,satellite,tally,interval").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Counts freight cars along tracks, containers in yards and ships on water in one optical scene, and says how sure "
            "each number is.\n\nZones are polygons, or lines for tracks. Their field kind (track, pier, yard, berth, water, "
            "area) says what is counted in them; without it, lines are tracks and polygons take every class asked for.\n\n"
            "DETECTIONS holds one rectangle an object, to be checked one by one. TALLY holds one row a zone, class and unit: "
            "the number with its interval, and the occupied length, area and share. A zone that the scene does not show is "
            "not observed, never 0. A scene too coarse for a class is refused."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        add = self.addParameter
        add(
            scenes.with_help(
                QgsProcessingParameterRasterLayer("INPUT", self.tr("Scene")),
                self.tr(
                    "Optical image file with georeference: aerial or satellite, one, three or more bands, 8 or 16 bit or float."
                ),
            )
        )
        add(
            scenes.with_help(
                QgsProcessingParameterFeatureSource(
                    "ZONES",
                    self.tr("Zones"),
                    [QgsProcessing.SourceType.TypeVectorPolygon, QgsProcessing.SourceType.TypeVectorLine],
                ),
                self.tr(
                    "Where to count: polygons, and lines for tracks. Fields zone_id, name and kind are used where present."
                ),
            )
        )
        add(
            scenes.with_help(
                QgsProcessingParameterEnum(
                    "CLASSES",
                    self.tr("Count"),
                    options=[*schema.CLASSES, *schema.AREA_CLASSES],
                    allowMultiple=True,
                    defaultValue=list(schema.CLASSES),
                    usesStaticStrings=True,
                ),
                self.tr(
                    "Classes to count. Each is counted in the zones whose kind it fits. Of covered_stack and coal_pile the area and the "
                    "share of yards, piers and areas are given, never a number; leave buildings and water out of those zones."
                ),
            )
        )
        for parameter in (
            *scenes.epoch_parameters(self.tr, self.tr("Left empty, the file must say it.")),
            scenes.bands_parameter(self.tr),
            scenes.visibility_parameter(self.tr),
            *scenes.light_parameters(self.tr),
            scenes.site_parameter(self.tr),
            *scenes.interval_parameters(self.tr),
        ):
            add(parameter)
        add(
            scenes.with_help(
                QgsProcessingParameterFeatureSink(
                    "DETECTIONS", self.tr("Detections"), QgsProcessing.SourceType.TypeVectorPolygon
                ),
                self.tr("One rectangle an object, styled by class and status."),
            )
        )
        add(
            scenes.with_help(
                QgsProcessingParameterFeatureSink("TALLY", self.tr("Tally"), QgsProcessing.SourceType.TypeVector),
                self.tr("Table: one row a zone, class and unit, with interval, basis and counting rules."),
            )
        )
        add(
            scenes.with_help(
                QgsProcessingParameterFileDestination(
                    "REPORT", self.tr("Report"), "HTML files (*.html)", optional=True, createByDefault=False
                ),
                self.tr(
                    "One self-contained page with the numbers, pictures of the zones with the boxes, and the provenance."
                ),
            )
        )
        for name in schema.CLASSES:
            key = f"TOTAL_{name.upper()}"
            self.addOutput(QgsProcessingOutputNumber(key, self.tr("Total of {}").format(name)))
            self.addOutput(QgsProcessingOutputNumber(f"{key}_LOW", self.tr("Lower end of the total of {}").format(name)))
            self.addOutput(QgsProcessingOutputNumber(f"{key}_HIGH", self.tr("Upper end of the total of {}").format(name)))

    def read(self, parameters, context, feedback):
        """Open and check everything; nothing is written yet."""
        self.scene, self.crs, self.scene_name, self.epoch = scenes.read_scene(self, parameters, context)
        source = self.parameterAsSource(parameters, "ZONES", context)
        self.zones = bridge.read_zones(source, self.scene.frame, context, feedback)
        classes = self.parameterAsEnumStrings(parameters, "CLASSES", context)
        self.wanted, without = counting.plan(self.zones, classes)
        self.visible = counting.check(self.scene, self.wanted)
        self.calibrations, lacking = scenes.read_calibrations(self, parameters, context, self.wanted)
        self.site = self.parameterAsString(parameters, "SITE", context).strip()
        self.level = self.parameterAsDouble(parameters, "LEVEL", context)
        self.seed = self.parameterAsInt(parameters, "SEED", context)
        self.warnings = [text for text in (*self.scene.warnings, self.epoch.warning, *without, *lacking) if text]
        for text in self.warnings:
            feedback.pushWarning(text)
        feedback.pushInfo(
            self.tr("{}: {}, pixels {:.2f} m, detail {:.2f} m.").format(
                self.scene_name, self.epoch.label(), self.scene.gsd_m, self.scene.effective_gsd_m
            )
        )

    def work(self, parameters, context, feedback):
        """Count, then write."""
        count = counting.count_scene(
            self.scene, self.wanted, self.visible, self.calibrations,
            site=self.site, level=self.level, seed=self.seed, progress=bridge.progress(feedback, 0, 90),
        )  # fmt: skip
        inputs = provenance.fingerprint(self.scene.files, bridge.progress(feedback, 90, 95))
        record = provenance.record(self.id(), parameters, inputs)
        same = {"scene": self.scene_name, "epoch": self.epoch.iso()}
        rows = [{**row, **same, "note": reports.noted(row.get("note"), self.scene.metadata)} for row in count.rows]
        self._tell(rows, count, feedback)
        results = {
            "DETECTIONS": outputs.write(
                self, parameters, "DETECTIONS", context, schema.DETECTIONS,
                bridge.detection_rows(count.detections, status=schema.DETECTED, detector=f"rason {provenance.version()}", **same),
                geometries=bridge.rectangles(count.detections, self.scene.frame), crs=self.crs,
                style="detections", title=self.tr("Detections in {}").format(self.scene_name), record=record,
            ),
            "TALLY": outputs.write(
                self, parameters, "TALLY", context, schema.TALLY, rows,
                style="tally", title=self.tr("Tally of {}").format(self.scene_name), record=record,
            ),
        }  # fmt: skip
        path = self.parameterAsFileOutput(parameters, "REPORT", context)
        if path:
            report = reports.of_tally(self, rows, count, parameters, inputs)
            outputs.write_report(report, path)
            results["REPORT"] = path
        for name in schema.CLASSES:
            total = count.totals.get(name) or (None, None, None)
            results.update(dict(zip((f"TOTAL_{name.upper()}{end}" for end in ("", "_LOW", "_HIGH")), total)))
        return results

    def _tell(self, rows, count, feedback):
        """The numbers and what weakens them, in the log."""
        for warning in count.warnings:
            feedback.pushWarning(warning)
        for row in rows:
            feedback.pushInfo("{}, {}: {}".format(row["zone_id"], row["class"], tally.about(
                row["estimate"], row["low"], row["high"], row["unit"])))  # fmt: skip
        for name, total in count.totals.items():
            if total:
                feedback.pushInfo(self.tr("All zones, {}: {}").format(name, tally.about(*total)))
            feedback.pushInfo(self.tr("Counting rule for {}: {}").format(name, COUNTING_RULES[name]))
        unseen = sorted({row["zone_id"] for row in rows if row["estimate"] is None})
        if unseen:
            feedback.pushWarning(self.tr("Not observed, and in no total: {}.").format(", ".join(unseen)))
