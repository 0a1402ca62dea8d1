"""rason:detectcontainers: container tops in the zones of one scene."""

from __future__ import annotations

from .. import scenes
from ..detecting import DetectInScene


class DetectContainers(DetectInScene):
    """Scene and zones in; detections out."""

    class_name = "container"

    def more(self):
        """Sun and sensor, for the height of stacks."""
        return scenes.light_parameters(self.tr)

    def name(self):
        """Fixed id."""
        return "detectcontainers"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Detect containers")

    def tags(self):
        """Words to find it by."""
        return self.tr("containers,boxes,yard,pier,TEU,detection").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Finds the visible tops of containers in stacking blocks in one optical scene: one rectangle a box.\n\n"
            "Zones are polygons with a few metres of free ground round the block. Boxes under other boxes are not seen. The result "
            "is what was found, not a tally: rason:tallyscene or rason:tally give the number with its interval.\n\n"
            "Where it is known how the sun stands or from where the sensor looks, tiers_low and tiers_high bound how many boxes stand "
            "on each other, from the shadow on the ground or the leaning side; the log says what that makes of each zone: a bound, "
            "never a count. They stay empty where nothing is seen of it, and the log says why."
        )
