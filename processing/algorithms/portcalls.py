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
from qgis.PyQt.QtCore import Qt

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, outputs, scenes
from ..base import RasonAlgorithm

classes, calls, flows, provenance, sightings, told = (
    lazy.engine(name) for name in ("classes", "calls", "flow", "provenance", "sightings", "calls_told")
)
KIND, NUMBER = QgsProcessing.SourceType, QgsProcessingParameterNumber.Type
SHIP, ALL_ZONES = "ship", "all zones"
# Chance that a look shows what is there, where no person reviewed it: at berths the shipped detector finds about half of the ships
# (docs/ACCURACY.md, 25 of 55); of 14 tracks with trains on them it called none empty.
UNREVIEWED_RECALL = {SHIP: 0.5}
UNREVIEWED_PRESENCE = 0.95
DETECTION_FIELDS = ("class", "zone_id", "epoch", "length_m", "status", "p", "detector")
LOOK_FIELDS = ("zone_id", "epoch", "usable", "visible_fraction", "class", "unit", "estimate", "detected", "low", "basis")
BY_HAND = ("counted", "reviewed")


class PortCalls(RasonAlgorithm):
    """Sightings and looks in; calls and a summary out."""

    group_id = "comparing"

    def name(self):
        """Fixed id."""
        return "portcalls"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Port calls")

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
                tr("Which zones of LOOKS are meant, by their zone_id; with a field kind only those in which the class can be. Left empty, all."),
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
                number("LEAST_LENGTH", tr("Shortest ship (m)"), NUMBER.Double, 0.0, minValue=0.0, maxValue=400.0),
                tr("Sightings shorter than this are left out, such as boats. Choose it far from the ships that you ask about: one measured now "
                   "above and now below it makes two calls."), advanced=True,
            ),
            scenes.with_help(
                number("RECALL", tr("Chance to be seen"), NUMBER.Double, optional=True, minValue=0.05, maxValue=1.0),
                tr("Chance that what is there is found in a usable look. Below 1 it takes several empty looks to part a call. Left empty: 1 "
                   "for what a person marked, counted or reviewed; else 0.5 for ships and 0.95 for anything on a track."),
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
        layers = bridge.tables(self, parameters, "DETECTIONS", context)
        self.zones, by_person = self._looks(parameters, context, counted=not layers)
        added = self._sightings(layers, self.parameterAsDouble(parameters, "LEAST_LENGTH", context), feedback)
        self.recall = self._recall(parameters, context, feedback, added.unreviewed or (not layers and not by_person))
        self._choose(parameters, context, feedback)
        self._check_looks(feedback)
        source = self.parameterAsSource(parameters, "SHIPS", context)
        wanted, needed = ("name", "length_m", "from", "to"), ("name", "length_m")
        self.ships = sightings.ships(self._rows(source, "SHIPS", wanted, needed)) if source else []
        self.load = self._load(parameters, context)

    def _looks(self, parameters, context, *, counted):
        """The looks by zone; with ``counted`` also what their tallies saw. And whether a person did the counting."""
        layers = bridge.tables(self, parameters, "LOOKS", context)
        if not layers:
            raise Refusal(
                self.tr("LOOKS is empty. Give the tables of rason:visibility, or tallies, of all scenes looked at.")
            )
        rows = [row for layer in layers for row in self._rows(layer, "LOOKS", LOOK_FIELDS, ("zone_id", "epoch"))]
        if counted and not any(row["class"] for row in rows):
            raise Refusal(self.tr("DETECTIONS is empty and LOOKS hold no tallies: give the layers of ships that were seen."))
        found = sightings.looks(rows, self.kind, with_counts=counted)
        if not found:
            held = ", ".join(sorted({str(row["class"]) for row in rows if row["class"]})) or self.tr("no rows")
            raise Refusal(self.tr("LOOKS hold no {} ({}). Choose the CLASS that was counted.").format(self.kind, held))
        return found, all(row["basis"] in BY_HAND for row in rows if row["class"])

    def _sightings(self, layers, least, feedback):
        """Put the sightings into their looks."""
        rows = {}
        for layer in layers:
            name = layer.name() if layer.name() not in rows else f"{layer.name()} ({len(rows) + 1})"
            rows[name] = self._rows(layer, "DETECTIONS", DETECTION_FIELDS, ("zone_id", "epoch"))
        held = {str(row["class"]) for one in rows.values() for row in one if row["class"]}
        if held and self.kind not in held:
            raise Refusal(self.tr("DETECTIONS hold no {} ({}). Choose another CLASS, or other layers.").format(
                self.kind, ", ".join(sorted(held)[:4])))  # fmt: skip
        added = sightings.add(self.zones, rows, self.kind, least)
        if added.elsewhere and not added.number:
            raise Refusal(self.tr("DETECTIONS name no zone: fill zone_id, which says at which berth a ship lay."))
        if added.elsewhere:
            feedback.pushWarning(self.tr("{} sightings name no zone and are left out.").format(added.elsewhere))
        if added.short:
            feedback.pushInfo(self.tr("{} sightings shorter than {:g} m are left out.").format(added.short, least))
        if added.lone:
            feedback.pushWarning(
                self.tr(
                    "{} times with sightings are in no table of LOOKS: they show what was there, not what was not."
                ).format(added.lone)
            )
        return added

    def _recall(self, parameters, context, feedback, unreviewed):
        """RECALL, or what the evidence carries."""
        if parameters.get("RECALL") not in (None, ""):
            return self.parameterAsDouble(parameters, "RECALL", context)
        if not unreviewed:
            return 1.0
        recall = UNREVIEWED_RECALL.get(self.kind, UNREVIEWED_PRESENCE)
        feedback.pushWarning(
            self.tr("There are finds of a detector that no person reviewed: RECALL is taken as {}. Review them.").format(
                recall
            )
        )
        return recall

    def _choose(self, parameters, context, feedback):
        """Keep the zones that ZONES names, of kinds in which the class can be."""
        source = self.parameterAsSource(parameters, "ZONES", context)
        if source is None:
            return
        kinds = {str(row["zone_id"]): row["kind"] for row in self._rows(source, "ZONES", ("zone_id", "kind"), ("zone_id",))}
        named = {name: looks for name, looks in self.zones.items() if name in kinds}
        if not named:
            raise Refusal(self.tr("No zone of ZONES is in LOOKS. Check the field zone_id of both."))
        self.zones = {name: looks for name, looks in named.items() if not kinds[name] or self._fits(str(kinds[name]))}
        if not self.zones:
            raise Refusal(self.tr("ZONES holds no zone of a kind in which a {} can be.").format(self.kind))
        other = sorted(set(named) - set(self.zones))
        if other:
            feedback.pushInfo(self.tr("Zones of other kinds are left out: {}.").format(", ".join(other)))

    def _fits(self, kind):
        return self.kind not in classes.CLASSES or self.kind in classes.of_kind(kind.lower())

    def _check_looks(self, feedback):
        """Two looks at least, and all times known as well as they should be."""
        epochs = {look.epoch.iso() for looks in self.zones.values() for look in looks if look.usable or look.seen}
        if len(epochs) < 2:
            raise Refusal(self.tr("LOOKS hold fewer than two observed epochs. Add the looks of other days, empty ones too."))
        coarse = {look.epoch.precision for looks in self.zones.values() for look in looks} - {"second"}
        if coarse:
            feedback.pushWarning(
                self.tr("Some epochs are known only to the {}: each stands at its middle in the chances.").format(
                    ", ".join(sorted(coarse))
                )
            )

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
        return [{key: _plain(bridge.value(feature, at)) for key, at in columns.items()} for feature in layer.getFeatures()]

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


def _plain(value):
    """A field's value, None where a text file has nothing, and dates as text."""
    if hasattr(value, "toString"):
        return value.toString(Qt.DateFormat.ISODate)
    return None if value == "" else value
