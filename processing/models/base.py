"""What makes a chain of algorithms a shipped model: a fixed id, and the same promises as an algorithm."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
)
from qgis.PyQt.QtCore import QPointF

from ..base import Published


class ShippedModel(Published, QgsProcessingModelAlgorithm):
    """Subclasses give ``ID``, displayName, shortHelpString and ``build``. A plain model's id is its (translated) name."""

    ID = ""

    def __init__(self):
        super().__init__(self.ID, "models", "models")
        self.build()

    def build(self):
        """Add parameters and children."""
        raise NotImplementedError

    def name(self):
        """Fixed id."""
        return self.ID

    def group(self):
        """Heading in the Toolbox."""
        return self.tr("Models")

    def groupId(self):
        """Fixed id of the heading."""
        return "models"

    def add_parameter(self, parameter, row):
        """An input of the model, drawn in the given row of the designer."""
        place = QgsProcessingModelParameter(parameter.name())
        place.setPosition(QPointF(120, 60 + 90 * row))
        self.addModelParameter(parameter, place)

    def add_child(self, child_id, algorithm, sources, outputs, column):
        """A step. sources: parameter -> model parameter's name, or (child id, output). outputs: those shown to the user."""
        child = QgsProcessingModelChildAlgorithm(algorithm)
        child.setChildId(child_id)
        child.setDescription(child_id)
        child.setPosition(QPointF(420 + 300 * column, 150))
        for name, source in sources.items():
            made = (
                QgsProcessingModelChildParameterSource.fromChildOutput(*source)
                if isinstance(source, tuple)
                else QgsProcessingModelChildParameterSource.fromModelParameter(source)
            )
            child.addParameterSources(name, [made])
        shown = {}
        for name, title in outputs.items():
            output = QgsProcessingModelOutput(title)
            output.setChildId(child_id)
            output.setChildOutputName(name)
            shown[name] = output
        child.setModelOutputs(shown)
        self.addChildAlgorithm(child)
