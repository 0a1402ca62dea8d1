"""rason:comparetrains: two sightings of a train: are the wagons in the same order?"""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, outputs, reports, scenes
from ..base import RasonAlgorithm
from ..lazy import np

epoch, provenance, trains, trains_picture = (
    lazy.engine(name) for name in ("epoch", "provenance", "trains", "trains_picture")
)
GAP_M = 40.0  # between two wagons of one track: probably two trains


class CompareTrains(RasonAlgorithm):
    """Wagons of two sightings in; the alignment and its likeness out."""

    group_id = "comparing"

    def name(self):
        """Fixed id."""
        return "comparetrains"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Compare two sightings of a train")

    def tags(self):
        """Words to find it by."""
        return self.tr("train,wagons,freight cars,same train,order,alignment,similarity").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Lays the wagons of two sightings side by side, in order and in both directions, with gaps for wagons that were missed, "
            "taken out or put in, and says how alike the two are in lengths, types and colours.\n\nThe similarity is 1 for what a "
            "second sighting of the same train would give. Beside it stands its chance level: what 99 of 100 trains made of the same "
            "wagons in other orders stay below. Only a similarity beyond that is called consistent, never the same train: another "
            "train made up alike would look the same.\n\nAt least eight wagons are needed in both sightings, and wagons that differ: "
            "of a unit train of equal wagons nothing can be told, which is said. Types help most, then lengths; BEFORE and AFTER add "
            "the colours of the roofs."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, kind = self.tr, QgsProcessing.SourceType
        which = ((1, tr("first"), "BEFORE"), (2, tr("second"), "AFTER"))
        for number, word, _ in which:
            self._add(
                QgsProcessingParameterFeatureSource(
                    f"TRAIN_{number}", tr("Wagons of the {} sighting").format(word), [kind.TypeVectorPolygon]
                ),
                tr("Detections of freight cars of one track, with the fields position_m, type and type_p where present. Several "
                   "tracks in one layer: name the one in ZONE_{}, or select its wagons.").format(number),
            )  # fmt: skip
        for number, word, _ in which:
            self._add(
                QgsProcessingParameterString(
                    f"ZONE_{number}", tr("Track of the {} sighting").format(word), optional=True
                ),
                tr("zone_id of the track the train stands on; left empty, TRAIN_{} holds one track.").format(number),
            )  # fmt: skip
        for _, word, key in which:
            self._add(
                QgsProcessingParameterRasterLayer(key, tr("Scene of the {} sighting").format(word), optional=True),
                tr("Its colours are then compared and its wagons shown in the report. Both scenes or neither."),
            )
        self._add(
            QgsProcessingParameterNumber("LENGTH_SD", tr("Error of a length (m)"), QgsProcessingParameterNumber.Type.Double,
                                         0.7, minValue=0.1, maxValue=5.0),
            tr("Standard deviation of one wagon's measured length: about two pixels of the scene, not less than half a metre."),
            advanced=True,
        )  # fmt: skip
        self._add(
            QgsProcessingParameterNumber("SEED", tr("Seed"), QgsProcessingParameterNumber.Type.Integer, 0, minValue=0),
            tr("Start of the random orders behind the chance level."),
            advanced=True,
        )
        self._add(
            QgsProcessingParameterFeatureSink("OUTPUT", tr("Alignment"), kind.TypeVector),
            tr("Table: one row a wagon or pair of wagons, in order."),
        )
        self._add(
            QgsProcessingParameterFileDestination(
                "REPORT", tr("Report"), "HTML files (*.html)", optional=True, createByDefault=False
            ),
            tr("One self-contained page: the sentence, and both trains straightened, one under the other."),
        )
        self.addOutput(QgsProcessingOutputString("VERDICT", tr("consistent, no more alike than chance or cannot be told")))
        self.addOutput(QgsProcessingOutputNumber("SIMILARITY", tr("Similarity; 1 is a second sighting of the same train")))
        self.addOutput(QgsProcessingOutputNumber("CHANCE", tr("Similarity that 99 of 100 other orders stay below")))
        self.addOutput(QgsProcessingOutputNumber("MATCHED", tr("Wagons with a counterpart")))

    def _add(self, parameter, text, *, advanced=False):
        self.addParameter(scenes.with_help(parameter, text, advanced=advanced))

    def read(self, parameters, context, feedback):
        """Read and check everything, the earlier sighting first; nothing is written yet."""
        self.warnings = []
        given = [key for key in ("BEFORE", "AFTER") if parameters.get(key) not in (None, "")]
        if len(given) == 1:
            raise Refusal(self.tr("{} is given alone. Give BEFORE and AFTER, or neither.").format(given[0]))
        pictures = [bridge.raster_layer(self, parameters, key, context) for key in given]
        if given and None not in pictures and pictures[0].source() == pictures[1].source():
            raise Refusal(self.tr("BEFORE and AFTER are the same scene. Give the scene of each sighting."))
        sightings = [self._sighting(parameters, number, key if given else "", context)
                     for number, key in ((1, "BEFORE"), (2, "AFTER"))]  # fmt: skip
        times = [when for _, when, _ in sightings]
        if None not in times:
            if times[0].iso() == times[1].iso():
                raise Refusal(
                    self.tr("TRAIN_1 and TRAIN_2 are of the same epoch ({}). Choose two epochs.").format(times[0].iso())
                )
            if epoch.may_be_one(*times):
                raise Refusal(
                    self.tr(
                        "TRAIN_1 and TRAIN_2 may be of the same day ({} and {}): give both epochs with the same precision."
                    ).format(*(when.iso() for when in times))
                )
            if times[1].utc < times[0].utc:
                self.warnings.append(self.tr("TRAIN_2 is the earlier sighting: the two were sorted."))
                sightings = sightings[::-1]
        self.wagons, self.epochs, self.scenes = zip(*sightings)
        one, other = (np.column_stack([wagons.x, wagons.y, wagons.length_m]) for wagons in self.wagons)
        if np.array_equal(one, other):
            raise Refusal(self.tr("TRAIN_1 and TRAIN_2 hold the same wagons in the same places. Choose two sightings."))
        self.length_sd = self.parameterAsDouble(parameters, "LENGTH_SD", context)
        self.seed = self.parameterAsInt(parameters, "SEED", context)
        for warning in self.warnings:
            feedback.pushWarning(warning)

    def _sighting(self, parameters, number, scene_key, context):
        """Wagons in their order, epoch (None where the layer does not say) and scene (or None)."""
        name = f"TRAIN_{number}"
        source = self.parameterAsSource(parameters, name, context)
        if not source.featureCount():
            raise Refusal(self.tr("{} holds no wagons. Select the wagons of one train.").format(name))
        scene = None
        if scene_key:
            scene = bridge.read_scene(bridge.raster_layer(self, parameters, scene_key, context), name=scene_key)
        frame = scene.frame if scene else bridge.frame_of(source, name)
        marks, texts = bridge.read_marks(source, frame, context, name)
        zone = self.parameterAsString(parameters, f"ZONE_{number}", context).strip()
        tracks = sorted(set(marks.zone_id.tolist()))
        if zone and zone not in tracks:
            raise Refusal(self.tr("ZONE_{}: {} holds no wagons on a track of this name. It has {}.").format(
                number, name, ", ".join(text for text in tracks[:8] if text) or self.tr("no zone_id")))  # fmt: skip
        if not zone and len(tracks) > 1:
            raise Refusal(self.tr("{} holds wagons of several tracks ({}). Name one in ZONE_{}, or select its wagons.").format(
                name, ", ".join(tracks[:8]), number))  # fmt: skip
        chosen = np.flatnonzero(marks.zone_id == zone) if zone else np.arange(len(marks))
        if not len(chosen) or not marks.length_m[chosen].all():
            raise Refusal(
                self.tr("{} holds points or nothing: wagons need a length. Give detections or boxes.").format(name)
            )
        dates = sorted({texts["epoch"][i] for i in chosen if texts["epoch"][i]})
        if len(dates) > 1:
            raise Refusal(
                self.tr("{} holds more than one epoch ({}). Select the wagons of one.").format(name, ", ".join(dates[:3]))
            )
        position = np.array([_number(texts["position_m"][i]) for i in chosen])
        wagons = marks.select(chosen)
        if scene:
            self._check_seen(scene, wagons, name, scene_key)
        if not np.isfinite(position).all():
            position = _along(wagons)
        wagons = wagons.with_(position_m=position).select(np.argsort(position, kind="stable"))
        gaps = np.diff(wagons.position_m) - (wagons.length_m[1:] + wagons.length_m[:-1]) / 2
        if (gaps > GAP_M).any():
            self.warnings.append(self.tr("{}: a gap of {:.0f} m between two wagons: perhaps two trains. Select the wagons of "
                                         "one.").format(name, gaps.max()))  # fmt: skip
        return wagons, epoch.read(dates[0], f"{name}: epoch") if dates else None, scene

    def _check_seen(self, scene, wagons, name, scene_key):
        """The wagons must stand in their scene: their colours are read there."""
        west, south, east, north = scene.bounds
        outside = (wagons.x < west) | (wagons.x > east) | (wagons.y < south) | (wagons.y > north)
        if outside.any():
            raise Refusal(
                self.tr("{} of the {} wagons of {} lie outside {}. Give the scene in which they were detected.").format(
                    int(outside.sum()), len(wagons), name, scene_key
                )
            )

    def work(self, parameters, context, feedback):
        """Compare, then write."""
        step = bridge.progress(feedback)
        seen = []
        for number, (wagons, scene) in enumerate(zip(self.wagons, self.scenes)):
            step(0.2 * number)
            tints = trains.colours(scene, wagons) if scene else np.nan
            seen.append(trains.Train.make(wagons.length_m, wagons.type_name, wagons.type_p, tints, wagons.position_m))
        step(0.4)
        found = trains.compare_trains(
            *seen, length_sd_m=self.length_sd, seed=self.seed, progress=bridge.progress(feedback, 40, 80)
        )
        days = [
            when.day() if when else word
            for when, word in zip(self.epochs, (self.tr("the first day"), self.tr("the second day")))
        ]
        text = found.sentence(*days)
        feedback.pushInfo(text)
        columns = trains_picture.columns_of(found.pairs, *found.lengths, found.reversed)
        evidence = {int(i): float(value) for (i, _), value in zip(found.pairs, found.evidence)}
        rows = [self._row(column, evidence) for column in columns]
        record = provenance.record(self.id(), parameters, [])
        results = {"OUTPUT": outputs.write(
            self, parameters, "OUTPUT", context, schema.TRAIN_PAIRS, rows,
            style="train_pairs", title=self.tr("Two sightings of a train"), record=record,
        )}  # fmt: skip
        step(0.85)
        path = self.parameterAsFileOutput(parameters, "REPORT", context)
        if path:
            pictures = [trains_picture.chips(scene, wagons, turned) for scene, wagons, turned in
                        zip(self.scenes, self.wagons, (False, found.reversed))]  # fmt: skip
            figure = trains_picture.picture(
                columns, self.wagons, pictures, self.tr("Both sightings, straightened"),
                self.tr("Above {}, below {}{}.").format(*days, self.tr(", turned round") if found.reversed else ""),
            )  # fmt: skip
            page = reports.of_trains(self, rows, [text], parameters, self.epochs, figure)
            outputs.write_report(page, path)
            results["REPORT"] = path
        numbers = {"SIMILARITY": round(found.similarity, 3), "CHANCE": round(found.chance, 3), "MATCHED": len(found.pairs)}
        return {**results, "VERDICT": found.verdict, **numbers}

    def _row(self, column, evidence):
        """One row of the alignment."""
        row = {"evidence": round(evidence[column[0]], 2) if None not in column else None}
        for number, i in enumerate(column, 1):
            when = self.epochs[number - 1]
            row[f"epoch_{number}"] = when.iso() if when else None
            if i is not None:
                wagons = self.wagons[number - 1]
                row.update({f"number_{number}": i + 1, f"position_{number}_m": round(float(wagons.position_m[i]), 1),
                            f"length_{number}_m": round(float(wagons.length_m[i]), 1),
                            f"type_{number}": str(wagons.type_name[i])})  # fmt: skip
        return row


def _number(text):
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _along(wagons):
    """Metres along the line that fits the wagons best, where their positions along a track are not known."""
    points = np.column_stack([wagons.x, wagons.y])
    points = points - points.mean(0)
    return points @ np.linalg.svd(points, full_matrices=False)[2][0]
