"""What the dialogs are filled with when they open: layers of the project, recognised by their fields.

Layers are recognised by the published field names (docs/ARCHITECTURE.md), never by their own name, so that layers made with
any tool are found too.
"""

from qgis.core import QgsMapLayer, QgsVectorLayer

SCENE_PROVIDERS = {"gdal"}  # a web map (wms, xyz) is a background, not a scene with an acquisition time
ZONE_FIELDS = {"zone_id", "kind"}
TALLY_FIELDS = {"zone_id", "class", "epoch", "estimate", "low", "high", "visible_fraction"}
DETECTION_FIELDS = {"class", "score", "epoch", "length_m", "width_m", "azimuth_deg"}


def scene_defaults(project, active):
    """Parameters of ``rason:tallyscene``: the active layer where it fits, else the uppermost layer that does."""
    layers = _top_down(project, active)
    return _present(INPUT=_first(layers, _is_scene), ZONES=_first(layers, _is_zones))


def comparison_defaults(project, active):
    """Parameters of ``rason:compareepochs``: the two latest tallies of the project, each with its detections."""
    layers = _top_down(project, active)
    tallies = {}
    for layer in (layer for layer in layers if _has_fields(layer, TALLY_FIELDS)):
        tallies.setdefault(_epoch(layer), layer)  # of several tallies of one epoch the uppermost
    latest = sorted(epoch for epoch in tallies if epoch)[-2:]
    detections = [layer for layer in layers if _has_fields(layer, DETECTION_FIELDS)]
    parameters = {}
    for number, epoch in enumerate(latest, 1):
        parameters[f"TALLY_{number}"] = tallies[epoch]
        parameters[f"DETECTIONS_{number}"] = _first(detections, lambda layer, epoch=epoch: _epoch(layer) == epoch)
    return _present(**parameters)


def _top_down(project, active):
    """The active layer first, then the others in the order of the layer tree."""
    layers = [node.layer() for node in project.layerTreeRoot().findLayers() if node.layer() is not None]
    return ([active] if active in layers else []) + [layer for layer in layers if layer is not active]


def _first(layers, fits):
    return next((layer for layer in layers if fits(layer)), None)


def _present(**parameters):
    """Layer ids of those parameters that have a layer."""
    return {key: layer.id() for key, layer in parameters.items() if layer is not None}


def _is_scene(layer):
    return layer.type() == QgsMapLayer.LayerType.RasterLayer and layer.providerType() in SCENE_PROVIDERS


def _is_zones(layer):
    return _has_fields(layer, ZONE_FIELDS) and layer.isSpatial()


def _has_fields(layer, names):
    return isinstance(layer, QgsVectorLayer) and names <= {name.lower() for name in layer.fields().names()}


def _epoch(layer):
    """The epoch of a tally or of detections, from its first row; empty where there is none."""
    index = layer.fields().lookupField("epoch")
    row = next(layer.getFeatures(), None)
    return "" if row is None or not row[index] else str(row[index])
