"""rason:alignscene: one scene brought onto another."""

from __future__ import annotations

import os
import uuid

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsGeometry,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsWkbTypes,
)

from ...engine.errors import Refusal
from ...layers import schema
from .. import bridge, lazy, outputs, scenes
from ..base import RasonAlgorithm

alignment, gdal_files, masked, pairs, placement, provenance, scene_files, warp = (
    lazy.engine(name)
    for name in (
        "align.alignment", "gdal_files", "masked", "align.pair", "align.placement", "provenance", "scene", "align.warp",
    )
)  # fmt: skip

MODELS = ["auto", "shift", "affine", "field"]
GRIDS = ["own", "reference"]
RESAMPLING = ["nearest", "bilinear", "cubic", "lanczos", "average"]


class AlignScene(RasonAlgorithm):
    """Two scenes in; the one moved onto the other, and the tie points that say so, out."""

    group_id = "comparing"

    raster_endings = (".tif", ".tiff", ".vrt")

    def name(self):
        """Fixed id."""
        return "alignscene"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Align a scene to another")

    def tags(self):
        """Words to find it by."""
        return self.tr("coregistration,co-registration,registration,georeference,shift,tie points,GCP,screenshot").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Moves a scene so that its ground lies where the same ground lies in another scene, to a fraction of a pixel; sensor, "
            "pixel size, season and sun may differ.\n\nBoth are compared in windows spread over their common part, on pixels of the "
            "coarser scene. Each window that agrees more than chance allows gives a tie point; those that move unlike their "
            "neighbours are left out. Whether one shift, an affine transform or a smooth field is laid through them is settled by "
            "how well each foretells points it has not seen. So is the error that is reported: it is carried in the output as "
            "RASON_ALIGN_SIGMA_M.\n\nTwo scenes of different places are refused, not aligned: windows paired wrongly on purpose say "
            "what agreement chance reaches. So is radar against optical.\n\nOnly ground stays where it is: give ships, stacks, "
            "high roofs and water as MASK, and clouds by VISIBILITY. Pixels are resampled once, straight from the file; "
            "with an OUTPUT that ends in .vrt they are not touched at all.\n\nA screenshot or scan without georeference needs POINTS "
            "marked in QGIS's Georeferencer: two at least, three or more are better."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        tr, kind = self.tr, QgsProcessing.SourceType
        raster, number = QgsProcessingParameterRasterLayer, QgsProcessingParameterNumber
        for parameter in (
            scenes.with_help(raster("INPUT", tr("Scene to be moved")), tr("Image file; without georeference only with POINTS.")),
            scenes.with_help(raster("REFERENCE", tr("Scene that stays")), tr("Image file of the same place with georeference.")),
            scenes.with_help(
                QgsProcessingParameterFile("POINTS", tr("Control points"), extension="points", optional=True),
                tr("File of QGIS's Georeferencer (.points) for a scene without georeference, or to place it anew. Its coordinates "
                   "are in the CRS that it names, else in that of REFERENCE."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSource("MASK", tr("What is not ground"), [kind.TypeVectorPolygon], optional=True),
                tr("Polygons that no tie point may rest on: ships' berths, container stacks, tall buildings, water."),
            ),
            scenes.with_help(raster("VISIBILITY", tr("Visibility of the scene to be moved"), optional=True),
                             tr("Raster made by rason:visibility: what is hidden there (clouds) is not compared."), advanced=True),
            scenes.with_help(raster("REFERENCE_VISIBILITY", tr("Visibility of the scene that stays"), optional=True),
                             tr("The same for REFERENCE."), advanced=True),
            scenes.with_help(
                number("MAX_SHIFT", tr("Largest shift (m)"), number.Type.Double, 200.0, minValue=0.1, maxValue=20000.0),
                tr("How far the scene may lie off. A larger one takes little more time, but the more is searched the more a match "
                   "must stand out."),
            ),
            scenes.with_help(
                QgsProcessingParameterEnum("MODEL", tr("Displacement"), options=MODELS, defaultValue="auto", usesStaticStrings=True),
                tr("auto takes the freest one that points not used in its fit bear out. shift: the same everywhere. affine: also "
                   "turned, scaled and sheared. field: smooth, for relief and mosaics."),
            ),
            scenes.with_help(
                number("TIE_POINT_COUNT", tr("Most windows"), number.Type.Integer, 1000, minValue=9, maxValue=10000),
                tr("About how many windows are compared at most, spread evenly."), advanced=True,
            ),
            scenes.with_help(
                QgsProcessingParameterEnum("GRID", tr("Grid of the output"), options=GRIDS, defaultValue="own", usesStaticStrings=True),
                tr("own keeps the scene's pixel size (on REFERENCE's corners where both have the same). reference takes REFERENCE's "
                   "pixels exactly, for comparing pixel by pixel."),
            ),
            scenes.with_help(
                QgsProcessingParameterEnum("RESAMPLING", tr("Resampling"), options=RESAMPLING, defaultValue="cubic",
                                           usesStaticStrings=True),
                tr("How pixels are resampled; nearest keeps their values. Pictures with a palette are always taken nearest."),
                advanced=True,
            ),
            scenes.bands_parameter(tr),
            scenes.with_help(
                QgsProcessingParameterRasterDestination("OUTPUT", tr("Aligned scene")),
                tr("GeoTIFF in the CRS of REFERENCE with all bands and metadata of the scene; or a name ending in .vrt, which only "
                   "says where the untouched pixels lie (by control points where a geotransform cannot say it)."),
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSink("TIE_POINTS", tr("Tie points"), kind.TypeVectorPoint),
                tr("One point a window: how far the scene is moved there, quality, whether used, and what remains."),
            ),
        ):  # fmt: skip
            self.addParameter(parameter)
        for name, text in (
            ("SHIFT_X_M", tr("Metres that the scene was moved east, mean of the tie points")),
            ("SHIFT_Y_M", tr("Metres that the scene was moved north, mean of the tie points")),
            ("RESIDUAL_M", tr("Median distance of tie points from what the others foretell (m)")),
            ("SIGMA_M", tr("Standard deviation of that on each axis (m)")),
            ("POINTS_USED", tr("Tie points used")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, text))

    def read(self, parameters, context, feedback):
        """Open and check everything; nothing is written yet."""
        layers = {key: bridge.raster_layer(self, parameters, key, context) for key in ("INPUT", "REFERENCE")}
        self.reference = bridge.read_scene(layers["REFERENCE"], name="REFERENCE")
        self.crs, self.scene_name = layers["REFERENCE"].crs(), bridge.scene_name(layers["INPUT"])
        self.reference_path = layers["REFERENCE"].dataProvider().dataSourceUri()
        frame, bands = self.reference.frame, self.parameterAsString(parameters, "BANDS", context)
        path = self.parameterAsFile(parameters, "POINTS", context)
        if path:
            self._place(layers["INPUT"], path, bands, feedback)
        else:
            self.moving = self._opened(layers["INPUT"], bands, frame)
            crs = layers["INPUT"].crs()
            file = gdal_files.open_raster(layers["INPUT"].dataProvider().dataSourceUri(), "INPUT")
            wkt = crs.toWkt(QgsCoordinateReferenceSystem.WKT_PREFERRED_GDAL)
            self.source = warp.Source(file, tuple(file.GetGeoTransform()), wkt)
            if pairs.same_picture(self.reference, self.moving):
                raise Refusal("INPUT and REFERENCE are the same scene, in the same place. Give two scenes.")
        self.metadata, self.files = self.moving.metadata, [*self.moving.files, *self.reference.files]
        for key, side in (("VISIBILITY", "moving"), ("REFERENCE_VISIBILITY", "reference")):
            if parameters.get(key):
                layer = bridge.raster_layer(self, parameters, key, context)
                setattr(self, side, masked.MaskedScene(getattr(self, side), bridge.read_classes(layer, key)))
        source = self.parameterAsSource(parameters, "MASK", context)
        self.hidden = bridge.read_area(source, frame, context, feedback, "MASK") if source else None
        for text in (*self.reference.warnings, *self.moving.warnings):
            feedback.pushWarning(text)

    def _opened(self, layer, bands, frame):
        """The scene of INPUT in the reference's frame; says of POINTS where it has no georeference."""
        try:
            return bridge.read_scene(layer, bands=bands, frame=frame)
        except Refusal as refusal:
            if "georeference" in str(refusal) or "coordinate reference system" in str(refusal):
                raise Refusal(
                    "{refusal} Or give POINTS: a few control points marked in QGIS's Georeferencer.", refusal=refusal
                ) from refusal
            raise

    def _place(self, layer, path, bands, feedback):
        """Lay INPUT where its control points say."""
        if layer is None or not layer.isValid():
            raise Refusal("INPUT cannot be opened as a raster. Check the path and the file.")
        try:
            with open(path, encoding="utf8") as file:
                points = placement.parse(file.read())
        except OSError as error:
            raise Refusal(
                "POINTS: {path} cannot be read ({error}). Check the path.", path=path, error=error.strerror
            ) from error
        except UnicodeDecodeError as error:
            raise Refusal(
                "POINTS: {path} is no text file. Give the .points file of QGIS's Georeferencer.", path=path
            ) from error
        self.source, self.moving, placed = placement.placed(
            layer.dataProvider().dataSourceUri(), points, self.reference.frame, bands=bands
        )
        worst, pixel = float(placed.residual.max()), placed.pixel
        feedback.pushInfo(
            self.tr("{} control points, {}: they lie off by {:.2f} map units at most ({:.1f} pixels).")
            .format(len(placed.residual), placed.kind, worst, worst / pixel)
        )  # fmt: skip
        if len(placed.residual) <= 3:
            feedback.pushInfo(self.tr("With so few points nothing tells whether one of them is wrong; the alignment will."))

    def work(self, parameters, context, feedback):
        """Align, then write."""
        self.reference.measure(bridge.progress(feedback, 0, 5))
        self.moving.measure(bridge.progress(feedback, 5, 10))
        pair = pairs.pair(self.reference, self.moving, self.hidden)
        found = alignment.align(
            pair, self.parameterAsDouble(parameters, "MAX_SHIFT", context),
            model=self.parameterAsEnumString(parameters, "MODEL", context),
            most=self.parameterAsInt(parameters, "TIE_POINT_COUNT", context), progress=bridge.progress(feedback, 10, 70),
        )  # fmt: skip
        self._tell(found, pair, feedback)
        record = provenance.record(
            self.id(), parameters, provenance.fingerprint(self.files, bridge.progress(feedback, 70, 75))
        )
        results = {"OUTPUT": self.parameterAsOutputLayer(parameters, "OUTPUT", context)}
        self._write(results["OUTPUT"], found, record, parameters, context, feedback)
        if context.willLoadLayerOnCompletion(results["OUTPUT"]):
            context.layerToLoadOnCompletionDetails(results["OUTPUT"]).name = self.tr("{} aligned").format(self.scene_name)
        x, y = self.reference.frame.to_scene(found.points.x, found.points.y)
        results["TIE_POINTS"] = outputs.write(
            self, parameters, "TIE_POINTS", context, schema.TIE_POINTS, self._rows(found), shape=QgsWkbTypes.Type.Point, crs=self.crs,
            geometries=[QgsGeometry.fromPointXY(QgsPointXY(float(a), float(b))) for a, b in zip(x, y)],
            style="tie_points", title=self.tr("Tie points of {}").format(self.scene_name), record=record,
        )  # fmt: skip
        east, north = found.shift_m
        return {
            **results, "SHIFT_X_M": east, "SHIFT_Y_M": north, "RESIDUAL_M": found.median_m, "SIGMA_M": found.sigma_m,
            "POINTS_USED": int(found.used.sum()),
        }  # fmt: skip

    def _rows(self, found):
        points = found.points
        return [
            {"dx_m": -float(dx), "dy_m": -float(dy), "quality": float(quality), "used": bool(used), "residual_m": float(off)}
            for dx, dy, quality, used, off in zip(points.dx, points.dy, points.quality, found.used, found.residual_m)
        ]

    def _write(self, path, found, record, parameters, context, feedback):
        """The aligned scene, with the metadata of its file."""
        metadata = {
            domain: values for domain, values in self.metadata.items() if values and domain in ("", "IMAGERY", "IMD")
        }
        metadata[""] = {
            **metadata.get("", {}),
            "RASON_ALIGN_SIGMA_M": f"{found.sigma_m:.4g}",
            "RASON_ALIGN_MODEL": found.displacement.kind,
            "RASON_RECORD": record,
        }
        untouched = path.lower().endswith(".vrt")
        placed = path if untouched else f"/vsimem/rason_{uuid.uuid4().hex}.vrt"
        warp.place(self.source, self.reference.frame, found.displacement, placed, metadata)
        if untouched:
            return
        reference = gdal_files.open_raster(self.reference_path, "REFERENCE")
        grid = self.parameterAsEnumString(parameters, "GRID", context)
        target = warp.reference_grid(reference) if grid == "reference" else warp.own_grid(placed, reference)
        try:
            warp.warp(
                placed, target, path, metadata, progress=bridge.progress(feedback, 75, 98),
                resampling=self.parameterAsEnumString(parameters, "RESAMPLING", context),
            )  # fmt: skip
        except BaseException:
            if os.path.exists(path):
                os.remove(path)
            raise
        finally:
            gdal_files.forget(placed)

    def _tell(self, found, pair, feedback):
        """What was found, in the log."""
        tr, (east, north), pixel = self.tr, found.shift_m, pair.gsd_m
        feedback.pushInfo(
            tr(
                "{} of {} windows agree ({}): the scene is moved {:+.2f} m east and {:+.2f} m north ({:.2f} pixels of {:.3g} m)."
            ).format(
                int(found.used.sum()),
                len(found.points),
                found.displacement.kind,
                east,
                north,
                (east**2 + north**2) ** 0.5 / pixel,
                pixel,
            )
        )
        if found.measured:
            feedback.pushInfo(
                tr("What remains, from points not used in the fit: {:.2f} m in the median, standard deviation {:.2f} m on each axis.")
                .format(found.median_m, found.sigma_m)
            )  # fmt: skip
        else:
            feedback.pushWarning(
                tr("Only {} tie points: too few to measure what remains. Half a pixel ({:.2g} m) is taken for it; look at the result.")
                .format(int(found.used.sum()), found.sigma_m)
            )  # fmt: skip
        if 2 * found.used.sum() < len(found.points):
            feedback.pushWarning(
                tr("Fewer than half of the windows agree: low sun, snow, clouds, water or new buildings may be why. Shadows that lie "
                   "otherwise can pull all of them one way; look at the result.")
            )  # fmt: skip
        if found.sigma_m > pixel:
            feedback.pushWarning(
                tr("The tie points differ by more than a pixel (standard deviation {:.2f} m): parts of the scene lie off in different "
                   "ways, as relief, buildings or a mosaic make them. Look at the tie points.").format(found.sigma_m)
            )  # fmt: skip
