"""rason:matchradiometry: the brightness of a scene brought onto another's."""

from __future__ import annotations

from qgis.core import QgsProcessingOutputNumber, QgsProcessingParameterRasterDestination, QgsProcessingParameterRasterLayer

from ...engine.errors import Refusal
from .. import bridge, lazy, scenes
from ..comparing import ComparePixels, Dated

bands, gdal_files, irmad, radiometry, streams = (
    lazy.engine(name) for name in ("bands", "gdal_files", "change.irmad", "radiometry", "change.streams")
)


class MatchRadiometry(ComparePixels):
    """Scene and reference in; matched scene out."""

    def name(self):
        """Fixed id."""
        return "matchradiometry"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Match the brightness of two scenes")

    def tags(self):
        """Words to find it by."""
        return self.tr("radiometry,normalisation,normalization,IR-MAD,brightness,colour,before,after").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Brings the values of a scene onto those of a reference of the same place, one line a band, so that the two look alike where "
            "nothing changed.\n\nThe lines are drawn through pixels that did not change (IR-MAD with p above 0.95) and tested on a third of them "
            "that was held out: the log says the slope that is left, 1 where the match is right. With fewer than 2,000 such pixels the lines "
            "that most pixels follow are taken and that is said. Such a match is relative: it makes no reflectance, and takes out haze and sun "
            "only as far as they are one line for the whole scene. Rason's own comparisons need no match beforehand."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr = self.tr
        for parameter in (
            self.scene_parameter(
                "INPUT", tr("Scene"), tr("Optical image file with georeference, whose values are to be changed.")
            ),
            self.scene_parameter(
                "REFERENCE",
                tr("Reference"),
                tr("Optical scene of the same place with the same bands, aligned with the scene."),
            ),
            *(
                scenes.with_help(
                    QgsProcessingParameterRasterLayer(key, title, optional=True),
                    tr("Raster made by rason:visibility of that scene: only what is 1, seen, is looked at."),
                )
                for key, title in (
                    ("VISIBILITY", tr("Visibility of the scene")),
                    ("VISIBILITY_REFERENCE", tr("Visibility of the reference")),
                )
            ),
            scenes.bands_parameter(tr),
            scenes.with_help(
                QgsProcessingParameterRasterDestination("OUTPUT", tr("Matched scene")),
                tr(
                    "GeoTIFF on the scene's own pixels, of its type: nodata stays, and what would leave the type's range is cut and said."
                ),
            ),
        ):
            self.addParameter(parameter)
        self.addOutput(
            QgsProcessingOutputNumber("PIXELS", tr("Unchanged pixels that the lines rest on; 0 where they were too few"))
        )
        self.addOutput(
            QgsProcessingOutputNumber("WORST_SLOPE", tr("Slope left in the pixels held out, of the band where it is worst"))
        )
        self.addOutput(QgsProcessingOutputNumber("CUT", tr("Pixels cut at the end of the type's range")))

    def read(self, parameters, context, feedback):
        """Open and check everything; nothing is written yet."""
        said = self.parameterAsString(parameters, "BANDS", context)
        layers = {key: bridge.raster_layer(self, parameters, key, context) for key in ("INPUT", "REFERENCE")}
        scene = bridge.read_scene(layers["INPUT"], bands=said)
        reference = bridge.read_scene(layers["REFERENCE"], bands=said, name="REFERENCE", frame=scene.frame)
        if layers["INPUT"].source() == layers["REFERENCE"].source():
            raise Refusal(self.tr("INPUT and REFERENCE are the same scene. Choose two."))
        for key, one in (("INPUT", scene), ("REFERENCE", reference)):
            if bands.is_radar(one.roles):
                raise Refusal(
                    self.tr("{key} is a radar scene: rason:changesar takes differences out itself (NORMALISE)."), key=key
                )
        self.file = gdal_files.open_raster(layers["INPUT"].dataProvider().dataSourceUri(), "INPUT")
        if self.file.GetRasterBand(1).GetColorTable() is not None:
            raise Refusal(
                self.tr(
                    "INPUT is a palette picture, whose values are no brightness. Convert it to RGB first (Raster > Conversion)."
                )
            )
        self.numbers = scene.band_numbers
        chosen = bands.paired(scene.roles, reference.roles, "INPUT", "REFERENCE")
        items = [
            self.behind(Dated(one, key, bridge.scene_name(layers[key]), layers[key], None), mask, parameters, context)
            for key, one, mask in (("INPUT", scene, "VISIBILITY"), ("REFERENCE", reference, "VISIBILITY_REFERENCE"))
        ]
        self.items = items
        self.stack = streams.Stack.of([item.scene for item in items], chosen, ["INPUT", "REFERENCE"])
        for text in sorted({*scene.warnings, *reference.warnings}):
            feedback.pushWarning(text)

    def work(self, parameters, context, feedback):
        """Match, test, write."""
        (values, reference), _ = self.stack.sample(bridge.progress(feedback, 0, 10))
        self.tell_shift(self.stack, feedback)
        found = radiometry.match(values, reference, bridge.progress(feedback, 10, 25))
        self._tell(found, feedback)
        record = self.record(parameters, self.items, bridge.progress(feedback, 25, 30))
        path = self.parameterAsOutputLayer(parameters, "OUTPUT", context)
        cut = radiometry.apply(
            self.file, self.numbers, found, path, self.metadata(record), bridge.progress(feedback, 30, 100)
        )
        if cut:
            feedback.pushWarning(
                self.tr("{} pixels would leave the range of the file's type and were cut at its end.").format(cut)
            )
        worst = found.slope[abs(found.slope - 1).argmax()]
        return {"OUTPUT": path, "PIXELS": found.pixels, "WORST_SLOPE": float(worst), "CUT": cut}

    def _tell(self, found, feedback):
        """The lines and their test."""
        if found.correlations[0] < irmad.COMMON:
            feedback.pushWarning(
                self.tr(
                    "The two scenes have hardly anything in common: check that both show the same place. The result says little."
                )
            )
        if found.pixels:
            feedback.pushInfo(self.tr("{} unchanged pixels, a third of them held out for the test.").format(found.pixels))
        else:
            feedback.pushWarning(
                self.tr(
                    "Fewer than {} pixels are unchanged beyond doubt: the lines that most pixels follow are taken."
                ).format(radiometry.LEAST_PX)
            )
        for i, role in enumerate(self.items[0].scene.roles):
            feedback.pushInfo(
                self.tr("{} ({}): value × {:.4f} {:+.4g}; held out: slope {:.4f} ± {:.4f}, mean difference {:+.3g}.").format(
                    i + 1,
                    role,
                    found.gain[i],
                    found.offset[i],
                    found.slope[i],
                    1.96 * found.slope_se[i],
                    found.difference[i],
                )
            )
        if not found.holds.all():
            told = ", ".join(str(i + 1) for i, good in enumerate(found.holds) if not good)
            feedback.pushWarning(
                self.tr("The test on pixels held out fails in band {}: a line does not tell the whole difference.").format(
                    told
                )
            )
