"""Make a QGIS project of the demo's results and draw it: project, picture, reference GeoPackage, then one group a place.

Run by bench/demo.py with the system's Python. A group is "scene;zones;tally GeoPackage;comparison GeoPackage".
"""

import sys

from qgis.core import (
    QgsApplication,
    QgsLayerTreeGroup,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsProviderRegistry,
    QgsRasterLayer,
    QgsReferencedRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QRect, QSize
from qgis.PyQt.QtGui import QColor, QImage, QPainter

SIZE = QSize(1500, 1100)
BAND = 26  # height of a title in pixels


def add(project, group: QgsLayerTreeGroup, layer) -> None:
    """Add a layer to a group, on top of those already there."""
    if not layer.isValid():
        sys.exit(f"{layer.source()} cannot be opened")
    project.addMapLayer(layer, False)
    group.insertLayer(0, layer)


def place(project, scene: str, zones: str, tally: str, comparison: str) -> list:
    """A group of one place: scene below, zones, detections, changes and tables above. Returns what is drawn, top first."""
    name = zones.split("layername=")[-1].capitalize()
    group = project.layerTreeRoot().insertGroup(0, f"{name} (synthetic)")
    raster = QgsRasterLayer(scene, f"{name}, synthetic scene")
    outline = QgsVectorLayer(zones, "zones", "ogr")
    found = QgsVectorLayer(f"{tally}|layername=detections", "detections", "ogr")
    changes = QgsVectorLayer(f"{comparison}|layername=changes", "changes", "ogr")
    for layer in (raster, outline, found, changes):
        add(project, group, layer)
    add(project, group, QgsVectorLayer(f"{tally}|layername=tally", "tally", "ogr"))
    add(project, group, QgsVectorLayer(f"{comparison}|layername=comparison", "comparison", "ogr"))
    group.findLayer(changes).setItemVisibilityChecked(False)
    return [found, raster]


def draw(layers, extent, size: QSize) -> QImage:
    """A picture of layers, top first."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(layers[-1].crs())
    settings.setExtent(extent)
    settings.setOutputSize(size)
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def main(project_file: str, picture_file: str, reference: str, *groups: str) -> None:
    """Write project and picture."""
    project = QgsProject.instance()
    root = project.layerTreeRoot().addGroup("Rason reference layers")
    details = QgsProviderRegistry.instance().providerMetadata("ogr").querySublayers(reference)
    for sublayer in details:
        add(project, root, QgsVectorLayer(sublayer.uri(), sublayer.name(), "ogr"))
    root.setExpanded(False)
    views = [place(project, *group.split(";")) for group in groups]
    first = views[0][-1]
    project.setCrs(first.crs())
    project.viewSettings().setDefaultViewExtent(QgsReferencedRectangle(first.extent(), first.crs()))
    project.write(project_file)
    save_picture(views, picture_file)


def save_picture(views: list, path: str) -> None:
    """The places below each other, each as large as its shape lets it be, with a title."""
    picture = QImage(SIZE, QImage.Format.Format_RGB32)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    shapes = [view[-1].extent().height() / view[-1].extent().width() for view in views]
    top = 0
    for view, shape in zip(views, shapes):
        height = int((SIZE.height() - BAND * len(views)) * shape / sum(shapes))
        painter.drawText(QRect(8, top, SIZE.width(), BAND), 0x80, f"{view[-1].name()}: objects found")
        image = draw(view, view[-1].extent(), QSize(SIZE.width(), height))
        painter.drawImage(0, top + BAND, image)
        top += BAND + height
    painter.end()
    picture.save(path)


if __name__ == "__main__":
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    main(*sys.argv[1:])
    application.exitQgis()
