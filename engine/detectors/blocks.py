"""Where in a patch boxes may stand: things that are not ground, gathered into blocks that share a direction.

Blocks of one yard are skewed against each other by a degree or two, and piers meet at any angle; boxes of one block are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CELL_M = 1.2  # half a box's width: things are gathered on cells of this side
CELL_FILLED = 0.5  # of a cell that must not be ground; single pixels of another colour are noise
LEAST_M2 = 8.0  # half a 20 ft box: less is none
AXIS_CLEAR = 2.0  # peak over mean of edge directions; water and cloud stay below 1.5, blocks of boxes above 4
AXIS_TEXTURE_TIMES = 2.0  # gradients below twice the bare ground's say nothing about direction
AXIS_PERCENTILE = 97.0  # and a few glaring ones must not decide alone
OWN_CLEAR = 3.0  # a thing whose own edges are this clear
OWN_M2 = 60.0  # and that is as large as four 20 ft boxes may have a direction of its own,
OWN_DEG = 1.0  # if it differs by this much: over a 40 ft box that is 0.2 m, the tolerance of a side
MOST = 4  # directions in one square; more are a town
BINS = 180  # half degrees of a right angle


@dataclass(frozen=True)
class Block:
    """Things that share a direction. axis_deg: clockwise from north, 0..90. clear: peak over mean of their edge directions.

    mine: bool (rows, columns), pixels of these things and a cell round them.
    """

    axis_deg: float
    clear: float
    mine: np.ndarray


def blocks_of(colour: np.ndarray, raised: np.ndarray, bare: np.ndarray, gsd_m: float) -> tuple[list[Block], float]:
    """Blocks among what is raised, the largest direction first, and how clear the first direction is (0: nothing stands there).

    colour: bytes (3, rows, columns). raised, bare: bool (rows, columns), pixels of objects and of ground.
    """
    from scipy import ndimage

    k = max(1, int(round(CELL_M / gsd_m)))
    cells = _share(raised, k) >= CELL_FILLED
    thing, count = ndimage.label(spread(cells, 1), np.ones((3, 3), bool))
    m2 = np.bincount(thing[cells], minlength=count + 1) * (k * gsd_m) ** 2
    known = m2 >= LEAST_M2
    known[0] = False
    if not known.any():
        return [], 0.0
    of_pixel = np.repeat(np.repeat(np.where(known[thing], thing, 0), k, 0), k, 1)[: raised.shape[0], : raised.shape[1]]
    histogram = _directions(colour, of_pixel, raised, bare, count + 1)
    found, first = [], 0.0
    for axis_deg, clear, members in _axes(histogram, np.where(known, m2, 0.0)):
        first = first or clear
        if clear >= AXIS_CLEAR:
            found.append(Block(axis_deg, clear, members[of_pixel]))
    return found, first


def spread(mask: np.ndarray, by: int) -> np.ndarray:
    """A bool picture grown by so many pixels in eight directions."""
    for axis in (0, 1):
        grown = mask.copy()
        for step in range(1, by + 1):
            ahead, behind = (np.s_[step:], np.s_[:-step]) if axis == 0 else (np.s_[:, step:], np.s_[:, :-step])
            grown[ahead] |= mask[behind]
            grown[behind] |= mask[ahead]
        mask = grown
    return mask


def _share(mask: np.ndarray, k: int) -> np.ndarray:
    """Share of each k x k cell that is set; cells at the border count what lies outside as not set."""
    rows, columns = (-(-side // k) for side in mask.shape)
    whole = np.zeros((rows * k, columns * k), np.uint8)
    whole[: mask.shape[0], : mask.shape[1]] = mask
    down = whole.reshape(rows, k, columns * k).sum(1, dtype=np.uint16)
    return down.reshape(rows, columns, k).sum(2, dtype=np.uint16) / k**2


def _directions(colour: np.ndarray, of_pixel: np.ndarray, raised: np.ndarray, bare: np.ndarray, count: int) -> np.ndarray:
    """Histogram (count, BINS) of the directions of each thing's edges, right angles as one, weighted by their strength."""
    strength, down, across = _gradient(colour)
    # An object's edge lies on its rim, half of it on the ground.
    use, free = np.flatnonzero(spread(raised, 2) & (of_pixel > 0)), np.flatnonzero(bare)[::5]
    if not len(use):
        return np.zeros((count, BINS))
    texture = np.median(strength.take(free)) if len(free) else 0.0
    weight = np.maximum(strength.take(use) - AXIS_TEXTURE_TIMES * texture, 0.0)
    weight = np.minimum(weight, np.percentile(weight, AXIS_PERCENTILE))
    angle = np.degrees(np.arctan2(across.take(use), -down.take(use))) % 90.0
    where = of_pixel.take(use) * BINS + np.minimum((angle * (BINS / 90)).astype(int), BINS - 1)
    return np.bincount(where, weight, count * BINS).reshape(count, BINS)


