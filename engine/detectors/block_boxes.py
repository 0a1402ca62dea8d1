"""The boxes of one block: rectangles of the standard sizes along one axis, at one size scale, that do not overlap.

Axis and scale are those at which the best set of boxes weighs most: edges give a first axis, but stacks lean, and the lines
of their side walls turn it by a degree or two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..patch import Patch
from .box_scores import WHOLE, Edges, Upright, edges, round_about, upright
from .boxes import Boxes
from .ground import VALID, Ground
from .packing import connected_to, overlapping, pack

# ISO 668 outside lengths in metres, and the width they share.
LENGTHS_M = {"20 ft": 6.06, "40 ft": 12.19, "45 ft": 13.72}
WIDTH_M = 2.44
PIXEL_M = 0.25  # work pixel: a tenth of a box's width
EDGE_M = 1.5  # shown round a block, for the edges of its outer boxes
SAMPLE_M = 50.0  # scale and axis of a block are sought in a part of this side
SMALLEST, LARGEST = 0.8, 1.04  # of the standard sizes: nominal pixels are wrong by some per cent, and tops lean
FIRST_SCALE, STRIDE, SCALE_STEP = 0.92, 0.08, 0.04  # the scale is sought from the middle on
COVERED = 0.7  # of a shorter box: then a longer one is its rival,
CLEARER = 0.15  # and must score so much more, for at a wrong end the weakest side is no edge
SCREEN_STEP = 3  # pixels: evidence counts one pixel aside too, which is good enough to choose scale and axis
AXIS_STEP_DEG, AXIS_MOST_DEG = 1.0, 3.0
BETTER = 1.02  # another axis must raise the weight by this much
MAX_OVERLAP = 0.15  # of the smaller box: tolerance and rounding, not a second box
NEIGHBOUR_M = 0.8  # boxes of one block stand closer than this
FACING = 0.4  # and face each other over at least this share of a box's width


@dataclass(frozen=True)
class Settings:
    """What separates a box from no box.

    strong: outline score that stands alone. weak: score that counts beside a strong box. colours: how many standard
    deviations from bare ground a pixel must lie. filled: share of a box's pixels that must. sizes: the types looked for. longer: those
    that are looked for once the scale is known, and must prove that they are no shorter ones.
    """

    strong: float = 0.5
    weak: float = 0.2
    colours: float = 2.2
    filled: float = 0.65
    sizes: tuple[str, ...] = ("20 ft", "40 ft")
    longer: tuple[str, ...] = ("45 ft",)

    def careful(self) -> Settings:
        """For ground that was not learned around the zone and so is less sure."""
        return replace(self, colours=3.0, filled=0.8)


@dataclass(frozen=True)
class Picture:
    """A block seen upright, and where sides of boxes may lie in it."""

    view: Upright
    outline: Edges

    def are(self, *kinds: int) -> np.ndarray:
        """Bool (rows, columns): pixels of any of these kinds (``ground``)."""
        return self.view.kinds & sum(kinds) > 0

    @property
    def raised(self) -> np.ndarray:
        """Bool (rows, columns): what belongs to the block and is not ground."""
        return self.outline.raised


def seen(colour: np.ndarray, patch: Patch, mine: np.ndarray, axis_deg: float, ground: Ground, settings: Settings) -> Picture:
    """The picture of a block. colour: bytes of the patch. mine: bool (rows, columns), what belongs to the block."""
    view = upright(colour, patch, mine, axis_deg, PIXEL_M, *round_about(patch, mine, axis_deg, EDGE_M))
    view = view.without_aisles(int(round(EDGE_M / PIXEL_M)))
    view = replace(view, kinds=view.kinds | ground.kinds(view.rgb, settings.colours) * view.are(VALID))
    return Picture(view, edges(view))


def boxes_of(
    colour: np.ndarray,
    patch: Patch,
    mine: np.ndarray,
    axis_deg: float,
    ground: Ground,
    settings: Settings,
    known: float | None = None,
) -> tuple[Boxes, Picture, float]:
    """The boxes of a block at its best axis and size scale, the picture they lie in, and the scale.

    In a large block both are sought in its fullest part. known: scale of other blocks of the zone, from which on it is sought.
    """
    part = _fullest(mine, int(SAMPLE_M / patch.gsd_m))
    picture = seen(colour, patch, part, axis_deg, ground, settings)
    weight, scale = _scale(picture.outline, known, settings)
    if not weight:
        return Boxes.none(), picture, scale
    view = picture.view
    off_deg = _turned(weight, lambda off: _weighed(picture.outline.turned(off, view.along_m, view.right_m), scale, settings))
    if off_deg or part is not mine:
        picture = seen(colour, patch, mine, axis_deg + off_deg, ground, settings)
    boxes = candidates(picture.outline, scale, settings)
    longer = candidates(picture.outline, scale, replace(settings, sizes=settings.longer))
    boxes = _with_longer(boxes, longer, settings)
    return _packed(boxes, settings, PIXEL_M), picture, scale


def _with_longer(boxes: Boxes, longer: Boxes, settings: Settings) -> Boxes:
    """Boxes, and those longer ones that stand on their own and are outlined more clearly than any box they cover most of."""
    both = Boxes.concatenate([boxes, longer])
    i, j = overlapping(both.low, both.high, COVERED)
    of_longer = (i < len(boxes)) & (j >= len(boxes))
    rival = np.zeros(len(both))
    np.maximum.at(rival, j[of_longer], both.score[i[of_longer]])
    clear = (longer.score > settings.strong) & (longer.score > rival[len(boxes) :] + CLEARER)
    return Boxes.concatenate([boxes, longer.select(clear)])


def _scale(outline: Edges, known: float | None, settings: Settings) -> tuple[float, float]:
    """The largest weight of boxes, and the scale at which they weigh so much: uphill in strides, then in steps."""
    weights: dict[float, float] = {}
    scale = known or FIRST_SCALE
    for step in (STRIDE, SCALE_STEP):
        while True:
            tried = [round(min(max(scale + way * step, SMALLEST), LARGEST), 3) for way in (0, -1, 1)]
            for one in tried:
                if one not in weights:
                    weights[one] = _weighed(outline, one, settings)
            best = max(tried, key=lambda one: weights[one])
            if best == scale:
                break
            scale = best
    return weights[scale], scale


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


def _weighed(outline: Edges, scale: float, settings: Settings) -> float:
    """What the boxes at a scale weigh that do not overlap, the heaviest taken first."""
    boxes = candidates(outline, scale, settings, SCREEN_STEP)
    weight = _weight(boxes, settings)
    return float(weight[pack(weight, *overlapping(boxes.low, boxes.high, MAX_OVERLAP), rounds=0)].sum())


def candidates(outline: Edges, scale: float, settings: Settings, step: int = 1) -> Boxes:
    """Local maxima of the outline score for each box type in both orientations, at every ``step``-th pixel along it.

    scale: on the nominal sizes.
    """
    parts = [Boxes.none()]
    width = int(round(WIDTH_M * scale / outline.pixel_m))
    for name in settings.sizes:
        length = int(round(LENGTHS_M[name] * scale / outline.pixel_m))
        for lying, lines in ((True, outline.lying), (False, outline.standing)):
            along, across, score = lines.places(length, width, settings.filled, int(settings.weak * WHOLE), step)
            low, side = (along, across), (length, width)
            if not lying:
                low, side = low[::-1], side[::-1]
            parts.append(Boxes.alike(np.stack(low, 1).astype(float), side, score / WHOLE, name, lying))
    return Boxes.concatenate(parts)


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
    i, j, gap_px = boxes.near(NEIGHBOUR_M / pixel_m)
    beside = gap_px.min(1) < -FACING * WIDTH_M / pixel_m
    beside &= boxes.lying[i] == boxes.lying[j]
    return boxes.select(connected_to(boxes.score > settings.strong, i[beside], j[beside]))
