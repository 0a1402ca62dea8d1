"""Runs inside a real QGIS, started by test_desktop.py: clicks through the plugin and writes down what it saw."""

import gc
import json
import os
import time
import traceback
from pathlib import Path

import processing
import qgis.utils
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QAction, QApplication, QMenu, QToolBar
from qgis.utils import iface

(FOLDER,) = (Path(argument) for argument in json.loads(os.environ["RASON_ARGUMENTS"]))
TALLY = "zone_id:string,class:string,scene:string,epoch:string,detected:double,estimate:double,low:double,high:double"
TALLY += ",level:double,visible_fraction:double,basis:string,unit:string,rules:string,note:string"
DETECTIONS = "class:string,score:double,p:double,length_m:double,width_m:double,azimuth_deg:double,zone_id:string"
DETECTIONS += ",scene:string,epoch:string,detector:string,status:string"


def wait(until, seconds=60):
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
    return until()


def settle():
    QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
    for _ in range(5):
        QApplication.processEvents()
    gc.collect()


def traces():
    """Everything in the main window and the registry that the plugin could have left."""
    window = iface.mainWindow()
    return {
        "toolbars": sorted(t.objectName() for t in window.findChildren(QToolBar) if "rason" in t.objectName().lower()),
        "menus": sorted(m.objectName() for m in window.findChildren(QMenu) if "rason" in m.objectName().lower()),
        "menu_bar": [a.text() for a in window.menuBar().actions() if "rason" in a.text().lower()],
        "actions": sorted(a.objectName() for a in window.findChildren(QAction) if a.objectName().startswith("Rason_")),
        "provider": QgsApplication.processingRegistry().providerById("rason") is not None,
        "modules": any(name.split(".")[0] == "rason" for name in qgis.utils.plugins),
        "children": len(window.children()),
        "menu_bar_children": len(window.menuBar().children()),
    }


def actions():
    return {action.objectName()[6:]: action for action in qgis.utils.plugins["rason"].toolbar.actions}


def described(action):
    return {
        "text": action.text(),
        "tip": action.toolTip(),
        "status": action.statusTip(),
        "shortcut": action.shortcut().toString(),
        "icon": not action.icon().pixmap(24, 24).isNull(),
    }


def clashes():
    """Shortcuts of ours that something else in the window has too."""
    ours = {action.shortcut().toString() for action in actions().values()}
    others = [
        shortcut.toString()
        for action in iface.mainWindow().findChildren(QAction)
        if not action.objectName().startswith("Rason_")
        for shortcut in action.shortcuts()
    ]
    return sorted(ours & set(others))


def reload_twice():
    first = traces()
    toolbar = qgis.utils.plugins["rason"].toolbar
    seen = []
    for _ in range(2):
        qgis.utils.unloadPlugin("rason")
        settle()
        seen.append(traces())
        start = time.process_time()
        qgis.utils.loadPlugin("rason")
        qgis.utils.startPlugin("rason")
        seconds = time.process_time() - start
        settle()
        seen.append(traces())
    return {"first": first, "seen": seen, "old_toolbar_deleted": sip.isdeleted(toolbar), "seconds": seconds}


def rason_groups():
    return [group for group in QgsProject.instance().layerTreeRoot().findGroups(True) if group.name() == "Rason"]


def canvas_centre():
    project = QgsProject.instance()
    canvas = iface.mapCanvas()
    transform = QgsCoordinateTransform(
        canvas.mapSettings().destinationCrs(), QgsCoordinateReferenceSystem("EPSG:4326"), project
    )
    centre = transform.transform(canvas.extent().center())
    return [centre.x(), centre.y()]


