"""rason:countyard: make zones of tracks or piers and tally one scene in them."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
)

from ...engine.words import KINDS
from ...layers import schema
from .. import scenes
from .base import ShippedModel


class CountYard(ShippedModel):
    """Scene and tracks or piers in; zones, detections and tally out."""

    ID = "countyard"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Tally one scene")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Makes counting zones of a layer of tracks, piers or areas, then tallies one scene in them. In qgis_process the "
            "outputs are named count:DETECTIONS, count:TALLY, count:REPORT and zones:OUTPUT."
        )

    def build(self):
        """Zones, then the count."""
        polygon, line = QgsProcessing.SourceType.TypeVectorPolygon, QgsProcessing.SourceType.TypeVectorLine
        parameters = [
            scenes.with_help(QgsProcessingParameterRasterLayer("INPUT", self.tr("Scene")), self.tr("Optical image file.")),
            scenes.with_help(
                QgsProcessingParameterFeatureSource("AREAS", self.tr("Tracks, piers or areas"), [polygon, line]),
                self.tr("Lines or polygons that zones are made of."),
            ),
            scenes.with_help(
                QgsProcessingParameterEnum(
                    "KIND", self.tr("Kind of zone"), ["auto", *KINDS], defaultValue="auto", usesStaticStrings=True
                ),
                self.tr("What the areas are; auto takes their field kind, and lines as tracks."),
            ),
            scenes.with_help(
                QgsProcessingParameterEnum(
                    "CLASSES", self.tr("Count"), list(schema.CLASSES), allowMultiple=True,
                    defaultValue=list(schema.CLASSES), usesStaticStrings=True,
                ),
                self.tr("Classes to count, each in the zones whose kind it fits."),
            ),
            scenes.with_help(
                QgsProcessingParameterDateTime("EPOCH", self.tr("Acquisition time (UTC)"), optional=True),
                self.tr("When the scene was taken. Left empty, the file must say it."),
            ),
        ]  # fmt: skip
        for row, parameter in enumerate(parameters):
            self.add_parameter(parameter, row)
        self.add_child("zones", "rason:makezones", {"INPUT": "AREAS", "KIND": "KIND"}, {"OUTPUT": self.tr("Zones")}, 0)
        self.add_child(
            "count",
            "rason:tallyscene",
            {"INPUT": "INPUT", "ZONES": ("zones", "OUTPUT"), "CLASSES": "CLASSES", "EPOCH": "EPOCH"},
            {"DETECTIONS": self.tr("Detections"), "TALLY": self.tr("Tally"), "REPORT": self.tr("Report")},
            1,
        )
