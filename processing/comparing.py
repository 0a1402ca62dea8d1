"""What the algorithms that compare scenes pixel by pixel have in common: scenes of one place in order of time, on one frame."""

from __future__ import annotations

from dataclasses import dataclass

from qgis.core import QgsGeometry, QgsProcessingParameterNumber, QgsProcessingParameterRasterLayer

from ..engine.errors import Refusal
from . import bridge, lazy, outputs, scenes
from .base import RasonAlgorithm

epochs, masked, provenance = (lazy.engine(name) for name in ("epoch", "masked", "provenance"))


SHIFTED_PX = 0.5  # from which on two scenes count as not aligned


@dataclass(frozen=True)
class Dated:
    """A scene as the user gave it. key: the parameter's name. epoch: None where nobody says it."""

    scene: object
    key: str
    name: str
    layer: object
    epoch: object

    @property
    def iso(self):
        """The epoch as text, "" where it is not known."""
        return self.epoch.iso() if self.epoch else ""


def _time_key(key):
    """The parameter that says when the scene of a parameter was taken."""
    return "EPOCHS" if key.startswith("INPUTS") else f"EPOCH_{key}"


class ComparePixels(RasonAlgorithm):
    """Subclasses give name, displayName, shortHelpString, initAlgorithm, ``read`` and ``work``."""

    group_id = "comparing"

    def scene_parameter(self, key, title, text):
        """A scene."""
        return scenes.with_help(QgsProcessingParameterRasterLayer(key, title), text)

    def significance(self, value, text):
        """SIGNIFICANCE."""
        real = QgsProcessingParameterNumber.Type.Double
        return scenes.with_help(
            QgsProcessingParameterNumber("SIGNIFICANCE", self.tr("Significance"), real, value, minValue=1e-9, maxValue=0.2),
            text,
        )

    def least_area(self):
        """MIN_AREA."""
        real = QgsProcessingParameterNumber.Type.Double
        return scenes.with_help(
            QgsProcessingParameterNumber("MIN_AREA", self.tr("Smallest area (m²)"), real, None, optional=True, minValue=0.0),
            self.tr(
                "Changed areas below this are not drawn in OBJECTS. Left empty: nine pixels, which chance alone hardly ever makes."
            ),
            advanced=True,
        )

    def least_px(self, parameters, context, gsd_m):
        """MIN_AREA in pixels."""
        if parameters.get("MIN_AREA") is None:
            return 9
        return max(1, round(self.parameterAsDouble(parameters, "MIN_AREA", context) / gsd_m**2))

    def dated(self, layers, given, bands, feedback):
        """Scenes in order of time in the frame of the first. layers: [(key, layer)]; given: {key: text of an epoch}.

        Raises Refusal for the same scene twice and for two scenes of one instant.
        """
        opened = [self._opened(key, layer, given.get(key), bands) for key, layer in layers]
        seen: dict[str, str] = {}
        for item in opened:
            path = item.layer.source().split("|")[0]
            if path in seen:
                raise Refusal(
                    self.tr("{first} and {second} are the same scene ({name}). Choose scenes of different dates."),
                    first=seen[path], second=item.key, name=item.name,
                )  # fmt: skip
            seen[path] = item.key
        ordered = self._ordered(opened, feedback)
        frame = ordered[0].scene.frame
        for text in sorted({text for item in ordered for text in item.scene.warnings}):
            feedback.pushWarning(text)
        return [ordered[0], *(self._framed(item, frame, bands) for item in ordered[1:])]

    def _opened(self, key, layer, given, bands):
        scene = bridge.read_scene(layer, bands=bands, name=key)
        epoch = epochs.read(given, _time_key(key)) if given else epochs.from_metadata(scene.metadata)
        return Dated(scene, key, bridge.scene_name(layer), layer, epoch)

    def _ordered(self, opened, feedback):
        without = [item.key for item in opened if item.epoch is None]
        if without:
            feedback.pushWarning(
                self.tr(
                    "{} does not say when it was taken: the scenes are taken in the order given. Give {} to be sure."
                ).format(self.tr(" and ").join(without), self.tr(" and ").join(map(_time_key, without)))
            )
            return opened
        for item in opened:
            if item.epoch.warning:
                feedback.pushWarning(f"{item.key}: {item.epoch.warning}")
        precisions = sorted({item.epoch.precision for item in opened})
        if len(precisions) > 1:
            feedback.pushWarning(self.tr("The dates are known to different precision ({}).").format(", ".join(precisions)))
        ordered = sorted(opened, key=lambda item: item.epoch.utc)
        for first, second in zip(ordered, ordered[1:]):
            keys = sorted({_time_key(item.key) for item in (first, second)})
            told = {"first": first.key, "second": second.key, "keys": self.tr(" and ").join(keys)}
            if first.iso == second.iso:
                raise Refusal(
                    self.tr("{first} and {second} are of the same epoch ({epoch}). Choose scenes of different dates, or correct it by {keys}."),
                    epoch=first.iso, **told,
                )  # fmt: skip
            if epochs.may_be_one(first.epoch, second.epoch):
                raise Refusal(
                    self.tr("Which of {first} ({epoch_1}) and {second} ({epoch_2}) is the earlier one is not known. Give the times of both "
                            "with the same precision ({keys})."),
                    epoch_1=first.iso, epoch_2=second.iso, **told,
                )  # fmt: skip
        if ordered != opened:
            feedback.pushWarning(
                self.tr("The scenes were not in order of time and were sorted: {}.").format(
                    ", ".join(item.name for item in ordered)
                )
            )
        return ordered

    def _framed(self, item, frame, bands):
        """The scene in another one's frame."""
        if item.scene.frame.wkt == frame.wkt:
            return item
        scene = bridge.read_scene(item.layer, bands=bands, name=item.key, frame=frame)
        return Dated(scene, item.key, item.name, item.layer, item.epoch)

    def behind(self, item, key, parameters, context):
        """The scene behind the visibility raster of a parameter."""
        if not parameters.get(key):
            return item
        raster = bridge.read_classes(bridge.raster_layer(self, parameters, key, context), key)
        return Dated(masked.MaskedScene(item.scene, raster), item.key, item.name, item.layer, item.epoch)

    def tell_shift(self, stack, feedback):
        """The shift between two scenes in pixels, said where it matters; None where it cannot be measured."""
        shift = stack.shift_px()
        if shift is None:
            feedback.pushInfo(self.tr("Whether the scenes lie on each other could not be measured."))
            return None
        size = float((shift[0] ** 2 + shift[1] ** 2) ** 0.5)
        if size > SHIFTED_PX:
            feedback.pushWarning(
                self.tr(
                    "The scenes do not lie on each other: the content of {} is shifted by {:+.1f} pixels to the right and {:+.1f} down against {}. "
                    "Every edge looks like change; align them first (rason:alignscene)."
                ).format(stack.scenes[1].name, *shift, stack.scenes[0].name)
            )
        return size

    def record(self, parameters, items, step):
        """The record of the run."""
        files = [file for item in items for file in item.scene.files]
        return provenance.record(self.id(), parameters, provenance.fingerprint(files, step))

    def metadata(self, record, epoch=""):
        """Of a raster that this run writes."""
        said = {"TIFFTAG_SOFTWARE": f"Rason {provenance.version()}", "RASON_RECORD": record}
        return {**said, "ACQUISITIONDATETIME": epoch} if epoch else said

    def outlines(self, areas, frame):
        """The areas' geometries in the scene's CRS."""
        from shapely.ops import transform

        shapes = [area.geometry for area in areas]
        if not frame.is_scene_crs:
            shapes = [transform(lambda x, y: frame.to_scene(x, y), shape) for shape in shapes]
        found = []
        for shape in shapes:
            geometry = QgsGeometry()
            geometry.fromWkb(bytes(shape.wkb))
            found.append(geometry)
        return found

    def paint(self, path, title, module, context):
        """Colours of a raster of classes, as an engine module names them."""
        outputs.paint(
            path, title, [(value, colour, module.NAMES[value]) for value, colour in module.COLOURS.items()], context
        )
