"""rason:accuracy: detections beside the truth."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFileDestination,
)

from ...layers import schema
from .. import labels, lazy, outputs, scenes
from ..base import RasonAlgorithm

figures, pages, provenance, words = (
    lazy.engine(name) for name in ("accuracy", "accuracy_report", "provenance", "conditions")
)
MOST_ZONES = 200  # rows of single zones in the report; the table has all


class Accuracy(RasonAlgorithm):
    """Detections and truth in; table and report out."""

    group_id = "trust"

    def name(self):
        """Fixed id."""
        return "accuracy"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Accuracy of detections")

    def tags(self):
        """Words to find it by."""
        return self.tr("precision,recall,f1,average precision,truth,validation,error,evaluation").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Sets detections beside the truth and says how good they are: precision, recall, F1, average precision, and the "
            "error of the count, over all, by scene, by zone, by length and by how the scenes were taken.\n\n"
            "Each detection, the surest first, takes the true object that it overlaps most. What touches a true object that is "
            "taken already is a double, the rest is false; both lower precision. Count error, WAPE and worst tenth are of the "
            "bare number of detections, as a tally corrects it only later.\n\n"
            "Labels on which a detector was tuned say nothing about how it does elsewhere."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, add = self.tr, self.addParameter
        zones = tr(
            "Polygons or track lines that were labelled to the end, empty ones too, with field scene where there are several. "
            "Left empty, all of each scene counts as one zone."
        )
        for parameter in labels.parameters(tr, zones, zones_optional=True):
            add(parameter)
        add(
            scenes.with_help(
                QgsProcessingParameterFeatureSink("OUTPUT", tr("Accuracy"), QgsProcessing.SourceType.TypeVector),
                tr("Table: one row a class and group, with counts, precision, recall and errors."),
            )
        )
        add(
            scenes.with_help(
                QgsProcessingParameterFileDestination(
                    "REPORT", tr("Report"), "HTML files (*.html)", optional=True, createByDefault=False
                ),
                tr(
                    "One self-contained page with the figures and plots: precision over recall, counts, recall by condition."
                ),
            )
        )
        for key, text in (
            ("PRECISION", tr("Precision of all classes together")),
            ("RECALL", tr("Recall")),
            ("F1", tr("F1")),
            ("COUNT_ERROR", tr("Count error: (found - true) / true")),
        ):
            self.addOutput(QgsProcessingOutputNumber(key, text))

    def read(self, parameters, context, feedback):
        """Read and match everything; nothing is written yet."""
        self.labelled = labels.read(self, parameters, context, feedback)
        for text in self.labelled.warnings:
            feedback.pushWarning(text)

    def work(self, parameters, context, feedback):
        """Figures, then write."""
        rows = {name: self._rows(name, places) for name, places in sorted(self.labelled.places.items())}
        everything = [row for of in rows.values() for row in of]
        for name, of in rows.items():
            feedback.pushInfo(_sentence(name, of[0]))
        record = provenance.record(self.id(), parameters, [])
        results = {
            "OUTPUT": outputs.write(
                self, parameters, "OUTPUT", context, schema.ACCURACY, everything,
                style="accuracy", title=self.tr("Accuracy"), record=record,
            )
        }  # fmt: skip
        path = self.parameterAsFileOutput(parameters, "REPORT", context)
        if path:
            outputs.write_report(self._report(rows, parameters), path)
            results["REPORT"] = path
        total = figures.figures([place for places in self.labelled.places.values() for place in places])
        keys = {"PRECISION": "precision", "RECALL": "recall", "F1": "f1", "COUNT_ERROR": "count_error"}
        return {**results, **{key: getattr(total, name) for key, name in keys.items()}}

    def _rows(self, name, places):
        """All places of a class together, then by scene, zone, condition and length."""
        rows = [_row(name, "all", self.tr("all"), places)]
        scenes_ = sorted({place.scene for place in places})
        if len(scenes_) > 1:
            rows += [_row(name, "scene", s, [p for p in places if p.scene == s]) for s in scenes_]
        if len(places) > len(scenes_):
            rows += [_row(name, "zone", p.zone if len(scenes_) == 1 else f"{p.scene}, {p.zone}", [p]) for p in places]
        for key, (word, unit) in words.WORDS.items():
            known = {s: getattr(self.labelled.taken[s], key) for s in scenes_}
            if key == "sensor":
                groups = [
                    (sensor, [p for p in places if known[p.scene] == sensor]) for sensor in sorted(set(known.values()))
                ]
                groups = [(sensor, of) for sensor, of in groups if sensor] if len(groups) > 1 else []
            else:
                groups = figures.binned({s: value for s, value in known.items() if value is not None}, places)
            rows += [_row(name, word, f"{label}{unit}", of) for label, of in groups]
        for label, true, found in figures.by_length(places):
            low, high = figures.wilson(found, true)
            rows.append({
                **dict.fromkeys(schema.names(schema.ACCURACY)), "class": name, "group_by": "length", "name": label, "places": len(places),
                "true_objects": true, "found": found, "hits": found, "missed": true - found,
                "recall": found / true, "recall_low": low, "recall_high": high,
            })  # fmt: skip
        return rows

    def _report(self, rows, parameters):
        tr = self.tr
        given = {key: str(value) for key, value in parameters.items() if value is not None}
        shown = [row for of in rows.values() for row in _shortened(of)]
        plots = [
            plot
            for name, places in sorted(self.labelled.places.items())
            for plot in pages.plots_of(name, places, rows[name], self._p(name))
        ]
        return pages.AccuracyReport(
            title=tr("Accuracy of detections"),
            epoch=tr("{} scenes").format(len({p.scene for of in self.labelled.places.values() for p in of})),
            headlines=[_sentence(name, of[0]) for name, of in rows.items()],
            rows=shown,
            rules=[
                tr("Hit: a detection with a true object of its own, the surest first. Double: touches one that is taken."),
                tr("Count error: (found - true) / true. WAPE: the zones' absolute errors over the true number."),
                tr("Worst tenth: mean relative error of the tenth of the zones where it is largest."),
            ],
            warnings=self.labelled.warnings,
            provenance={"Algorithm": self.id(), "Rason": provenance.version(), **given},
            credit=tr("No imagery is shown."),
            synthetic=self.labelled.synthetic,
            caption=tr("Ranges are 90 % intervals, as if objects were independent; scenes differ by more than that."),
            plots=plots,
        )

    def _p(self, name):
        p, hit = self.labelled.p[name]
        return (p, hit) if len(p) and p.min() < p.max() else None


def _row(name, group, label, places):
    made = figures.figures(places)
    ends = {f"{key}_{end}": value for key in ("precision", "recall")
            for end, value in zip(("low", "high"), getattr(made, f"{key}_ends") or (None, None))}  # fmt: skip
    return {
        "class": name, "group_by": group, "name": label, "places": made.places,
        "true_objects": made.true, "found": made.found, "hits": made.hits, "doubles": made.doubles,
        "false_ones": made.false, "missed": made.missed,
        "precision": made.precision, "recall": made.recall, "f1": made.f1, "average_precision": made.ap,
        "count_error": made.count_error, "wape": made.wape, "worst_decile": made.worst_decile, **ends,
    }  # fmt: skip


def _shortened(rows):
    """The report's rows: single zones only while they can be read."""
    zones = [row for row in rows if row["group_by"] == "zone"]
    return [row for row in rows if row["group_by"] != "zone" or len(zones) <= MOST_ZONES]


def _sentence(name, row):
    """The figures of a class in one sentence."""
    parts = [f"{key} {row[key]:.2f}" for key in ("precision", "recall", "f1") if row[key] is not None]
    error = "" if row["count_error"] is None else f"; count error {100 * row['count_error']:+.0f} %".replace("-", "−")
    return f"{name.replace('_', ' ')}: {row['true_objects']} true, {row['found']} found; {', '.join(parts)}{error}."
