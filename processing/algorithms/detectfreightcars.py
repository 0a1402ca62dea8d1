"""rason:detectfreightcars: freight cars along tracks in one scene."""

from __future__ import annotations

from qgis.core import QgsProcessing

from ..detecting import DetectInScene


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
            "Finds freight cars along drawn tracks in one optical scene: one rectangle a car, with its position along the track.\n\n"
            "Tracks are lines that lie within half a metre of their rails. Tracks of one run are judged together. The result is "
            "what was found, not a tally: rason:tallyscene or rason:tally give the number with its interval."
        )

    def zones_help(self):
        """What the tracks are."""
        return self.tr(
            "Centre lines of the tracks. Fields zone_id and name are used where present; a line is taken as kind track."
        )
