"""rason:compareepochs: two tallies of the same zones: is the difference real?"""

from __future__ import annotations

from dataclasses import replace

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
)

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, outputs, reports, scenes
from ..base import RasonAlgorithm
from ..lazy import np

changes, common_ground, compare, epoch, provenance, shipped, slots, tally, turnover = (
    lazy.engine(name)
    for name in ("changes", "common_ground", "compare", "epoch", "provenance", "shipped", "slots", "tally", "turnover")
)

CLEAR = 1  # in a raster of rason:visibility
MOST_TOLD = 20  # slots that the report tells one by one
NUMBER, LEVEL_OF = QUESTIONS = ["number", "level"]
NEEDED = ("zone_id", "class", "epoch", "estimate", "low", "high", "level")


class CompareEpochs(RasonAlgorithm):
    """Two tallies (and their detections) in; comparison, changes and report out."""

    group_id = "comparing"

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
            "they are sorted by epoch.\n\nWith the detections of both epochs it says what appeared, disappeared, moved and stayed, and "
            "how much of that the errors of the two counts make up: a count that finds 85 of 100 standing objects sees 13 appear "
            "and 13 disappear where nothing moved (TURNOVER). With the visibility rasters of both it compares only what both could "
            "see. With slots or berths it says which were occupied at which epoch.\n\nOptical and radar scenes, other classes, units "
            "and zones of another size are not comparable. Uncalibrated tallies or scenes taken under other conditions are compared "
            "with a wide error, and only their ratio is given."
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
        self._add_ground()
        self.addParameter(
            scenes.with_help(
                QgsProcessingParameterEnum(
                    "QUESTION",
                    self.tr("What may have changed"),
                    options=QUESTIONS,
                    defaultValue=NUMBER,
                    usesStaticStrings=True,
                ),
                self.tr(
                    "number: how many were there on these two days. level: the level behind them, of which each day is one "
                    "draw; the scatter from day to day of objects that come and go one by one is then added. Two looks can "
                    "only hint at a level, which needs at least five in each period."
                ),
                advanced=True,
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
        self._add_table(
            "TURNOVER",
            self.tr("Turnover"),
            self.tr(
                "Table: one row a zone and class, with how many appeared and disappeared, how many of them errors of the two counts "
                "alone would make, and how many came and went. Needs both DETECTIONS."
            ),
        )
        self._add_table(
            "SLOT_TABLE",
            self.tr("Slots"),
            self.tr("Table: one row a slot of SLOTS: occupied both, emptied, filled, empty both or not observed."),
        )
        self.addParameter(
            scenes.with_help(
                QgsProcessingParameterFileDestination(
                    "REPORT", self.tr("Report"), "HTML files (*.html)", optional=True, createByDefault=False
                ),
                self.tr("One self-contained page with the verdicts in words, the numbers and the provenance."),
            )
        )
        self.addOutput(QgsProcessingOutputNumber("INCREASES", self.tr("Rows that say increase, of all units")))
        self.addOutput(QgsProcessingOutputNumber("DECREASES", self.tr("Rows that say decrease, of all units")))

    def _add_ground(self):
        """Zones, what both epochs could see of them, and slots."""
        kind, tr = QgsProcessing.SourceType, self.tr
        self.addParameter(
            scenes.with_help(
                QgsProcessingParameterFeatureSource(
                    "ZONES", tr("Zones"), [kind.TypeVectorPolygon, kind.TypeVectorLine], optional=True
                ),
                tr("The zones of both tallies. Needed with VISIBILITY_1 and VISIBILITY_2; otherwise detections belong to the zone "
                   "that their field zone_id names."),
            )
        )  # fmt: skip
        for number, which in ((1, tr("first")), (2, tr("second"))):
            self.addParameter(
                scenes.with_help(
                    QgsProcessingParameterRasterLayer(
                        f"VISIBILITY_{number}", tr("Visibility of the {} epoch").format(which), optional=True
                    ),
                    tr("Raster of rason:visibility, for both epochs or for neither. With them only what both epochs could see is "
                       "compared; what one of them hid is not observable. Needs both DETECTIONS and ZONES."),
                )
            )  # fmt: skip
        self.addParameter(
            scenes.with_help(
                QgsProcessingParameterFeatureSource("SLOTS", tr("Slots or berths"), [kind.TypeVectorPolygon], optional=True),
                tr("Polygons of single places, such as container slots or berths, with fields slot_id and zone_id where present. "
                   "One counts as occupied where objects cover half of it, or half of an object lies in it. Needs both DETECTIONS."),
            )
        )  # fmt: skip

    def _add_table(self, key, title, text):
        table = QgsProcessingParameterFeatureSink(
            key, title, QgsProcessing.SourceType.TypeVector, optional=True, createByDefault=False
        )
        self.addParameter(scenes.with_help(table, text))

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
        self._check_order()
        classes = {row["class"] for rows in self.rows for row in rows}
        given, _ = scenes.read_calibrations(self, parameters, context)
        self.calibrations = [*given.values(), *(shipped.shipped(name) for name in classes)]
        self.seed = self.parameterAsInt(parameters, "SEED", context)
        self.sigma = self.parameterAsDouble(parameters, "SIGMA", context)
        self._read_detections(parameters, context)
        self._read_ground(parameters, context, feedback)
        self.comparisons = compare.compare(
            *self.rows, self.calibrations,
            same_within=self.parameterAsDouble(parameters, "SAME_WITHIN", context),
            common_visible=self.common, on_common=self.mask is not None,
            of_level=self.parameterAsEnumString(parameters, "QUESTION", context) == LEVEL_OF, seed=self.seed,
        )  # fmt: skip
        for warning in self.warnings:
            feedback.pushWarning(warning)

    def _check_order(self):
        """The two epochs must be two, and it must be known which came first."""
        if epoch.may_be_one(*self.epochs):
            short, long = sorted((when.iso() for when in self.epochs), key=len)
            raise Refusal(
                self.tr("The epochs {} and {} may be the same day: give both with the same precision.").format(short, long)
            )
        names = [{str(row["scene"]) for row in rows if row["scene"]} for rows in self.rows]
        if names[0] & names[1]:
            self.warnings.append(
                self.tr("Both tallies name the same scene ({}): check that the epochs are right.").format(
                    sorted(names[0] & names[1])[0]
                )
            )

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
            for key in ("CHANGES", "TURNOVER", "SLOTS", "VISIBILITY_1", "VISIBILITY_2"):
                if parameters.get(key) not in (None, ""):
                    raise Refusal(
                        self.tr("{0} needs DETECTIONS_1 and DETECTIONS_2. Give both, or leave {0} out.").format(key)
                    )
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

    def _read_ground(self, parameters, context, feedback):
        """Zones, slots and what both epochs could see; the rows become those of the common part."""
        self.mask, self.common, self.zones, self.slots = None, {}, [], []
        given = [name for name in ("VISIBILITY_1", "VISIBILITY_2") if parameters.get(name) not in (None, "")]
        zones = self.parameterAsSource(parameters, "ZONES", context)
        places = self.parameterAsSource(parameters, "SLOTS", context)
        if (places is None) != (parameters.get("SLOT_TABLE") in (None, "")):
            raise Refusal(self.tr("SLOTS and SLOT_TABLE belong together: give both or neither."))
        if len(given) == 1:
            raise Refusal(self.tr("{} is given alone. Give VISIBILITY_1 and VISIBILITY_2, or neither.").format(given[0]))
        if given and zones is None:
            raise Refusal(self.tr("VISIBILITY_1 and VISIBILITY_2 need ZONES, the zones of both tallies."))
        if self.detections is None:
            return
        if zones is not None:
            self.zones = bridge.read_zones(zones, self.frame, context, feedback)
        if places is not None:
            self.slots = self._read_slots(places, context, feedback)
        if given:
            rasters = [bridge.read_classes(bridge.raster_layer(self, parameters, name, context), name) for name in given]
            shapes = [zone.geometry for zone in self.zones] + [slot.geometry for slot in self.slots]
            self.mask = common_ground.common_mask(rasters, self.frame, shapes)
            self.common = common_ground.fractions(self.mask, self.zones)
            self.rows = [
                common_ground.on_common_ground(rows, marks, self.mask, self.zones, self.calibrations, seed=self.seed)
                for rows, marks in zip(self.rows, self.detections)
            ]

    def _read_slots(self, source, context, feedback):
        polygons = bridge.read_polygons(source, self.frame, context, feedback, "SLOTS", ("slot_id", "zone_id"))
        found = [slots.Slot(texts["slot_id"] or texts["id"], shape, texts["zone_id"]) for shape, texts in polygons]
        names = [slot.slot_id for slot in found]
        double = sorted({name for name in names if names.count(name) > 1})
        if not found or double:
            raise Refusal(
                self.tr("SLOTS: slot_id {} occurs more than once. Give each slot its own.").format(double[0])
                if double
                else self.tr("SLOTS holds no polygons. Draw at least one slot, or leave SLOTS out.")
            )
        return found

    def work(self, parameters, context, feedback):
        """Write what was compared."""
        days = [when.iso() for when in self.epochs]
        told = [when.day() for when in self.epochs]
        if told[0] == told[1]:
            told = [when.label() for when in self.epochs]
        sentences = [c.sentence(*told, _nouns(c.class_name)) for c in self.comparisons]
        same = {"epoch_1": days[0], "epoch_2": days[1]}
        rows = [{**c.row(), **same, "note": text} for c, text in zip(self.comparisons, sentences)]
        record = provenance.record(self.id(), parameters, [])

        def write(key, columns, rows, style, title):
            return outputs.write(self, parameters, key, context, columns, rows, style=style, title=title, record=record)

        feedback.setProgress(20)
        found = self._changes() if self.detections else None
        turned = self._turnovers(found) if found else []
        moves = self._transitions() if self.slots else []
        bridge.progress(feedback)(0.5)
        turnover_rows = [{**t.row(), **same, "note": t.sentence(_nouns(t.class_name))} for t in turned]
        slot_rows = [{**m.row(), **same, "note": m.sentence(*told, self._noun())} for m in moves]
        for text in (*sentences, *(row["note"] for row in turnover_rows), *self._summary(moves)):
            feedback.pushInfo(text)
        title = self.tr("Comparison of {} and {}").format(*days)
        results = {"COMPARISON": write("COMPARISON", schema.COMPARISON, rows, "comparison", title)}
        if parameters.get("TURNOVER") not in (None, ""):
            title = self.tr("Turnover from {} to {}").format(*days)
            results["TURNOVER"] = write("TURNOVER", schema.TURNOVER, turnover_rows, "turnover", title)
        if moves:
            title = self.tr("Slots on {} and {}").format(*days)
            results["SLOT_TABLE"] = write("SLOT_TABLE", schema.SLOT_CHANGES, slot_rows, "slot_changes", title)
        if found and parameters.get("CHANGES") not in (None, ""):
            results["CHANGES"] = self._write_changes(found, parameters, context, days, record)
        path = self.parameterAsFileOutput(parameters, "REPORT", context)
        if path:
            page = self._report(
                rows, sentences, parameters, found, turnover_rows, [*self._summary(moves), *_told(slot_rows)]
            )
            outputs.write_report(page, path)
            results["REPORT"] = path
        verdicts = [row["verdict"] for row in rows]
        return {**results, "INCREASES": verdicts.count(compare.INCREASE), "DECREASES": verdicts.count(compare.DECREASE)}

    def _report(self, rows, sentences, parameters, found, turnover_rows, slot_lines):
        shown = [{**row, **_ends(c)} for row, c in zip(rows, self.comparisons)]
        drawn = replace(found, detections=_with_size(found.detections)) if found else None
        counts = [text for c, text in zip(self.comparisons, sentences) if c.unit == "objects"]
        return reports.of_comparison(
            self, shown, counts or sentences, parameters, [], self.epochs, drawn, turnover_rows, slot_lines
        )

    def _unseen(self):
        """The zone_ids that the first and the second tally did not observe."""
        return [
            {
                row["zone_id"]
                for row in rows
                if row["estimate"] is None or (row["visible_fraction"] or 0) < tally.LEAST_VISIBLE
            }
            for rows in self.rows
        ]

    def _changes(self):
        """What became of each object."""
        common = None
        if self.mask is not None:
            common = tuple(self.mask.at(marks.x, marks.y) == CLEAR for marks in self.detections)
        return changes.changes(*self.detections, *self._unseen(), sigma_m=self.sigma, common=common)

    def _turnovers(self, found):
        """What came and went in each zone that both tallies counted."""
        counts = changes.counted(found, self.zones)
        return turnover.turnovers(*self.rows, counts, self.calibrations, seed=self.seed) if counts else []

    def _transitions(self):
        """What became of each slot; one belongs to the zone that it names, else that holds its middle."""
        named = []
        for slot in self.slots:
            middle = slot.geometry.centroid
            held = [zone.zone_id for zone in self.zones if zone.holds(np.array([middle.x]), np.array([middle.y]))[0]]
            named.append(replace(slot, zone_id=slot.zone_id or (held[0] if held else "")))
        unseen = set.union(*self._unseen())
        observed = [slot.zone_id not in unseen for slot in named]
        if self.mask is not None:
            observed = [
                o and self.mask.shares(slot.geometry)[CLEAR] >= tally.LEAST_VISIBLE for o, slot in zip(observed, named)
            ]
        return slots.transitions(named, *self.detections, observed)

    def _noun(self):
        """What stands on a slot: the one class of the detections, or "object"."""
        kinds = {str(kind) for marks in self.detections for kind in marks.class_name}
        return kinds.pop().replace("_", " ") if len(kinds) == 1 else "object"

    def _summary(self, moves):
        if not moves:
            return []
        number = slots.summary(moves)
        return [self.tr("Slots: {}.").format(", ".join(f"{number[word]} {word}" for word in slots.WORDS if number[word]))]

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


def _nouns(name):
    return f"{name.replace('_', ' ')}s"


def _told(slot_rows):
    """The sentences of slots where they are few (berths), else none: the table has them."""
    return [row["note"] for row in slot_rows] if len(slot_rows) <= MOST_TOLD else []


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
