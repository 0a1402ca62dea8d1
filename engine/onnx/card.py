"""What is known of a model: the user's card (JSON), and what Ultralytics, Deepness and GeoDeep write into the model itself."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..errors import Refusal

# What is added to and divided by after values became 0..1; "0-255" and "file" leave the values larger.
NORMALISATIONS = ("0-1", "0-255", "imagenet", "file")
LAYOUTS = ("v5", "v8", "obb", "end2end", "end2end-obb", "semantic")
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_ROLES = ("red", "green", "blue", "nir", "pan", "grey", "other")
_ORDERS = {"rgb": ("red", "green", "blue"), "bgr": ("blue", "green", "red"), "grey": ("grey",)}
_DEEPNESS_LAYOUTS = {
    "yolo_v5_or_v7_default": "v5", "yolo_v6": "v5", "yolo_v7": "v5", "yolo_v8": "v8", "yolo_v9": "v8", "yolo_v11": "v8",
    "yolo_ultralytics": "v8", "yolo_ultralytics_obb": "obb", "yolo_ultralytics_segmentation": "v8",
}  # fmt: skip


@dataclass(frozen=True)
class Card:
    """What is known of a model; None or empty where nobody says.

    classes: names by index. gsd_m: finest and coarsest GSD it was trained at. largest_object_m: sets the tiles' overlap.
    normalisation: one of NORMALISATIONS; mean and std by channel are applied to values of 0..1. channels: role of each input
    channel. layout: one of LAYOUTS. class_map: model's class -> Rason's. confidence: least score. iou: from which two
    rectangles of one class in one tile are one object. background: class of a semantic model that is no object, or "" for
    none. tile_px: input size where the model leaves it open. stride: what that size is a multiple of. licence, sha256, name,
    source, note: for people.
    """

    name: str = ""
    classes: tuple[str, ...] = ()
    gsd_m: tuple[float, float] | None = None
    largest_object_m: float | None = None
    normalisation: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    channels: tuple[str, ...] = ()
    layout: str = ""
    class_map: Mapping[str, str] = field(default_factory=dict)
    confidence: float | None = None
    iou: float | None = None
    background: str | None = None
    tile_px: int | None = None
    stride: int | None = None
    task: str = ""
    licence: str = ""
    sha256: str = ""
    source: str = ""
    note: str = ""

    def over(self, other: Card) -> Card:
        """This card, with the other's entries where this one says nothing."""
        empty = Card()
        mine = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != getattr(empty, f.name)}
        return replace(other, **mine)

    def known(self) -> dict[str, Any]:
        """What it says, for the log and the record of a run."""
        empty = Card()
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != getattr(empty, f.name)}


def read_card(text: str, name: str = "CARD") -> Card:
    """The card in a JSON text. Raises Refusal for what is no JSON object, unknown keys and values that cannot be."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise Refusal("{name} is not valid JSON ({error}). Correct the file.", name=name, error=error) from error
    if not isinstance(given, dict):
        raise Refusal('{name} is no model card: it must be a JSON object such as {{"gsd_m": 0.3}}.', name=name)
    known = [f.name for f in fields(Card) if f.name != "task"]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise Refusal(
            "{name}: unknown entry {names}. Known are {names_2}.",
            name=name,
            names=", ".join(unknown),
            names_2=", ".join(known),
        )
    return Card(**{key: _READ.get(key, _word)(value, f"{name}: {key}") for key, value in given.items() if value is not None})


def from_metadata(stored: Mapping[str, str]) -> Card:
    """What the model's own metadata say. What cannot be understood counts as not said: nobody wrote it for us."""
    texts = {key.lower(): value for key, value in stored.items()}
    said: dict[str, Any] = {}
    for key, (entry, read) in _METADATA.items():
        try:
            value = read(_literal(texts[key]), key)
        except (KeyError, Refusal):
            continue
        if value not in (None, "", ()):
            said.setdefault(entry, value)
    if said.get("task") == "obb":
        said["layout"] = "obb"
    arguments = _literal(texts.get("args", ""))
    inside = isinstance(arguments, dict) and arguments.get("nms") is True
    if inside or str(texts.get("end2end", "")).lower() == "true":
        said["layout"] = "end2end-obb" if said.get("layout") == "obb" else "end2end"
    return Card(**said)


