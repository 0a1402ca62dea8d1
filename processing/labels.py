"""What rason:accuracy and rason:calibrate have in common: detections, truth and zones of several scenes, set beside each other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from qgis.core import (
    QgsCoordinateTransform,
    QgsProcessing,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsRectangle,
)

from ..engine.errors import Refusal
from . import bridge, lazy, reports, reviews, scenes
from .lazy import np
from .marks import UNNAMED

accuracy, conditions, classes_, total = (lazy.engine(name) for name in ("accuracy", "conditions", "classes", "review.total"))

ANY = [QgsProcessing.SourceType.TypeVectorAnyGeometry]
ELSEWHERE_M = 5000.0  # truth this far from all zones is of another place


@dataclass(frozen=True)
class Cell:
    """A looked-at cell of a review as a labelled zone. weight: how many cells it stands for, 1 on average; track_m: of the track it is
    a stretch of, None in polygons."""

    weight: float
    track_m: float | None


@dataclass
class Labelled:
    """places: class -> its zones in all scenes. p: class -> (p, hit) of the detections. taken, sites: by scene. units: by class."""

    places: dict[str, list] = field(default_factory=dict)
    p: dict[str, tuple] = field(default_factory=dict)
    taken: dict[str, Any] = field(default_factory=dict)
    sites: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    synthetic: bool = False
    warnings: list[str] = field(default_factory=list)


def parameters(tr, zones_help, *, zones_optional):
    """DETECTIONS, TRUTH, ZONES, INPUTS, CLASSES, IOU and REACH."""
    source, number = QgsProcessingParameterFeatureSource, QgsProcessingParameterNumber
    zone_types = [QgsProcessing.SourceType.TypeVectorPolygon, QgsProcessing.SourceType.TypeVectorLine]
    return [
        scenes.with_help(
            source("DETECTIONS", tr("Detections"), ANY),
            tr("What a detector found: polygons or points, fields class, score and scene. Take them before any review."),
        ),
        scenes.with_help(
            source("TRUTH", tr("Truth"), ANY, optional=not zones_optional),
            tr("What is really there, found by other means: points or polygons, with field class where DETECTIONS holds several, and "
               "field scene where they hold several scenes."),
        ),
        scenes.with_help(
            source("ZONES", tr("Labelled zones"), zone_types, optional=zones_optional), zones_help,
        ),
        scenes.with_help(
            QgsProcessingParameterMultipleLayers("INPUTS", tr("Scenes"), QgsProcessing.SourceType.TypeRaster, optional=True),
            tr("The image files, to read from them how they were taken: detail, sun height, off-nadir angle, contrast, sensor. They "
               "are found by their file name in field scene. Fields effective_gsd_m, sun_elevation_deg, off_nadir_deg, contrast "
               "and sensor of ZONES or TRUTH say it too."),
        ),
        scenes.with_help(
            QgsProcessingParameterString("CLASSES", tr("Classes"), optional=True),
            tr("Classes to judge, separated by commas. Left empty: those of DETECTIONS and TRUTH. Where the layers have no field "
               "class, all of it is taken as the one class named here."),
        ),
        scenes.with_help(
            number("IOU", tr("Least overlap"), number.Type.Double, 0.3, minValue=0.0, maxValue=0.95),
            tr("A detection is a hit from this intersection over union with a true polygon on. 0: where one holds the centre of the "
               "other, which suits labels drawn along north."),
            advanced=True,
        ),
        scenes.with_help(
            number("REACH", tr("Reach of points (m)"), number.Type.Double, 2.0, minValue=0.0, maxValue=100.0),
            tr("A true point is found where it lies in a detection or this near to it."),
            advanced=True,
        ),
    ]  # fmt: skip


def read(algorithm, parameters, context, feedback, *, weighted=False) -> Labelled:
    """Everything, checked and matched. Raises Refusal where the layers do not belong together.

    weighted: cells of a review count as often as what they stand for, which makes the counts of places fractions.
    """
    sources = {name: algorithm.parameterAsSource(parameters, name, context) for name in ("DETECTIONS", "TRUTH", "ZONES")}
    _check_apart(algorithm, parameters, context)
    return _Reader(
        sources,
        algorithm.parameterAsLayerList(parameters, "INPUTS", context) or [],
        [word.strip() for word in algorithm.parameterAsString(parameters, "CLASSES", context).split(",") if word.strip()],
        {
            "least_iou": algorithm.parameterAsDouble(parameters, "IOU", context),
            "reach_m": algorithm.parameterAsDouble(parameters, "REACH", context),
        },
        context,
        feedback,
        weighted,
    ).read()


def _check_apart(algorithm, parameters, context):
    """A layer beside itself is always right; a dialog offers the same layer for both."""
    found, truth = (algorithm.parameterAsVectorLayer(parameters, name, context) for name in ("DETECTIONS", "TRUTH"))
    if found and truth and found.source() == truth.source():
        raise Refusal(
            "DETECTIONS and TRUTH are the same layer, {name}: choose what was found, and what is there.", name=truth.name()
        )


class _Reader:
    def __init__(self, sources, inputs, classes, matching, context, feedback, weighted):
        self.sources = {name: source for name, source in sources.items() if source is not None}
        self.inputs, self.classes, self.matching = inputs, classes, matching
        self.context, self.feedback, self.weighted = context, feedback, weighted
        self.result, self.seen = Labelled(), set()
        self.cells = {}  # by feature id, where ZONES are cells of a review

    def read(self) -> Labelled:
        for name, source in self.sources.items():
            if source.featureCount():
                bridge.crs_of(source, name)
        self.features = {name: list(source.getFeatures()) for name, source in self.sources.items()}
        if "ZONES" in self.sources and not self.features["ZONES"]:
            raise Refusal("ZONES holds no zones: draw what was labelled, empty ground too.")
        if "ZONES" in self.sources and reviews.are_cells(self.sources["ZONES"]):
            self._keep_looked_at()
        self.scene_of = {name: self._words(name, "scene") for name in self.sources}
        self._check_scenes()
        self._check_classes()
        names = self._scene_names()
        self._taken(names)
        step = bridge.progress(self.feedback, 0, 80)
        for k, scene in enumerate(names):
            step(k / len(names))
            self._scene(scene, len(names))
        self._check()
        return self.result

    def _keep_looked_at(self):
        """ZONES are the cells of reviews, one a scene: the done ones alone, each with what it stands for."""
        source, kept = self.sources["ZONES"], []
        scenes_ = self._words("ZONES", "scene")
        for scene in sorted(set(scenes_)):
            features = [f for f, s in zip(self.features["ZONES"], scenes_) if s == scene]
            rows = reviews.looked_at(reviews.rows_of(bridge.Part(source, features), "ZONES"), "ZONES")
            each = total.cells_each(np.array([row["chance"] for row in rows])) if rows else []
            for row, weight in zip(rows, each):
                kept.append(row["feature"])
                weight = float(weight / np.mean(each)) if self.weighted else 1.0
                self.cells[row["feature"].id()] = Cell(weight, row["track_m"])
            self.classes = self.classes or [rows[0]["class"]] if rows else self.classes
        if not kept:
            raise Refusal("ZONES are cells of a review, and none is done from the first on. Finish the review.")
        self.features["ZONES"] = kept

    def _words(self, name, column):
        index = bridge.field_index(self.sources[name].fields(), column)
        return [str(bridge.value(f, index) or "").strip() for f in self.features[name]]

    def _scene_names(self):
        named = {scene for name in ("DETECTIONS", "TRUTH", "ZONES") for scene in self.scene_of.get(name, ()) if scene}
        return sorted(named) or ["scene"]

    def _check_scenes(self):
        """Which scene a feature belongs to must not be guessed."""
        named = {name: {scene for scene in of if scene} for name, of in self.scene_of.items()}
        for name in ("DETECTIONS", "TRUTH"):
            unnamed = name in self.scene_of and "" in self.scene_of[name]
            others = {scene for other, found in named.items() if other != name or other == "ZONES" for scene in found}
            if unnamed and len(others | named[name]) > 1:
                raise Refusal(
                    "{name} does not say for all features which scene they belong to, and there are {len} ({names}): "
                    "fill its field scene.",
                    name=name,
                    len=len(others | named[name]),
                    names=", ".join(sorted(others | named[name])[:3]),
                )

    def _check_classes(self):
        """One class under two names is one class; anything else without a name in common is refused."""
        self.called = {}
        named = {
            name: sorted(set(self._words(name, "class")) - {""}) for name in ("DETECTIONS", "TRUTH") if name in self.sources
        }
        found, truth = named.get("DETECTIONS", []), named.get("TRUTH", [])
        if not found or not truth or set(found) & set(truth):
            return
        if len(found) > 1 or len(truth) > 1:
            raise Refusal(
                "DETECTIONS hold {names} and TRUTH {names_2}: no class in common. Use the same words in their fields class.",
                names=", ".join(found[:4]),
                names_2=", ".join(truth[:4]),
            )
        self.called = {truth[0]: found[0]}
        self.result.warnings.append(f"TRUTH calls {truth[0]} what DETECTIONS call {found[0]}: taken as the same class.")

    def _scene(self, scene, number):
        here = {name: bridge.Part(source, self._of(name, scene, number)) for name, source in self.sources.items()}
        if "ZONES" in here and number > 1:
            here["ZONES"].features += self._covered(scene, here)
        frame = next((bridge.frame_of(part, name) for name, part in reversed(here.items()) if part.featureCount()), None)
        if frame is None:
            return
        if "ZONES" in here:
            if not here["ZONES"].featureCount():
                self.result.warnings.append(f"ZONES has no zone in scene {scene}: its detections and truth are left out.")
                return
            called = "cell_id" if self.cells else "zone_id"
            zones = bridge.read_zones(here["ZONES"], frame, self.context, self.feedback, called=called)
        else:
            zones = [None]
        found, truth, judged = self._marks(here, frame, zones)
        _check_place(zones, truth)
        self._site(scene, here)
        self.seen |= set(found.class_name) | set(truth.class_name)
        for name in sorted(set(found.class_name) | set(truth.class_name) | set(self.classes)):
            if not self.classes or name in self.classes:
                self._places(scene, name, zones, self._cells_of(here), found, truth, judged)

    def _cells_of(self, here):
        """The cells of a review among a scene's zones, by their names."""
        if not self.cells:
            return {}
        index = bridge.field_index(here["ZONES"].fields(), "cell_id")
        return {str(bridge.value(f, index)): self.cells[f.id()] for f in here["ZONES"].features}

    def _of(self, name, scene, number):
        return [f for f, s in zip(self.features[name], self.scene_of[name]) if s == scene or (number == 1 and not s)]

    def _covered(self, scene, here):
        """Zones that name no scene, where they meet the ground on which the scene's objects lie."""
        zones = self.sources["ZONES"]
        ground = QgsRectangle()
        for name in ("DETECTIONS", "TRUTH"):
            if name in here and here[name].featureCount():
                change = QgsCoordinateTransform(here[name].sourceCrs(), zones.sourceCrs(), self.context.transformContext())
                ground.combineExtentWith(change.transformBoundingBox(here[name].sourceExtent()))
        unnamed = [f for f, s in zip(self.features["ZONES"], self.scene_of["ZONES"]) if not s]
        return [f for f in unnamed if not ground.isNull() and f.hasGeometry() and f.geometry().intersects(ground)]

    def _marks(self, here, frame, zones):
        """Detections, truth, and the matching by class; from an analyst's verdicts where there is no truth."""
        marks, texts = bridge.read_marks(here["DETECTIONS"], frame, self.context, rejected="TRUTH" not in here)
        if "TRUTH" in here:
            truth, _ = bridge.read_marks(here["TRUTH"], frame, self.context, "TRUTH")
            if len(truth):
                truth = truth.with_(class_name=np.array([self.called.get(kind, kind) for kind in truth.class_name], object))
            found, truth = self._one_class(marks, truth)
            return found, truth, None
        open_ones = ~np.isin(np.array(texts["status"], object), ["accepted", "rejected", "added"])
        if self.cells:  # nobody looked elsewhere
            inside = np.any([zone.holds(marks.x, marks.y) for zone in zones], axis=0)
            open_ones &= inside & np.isin(marks.class_name, self.classes)
        if open_ones.any():
            raise Refusal(
                "DETECTIONS without TRUTH must be reviewed to the end: every status accepted, rejected or added ({number} are not). "
                "Give TRUTH, or finish the review.",
                number=int(open_ones.sum()),
            )
        return accuracy.reviewed(marks, texts["status"])

    def _one_class(self, found, truth):
        """A layer without classes holds the one class of the other, or the one asked for."""
        named = sorted({*found.class_name, *truth.class_name} - {UNNAMED})
        only = self.classes if len(self.classes) == 1 else named
        parts = []
        for name, part in (("DETECTIONS", found), ("TRUTH", truth)):
            bare = part.class_name == UNNAMED
            if bare.any() and named and len(only) != 1:
                raise Refusal(
                    "{name} does not say the class of all its objects, and there are several ({names}): fill its field "
                    "class, or name one in CLASSES.",
                    name=name,
                    names=", ".join(only or named),
                )
            new = [only[0] if b and len(only) == 1 else kind for b, kind in zip(bare, part.class_name)]
            parts.append(part.with_(class_name=np.array(new, object)) if len(part) else part)
        return parts

    def _places(self, scene, name, zones, cells, found, truth, judged):
        of_found, of_truth = found.class_name == name, truth.class_name == name
        if judged is None:
            mine = found.select(of_found), truth.select(of_truth)
            verdicts = accuracy.judge(*mine, **self.matching)
        else:
            mine = found.select(of_found), truth.select(of_truth)
            number = np.cumsum(of_truth) - 1
            partner = judged.partner[of_found]
            verdicts = accuracy.Judged(
                judged.verdict[of_found], np.where(partner >= 0, number[partner], -1), judged.found[of_truth]
            )
        km = self._on_tracks(name, zones, cells)
        everything = [np.ones(len(part), bool) for part in mine]
        seen = np.zeros(len(mine[0]), bool)
        for zone in zones:
            if zone is not None and _is_track(zone, cells) != km:
                continue
            holds = everything if zone is None else [zone.holds(part.x, part.y) for part in mine]
            cell = cells.get(zone.zone_id) if cells else None
            length = cell.track_m if cell and km else zone.length_m if km else 0.0
            ground = 0.0 if zone is None else length / 1e3 if km else zone.area_m2 / 1e4
            label = scene if zone is None else zone.name or zone.zone_id
            one = accuracy.place(scene, label, ground, *mine, verdicts, *holds)
            self.result.places.setdefault(name, []).append(_times(one, cell.weight) if cell and self.weighted else one)
            seen |= holds[0]
        p, hit = mine[0].p[seen], verdicts.verdict[seen] == accuracy.HIT
        before = self.result.p.get(name, (np.zeros(0), np.zeros(0, bool)))
        self.result.p[name] = np.append(before[0], p), np.append(before[1], hit)

    def _on_tracks(self, name, zones, cells):
        """Whether a class's ground is counted in kilometres of track: one unit in all scenes."""
        kinds = {_is_track(zone, cells) for zone in zones if zone is not None}
        km = kinds == {True} or (kinds == {True, False} and classes_.ground_unit(name) == "km")
        unit = "km" if km else "ha"
        if self.result.units.setdefault(name, unit) != unit:
            raise Refusal(
                "{name} is labelled on track lines in one scene and in polygons in another. Judge these apart.", name=name
            )
        return km

    def _site(self, scene, here):
        for part in here.values():
            index = bridge.field_index(part.fields(), "site")
            for feature in part.features:
                site = bridge.value(feature, index)
                if site and not self.result.sites.get(scene):
                    self.result.sites[scene] = str(site).strip()

    def _taken(self, names):
        """How each scene was taken: from its file, else from fields."""
        files = {bridge.scene_name(layer): layer for layer in self.inputs}
        for scene in names:
            said = conditions.Conditions()
            if scene in files or (len(names) == len(files) == 1):
                if scene not in files and any(scene in of for of in self.scene_of.values()):
                    self.result.warnings.append(
                        f"INPUTS: {next(iter(files))} is taken for scene {scene} of the layers: check it."
                    )
                opened = bridge.read_scene(files.get(scene) or next(iter(files.values())), name="INPUTS")
                said = conditions.Conditions.of(opened)
                self.result.synthetic |= reports.is_synthetic(opened.metadata)
            self.result.taken[scene] = replace(said, **self._fields(scene, len(names), said))
        missing = sorted(set(files) - set(names)) if len(names) > 1 or len(files) > 1 else []
        if missing:
            raise Refusal(
                "INPUTS: no feature has {names} in its field scene. It must hold the file name.",
                names=", ".join(missing[:3]),
            )

    def _fields(self, scene, number, said):
        values = {}
        for name in ("ZONES", "TRUTH", "DETECTIONS"):
            for key in conditions.WORDS:
                index = bridge.field_index(self.sources[name].fields(), key) if name in self.sources else -1
                if index < 0 or key in values or getattr(said, key) not in (None, ""):
                    continue
                told = [bridge.value(f, index) for f in self._of(name, scene, number)]
                told = [value for value in told if value is not None]
                if told:
                    values[key] = conditions.sensor_name(str(told[0])) if key == "sensor" else _number(told[0], name, key)
        return values

    def _check(self):
        """Refuse what cannot be a judgement."""
        places = self.result.places
        missing = sorted(set(self.classes) - self.seen)
        if missing and self.seen:
            raise Refusal(
                "CLASSES names {names}, but DETECTIONS and TRUTH hold {names_2}. Use their words.",
                names=", ".join(missing),
                names_2=", ".join(sorted(self.seen)),
            )
        counts = {name: (sum(p.true for p in of), sum(p.counted for p in of)) for name, of in places.items()}
        if any(map(any, counts.values())):  # what lies outside all zones is not judged at all, if not asked for
            counts = {name: both for name, both in counts.items() if any(both) or name in self.classes}
            self.result.places = places = {name: places[name] for name in counts}
        if not places:
            raise Refusal("Nothing could be judged: DETECTIONS and TRUTH hold none of the CLASSES in ZONES of their scenes.")
        given = sum(len(self.features[name]) for name in ("DETECTIONS", "TRUTH") if name in self.features)
        if given and not any(true or found for true, found in counts.values()):
            raise Refusal(
                "None of DETECTIONS and TRUTH lies in ZONES. Check that the layers show the same place, their CRS and their scenes."
            )
        for name, (true, found) in counts.items():
            apart = true and found and not any(p.tp or p.dup for p in places[name])
            if apart:
                raise Refusal(
                    "No detection of {name} touches a true one ({found} detections, {true} true objects in ZONES). Check "
                    "that they are of the same scene, and their CRS.",
                    name=name,
                    found=found,
                    true=true,
                )
            if not true:
                self.result.warnings.append(f"TRUTH holds no {name} in ZONES: all its detections there count as false.")
        unnamed = [s for s in self.scene_of.get("ZONES", ()) if not s]
        judged = {(p.scene, p.zone) for of in places.values() for p in of}
        if unnamed and len(self.result.taken) > 1 and len(judged) < len(self.features["ZONES"]):
            self.result.warnings.append(
                "Zones that hold no object and name no scene are left out: fill the field scene of ZONES, so that empty ground counts."
            )


def _is_track(zone, cells):
    """Whether a zone is a track, or a stretch of one."""
    return zone.is_track or (zone.zone_id in cells and cells[zone.zone_id].track_m is not None)


def _times(place, weight):
    """A place that counts ``weight`` times."""
    return replace(place, **{key: getattr(place, key) * weight for key in ("tp", "fn", "dup", "bg", "exposure")})


def _check_place(zones, truth):
    """Truth of another place would make every detection false."""
    if not len(truth) or zones == [None]:
        return
    west, south, east, north = np.array([zone.geometry.bounds for zone in zones]).T
    x = np.maximum(np.maximum(west.min() - truth.x, truth.x - east.max()), 0)
    y = np.maximum(np.maximum(south.min() - truth.y, truth.y - north.max()), 0)
    away = float(np.hypot(x, y).min())
    if away > ELSEWHERE_M:
        raise Refusal(
            "TRUTH lies {value:,.0f} km from ZONES. Check that they show the same place, and their CRS.", value=away / 1000.0
        )


def _number(value, name, key):
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Refusal("{name}: '{value}' in field {key} is no number.", name=name, value=value, key=key) from None
