"""rason:detectfreightcars: freight cars along tracks in one scene."""

from __future__ import annotations

from qgis.core import QgsProcessing, QgsProcessingParameterFeatureSource

from .. import bridge, lazy, scenes
from ..detecting import DetectInScene

freight_cars = lazy.engine("detectors.freight_cars")


class DetectFreightCars(DetectInScene):
    """Scene and zones in; detections out."""

    class_name = "freight_car"
    zones_key = "TRACKS"
    zone_types = (QgsProcessing.SourceType.TypeVectorLine,)

    def name(self):
        """Fixed id."""
        return "detectfreightcars"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Detect freight cars")

    def tags(self):
        """Words to find it by."""
        return self.tr("freight cars,wagons,railway,train,track,detection").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Finds freight cars along drawn tracks in one optical scene: one rectangle a car, with its position along the track. Where "
            "it can be told, a car has a type with its probability: box, hopper, tank, container flat, empty flat, locomotive or coach to "
            "0.65 m, tank, container flat or locomotive to 1.2 m. Most cars are left without. Types were fitted on simulated cars above "
            "all, and on the few real ones at hand only some boxes were told: check them. Locomotives and coaches are in the count and "
            'said of their track, and so is a train whose colours part because it moved (note "moving?"). MEASURES has the occupied '
            "length and the share filled of each track. Empty flats are often missed altogether.\n\n"
            "Tracks are lines that lie within half a metre of their rails; a line that lies beside them is said, not moved. All tracks "
            "of a run are judged in one light. Where a bare bed is taken for cars, mark a stretch of empty track. The result is "
            "what was found, not a tally: rason:tallyscene or rason:tally give the number with its interval."
        )

    def zones_help(self):
        """What the tracks are."""
        return self.tr(
            "Centre lines of the tracks. Fields zone_id and name are used where present; a line is taken as kind track."
        )

    def more(self):
        """EMPTY_STRETCH."""
        stretch = QgsProcessingParameterFeatureSource(
            "EMPTY_STRETCH",
            self.tr("Empty stretch of track"),
            [QgsProcessing.SourceType.TypeVectorLine],
            optional=True,
        )
        return [
            scenes.with_help(
                stretch,
                self.tr(
                    "Lines of at least 10 m drawn along the tracks where nothing stands: what a bare bed looks like in this scene. Left "
                    "empty, the detector goes by the beds it was fitted on."
                ),
            )
        ]

    def read(self, parameters, context, feedback):
        """As for every class, and the empty stretch."""
        super().read(parameters, context, feedback)
        source = self.parameterAsSource(parameters, "EMPTY_STRETCH", context)
        if source is not None:
            stretches = bridge.read_zones(source, self.scene.frame, context, feedback, "EMPTY_STRETCH")
            self.finder = freight_cars.FreightCars(empty_stretch=tuple(stretches))
            self.finder.check(self.zones)
