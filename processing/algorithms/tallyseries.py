"""rason:tallyseries: many tallies in order of time: trend, changes of level, looks that stand out, beside what was reported."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
)

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, charts, lazy, outputs, published, reports, scenes
from ..base import RasonAlgorithm

chart, looks, pages, provenance, summary = (
    lazy.engine(name) for name in ("series.chart", "series.looks", "series.report", "provenance", "series.summary")
)
NEEDED = ("zone_id", "class", "epoch", "estimate", "low", "high")
KIND = QgsProcessing.SourceType


class TallySeries(RasonAlgorithm):
    """Any number of tallies in; looks, summary, chart and report out."""

    group_id = "comparing"

    def name(self):
        """Fixed id."""
        return "tallyseries"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Tally series")

    def tags(self):
        """Words to find it by."""
        return self.tr("series,trend,time,change point,alert,chart,mann-kendall,history").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Puts any number of tallies in order of time and says how the counts move.\n\n"
            "A series is one zone, class and unit, counted in one way: numbers that rest on another calibration, another sensor or on a "
            "person's count have other errors and make a series of their own. Looks that saw too little stay in the chart as gaps and are "
            "in no statistic.\n\n"
            "Trend: Mann-Kendall and Theil-Sen, with quasi-Poisson growth a year, from six looks; it is put in words only with five looks "
            "in each half of the time. Changes of level: from twelve looks, each with the interval of its date. Alerts: looks outside the "
            "band that the earlier ones predict, at most as often by chance as ALERTS_PER_YEAR says, over all series together.\n\n"
            "Reported activity and events are drawn beside the counts. They are other people's numbers, in no statistic; totals over a "
            "stretch of time are listed, as no panel of counts can show them."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr = self.tr
        for parameter in (
            scenes.with_help(
                QgsProcessingParameterMultipleLayers("TALLIES", tr("Tallies"), KIND.TypeVector),
                tr("Tally tables, each of one epoch or of several; hand counts may be among them."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSource("REPORTED", tr("Reported activity"), [KIND.TypeVector], optional=True),
                tr("Table of published numbers with fields date_from, object_class and number, such as reported_activity of the "
                   "reference layers."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSource("EVENTS", tr("Events"), [KIND.TypeVector], optional=True),
                tr("Table of dated events with fields date_from and title, such as events of the reference layers."),
            ),
            scenes.with_help(
                QgsProcessingParameterNumber("ALERTS_PER_YEAR", tr("False alerts a year"), QgsProcessingParameterNumber.Type.Double,
                                             1.0, minValue=0.01, maxValue=50.0),
                tr("How many false alerts you accept in a year, over all zones and classes together. Fewer make the bands wider."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSink("OUTPUT", tr("Series"), KIND.TypeVector),
                tr("Table: one row a look and series, with the band that earlier looks predict."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSink("SUMMARY", tr("Summary"), KIND.TypeVector, optional=True, createByDefault=True),
                tr("Table: one row a series, with its trend and what can be said in words."),
            ),
            scenes.with_help(
                QgsProcessingParameterFileDestination(
                    "CHART", tr("Chart"), "SVG files (*.svg);;PNG files (*.png)", optional=True, createByDefault=False
                ),
                tr("The first twelve series over one axis of time, as SVG or PNG."),
            ),
            scenes.with_help(
                QgsProcessingParameterFileDestination(
                    "REPORT", tr("Report"), "HTML files (*.html)", optional=True, createByDefault=False
                ),
                tr("One self-contained page with the sentences, the chart and the provenance."),
            ),
        ):  # fmt: skip
            self.addParameter(parameter)
        for key, text in (
            ("LOOKS", tr("Looks that were observed")),
            ("CHANGES", tr("Changes of level")),
            ("ALERTS", tr("Looks outside their band")),
        ):
            self.addOutput(QgsProcessingOutputNumber(key, text))

    def read(self, parameters, context, feedback):
        """Read and check everything; nothing is written yet."""
        self.warnings = []
        layers = bridge.tables(self, parameters, "TALLIES", context)
        if not layers:
            raise Refusal(self.tr("TALLIES is empty. Give the tally tables of two or more epochs."))
        rows = [row for layer in layers for row in self._rows(layer)]
        self.synthetic = any(str(row.get("note") or "").startswith(reports.SYNTHETIC) for row in rows)
        self.series = looks.series_of(rows)
        if len({e.iso() for s in self.series for e, seen in zip(s.epochs, s.observed) if seen}) < 2:
            raise Refusal(self.tr("TALLIES hold fewer than two observed epochs. Add tallies of other days."))
        precisions = sorted({epoch.precision for s in self.series for epoch in s.epochs})
        if len(precisions) > 1:
            self.warnings.append(
                self.tr("The dates are known to different precision ({}): a day or month stands at its middle.").format(
                    ", ".join(precisions)
                )
            )
        self.reported = published.reported(self, parameters, "REPORTED", context)
        self.events = published.events(self, parameters, "EVENTS", context)
        for text in self.warnings:
            feedback.pushWarning(text)

    def _rows(self, layer):
        """The rows of one tally table, with the sensor where it names one."""
        columns = {column.name: bridge.field_index(layer.fields(), column.name) for column in schema.TALLY}
        columns["sensor"] = bridge.field_index(layer.fields(), "sensor")
        missing = [key for key in NEEDED if columns[key] < 0]
        if missing:
            raise Refusal(self.tr("TALLIES: {} is no tally: it lacks the fields {}. Make one with Tally a scene.").format(
                layer.name(), ", ".join(missing)))  # fmt: skip
        return [{key: bridge.value(feature, index) for key, index in columns.items()} for feature in layer.getFeatures()]

    def work(self, parameters, context, feedback):
        """Judge, then write."""
        judged = summary.judge(self.series, self.parameterAsDouble(parameters, "ALERTS_PER_YEAR", context))
        feedback.setProgress(50)
        record = provenance.record(self.id(), parameters, [])
        told = _told(judged)
        for one in told:
            feedback.pushInfo(" ".join(one.sentences()))
        rows = [row for one in judged for row in one.look_rows()]
        summaries = [one.summary_row() for one in judged]
        results = {
            "OUTPUT": outputs.write(self, parameters, "OUTPUT", context, schema.SERIES, rows,
                                    style="series", title=self.tr("Series"), record=record),
        }  # fmt: skip
        if parameters.get("SUMMARY") not in (None, ""):
            results["SUMMARY"] = outputs.write(self, parameters, "SUMMARY", context, schema.SERIES_SUMMARY, summaries,
                                               style="series_summary", title=self.tr("Summary of the series"), record=record)  # fmt: skip
        drawn = chart.chart(judged, self.reported, self.events)
        for key, write in (("CHART", lambda path: charts.write(drawn, path)),
                           ("REPORT", lambda path: outputs.write_report(self._report(judged, summaries, drawn, parameters), path))):  # fmt: skip
            path = self.parameterAsFileOutput(parameters, key, context)
            if path:
                write(path)
                results[key] = path
        return {
            **results,
            "LOOKS": sum(int(s.observed.sum()) for s in self.series),
            "CHANGES": sum(len(one.changes) for one in judged),
            "ALERTS": sum(int(one.bands.alert.sum()) for one in judged),
        }

    def _report(self, judged, summaries, drawn, parameters):
        tr = self.tr
        days = sorted(epoch.day() for s in self.series for epoch in s.epochs)
        given = {key: str(value) for key, value in parameters.items() if value is not None}
        return pages.SeriesReport(
            title=tr("Series of tallies"),
            epoch=tr("{} to {}").format(days[0], days[-1]),
            headlines=[" ".join(one.sentences()) for one in _told(judged)],
            rows=summaries,
            rules=[
                tr("A series is one zone, class and unit counted in one way; other calibrations, sensors and hand counts are series of "
                   "their own."),
                tr("Looks a few days apart resemble each other: the trend's p is raised for it where neighbouring looks agree, though not "
                   "enough where they agree nearly always."),
            ],
            warnings=self.warnings,
            provenance={"Algorithm": self.id(), "Rason": provenance.version(), **given},
            credit=tr("No imagery is shown."),
            synthetic=self.synthetic,
            chart=drawn,
            told=tuple(r.text for r in self.reported if not r.drawn),
        )  # fmt: skip


def _told(judged):
    """The series that are put in words: the counts, where there are any; lengths, areas and shares stand in the tables."""
    counts = [one for one in judged if one.series.unit == "objects"]
    return counts or judged
