"""The boxes of one block: rectangles of the standard sizes along one axis, at one size scale, that do not overlap.

Axis and scale are those at which the best set of boxes weighs most: edges give a first axis, but stacks lean, and the lines
of their side walls turn it by a degree or two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..patch import Patch
from .box_scores import WHOLE, Edges, Upright, edges, rectangle_scores, round_about, upright
from .boxes import Boxes
from .ground import Ground, lab
from .packing import connected_to, overlapping, pack

# ISO 668 outside lengths in metres, and the width they share.
LENGTHS_M = {"20 ft": 6.06, "40 ft": 12.19, "45 ft": 13.72}
WIDTH_M = 2.44
PIXEL_M = 0.25  # work pixel: a tenth of a box's width
EDGE_M = 1.5  # shown round a block, for the edges of its outer boxes
SAMPLE_M = 50.0  # scale and axis of a block are sought in a part of this side
BARE = 2.0  # standard deviations from the ground's colours within which a pixel is ground
COARSE_SCALES, FINER = (0.84, 0.92, 1.0), 0.04  # nominal pixels are wrong by some per cent, and tops lean
SMALLEST, LARGEST = COARSE_SCALES[0] - FINER, COARSE_SCALES[-1] + FINER
AXIS_STEP_DEG, AXIS_MOST_DEG = 1.0, 3.0
BETTER = 1.02  # another axis must raise the weight by this much
MAX_OVERLAP = 0.15  # of the smaller box: tolerance and rounding, not a second box
NEIGHBOUR_M = 0.8  # boxes of one block stand closer than this
FACING = 0.4  # and face each other over at least this share of a box's width


@dataclass(frozen=True)
class Settings:
    """What separates a box from no box.

    strong: outline score that stands alone. weak: score that counts beside a strong box. colours: how many standard
    deviations from bare ground a pixel must lie. filled: share of a box's pixels that must. sizes: the types looked for.
    """

    strong: float = 0.5
    weak: float = 0.2
    colours: float = 3.0
    filled: float = 0.8
    sizes: tuple[str, ...] = ("20 ft", "40 ft")


@dataclass(frozen=True)
class Picture:
    """A block seen upright, and what its pixels are: bool (rows, columns), not ground; shadow; dark, whatever it is.

    rows, columns: places in ``view`` of what is left of it when aisles are taken out.
    """

    view: Upright
    outline: Edges
    raised: np.ndarray
    shadow: np.ndarray
    dark: np.ndarray


def seen(colour: np.ndarray, patch: Patch, mine: np.ndarray, axis_deg: float, ground: Ground, settings: Settings) -> Picture:
    """The picture of a block. colour: bytes of the patch. mine: bool (rows, columns), what belongs to the block."""
    view = upright(colour, patch, mine, axis_deg, PIXEL_M, *round_about(patch, mine, axis_deg, EDGE_M))
    view = view.without_aisles(int(round(EDGE_M / PIXEL_M)))
    colours = lab(view.rgb)
    away = ground.distance(colours)
    outline = edges(view, view.mine, (away < BARE) & view.valid)
    shadow = ground.shadow(colours)
    return Picture(view, outline, (away > settings.colours) & view.mine, shadow, shadow | ground.deep(colours))


def boxes_of(
    colour: np.ndarray, patch: Patch, mine: np.ndarray, axis_deg: float, ground: Ground, settings: Settings
) -> tuple[Boxes, Picture, float]:
    """The boxes of a block at its best axis and size scale, the picture they lie in, and the scale.

    In a large block both are sought in its fullest part.
    """
    part = _fullest(mine, int(SAMPLE_M / patch.gsd_m))
    picture = seen(colour, patch, part, axis_deg, ground, settings)
    tried = {scale: _set(picture, scale, settings) for scale in COARSE_SCALES}
    first = max(tried, key=lambda scale: tried[scale][0])
    tried |= {scale: _set(picture, scale, settings) for scale in (first - FINER, first + FINER)}
    scale = max(tried, key=lambda scale: tried[scale][0])
    weight, boxes = tried[scale]
    if not weight:
        return boxes, picture, scale
    turned = _turned(
        weight, lambda off: _set(seen(colour, patch, part, axis_deg + off, ground, settings), scale, settings)[0]
    )
    if turned or part is not mine:
        picture = seen(colour, patch, mine, axis_deg + turned, ground, settings)
        boxes = _set(picture, scale, settings)[1]
    return boxes, picture, scale


def _turned(weight: float, weight_at: Any) -> float:
    """By how many degrees from the first axis the weight of the best set is largest: uphill, step by step."""
    best = 0.0
    for way in (AXIS_STEP_DEG, -AXIS_STEP_DEG):
        if best:
            break
        off = way
        while abs(off) <= AXIS_MOST_DEG:
            there = weight_at(off)
            if there < BETTER * weight:
                break
            weight, best, off = there, off, off + way
    return best


def _set(picture: Picture, scale: float, settings: Settings) -> tuple[float, Boxes]:
    """The best set of boxes at a scale, and what it weighs."""
    boxes = _packed(candidates(picture.outline, picture.raised, scale, settings), settings, picture.view.pixel_m)
    return float(_weight(boxes, settings).sum()), boxes


def candidates(outline: Edges, raised: np.ndarray, scale: float, settings: Settings) -> Boxes:
    """Local maxima of the outline score for each box type in both orientations.

    raised: bool picture, where the colour is not the ground's. scale: on the nominal sizes.
    """
    total = np.pad(raised, ((1, 0), (1, 0))).cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
    parts = [Boxes.none()]
    for name in settings.sizes:
        for lying in (True, False):
            long_px, short_px = (int(round(side * scale / outline.pixel_m)) for side in (LENGTHS_M[name], WIDTH_M))
            rows, columns = (short_px, long_px) if lying else (long_px, short_px)
            score = rectangle_scores(outline, rows, columns)
            if score.size:
                covered = total[rows:, columns:] - total[:-rows, columns:]
                covered -= total[rows:, :-columns] - total[:-rows, :-columns]
                score[covered < settings.filled * rows * columns] = 0
                row, column = np.nonzero(_peaks(score, int(settings.weak * WHOLE)))
                low = np.stack([column, row], 1).astype(float)
                parts.append(Boxes.alike(low, (columns, rows), score[row, column] / WHOLE, name, lying))
    return Boxes.concatenate(parts)


def _peaks(score: np.ndarray, above: int) -> np.ndarray:
    """Bool: values that no neighbour of the eight exceeds."""
    padded = np.pad(score, 1)
    highest = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    highest = np.maximum(np.maximum(highest[:, :-2], highest[:, 1:-1]), highest[:, 2:])
    return (score > above) & (score >= highest)


def _fullest(mine: np.ndarray, side: int) -> np.ndarray:
    """What lies in the window of side x side pixels that holds most of a bool picture, to an eighth of a side; all where it is small."""
    at = np.flatnonzero(mine.any(1)), np.flatnonzero(mine.any(0))
    if max(np.ptp(v) for v in at) <= 1.4 * side:
        return mine
    total = np.pad(mine, ((1, 0), (1, 0))).cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
    top, left = (np.arange(v[0], max(v[-1] - side, v[0]) + 1, side // 8) for v in at)
    bottom, right = (np.minimum(v + side, length) for v, length in zip((top, left), mine.shape))
    held = total[np.ix_(bottom, right)] - total[np.ix_(top, right)] - total[np.ix_(bottom, left)] + total[np.ix_(top, left)]
    i, j = np.unravel_index(int(held.argmax()), held.shape)
    part = np.zeros_like(mine)
    window = np.s_[top[i] : bottom[i], left[j] : right[j]]
    part[window] = mine[window]
    return part


def _weight(boxes: Boxes, settings: Settings) -> np.ndarray:
    """What a box adds to a set: by area, so that one 40 ft box and two 20 ft boxes compete on equal terms."""
    return (boxes.score - settings.weak + 0.05) * boxes.area_px


def _packed(boxes: Boxes, settings: Settings, pixel_m: float) -> Boxes:
    """The best set without overlaps, less the weak boxes that stand in no block with a strong one."""
    boxes = boxes.select(pack(_weight(boxes, settings), *overlapping(boxes.low, boxes.high, MAX_OVERLAP)))
    i, j = boxes.close_pairs(NEIGHBOUR_M / pixel_m)
    gap_px = np.maximum(boxes.low[i], boxes.low[j]) - np.minimum(boxes.high[i], boxes.high[j])
    beside = (gap_px.max(1) < NEIGHBOUR_M / pixel_m) & (gap_px.min(1) < -FACING * WIDTH_M / pixel_m)
    beside &= boxes.lying[i] == boxes.lying[j]
    return boxes.select(connected_to(boxes.score > settings.strong, i[beside], j[beside]))
