"""Make the pictures of the documentation: ``python3 bench/screenshots.py [demo folder] [picture folder]``.

Starts a real QGIS on a virtual display, opens what ``make demo`` made (synthetic scenes only) and photographs the windows.
The same file is what runs inside that QGIS.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path

# Dialogs that no button opens, with the demo's layers shown in them.
OTHERS = {
    "createlayers": {},
    "makezones": {"INPUT": "Piers"},
    "tally": {"DETECTIONS": "detections", "ZONES": "zones: verdicts"},
}
CLOSE_M = 140.0  # width of the close-ups


def start(demo: Path, pictures: Path) -> None:
    """Run this file inside QGIS and say what came out."""
    from desktop import run_in_qgis

    pictures.mkdir(parents=True, exist_ok=True)
    answer = run_in_qgis(Path(__file__).resolve(), str(demo.resolve()), str(pictures.resolve()), screen="1440x900")
    if "error" in answer:
        sys.exit(answer["error"])
    print("\n".join(answer["written"]))


class Session:
    """Inside QGIS: open, arrange, photograph."""

    def __init__(self, demo: Path, pictures: Path):
        import qgis.utils

        self.demo, self.pictures, self.written = demo, pictures, []
        self.window = qgis.utils.iface.mainWindow()
        self.canvas = qgis.utils.iface.mapCanvas()
        self.toolbar = qgis.utils.plugins["rason"].toolbar

    def run(self) -> dict:
        """All pictures."""
        from qgis.PyQt.QtWidgets import QDockWidget

        self.window.showMaximized()
        for dock in self.window.findChildren(QDockWidget):
            if dock.objectName() == "Browser":
                dock.hide()
        self.layers()
        self.dialogs()
        self.result()
        return {"written": self.written}

    def layers(self) -> None:
        """The reference layers as the button adds them."""
        from qgis.core import QgsCoordinateReferenceSystem, QgsProject

        self.toolbar.add_layers()
        self.wait(lambda: self.toolbar.task is None, 120)
        self.settle(1.0)
        QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:32652"))  # an empty project takes its first layer's
        self.toolbar.add_layers()
        self.canvas.zoomByFactor(0.7)
        self.quiet()
        self.save(self.window, "layers.png")

    def dialogs(self) -> None:
        """Each dialog as it opens over the demo's layers."""
        import processing

        self.open_project()
        for name, dialog in (
            ("tallyscene", self.toolbar.tally_scene()),
            ("compareepochs", self.toolbar.compare_epochs()),
            *(
                (name, processing.createAlgorithmDialog(f"rason:{name}", self.named(layers)))
                for name, layers in OTHERS.items()
            ),
        ):
            dialog.resize(1000, 780)
            dialog.show()
            dialog.raise_()
            self.settle(1.0)
            self.save(dialog, f"dialog_{name}.png")
            dialog.close()

    def result(self) -> None:
        """Detections, zones and verdicts over the later scene of each place."""
        from qgis.core import QgsProject, QgsRectangle

        for group in QgsProject.instance().layerTreeRoot().findGroups():
            group.setExpanded(False)
        for place, zones in self.zones().items():
            extent = self.canvas.mapSettings().layerExtentToOutputExtent(zones, zones.extent())
            extent.scale(1.1)
            self.canvas.setExtent(extent)
            self.quiet()
            self.save(self.window, f"result_{place}.jpg")
            point = next(zones.getFeatures()).geometry().pointOnSurface().asPoint()
            close = QgsRectangle.fromCenterAndSize(point, CLOSE_M, CLOSE_M / 2)
            self.canvas.setExtent(self.canvas.mapSettings().layerExtentToOutputExtent(zones, close))
            self.quiet()
            self.save(self.window, f"result_{place}_close.jpg")
        QgsProject.instance().clear()

    def open_project(self) -> None:
        """The demo's own project, with the later scene as the active layer."""
        import qgis.utils
        from qgis.core import QgsMapLayer, QgsProject

        project = QgsProject.instance()
        project.clear()
        project.read(str(next(self.demo.glob("*.qg[sz]"))))
        raster = QgsMapLayer.LayerType.RasterLayer
        scenes = [n.layer() for n in project.layerTreeRoot().findLayers() if n.layer() and n.layer().type() == raster]
        qgis.utils.iface.setActiveLayer(scenes[0])
        self.quiet()

    @staticmethod
    def named(layers: dict) -> dict:
        """Parameters that are layers of the project, by their names."""
        from qgis.core import QgsProject

        return {key: QgsProject.instance().mapLayersByName(name)[0].id() for key, name in layers.items()}

    def zones(self) -> dict:
        """The zone layer of each place in the demo's project, by the name of its group."""
        from qgis.core import QgsProject

        groups = QgsProject.instance().layerTreeRoot().findGroups()
        found = {}
        for group in groups:
            for node in group.findLayers():
                if node.layer() and node.layer().name().startswith("zones"):
                    found[group.name().split()[0].lower()] = node.layer()
        return found

    def quiet(self) -> None:
        """Wait until the map is drawn; close the messages."""
        import qgis.utils

        qgis.utils.iface.messageBar().clearWidgets()
        self.canvas.refresh()
        self.settle(0.5)
        self.wait(lambda: not self.canvas.isDrawing(), 60)
        self.settle(0.5)

    def settle(self, seconds: float) -> None:
        """Let QGIS work for a while."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end, seconds + 1)

    @staticmethod
    def wait(until, seconds: float) -> None:
        """Let QGIS work until something is true, or time is up."""
        from qgis.PyQt.QtWidgets import QApplication

        end = time.monotonic() + seconds
        while not until() and time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.01)

    def save(self, widget, name: str) -> None:
        """Photograph a window."""
        path = self.pictures / name
        widget.grab().save(str(path), quality=-1 if path.suffix == ".png" else 88)
        self.written.append(str(path))


def main() -> None:
    """Inside QGIS: do all and write the answer."""
    try:
        answer = Session(*map(Path, json.loads(os.environ["RASON_ARGUMENTS"]))).run()
    except Exception:
        answer = {"error": traceback.format_exc()}
    Path(os.environ["RASON_ANSWER"]).write_text(json.dumps(answer), "utf8")
    os._exit(0)  # without the question whether to save the project


if "RASON_ANSWER" in os.environ:
    from qgis.PyQt.QtCore import QTimer

    QTimer.singleShot(500, main)
elif __name__ == "__main__":
    ROOT = Path(__file__).resolve().parent.parent  # QGIS runs a script without a name
    folders = [Path(argument) for argument in sys.argv[1:]]
    start(*folders, *(ROOT / "demo", ROOT / "docs" / "images")[len(folders) :])
