"""A second look at each piece that may be a hull: what the pixels along it, beside it and beyond its ends say.

A wake goes on beyond the stern, white and fading; a shadow has nothing in it that is brighter than the water; a crane's jib
or a jetty reaches over from the land and looks there as it does over the water.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..patch import Patch
from .component_tree import Pieces
from .water import FINE_GSD_M, visible

_BEYOND_PX, _BESIDE_PX = 6, 6  # looked at past the ends and the sides
_MOST_STEPS = 200  # along a piece
_LEAST_WATER = 24  # pixels of water beside a piece from which its level is known
_FLOOR = 0.012  # of the stretched range: least spread of the water
# Foam: how much its bands may differ (share of its excess over the water), how fast it may grow from step to step of its tail.
_GREY, _GROWS, _FADES = 0.45, 1.5, 0.7
_LIT = 0.15  # share of a hull that shows something brighter than the water, or of another hue
# What is left of a piece's colour without that of what lies beyond its end, as a share, from which they differ; spreads of land.
_ALIKE, _OTHER, _LAND = 0.4, 0.25, 5.0
_THROUGH = 0.85  # share of a crane's colour that its jib shows at most
_SEAM = 0.4  # share of a lane that is lit, against the brightest, below which it parts two hulls
_HULL_RATIO = (3.0, 10.0)
# The bow is told of hulls from this length on, and by a house so much whiter, against the whiter end, than what the other end bears.
_BOW_FROM_PX, _BOW_FROM_M, _HOUSE = 12.0, 30.0, 0.4


@dataclass(frozen=True)
class _Strip:
    """What lies along a piece: excess over the water beside it (bands, along, across), known and in the zone (along, across).

    along, across: pixels from the centre. spread: the water's own (bands).
    """

    excess: np.ndarray
    known: np.ndarray
    inside: np.ndarray
    along: np.ndarray
    across: np.ndarray
    spread: np.ndarray


def looked_at_again(
    patch: Patch, inside: np.ndarray, pieces: Pieces, score: np.ndarray, least_px: float
) -> tuple[Pieces, np.ndarray]:
    """The pieces (in pixels of the patch) without their wakes, and their scores: 0 for wakes, shadows and what reaches over from land.

    inside: bool (rows, columns), the water looked at. least_px: length of the shortest hull.
    """
    bands = patch.data[visible(patch)]
    fine = patch.gsd_m < FINE_GSD_M
    parts, scores = [Pieces.empty()], [np.zeros(0)]
    for k in range(len(pieces)):
        one, own = pieces.select(np.array([k])), score[k : k + 1]
        strip = _strip(bands, patch.valid, inside, one)
        if strip is not None:
            if fine and (_unlit(strip, one) or _from_land(strip, one)):
                continue
            if fine:
                one = _hulls_abreast(strip, one, least_px)
            if len(one) == 1 and len(bands) > 2:
                wake, rest = _without_wake(strip, one, least_px)
                if wake:
                    continue
                one = rest
            if fine and len(bands) > 2:
                one = _with_bow(bands, patch, inside, one)
        parts.append(one)
        scores.append(np.repeat(own, len(one)))
    return Pieces.concatenate(parts), np.concatenate(scores)


def _with_bow(bands: np.ndarray, patch: Patch, inside: np.ndarray, pieces: Pieces) -> Pieces:
    """The pieces with their bows, as far as a deck house tells them."""
    bow = pieces.bow.copy()
    for k in np.flatnonzero((bow == 0) & (pieces.length >= max(_BOW_FROM_PX, _BOW_FROM_M / patch.gsd_m))):
        one = pieces.select(np.array([k]))
        strip = _strip(bands, patch.valid, inside, one)
        bow[k] = _bow(strip, one) if strip is not None else 0
    return replace(pieces, bow=bow)


def _bow(s: _Strip, p: Pieces) -> int:
    """On which end the bow is (1: where the angle points, -1), 0 where that is not plain.

    Merchant ships bear a white house aft and taper towards the bow; both must say the same. A boat and its wake look alike
    the other way round, but the wake goes on.
    """
    along = s.along / (p.length[0] / 2)
    lane, beam = np.abs(s.across) <= max(0.3 * p.width[0], 0.5), np.abs(s.across) <= 0.575 * p.width[0]
    white = np.convolve(s.excess.min(0)[:, lane].mean(1), np.ones(3) / 3, "same")
    covered = (_lit(s) & s.inside)[:, beam].mean(1)
    ahead, astern = (
        (
            white[(end * along > 0.45) & (end * along < 0.97)].max(),
            covered[(end * along > 0.78) & (end * along < 1.03)].mean(),
        )
        for end in (1, -1)
    )
    usual = np.median(white[np.abs(along) < 0.4])
    whiter = (astern[0] - ahead[0]) / max(max(ahead[0], astern[0]) - min(usual, 0.0), 4 * s.spread.mean())
    if abs(whiter) < _HOUSE or whiter * (astern[1] - ahead[1]) <= 0:
        return 0
    bow = int(np.sign(whiter))
    beyond = white[bow * along > 1.0 + 2.0 / p.length[0]]
    return bow if beyond.mean() < 3 * s.spread.mean() else 0


def _strip(bands: np.ndarray, valid: np.ndarray, inside: np.ndarray, p: Pieces) -> _Strip | None:
    """The pixels round a piece in its own directions; None where too little water lies beside it."""
    half, wide = p.length[0] / 2 + _BEYOND_PX, p.width[0] / 2 + _BESIDE_PX
    step = max(1.0, 2 * half / _MOST_STEPS)
    along, across = np.arange(-half, half + step / 2, step), np.arange(-wide, wide + 0.5)
    cos, sin = np.cos(p.angle[0]), np.sin(p.angle[0])
    column = np.rint(p.column[0] + along[:, None] * cos - across * sin).astype(int)
    row = np.rint(p.row[0] + along[:, None] * sin + across * cos).astype(int)
    rows, columns = valid.shape
    within = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    row, column = np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)
    known = within & valid[row, column]
    here = known & inside[row, column]
    pixels = bands[:, row, column]
    beside = here & (np.abs(across) > p.width[0] / 2 + 2) & (np.abs(along[:, None]) < p.length[0] / 2)
    if beside.sum() < _LEAST_WATER:
        return None
    level = np.median(pixels[:, beside], axis=1)
    excess = pixels - level[:, None, None]
    spread = 1.4826 * np.median(np.abs(excess[:, beside]), axis=1)
    return _Strip(excess, known, here, along, across, np.maximum(spread, _FLOOR))


def _without_wake(s: _Strip, p: Pieces, least_px: float) -> tuple[bool, Pieces]:
    """Whether all of it is wake; else the piece without the wake at one of its ends, the bow at the other.

    A white hull too short to be told from foam stays as it is: a wake goes on at both ends, a bow does not.
    """
    for end in (1, -1):
        wake = _wake_px(s, p.length[0], end)
        if 0 < wake <= p.length[0] - least_px:
            length = p.length - wake
            return False, replace(
                p, column=p.column - end * wake / 2 * np.cos(p.angle), row=p.row - end * wake / 2 * np.sin(p.angle), length=length,
                area=np.minimum(p.area, length * p.width), bow=np.full(1, -end),
            )  # fmt: skip
        if wake:
            lane = np.abs(s.across) < 0.3 * p.width[0]
            ahead = s.excess[:, -end * s.along > p.length[0] / 2 + 1][:, :, lane]
            return bool(np.median(np.abs(ahead).max(0)) > 4 * s.spread.mean()), p
    return False, p


def _wake_px(s: _Strip, length: float, end: int) -> float:
    """How many pixels of a piece, from one of its ends (1: where the angle points, -1), are wake; all where nothing else is left.

    Foam is grey, goes on beyond the end, and grows steadily towards the stern.
    """
    middle = np.abs(s.across) <= max(1.0, 0.18 * (s.across[-1] - _BESIDE_PX) * 2)
    profile = np.where(s.known[:, middle], s.excess[:, :, middle], np.nan)
    if np.isnan(profile).all(axis=(0, 2)).any():
        return 0.0
    line = np.nanmean(profile, axis=2)[:, ::-end]  # from beyond the end inwards
    line = (line + np.roll(line, 1, 1) + np.roll(line, -1, 1)) / 3
    white = line.mean(0)
    grey = (line.max(0) - line.min(0) < _GREY * np.maximum(white, 0) + s.spread.mean()) & (white > s.spread.mean())
    at = np.abs(s.along[::-end] - end * (length / 2 + _BEYOND_PX))  # how far inwards
    beyond = (at >= 1) & (at < _BEYOND_PX - 1)
    if not grey[beyond].mean() >= 0.8:
        return 0.0
    tail = float(white[beyond].mean())
    first = int(np.argmax(at >= _BEYOND_PX))
    highest, last = tail, first
    for t in range(first, len(white) - 1):
        if not grey[t] or white[t] > _GROWS * highest or white[t] < _FADES * highest:
            break
        highest, last = max(highest, float(white[t])), t
    run = float(at[last] - _BEYOND_PX)
    return run if run >= 3 else 0.0


def _unlit(s: _Strip, p: Pieces) -> bool:
    """Whether the piece is darker than the water and hardly anything in it is brighter in any band: a shadow."""
    on = s.inside & (np.abs(s.along[:, None]) < 0.45 * p.length[0]) & (np.abs(s.across) < 0.45 * p.width[0])
    if not on.any():
        return False
    return float(np.median(s.excess[:, on])) < 0 and float(_lit(s)[on].mean()) < _LIT


def _lit(s: _Strip) -> np.ndarray:
    """Bool (along, across): brighter than the water in some band."""
    return (s.excess > 3 * s.spread[:, None, None]).any(0)


def _hulls_abreast(s: _Strip, p: Pieces, least_px: float) -> Pieces:
    """One piece for each hull that lies beside another, parted where hardly anything is lit; a shadow beside is left off."""
    lit = _lit(s) & s.inside
    lying = np.abs(s.along) < 0.4 * p.length[0]
    share = lit[lying].mean(0) * (np.abs(s.across) <= p.width[0] / 2 + 0.5)
    lanes = _runs(share >= _SEAM * share.max(), 2)
    if not lanes:
        return p
    found = []
    for first, last in lanes:
        low, high = s.across[first] - 1, s.across[last] + 1  # and the rim
        here = lit[:, first : last + 1].mean(1) * (np.abs(s.along) <= p.length[0] / 2 + 0.5)
        ends = np.flatnonzero(here >= _SEAM * 0.5)
        found.append((low, high, s.along[ends[0]] - 1, s.along[ends[-1]] + 1) if len(ends) else (low, high, 0.0, 0.0))
    low, high, back, front = np.array(found).T
    width, length = high - low, front - back
    abreast = len(found) > 1
    ratio = length / np.maximum(width, 1.0)
    if abreast and not ((length >= least_px) & (ratio >= _HULL_RATIO[0]) & (ratio <= _HULL_RATIO[1])).all():
        return p
    if not abreast:
        beside = (np.abs(s.across) <= p.width[0] / 2) & ((s.across < low[0]) | (s.across > high[0]))
        shadow = beside.sum() >= 3 and np.median(s.excess[:, lying][:, :, beside]) < 0
        if not shadow or p.length[0] / width[0] > _HULL_RATIO[1]:
            return p
        back, front, length = -p.length / 2, p.length / 2, p.length
    cos, sin = np.cos(p.angle[0]), np.sin(p.angle[0])
    along, across = (back + front) / 2, (low + high) / 2
    many = p.select(np.zeros(len(found), int))
    return replace(
        many, column=p.column[0] + along * cos - across * sin, row=p.row[0] + along * sin + across * cos, length=length, width=width,
        area=np.minimum(many.area * width / p.width[0], length * width),
    )  # fmt: skip


def _runs(on: np.ndarray, least: int) -> list[tuple[int, int]]:
    """First and last index of each run of True of at least so many."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(int), [0]]))).reshape(-1, 2)
    return [(int(a), int(b - 1)) for a, b in edges if b - a >= least]


