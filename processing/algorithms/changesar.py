"""rason:changesar: which pixels of two or more radar scenes changed, and when."""

from __future__ import annotations

import re

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterString,
)

from ...engine.errors import NoAcquisitionTime, Refusal
from ...layers import schema
from .. import bridge, lazy, outputs, scenes
from ..comparing import ComparePixels

areas, optical, radar, streams = (lazy.engine(f"change.{name}") for name in ("areas", "optical", "radar", "streams"))

VALUES = ["auto", "amplitude", "intensity", "db"]
MOST = 60  # scenes at once


class ChangeSar(ComparePixels):
    """Two or more radar scenes in; raster and dated polygons out."""

    def name(self):
        """Fixed id."""
        return "changesar"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Change between radar scenes")

    def tags(self):
        """Words to find it by."""
        return self.tr("change,SAR,radar,Sentinel-1,omnibus,ratio,speckle,ENL,significance,dates").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Says which pixels of two or more radar scenes of one place changed, between which dates, and whether they got brighter "
            "or darker.\n\nTwo dates of one polarisation are tested by their ratio, more by the omnibus test, which looks at all dates at once "
            "and then finds the steps (Conradsen 2016). The share of unchanged ground that is called changed is about SIGNIFICANCE, "
            "with the number of looks measured on what did not change.\n\nScenes must be of one sensor, mode, orbit and processing, speckle "
            "not filtered, calibrated and laid on each other. Look at piers, yards and buildings: ships, waves and rain make water "
            "change from every date to the next. Scenes are sorted by epoch; the result lies on the earliest one's grid."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, kind, number = self.tr, QgsProcessing.SourceType, QgsProcessingParameterNumber
        drawn = QgsProcessingParameterFeatureSink(
            "OBJECTS", tr("Changed areas"), kind.TypeVectorPolygon, optional=True, createByDefault=True
        )
        for parameter in (
            scenes.with_help(
                QgsProcessingParameterMultipleLayers("INPUTS", tr("Radar scenes"), kind.TypeRaster),
                tr("Two to 60 scenes of one place and one product, with the same polarisations: amplitude, intensity or dB."),
            ),
            scenes.with_help(
                QgsProcessingParameterString("EPOCHS", tr("Acquisition times (UTC)"), optional=True),
                tr("One for each scene, in the order of INPUTS, separated by commas: 2023-10-12T09:33:00Z or 2023-10-12. Left empty, the files say."),
            ),
            scenes.with_help(
                QgsProcessingParameterEnum("VALUES", tr("Values"), options=VALUES, defaultValue="auto", usesStaticStrings=True),
                tr("What the numbers are: amplitude (Sentinel-1 GRD as delivered), intensity (linear sigma0) or db. auto takes it from "
                   "band names or negative values, and refuses where it is not certain."),
            ),
            self.significance(0.001, tr("Share of unchanged ground that may be called changed.")),
            scenes.with_help(
                QgsProcessingParameterBoolean("NORMALISE", tr("Take out differences of the whole scene"), defaultValue=False),
                tr("Divides each scene by how much brighter its unchanged half is than the earliest one's. Differences above 0.5 dB are said "
                   "in any case."),
            ),
            scenes.with_help(
                number("LOOKS", tr("Equivalent number of looks"), number.Type.Double, None, optional=True, minValue=0.5, maxValue=100),
                tr("Of one pixel: 4.4 for Sentinel-1 IW GRD. Left empty, it is measured on what did not change from date to date."),
                advanced=True,
            ),
            self.least_area(),
            scenes.with_help(
                QgsProcessingParameterString("BANDS", tr("What the bands show"), optional=True),
                tr("Polarisations of all bands in file order, such as vv,vh (other where a band is none). Left empty, the files say."),
                advanced=True,
            ),
            scenes.with_help(
                QgsProcessingParameterRasterDestination("OUTPUT", tr("Change")),
                tr("GeoTIFF. Band 1: 0 not observed, 1 no change shown, 2 got darker, 3 got brighter (at the first change). Band 2: -10 log10 of "
                   "p. Band 3: number of changes. Band 4: number, in order of time, of the first scene that differs. Then a band for each step "
                   "from a date to the next, with the classes of band 1."),
            ),
            scenes.with_help(
                drawn, tr("Polygons of pixels that changed the same way between the same two dates, with p and area.")
            ),
        ):  # fmt: skip
            self.addParameter(parameter)
        self.addOutput(
            QgsProcessingOutputNumber("CHANGED_SHARE", tr("Share of the observed pixels that are called changed"))
        )
        self.addOutput(QgsProcessingOutputNumber("AREAS", tr("Number of changed areas")))
        self.addOutput(QgsProcessingOutputNumber("LOOKS_USED", tr("Looks that the test took")))

    def read(self, parameters, context, feedback):
        """Open and check everything; nothing is written yet."""
        layers = self.parameterAsLayerList(parameters, "INPUTS", context)
        if not 2 <= len(layers) <= MOST:
            raise Refusal(self.tr("INPUTS: give 2 to {most} scenes, not {count}."), count=len(layers), most=MOST)
        keys = [f"INPUTS {i + 1} ({bridge.scene_name(layer)})" for i, layer in enumerate(layers)]
        given = self._epochs(parameters, context, keys)
        bands = self.parameterAsString(parameters, "BANDS", context)
        self.series = self.dated(list(zip(keys, layers)), given, bands, feedback)
        found, names = [item.scene for item in self.series], [item.key for item in self.series]
        self.stack = streams.Stack.of(found, radar.polarisations(found, names), names)
        looks = None if parameters.get("LOOKS") is None else self.parameterAsDouble(parameters, "LOOKS", context)
        self.how = radar.survey(
            self.stack, [item.name for item in self.series], self.parameterAsEnumString(parameters, "VALUES", context), looks,
            self.parameterAsBoolean(parameters, "NORMALISE", context), bridge.progress(feedback, 0, 10),
        )  # fmt: skip
        feedback.pushInfo(self.tr("Values read as {}; {:.1f} looks.").format(self.how.values, self.how.looks))
        for text in self.how.warnings:
            feedback.pushWarning(text)
        self.level = self.parameterAsDouble(parameters, "SIGNIFICANCE", context)

    def _ordered(self, opened, feedback):
        """By time, which every scene must say."""
        undated = [item.key for item in opened if item.epoch is None]
        if undated:
            raise NoAcquisitionTime(
                self.tr("{scene} does not say when it was taken. Give EPOCHS, one for each scene in the order of INPUTS."),
                scene=undated[0],
            )
        return super()._ordered(opened, feedback)

    def _epochs(self, parameters, context, keys):
        text = self.parameterAsString(parameters, "EPOCHS", context)
        told = [part for part in re.split(r"[,;\s]+", text or "") if part]
        if told and len(told) != len(keys):
            raise Refusal(
                self.tr("EPOCHS gives a time for {told} of the {count} scenes in INPUTS: give one for each."),
                told=len(told),
                count=len(keys),
            )
        return dict(zip(keys, told))

    def work(self, parameters, context, feedback):
        """Test, date, draw."""
        record = self.record(parameters, self.series, bridge.progress(feedback, 10, 15))
        path = self.parameterAsOutputLayer(parameters, "OUTPUT", context)
        last = self.series[-1].iso
        seen, changed, counts = radar.detect(
            self.stack, self.how, self.level, path, self.metadata(record, last), bridge.progress(feedback, 15, 70)
        )
        title = self.tr("Radar change from {} to {}").format(self.series[0].name, self.series[-1].name)
        self.paint(path, title, radar, context)
        steps = list(zip(self.series, self.series[1:]))
        for (before, after), (darker, brighter) in zip(steps, counts):
            feedback.pushInfo(
                self.tr("{} to {}: {} pixels got darker, {} brighter.").format(before.iso, after.iso, darker, brighter)
            )
        share = changed / max(seen, 1)
        feedback.pushInfo(
            self.tr("{:.2%} of {} observed pixels are called changed; by chance {:.3%} of the unchanged ones are.").format(
                share, seen, self.level
            )
        )
        results = {"OUTPUT": path, "CHANGED_SHARE": share, "LOOKS_USED": self.how.looks, "AREAS": 0}
        if parameters.get("OBJECTS"):
            rows, found = self._areas(path, steps, counts, parameters, context, feedback)
            results["AREAS"] = len(rows)
            results["OBJECTS"] = outputs.write(
                self, parameters, "OBJECTS", context, schema.CHANGED_AREAS, rows,
                geometries=self.outlines(found, self.series[0].scene.frame), crs=self.series[0].layer.crs(), style="changed_areas",
                title=title, record=record,
            )  # fmt: skip
            feedback.pushInfo(self.tr("{} changed areas.").format(len(rows)))
        return results

    def _areas(self, path, steps, counts, parameters, context, feedback):
        """Rows and areas of every step and sign."""
        least, rows, found = self.least_px(parameters, context, self.stack.gsd_m), [], []
        passes = [
            (i, which, word)
            for i in range(len(steps))
            for which, word in ((optical.DARKER, "darker"), (optical.BRIGHTER, "brighter"))
        ]
        for number, (i, which, word) in enumerate(passes):
            if counts[i, which - optical.DARKER] < least:
                continue
            start, size = 70 + 28 * number / len(passes), 28 / len(passes)
            own = areas.areas(
                path,
                (which,),
                (optical.BRIGHTER,),
                least,
                bridge.progress(feedback, start, start + size),
                band=radar.FIRST_STEP + i,
            )
            before, after = steps[i]
            same = {"epoch_1": before.iso, "epoch_2": after.iso, "scene_1": before.name, "scene_2": after.name}
            rows += [{"change": word, "p_value": a.p, "area_m2": a.area_m2, **same} for a in own]
            found += own
        return rows, found
