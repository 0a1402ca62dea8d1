"""rason:estimatefromreview: from the cells that a person has looked at to the number in all of them."""

from __future__ import annotations

from collections import Counter

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
)

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, marks, outputs, reviews, scenes
from ..base import RasonAlgorithm
from ..lazy import np

calibration, provenance, rules, totals, zones = (
    lazy.engine(name) for name in ("calibration", "provenance", "rules", "review.total", "zones")
)

ALL = "all zones"


class EstimateFromReview(RasonAlgorithm):
    """Cells with counts in; tally out."""

    group_id = "reviewing"

    def name(self):
        """Fixed id."""
        return "estimatefromreview"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Estimate from review")

    def tags(self):
        """Words to find it by."""
        return self.tr("review,sample,total,estimate,interval,hand count").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Says from the cells that you have looked at how many objects there are in all zones, as a tally of basis reviewed, which "
            "Compare epochs and Tally series take.\n\n"
            "The detector's total is corrected by the errors you found, each weighted by the cell's chance of being drawn. That total is "
            "right on average whatever the detector is worth; a poor one only makes the interval wide. Cells behind the first open one "
            "are left out, since which cells get done must not depend on what is in them.\n\n"
            "Zones with fewer than three cells looked at count in the total only.\n\n"
            "The interval also holds the spread between people, of whom nine counted 880 to 1,182 objects on one picture; the note says "
            "the interval without it, which is of what you would count in all cells. It never goes below what you have seen."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, kind, number = self.tr, QgsProcessing.SourceType, QgsProcessingParameterNumber
        source = QgsProcessingParameterFeatureSource
        for parameter in (
            scenes.with_help(
                source("REVIEWS", tr("Cells looked at"), [kind.TypeVectorPolygon]),
                tr("The layer of Sample cells for review, with seen and done filled in."),
            ),
            scenes.with_help(
                source("MARKS", tr("Objects in the cells"), [kind.TypeVectorAnyGeometry], optional=True),
                tr("Your marks, or the reviewed detections, in place of the numbers in seen: in done cells every object counts that is not "
                   "rejected and whose centre lies in the cell. Detections there must be accepted, rejected or added."),
            ),
            scenes.with_help(
                number("PEOPLE", tr("Spread between people"), number.Type.Double, 0.1, minValue=0.0, maxValue=1.0),
                tr("Relative spread (sd) of what different people count on one picture; half as much again upwards, because they miss the "
                   "same hard objects. 0: the interval is of what you alone would count."),
                advanced=True,
            ),
            scenes.with_help(
                number("LEVEL", tr("Level of the intervals"), number.Type.Double, 0.9, minValue=0.5, maxValue=0.999),
                tr("Probability that the interval is made for; 0.9 means that nine of ten such intervals hold the true number."),
                advanced=True,
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSink("OUTPUT", tr("Tally"), kind.TypeVector),
                tr("Table: a row for each zone that was looked at enough, and one for all zones together. Do not add them."),
            ),
        ):  # fmt: skip
            self.addParameter(parameter)
        for key, text in (
            ("TOTAL", tr("Total of all zones")),
            ("TOTAL_LOW", tr("Lower end of the total")),
            ("TOTAL_HIGH", tr("Upper end of the total")),
            ("LOOKED", tr("Cells looked at that count")),
        ):
            self.addOutput(QgsProcessingOutputNumber(key, text))

    def read(self, parameters, context, feedback):
        """Read and check everything; nothing is written yet."""
        source = self.parameterAsSource(parameters, "REVIEWS", context)
        rows = reviews.rows_of(source, "REVIEWS")
        done = [row for row in rows if row["done"]]
        self.looked = reviews.looked_at(rows, "REVIEWS")
        if len(self.looked) < len(done):
            feedback.pushWarning(
                self.tr("Cell {} is still open: the {} done cells behind it do not count until it is done.").format(
                    rows[len(self.looked)]["cell_id"], len(done) - len(self.looked)
                )
            )
        if len(self.looked) < totals.LEAST_CELLS:
            raise Refusal(
                self.tr(
                    "REVIEWS: {} cells are done from the first on, three are needed and twenty make a useful interval."
                ).format(len(self.looked))
            )
        self.epoch = marks.only([str(row["epoch"] or "") for row in rows], "epoch", "REVIEWS")
        self.scene = marks.only([str(row["scene"] or "") for row in rows], "scene", "REVIEWS")
        self._count(parameters, context, source, feedback)
        empty = [row["cell_id"] for row in self.looked if row["seen"] is None]
        if empty:
            raise Refusal(
                self.tr("REVIEWS: seen is empty in the done cells {}. Fill in the number, 0 where there is nothing.").format(
                    ", ".join(map(str, empty[:5]))
                )
            )

    def _count(self, parameters, context, source, feedback):
        """Fill in seen from MARKS."""
        layer = self.parameterAsSource(parameters, "MARKS", context)
        if layer is None:
            return
        frame = bridge.frame_of(source, "REVIEWS")
        found, texts = bridge.read_marks(layer, frame, context, "MARKS", rejected=True)
        mine = self._mine(found, texts, bridge.field_index(layer.fields(), "class") >= 0, feedback)
        polygons = bridge.read_polygons(
            bridge.Part(source, source.getFeatures()), frame, context, feedback, "REVIEWS", ("rank",)
        )
        shapes = {int(float(text["rank"])): zones.Zone(text["rank"], "area", shape) for shape, text in polygons}
        open_ones = np.array([text == schema.DETECTED for text in texts["status"]], bool)
        other = []
        for row in self.looked:
            inside = mine & shapes[int(row["rank"])].holds(found.x, found.y)
            if (inside & open_ones).any():
                raise Refusal(
                    self.tr("MARKS: cell {} is done, but {} detections in it are neither accepted nor rejected.").format(
                        row["cell_id"], int((inside & open_ones).sum())
                    )
                )
            if row["seen"] not in (None, float(inside.sum())):
                other.append(str(row["cell_id"]))
            row["seen"] = float(inside.sum())
        if other:
            feedback.pushWarning(
                self.tr("MARKS are counted, though seen says another number in the cells {}.").format(", ".join(other[:5]))
            )
        if not any(row["seen"] for row in self.looked) and mine.any():
            feedback.pushWarning(self.tr("None of MARKS lies in a done cell. Check that the layers show the same place."))

    def _mine(self, found, texts, has_class, feedback):
        """Which marks are of the class and scene of the review and not rejected; refuses a layer that is of something else."""
        name = self.looked[0]["class"]
        scene = np.array(texts["scene"], object)
        here = np.isin(scene, ["", self.scene]) if self.scene else np.ones(len(found), bool)
        mine = here & ((found.class_name == name) if has_class else True)
        if len(found) and not mine.any():
            raise Refusal(
                self.tr("MARKS hold no {} of {}, but {} of {}. Give the marks of the scene that was reviewed.").format(
                    name, self.scene or self.tr("the scene"),
                    ", ".join(sorted({*found.class_name})[:3]) if has_class else self.tr("objects"),
                    ", ".join(sorted({*scene} - {""})[:3]) or self.tr("no named scene"),
                )
            )  # fmt: skip
        if not here.all():
            feedback.pushInfo(self.tr("{} marks of other scenes are left out.").format(int((~here).sum())))
        return mine & (np.array(texts["status"], object) != schema.REJECTED)

    def work(self, parameters, context, feedback):
        """Estimate, say, write."""
        level = self.parameterAsDouble(parameters, "LEVEL", context)
        people = self.parameterAsDouble(parameters, "PEOPLE", context)
        column = {key: np.array([float(row[key]) for row in self.looked]) for key in ("chance", "expected", "seen")}
        looked = totals.Looked(**column)
        zone_of = np.array([row["zone_id"] for row in self.looked], object)
        first = self.looked[0]
        places = [(ALL, np.ones(len(zone_of), bool), first["all_expected"], int(first["all_cells"]))]
        for zone, number in Counter(zone_of).items():
            row = next(row for row in self.looked if row["zone_id"] == zone)
            enough = number >= min(totals.LEAST_CELLS, row["zone_cells"])
            if enough and row["zone_cells"] < row["all_cells"]:
                places.append((zone, zone_of == zone, row["zone_expected"], int(row["zone_cells"])))
        if places[1:] == [] and first["zone_cells"] == first["all_cells"]:
            places = [(first["zone_id"], *places[0][1:])]
        rows, whole = [], None
        for zone, here, expected, cells in places:
            total = totals.total(looked, here, expected, cells, level=level, people_sd=people)
            whole = whole or total
            rows.append(self._row(zone, total, int(here.sum()), expected, cells, level))
        feedback.pushInfo(self._said(whole, level))
        output = outputs.write(
            self, parameters, "OUTPUT", context, schema.TALLY, [*rows[1:], rows[0]], style="tally", title=self.tr("Tally"),
            record=provenance.record(self.id(), parameters, []),
        )  # fmt: skip
        return {
            "OUTPUT": output, "TOTAL": whole.estimate, "TOTAL_LOW": whole.low, "TOTAL_HIGH": whole.high, "LOOKED": len(self.looked),
        }  # fmt: skip

    def _row(self, zone, total, looked, expected, cells, level):
        name = self.looked[0]["class"]
        note = self.tr("{} of {} cells looked at; {} to {} without the spread between people").format(
            looked, cells, *total.sampled
        )
        return {
            "zone_id": zone, "class": name, "scene": self.scene, "epoch": self.epoch, "detected": expected,
            "estimate": total.estimate, "low": total.low, "high": total.high, "level": level, "visible_fraction": 1.0,
            "basis": calibration.REVIEWED, "unit": "objects", "exposure": None, "calibration": totals.ESTIMATED,
            "rules": rules.rules(name, "objects", by_hand=True),
            "note": note + (self.tr("; all zones together, not to be added to theirs") if zone == ALL else ""),
        }  # fmt: skip

    def _said(self, whole, level):
        first = self.looked[0]
        said = self.tr("{} of {} cells looked at: about {}, {} to {} ({} to {} without the spread between people).").format(
            len(self.looked), int(first["all_cells"]), whole.estimate, whole.low, whole.high, *whole.sampled
        )
        ends = [first[key] for key in ("before_low", "before_high", "before_level")]
        if None in ends or float(ends[2]) != level:
            return said
        before, after = ends[1] - ends[0], whole.high - whole.low
        word = self.tr("shrank") if after < before else self.tr("went")
        return f"{said} " + self.tr("The interval {} from {:.0f} to {:.0f} (the detector's tally) to {} to {}.").format(
            word, ends[0], ends[1], whole.low, whole.high
        )