def _from_land(s: _Strip, p: Pieces) -> bool:
    """Whether the piece goes on beyond the zone's edge at one of its ends, as a jib or a jetty does."""
    lane = np.abs(s.across) < max(0.5 * p.width[0], 1.0)
    flank = np.abs(s.across) > 0.5 * p.width[0] + 1.5
    for end in (1, -1):
        past = end * s.along > 0.5 * p.length[0] + 0.5
        inner = (end * s.along > 0.25 * p.length[0]) & (end * s.along < 0.5 * p.length[0])
        ashore = s.known & ~s.inside & past[:, None]
        if ashore[:, lane].mean() * len(past) < 0.6 * past.sum():
            continue
        a, b, c = ashore & lane, ashore & flank, s.inside & lane & inner[:, None]
        if min(a.sum(), b.sum(), c.sum()) < 4:
            continue
        own, beyond, beside = (np.median(s.excess[:, m], axis=1) / s.spread for m in (c, a, b))
        # A jib lets the water through: its colour is a part of the crane's.
        share = float(own @ beyond / max(beyond @ beyond, 1e-9))
        alike = np.linalg.norm(own - share * beyond) < _ALIKE * np.linalg.norm(own)
        land = np.linalg.norm(beside) > _LAND and np.linalg.norm(beside - beyond) > _OTHER * np.linalg.norm(beyond)
        if 0 < share < _THROUGH and alike and land:
            return True
    return False
