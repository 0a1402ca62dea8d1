"""What the dialogs are filled with when they open: layers of the project, recognised by their fields.

Layers are recognised by the published field names (docs/ARCHITECTURE.md), never by their own name, so that layers made with
any tool are found too.
"""

from qgis.core import QgsMapLayer, QgsProcessing, QgsVectorLayer

SCENE_PROVIDERS = {"gdal"}  # a web map (wms, xyz) is a background, not a scene with an acquisition time
ZONE_FIELDS = {"zone_id", "kind"}
TALLY_FIELDS = {"zone_id", "class", "epoch", "estimate", "low", "high", "visible_fraction"}
DETECTION_FIELDS = {"class", "score", "epoch", "length_m", "width_m", "azimuth_deg"}
CHANGE_FIELD = "change"  # a layer of changes has the fields of detections, too
TEMPORARY = QgsProcessing.TEMPORARY_OUTPUT


def scene_defaults(project, active):
    """Parameters of ``rason:tallyscene``: the active layer where it fits, else the uppermost layer that does."""
    layers = _top_down(project, active)
    return {"REPORT": TEMPORARY, **_present(INPUT=_first(layers, _is_scene), ZONES=_first(layers, is_zones))}


def comparison_defaults(project, active):
    """Parameters of ``rason:compareepochs``: a tally and the latest one of another epoch in the same zones, in time order.

    The first of them is the active layer if it is a tally, else the latest. Each brings the detections of its scene.
    """
    layers = _top_down(project, active)
    parameters = {"REPORT": TEMPORARY}
    for number, tally in enumerate(_pair([layer for layer in layers if _has_fields(layer, TALLY_FIELDS)], active), 1):
        parameters |= _present(**{f"TALLY_{number}": tally, f"DETECTIONS_{number}": _first(layers, _detections_of(tally))})
    if {"DETECTIONS_1", "DETECTIONS_2"} <= set(parameters):
        parameters["CHANGES"] = TEMPORARY
    return parameters


def _pair(tallies, active):
    """Two tallies of different epochs with a zone in common, the earlier one first; one or none where there are no two."""
    epochs = {tally.id(): _first_value(tally, "epoch") for tally in tallies}
    tallies = sorted((t for t in tallies if epochs[t.id()]), key=lambda t: (t is active, epochs[t.id()]), reverse=True)
    if not tallies:
        return []
    chosen, zones = tallies[0], _zones_of(tallies[0])
    others = [t for t in tallies if epochs[t.id()] != epochs[chosen.id()] and zones & _zones_of(t)]
    return sorted([chosen, *others[:1]], key=lambda t: epochs[t.id()])


def _zones_of(layer):
    return layer.uniqueValues(layer.fields().lookupField("zone_id"))


def _detections_of(tally):
    """A test for layers of detections of a tally's scene."""
    of_tally = [_first_value(tally, name) for name in ("epoch", "scene")]

    def fits(layer):
        return (
            _has_fields(layer, DETECTION_FIELDS)
            and not _has_fields(layer, {CHANGE_FIELD})
            and [_first_value(layer, name) for name in ("epoch", "scene")] == of_tally
        )

    return fits


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


def is_zones(layer):
    """Whether a layer keeps the contract of zones."""
    return _has_fields(layer, ZONE_FIELDS) and layer.isSpatial()


def _has_fields(layer, names):
    return isinstance(layer, QgsVectorLayer) and names <= {name.lower() for name in layer.fields().names()}


def _first_value(layer, field):
    """A field's text in the first row of a layer; empty where there is none."""
    index = layer.fields().lookupField(field)
    row = next(layer.getFeatures(), None)
    return "" if row is None or index < 0 or not row[index] else str(row[index])
