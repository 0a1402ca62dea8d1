"""What is outlined like a container and is none: a shadow between two of them, a piece of a roof, parked buses and trucks."""

from __future__ import annotations

import numpy as np

from .box_scores import running_sum
from .boxes import Boxes
from .packing import connected_to, groups

SHADOW_SHARE = 0.7  # a box that is shadow nearly all over is none,
DIM_SHARE = 0.5  # nor is one half of which is darker still: side walls and their shadow are outlined like a box
DARK_SHARE = 0.5  # a box this dark may be the shadow between two others
ROOF_SHARE = 0.2  # boxes that fill less than this of the thing they lie on are pieces of it
ROOF_GAP_M = 0.6  # things that hang together by less than this are two
BESIDE_M = (0.5, 1.25)  # where the neighbour of a box in a block stands: boxes are set down a hand's breadth apart
FREE = 0.65  # of that strip, where ground or shadow lies on less the box has a neighbour
PARKED_REACH_M = 6.0  # vehicles side by side, or at a slant, stand no further apart (centre lines)
PARKED_FACING = 0.4  # and face each other over this share of their length
PARKED_MIN = 3  # fewer side by side say nothing
TOUCHING_M = 0.8  # boxes of one block stand closer than this
FACING_M = 1.0  # and face each other over this length
HARDLY_STRONG = 0.15  # a block of which fewer boxes are outlined strongly is foliage or rubble,
MANY = 4  # if it has so many


def shadows(boxes: Boxes, shadow: np.ndarray, dim: np.ndarray) -> np.ndarray:
    """Bool (n,): boxes that are shadow nearly all over, or half of which is dim (bool pictures)."""
    return (_sums(boxes, shadow) > SHADOW_SHARE * boxes.area_px) | (_sums(boxes, dim) > DIM_SHARE * boxes.area_px)


def roof_pieces(boxes: Boxes, raised: np.ndarray, pixel_m: float) -> np.ndarray:
    """Bool (n,): boxes on a connected thing (bool picture of what is not ground) that the boxes on it hardly fill."""
    from scipy import ndimage

    if not len(boxes):
        return np.zeros(0, bool)
    thing, count = ndimage.label(_opened(raised, max(1, int(round(ROOF_GAP_M / pixel_m / 2)))))
    at = np.round(boxes.centre).astype(int)
    column, row = np.clip(at, 0, np.array(raised.shape)[::-1] - 1).T
    of_box = thing[row, column]
    size = np.bincount(thing.ravel(), minlength=count + 1)
    filled = np.bincount(of_box, boxes.area_px, count + 1)
    return (of_box > 0) & (filled[of_box] < ROOF_SHARE * size[of_box])


def free_standing(boxes: Boxes, solid: np.ndarray, pixel_m: float) -> np.ndarray:
    """Bool (n,): boxes with ground or shadow along both long sides, where a block has its next box.

    solid: bool picture of what stands there and is lit. Vehicles stand free, for their doors; so does a box set down alone.
    """
    near, far = (int(round(side / pixel_m)) for side in BESIDE_M)
    sides, total = [], _totals(solid)
    for way in (-1, 1):
        lying = boxes.lying[:, None]
        edge = boxes.high if way > 0 else boxes.low
        inner, outer = edge + way * near, edge + way * far
        strip_low, strip_high = (inner, outer) if way > 0 else (outer, inner)
        across = np.where(lying, (False, True), (True, False))  # the axis in which the strip lies beside the box
        low, high = np.where(across, strip_low, boxes.low), np.where(across, strip_high, boxes.high)
        strip = Boxes(low, high, boxes.score, boxes.size, boxes.lying)
        sides.append(_within(strip, total) / np.maximum(strip.area_px, 1))
    return np.maximum(*sides) < FREE


def parked(boxes: Boxes, free: np.ndarray, dark: np.ndarray, pixel_m: float) -> np.ndarray:
    """Bool (n,): vehicles, that is rows of lit boxes that all stand free, and the shadows among them.

    free: bool (n,). dark: bool picture; a dark box says nothing itself, for shadow looks like that.
    """
    i, j, gap_m, apart_m = _parallel_pairs(boxes, PARKED_REACH_M, pixel_m)
    half_m = (boxes.high - boxes.low).max(1, initial=0) * pixel_m * PARKED_FACING
    lit = _sums(boxes, dark) <= DARK_SHARE * boxes.area_px
    row = (free & lit)[i] & (free & lit)[j] & (gap_m[:, 0] < -np.minimum(half_m[i], half_m[j])) & (apart_m < PARKED_REACH_M)
    group = groups(len(boxes), i[row], j[row])
    vehicle = free & lit & (np.bincount(group, minlength=1)[group] >= PARKED_MIN) if len(boxes) else free
    touching = (gap_m.max(1) < TOUCHING_M) & (vehicle[i] | ~lit[i]) & (vehicle[j] | ~lit[j])
    return connected_to(vehicle, i[touching], j[touching])


def rubble(strong: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Bool (n,): boxes of large blocks (numbers, n) of which hardly any is strongly outlined (bool, n)."""
    size, count = np.bincount(block, minlength=1), np.bincount(block, strong, 1)
    return ((size >= MANY) & (count < HARDLY_STRONG * size))[block]


def touching(boxes: Boxes, pixel_m: float) -> np.ndarray:
    """Number (n,) of the block each box belongs to: parallel boxes that stand close and face each other."""
    i, j, gap_m, _ = _parallel_pairs(boxes, TOUCHING_M, pixel_m)
    close = (gap_m.max(1) < TOUCHING_M) & (gap_m.min(1) < -FACING_M)
    return groups(len(boxes), i[close], j[close])


def _parallel_pairs(boxes: Boxes, reach_m: float, pixel_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs i < j of parallel boxes, their gaps along and across (pairs, 2; negative where they face), and the distance of their
    middle lines, in metres."""
    i, j, gap = boxes.near(reach_m / pixel_m)
    same = boxes.lying[i] == boxes.lying[j]
    i, j, gap = i[same], j[same], gap[same] * pixel_m
    apart = np.abs(boxes.centre[i] - boxes.centre[j]) * pixel_m
    lying = boxes.lying[i]
    gap = np.where(lying[:, None], gap, gap[:, ::-1])
    return i, j, gap, np.where(lying, apart[:, 1], apart[:, 0])


def _sums(boxes: Boxes, picture: np.ndarray) -> np.ndarray:
    """Sum (n,) of a bool picture over each box."""
    return _within(boxes, _totals(picture))


def _totals(picture: np.ndarray) -> np.ndarray:
    """The summed-area table of a bool picture, modulo 65,536: boxes are smaller."""
    return running_sum(running_sum(picture.view(np.uint8), 0), 1)


def _within(boxes: Boxes, total: np.ndarray) -> np.ndarray:
    """Sum (n,) over each box by a summed-area table."""
    ends = np.array(total.shape)[::-1] - 1
    (c0, r0), (c1, r1) = (np.clip(corner.astype(int), 0, ends).T for corner in (boxes.low, boxes.high))
    return total[r1, c1] - total[r0, c1] - total[r1, c0] + total[r0, c0]


def _opened(mask: np.ndarray, steps: int) -> np.ndarray:
    """A bool picture shrunk by so many pixels in four directions and grown again; outside it nothing is set."""
    for _ in range(steps):
        padded = np.pad(mask, 1)
        mask = mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    for _ in range(steps):
        padded = np.pad(mask, 1)
        mask = mask | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return mask
