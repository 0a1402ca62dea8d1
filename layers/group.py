"""The layer group "Rason" in a project: found again by a mark of its own, whatever the user calls it."""

from __future__ import annotations

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsLayerTreeGroup,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)

from .reference import Table, tables

NAME = "Rason"
GROUP_MARK = "rason/group"  # custom property of the group's node
TABLE_MARK = "rason/table"  # custom property of a layer: the table it shows


def find(project: QgsProject) -> QgsLayerTreeGroup | None:
    """The project's Rason group, or None."""
    waiting = [project.layerTreeRoot()]
    while waiting:
        group = waiting.pop()
        if group.customProperty(GROUP_MARK):
            return group
        waiting.extend(child for child in group.children() if isinstance(child, QgsLayerTreeGroup))
    return None


def find_or_make(project: QgsProject) -> QgsLayerTreeGroup:
    """The project's Rason group, made on top when there is none."""
    group = find(project)
    if group is None:
        group = project.layerTreeRoot().insertGroup(0, NAME)
        group.setCustomProperty(GROUP_MARK, True)
    return group


def place(project: QgsProject, layer: QgsVectorLayer, table: Table) -> None:
    """Move a layer that is in the project into the group, at its table's place in the drawing order.

    A layer of the same table from another file makes room, unless its table is the user's own to edit.
    """
    group, root = find_or_make(project), project.layerTreeRoot()
    if not table.keeps_edits:
        for other in _layers(group):
            if other.customProperty(TABLE_MARK) == table.name and other.id() != layer.id() and not other.isEditable():
                project.removeMapLayer(other.id())
    layer.setName(table.title)
    layer.setCustomProperty(TABLE_MARK, table.name)
    placed = group.insertLayer(_position(group, table), layer)
    placed.setExpanded(False)
    for node in root.findLayers():
        if node.layerId() == layer.id() and node is not placed:  # where QGIS put it, which may be this group too
            node.parent().removeChildNode(node)


def extent(project: QgsProject) -> QgsRectangle:
    """Where to zoom to: the extent of the group's layers in the project's CRS; empty when there is nothing to show."""
    group, around = find(project), QgsRectangle()
    for layer in _layers(group) if group else []:
        if layer.customProperty(TABLE_MARK) == "zone" and layer.featureCount():
            crs = project.crs() if project.crs().isValid() else layer.crs()
            way = QgsCoordinateTransform(QgsCoordinateReferenceSystem(layer.crs()), crs, project.transformContext())
            around.combineExtentWith(way.transformBoundingBox(layer.extent()))
    if around.isNull() or around.isEmpty():
        return QgsRectangle()
    around.scale(1.1)
    return around


def _layers(group: QgsLayerTreeGroup) -> list[QgsVectorLayer]:
    return [node.layer() for node in group.findLayers() if isinstance(node.layer(), QgsVectorLayer)]


def _position(group: QgsLayerTreeGroup, table: Table) -> int:
    order = {other.name: number for number, other in enumerate(tables())}
    position = 0
    for number, node in enumerate(group.children()):
        layer = node.layer() if hasattr(node, "layer") else None
        if layer is not None and order.get(layer.customProperty(TABLE_MARK), -1) < order[table.name]:
            position = number + 1
    return position
