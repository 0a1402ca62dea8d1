"""rason:detectonnx: the user's own ONNX model on one scene."""

from __future__ import annotations

import json
from pathlib import Path

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, outputs, scenes
from ..base import RasonAlgorithm

counting, provenance, visible = (lazy.engine(name) for name in ("counting", "provenance", "visible"))
cards, models, stitching = (lazy.engine(f"onnx.{name}") for name in ("card", "model", "stitching"))

CONFIDENCE = 0.5  # where neither the user nor card nor model says
Number = QgsProcessingParameterNumber


class DetectOnnx(RasonAlgorithm):
    """Scene and model in; detections out."""

    group_id = "detection"

    def name(self):
        """Fixed id."""
        return "detectonnx"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Detect with an ONNX model")

    def tags(self):
        """Words to find it by."""
        return self.tr("ONNX,YOLO,deep learning,model,oriented boxes,segmentation,trucks,aircraft,detection").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Runs your own ONNX model on one scene and gives one rectangle an object. Models of the YOLO family are understood (v5 to "
            "v12, axis-aligned or oriented, with or without overlaps removed, with masks) and segmentation models, whose patches "
            "become rectangles.\n\nClass names, input size, GSD and normalisation are read from the model where it holds them, else "
            "from its card: a small JSON file beside it (model.onnx.json). What was read stands in the log. The scene is brought to "
            "the model's GSD while reading, tiles overlap by the largest object so that each is seen whole, and each is given once.\n\n"
            "The model's score is not a probability: p equals the score and is not calibrated, until labels of your site say what it "
            "is worth. Needs the Python library onnxruntime; how to get it and how to write a card stands in docs/howto_onnx.md."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, kind = self.tr, QgsProcessing.SourceType

        def add(parameter, text, *, advanced=False):
            self.addParameter(scenes.with_help(parameter, text, advanced=advanced))

        add(
            QgsProcessingParameterRasterLayer("INPUT", tr("Scene")),
            tr("Image file with georeference. Its bands must show what the model was trained on."),
        )
        add(
            QgsProcessingParameterFile("MODEL", tr("Model"), fileFilter="ONNX (*.onnx)"),
            tr("ONNX file of a detector. Models may be under a licence that binds you (AGPL-3.0 for many YOLO models)."),
        )
        add(
            QgsProcessingParameterFile("CARD", tr("Model card"), fileFilter="JSON (*.json)", optional=True),
            tr(
                "JSON file with what the model itself does not say: classes, gsd_m, largest_object_m, normalisation, class_map, "
                "licence, sha256 and more. Left empty, the file of the model's name with .json behind it is used where there is one."
            ),
        )
        add(
            QgsProcessingParameterFeatureSource("ZONES", tr("Zones"), [kind.TypeVectorPolygon], optional=True),
            tr("Where to look: polygons. Left empty, the whole scene is searched."),
        )
        add(
            Number("CONFIDENCE", tr("Least score"), Number.Type.Double, None, True, 0.001, 0.999),
            tr("Objects with a smaller score are left out. Left empty, the card or the model says, else 0.5."),
        )
        add(
            Number("LARGEST_OBJECT", tr("Length of the largest object (m)"), Number.Type.Double, None, True, 0.1),
            tr("Tiles overlap by so much. Left empty, the card says, else an eighth of a tile; larger objects may be cut."),
        )
        add(
            QgsProcessingParameterString("CLASSES", tr("Classes"), optional=True),
            tr("Only these, separated by commas, such as plane,ship. Left empty, all classes of the model."),
        )
        for parameter in scenes.epoch_parameters(tr, tr("Left empty, the file must say it.")):
            self.addParameter(parameter)
        add(
            Number("MODEL_GSD", tr("GSD the model was trained at (m)"), Number.Type.Double, None, True, 0.01),
            tr("The scene is brought to it. Left empty, the card or the model says, else the scene is read as it is."),
            advanced=True,
        )
        add(
            Number("TILE", tr("Tile size (pixels)"), Number.Type.Integer, None, True, 32, 8192),
            tr("For models that leave their input size open. Left empty, the card or the model says, else 640."),
            advanced=True,
        )
        self.addParameter(scenes.bands_parameter(tr))
        self.addParameter(scenes.visibility_parameter(tr))
        self.addParameter(scenes.calibration_parameter(tr, tr(
            "Calibration file from rason:calibrate: p of the classes it holds then comes from its labels, and the note says so. "
            "Without one, p is the model's score."
        )))  # fmt: skip
        add(
            QgsProcessingParameterFeatureSink("OUTPUT", tr("Detections"), kind.TypeVectorPolygon),
            tr("One rectangle an object, styled by class and status."),
        )
        self.addOutput(QgsProcessingOutputNumber("FOUND", tr("Number of detections, not corrected for misses")))

    def read(self, parameters, context, feedback):
        """Open and check everything; nothing is written yet. A missing onnxruntime is said last, when the rest is in order."""
        self.scene, self.crs, self.scene_name, self.epoch = scenes.read_scene(self, parameters, context)
        self.zones = self._zones(parameters, context, feedback)
        self.model = self._model(parameters, context)
        card = self.model.card
        self.kinds = _kinds(self.parameterAsString(parameters, "CLASSES", context), self.model)
        gsd = self._number(parameters, "MODEL_GSD", context)
        self.options = {
            "zones": self.zones,
            "largest_m": self._number(parameters, "LARGEST_OBJECT", context) or card.largest_object_m,
            "gsd_m": (gsd, gsd) if gsd else card.gsd_m,
        }
        self.confidence = self._number(parameters, "CONFIDENCE", context) or card.confidence or CONFIDENCE
        self.calibrations, _ = scenes.read_calibrations(self, parameters, context)
        self._tell(stitching.check(self.scene, self.model, **self.options), feedback)

    def _zones(self, parameters, context, feedback):
        source = self.parameterAsSource(parameters, "ZONES", context)
        if source is None:
            return []
        zones = bridge.read_zones(source, self.scene.frame, context, feedback, "ZONES")
        lines = [zone.zone_id for zone in zones if zone.is_track]
        if lines:
            raise Refusal("ZONES: zone {line} is a line. Give polygons to look in.", line=lines[0])
        return zones

    def _model(self, parameters, context):
        path = self.parameterAsFile(parameters, "MODEL", context)
        given = self.parameterAsFile(parameters, "CARD", context)
        self.card_path = given or (f"{path}.json" if Path(f"{path}.json").is_file() else "")
        if not Path(path).is_file():
            raise Refusal("MODEL: {path} is no file. Check the path.", path=path)
        try:
            card = cards.read_card(Path(self.card_path).read_text("utf8"), "CARD") if self.card_path else None
        except OSError as error:
            raise Refusal(
                "CARD: {card_path} cannot be read ({strerror}). Check the path.",
                card_path=self.card_path,
                strerror=error.strerror,
            ) from error
        except UnicodeDecodeError as error:
            raise Refusal(
                "CARD: {card_path} is no text file. Choose the model's JSON card.", card_path=self.card_path
            ) from error
        tile = self._number(parameters, "TILE", context)
        self.model_path = path
        return models.Model.open(path, card, int(tile) if tile else None)

    def _number(self, parameters, key, context):
        """A number the user gave, or None."""
        return None if parameters.get(key) in (None, "") else self.parameterAsDouble(parameters, key, context)

    def _tell(self, plan, feedback):
        """What was read from model and card, and what weakens the result."""
        for text in self.model.about():
            feedback.pushInfo(text)
        columns, rows = plan.starts
        how = self.tr("as it is") if plan.gsd_m == self.scene.gsd_m else self.tr("resampled to {:.3g} m").format(plan.gsd_m)
        feedback.pushInfo(
            self.tr("Scene of {:.3g} m read {}, tiles of {:.4g} m overlapping by {:.3g} m ({} x {}), least score {:g}.").format(
                self.scene.gsd_m, how, plan.shape[1] * plan.gsd_m, plan.overlap * plan.gsd_m, len(columns), len(rows),
                self.confidence,
            )
        )  # fmt: skip
        warnings = [*self.scene.warnings, self.epoch.warning]
        warnings += stitching.doubts(self.scene, self.model, **{k: v for k, v in self.options.items() if k != "zones"})
        for text in warnings:
            if text:
                feedback.pushWarning(text)

    def work(self, parameters, context, feedback):
        """Detect, then write."""
        found = stitching.find(self.scene, self.model, confidence=self.confidence, kinds=self.kinds,
                               progress=bridge.progress(feedback, 0, 90), **self.options)  # fmt: skip
        for text in found.warnings:
            feedback.pushWarning(text)
        unseen = [zone.zone_id for zone in self.zones if not visible.visible_fraction(self.scene, zone)]
        if unseen:
            feedback.pushWarning(self.tr("Not observed: {}.").format(", ".join(unseen)))
        detections = self._with_p(found.detections)
        feedback.pushInfo(
            self.tr("{} detections. This is no tally yet: rason:tally gives the number with its interval.").format(
                len(detections)
            )
        )
        if (detections.note == stitching.UNCALIBRATED).any():
            feedback.pushInfo(self.tr("p is the model's own score, which is no probability: it is not calibrated."))
        return {"FOUND": len(detections), "OUTPUT": self._written(parameters, context, feedback, detections)}

    def _with_p(self, detections):
        """The detections with p from the calibration, class by class where it has one."""
        parts = []
        for name in sorted(set(detections.class_name)):
            part, calibration = detections.select(detections.class_name == name), self.calibrations.get(name)
            if calibration and calibration.model:
                part = counting.with_p(part.with_(note=""), calibration, self.scene)
            parts.append(part)
        return type(detections).concatenate(parts)

    def _written(self, parameters, context, feedback, detections):
        model = self.model
        files = [*self.scene.files, self.model_path, *([self.card_path] if self.card_path else [])]
        said = {**parameters, "MODEL_SAYS": json.dumps(model.card.known(), ensure_ascii=False)}
        return outputs.write(
            self, parameters, "OUTPUT", context, schema.DETECTIONS,
            bridge.detection_rows(
                detections, status=schema.DETECTED, scene=self.scene_name, epoch=self.epoch.iso(),
                detector=f"{model.card.name or model.file_name} {model.sha256[:8]}, rason {provenance.version()}",
            ),
            geometries=bridge.rectangles(detections, self.scene.frame), crs=self.crs, style="detections",
            title=self.tr("Detections in {}").format(self.scene_name),
            record=provenance.record(self.id(), said, provenance.fingerprint(files, bridge.progress(feedback, 90, 95))),
        )  # fmt: skip


def _kinds(text, model):
    """Class numbers that CLASSES names, in the model's words or Rason's; None for all."""
    wanted = {word.strip().lower() for word in text.split(",") if word.strip()}
    if not wanted:
        return None
    words = [{name.lower(), model.card.class_map.get(name, name).lower()} for name in model.names]
    unknown = sorted(wanted - set().union(*words))
    if unknown:
        raise Refusal(
            "CLASSES: the model knows no {names}. It knows {names_2}.",
            names=", ".join(unknown),
            names_2=", ".join(model.names),
        )
    return [number for number, names in enumerate(words) if names & wanted]
