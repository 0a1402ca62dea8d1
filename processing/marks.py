"""What the features of one layer of detections or marks must have in common: a class each, one scene, one epoch."""

from __future__ import annotations

from ..engine.errors import Refusal
from . import lazy

UNNAMED = "object"  # the class of marks whose layer does not say one

provenance = lazy.engine("provenance")


def named(marks, has_class, asked, name="DETECTIONS"):
    """Marks of a layer without a class field are all of the one class asked for."""
    if has_class or not len(marks):
        return marks
    if len(asked) != 1:
        raise Refusal("{name} has no field class: name in CLASSES the one class that it holds.", name=name)
    return marks.with_(class_name=asked[0])


def only(texts, field, name="DETECTIONS"):
    """The one value of a field, "" where nothing says it."""
    values = sorted({text for text in texts if text})
    if len(values) > 1:
        raise Refusal(
            "{name} holds more than one {field} ({values}). Select the features of one.",
            name=name,
            field=field,
            values=", ".join(values[:3]),
        )
    return values[0] if values else ""


def record_of(algorithm, parameters, context, key="DETECTIONS"):
    """What the record of the run says of a layer, also of one without rows: class, scene, epoch, detector, sensor."""
    layer = algorithm.parameterAsVectorLayer(parameters, key, context)
    return provenance.result_of(layer.metadata().history()) if layer is not None else {}
