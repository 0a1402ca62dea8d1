"""What is outlined like a container and is none: a shadow between two of them, a piece of a roof, parked buses and trucks."""

from __future__ import annotations

import numpy as np

from .boxes import Boxes

SHADOW_SHARE = 0.7  # a box that is shadow nearly all over is none
HALF_SHADOW = 0.25  # and one this dark may be the gap between two others with a little of their sides
ROOF_SHARE = 0.2  # boxes that fill less than this of the thing they lie on are pieces of it
ROOF_GAP_M = 0.6  # things that hang together by less than this are two
PARKED_PITCH_M = (
    3.3  # vehicles need door room: 2.5 m and 0.8 m; boxes are set down a hand's breadth apart, at most 3 m in all
)
PARKED_MIN = 3  # fewer side by side say nothing
SIDE_GAP_M = 2.5  # boxes further apart than this do not form a row
END_GAP_M = 1.0  # nor do ends further apart,
END_FACING_M = 1.0  # or that face each other over less than this


def shadows(boxes: Boxes, shadow: np.ndarray) -> np.ndarray:
    """Bool (n,): boxes that are shadow nearly all over (bool picture)."""
    return _sums(boxes, shadow) > SHADOW_SHARE * boxes.area_px


def roof_pieces(boxes: Boxes, raised: np.ndarray, pixel_m: float) -> np.ndarray:
    """Bool (n,): boxes on a connected thing (bool picture of what is not ground) that the boxes on it hardly fill."""
    from scipy import ndimage

    if not len(boxes):
        return np.zeros(0, bool)
    steps = max(1, int(round(ROOF_GAP_M / pixel_m / 2)))
    thing, count = ndimage.label(ndimage.binary_opening(raised, iterations=steps))
    at = np.round(boxes.centre).astype(int)
    column, row = np.clip(at, 0, np.array(raised.shape)[::-1] - 1).T
    of_box = thing[row, column]
    size = np.bincount(thing.ravel(), minlength=count + 1)
    filled = np.bincount(of_box, boxes.area_px, count + 1)
    return (of_box > 0) & (filled[of_box] < ROOF_SHARE * size[of_box])


def parked(boxes: Boxes, dark: np.ndarray, pixel_m: float) -> np.ndarray:
    """Bool (n,): boxes of groups that stand side by side with the room between them that doors need.

    dark: bool picture; what may be the shadow between two of them does not count as a neighbour.
    """
    from scipy.sparse.csgraph import connected_components

    if len(boxes) < PARKED_MIN:
        return np.zeros(len(boxes), bool)
    beside, behind, pitch_m = _neighbours(boxes, pixel_m)
    _, group = connected_components(beside | behind, directed=False)
    lit = _sums(boxes, dark) <= HALF_SHADOW * boxes.area_px
    nearest_m = np.where(beside & lit[:, None] & lit[None], pitch_m, np.inf).min(1)
    out = np.zeros(len(boxes), bool)
    for number in range(group.max() + 1):
        in_row = nearest_m[(group == number) & np.isfinite(nearest_m)]
        if len(in_row) >= PARKED_MIN and np.median(in_row) > PARKED_PITCH_M:
            out |= group == number
    return out


def _neighbours(boxes: Boxes, pixel_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which parallel boxes stand side by side and which end to end (n, n), and how far apart the middle lines lie (metres)."""
    gap_m = (np.maximum(boxes.low[:, None], boxes.low[None]) - np.minimum(boxes.high[:, None], boxes.high[None])) * pixel_m
    apart_m = np.abs(boxes.centre[:, None] - boxes.centre[None]) * pixel_m
    lying = boxes.lying[:, None]
    along, across = np.where(lying, gap_m[..., 0], gap_m[..., 1]), np.where(lying, gap_m[..., 1], gap_m[..., 0])
    parallel = (lying == boxes.lying[None]) & ~np.eye(len(boxes), dtype=bool)
    half_m = (boxes.high - boxes.low).max(1) * pixel_m / 2
    beside = parallel & (along < -np.minimum.outer(half_m, half_m)) & (across < SIDE_GAP_M)
    behind = parallel & (across < -END_FACING_M) & (along < END_GAP_M)
    return beside, behind, np.where(lying, apart_m[..., 1], apart_m[..., 0])


def _sums(boxes: Boxes, picture: np.ndarray) -> np.ndarray:
    """Sum (n,) of a bool picture over each box, by a summed-area table."""
    total = np.pad(picture.cumsum(0, dtype=np.int32).cumsum(1), ((1, 0), (1, 0)))
    ends = np.array(picture.shape)[::-1]
    (c0, r0), (c1, r1) = (np.clip(corner.astype(int), 0, ends).T for corner in (boxes.low, boxes.high))
    return total[r1, c1] - total[r0, c1] - total[r1, c0] + total[r0, c0]
