"""What a detector's output means: recognising the layout by its shapes, and reading one tile's objects from it.

Layouts (N candidates, C classes, M mask coefficients where the model also gives M prototypes):
  v5           N x (5 + C + M): centre, size, objectness, class scores (YOLOv5, v6, v7)
  v8           (4 + C + M) x N, or transposed: centre, size, class scores (YOLOv8, v9, 11, 12; RT-DETR)
  obb          (4 + C + 1) x N, or transposed: the same with an angle at the end (YOLOv8-OBB, 11-OBB)
  end2end      N x (6 + M): corners, score, class; overlaps already removed (YOLOv10, exports with nms=True)
  end2end-obb  N x 7: centre, size, score, class, angle
  semantic     C x H x W scores of each pixel, or H x W class numbers
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import Refusal

FEW = 1000  # candidates up to which an output may already be without overlaps
_KNOWN = "v5 (N x 5+C), v8 (4+C x N), obb (5+C x N), end2end (N x 6), end2end-obb (N x 7), semantic (C x H x W)"


@dataclass(frozen=True)
class Layout:
    """How to read the outputs. output and prototypes are their numbers (prototypes -1: none); by_column: features x N."""

    name: str
    classes: int
    output: int = 0
    by_column: bool = False
    prototypes: int = -1

    def __str__(self) -> str:
        return f"{self.name}, {self.classes} classes" + (", with masks" if self.prototypes >= 0 else "")


@dataclass(frozen=True)
class Look:
    """Candidates in one tile. rectangles (N, 5) as in ``engine.rectangles``, in pixels: x to the right, y up from the upper edge
    (so negative inside the tile). score (N); kind (N): class number; coefficients (N, M) of masks."""

    rectangles: np.ndarray
    score: np.ndarray
    kind: np.ndarray
    coefficients: np.ndarray

    def select(self, which: np.ndarray) -> Look:
        """The rows of a mask or index array."""
        return Look(self.rectangles[which], self.score[which], self.kind[which], self.coefficients[which])


def recognise(shapes: Sequence[tuple[int, ...]], size: tuple[int, int], classes: int = 0, hint: str = "") -> Layout:
    """The layout of outputs with these shapes (batch first) for an input of ``size`` rows and columns.

    classes: how many names are known (0: none). hint: a layout's name that the card or the model gives. Raises Refusal, with
    the shapes found and the layouts known, where nothing fits.
    """
    flat = [i for i, shape in enumerate(shapes) if len(shape) == 3]
    maps = [i for i, shape in enumerate(shapes) if len(shape) == 4]
    if hint == "semantic" or (maps and not flat) or (len(flat) == 1 and shapes[flat[0]][1:] == size):
        return _semantic(shapes, maps, flat, classes, hint)
    if len(flat) != 1 or len(maps) > 1:
        raise _unknown(shapes, classes, hint)
    masks = shapes[maps[0]][1] if maps else 0
    _, first, last = shapes[flat[0]]
    anchors = size[0] * size[1] * 21 // 1024  # one for each cell of strides 8, 16 and 32
    fits = [
        Layout(name, count, flat[0], by_column, maps[0] if maps else -1)
        for name, fixed, extra in (("end2end", 6, masks), ("end2end-obb", 7, 0), ("v8", 4, masks), ("v5", 5, masks), ("obb", 5, 0))
        for by_column, features, candidates in ((True, first, last), (False, last, first))
        for count in [_class_count(name, features - fixed - extra, classes, hint)]
        if count and _plausible(name, by_column, features, candidates, anchors, bool(classes or hint), bool(hint))
    ]  # fmt: skip
    if not fits:
        raise _unknown(shapes, classes, hint)
    return fits[0]


def _class_count(name: str, left: int, classes: int, hint: str) -> int:
    """Number of classes if ``left`` features remain for them, 0 where the layout does not fit."""
    if hint and name != hint:
        return 0
    if name.startswith("end2end"):
        return max(classes, 1) if left == 0 else 0
    return left if left > 0 and left == (classes or left) else 0


def _plausible(name: str, by_column: bool, features: int, candidates: int, anchors: int, known: bool, hinted: bool) -> bool:
    """Whether a layout goes with this number of candidates and this order of axes. known: the number of classes is, or more."""
    if name.startswith("end2end"):
        return not by_column and (hinted or (candidates <= FEW and candidates not in (anchors, 3 * anchors)))
    if features >= candidates:
        return False
    if name == "v5":
        return not by_column and (known or candidates == 3 * anchors)
    if name == "obb":
        return by_column or hinted  # transposed it looks like v5
    return by_column or known or candidates == anchors


def _semantic(shapes: Sequence[tuple[int, ...]], maps: list[int], flat: list[int], classes: int, hint: str) -> Layout:
    if len(maps) == 1:
        return Layout("semantic", shapes[maps[0]][1], maps[0])
    if not maps and len(flat) == 1:
        return Layout("semantic", 0, flat[0])
    raise _unknown(shapes, classes, hint)


def _unknown(shapes: Sequence[tuple[int, ...]], classes: int, hint: str) -> Refusal:
    found = "; ".join(" x ".join(map(str, shape)) for shape in shapes)
    if len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][0] == 1:
        return Refusal(
            "MODEL gives one answer for a whole picture ({found}): it is a classifier, not a detector.", found=found
        )
    said = f"{classes} classes are named" if classes else "no classes are named"
    said += f", the layout is said to be {hint}" if hint else ""
    return Refusal(
        "MODEL has outputs that are not understood: {found} ({said}). Known are {known}. If it is one of "
        "these, name its classes and layout in the card.",
        found=found,
        said=said,
        known=_KNOWN,
    )


def read(layout: Layout, outputs: Sequence[np.ndarray], k: int, size: tuple[int, int], least: float) -> Look:
    """Candidates of picture k of the batch with a score of at least ``least`` (not for semantic layouts, see ``masks``)."""
    raw = outputs[layout.output][k]
    rows = raw.T if layout.by_column else raw  # N x features, a view
    boxes, score, kind, angle, rest = _SPLIT[layout.name](rows, layout.classes)
    _check_scores(score, layout)
    keep = np.flatnonzero(score >= least)
    boxes, score = boxes[keep].astype(float), score[keep].astype(float)
    kind = kind(keep) if callable(kind) else _whole(kind[keep], layout)
    angle = angle[keep].astype(float) if len(angle) else np.zeros(len(keep))
    if len(boxes) and np.abs(boxes).max() <= 2:  # shares of the picture, not pixels
        boxes *= np.array([size[1], size[0], size[1], size[0]], float)
    if layout.name == "end2end":
        boxes = np.column_stack([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]])
    good = np.isfinite(boxes).all(1) & (boxes[:, 2:] > 0).all(1) & np.isfinite(angle)
    return Look(_rectangles(boxes, angle), score, kind.astype(int), rest[keep].astype(np.float32)).select(good)


def _rectangles(boxes: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """(N, 5) from centre, width and height in pixels and the angle in radians of the width, clockwise from the right."""
    x, y, width, height = boxes.T
    azimuth = np.degrees(angle) + np.where(width >= height, 90.0, 0.0)
    return np.column_stack([x, -y, np.maximum(width, height), np.minimum(width, height), azimuth % 180])


def _v8(rows: np.ndarray, classes: int) -> tuple:
    scores = rows[:, 4 : 4 + classes]
    return rows[:, :4], scores.max(1), lambda keep: scores[keep].argmax(1), (), rows[:, 4 + classes :]


def _v5(rows: np.ndarray, classes: int) -> tuple:
    scores = rows[:, 5 : 5 + classes]
    return rows[:, :4], rows[:, 4] * scores.max(1), lambda keep: scores[keep].argmax(1), (), rows[:, 5 + classes :]


def _obb(rows: np.ndarray, classes: int) -> tuple:
    scores = rows[:, 4 : 4 + classes]
    return rows[:, :4], scores.max(1), lambda keep: scores[keep].argmax(1), rows[:, 4 + classes], rows[:, :0]


def _end2end(rows: np.ndarray, classes: int) -> tuple:
    return rows[:, :4], rows[:, 4], rows[:, 5], (), rows[:, 6:]


def _end2end_obb(rows: np.ndarray, classes: int) -> tuple:
    return rows[:, :4], rows[:, 4], rows[:, 5], rows[:, 6], rows[:, :0]


_SPLIT = {"v8": _v8, "v5": _v5, "obb": _obb, "end2end": _end2end, "end2end-obb": _end2end_obb}


def _whole(kind: np.ndarray, layout: Layout) -> np.ndarray:
    if len(kind) and (np.abs(kind - np.rint(kind)).max() > 1e-3 or kind.min() < 0):
        raise Refusal(
            "MODEL gives class numbers that are no whole numbers when read as {layout}: name the right layout in the card.",
            layout=layout,
        )
    return np.rint(kind)


def _check_scores(score: np.ndarray, layout: Layout) -> None:
    if not len(score):
        return
    low, high = float(score.min()), float(score.max())
    if not (math.isfinite(low) and math.isfinite(high)) or low < -1e-3 or high > 1 + 1e-3:
        raise Refusal(
            "MODEL gives scores from {low:.3g} to {high:.3g} when read as {layout}: scores lie between 0 and 1. "
            'Name the right layout in the card (an obb model needs "layout": "obb"), or export the model with '
            "its last step (sigmoid).",
            low=low,
            high=high,
            layout=layout,
        )
