"""The Rason provider: registers the algorithms and the shipped models."""

from __future__ import annotations

from importlib import import_module

from qgis.core import QgsApplication, QgsProcessingProvider
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QIcon

from .base import ICON

# id -> class name, in the file of the same name under algorithms/.
ALGORITHMS = {
    "createlayers": "CreateLayers",
    "makezones": "MakeZones",
    "detectfreightcars": "DetectFreightCars",
    "detectcontainers": "DetectContainers",
    "detectships": "DetectShips",
    "detectshipssar": "DetectShipsSar",
    "visibility": "Visibility",
    "simulatescene": "SimulateScene",
    "detectonnx": "DetectOnnx",
    "tallyscene": "TallyScene",
    "tally": "Tally",
    "tallyoil": "TallyOil",
    "alignscene": "AlignScene",
    "compareepochs": "CompareEpochs",
    "matchradiometry": "MatchRadiometry",
    "changeoptical": "ChangeOptical",
    "comparetrains": "CompareTrains",
    "changesar": "ChangeSar",
    "tallyseries": "TallySeries",
    "portcalls": "PortCalls",
    "samplereview": "SampleReview",
    "estimatefromreview": "EstimateFromReview",
    "comparecounts": "CompareCounts",
    "accuracy": "Accuracy",
    "calibrate": "Calibrate",
}
MODELS = {
    "countyard": "CountYard",
    "comparescenes": "CompareScenes",
}


class RasonProvider(QgsProcessingProvider):
    """Algorithms under the id "rason"."""

    def id(self):
        """Prefix of every algorithm's id."""
        return "rason"

    def name(self):
        """Shown in the Toolbox."""
        return "Rason"

    def longName(self):
        """Shown in the options."""
        return QCoreApplication.translate("RasonProvider", "Rason: tally objects in imagery and compare epochs")

    def icon(self):
        """Shown in the Toolbox."""
        return QIcon(str(ICON))

    def load(self):
        """Load, and once more when the registry knows this provider: models find their steps' outputs only then."""
        QgsApplication.processingRegistry().providerAdded.connect(self._added)
        return super().load()

    def unload(self):
        """Leave no connection behind."""
        registry = QgsApplication.processingRegistry()
        if registry is not None:  # None while qgis_process of QGIS 3.44 ends
            registry.providerAdded.disconnect(self._added)
        super().unload()

    def _added(self, provider_id):
        if provider_id == self.id():
            self.refreshAlgorithms()

    def loadAlgorithms(self):
        """Add one instance of each algorithm, then the models made of them."""
        for room, files in (("algorithms", ALGORITHMS), ("models", MODELS)):
            for file, name in files.items():
                self.addAlgorithm(getattr(import_module(f".{room}.{file}", __package__), name)())
