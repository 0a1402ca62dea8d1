"""rason:detectships: ships in the zones of one optical scene."""

from __future__ import annotations

from qgis.core import QgsProcessing, QgsProcessingParameterFeatureSource

from .. import bridge, scenes
from ..detecting import DetectInScene


class DetectShips(DetectInScene):
    """Scene and zones in; detections out."""

    class_name = "ship"

    def name(self):
        """Fixed id."""
        return "detectships"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Detect ships")

    def tags(self):
        """Words to find it by."""
        return self.tr("ships,vessels,port,berth,quay,water,detection").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Finds ships afloat in one optical scene of 0.3 to 10 m: one rectangle a hull, with length, beam and, where its wake "
            "or a white deck house aft shows, heading.\n\n"
            "Zones are polygons of water that end at the quay line and leave out jetties and breakwaters (or give these in EXCLUDE). "
            "For berth zones the surer result is which metres of the quay are occupied: the log says from where to where, MEASURES "
            "how much. The result is what was found, not a tally: rason:tallyscene or rason:tally give the number with its interval."
        )

    def more(self):
        """Parameters of this detector alone."""
        tr, kind = self.tr, QgsProcessing.SourceType
        return [
            scenes.with_help(
                QgsProcessingParameterFeatureSource("EXCLUDE", tr("Land and other places to leave out"),
                                                    [kind.TypeVectorPolygon], optional=True),
                tr("Polygons that are cut out of the zones: land, piers, jetties, breakwaters, islands, roofs."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSource("STATIC", tr("Detections of other dates"), [kind.TypeVectorAnyGeometry],
                                                    optional=True),
                tr("Earlier or later detections of the same place. What stands there now with the same size and direction gets a note "
                   "that it may be fixed; nothing is dropped. Detections of this very epoch are passed over."),
            ),
        ]  # fmt: skip

    def read(self, parameters, context, feedback):
        """As the others; EXCLUDE says in the log what it repairs."""
        self.feedback = feedback
        super().read(parameters, context, feedback)

    def detector(self, parameters, context):
        """The engine's detector, set up as the parameters say."""
        from ...engine.detectors.ships import Ships

        source, without = self.parameterAsSource(parameters, "EXCLUDE", context), None
        if source is not None:
            without = bridge.read_area(source, self.scene.frame, context, self.feedback, "EXCLUDE")
        return Ships(without, *self._other_dates(parameters, context))

    def _other_dates(self, parameters, context):
        """Detections of STATIC that are not of this epoch, and their dates."""
        from ...engine.detections import Detections

        source = self.parameterAsSource(parameters, "STATIC", context)
        if source is None:
            return Detections.empty(), ()
        marks, texts = bridge.read_marks(source, self.scene.frame, context, "STATIC")
        other = [k for k in range(len(marks)) if texts["epoch"][k] != self.epoch.iso()]
        return marks.select(other), tuple(texts["epoch"][k][:10] for k in other)
