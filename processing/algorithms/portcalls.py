"""rason:portcalls: sightings of ships, or of trains, over many looks: calls, what may have been missed, and flows."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, outputs, scenes
from ..base import RasonAlgorithm

calls, flows, provenance, sightings, told = (
    lazy.engine(name) for name in ("calls", "flow", "provenance", "sightings", "calls_told")
)
KIND, NUMBER = QgsProcessing.SourceType, QgsProcessingParameterNumber.Type
SHIP, ALL_ZONES = "ship", "all zones"
UNREVIEWED_RECALL = 0.5  # at berths the shipped detector finds about half of the ships (docs/ACCURACY.md)
DETECTION_FIELDS = ("class", "zone_id", "epoch", "length_m", "status", "p", "detector")
LOOK_FIELDS = ("zone_id", "epoch", "usable", "visible_fraction", "class", "unit", "estimate", "detected", "low")


class PortCalls(RasonAlgorithm):
    """Sightings and looks in; calls and a summary out."""

    def name(self):
        """Fixed id."""
        return "portcalls"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Port calls")

    def group(self):
        """Heading in the Toolbox."""
        return self.tr("Comparing")

    def groupId(self):
        """Fixed id of the heading."""
        return "comparing"

    def tags(self):
        """Words to find it by."""
        return self.tr("calls,ships,berth,arrival,departure,trains,flow,containers,missed,at least").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Turns ships seen at berths on many days into calls: at least how many, when each came and left, and what may have been missed.\n\n"
            "Sightings of one length in consecutive usable looks are one call; another length, or a usable look at the empty berth, parts "
            "two. That is the fewest calls they can be. What came and left between two looks is not seen: the summary gives the chance that "
            "a call of 1, 2, 3 or 5 days was missed, and how many calls there can have been at most. None in n looks is a bound, not a zero.\n\n"
            "A list of ships says what a call is consistent with, never which ship it was. With LOAD_LOW and LOAD_HIGH calls times load "
            "gives a total as a range. For trains give CLASS freight_car: a call is then a time in which a track was not empty."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr = self.tr
        number = QgsProcessingParameterNumber
        for parameter in (
            scenes.with_help(
                QgsProcessingParameterMultipleLayers("LOOKS", tr("Looks"), KIND.TypeVector),
                tr("When each zone could be seen: tables of rason:visibility, or tallies, of every scene looked at, also those that show "
                   "nothing. Fields zone_id, epoch and usable or visible_fraction; a tally row that is not observed is no usable look."),
            ),
            scenes.with_help(
                QgsProcessingParameterMultipleLayers("DETECTIONS", tr("Sightings"), KIND.TypeVector, optional=True),
                tr("Detections or marks of many looks, in one layer or several, or a table: fields zone_id, epoch and length_m. Rejected ones "
                   "are left out. Left empty, tallies in LOOKS say whether anything stood there."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSource("ZONES", tr("Zones"), [KIND.TypeVector], optional=True),
                tr("Which zones of LOOKS are meant, by their zone_id. Left empty, all."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSource("SHIPS", tr("Published ships"), [KIND.TypeVector], optional=True),
                tr("Table with name and length_m, optionally from and to (dates between which it was thereabouts), such as an AIS list. It is "
                   "set beside the calls and never adds one."),
            ),
            scenes.with_help(
                QgsProcessingParameterString("CLASS", tr("Class"), defaultValue=SHIP),
                tr("ship: told apart by length. Any other, such as freight_car: only whether anything stood there."),
            ),
            scenes.with_help(
                number("LENGTH_SD", tr("Error of a length (m)"), NUMBER.Double, 5.0, minValue=0.1, maxValue=100.0),
                tr("Standard deviation of one measured length: about 5 at half a metre, 15 at 10 m. A larger one merges more calls."),
            ),
            scenes.with_help(
                number("RECALL", tr("Chance to be seen"), NUMBER.Double, optional=True, minValue=0.05, maxValue=1.0),
                tr("Chance that what is there is found in a usable look. Below 1 it takes several empty looks to part a call. Left empty: 1 "
                   "for what a person marked or reviewed, 0.5 where a detector's finds were not reviewed."),
            ),
            scenes.with_help(
                number("STAY_DAYS", tr("Shortest stay (days)"), NUMBER.Double, 2.0, minValue=0.05, maxValue=365.0),
                tr("Upper bounds hold for calls of this stay or longer: decide it before looking, from what loading takes."),
            ),
            scenes.with_help(
                number("LOAD_LOW", tr("Least load of a call"), NUMBER.Double, optional=True, minValue=0.0),
                tr("With LOAD_HIGH: calls times load as a range for the whole time. A load is assumed, it cannot be seen."),
            ),
            scenes.with_help(
                number("LOAD_HIGH", tr("Greatest load of a call"), NUMBER.Double, optional=True, minValue=0.0),
                tr("The upper end of the total is this times the calls that there can have been at most."),
            ),
            scenes.with_help(
                QgsProcessingParameterString("LOAD_UNIT", tr("Unit of the load"), defaultValue="containers"),
                tr("For the sentence and the table, such as containers, TEU or t."), advanced=True,
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSink("CALLS", tr("Calls"), KIND.TypeVector),
                tr("Table: one row a call, with the looks between which it came and left."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSink("SUMMARY", tr("Summary of the calls"), KIND.TypeVector),
                tr("Table: one row a zone, and one for all of them in which a ship that shifts berth counts once."),
            ),
        ):  # fmt: skip
            self.addParameter(parameter)
        for key, text in (
            ("AT_LEAST", tr("Calls at least, all zones")),
            ("AT_MOST", tr("Calls at most, all zones")),
            ("FLOW_LOW", tr("Lower end of the flow")),
            ("FLOW_HIGH", tr("Upper end of the flow")),
        ):
            self.addOutput(QgsProcessingOutputNumber(key, text))

    def read(self, parameters, context, feedback):
        """Read and check everything; nothing is written yet."""
        self.kind = self.parameterAsString(parameters, "CLASS", context).strip().lower() or SHIP
        self.zones, counted = self._looks(parameters, context)
        self.recall = self._sightings(parameters, context, feedback, counted)
        only = self._only(parameters, context)
        self.zones = {name: looks for name, looks in self.zones.items() if not only or name in only}
        if not self.zones:
            raise Refusal(self.tr("No zone of ZONES is in LOOKS. Check the field zone_id of both."))
        source = self.parameterAsSource(parameters, "SHIPS", context)
        self.ships = (
            sightings.ships(self._rows(source, "SHIPS", ("name", "length_m", "from", "to"), ("name", "length_m")))
            if source
            else []
        )
        self.load = self._load(parameters, context)

    def _looks(self, parameters, context):
        """The looks by zone, and whether their tallies also say what stood there."""
        layers = self.parameterAsLayerList(parameters, "LOOKS", context)
        if not layers:
            raise Refusal(
                self.tr("LOOKS is empty. Give the tables of rason:visibility, or tallies, of all scenes looked at.")
            )
        counted = not self.parameterAsLayerList(parameters, "DETECTIONS", context)
        rows = [row for layer in layers for row in self._rows(layer, "LOOKS", LOOK_FIELDS, ("zone_id", "epoch"))]
        if counted and not any(row["class"] for row in rows):
            raise Refusal(self.tr("DETECTIONS is empty and LOOKS hold no tallies: give the layers of ships that were seen."))
        found = sightings.looks(rows, self.kind, with_counts=counted)
        if not found:
            classes = ", ".join(sorted({str(row["class"]) for row in rows if row["class"]})) or self.tr("no rows")
            raise Refusal(self.tr("LOOKS hold no {} ({}). Choose the CLASS that was counted.").format(self.kind, classes))
        return found, counted

    def _sightings(self, parameters, context, feedback, counted):
        """Put the sightings into their looks; returns the recall."""
        layers = self.parameterAsLayerList(parameters, "DETECTIONS", context) or []
        rows = [row for layer in layers for row in self._rows(layer, "DETECTIONS", DETECTION_FIELDS, ("zone_id", "epoch"))]
        classes = {str(row["class"]) for row in rows if row["class"]}
        if classes and self.kind not in classes:
            raise Refusal(self.tr("DETECTIONS hold no {} ({}). Choose another CLASS, or other layers.").format(
                self.kind, ", ".join(sorted(classes)[:4])))  # fmt: skip
        added = sightings.add(self.zones, rows, self.kind)
        if rows and added.elsewhere and not added.number:
            raise Refusal(self.tr("DETECTIONS name no zone: fill zone_id, which says at which berth a ship lay."))
        warn = feedback.pushWarning
        if added.elsewhere:
            warn(self.tr("{} sightings name no zone and are left out.").format(added.elsewhere))
        if added.lone:
            warn(
                self.tr(
                    "{} times with sightings are in no table of LOOKS: they show what was there, not what was not."
                ).format(added.lone)
            )
        coarse = {look.epoch.precision for looks in self.zones.values() for look in looks} - {"second"}
        if coarse:
            warn(
                self.tr("Some epochs are known only to the {}: each stands at its middle in the chances.").format(
                    ", ".join(sorted(coarse))
                )
            )
        given = parameters.get("RECALL") not in (None, "")
        if added.unreviewed and not given:
            warn(
                self.tr("{} sightings are a detector's that no person reviewed: RECALL is taken as {}. Review them.").format(
                    added.unreviewed, UNREVIEWED_RECALL
                )
            )
        if given:
            return self.parameterAsDouble(parameters, "RECALL", context)
        return UNREVIEWED_RECALL if added.unreviewed else 1.0

    def _only(self, parameters, context):
        source = self.parameterAsSource(parameters, "ZONES", context)
        if source is None:
            return set()
        return {str(row["zone_id"] or "") for row in self._rows(source, "ZONES", ("zone_id",), ("zone_id",))} | {""}

    def _load(self, parameters, context):
        """Least and greatest load, or None; refused before anything is written."""
        given = [key for key in ("LOAD_LOW", "LOAD_HIGH") if parameters.get(key) not in (None, "")]
        if len(given) == 1:
            raise Refusal(self.tr("{} is given alone. Give LOAD_LOW and LOAD_HIGH, the same number twice if need be.").format(
                given[0]))  # fmt: skip
        if not given:
            return None
        load = [self.parameterAsDouble(parameters, key, context) for key in ("LOAD_LOW", "LOAD_HIGH")]
        flows.flow(0, 0, *load, "")
        return load

    def _rows(self, layer, name, wanted, needed):
        """The rows of a layer or source as mappings of these fields, None where missing."""
        columns = {key: bridge.field_index(layer.fields(), key) for key in wanted}
        missing = [key for key in needed if columns[key] < 0]
        if missing:
            raise Refusal(self.tr("{} lacks the fields {}.").format(name, ", ".join(missing)))
        return [{key: bridge.value(feature, at) for key, at in columns.items()} for feature in layer.getFeatures()]

    def work(self, parameters, context, feedback):
        """Calls of every zone, then of all together; write."""
        looks = {name: calls.gathered(one) for name, one in sorted(self.zones.items())}
        everywhere = calls.together(list(looks.values()))
        if self.kind != SHIP:
            looks = {name: [calls.occupied(look) for look in one] for name, one in looks.items()}
            everywhere = [calls.occupied(look) for look in everywhere]
        error = calls.Error.of(
            [seen for one in looks.values() for look in one for seen in look.seen],
            self.parameterAsDouble(parameters, "LENGTH_SD", context), self.recall,
        )  # fmt: skip
        stay, step = self.parameterAsDouble(parameters, "STAY_DAYS", context), bridge.progress(feedback)
        zones = []
        for number, (name, one) in enumerate(looks.items()):
            step(number / (len(looks) + 1))
            zones.append(calls.ZoneCalls.of(name, one, error, stay))
        whole = zones[0] if len(zones) == 1 else calls.ZoneCalls.of(ALL_ZONES, everywhere, error, stay)
        shown = zones if len(zones) == 1 else [*zones, whole]
        unit = self.parameterAsString(parameters, "LOAD_UNIT", context).strip() or "containers"
        carried = [flows.flow(z.at_least, z.at_most, *self.load, unit) if self.load else None for z in shown]
        summary = [told.summary_row(zone, self.kind, flow) for zone, flow in zip(shown, carried)]
        for row in summary:
            feedback.pushInfo(row["note"])
        record = provenance.record(self.id(), parameters, [])
        rows = [row for zone in zones for row in told.call_rows(zone, self.kind, self.ships)]
        return {
            "CALLS": outputs.write(self, parameters, "CALLS", context, schema.CALLS, rows, style="calls",
                                   title=self.tr("Calls"), record=record),
            "SUMMARY": outputs.write(self, parameters, "SUMMARY", context, schema.CALLS_SUMMARY, summary, style="calls_summary",
                                     title=self.tr("Summary of the calls"), record=record),
            "AT_LEAST": whole.at_least,
            "AT_MOST": whole.at_most,
            "FLOW_LOW": carried[-1].low if self.load else None,
            "FLOW_HIGH": carried[-1].high if self.load else None,
        }  # fmt: skip
