"""rason:detectshipssar: ships in the zones of one radar scene."""

from __future__ import annotations

from dataclasses import replace

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
)

from .. import bridge, scenes
from ..detecting import DetectInScene

VALUES = ["auto", "amplitude", "intensity", "db"]


class DetectShipsSar(DetectInScene):
    """Scene and zones in; detections out."""

    class_name = "ship"
    sensor = "sar"

    def name(self):
        """Fixed id."""
        return "detectshipssar"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Detect ships in radar")

    def tags(self):
        """Words to find it by."""
        return self.tr("ships,vessels,SAR,radar,Sentinel-1,CFAR,sea,detection").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Finds ships at sea in one radar (SAR) scene of up to 22 m a pixel, such as Sentinel-1 GRD: one rectangle a target, "
            "with length and beam where they are several pixels.\n\n"
            "Zones are polygons of open water. The sea is measured around each place and a target is what its clutter would give "
            "with probability PFA. Within 100 m of a zone's edge confidence is low; in berth zones only the occupied length is "
            "given, no count. Bands must be named for their polarisation (VV, Sigma0_VH, …) or named in BANDS. The result is what "
            "was found, not a tally: rason:tally gives the number with its interval."
        )

    def scene_help(self):
        """What INPUT may be."""
        return self.tr(
            "Radar backscatter with georeference, one or two polarisations, speckle not filtered: amplitude, intensity or dB."
        )

    def zones_help(self):
        """What the zones are."""
        return self.tr(
            "Water: polygons of kind water or berth, without land. Fields zone_id, name and kind are used where present."
        )

    def more(self):
        """Parameters of this detector alone."""
        tr, number = self.tr, QgsProcessingParameterNumber
        real = number.Type.Double
        return [
            scenes.with_help(
                QgsProcessingParameterEnum("VALUES", tr("Values"), options=VALUES, defaultValue="auto", usesStaticStrings=True),
                tr("What the numbers are: amplitude (Sentinel-1 GRD as delivered), intensity (linear sigma0) or db. auto takes it from "
                   "band names or negative values, and refuses where it is not certain."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSource("EXCLUDE", tr("Land and other places to leave out"),
                                                    [QgsProcessing.SourceType.TypeVectorPolygon], optional=True),
                tr("Polygons that are cut out of the zones: land, breakwaters, fish farms, wind turbines."),
            ),
            scenes.with_help(
                number("PFA", tr("False-alarm probability"), real, 2e-8, minValue=1e-12, maxValue=1e-3),
                tr("Chance that a pixel of sea is taken for a ship. 2e-8 gives less than one false alarm on 100 km² at 10 m."),
                advanced=True,
            ),
            scenes.with_help(
                number("LOOKS", tr("Equivalent number of looks"), real, None, optional=True, minValue=0.5, maxValue=10000),
                tr("Of one pixel: 4.4 for Sentinel-1 IW GRD. Left empty, it is measured on the calmest sea."),
                advanced=True,
            ),
            scenes.with_help(
                number("AMBIGUITY_M", tr("Azimuth ambiguity (m)"), real, None, optional=True, minValue=500, maxValue=50000),
                tr("How far along track ghosts of bright targets fall, some 4700 to 5800 m for Sentinel-1 IW. Targets that may be "
                   "ghosts get a note. Left empty, radar metadata of the file are used where it has them, else nothing is looked for."),
                advanced=True,
            ),
            scenes.with_help(
                number("HEADING", tr("Flight direction (degrees)"), real, None, optional=True, minValue=0, maxValue=360),
                tr("Clockwise from north, for the ghosts. Left empty, the file's, else both 347 (ascending) and 193 (descending)."),
                advanced=True,
            ),
        ]  # fmt: skip

    def detector(self, parameters, context):
        """The engine's detector, set up as the parameters say."""
        from ...engine.detectors.ships_sar import ShipsSar

        def number(name):
            return None if parameters.get(name) is None else self.parameterAsDouble(parameters, name, context)

        return ShipsSar(
            values=self.parameterAsEnumString(parameters, "VALUES", context),
            looks=number("LOOKS"),
            pfa=self.parameterAsDouble(parameters, "PFA", context),
            without=self._excluded(parameters, context),
            ambiguity=self._ambiguity(number("AMBIGUITY_M"), number("HEADING")),
        )

    def read(self, parameters, context, feedback):
        """As the others, and a look at the sea itself, which tells what is no backscatter."""
        self.feedback = feedback
        super().read(parameters, context, feedback)
        seen = [zone for zone in self.zones if self.visible[zone.zone_id] > 0]
        how = self.finder.check(self.scene, seen)
        self.finder = replace(self.finder, surveyed=how)
        looks = ", ".join(f"{value:.1f}" for value in how.looks)
        feedback.pushInfo(self.tr("Values read as {}; looks {}.").format(how.values, looks))
        if how.step > 1:
            feedback.pushInfo(self.tr("Pixels are averaged, {} on a side.").format(how.step))

    def _excluded(self, parameters, context):
        """What is cut out of the zones, in the scene's frame; None without EXCLUDE."""
        source = self.parameterAsSource(parameters, "EXCLUDE", context)
        return None if source is None else bridge.read_area(source, self.scene.frame, context, self.feedback, "EXCLUDE")

    def _ambiguity(self, azimuth_m, heading):
        """Where ghosts fall: as the user says, else as the file says."""
        from ...engine.detectors import ambiguity

        said = ambiguity.from_metadata(self.scene.metadata)
        if azimuth_m is not None:
            said = ambiguity.Ambiguity(azimuth_m, said.headings_deg if said else ambiguity.HEADINGS_DEG)
        return said if said is None or heading is None else replace(said, headings_deg=(heading,))
