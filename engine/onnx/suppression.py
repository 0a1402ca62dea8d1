"""One candidate an object within a tile: non-maximum suppression of rotated rectangles, class by class."""

from __future__ import annotations

import numpy as np

from ..rectangles import close_pairs, iou

MOST = 5000  # candidates of a tile that are looked at, best first
SAME = 0.8  # intersection over union from which rectangles of two classes are one object


def one_each(rectangles: np.ndarray, score: np.ndarray, kind: np.ndarray, threshold: float) -> np.ndarray:
    """Indices kept, best first: as ``suppress``, then the better one where two classes claim the same rectangle."""
    kept = suppress(rectangles, score, kind, threshold)
    return kept[suppress(rectangles[kept], score[kept], np.zeros(len(kept), int), SAME)]


def suppress(rectangles: np.ndarray, score: np.ndarray, kind: np.ndarray, threshold: float) -> np.ndarray:
    """Indices kept, best first: no two of one kind whose intersection over union is above the threshold."""
    order = np.argsort(-score, kind="stable")[:MOST]
    r, kind = rectangles[order], kind[order]
    # Equal rectangles shifted by d along a side L have IoU (L - d) / (L + d); half as much again for turned and unequal ones.
    reach = min(1.0, 1.5 * (1 - threshold) / (1 + threshold))
    i, j = close_pairs(r[:, 0], r[:, 1], reach * np.hypot(r[:, 2], r[:, 3]))
    same = kind[i] == kind[j]
    i, j = i[same], j[same]
    close = iou(r[i], r[j]) > threshold
    i, j = i[close], j[close]  # i < j: i is the better one
    by_first = np.argsort(i, kind="stable")
    i, j = i[by_first], j[by_first]
    starts = np.searchsorted(i, np.arange(len(r) + 1))
    dead = np.zeros(len(r), bool)
    for first in np.unique(i):
        if not dead[first]:
            dead[j[starts[first] : starts[first + 1]]] = True
    return order[~dead]
