"""What the detecting algorithms have in common: one scene and zones in, one class of detections out."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
)

from ..engine.errors import Refusal
from ..engine.rules import rules
from ..layers import schema
from . import bridge, lazy, outputs, scenes
from .base import RasonAlgorithm

counting, detectors, provenance, tally = (lazy.engine(name) for name in ("counting", "detectors", "provenance", "tally"))


class DetectInScene(RasonAlgorithm):
    """Subclasses give name, displayName, shortHelpString and ``class_name``; where needed ``zones_key``, ``more`` and ``detector``."""

    group_id = "detection"

    class_name = ""
    sensor = "optical"
    zones_key = "ZONES"
    zone_types = (QgsProcessing.SourceType.TypeVectorPolygon,)

    def scene_help(self):
        """What INPUT may be."""
        return self.tr(
            "Optical image file with georeference: aerial or satellite, one, three or more bands, 8 or 16 bit or float."
        )

    def zones_help(self):
        """What the zones are."""
        return self.tr("Where to look: polygons. Fields zone_id, name and kind are used where present.")

    def more(self):
        """Parameters of this detector alone."""
        return []

    def detector(self, parameters, context):
        """The engine's detector, set up as the parameters say."""
        return detectors.detector(self.class_name)

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, key = self.tr, self.zones_key
        self.addParameter(scenes.with_help(QgsProcessingParameterRasterLayer("INPUT", tr("Scene")), self.scene_help()))
        zones = QgsProcessingParameterFeatureSource(
            key, tr("Tracks") if key == "TRACKS" else tr("Zones"), list(self.zone_types)
        )
        self.addParameter(scenes.with_help(zones, self.zones_help()))
        calibration = scenes.calibration_parameter(tr, tr(
            "Calibration file from rason:calibrate: p then comes from its labels, and the note says so. Without one, p is the "
            "detector's own."
        ))  # fmt: skip
        shared = (
            *scenes.epoch_parameters(tr, tr("Left empty, the file must say it.")),
            scenes.bands_parameter(tr),
            scenes.visibility_parameter(tr),
            calibration,
        )
        for parameter in (*self.more(), *shared):
            self.addParameter(parameter)
        kind = QgsProcessing.SourceType
        self.addParameter(
            scenes.with_help(
                QgsProcessingParameterFeatureSink("OUTPUT", tr("Detections"), kind.TypeVectorPolygon),
                tr("One rectangle an object, styled by class and status."),
            )
        )
        measures = QgsProcessingParameterFeatureSink(
            "MEASURES", tr("Measures"), kind.TypeVector, optional=True, createByDefault=False
        )
        self.addParameter(
            scenes.with_help(measures, tr("Table: occupied length, area and share of each zone, in a tally's fields."))
        )
        self.addOutput(QgsProcessingOutputNumber("FOUND", tr("Number of detections, not corrected for misses")))

    def read(self, parameters, context, feedback):
        """Open and check everything; nothing is written yet."""
        self.scene, self.crs, self.scene_name, self.epoch = scenes.read_scene(self, parameters, context)
        source = self.parameterAsSource(parameters, self.zones_key, context)
        self.zones = bridge.read_zones(source, self.scene.frame, context, feedback, self.zones_key)
        self.finder = self.detector(parameters, context)
        self.visible = counting.check(self.scene, {self.class_name: self.zones}, self.sensor, self.zones_key)
        calibrations, lacking = scenes.read_calibrations(self, parameters, context, [self.class_name])
        self.calibration = calibrations.get(self.class_name)
        for text in (*self.scene.warnings, self.epoch.warning, *lacking):
            if text:
                feedback.pushWarning(text)

    def work(self, parameters, context, feedback):
        """Detect, then write."""
        seen = [zone for zone in self.zones if self.visible[zone.zone_id] > 0]
        if not seen:
            raise Refusal(
                "INPUT shows nothing in {zones}: all of its pixels there are nodata; take another scene or other zones.",
                zones=self.zones_key,
            )
        found = self.finder.detect_together(self.scene, seen, bridge.progress(feedback, 0, 90))
        detections = counting.objects_once([part.detections for part in found], seen)
        detections = counting.with_p(detections, self.calibration, self.scene)
        rows = [
            {**tally.measure_row(zone.zone_id, self.class_name, value, unit, visible=self.visible[zone.zone_id]),
             "rules": rules(self.class_name, unit)}
            for zone, part in zip(seen, found)
            for unit, value in part.measures.items()
            if unit in schema.MEASURED
        ]  # fmt: skip
        self._tell(rows, found, detections, feedback)
        return {"FOUND": len(detections), **self._written(parameters, context, feedback, detections, rows)}

    def _tell(self, rows, found, detections, feedback):
        """What was found and what weakens it, in the log."""
        for warning in (text for part in found for text in part.warnings):
            feedback.pushWarning(warning)
        for row in rows:
            feedback.pushInfo(f"{row['zone_id']}: {tally.about(row['estimate'], row['low'], row['high'], row['unit'])}")
        feedback.pushInfo(
            self.tr("{} detections of {}. This is no tally yet: {} gives the number with its interval.").format(
                len(detections), self.class_name, "rason:tally" if self.sensor == "sar" else "rason:tallyscene"
            )
        )
        unseen = [zone.zone_id for zone in self.zones if not self.visible[zone.zone_id]]
        if unseen:
            feedback.pushWarning(self.tr("Not observed: {}.").format(", ".join(unseen)))

    def _written(self, parameters, context, feedback, detections, rows):
        """The outputs' ids."""
        same = {"scene": self.scene_name, "epoch": self.epoch.iso()}
        detector = f"rason {provenance.version()} {self.finder.name}"
        record = provenance.record(
            self.id(), parameters, provenance.fingerprint(self.scene.files, bridge.progress(feedback, 90, 95)),
            {**same, "class": self.class_name, "detector": detector, "sensor": self.sensor},
        )  # fmt: skip
        results = {
            "OUTPUT": outputs.write(
                self, parameters, "OUTPUT", context, schema.DETECTIONS,
                bridge.detection_rows(detections, status=schema.DETECTED, detector=detector, **same),
                geometries=bridge.rectangles(detections, self.scene.frame), crs=self.crs,
                style="detections", title=self.tr("Detections in {}").format(self.scene_name), record=record,
            )
        }  # fmt: skip
        if parameters.get("MEASURES"):
            results["MEASURES"] = outputs.write(
                self, parameters, "MEASURES", context, schema.TALLY, [{**row, **same} for row in rows],
                style="tally", title=self.tr("Measures of {}").format(self.scene_name), record=record,
            )  # fmt: skip
        return results
