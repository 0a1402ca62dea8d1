"""rason:calibrate: labelled scenes into a calibration."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
)

from .. import labels, lazy, outputs, scenes
from ..base import RasonAlgorithm

calibrating, calibration, words = (lazy.engine(name) for name in ("calibrating", "calibration", "conditions"))


class Calibrate(RasonAlgorithm):
    """Detections, truth and zones in; a calibration file out."""

    group_id = "trust"

    def name(self):
        """Fixed id."""
        return "calibrate"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Calibrate a detector")

    def tags(self):
        """Words to find it by."""
        return self.tr("calibration,recall,precision,probability,interval,review,labels").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Learns from labelled scenes how far a detector's counts can be trusted, for CALIBRATION of the other algorithms: "
            "recall, doubles and false detections on empty ground with their spread from scene to scene, the conditions under "
            "which the scenes were taken, and, from 30 labelled detections on, a curve from score to probability.\n\n"
            "Label zones to the end, and empty zones too: without them nothing is known of false detections on empty ground. "
            "Fewer than three scenes with objects leave intervals uncalibrated; so does a site with fewer than five labelled "
            "scenes, unless five other sites are in the file. Scenes taken under other conditions than these widen the "
            "interval.\n\nInstead of TRUTH a finished review does: DETECTIONS with every status accepted, rejected or added. ZONES may then be the "
            "cells of Sample cells for review: only the done ones count, each for the cells it was drawn for, and only in them must the "
            "review be finished.\n\n"
            "A tally also says where a scene's scores are unlike the labelled ones', and widens. This alarm is weak: in simulation it "
            "speaks in 11 % of scenes whose recall fell by .15 and in 33 to 42 % where it fell by .30, and in 5 % of unchanged ones "
            "(bench/score_alarm.py)."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, add = self.tr, self.addParameter
        zones = tr(
            "Polygons or track lines that were labelled to the end, empty ones too. Fields scene and site say which scene and "
            "place they belong to."
        )
        for parameter in labels.parameters(tr, zones, zones_optional=False):
            add(parameter)
        add(
            scenes.with_help(
                QgsProcessingParameterString("SITE", tr("Site"), optional=True),
                tr("Name of the site of all scenes, where ZONES and TRUTH have no field site."),
            )
        )
        add(
            scenes.with_help(
                QgsProcessingParameterString("SOURCE", tr("Source of the labels"), optional=True),
                tr("Who labelled what, and under which licence: it is kept in the file."),
                advanced=True,
            )
        )
        add(
            scenes.with_help(
                QgsProcessingParameterBoolean("SYNTHETIC", tr("The scenes are simulated"), defaultValue=False),
                tr("Simulated labels never make an interval calibrated, and their p is shown as p_sim."),
                advanced=True,
            )
        )
        add(
            scenes.with_help(
                QgsProcessingParameterFileDestination("OUTPUT", tr("Calibration"), "Calibration files (*.json)"),
                tr("The calibration, one entry a class: text that can be read, mailed and kept with the project."),
            )
        )
        for key, text in (
            ("RECALL", tr("Recall of all classes together")),
            ("PRECISION", tr("Precision")),
            ("SCENES", tr("Labelled scenes")),
            ("LABELS", tr("Labelled detections")),
        ):
            self.addOutput(QgsProcessingOutputNumber(key, text))

    def read(self, parameters, context, feedback):
        """Read and match everything; nothing is written yet."""
        self.labelled = labels.read(self, parameters, context, feedback, weighted=True)
        site = self.parameterAsString(parameters, "SITE", context).strip()
        self.sites = {scene: self.labelled.sites.get(scene) or site for scene in self.labelled.taken}
        self.source = self.parameterAsString(parameters, "SOURCE", context).strip()
        self.synthetic = self.labelled.synthetic or self.parameterAsBoolean(parameters, "SYNTHETIC", context)
        self.path = self.parameterAsFileOutput(parameters, "OUTPUT", context)

    def work(self, parameters, context, feedback):
        """Calibrate class by class, say what comes out, write."""
        made = {}
        for name, places in sorted(self.labelled.places.items()):
            made[name] = calibrating.calibration_of(
                name, places, self.labelled.taken,
                unit=self.labelled.units[name], sites=self.sites, source=self.source, synthetic=self.synthetic,
            )  # fmt: skip
            for line in self._said(name, made[name], places):
                feedback.pushInfo(line)
        warnings = [*self.labelled.warnings, *(text for one in made.values() for text in self._weak(one))]
        for text in warnings:
            feedback.pushWarning(text)
        outputs.write_text(calibration.dump(list(made.values())) + "\n", self.path)
        tp, fn, other = (
            sum(float(getattr(one, key).sum()) for one in made.values() for key in keys)
            for keys in (["tp"], ["fn"], ["dup", "bg"])
        )
        return {
            "OUTPUT": self.path,
            "RECALL": tp / (tp + fn) if tp + fn else None,
            "PRECISION": tp / (tp + other) if tp + other else None,
            "SCENES": max(len(one.tp) for one in made.values()),
            "LABELS": sum(len(place.score) for places in self.labelled.places.values() for place in places),
        }

    def _said(self, name, made, places):
        """Recall, precision and their spread, in sentences."""
        tr, seen = self.tr, calibrating.spread(made, places, self.labelled.taken)
        unit = tr("km of track") if made.exposure_unit == "km" else tr("ha")
        yield tr("{}: {} scenes, {} true objects, {:.3g} {} of ground, {} zones of it empty.").format(
            name,
            len(made.tp),
            sum(len(p.length_m) for p in places),
            made.exposure.sum(),
            unit,
            sum(p.true == 0 for p in places),
        )
        for word, value in ((tr("recall"), seen.recall), (tr("precision"), seen.precision)):
            if value:
                yield tr("{}: {} {:.2f}, {:.2f} to {:.2f}.").format(name, word, *value)
        if seen.scene_sd:
            yield tr("{}: the number per detection varies between scenes by {:.0%} (sd; {:.0%} to {:.0%}).").format(
                name, *seen.scene_sd
            )
        else:
            yield tr("{}: fewer than three scenes with objects show no spread between scenes.").format(name)
        yield tr("{}: {:.3g} false detections per {} of ground.").format(
            name, made.bg.sum() / max(made.exposure.sum(), 1e-9), "km" if made.exposure_unit == "km" else "ha"
        )
        for key, span in made.conditions.items():
            word, mark = words.WORDS[key]
            yield tr("{}: holds for {} {:.3g} to {:.3g}{}.").format(name, word, *span, mark)
        if made.model:
            kind = tr("isotonic") if len(made.model.knots) else tr("logistic")
            yield tr("{}: {} from {} labels ({} curve on {}).").format(
                name, made.model.kind, made.model.labels, kind, ", ".join(made.model.names)
            )
            if seen.brier:
                yield tr("{}: mean squared error of p in scenes left out {:.3f}; of one p for all {:.3f}.").format(
                    name, *seen.brier
                )
        else:
            yield tr("{}: no curve from score to p: it takes 30 labelled detections, three of them false.").format(name)

    def _weak(self, made):
        """What keeps intervals uncalibrated."""
        tr, name = self.tr, made.class_name
        if made.scenes_with_objects < 3:
            yield tr("{}: {} labelled scenes with three objects or more. Tallies stay uncalibrated below three.").format(
                name, made.scenes_with_objects
            )
        elif not made.site:
            yield tr("{}: no site is named, so every tally counts as one of a new site. Fill field site, or SITE.").format(
                name
            )
        if not (made.bg[made.tp + made.fn == 0].size or made.exposure.sum() > 0):
            yield tr("{}: no ground was looked at.").format(name)
        if self.synthetic:
            yield tr("{}: the labels are synthetic. Tallies stay uncalibrated.").format(name)
