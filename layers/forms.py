"""What a layer's form offers: lists of the published words, and defaults that make a drawn feature complete."""

from __future__ import annotations

from qgis.core import QgsDefaultValue, QgsEditorWidgetSetup, QgsVectorLayer

from ..engine.words import KINDS
from . import schema

# Fields with a fixed vocabulary, by layer.
CHOICES = {
    "zones": {"kind": KINDS},
    "detections": {"status": schema.STATUSES},
    "singles": {"status": (schema.ACCEPTED, schema.REJECTED)},
    "changes": {"status": schema.STATUSES, "change": schema.CHANGE_WORDS},
}

# A free number behind the ones in use, those not yet saved included.
NEXT = "concat('{0}-', coalesce(maximum(try(to_int(regexp_substr(\"{1}\", '{0}-(\\\\d+)$')), 0)), 0) + 1)"
DRAWN = {
    "source": "'drawn on imagery'",
    "source_date": "format_date(now(), 'yyyy-MM-dd')",
    "licence": "'own work'",
    "accuracy_m": "1",
    "approximate": "false",
    "evidence": "'B'",
}
DEFAULTS = {
    "tracks": {**DRAWN, "kind": "'track'", "id": NEXT.format("track", "id"), "zone_id": NEXT.format("track", "zone_id")},
    "roofs": {**DRAWN, "kind": "'roof'", "id": NEXT.format("roof", "id")},
    "detections": {"status": f"'{schema.ADDED}'", "p": "1"},
}
# What is filled in again at every change, so that a reviewer need only count and tick.
KEPT_UP = {
    "review_cells": {"reviewed_at": 'if("done", coalesce("reviewed_at", format_date(now(), \'yyyy-MM-dd\')), null)'},
}
COUNTED = {"review_cells": ("seen",)}


def apply(layer: QgsVectorLayer, name: str) -> None:
    """Set lists and defaults of the layer of that name (see ``styles.apply``); the style carries them."""
    fields = layer.fields()
    for field, words in CHOICES.get(name, {}).items():
        setup = QgsEditorWidgetSetup("ValueMap", {"map": [{word: word} for word in words]})
        layer.setEditorWidgetSetup(fields.indexOf(field), setup)
    for field, expression in DEFAULTS.get(name, {}).items():
        layer.setDefaultValueDefinition(fields.indexOf(field), QgsDefaultValue(expression))
    for field, expression in KEPT_UP.get(name, {}).items():
        layer.setDefaultValueDefinition(fields.indexOf(field), QgsDefaultValue(expression, True))
    for field in COUNTED.get(name, ()):
        setup = QgsEditorWidgetSetup("Range", {"Min": 0, "Max": 1_000_000, "Step": 1, "AllowNull": True, "Style": "SpinBox"})
        layer.setEditorWidgetSetup(fields.indexOf(field), setup)
