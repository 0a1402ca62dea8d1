"""rason:detectships: ships in the zones of one optical scene."""

from __future__ import annotations

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
            "Finds ships afloat in one optical scene of 0.3 to 10 m: one rectangle a hull, with length and beam.\n\n"
            "Zones are polygons of water that end at the quay line and leave out jetties and breakwaters. The result is what was "
            "found, not a tally: rason:tallyscene or rason:tally give the number with its interval."
        )
