"""rason:changeoptical: which pixels of two optical scenes changed, with a significance that holds."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, outputs, scenes
from ..comparing import ComparePixels

areas, bands, irmad, optical, streams = (
    lazy.engine(name) for name in ("change.areas", "bands", "change.irmad", "change.optical", "change.streams")
)

COARSER = 2.0  # from which on the pixels differ much in size
LITTLE = 0.2  # share of the smaller scene that both cover, below which it is said


class ChangeOptical(ComparePixels):
    """Two scenes in; raster, polygons and change vectors out."""

    def name(self):
        """Fixed id."""
        return "changeoptical"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Change between two optical scenes")

    def tags(self):
        """Words to find it by."""
        return self.tr("change,difference,IR-MAD,MAD,CVA,before,after,significance,pixels").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Says which pixels of two optical scenes of one place differ by more than unchanged ground does (IR-MAD). Haze, sun "
            "and sensor need not be the same: linear differences of all bands are found and taken out.\n\nThe significance is made to "
            "hold for this pair: the share of unchanged ground that is called changed is about SIGNIFICANCE, also where some "
            "ground is noisier than other. Changed is not built or sunk: shadows, crops, cars and clouds change too, and scenes that "
            "do not lie on each other change along every edge. A shift above half a pixel is said: align the scenes first.\n\n"
            "The result lies on the earlier scene's grid, where both scenes show the ground."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, kind = self.tr, QgsProcessing.SourceType
        said = tr("Optical image file with georeference, aligned with the other one, with the same bands.")
        vectors = QgsProcessingParameterRasterDestination(
            "VECTORS", tr("Change vectors"), optional=True, createByDefault=False
        )
        drawn = QgsProcessingParameterFeatureSink(
            "OBJECTS", tr("Changed areas"), kind.TypeVectorPolygon, optional=True, createByDefault=True
        )
        for parameter in (
            self.scene_parameter("BEFORE", tr("Scene before"), said),
            self.scene_parameter("AFTER", tr("Scene after"), tr("{} Where the epochs are known, the two are sorted.").format(said)),
            *(
                scenes.with_help(
                    QgsProcessingParameterDateTime(f"EPOCH_{key}", title, optional=True),
                    tr("In UTC, such as 2023-10-12T02:05:00Z or 2023-10. Left empty, the file's; where it says none, the order given holds."),
                )
                for key, title in (("BEFORE", tr("Time of the scene before (UTC)")), ("AFTER", tr("Time of the scene after (UTC)")))
            ),
            self.significance(0.001, tr("Share of unchanged ground that may be called changed.")),
            *(
                scenes.with_help(
                    QgsProcessingParameterRasterLayer(f"VISIBILITY_{key}", title, optional=True),
                    tr("Raster made by rason:visibility of that scene: only what is 1, seen, is compared."),
                )
                for key, title in (("BEFORE", tr("Visibility before")), ("AFTER", tr("Visibility after")))
            ),
            scenes.with_help(
                QgsProcessingParameterNumber("GSD", tr("Compare pixels of (m)"), QgsProcessingParameterNumber.Type.Double, None,
                                             optional=True, minValue=0.0),
                tr("Both scenes are averaged to pixels of about this size first. In scenes finer than a metre, taken in different seasons or "
                   "shifted by a pixel or two, 2 to 4 m show buildings and yards that fine pixels do not. Left empty: the earlier scene's."),
                advanced=True,
            ),
            self.least_area(),
            scenes.bands_parameter(tr),
            scenes.with_help(
                QgsProcessingParameterRasterDestination("OUTPUT", tr("Change")),
                tr("GeoTIFF. Band 1: 0 not observed, 1 no change shown, 2 changed and darker, 3 changed and brighter. Band 2: of "
                   "changed pixels -10 log10 of p, so that 30 is p = 0.001."),
            ),
            scenes.with_help(drawn, tr("Polygons of changed pixels that touch, with p and area.")),
            scenes.with_help(
                vectors,
                tr("GeoTIFF to look at: length of the difference of all bands once the later scene is brought onto the earlier one's "
                   "values, and its direction (0 brighter, 180 darker, 90 towards the last band, 270 towards the first)."),
            ),
        ):  # fmt: skip
            self.addParameter(parameter)
        self.addOutput(
            QgsProcessingOutputNumber("CHANGED_SHARE", tr("Share of the observed pixels that are called changed"))
        )
        self.addOutput(QgsProcessingOutputNumber("AREAS", tr("Number of changed areas")))
        self.addOutput(
            QgsProcessingOutputNumber("SHIFT_PX", tr("Shift left between the scenes, in pixels; -1 where it is not known"))
        )

    def read(self, parameters, context, feedback):
        """Open and check everything; nothing is written yet."""
        keys = ("BEFORE", "AFTER")
        layers = [(key, bridge.raster_layer(self, parameters, key, context)) for key in keys]
        given = {key: self._epoch(parameters, key, context) for key in keys}
        pair = self.dated(layers, given, self.parameterAsString(parameters, "BANDS", context), feedback)
        for item in pair:
            if bands.is_radar(item.scene.roles):
                raise Refusal(self.tr("{key} is a radar scene: use rason:changesar."), key=item.key)
        chosen = bands.paired(pair[0].scene.roles, pair[1].scene.roles, pair[0].key, pair[1].key)
        self.pair = [self.behind(item, f"VISIBILITY_{item.key}", parameters, context) for item in pair]
        gsd_m = None if parameters.get("GSD") is None else self.parameterAsDouble(parameters, "GSD", context)
        self.stack = streams.Stack.of([item.scene for item in self.pair], chosen, [item.key for item in self.pair], gsd_m)
        first, second = (item.scene.gsd_m for item in self.pair)
        if max(first, second) / min(first, second) > COARSER:
            feedback.pushWarning(
                self.tr(
                    "The pixels differ much in size ({:.2g} and {:.2g} m): what the coarser scene blurs looks like change."
                ).format(first, second)
            )
        if self.stack.overlap < LITTLE:
            feedback.pushWarning(self.tr("The scenes share only {:.0%} of the smaller one.").format(self.stack.overlap))
        self.level = self.parameterAsDouble(parameters, "SIGNIFICANCE", context)

    def _epoch(self, parameters, key, context):
        value = parameters.get(f"EPOCH_{key}")
        if value and not isinstance(value, str):  # text keeps its precision and zone, a QDateTime does not
            value = self.parameterAsDateTime(parameters, f"EPOCH_{key}", context)
            return bridge.read_epoch(value, "auto", {}).iso()
        return value or ""

    def work(self, parameters, context, feedback):
        """Fit, apply, draw."""
        values, seen = self.stack.sample(bridge.progress(feedback, 0, 5))
        shift = self.tell_shift(self.stack, feedback)
        model = irmad.fit(*values, bridge.progress(feedback, 6, 15))
        self._tell(model, feedback)
        record = self.record(parameters, self.pair, bridge.progress(feedback, 15, 20))
        first, second = self.pair
        results = {"OUTPUT": self.parameterAsOutputLayer(parameters, "OUTPUT", context)}
        vectors = self.parameterAsOutputLayer(parameters, "VECTORS", context) if parameters.get("VECTORS") else None
        counts = optical.detect(
            self.stack,
            model,
            self.level,
            results["OUTPUT"],
            vectors,
            self.metadata(record, second.iso),
            bridge.progress(feedback, 20, 70),
        )
        title = self.tr("Change from {} to {}").format(first.name, second.name)
        self.paint(results["OUTPUT"], title, optical, context)
        if vectors:
            results["VECTORS"] = vectors
        share = counts.changed / max(counts.seen, 1)
        feedback.pushInfo(
            self.tr("{:.2%} of {} observed pixels are called changed; by chance {:.3%} of the unchanged ones are.").format(
                share, counts.seen, self.level
            )
        )
        results |= {"CHANGED_SHARE": share, "SHIFT_PX": -1.0 if shift is None else shift, "AREAS": 0}
        if parameters.get("OBJECTS"):
            found = areas.areas(
                results["OUTPUT"], optical.CHANGED, (optical.BRIGHTER,), self.least_px(parameters, context, self.stack.gsd_m),
                bridge.progress(feedback, 70, 98),
            )  # fmt: skip
            results["AREAS"] = len(found)
            same = {"epoch_1": first.iso, "epoch_2": second.iso, "scene_1": first.name, "scene_2": second.name}
            results["OBJECTS"] = outputs.write(
                self, parameters, "OBJECTS", context, schema.CHANGED_AREAS,
                [{"change": "brighter" if a.brighter >= 0.5 else "darker", "p_value": a.p, "area_m2": a.area_m2, **same} for a in found],
                geometries=self.outlines(found, first.scene.frame), crs=first.layer.crs(), style="changed_areas", title=title,
                record=record,
            )  # fmt: skip
            feedback.pushInfo(self.tr("{} changed areas.").format(len(found)))
        return results

    def _tell(self, model, feedback):
        """What the fit says of the pair."""
        told = ", ".join(f"{value:.3f}" for value in model.correlations)
        feedback.pushInfo(
            self.tr("Canonical correlations {}; noise of the classes of ground {:.2g} to {:.2g} times the model's.").format(
                told, model.scale.min(), model.scale.max()
            )
        )
        if model.correlations[0] < irmad.COMMON:
            feedback.pushWarning(
                self.tr(
                    "The two scenes have hardly anything in common: check that both show the same place. The result says little."
                )
            )
        elif model.correlations[0] < irmad.LITTLE:
            feedback.pushWarning(
                self.tr(
                    "Pixel by pixel the scenes have little in common (correlation {:.2f}): check that both show the same place. If they do, season, shadows or a shift differ so much that change "
                    "drowns in it, and little will be found. A coarser GSD helps."
                ).format(model.correlations[0])
            )
        if model.unchanged < 0.5:
            feedback.pushWarning(
                self.tr(
                    "Less than half of the ground looks unchanged, so what unchanged ground is like is not well known: p is uncertain."
                )
            )
