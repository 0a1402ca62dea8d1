"""rason:comparecounts: two counters of one scene, object by object."""

from __future__ import annotations

from qgis.core import (
    QgsGeometry,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsWkbTypes,
)

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, marks, outputs, scenes
from ..base import RasonAlgorithm
from ..lazy import np

counters, provenance = (lazy.engine(name) for name in ("counters", "provenance"))

LAYERS = FIRST, SECOND = ("MARKS_1", "MARKS_2")
ALL = "all zones"
SAME_M = 0.5  # an adjudicated mark is found again by its place


class CompareCounts(RasonAlgorithm):
    """Two layers of marks in; table and the objects that only one has marked out."""

    group_id = "reviewing"

    def name(self):
        """Fixed id."""
        return "comparecounts"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Compare two counts of one scene")

    def tags(self):
        """Words to find it by."""
        return self.tr("hand count,counters,agreement,capture recapture,chapman,adjudicate,marks").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Two people, or a person and the detector, counted the same scene without seeing each other's marks. The marks are matched one "
            "by one: what both have, what only one has (a layer to go through together), and how many objects there are at least.\n\n"
            "The estimate is capture-recapture (Chapman). It takes each counter to miss by chance; in truth objects that are hard to see "
            "are hard for both, so there are rather more: quote its lower end as at least.\n\n"
            "The smaller and the larger count are not an interval: both counters miss, so the true number mostly lies above both. In "
            "simulation it lay between them in 0 to 10 % of cases, more often only where hardly anything was missed.\n\n"
            "Marks that are no objects make the estimate too large: go through the singles, set their status to accepted or rejected, and "
            "run again with that layer as ADJUDICATED."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, kind, number = self.tr, QgsProcessing.SourceType, QgsProcessingParameterNumber
        source = QgsProcessingParameterFeatureSource
        for key, text in ((FIRST, tr("Marks of the first counter")), (SECOND, tr("Marks of the second counter"))):
            self.addParameter(
                scenes.with_help(
                    source(key, text, [kind.TypeVectorAnyGeometry]),
                    tr(
                        "Points or boxes, one an object, or detections. Rejected ones are left out; fields class, scene and epoch are "
                        "used where present."
                    ),
                )
            )
        for parameter in (
            scenes.with_help(
                source("ZONES", tr("Zones"), [kind.TypeVectorPolygon, kind.TypeVectorLine], optional=True),
                tr("What both looked at: polygons, and lines for tracks. Left empty, all marks count: then both must have looked at the "
                   "same ground."),
            ),
            scenes.with_help(
                QgsProcessingParameterString("CLASSES", tr("Classes"), optional=True),
                tr("Classes to compare, separated by commas. Left empty: all. Where a layer has no field class, the one class that it holds."),
            ),
            scenes.with_help(
                number("RADIUS", tr("Reach (m)"), number.Type.Double, optional=True, minValue=0.1, maxValue=1000.0),
                tr("How far apart the middles of two marks of one object may lie. Left empty: boxes match where one holds the middle of the "
                   "other, points within 5 m or where they lie in the box."),
            ),
            scenes.with_help(
                source("ADJUDICATED", tr("Adjudicated singles"), [kind.TypeVectorPoint], optional=True),
                tr("The layer SINGLES of an earlier run with its field status filled in: rejected marks are left out as no objects."),
            ),
            scenes.with_help(
                number("LEVEL", tr("Level of the interval"), number.Type.Double, 0.9, minValue=0.5, maxValue=0.999),
                tr("Probability that the interval is made for, if each counter missed by chance."),
                advanced=True,
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSink("OUTPUT", tr("Comparison of counts"), kind.TypeVector),
                tr("Table: one row a zone and class, and one for all zones."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSink("SINGLES", tr("Marked by one alone"), kind.TypeVectorPoint, optional=True,
                                                  createByDefault=True),
                tr("Points to go through together: set status to accepted or rejected."),
            ),
        ):  # fmt: skip
            self.addParameter(parameter)
        for key, text in (
            ("BOTH", tr("Objects that both marked")),
            ("ONLY_1", tr("Marked by the first alone")),
            ("ONLY_2", tr("Marked by the second alone")),
            ("AT_LEAST", tr("Objects at least, where one class is compared")),
        ):
            self.addOutput(QgsProcessingOutputNumber(key, text))

    def read(self, parameters, context, feedback):
        """Read, check that it is one scene, and match; nothing is written yet."""
        self._check_apart(parameters, context)
        sources = {key: self.parameterAsSource(parameters, key, context) for key in LAYERS}
        for key, source in sources.items():
            if not source.featureCount():
                raise Refusal(self.tr("{} holds no marks: there is nothing to compare.").format(key))
        zones = self.parameterAsSource(parameters, "ZONES", context)
        self.frame = bridge.frame_of(zones or sources[FIRST], "ZONES" if zones else FIRST)
        self.crs = (zones or sources[FIRST]).sourceCrs()
        self.zones = bridge.read_zones(zones, self.frame, context, feedback) if zones else []
        asked = [word.strip() for word in self.parameterAsString(parameters, "CLASSES", context).split(",") if word.strip()]
        self.marks, said = {}, {}
        for key, source in sources.items():
            found, texts = bridge.read_marks(source, self.frame, context, key)
            self.marks[key] = found
            said[key] = {field: marks.only(texts[field], field, key) for field in ("scene", "epoch")}
        self._one_class(sources, asked)
        self._check_scene(said)
        self._leave_out(parameters, context)
        self._in_zones(feedback)
        radius = (
            self.parameterAsDouble(parameters, "RADIUS", context) if parameters.get("RADIUS") not in (None, "") else None
        )
        self.i, self.j = counters.matched(self.marks[FIRST], self.marks[SECOND], radius)
        if not len(self.i):
            raise Refusal(
                self.tr("No mark of MARKS_1 lies at one of MARKS_2 ({} and {} marks). Check that they are of the same scene, their CRS, "
                        "their classes, or give a larger RADIUS.").format(*(len(self.marks[key]) for key in LAYERS))
            )  # fmt: skip

    def _check_apart(self, parameters, context):
        first, second = (self.parameterAsVectorLayer(parameters, key, context) for key in LAYERS)
        if first and second and first.source() == second.source() and first.subsetString() == second.subsetString():
            raise Refusal(
                self.tr("MARKS_1 and MARKS_2 are the same layer, {}: choose those of two counters.").format(first.name())
            )

    def _one_class(self, sources, asked):
        """A layer without classes holds the one class of the other, or the one asked for."""
        has = {key: bridge.field_index(source.fields(), "class") >= 0 for key, source in sources.items()}
        named = sorted({str(name) for key in LAYERS if has[key] for name in self.marks[key].class_name})
        only = asked or named or [marks.UNNAMED]
        for key in LAYERS:
            self.marks[key] = marks.named(self.marks[key], has[key], only, key)
            if asked:
                self.marks[key] = self.marks[key].select(np.isin(self.marks[key].class_name, asked))
        kinds = [set(self.marks[key].class_name) for key in LAYERS]
        if asked and not kinds[0] | kinds[1]:
            raise Refusal(
                self.tr("Neither MARKS_1 nor MARKS_2 holds {}, but {}. Change CLASSES.").format(
                    ", ".join(asked), ", ".join(named) or self.tr("objects without a class")
                )
            )
        if not kinds[0] & kinds[1]:
            raise Refusal(
                self.tr(
                    "MARKS_1 hold {} and MARKS_2 {}: no class in common. Use the same words in their fields class."
                ).format(*(", ".join(sorted(names)[:4]) or self.tr("none of CLASSES") for names in kinds))
            )

    def _check_scene(self, said):
        for field in ("scene", "epoch"):
            values = [said[key][field] for key in LAYERS]
            if all(values) and values[0] != values[1]:
                raise Refusal(
                    self.tr("MARKS_1 are of {} {} and MARKS_2 of {}: two counts of one scene are compared here. For two days use "
                            "rason:compareepochs.").format(field, *values)
                )  # fmt: skip
        self.said = {field: said[FIRST][field] or said[SECOND][field] for field in ("scene", "epoch")}

    def _leave_out(self, parameters, context):
        """Drop the marks that were found to be no objects."""
        source = self.parameterAsSource(parameters, "ADJUDICATED", context)
        if source is None:
            return
        counter = bridge.field_index(source.fields(), "counter")
        if counter < 0:
            raise Refusal(self.tr("ADJUDICATED lacks the field counter. Give the layer SINGLES of an earlier run."))
        status = bridge.field_index(source.fields(), "status")
        for key in LAYERS:
            rejected = [
                f
                for f in source.getFeatures()
                if str(bridge.value(f, counter)) == key and bridge.value(f, status) == schema.REJECTED
            ]
            part, _ = bridge.read_marks(bridge.Part(source, rejected), self.frame, context, "ADJUDICATED", rejected=True)
            if len(part):
                away = np.hypot(np.subtract.outer(self.marks[key].x, part.x), np.subtract.outer(self.marks[key].y, part.y))
                same = self.marks[key].class_name[:, None] == part.class_name[None, :]
                self.marks[key] = self.marks[key].select(~((away < SAME_M) & same).any(1))

    def _in_zones(self, feedback):
        """Give every mark its first zone, and drop those outside all."""
        for key in LAYERS if self.zones else ():
            found = self.marks[key]
            owner = np.full(len(found), "", object)
            for zone in reversed(self.zones):
                owner[zone.holds(found.x, found.y)] = zone.zone_id
            self.marks[key] = found.with_(zone_id=owner).select(owner != "")
            if not len(self.marks[key]):
                raise Refusal(
                    self.tr("None of {} lies in ZONES. Check that they show the same place, and their CRS.").format(key)
                )
            if len(self.marks[key]) < len(found):
                feedback.pushInfo(
                    self.tr("{}: {} marks outside ZONES are left out.").format(key, len(found) - len(self.marks[key]))
                )

    def work(self, parameters, context, feedback):
        """Count, say, write."""
        level = self.parameterAsDouble(parameters, "LEVEL", context)
        alone = {
            key: np.setdiff1d(np.arange(len(self.marks[key])), taken) for key, taken in ((FIRST, self.i), (SECOND, self.j))
        }
        rows, whole = [], {}
        for name in sorted({*self.marks[FIRST].class_name, *self.marks[SECOND].class_name}):
            for zone in [*(zone.zone_id for zone in self.zones if len(self.zones) > 1), None]:
                numbers = [
                    self._number(FIRST, self.i, name, zone),
                    *(self._number(key, alone[key], name, zone) for key in LAYERS),
                ]
                judged = counters.at_least(*numbers, level)
                if zone is not None and not judged.seen:
                    continue
                label = zone or (ALL if len(self.zones) > 1 else self.zones[0].zone_id if self.zones else "")
                rows.append(self._row(name, label, judged, level))
                if zone is None:
                    whole[name] = judged
                    feedback.pushInfo(f"{name}: {rows[-1]['note']}")
        record = provenance.record(self.id(), parameters, [])
        results = {"OUTPUT": outputs.write(self, parameters, "OUTPUT", context, schema.COUNTERS, rows, style="counters",
                                           title=self.tr("Comparison of counts"), record=record)}  # fmt: skip
        if parameters.get("SINGLES") not in (None, ""):
            results["SINGLES"] = self._singles(parameters, context, alone, record)
        sums = {key: sum(getattr(one, field) for one in whole.values())
                for key, field in (("BOTH", "both"), ("ONLY_1", "only_first"), ("ONLY_2", "only_second"))}  # fmt: skip
        return {**results, **sums, "AT_LEAST": next(iter(whole.values())).low if len(whole) == 1 else None}

    def _number(self, key, which, name, zone):
        chosen = self.marks[key].select(which)
        return int(((chosen.class_name == name) & ((chosen.zone_id == zone) | (zone is None))).sum())

    def _row(self, name, zone, judged, level):
        counts = judged.both + judged.only_first, judged.both + judged.only_second
        return {
            "zone_id": zone, "class": name, **self.said, "count_1": counts[0], "count_2": counts[1], "both": judged.both,
            "only_1": judged.only_first, "only_2": judged.only_second, "seen": judged.seen, "estimate": judged.estimate,
            "low": judged.low, "high": judged.high, "level": level, "note": self._sentence(judged, *counts),
        }  # fmt: skip

    def _sentence(self, judged, first, second):
        tr = self.tr
        told = tr("the first counter marked {}, the second {}, both the same {}; {} different objects were seen.").format(
            first, second, judged.both, judged.seen
        )
        if judged.estimate is None:
            return (
                told
                + " "
                + tr("Without an object that both marked the total cannot be estimated: at least {}.").format(judged.seen)
            )
        return " ".join((
            told,
            tr("At least {} (about {}, up to {} if each missed by chance): objects hard to see are hard for both, so rather more.").format(
                judged.low, judged.estimate, judged.high),
            *([tr("{} to {} is no interval: both counters miss.").format(*sorted((first, second)))] if first != second else []),
        ))  # fmt: skip

    def _singles(self, parameters, context, alone, record):
        rows, points = [], []
        for key in LAYERS:
            chosen = self.marks[key].select(alone[key])
            x, y = self.frame.to_scene(chosen.x, chosen.y)
            points += [QgsGeometry.fromPointXY(QgsPointXY(*at)) for at in zip(x, y)]
            rows += [
                {"class": str(name), "zone_id": str(zone), **self.said, "counter": key}
                for name, zone in zip(chosen.class_name, chosen.zone_id)
            ]
        return outputs.write(
            self, parameters, "SINGLES", context, schema.SINGLES, rows, geometries=points, crs=self.crs,
            shape=QgsWkbTypes.Type.Point, style="singles", title=self.tr("Marked by one alone"), record=record,
        )  # fmt: skip
