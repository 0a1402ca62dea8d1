"""Toolbar and menu "Rason": add the layers, tally a scene, compare epochs."""

import os
from functools import partial
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QUrl
from qgis.PyQt.QtGui import QDesktopServices, QIcon
from qgis.PyQt.QtWidgets import QAction, QMenu
from qgis.utils import pluginMetadata

from ..layers import group, temporal
from .defaults import comparison_defaults, scene_defaults
from .zone_labels import label_later

ICONS = Path(__file__).parent / "icons"
REFERENCE_FILE = "rason_layers.gpkg"
PATIENCE_MS = 10_000


class Toolbar(QObject):
    """The actions of the plugin, in a toolbar and in a menu of its own. ``remove`` takes all of it back."""

    def __init__(self, iface):
        super().__init__(iface.mainWindow())
        self.iface = iface
        # The run in the background. QGIS keeps no reference to what the task works with.
        self.task = self.algorithm = self.context = self.feedback = None
        self.dialogs = []
        self.actions = [
            self._action(
                "layers",
                self.tr("Add layers"),
                self.tr("Add the reference layers of the Rason zone: piers, tracks, borders, landmarks; zoom to them"),
                "Alt+Shift+L",
                self.add_layers,
            ),
            self._action(
                "tally",
                self.tr("Tally a scene…"),
                self.tr("Count freight cars, containers and ships in one scene, zone by zone, with intervals"),
                "Alt+Shift+T",
                self.tally_scene,
            ),
            self._action(
                "compare",
                self.tr("Compare epochs…"),
                self.tr("Compare the tallies of two scenes: more, fewer or within the error, zone by zone"),
                "Alt+Shift+E",
                self.compare_epochs,
            ),
            self._action(
                "help", self.tr("Help"), self.tr("Open the guide of Rason in the web browser"), "Alt+Shift+H", self.open_help
            ),
        ]
        self.bar = iface.addToolBar("Rason")
        self.bar.setObjectName("RasonToolbar")
        self.bar.setAccessibleName("Rason")
        self.bar.addActions(self.actions)
        self.menu = QMenu("&Rason", iface.mainWindow())
        self.menu.setObjectName("RasonMenu")
        self.menu.setToolTipsVisible(True)
        self.menu.addActions(self.actions[:-1])
        self.menu.addSeparator()
        self.menu.addAction(self.actions[-1])
        iface.mainWindow().menuBar().insertMenu(iface.firstRightStandardMenu().menuAction(), self.menu)
        QgsProject.instance().layersAdded.connect(temporal.wake)

    def remove(self):
        """Take back the toolbar, the menu, the shortcuts and the connections; stop what is running."""
        QgsProject.instance().layersAdded.disconnect(temporal.wake)
        if self.task is not None:
            self.task.executed.disconnect(self._layers_written)
            self.task.cancel()
            self.task.waitForFinished(PATIENCE_MS)  # it works with objects that go with this one
        for dialog in self._open_dialogs():
            dialog.close()
        for action in self.actions:
            self.iface.unregisterMainWindowAction(action)
        self.iface.mainWindow().removeToolBar(self.bar)
        for owned in (self.bar, self.menu, self):  # the actions go with their parent, this object
            owned.deleteLater()

    def add_layers(self):
        """Write the reference layers beside the project, in the background, and show them as one group; zoom to it."""
        shown = group.find(QgsProject.instance())
        if shown is not None and shown.findLayers():
            self._zoom()
        elif self.task is None:
            self._write_layers(reference_path(QgsProject.instance()))

    def tally_scene(self):
        """Open the dialog of ``rason:tallyscene``; its numbers become the labels of the zones."""
        dialog = self._open("rason:tallyscene", scene_defaults(QgsProject.instance(), self.iface.activeLayer()))
        dialog.algorithmFinished.connect(partial(label_later, "TALLY"))
        return dialog

    def compare_epochs(self):
        """Open the dialog of ``rason:compareepochs``; its verdicts become the labels of the zones."""
        dialog = self._open("rason:compareepochs", comparison_defaults(QgsProject.instance(), self.iface.activeLayer()))
        dialog.algorithmFinished.connect(partial(label_later, "COMPARISON"))
        return dialog

    def open_help(self):
        """Open the guide."""
        QDesktopServices.openUrl(QUrl(pluginMetadata(__package__.split(".")[0], "homepage")))

    def _action(self, name, text, tip, shortcut, slot):
        action = QAction(QIcon(str(ICONS / f"{name}.svg")), text, self)
        action.setObjectName(f"Rason_{name}")
        action.setStatusTip(tip)
        action.setWhatsThis(tip)
        action.triggered.connect(lambda checked=False: slot())
        self.iface.registerMainWindowAction(action, shortcut)  # listed under Settings > Keyboard Shortcuts
        action.setToolTip(f"<b>{text}</b> ({shortcut})<p>{tip}</p>")  # afterwards, since QGIS writes one of its own
        return action

    def _open(self, algorithm_id, parameters):
        import processing  # 0.3 s when QGIS has not loaded it yet, too much for start-up

        dialog = processing.createAlgorithmDialog(algorithm_id, parameters)
        self.dialogs = [*self._open_dialogs(), dialog]
        dialog.show()
        return dialog

    def _open_dialogs(self):
        return [dialog for dialog in self.dialogs if not sip.isdeleted(dialog)]  # QGIS deletes them when they are closed

    def _write_layers(self, path):
        self.context, self.feedback = QgsProcessingContext(), _LastError()
        self.context.setProject(QgsProject.instance())
        self.algorithm = QgsApplication.processingRegistry().createAlgorithmById("rason:createlayers")
        self.task = QgsProcessingAlgRunnerTask(self.algorithm, {"OUTPUT": str(path)}, self.context, self.feedback)
        if self.task.isCanceled():  # refused already; it would never say that it was executed
            self._layers_written(False, {})
        else:
            self.task.executed.connect(self._layers_written)
            self.actions[0].setEnabled(False)
            QgsApplication.taskManager().addTask(self.task)

    def _layers_written(self, succeeded, results):
        from processing.gui.Postprocessing import handleAlgorithmResults  # see _open

        self.task = None
        self.actions[0].setEnabled(True)
        if succeeded:
            handleAlgorithmResults(self.algorithm, self.context, self.feedback)
            self.iface.layerTreeView().setCurrentLayer(None)  # else the next layers land in the group
            self._zoom()
            self._say(self.tr("Reference layers added from {}").format(results["OUTPUT"]), Qgis.MessageLevel.Success)
        else:
            self._say(self.feedback.error or self.tr("The reference layers were not written."), Qgis.MessageLevel.Warning)

    def _zoom(self):
        extent = group.extent(QgsProject.instance())
        if not extent.isEmpty():
            self.iface.mapCanvas().setExtent(extent)
            self.iface.mapCanvas().refresh()

    def _say(self, text, level):
        self.iface.messageBar().pushMessage("Rason", text, level)


class _LastError(QgsProcessingFeedback):
    """Keeps what an algorithm says when it refuses."""

    error = ""

    def reportError(self, error, fatalError=False):
        """Called by the algorithm."""
        self.error = error


def reference_path(project):
    """Where the reference layers go: beside the project, or into the profile where there is no writable project folder."""
    folder = Path(project.absolutePath()) if project.fileName() else None
    if folder is None or not os.access(folder, os.W_OK):
        folder = Path(QgsApplication.qgisSettingsDirPath()) / "rason"
        folder.mkdir(parents=True, exist_ok=True)
    return folder / REFERENCE_FILE