def add_layers(crs, name):
    """A project saved in its own folder: one click, then a second one."""
    project = QgsProject.instance()
    project.clear()
    # an empty project takes the CRS of its first layer
    project.addMapLayer(QgsVectorLayer(f"Point?crs={crs}", "first", "memory"))
    project.setCrs(QgsCoordinateReferenceSystem(crs))
    folder = FOLDER / name
    folder.mkdir(exist_ok=True)
    project.write(str(folder / "project.qgz"))
    actions()["layers"].trigger()
    came = bool(wait(lambda: rason_groups() and actions()["layers"].isEnabled()))
    settle()
    centre, layers = canvas_centre(), len(project.mapLayers())
    actions()["layers"].trigger()
    wait(lambda: actions()["layers"].isEnabled())
    settle()
    later = QgsVectorLayer("Point?crs=EPSG:32652", "later", "memory")
    after_second = len(project.mapLayers())
    project.addMapLayer(later)
    return {
        "later_is_in": project.layerTreeRoot().findLayer(later).parent().name(),
        "came": came,
        "files": sorted(path.name for path in folder.glob("*.gpkg")),
        "centre": centre,
        "layers": layers,
        "layers_after_second": after_second,
        "groups": len(rason_groups()),
        "nodes": len(project.layerTreeRoot().findLayers()),
        "in_group": len(rason_groups()[0].findLayers()) if rason_groups() else 0,
        "styled": [
            layer.labelsEnabled() for layer in project.mapLayersByName("Stations")
        ],  # labels come with the stored style
        "crs": project.crs().authid(),
    }


def read_only():
    """A project in a folder that cannot be written to: the layers go into the profile."""
    from rason.ui.toolbar import reference_path

    class Project:
        def fileName(self):
            return "/proc/project.qgz"

        def absolutePath(self):
            return "/proc/self/nothing-here"

    class Unsaved(Project):
        def fileName(self):
            return ""

    profile = Path(QgsApplication.qgisSettingsDirPath())
    return [profile in reference_path(project).parents for project in (Project(), Unsaved())]


def refused():
    """A folder stands where the file should go."""
    project = QgsProject.instance()
    project.clear()
    (FOLDER / "blocked" / "rason_layers.gpkg").mkdir(parents=True)
    project.write(str(FOLDER / "blocked" / "project.qgz"))
    iface.messageBar().clearWidgets()
    actions()["layers"].trigger()
    wait(lambda: actions()["layers"].isEnabled())
    settle()
    item = iface.messageBar().currentItem()
    return {"groups": len(rason_groups()), "said": item.text() if item else "", "level": int(item.level()) if item else -1}


def unloaded_while_running():
    """The plugin goes while the layers are being written."""
    project = QgsProject.instance()
    project.clear()
    (FOLDER / "running").mkdir()
    project.write(str(FOLDER / "running" / "project.qgz"))
    actions()["layers"].trigger()
    wait(lambda: QgsApplication.taskManager().countActiveTasks() > 0, 10)
    active = QgsApplication.taskManager().countActiveTasks()
    qgis.utils.unloadPlugin("rason")
    settle()
    wait(lambda: QgsApplication.taskManager().countActiveTasks() == 0, 20)
    return {
        "active": active,
        "left": QgsApplication.taskManager().countActiveTasks(),
        "files": sorted(path.name for path in (FOLDER / "running").iterdir()),
        "layers": len(project.mapLayers()),
    }


def table(name, kind, fields, epoch):
    layer = QgsVectorLayer(f"{kind}?crs=EPSG:32652&field=" + "&field=".join(fields.split(",")), name, "memory")
    feature = QgsFeature(layer.fields())
    feature["epoch"] = epoch
    layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    return layer


