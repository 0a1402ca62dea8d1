"""One detection for each object, where overlapping tiles saw some objects twice or in part.

Within one tile a detector gives every object once, so two detections of one tile are two objects, however close they lie.
Two detections of different tiles are the same object when most of the smaller lies in the larger: that holds for two looks
at the whole object and for a part cut off by a tile's edge, but not for a packed neighbour. Pairs are united best first,
and never so that a tile would have seen one object twice; this is what keeps jittered neighbours apart where plain rotated
non-maximum suppression either drops them or leaves the cut parts in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .detections import Detections
from .rectangles import area, close_pairs, intersection_area, stack

# The smaller's share inside the larger from which two tiles' detections are one object. Chosen on synthetic packed blocks
# with a pixel of jitter and lost detections (other seeds than those reported): 0.35 to 0.4 errs least. Less than a half is
# safe because pairs are united best first and a tile's own neighbours block the wrong ones.
SAME_OBJECT = 0.35
# Intersection over union from which two detections of one tile are one object.
SAME_IN_TILE = 0.8
# Members of at least this share of the largest one's area count as whole.
WHOLE = 0.8


def merge(detections: Detections, tile: Any, *, across_classes: bool = False) -> np.ndarray:
    """Indices (sorted) of the detections to keep: one for each object.

    tile: int (N), the tile that gave each detection. across_classes: unite detections of different classes too.
    Of the detections of one object the kept one is whole where one is (parts are smaller), and of the whole ones the one
    that agrees best with all looks at the object.
    An object longer than the tiles' overlap is whole in none of them; choose the overlap accordingly.
    """
    rectangles = stack(detections.x, detections.y, detections.length_m, detections.width_m, detections.azimuth_deg)
    kinds = np.zeros(len(detections), int) if across_classes else np.unique(detections.class_name, return_inverse=True)[1]
    return merge_rectangles(rectangles, detections.score, kinds, np.asarray(tile))


def merge_rectangles(rectangles: np.ndarray, score: np.ndarray, kind: np.ndarray, tile: np.ndarray) -> np.ndarray:
    """As ``merge``, for rectangles (N, 5) as in ``rectangles`` with score, kind and tile (N)."""
    if not len(rectangles):
        return np.zeros(0, int)
    i, j, share, iou = _overlaps(rectangles, kind)
    same_tile = tile[i] == tile[j]
    linked = np.flatnonzero(np.where(same_tile, iou >= SAME_IN_TILE, share >= SAME_OBJECT))
    best_first = linked[np.lexsort((-iou[linked], -share[linked], ~same_tile[linked]))]
    group = _unite(i[best_first], j[best_first], tile)
    # A good look agrees with the other looks at its object, cut ones included, and keeps clear of other objects.
    credit = np.where(group[i] == group[j], share, -share)
    credit = np.bincount(np.concatenate([i, j]), np.tile(credit, 2), len(group)).round(6)
    return _representatives(group, area(rectangles), credit, score)


def _overlaps(rectangles: np.ndarray, kind: np.ndarray) -> tuple[np.ndarray, ...]:
    """Pairs i, j of one kind that overlap, the smaller's share in common and the intersection over union."""
    # Two rectangles can only meet where their centres are within the longer one's diagonal.
    i, j = close_pairs(rectangles[:, 0], rectangles[:, 1], np.hypot(rectangles[:, 2], rectangles[:, 3]))
    same = kind[i] == kind[j]
    i, j = i[same], j[same]
    common = intersection_area(rectangles[i], rectangles[j])
    met = common > 0
    i, j, common = i[met], j[met], common[met]
    size = area(rectangles)
    return i, j, common / np.minimum(size[i], size[j]), common / (size[i] + size[j] - common)


def _unite(i: np.ndarray, j: np.ndarray, tile: np.ndarray) -> np.ndarray:
    """Group number (N) after uniting the pairs in their order, unless both groups hold a detection of one tile."""
    parent = list(range(len(tile)))
    tiles = [{t} for t in tile.tolist()]

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = k = parent[parent[k]]
        return k

    for a, b in zip(i.tolist(), j.tolist()):
        ra, rb = root(a), root(b)
        # Pairs of one tile come first and say themselves that the tile saw one object twice.
        if ra != rb and (tile[a] == tile[b] or tiles[ra].isdisjoint(tiles[rb])):
            parent[rb] = ra
            tiles[ra] |= tiles[rb]
    return np.array([root(k) for k in range(len(tile))])


def _representatives(group: np.ndarray, size: np.ndarray, credit: np.ndarray, score: np.ndarray) -> np.ndarray:
    """The index to keep of each group: whole before cut, then the most credit, then the best score."""
    largest = np.zeros(len(group))
    np.maximum.at(largest, group, size)
    cut = size < WHOLE * largest[group]
    order = np.lexsort((-score, -credit, cut, group))
    first = np.r_[True, np.diff(group[order]) > 0]
    return np.sort(order[first])