def _gradient(colour: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Strength and components (rows, columns) of the band with the strongest gradient, after a blur of 0.7 pixels.

    Scharr's weights (3, 10, 3): Sobel's turn slanted edges by up to a degree.
    """
    best = np.full(colour.shape[1:], -1.0, np.float32)
    down, across = np.zeros_like(best), np.zeros_like(best)
    for band in colour:
        smooth = _weighted(_weighted(np.pad(band.astype(np.int16), 2, "edge"), 0, 1, 2), 1, 1, 2) >> 2
        rows, columns = _weighted(smooth, 1, 3, 10), _weighted(smooth, 0, 3, 10)
        dy, dx = (v.astype(np.float32) for v in (rows[2:] - rows[:-2], columns[:, 2:] - columns[:, :-2]))
        squared = dx * dx + dy * dy
        more = squared > best
        for kept, new in ((best, squared), (down, dy), (across, dx)):
            np.copyto(kept, new, where=more)
    return np.sqrt(best), down, across


def _weighted(a: np.ndarray, axis: int, outer: int, middle: int) -> np.ndarray:
    """A kernel of three along an axis, which shortens it by two."""
    before, centre, after = (a[:-2], a[1:-1], a[2:]) if axis == 0 else (a[:, :-2], a[:, 1:-1], a[:, 2:])
    return (before + after) * np.int16(outer) + centre * np.int16(middle)


def _axes(histogram: np.ndarray, m2: np.ndarray) -> Iterator[tuple[float, float, np.ndarray]]:
    """Directions of things (rows of the histogram) with their clearness and members (bool), the strongest first."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter1d(histogram, 2.0, axis=1, mode="wrap")
    left = m2 > 0
    own_deg, own_clear = (np.array(v) for v in zip(*(_peak(row) for row in smooth)))
    for _ in range(MOST):
        if not left.any():
            return
        axis_deg, clear = _peak(smooth[left].sum(0))
        off_deg = np.abs((own_deg - axis_deg + 45.0) % 90.0 - 45.0)
        members = left & ~((own_clear >= OWN_CLEAR) & (m2 >= OWN_M2) & (off_deg > OWN_DEG))
        if members.any():
            yield axis_deg, clear, members
        else:  # every thing has a direction of its own: the largest first
            members = np.arange(len(m2)) == int(np.argmax(np.where(left, m2, 0.0)))
            yield float(own_deg[members][0]), float(own_clear[members][0]), members
        left &= ~members


def _peak(histogram: np.ndarray) -> tuple[float, float]:
    """Degrees of the highest point of a smooth circular histogram, by a parabola, and its height over the mean."""
    k = int(histogram.argmax())
    before, top, after = histogram[k - 1], histogram[k], histogram[(k + 1) % BINS]
    bend = before - 2 * top + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return (k + 0.5 + shift) * 90.0 / BINS % 90.0, float(top / max(histogram.mean(), 1e-12))
