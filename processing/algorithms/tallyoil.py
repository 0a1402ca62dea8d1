"""rason:tallyoil: tank cars as barrels and tonnes of oil, with every assumption stated."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
)

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, outputs, scenes
from ..base import RasonAlgorithm

epochs, oil, provenance, tally, tallying, tanks = (
    lazy.engine(name) for name in ("epoch", "oil", "provenance", "tally", "tallying", "tanks")
)
NUMBER = QgsProcessingParameterNumber.Type.Double
KEPT = ("zone_id", "scene", "epoch", "estimate", "low", "high", "level", "visible_fraction", "basis", "note")
NUMBERS = ("estimate", "low", "high", "level", "visible_fraction")


class TallyOil(RasonAlgorithm):
    """Tank cars in; tonnes and barrels out."""

    def name(self):
        """Fixed id."""
        return "tallyoil"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Tally oil in tank cars")

    def tags(self):
        """Words to find it by."""
        return self.tr("oil,barrels,tonnes,tank cars,wagons,fuel,sanctions,tally").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Turns a number of tank cars into tonnes and barrels of oil, with an interval.\n\nThe number comes from a tally "
            "with rows of class tank_car (TALLIES), from detections or marks of freight cars with a type (DETECTIONS with "
            "ZONES), or from a published range (CARS_LOW, CARS_HIGH): give one of the three.\n\nWhat is in a car cannot be seen, "
            "and how full it is cannot, either: every number holds only if the cars carry oil products and are filled as you "
            "state, and says so. State the fill (FILL_LOW, FILL_HIGH), or set FILL_UNKNOWN to get an upper bound only: without "
            "either there is no number.\n\nThe draws of the count, the load of a car, the fill and the density are made together, "
            "so that the interval is neither the product of all low ends nor of all high ends."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, kind = self.tr, QgsProcessing.SourceType
        for parameter in (
            scenes.with_help(
                QgsProcessingParameterFeatureSource("TALLIES", tr("Tally of tank cars"), [kind.TypeVector], optional=True),
                tr("Tally table with rows of class tank_car in objects, of one epoch. Its zones should not overlap."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSource(
                    "DETECTIONS", tr("Detections or marks"), [kind.TypeVectorAnyGeometry], optional=True
                ),
                tr("Freight cars with the fields type and type_p (type tank counts), or objects of class tank_car."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSource(
                    "ZONES", tr("Zones"), [kind.TypeVectorPolygon, kind.TypeVectorLine], optional=True
                ),
                tr("Tracks or areas in which DETECTIONS are counted."),
            ),
            self._number("CARS_LOW", tr("Stated tank cars, from"), tr("Lower end of a published number of tank cars."), 0),
            self._number("CARS_HIGH", tr("Stated tank cars, to"), tr("Upper end of it; the same where the number is exact."), 0),
            *scenes.epoch_parameters(tr, tr("Left empty, TALLIES or DETECTIONS must say it; a stated number needs none.")),
            self._number("FILL_LOW", tr("Filled at least (share)"), tr("Mean share filled, lower end: 0 to 1. No default: state it."), 0, 1),
            self._number("FILL_HIGH", tr("Filled at most (share)"), tr("Mean share filled, upper end: 0 to 1."), 0, 1),
            scenes.with_help(
                QgsProcessingParameterBoolean("FILL_UNKNOWN", tr("The fill is unknown"), False),
                tr("Gives the upper bound of full cars alone, without an estimate."),
            ),
            self._number("CAPACITY_LOW", tr("Load of a full car, from (t)"),
                         tr("Mean carrying load in tonnes: 60 to 66 for four-axle cars of 1520 mm (66.0 for model 15-1547-03)."),
                         10, 200, 60.0),
            self._number("CAPACITY_HIGH", tr("Load of a full car, to (t)"), tr("Upper end of it."), 10, 200, 66.0),
            self._number("DENSITY_LOW", tr("Density, from (kg/m³)"), tr("Petrol 730 to 770, kerosene 780 to 820, diesel 820 to 860."),
                         500, 1100, 730.0),
            self._number("DENSITY_HIGH", tr("Density, to (kg/m³)"), tr("Upper end of it."), 500, 1100, 860.0),
            *[p for p in scenes.interval_parameters(tr) if p.name() in ("LEVEL", "SEED")],
            scenes.with_help(
                QgsProcessingParameterFeatureSink("OUTPUT", tr("Oil"), kind.TypeVector),
                tr("Table in a tally's fields: one row a zone in t and one in bbl, with the assumptions in note."),
            ),
        ):  # fmt: skip
            self.addParameter(parameter)
        for unit, words in (("BARRELS", tr("barrels")), ("TONNES", tr("tonnes"))):
            self.addOutput(
                QgsProcessingOutputNumber(f"TOTAL_{unit}", tr("Total in {}; empty with an unknown fill").format(words))
            )
            self.addOutput(QgsProcessingOutputNumber(f"TOTAL_{unit}_LOW", tr("Lower end of it")))
            self.addOutput(QgsProcessingOutputNumber(f"TOTAL_{unit}_HIGH", tr("Upper end of it")))

    @staticmethod
    def _number(key, title, text, least, most=None, default=None):
        limits = {"minValue": least} | ({} if most is None else {"maxValue": most})
        parameter = QgsProcessingParameterNumber(
            key, title, NUMBER, defaultValue=default, optional=default is None, **limits
        )
        return scenes.with_help(parameter, text)

    def read(self, parameters, context, feedback):
        """Read and check everything; nothing is written yet."""
        self.level = self.parameterAsDouble(parameters, "LEVEL", context)
        self.seed = self.parameterAsInt(parameters, "SEED", context)
        self.assumed = self._assumptions(parameters, context)
        tallies = self.parameterAsSource(parameters, "TALLIES", context)
        detections = self.parameterAsSource(parameters, "DETECTIONS", context)
        stated = [parameters.get(key) is not None for key in ("CARS_LOW", "CARS_HIGH")]
        if (tallies is not None) + (detections is not None) + any(stated) != 1:
            raise Refusal(
                self.tr("Give the tank cars in one way: TALLIES, or DETECTIONS with ZONES, or CARS_LOW and CARS_HIGH.")
            )
        if tallies is not None:
            self.rows = self._of_tally(tallies)
        elif detections is not None:
            self.rows = self._of_detections(detections, parameters, context, feedback)
        else:
            self.rows = self._stated(stated, parameters, context)
        for row in self.rows:
            feedback.pushInfo(self.tr("{}: tank cars {}").format(
                row["zone_id"], tally.about(row["estimate"], row["low"], row["high"])))  # fmt: skip

    def _assumptions(self, parameters, context):
        value = {key: self.parameterAsDouble(parameters, key, context) for key in
                 ("FILL_LOW", "FILL_HIGH", "CAPACITY_LOW", "CAPACITY_HIGH", "DENSITY_LOW", "DENSITY_HIGH")}  # fmt: skip
        unknown = self.parameterAsBoolean(parameters, "FILL_UNKNOWN", context)
        given = [parameters.get(key) is not None for key in ("FILL_LOW", "FILL_HIGH")]
        if unknown == any(given) or (not unknown and not all(given)):
            raise Refusal(self.tr(
                "How full the cars are cannot be seen: state FILL_LOW and FILL_HIGH (for laden cars 0.9 and 1), or set FILL_UNKNOWN "
                "alone to get an upper bound only."))  # fmt: skip
        fill = None if unknown else (value["FILL_LOW"], value["FILL_HIGH"])
        return oil.Assumptions(
            fill, (value["CAPACITY_LOW"], value["CAPACITY_HIGH"]), (value["DENSITY_LOW"], value["DENSITY_HIGH"])
        )

    def _of_tally(self, source):
        """The rows of tank cars of a tally table."""
        columns = {key: bridge.field_index(source.fields(), key) for key in (*KEPT, "class", "unit")}
        missing = [key for key in ("zone_id", "class", "unit", "estimate", "low", "high") if columns[key] < 0]
        if missing:
            raise Refusal(self.tr("TALLIES has no field {}: it is no tally. Give one of rason:tallyscene or rason:tally.").format(missing[0]))  # fmt: skip
        rows = []
        for feature in source.getFeatures():
            row = {key: bridge.value(feature, index) for key, index in columns.items()}
            if row["class"] != tanks.TANK_CAR or row["unit"] != "objects":
                continue
            for key in NUMBERS:
                try:
                    row[key] = None if row[key] is None else float(row[key])
                except ValueError:
                    raise Refusal(self.tr("TALLIES: {} of zone {} is no number.").format(key, row["zone_id"])) from None
            if row["estimate"] is not None and (row["low"] is None or row["high"] is None or not 0 <= row["low"] <= row["estimate"] <= row["high"]):  # fmt: skip
                raise Refusal(self.tr("TALLIES: low, estimate and high of zone {} are no interval.").format(row["zone_id"]))
            rows.append({**row, "level": row["level"] or self.level})
        if not rows:
            raise Refusal(self.tr(
                "TALLIES holds no row of class tank_car in objects: it needs detections whose types are known."))  # fmt: skip
        times = sorted({str(row["epoch"] or "") for row in rows})
        if len(times) > 1:
            raise Refusal(self.tr("TALLIES holds several epochs ({}). Select the rows of one.").format(", ".join(times[:3])))
        levels = {row["level"] for row in rows}
        if len(levels) > 1:
            raise Refusal(self.tr("TALLIES holds intervals of several levels. Give a tally made at one level."))
        return rows

    def _of_detections(self, source, parameters, context, feedback):
        """Tallies of the tank cars in a layer."""
        shown = self.parameterAsSource(parameters, "ZONES", context)
        if shown is None:
            raise Refusal(self.tr("DETECTIONS need ZONES: the tracks or areas in which the tank cars are counted."))
        frame = bridge.frame_of(shown, "ZONES")
        zones = bridge.read_zones(shown, frame, context, feedback)
        marks, texts = bridge.read_marks(source, frame, context)
        name = tanks.TANK_CAR if (marks.class_name == tanks.TANK_CAR).any() else tanks.FREIGHT_CAR
        chosen = marks.select(marks.class_name == name)
        if name == tanks.FREIGHT_CAR and not any(chosen.type_name):
            raise Refusal(
                self.tr("DETECTIONS hold no tank_car and no freight_car with a type: which cars are tank cars is not known.")
            )
        held = sum(zone.holds(chosen.x, chosen.y).astype(int) for zone in zones)
        if not (held > 0).any():
            raise Refusal("None of DETECTIONS' {cars} cars lies in ZONES. Check that they show the same place, and their CRS.", cars=len(chosen))  # fmt: skip
        if (held > 1).any():
            raise Refusal(self.tr("ZONES overlap: {} cars lie in more than one zone and would be counted twice. Select zones apart.").format(int((held > 1).sum())))  # fmt: skip
        stored = sorted({text for text in texts["epoch"] if text})
        if len(stored) > 1:
            raise Refusal(self.tr("DETECTIONS hold several epochs ({}). Select those of one.").format(", ".join(stored[:3])))
        when = scenes.read_epoch(
            self, parameters, context, {"": {"ACQUISITIONDATETIME": (stored or [""])[0]}}, self.tr("DETECTIONS")
        )
        basis = "detected" if any(texts["detector"]) else "counted"
        rows, _ = tallying.tally_marks(chosen, zones, [name], {}, basis=basis, visible={}, level=self.level, seed=self.seed)
        scene = next((text for text in texts["scene"] if text), "")
        kept = [row for row in rows if row["class"] == tanks.TANK_CAR and row["unit"] == "objects"]
        return [{**row, "scene": scene, "epoch": when.iso()} for row in kept]

    def _stated(self, given, parameters, context):
        """The row of a published number."""
        if not all(given):
            raise Refusal(
                self.tr("CARS_LOW and CARS_HIGH belong together: give both, the same number twice where it is exact.")
            )
        low, high = (self.parameterAsDouble(parameters, key, context) for key in ("CARS_LOW", "CARS_HIGH"))
        when = scenes.read_epoch(self, parameters, context, {}).iso() if parameters.get("EPOCH") else ""
        return [{**oil.stated(low, high, self.level), "epoch": when}]

    def work(self, parameters, context, feedback):
        """Draw, then write."""
        rows, totals = oil.oil(self.rows, self.assumed, seed=self.seed)
        for row in rows:
            feedback.pushInfo(f"{row['zone_id']}: {self._said(row['estimate'], row['low'], row['high'], row['unit'])}")
        feedback.pushInfo(self.tr("All of it {}.").format(self.assumed.words()))
        output = outputs.write(
            self, parameters, "OUTPUT", context, schema.TALLY, rows,
            style="tally", title=self.tr("Oil in tank cars"), record=provenance.record(self.id(), parameters, []),
        )  # fmt: skip
        results = {"OUTPUT": output}
        for key, unit in (("TONNES", "t"), ("BARRELS", "bbl")):
            ends = totals[unit] or (None, None, None)
            if totals[unit]:
                feedback.pushInfo(self.tr("All zones: {}").format(self._said(*ends, unit)))
            results |= dict(zip((f"TOTAL_{key}{end}" for end in ("", "_LOW", "_HIGH")), ends))
        return results

    def _said(self, estimate, low, high, unit):
        if estimate is None and high is not None:
            return self.tr("at most {:,.0f} {}").format(high, unit)
        return tally.about(estimate, low, high, unit)