def dialogs(scene):
    project = QgsProject.instance()
    project.clear()
    raster = QgsRasterLayer(scene, "scene")
    zones = QgsVectorLayer("Polygon?crs=EPSG:32652&field=zone_id:string&field=kind:string", "yards", "memory")
    project.addMapLayers([raster, zones])
    iface.setActiveLayer(raster)
    tally = qgis.utils.plugins["rason"].toolbar.tally_scene()
    settle()
    shown = tally.getParameterValues() if hasattr(tally, "getParameterValues") else tally.createProcessingParameters()
    result = {
        "tally_title": tally.windowTitle(),
        "tally_visible": tally.isVisible(),
        "tally": {key: getattr(shown.get(key), "source", shown.get(key)) for key in ("INPUT", "ZONES")},
        "raster": [raster.id(), raster.source()],
        "zones": [zones.id(), zones.source()],
    }
    result["tally"] = {
        key: value if isinstance(value, str) else value.staticValue() if hasattr(value, "staticValue") else str(value)
        for key, value in result["tally"].items()
    }
    tally.close()
    layers = [
        table("any name", "None", TALLY, "2024-06-03T02:20:00Z"),
        table("other name", "None", TALLY, "2024-05-12T02:14:31Z"),
        table("boxes 2", "Polygon", DETECTIONS, "2024-06-03T02:20:00Z"),
        table("boxes 1", "Polygon", DETECTIONS, "2024-05-12T02:14:31Z"),
    ]
    compare = qgis.utils.plugins["rason"].toolbar.compare_epochs()
    settle()
    result["compare_visible"] = compare.isVisible()
    result["open"] = len(qgis.utils.plugins["rason"].toolbar._open_dialogs())
    compare.close()
    settle()
    result["open_after_close"] = len(qgis.utils.plugins["rason"].toolbar._open_dialogs())
    result["tables"] = [layer.id() for layer in layers]
    return result


def run_tally():
    """Press Run in the dialog that the button opens, and close it."""
    project = QgsProject.instance()
    project.clear()
    raster = QgsRasterLayer(str(FOLDER / "scene.tif"), "a scene")
    project.addMapLayers([raster, QgsVectorLayer(str(FOLDER / "zones.gpkg"), "tracks")])
    iface.setActiveLayer(raster)
    dialog = qgis.utils.plugins["rason"].toolbar.tally_scene()
    settle()
    dialog.runButton().click()
    done = bool(wait(dialog.wasExecuted))
    settle()
    report = dialog.results().get("REPORT", "")
    kept = str(FOLDER / "kept.gpkg")
    processing.run("rason:tallyscene", {"INPUT": raster.source(), "ZONES": str(FOLDER / "zones.gpkg"), "CLASSES": ["freight_car"],
                                        "DETECTIONS": kept, "TALLY": "memory:"})  # fmt: skip
    by_hand = QgsVectorLayer(f"{kept}|layername=kept", "kept", "ogr")
    project.addMapLayer(by_hand)
    dialog.close()
    settle()
    return {
        "done": done,
        "layers": [layer.name() for layer in project.mapLayers().values()],
        "report": Path(report).is_file(),
        "follows_time": by_hand.temporalProperties().isActive(),
    }


def session():
    toolbar = qgis.utils.plugins["rason"].toolbar
    menu_texts = [action.text() for action in iface.mainWindow().menuBar().actions()]
    return {
        "menus": menu_texts,
        "menu_actions": [action.text() for action in toolbar.menu.actions()],
        "bar_actions": [action.text() for action in toolbar.bar.actions()],
        "actions": {name: described(action) for name, action in actions().items()},
        "clashes": clashes(),
        "reload": reload_twice(),
        "mercator": add_layers("EPSG:3857", "one"),
        "degrees": add_layers("EPSG:4326", "one"),  # the file is there already
        "utm": add_layers("EPSG:32652", "one"),
        "read_only": read_only(),
        "refused": refused(),
        "dialogs": dialogs(str(FOLDER / "scene.tif")),
        "run": run_tally(),
        "while_running": unloaded_while_running(),
    }


def main():
    try:
        answer = session()
    except Exception:
        answer = {"error": traceback.format_exc()}
    Path(os.environ["RASON_ANSWER"]).write_text(json.dumps(answer), "utf8")
    os._exit(0)  # without the question whether to save the project


QTimer.singleShot(500, main)
