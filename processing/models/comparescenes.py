"""rason:comparescenes: tally two scenes in the same zones and compare them."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
)

from ...layers import schema
from .. import scenes
from .base import ShippedModel


class CompareScenes(ShippedModel):
    """Two scenes and zones in; both tallies, comparison and changes out."""

    ID = "comparescenes"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Compare two scenes")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Tallies two scenes in the same zones and says where the difference is real. In qgis_process the outputs are named "
            "before:TALLY, before:DETECTIONS, after:TALLY, after:DETECTIONS, compare:COMPARISON, compare:CHANGES and "
            "compare:REPORT."
        )

    def build(self):
        """Two tallies, then the comparison."""
        polygon, line = QgsProcessing.SourceType.TypeVectorPolygon, QgsProcessing.SourceType.TypeVectorLine
        parameters = [
            scenes.with_help(
                QgsProcessingParameterRasterLayer("BEFORE", self.tr("First scene")), self.tr("Scene of the earlier epoch.")
            ),
            scenes.with_help(
                QgsProcessingParameterRasterLayer("AFTER", self.tr("Second scene")), self.tr("Scene of the later epoch.")
            ),
            scenes.with_help(
                QgsProcessingParameterFeatureSource("ZONES", self.tr("Zones"), [polygon, line]),
                self.tr("Where to count in both scenes."),
            ),
            scenes.with_help(
                QgsProcessingParameterEnum(
                    "CLASSES", self.tr("Count"), list(schema.CLASSES), allowMultiple=True,
                    defaultValue=list(schema.CLASSES), usesStaticStrings=True,
                ),
                self.tr("Classes to count, each in the zones whose kind it fits."),
            ),
            scenes.with_help(
                QgsProcessingParameterDateTime("EPOCH_BEFORE", self.tr("Time of the first scene (UTC)"), optional=True),
                self.tr("Left empty, the file must say it."),
            ),
            scenes.with_help(
                QgsProcessingParameterDateTime("EPOCH_AFTER", self.tr("Time of the second scene (UTC)"), optional=True),
                self.tr("Left empty, the file must say it."),
            ),
        ]  # fmt: skip
        for row, parameter in enumerate(parameters):
            self.add_parameter(parameter, row)
        for child, scene in (("before", "BEFORE"), ("after", "AFTER")):
            self.add_child(
                child,
                "rason:tallyscene",
                {"INPUT": scene, "ZONES": "ZONES", "CLASSES": "CLASSES", "EPOCH": f"EPOCH_{scene}"},
                {"DETECTIONS": self.tr("Detections, {}").format(child), "TALLY": self.tr("Tally, {}").format(child)},
                0,
            )
        self.add_child(
            "compare",
            "rason:compareepochs",
            {
                "TALLY_1": ("before", "TALLY"),
                "TALLY_2": ("after", "TALLY"),
                "DETECTIONS_1": ("before", "DETECTIONS"),
                "DETECTIONS_2": ("after", "DETECTIONS"),
            },
            {
                "COMPARISON": self.tr("Comparison"),
                "CHANGES": self.tr("Changes"),
                "REPORT": self.tr("Report"),
            },
            1,
        )
