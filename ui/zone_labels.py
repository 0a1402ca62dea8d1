"""What a run found, as labels of the zones on the map."""

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QTimer

from ..layers import styles
from .defaults import is_zones

OURS = "rason/zone_labels"
EXPRESSIONS = {"TALLY": styles.tally_expression, "COMPARISON": styles.comparison_expression}


def label_later(key, succeeded, results):
    """Label once the dialog has loaded its results, which it does after it says that it is done."""
    if succeeded and results.get(key):
        QTimer.singleShot(0, lambda: label(QgsProject.instance(), key, str(results[key])))


def label(project, key, result):
    """Label the project's zones with the table that ``result`` names; labels that are the user's own stay."""
    layers = list(project.mapLayers().values())
    table = next((layer for layer in layers if layer.id() == result or layer.source().split("|")[0] == result), None)
    if table is None:  # it was not loaded into the project
        return
    expression = EXPRESSIONS[key](table.id())
    for layer in filter(is_zones, layers):
        if not layer.labelsEnabled() or layer.customProperty(OURS):
            styles.label_zones(layer, expression)
            layer.setCustomProperty(OURS, True)
