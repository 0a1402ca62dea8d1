"""rason:tally: a tally from detections or from marks drawn by hand."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterString,
    QgsWkbTypes,
)

from ...engine import classes
from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, marks, outputs, scenes
from ..base import RasonAlgorithm
from ..lazy import np

calibration, provenance, tallies, tallying = (
    lazy.engine(name) for name in ("calibration", "provenance", "tally", "tallying")
)

BASES = ["auto", "detected", "reviewed", "counted"]
ANY = [
    QgsProcessing.SourceType.TypeVectorPolygon,
    QgsProcessing.SourceType.TypeVectorLine,
]


class Tally(RasonAlgorithm):
    """Detections or marks, and zones in; tally out."""

    def name(self):
        """Fixed id."""
        return "tally"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Tally detections or marks")

    def tags(self):
        """Words to find it by."""
        return self.tr("count,hand count,marks,points,detections,interval,zones").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Counts objects that are already in a layer, by zone and class, with an interval: detections of Rason, or points "
            "and boxes drawn by hand, of any class (trucks, passenger coaches, coal piles).\n\nA hand count has an error too: "
            "nine people counted 880 to 1,182 objects on one picture. Its interval says so, and reaches further up than down, "
            "because people miss the same hard objects.\n\nRejected detections are left out. A zone that was not visible is not "
            "observed, never 0: give VISIBILITY where parts were hidden."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        add = self.addParameter
        add(
            scenes.with_help(
                QgsProcessingParameterFeatureSource(
                    "DETECTIONS", self.tr("Detections or marks"), [QgsProcessing.SourceType.TypeVectorAnyGeometry]
                ),
                self.tr("Points or polygons, one an object. Fields class, status, epoch and scene are used where present."),
            )
        )
        add(
            scenes.with_help(
                QgsProcessingParameterFeatureSource("ZONES", self.tr("Zones"), ANY),
                self.tr(
                    "Where to count: polygons, and lines for tracks. Fields zone_id, name and kind are used where present."
                ),
            )
        )
        add(
            scenes.with_help(
                QgsProcessingParameterString("CLASSES", self.tr("Classes"), optional=True),
                self.tr("Classes to count, separated by commas; a class without any object is then counted as 0. Left empty: "
                        "the classes found. Marks without a class field are taken as the one class named here."),
            )
        )  # fmt: skip
        for parameter in scenes.epoch_parameters(self.tr, self.tr("Left empty, DETECTIONS must say it in its field epoch.")):
            add(parameter)
        add(
            scenes.with_help(
                QgsProcessingParameterEnum("BASIS", self.tr("How they were found"), options=BASES, defaultValue="auto",
                                           usesStaticStrings=True),
                self.tr("detected: by a detector. reviewed: detections that a person went through. counted: by hand. auto: what "
                        "the fields detector and status say, by hand where there are none."),
                advanced=True,
            )
        )  # fmt: skip
        add(
            scenes.with_help(
                QgsProcessingParameterFeatureSource(
                    "VISIBILITY", self.tr("Visible fractions"), [QgsProcessing.SourceType.TypeVector], optional=True
                ),
                self.tr("Table with zone_id and visible_fraction, such as another tally of the same scene. Left empty, all of "
                        "each zone is taken as seen."),
            )
        )  # fmt: skip
        for parameter in (scenes.site_parameter(self.tr), *scenes.interval_parameters(self.tr)):
            add(parameter)
        add(
            scenes.with_help(
                QgsProcessingParameterFeatureSink("OUTPUT", self.tr("Tally"), QgsProcessing.SourceType.TypeVector),
                self.tr("Table: one row a zone, class and unit, with interval, basis and counting rules."),
            )
        )
        self.addOutput(QgsProcessingOutputNumber("TOTAL", self.tr("Total, where one class is counted")))
        self.addOutput(QgsProcessingOutputNumber("TOTAL_LOW", self.tr("Lower end of the total")))
        self.addOutput(QgsProcessingOutputNumber("TOTAL_HIGH", self.tr("Upper end of the total")))

    def read(self, parameters, context, feedback):
        """Read and check everything; nothing is written yet."""
        zones = self.parameterAsSource(parameters, "ZONES", context)
        source = self.parameterAsSource(parameters, "DETECTIONS", context)
        frame = bridge.frame_of(zones, "ZONES")
        self.zones = bridge.read_zones(zones, frame, context, feedback)
        self.marks, texts = bridge.read_marks(source, frame, context)
        asked = [word.strip() for word in self.parameterAsString(parameters, "CLASSES", context).split(",") if word.strip()]
        self.outlined = QgsWkbTypes.geometryType(source.wkbType()) == QgsWkbTypes.GeometryType.PolygonGeometry
        said = {} if len(self.marks) else marks.record_of(self, parameters, context)
        for field in ("scene", "epoch", "detector"):
            texts[field] += [said[field]] if field in said else []
        self.marks = marks.named(self.marks, bridge.field_index(source.fields(), "class") >= 0, asked)
        self.classes = asked or sorted({*self.marks.class_name, *([said["class"]] if "class" in said else [])})
        if not self.classes:
            raise Refusal(self.tr("DETECTIONS is empty: name in CLASSES what was looked for, so that none can be counted."))
        self.scene = marks.only(texts["scene"], "scene")
        stored = marks.only(texts["epoch"], "epoch")
        self.epoch = scenes.read_epoch(
            self, parameters, context, {"": {"ACQUISITIONDATETIME": stored}}, self.tr("DETECTIONS")
        )
        self.basis = self.parameterAsEnumString(parameters, "BASIS", context)
        if self.basis == "auto":
            self.basis = _basis(texts)
        self.visible = self._visible(parameters, context, feedback)
        by_hand = self.basis in ("reviewed", "counted")
        self.calibrations, lacking = scenes.read_calibrations(self, parameters, context, () if by_hand else self.classes)
        for text in lacking:
            feedback.pushWarning(text)
        self.sensor = said.get("sensor") or ("sar" if any("ships_sar" in text for text in texts["detector"]) else "optical")
        if self.sensor == "sar":
            self._as_radar(feedback)
        self.site = self.parameterAsString(parameters, "SITE", context).strip()
        self.level = self.parameterAsDouble(parameters, "LEVEL", context)
        self.seed = self.parameterAsInt(parameters, "SEED", context)

    def _as_radar(self, feedback):
        """Ships found in radar: the shipped calibration is of optical scenes, and berths were not counted."""
        berths = [zone.zone_id for zone in self.zones if zone.kind == "berth"]
        if berths:
            feedback.pushWarning(self.tr("Ships are not counted at berth in radar, left out: {}.").format(", ".join(berths)))
        self.zones = [zone for zone in self.zones if zone.kind != "berth"]
        if not self.zones:
            raise Refusal(self.tr("ZONES are all berths, where ships are not counted in radar. Add a zone of kind water."))
        false_on_empty = classes.entry("ship", "sar").false_on_empty
        self.calibrations.setdefault("ship", calibration.Calibration.none("ship", false_on_empty=false_on_empty))

    def _visible(self, parameters, context, feedback):
        source = self.parameterAsSource(parameters, "VISIBILITY", context)
        if source is None:
            feedback.pushInfo(self.tr("Without VISIBILITY all of each zone is taken as seen."))
            return {}
        zone, share = (bridge.field_index(source.fields(), name) for name in ("zone_id", "visible_fraction"))
        if min(zone, share) < 0:
            raise Refusal(
                self.tr("VISIBILITY needs the fields zone_id and visible_fraction. Give a tally of the same scene.")
            )
        found = {str(bridge.value(f, zone)): bridge.value(f, share) for f in source.getFeatures()}
        try:
            fractions = {name: float(value) for name, value in found.items() if value is not None}
        except ValueError:
            raise Refusal(
                self.tr("VISIBILITY: a visible_fraction is no number. Give the table of rason:visibility.")
            ) from None
        wrong = [name for name, value in fractions.items() if not 0 <= value <= 1]
        if wrong:
            raise Refusal(self.tr("VISIBILITY: the visible_fraction of zone {} is not between 0 and 1.").format(wrong[0]))
        return fractions

    def work(self, parameters, context, feedback):
        """Tally, then write."""
        rows, totals = tallying.tally_marks(
            self.marks, self.zones, self.classes, self.calibrations, basis=self.basis, sensor=self.sensor, visible=self.visible,
            outlined=self.outlined, site=self.site, level=self.level, seed=self.seed, progress=bridge.progress(feedback),
        )  # fmt: skip
        same = {"scene": self.scene, "epoch": self.epoch.iso()}
        for row in rows:
            feedback.pushInfo(f"{row['zone_id']}, {row['class']}: "
                              f"{tallies.about(row['estimate'], row['low'], row['high'], row['unit'])}")  # fmt: skip
        output = outputs.write(
            self, parameters, "OUTPUT", context, schema.TALLY, [{**row, **same} for row in rows],
            style="tally", title=self.tr("Tally"), record=provenance.record(self.id(), parameters, []),
        )  # fmt: skip
        total = (totals[self.classes[0]] if len(self.classes) == 1 else None) or (None, None, None)
        return {"OUTPUT": output, **dict(zip(("TOTAL", "TOTAL_LOW", "TOTAL_HIGH"), total))}


def _basis(texts):
    if not any(texts["detector"]):
        return "counted"
    status = np.array(texts["status"])
    return "reviewed" if len(status) and np.isin(status, [schema.ACCEPTED, schema.ADDED]).all() else "detected"
