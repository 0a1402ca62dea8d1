"""rason:compareepochs: two tallies of the same zones: is the difference real?"""

from __future__ import annotations

from dataclasses import replace

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
)

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, outputs, reports, scenes
from ..base import RasonAlgorithm
from ..lazy import np

changes, compare, epoch, provenance, shipped, tally = (
    lazy.engine(name) for name in ("changes", "compare", "epoch", "provenance", "shipped", "tally")
)

NEEDED = ("zone_id", "class", "epoch", "estimate", "low", "high", "level")


class CompareEpochs(RasonAlgorithm):
    """Two tallies (and their detections) in; comparison, changes and report out."""

    def name(self):
        """Fixed id."""
        return "compareepochs"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Compare two epochs")

    def tags(self):
        """Words to find it by."""
        return self.tr("compare,change,difference,before,after,significance,verdict").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Says for each zone whether the difference between two tallies is real or within the error.\n\nVerdicts, in this "
            "order: not observed; not comparable; increase or decrease (the 95 % interval of the difference excludes 0, and "
            "the false discovery rate over zones is at most 5 %); the same within d; no change shown, with the smallest change "
            "that could have been seen.\n\nTwo scenes are two days, not a trend. The order of the two tallies does not matter: "
            "they are sorted by epoch."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        for number, which in ((1, self.tr("first")), (2, self.tr("second"))):
            self.addParameter(
                scenes.with_help(
                    QgsProcessingParameterFeatureSource(
                        f"TALLY_{number}",
                        self.tr("Tally of the {} epoch").format(which),
                        [QgsProcessing.SourceType.TypeVector],
                    ),
                    self.tr("A tally table of one epoch, from Tally a scene or Tally detections or marks."),
                )
            )
        for number, which in ((1, self.tr("first")), (2, self.tr("second"))):
            self.addParameter(
                scenes.with_help(
                    QgsProcessingParameterFeatureSource(
                        f"DETECTIONS_{number}",
                        self.tr("Detections of the {} epoch").format(which),
                        [QgsProcessing.SourceType.TypeVectorAnyGeometry],
                        optional=True,
                    ),
                    self.tr(
                        "With the detections of both epochs, objects are matched: what appeared, disappeared and stayed."
                    ),
                )
            )
        self.addParameter(
            scenes.with_help(
                QgsProcessingParameterNumber("SAME_WITHIN", self.tr("Same within (share)"), QgsProcessingParameterNumber.Type.Double,
                                             0.5, minValue=0.05, maxValue=2.0),
                self.tr("The change that still counts as the same, chosen before looking: 0.5 means 50 %."),
                advanced=True,
            )
        )  # fmt: skip
        self.addParameter(
            scenes.with_help(
                QgsProcessingParameterNumber("SIGMA", self.tr("Registration error (m)"), QgsProcessingParameterNumber.Type.Double,
                                             1.0, minValue=0.0, maxValue=50.0),
                self.tr("Standard deviation of the shift that is left between the two scenes. Objects are matched within three "
                        "times this, or half their width; points within 5 m."),
                advanced=True,
            )
        )  # fmt: skip
        for parameter in scenes.interval_parameters(self.tr):
            if parameter.name() != "LEVEL":  # the tallies have theirs
                self.addParameter(parameter)
        self.addParameter(
            scenes.with_help(
                QgsProcessingParameterFeatureSink("COMPARISON", self.tr("Comparison"), QgsProcessing.SourceType.TypeVector),
                self.tr("Table: one row a zone, class and unit, with difference, interval and verdict."),
            )
        )
        self.addParameter(
            scenes.with_help(
                QgsProcessingParameterFeatureSink(
                    "CHANGES", self.tr("Changes"), QgsProcessing.SourceType.TypeVectorPolygon, optional=True,
                    createByDefault=False,
                ),
                self.tr("One rectangle an object, with what became of it. Needs both DETECTIONS."),
            )
        )  # fmt: skip
        self.addParameter(
            scenes.with_help(
                QgsProcessingParameterFileDestination(
                    "REPORT", self.tr("Report"), "HTML files (*.html)", optional=True, createByDefault=False
                ),
                self.tr("One self-contained page with the verdicts in words, the numbers and the provenance."),
            )
        )
        self.addOutput(QgsProcessingOutputNumber("INCREASES", self.tr("Number of increases")))
        self.addOutput(QgsProcessingOutputNumber("DECREASES", self.tr("Number of decreases")))

    def read(self, parameters, context, feedback):
        """Read and check everything, sorted by epoch; nothing is written yet."""
        self.warnings = []
        tallies = [self._tally(parameters, f"TALLY_{number}", context) for number in (1, 2)]
        self.order = sorted((0, 1), key=lambda i: tallies[i][0].utc)
        if self.order == [1, 0]:
            self.warnings.append(self.tr("TALLY_2 is the earlier epoch: the two were sorted."))
        self.epochs = [tallies[i][0] for i in self.order]
        self.rows = [tallies[i][1] for i in self.order]
        if self.epochs[0].iso() == self.epochs[1].iso():
            raise Refusal(
                self.tr("TALLY_1 and TALLY_2 are of the same epoch ({}). Choose two epochs.").format(self.epochs[0].iso())
            )
        if self.epochs[0].precision != self.epochs[1].precision:
            self.warnings.append(self.tr("The two dates are known to different precision ({} and {}).").format(
                *(e.precision for e in self.epochs)))  # fmt: skip
        classes = {row["class"] for rows in self.rows for row in rows}
        given = scenes.read_calibrations(self.parameterAsString(parameters, "CALIBRATION", context))
        self.comparisons = compare.compare(
            *self.rows, [*given.values(), *(shipped.shipped(name) for name in classes)],
            same_within=self.parameterAsDouble(parameters, "SAME_WITHIN", context),
            seed=self.parameterAsInt(parameters, "SEED", context),
        )  # fmt: skip
        self.sigma = self.parameterAsDouble(parameters, "SIGMA", context)
        self._read_detections(parameters, context)
        for warning in self.warnings:
            feedback.pushWarning(warning)

    def _tally(self, parameters, name, context):
        """The epoch and the rows of a tally table."""
        source = self.parameterAsSource(parameters, name, context)
        columns = {column.name: bridge.field_index(source.fields(), column.name) for column in schema.TALLY}
        missing = [key for key in NEEDED if columns[key] < 0]
        if missing:
            raise Refusal(self.tr("{} is no tally: it lacks the fields {}. Make one with Tally a scene.").format(
                name, ", ".join(missing)))  # fmt: skip
        rows = [{key: bridge.value(feature, index) for key, index in columns.items()} for feature in source.getFeatures()]
        if not rows:
            raise Refusal(self.tr("{} holds no rows. Make the tally again.").format(name))
        dates = sorted({str(row["epoch"] or "") for row in rows})
        if len(dates) > 1:
            raise Refusal(
                self.tr("{} holds more than one epoch ({}). Select the rows of one.").format(name, ", ".join(dates[:3]))
            )
        return epoch.read(dates[0], f"{name}: epoch"), rows

    def _read_detections(self, parameters, context):
        """Both epochs' objects in one metric frame, or None where they were not asked for."""
        names = [f"DETECTIONS_{i + 1}" for i in self.order]
        sources = [self.parameterAsSource(parameters, name, context) for name in names]
        self.detections = None
        if None in sources:
            if parameters.get("CHANGES") not in (None, ""):
                raise Refusal(self.tr("CHANGES needs DETECTIONS_1 and DETECTIONS_2. Give both, or leave CHANGES out."))
            return
        self.crs = sources[0].sourceCrs()
        self.frame = bridge.frame_of(sources[0] if sources[0].featureCount() else sources[1], names[0])
        self.detections = []
        for source, name, when in zip(sources, names, self.epochs):
            marks, texts = bridge.read_marks(source, self.frame, context, name)
            other = {text for text in texts["epoch"] if text and text != when.iso()}
            if other:
                raise Refusal(self.tr("{} is of {}, its tally of {}: give the detections of the same scene.").format(
                    name, sorted(other)[0], when.iso()))  # fmt: skip
            self.detections.append(marks)

    def work(self, parameters, context, feedback):
        """Write what was compared."""
        days = [when.iso() for when in self.epochs]
        told = [when.day() for when in self.epochs]
        if told[0] == told[1]:
            told = [when.label() for when in self.epochs]
        sentences = [c.sentence(*told, f"{c.class_name.replace('_', ' ')}s") for c in self.comparisons]
        rows = [
            {**c.row(), "epoch_1": days[0], "epoch_2": days[1], "note": text} for c, text in zip(self.comparisons, sentences)
        ]
        for text in sentences:
            feedback.pushInfo(text)
        record = provenance.record(self.id(), parameters, [])
        results = {
            "COMPARISON": outputs.write(
                self, parameters, "COMPARISON", context, schema.COMPARISON, rows,
                style="comparison", title=self.tr("Comparison of {} and {}").format(*days), record=record,
            )
        }  # fmt: skip
        feedback.setProgress(50)
        found = self._changes() if self.detections else None
        if found and parameters.get("CHANGES") not in (None, ""):
            results["CHANGES"] = self._write_changes(found, parameters, context, days, record)
        path = self.parameterAsFileOutput(parameters, "REPORT", context)
        if path:
            outputs.write_report(self._report(rows, sentences, parameters, found), path)
            results["REPORT"] = path
        verdicts = [row["verdict"] for row in rows]
        return {**results, "INCREASES": verdicts.count(compare.INCREASE), "DECREASES": verdicts.count(compare.DECREASE)}

    def _report(self, rows, sentences, parameters, found):
        shown = [{**row, **_ends(c)} for row, c in zip(rows, self.comparisons)]
        drawn = replace(found, detections=_with_size(found.detections)) if found else None
        counts = [text for c, text in zip(self.comparisons, sentences) if c.unit == "objects"]
        return reports.of_comparison(self, shown, counts or sentences, parameters, [], self.epochs, drawn)

    def _changes(self):
        """What became of each object."""
        unseen = [
            {
                row["zone_id"]
                for row in rows
                if row["estimate"] is None or (row["visible_fraction"] or 0) < tally.LEAST_VISIBLE
            }
            for rows in self.rows
        ]
        return changes.changes(*self.detections, *unseen, sigma_m=self.sigma)

    def _write_changes(self, found, parameters, context, days, record):
        rows = bridge.detection_rows(found.detections, status=schema.DETECTED)
        for i, row in enumerate(rows):
            row.update(change=found.change[i], match_id=found.match_id[i], epoch=days[int(found.epoch[i]) - 1])
        return outputs.write(
            self, parameters, "CHANGES", context, schema.CHANGES, rows,
            geometries=bridge.rectangles(_with_size(found.detections), self.frame),
            crs=QgsCoordinateReferenceSystem.fromWkt(self.frame.scene_wkt) if not self.crs.isValid() else self.crs,
            style="changes", title=self.tr("Changes from {} to {}").format(*days), record=record,
        )  # fmt: skip


def _with_size(detections):
    """Points drawn as squares of a metre, so that they can be seen."""
    point = detections.length_m == 0
    return detections.with_(
        length_m=np.where(point, 1.0, detections.length_m), width_m=np.where(point, 1.0, detections.width_m)
    )


def _ends(comparison):
    """Both epochs' own intervals, which the report shows beside the estimates."""
    pairs = ((1, comparison.first), (2, comparison.second))
    return {f"{end}_{number}": row[end] if row else None for number, row in pairs for end in ("low", "high")}
