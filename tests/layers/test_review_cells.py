"""The layer of cells to look at, as it is shown."""

from qgis.core import QgsPalLayerSettings, QgsVectorLayer

from rason.layers import styles


def test_every_part_of_a_cell_bears_its_number_inside():
    layer = QgsVectorLayer("MultiPolygon?crs=EPSG:32652&field=cell_id:string&field=done:bool", "cells", "memory")
    styles.apply(layer, "review_cells")
    numbers = layer.labeling().settings()
    assert numbers.labelPerPart and numbers.placement == QgsPalLayerSettings.Placement.Horizontal
