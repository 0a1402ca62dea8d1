"""`rason:createlayers`: the reference layers into one GeoPackage, and into a layer group when there is a project."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingLayerPostProcessorInterface,
    QgsProcessingOutputMultipleLayers,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFileDestination,
    QgsProject,
)

from ...engine.errors import Cancelled
from ...layers import geopackage, group, reference
from ..base import RasonAlgorithm


class CreateLayers(RasonAlgorithm):
    """Adds to an existing GeoPackage only what it lacks; never touches what is not Rason's or was edited."""

    group_id = "layers"

    OUTPUT, OVERWRITE, OUTPUT_LAYERS, WRITTEN = "OUTPUT", "OVERWRITE", "OUTPUT_LAYERS", "TABLES_WRITTEN"
    libraries = ()

    def name(self):
        """Fixed id."""
        return "createlayers"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Create reference layers")

    def tags(self):
        """Words to find it by."""
        return self.tr("rason,border,fence,pier,berth,railway,station,events,reference,geopackage").split(",")

    def shortHelpString(self):
        """What it does, in plain sentences."""
        return self.tr(
            "Writes the reference layers of the Rason special economic zone into one GeoPackage, with their styles, "
            "sources, dates, licences and accuracies: zone, fence, borders, coastline, piers, berths, stations, tracks, "
            "railway to Russia, landmarks, roofs, and the tables of reported activity, events and object dimensions.\n\n"
            "All of it is published, approximate knowledge: read the accuracy before measuring, and move piers and tracks "
            "onto your scene before counting. Broken outlines are approximate.\n\n"
            "An existing GeoPackage keeps everything in it and gets only the tables it lacks. In QGIS the layers appear in "
            'a group "Rason".'
        )

    def initAlgorithm(self, config=None):
        """Declare parameters and outputs."""
        output = QgsProcessingParameterFileDestination(
            self.OUTPUT, self.tr("GeoPackage"), self.tr("GeoPackage files (*.gpkg)")
        )
        output.setHelp(
            self.tr("The GeoPackage to write, or one to add the missing tables to. Nothing else in it is changed.")
        )
        self.addParameter(output)
        overwrite = QgsProcessingParameterBoolean(self.OVERWRITE, self.tr("Renew reference tables that are there"), False)
        overwrite.setHelp(
            self.tr(
                "Replaces reference tables that Rason wrote and nobody has edited. Tracks, roofs, edited tables and tables "
                "that are not Rason's are always kept."
            )
        )
        self.addParameter(overwrite)
        self.addOutput(QgsProcessingOutputMultipleLayers(self.OUTPUT_LAYERS, self.tr("Layers")))
        self.addOutput(QgsProcessingOutputNumber(self.WRITTEN, self.tr("Tables written")))

    def read(self, parameters, context, feedback):
        """Check the file."""
        self.path = Path(self.parameterAsFileOutput(parameters, self.OUTPUT, context)).absolute()
        self.overwrite = self.parameterAsBoolean(parameters, self.OVERWRITE, context)
        geopackage.check(self.path)
        project = context.project()
        self.shown = {layer.source() for layer in project.mapLayers().values()} if project else set()

    def work(self, parameters, context, feedback):
        """Write the tables and ask for them to be shown."""

        def progress(fraction):
            feedback.setProgress(100 * fraction)
            if feedback.isCanceled():
                raise Cancelled

        outcomes = geopackage.add_tables(self.path, reference.tables(), self.overwrite, progress)
        self._tell(outcomes, feedback)
        uris = [geopackage.uri(self.path, table.name) for table, _ in outcomes]
        if context.project():
            for uri, (table, _) in zip(uris, outcomes):
                self._show(uri, table, context)
        written = sum(what in (geopackage.WRITTEN, geopackage.REPLACED) for _, what in outcomes)
        return {self.OUTPUT: str(self.path), self.OUTPUT_LAYERS: uris, self.WRITTEN: written}

    def postProcessAlgorithm(self, context, feedback):
        """Let layers that are already shown see what was written."""
        project = context.project()
        for layer in project.mapLayers().values() if project else ():
            if layer.source().startswith(f"{self.path.as_posix()}|"):
                layer.reload()
        return {}

    def _tell(self, outcomes, feedback):
        said = {
            geopackage.WRITTEN: self.tr("Written: {}."),
            geopackage.REPLACED: self.tr("Renewed: {}."),
            geopackage.KEPT: self.tr("Already there and kept as they are: {}."),
        }
        for what, text in said.items():
            names = [table.name for table, outcome in outcomes if outcome == what]
            if names:
                feedback.pushInfo(text.format(", ".join(names)))
        edited = [table.name for table, outcome in outcomes if outcome == geopackage.EDITED]
        if edited:
            feedback.pushWarning(
                self.tr(
                    "Not renewed, because edited or not written by Rason: {}. Delete or rename them first to get them new."
                ).format(", ".join(edited))
            )

    def _show(self, uri, table, context):
        if uri in self.shown:
            return
        details = QgsProcessingContext.LayerDetails(table.title, context.project(), self.OUTPUT_LAYERS)
        PLACERS.append(_Placer())
        details.setPostProcessor(PLACERS[-1])
        context.addLayerToLoadOnCompletion(uri, details)


class _Placer(QgsProcessingLayerPostProcessorInterface):
    """Moves a loaded layer into the Rason group."""

    def postProcessLayer(self, layer, context, feedback):
        """Called in the main thread once the layer is in the project."""
        name = layer.source().rpartition("layername=")[2]
        layer.loadDefaultStyle()  # Processing loads layers without it
        table = next(table for table in reference.tables() if table.name == name)
        group.place(context.project() or QgsProject.instance(), layer, table)


# The context deletes the post-processors of its layers, so each layer has one of its own; but it does not keep their Python side.
PLACERS = []
