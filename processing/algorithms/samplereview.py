"""rason:samplereview: which cells a person should look at, so that a few of them say how many objects there are in all."""

from __future__ import annotations

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsGeometry,
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsWkbTypes,
)

from ...engine import classes
from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, marks, outputs, reviews, scenes
from ..base import RasonAlgorithm
from ..lazy import np

cells, counting, provenance, tallying, ground = (
    lazy.engine(name) for name in ("review.cells", "counting", "provenance", "tallying", "zones")
)

LEVEL = 0.9


class SampleReview(RasonAlgorithm):
    """Zones and detections in; cells to look at out."""

    group_id = "reviewing"

    def name(self):
        """Fixed id."""
        return "samplereview"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Sample cells for review")

    def tags(self):
        """Words to find it by."""
        return self.tr("review,sample,cells,grid,check,estimate,hand count").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Draws the cells that you should look at, so that about twenty of them give a total for all ZONES whose interval holds "
            "whatever the detector is worth.\n\n"
            "Polygons are cut into squares, tracks into stretches. A cell's chance grows with what the detector makes of it; a third of "
            "the chances goes by ground alone, so that empty-looking cells are drawn too. No cell is drawn twice.\n\n"
            "In each cell count the objects of the class whose centre lies in it, write the number into seen (0 too) and tick done. "
            "Then run Estimate from review. Look at the cells in their order: those behind the first open one do not count yet.\n\n"
            "For more cells run again with the same inputs, a larger CELLS and the cells so far as PREVIOUS: your work is kept, and new "
            "cells are added. Take hidden ground (clouds, roofs) out of ZONES first."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, kind, number = self.tr, QgsProcessing.SourceType, QgsProcessingParameterNumber
        source = QgsProcessingParameterFeatureSource
        for parameter in (
            scenes.with_help(
                source("ZONES", tr("Zones"), [kind.TypeVectorPolygon, kind.TypeVectorLine]),
                tr("Where to count: polygons, and lines for tracks. Fields zone_id and kind are used where present."),
            ),
            scenes.with_help(
                source("DETECTIONS", tr("Detections"), [kind.TypeVectorAnyGeometry], optional=True),
                tr("What the detector found in the scene, as it came out, before or after a review: added ones are left out, and "
                   "rejected ones stay in, so that the cells stay the same. Left empty, cells are drawn by their ground alone."),
            ),
            scenes.with_help(
                QgsProcessingParameterString("CLASSES", tr("Class"), optional=True),
                tr("The one class to count, which may be any word. Left empty: the class of DETECTIONS."),
            ),
            scenes.with_help(
                number("CELLS", tr("Cells to look at"), number.Type.Integer, 20, minValue=3, maxValue=5000),
                tr("How many cells in all, those of PREVIOUS included. Twenty are a good start."),
            ),
            scenes.with_help(
                number("CELL", tr("Size of a cell (m)"), number.Type.Double, optional=True, minValue=1.0),
                tr("Side of a square, or length of a stretch of track. Left empty: 50 m of track for freight cars, 40 m for containers, "
                   "500 m for ships, 50 m for anything else."),
            ),
            scenes.with_help(
                source("PREVIOUS", tr("Cells so far"), [kind.TypeVectorPolygon], optional=True),
                tr("The cells of an earlier run on the same inputs, with your counts, to which more are added."),
            ),
            *scenes.epoch_parameters(tr, tr("Left empty, DETECTIONS must say it in its field epoch.")),
            scenes.with_help(
                number("SEED", tr("Seed"), number.Type.Integer, 0, minValue=0),
                tr("Start of the draw: the same seed draws the same cells. Choose it before you look, and do not draw again because the "
                   "cells look dull."),
                advanced=True,
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSink("OUTPUT", tr("Cells to look at"), kind.TypeVectorPolygon),
                tr("Polygons with the fields seen and done for you to fill in, and all that Estimate from review needs."),
            ),
        ):  # fmt: skip
            self.addParameter(parameter)
        self.addOutput(QgsProcessingOutputNumber("DRAWN", tr("Cells to look at")))
        self.addOutput(QgsProcessingOutputNumber("FRAME", tr("Cells in all")))

    def read(self, parameters, context, feedback):
        """Read, cut and draw; nothing is written yet."""
        source = self.parameterAsSource(parameters, "ZONES", context)
        frame = bridge.frame_of(source, "ZONES")
        self.crs, self.frame = source.sourceCrs(), frame
        zones = bridge.read_zones(source, frame, context, feedback)
        found, texts = self._found(parameters, context)
        self.zones = zones = self._fitting(zones, found)
        side = self.parameterAsDouble(parameters, "CELL", context) if parameters.get("CELL") not in (None, "") else 0.0
        side = side or cells.SIDES_M.get(self.class_name, cells.USUAL_SIDE_M)
        self.sample = cells.frame(zones, side, found.x, found.y, found.p)
        if not len(found) and self.parameterAsSource(parameters, "DETECTIONS", context) is not None:
            feedback.pushWarning(
                self.tr("DETECTIONS hold no {}: cells are drawn by their ground alone.").format(self.class_name)
            )
        if len(found) and not self.sample.expected.any():
            feedback.pushWarning(self.tr("None of DETECTIONS lies in ZONES: cells are drawn by their ground alone."))
        self.order = self.sample.order(self.parameterAsInt(parameters, "SEED", context))
        self.before = self._before(found, zones)
        self.previous = self._previous(parameters, context)
        asked = self.parameterAsInt(parameters, "CELLS", context)
        self.number = min(max(asked, len(self.previous)), len(self.order))
        if self.number < asked:
            feedback.pushWarning(self.tr("ZONES make {} cells only: all are to be looked at.").format(self.number))

    def _found(self, parameters, context):
        """What the detector found, and the class, scene and epoch that it and the parameters say."""
        source = self.parameterAsSource(parameters, "DETECTIONS", context)
        asked = [word.strip() for word in self.parameterAsString(parameters, "CLASSES", context).split(",") if word.strip()]
        if source is None:
            found, texts, has_class = reviews.nothing(), {}, True
        else:
            found, texts = bridge.read_marks(source, self.frame, context, rejected=True)
            has_class = bridge.field_index(source.fields(), "class") >= 0
        said = marks.record_of(self, parameters, context) if source is not None and not len(found) else {}
        found = marks.named(found, has_class, asked)
        names = asked or sorted({*found.class_name, *([said["class"]] if "class" in said else [])})
        if len(names) != 1:
            raise Refusal(
                self.tr("A review is of one class ({} found). Name it in CLASSES.").format(
                    ", ".join(names) or self.tr("none")
                )
            )
        self.class_name = names[0]
        stored = {key: marks.only([*texts.get(key, []), said.get(key, "")], key) for key in ("scene", "epoch")}
        self.scene = stored["scene"]
        self.epoch = scenes.read_epoch(
            self, parameters, context, {"": {"ACQUISITIONDATETIME": stored["epoch"]}}, self.tr("DETECTIONS")
        )
        status = np.array(texts.get("status", []), object)
        return found.select((found.class_name == self.class_name) & (status != schema.ADDED)), texts

    def _fitting(self, zones, found):
        """The zones in which the class is counted."""
        known = self.class_name in classes.CLASSES
        chosen = [zone for zone in zones if not known or self.class_name in counting.classes_of(zone)]
        chosen = chosen or [zone for zone in zones if zone.holds(found.x, found.y).any()]
        if not chosen:
            raise Refusal(
                self.tr("ZONES hold none in which {} is counted. Change their kind or shape, or CLASSES.").format(
                    self.class_name
                )
            )
        return chosen

    def _before(self, found, zones):
        """Ends of the detector's own tally of all zones, to say what the review is worth."""
        if not len(found):
            return {}
        _, totals = tallying.tally_marks(found, zones, [self.class_name], {}, basis="detected", visible={}, level=LEVEL)
        ends = totals[self.class_name]
        return {"before_low": ends[1], "before_high": ends[2], "before_level": LEVEL} if ends else {}

    def _previous(self, parameters, context):
        """The work done so far, by rank. Refused where it is of another draw."""
        source = self.parameterAsSource(parameters, "PREVIOUS", context)
        if source is None:
            return {}
        kept = {int(row["rank"]): row for row in reviews.rows_of(source, "PREVIOUS")}
        for rank, row in kept.items():
            cell = self.order[rank - 1] if 0 < rank <= len(self.order) else None
            if cell is None or not np.isclose(float(row["chance"]), self.sample.chance[cell], rtol=1e-6):
                raise Refusal(
                    self.tr("PREVIOUS was drawn from something else: cell {} differs. Give the same ZONES, DETECTIONS, CELL and SEED as "
                            "in the first run.").format(row["cell_id"])
                )  # fmt: skip
        return kept

    def work(self, parameters, context, feedback):
        """Write the first cells of the order."""
        zone_of = np.array([cell.zone_id for cell in self.sample.cells], object)
        tracks = {zone.zone_id for zone in self.zones if zone.is_track}
        expected = self.sample.expected
        change = QgsCoordinateTransform(
            QgsCoordinateReferenceSystem.fromWkt(self.frame.wkt), self.crs, context.transformContext()
        )
        rows, shapes = [], []
        for rank, i in enumerate(self.order[: self.number], 1):
            kept = self.previous.get(rank, {})
            zone = zone_of == zone_of[i]
            rows.append({
                "cell_id": str(rank), "zone_id": zone_of[i], "class": self.class_name, "scene": self.scene,
                "epoch": self.epoch.iso(), "rank": rank, "done": False, "expected": float(expected[i]),
                "chance": float(self.sample.chance[i]),
                "track_m": self.sample.cells[i].area_m2 / (2 * ground.TRACK_REACH_M) if zone_of[i] in tracks else None, "zone_expected": float(expected[zone].sum()), "zone_cells": int(zone.sum()),
                "all_expected": float(expected.sum()), "all_cells": len(expected), **self.before,
                **{key: kept[key] for key in reviews.FILLED if kept.get(key) is not None},
            })  # fmt: skip
            shape = QgsGeometry()
            shape.fromWkb(self.sample.cells[i].geometry.wkb)
            shape.transform(change)
            shape.convertToMultiType()
            shapes.append(shape)
        output = outputs.write(
            self, parameters, "OUTPUT", context, schema.REVIEW_CELLS, rows, geometries=shapes, crs=self.crs,
            shape=QgsWkbTypes.Type.MultiPolygon, style="review_cells", title=self.tr("Cells to look at"),
            record=provenance.record(self.id(), parameters, []),
        )  # fmt: skip
        feedback.pushInfo(self.tr("{} of {} cells to look at, {} of them done.").format(
            self.number, len(self.order), sum(bool(row["done"]) for row in rows)))  # fmt: skip
        return {"OUTPUT": output, "DRAWN": self.number, "FRAME": len(self.order)}
