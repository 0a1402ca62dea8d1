"""Make a QGIS project of the demo's results and draw it.

Run by bench/demo.py with the system's Python: demo_map.py PLAN, where PLAN is JSON with ``project``, ``picture`` (files to
write), ``reference`` (GeoPackage of the reference layers) and ``places``: name, scenes, zones, tallies, comparison.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from checkout import load_rason
from qgis.core import (
    QgsApplication,
    QgsLabelingEngineSettings,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsReferencedRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QEventLoop, QRect, QSize
from qgis.PyQt.QtGui import QColor, QFont, QImage, QPainter

SIZE = QSize(1600, 1120)
TITLE = 28  # height of a title in pixels
CLOSE_M = 130.0  # width of the close-ups


def opened(layer):
    """A layer added to the project but not yet to its tree; ends the script where it cannot be opened."""
    if not layer.isValid():
        sys.exit(f"{layer.source()} cannot be opened")
    return QgsProject.instance().addMapLayer(layer, False)


def add_reference(path: str) -> None:
    """The reference layers in their group, as the plugin's button adds them."""
    from rason.layers import group, reference

    project = QgsProject.instance()
    for table in reference.tables():
        group.place(project, opened(QgsVectorLayer(f"{path}|layername={table.name}", table.title, "ogr")), table)
    group.find_or_make(project).setExpanded(False)


def add_place(place: dict) -> dict:
    """A group of one place, the later epoch on top; zones are labelled with the comparison's verdicts."""
    from rason.layers import styles

    group = QgsProject.instance().layerTreeRoot().insertGroup(0, f"{place['name']} (synthetic)")
    zones = opened(QgsVectorLayer(place["zones"], "zones: verdicts", "ogr"))
    comparison = opened(QgsVectorLayer(f"{place['comparison']}|layername=comparison", "comparison", "ogr"))
    changes = opened(QgsVectorLayer(f"{place['comparison']}|layername=changes", "changes", "ogr"))
    styles.zone_labels(zones, styles.comparison_expression(comparison.id()))
    for layer in (comparison, zones, changes):
        group.addLayer(layer)
    group.findLayer(changes).setItemVisibilityChecked(False)
    drawn = {"zones": zones}
    for scene, tally in zip(reversed(place["scenes"]), reversed(place["tallies"])):
        epoch = group.addGroup(Path(scene).stem)
        table = opened(QgsVectorLayer(f"{tally}|layername=tally", "tally", "ogr"))
        found = opened(QgsVectorLayer(f"{tally}|layername=detections", "detections", "ogr"))
        raster = opened(QgsRasterLayer(scene, "scene"))
        for layer in (table, found, raster):
            epoch.addLayer(layer)
        epoch.setItemVisibilityChecked("scene" not in drawn)
        drawn.setdefault("found", found)
        drawn.setdefault("scene", raster)
    return drawn


def close_up(drawn: dict, shape: float) -> QgsRectangle:
    """A box around the middle of the detections of the busiest zone; shape: height over width."""
    counts = Counter(feature["zone_id"] for feature in drawn["found"].getFeatures())
    zone_id = counts.most_common(1)[0][0] if counts else ""
    middles = [f.geometry().centroid().asPoint() for f in drawn["found"].getFeatures() if f["zone_id"] == zone_id]
    middle = sorted(middles, key=lambda point: point.y())[len(middles) // 2] if middles else drawn["scene"].extent().center()
    return QgsRectangle.fromCenterAndSize(middle, CLOSE_M, CLOSE_M * shape)


def draw(layers: list, extent: QgsRectangle, size: QSize) -> QImage:
    """A picture of layers, top first."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(layers[-1].crs())
    settings.setExtent(extent)
    settings.setOutputSize(size)
    settings.setBackgroundColor(QColor("#202020"))
    labels = settings.labelingEngineSettings()
    labels.setFlag(QgsLabelingEngineSettings.Flag.UsePartialCandidates, False)
    settings.setLabelingEngineSettings(labels)
    job = QgsMapRendererParallelJob(settings)
    drawn = QEventLoop()  # not waitForFinished: from QGIS 3.40 on the drawing threads wait for this one's events
    job.finished.connect(drawn.quit)
    job.start()
    drawn.exec()
    return job.renderedImage()


def save_picture(places: list[dict], path: str) -> None:
    """The first place whole on the left; on the right the second whole, and a close-up of each."""
    first, second = places[0], places[-1]
    whole, other = first["scene"].extent(), second["scene"].extent()
    left = int((SIZE.height() - TITLE) * whole.width() / whole.height())
    right = SIZE.width() - left - 6
    strip = int(right * other.height() / other.width())
    half = (SIZE.height() - strip - 3 * TITLE) // 2
    panels = [
        (
            "Rajin, synthetic: verdicts and objects found",
            first,
            whole,
            True,
            QRect(0, TITLE, left, SIZE.height() - TITLE),
        )
    ]
    top = TITLE
    for title, drawn, extent, labels, height in (
        ("Tumangan, synthetic: objects found", second, other, False, strip),
        ("Close up: containers", first, close_up(first, half / right), False, half),
        ("Close up: freight cars", second, close_up(second, half / right), False, half),
    ):
        panels.append((title, drawn, extent, labels, QRect(left + 6, top, right, height)))
        top += height + TITLE
    picture = QImage(SIZE, QImage.Format.Format_RGB32)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    painter.setFont(QFont("sans-serif", 11))
    for title, drawn, extent, labels, where in panels:
        layers = [drawn["found"], *([drawn["zones"]] if labels else []), drawn["scene"]]
        painter.drawImage(where, draw(layers, extent, where.size()))
        painter.drawText(where.left() + 6, where.top() - 8, title)
    painter.end()
    if not picture.save(path):
        sys.exit(f"{path} cannot be written")


def main(plan: dict) -> None:
    """Write project and picture."""
    load_rason()
    project = QgsProject.instance()
    add_reference(plan["reference"])
    places = [add_place(place) for place in plan["places"]]
    first = places[0]["scene"]
    project.setCrs(first.crs())
    project.viewSettings().setDefaultViewExtent(QgsReferencedRectangle(first.extent(), first.crs()))
    project.write(plan["project"])
    save_picture(places, plan["picture"])


if __name__ == "__main__":
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    main(json.loads(sys.argv[1]))
    QgsProject.instance().clear()
    application.exitQgis()