def _literal(text: str) -> Any:
    """A JSON or Python literal (never evaluated as code), else the text itself."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return text


def _word(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise Refusal("{where} must be a text, not {value!r}.", where=where, value=value)
    return value.strip()


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise Refusal("{where} must be a number above 0, not {value!r}.", where=where, value=value)
    return float(value)


def _share(value: Any, where: str) -> float:
    if _number(value, where) >= 1:
        raise Refusal("{where} must lie between 0 and 1, not {value!r}.", where=where, value=value)
    return float(value)


def _whole(value: Any, where: str) -> int:
    number = _number(max(value) if isinstance(value, list) and value else value, where)
    if number != int(number) or number > 16384:
        raise Refusal("{where} must be a whole number of at most 16384, not {value!r}.", where=where, value=value)
    return int(number)


def _classes(value: Any, where: str) -> tuple[str, ...]:
    """Names by index, from a list or from {index: name}."""
    if isinstance(value, dict):
        try:
            indexed = {int(key): name for key, name in value.items()}
        except ValueError:
            raise Refusal(
                "{where} must be a list of names, or names by number, not {value!r}.", where=where, value=value
            ) from None
        if not indexed or min(indexed) < 0 or max(indexed) > 10000:
            raise Refusal("{where} must number the classes from 0.", where=where)
        value = [indexed.get(i, f"class {i}") for i in range(max(indexed) + 1)]
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(name, str) for name in value):
        raise Refusal("{where} must be a list of names, or names by number, not {value!r}.", where=where, value=value)
    return tuple(name.strip() for name in value)


def _range(value: Any, where: str) -> tuple[float, float]:
    ends = value if isinstance(value, list) and len(value) == 2 else [value, value]
    low, high = (_number(end, where) for end in ends)
    if low > high:
        raise Refusal("{where} must be a number of metres or [finest, coarsest], not {value!r}.", where=where, value=value)
    return low, high


def _numbers(value: Any, where: str) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, (int, float)) for v in value):
        raise Refusal("{where} must be a list of numbers, one a channel, not {value!r}.", where=where, value=value)
    return tuple(float(v) for v in value)


def _deviations(value: Any, where: str) -> tuple[float, ...]:
    return tuple(_number(v, where) for v in _numbers(value, where))


def _channels(value: Any, where: str) -> tuple[str, ...]:
    """Roles, from a list or a word such as "bgr"."""
    roles = _ORDERS.get(value.lower(), ()) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if not roles or not all(role in _ROLES for role in roles):
        raise Refusal(
            "{where} must be rgb, bgr or a list of {names}, not {value!r}.",
            where=where,
            names=", ".join(_ROLES),
            value=value,
        )
    return roles


def _choice(words: tuple[str, ...]) -> Any:
    def read(value: Any, where: str) -> str:
        if value not in words:
            raise Refusal("{where} must be one of {names}, not {value!r}.", where=where, names=", ".join(words), value=value)
        return str(value)

    return read


def _mapping(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(word, str) and word for word in value.values()):
        raise Refusal(
            '{where} must be an object such as {{"large-vehicle": "truck"}}, not {value!r}.', where=where, value=value
        )
    return dict(value)


def _digest(value: Any, where: str) -> str:
    word = _word(value, where).lower()
    if len(word) != 64 or set(word) - set("0123456789abcdef"):
        raise Refusal("{where} must be 64 hexadecimal digits (sha256sum model.onnx).", where=where)
    return word


_READ = {
    "classes": _classes, "gsd_m": _range, "largest_object_m": _number, "normalisation": _choice(NORMALISATIONS),
    "mean": _numbers, "std": _deviations, "channels": _channels, "layout": _choice(LAYOUTS), "class_map": _mapping,
    "confidence": _share, "iou": _share, "tile_px": _whole, "stride": _whole, "sha256": _digest,
}  # fmt: skip


def imagenet(channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of ImageNet, of values 0..1."""
    if channels != 3:
        raise Refusal(
            "Normalisation imagenet needs 3 channels, the model has {channels}. Give mean and std in the card.",
            channels=channels,
        )
    return _IMAGENET


def _deepness_layout(value: Any, where: str) -> str | None:
    return _DEEPNESS_LAYOUTS.get(str(value).lower())


def _deepness_kind(value: Any, where: str) -> str | None:
    return "semantic" if str(value).lower() == "segmentor" else None


def _centimetres(value: Any, where: str) -> tuple[float, float]:
    return _range(_number(value, where) / 100, where)


# Key of the model's metadata -> entry of the card and how it is read; earlier keys win. Ultralytics, then Deepness and GeoDeep.
_METADATA: dict[str, tuple[str, Any]] = {
    "names": ("classes", _classes), "task": ("task", _word), "stride": ("stride", _whole), "imgsz": ("tile_px", _whole),
    "license": ("licence", _word), "description": ("name", _word),
    "class_names": ("classes", _classes), "resolution": ("gsd_m", _centimetres), "det_conf": ("confidence", _share),
    "det_iou_thresh": ("iou", _share), "det_type": ("layout", _deepness_layout), "model_type": ("layout", _deepness_kind),
    "standardization_mean": ("mean", _numbers), "standardization_std": ("std", _deviations), "seg_thresh": ("confidence", _share),
}  # fmt: skip
