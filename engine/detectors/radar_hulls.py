"""Bright areas of radar scenes that are more than one hull: ships side by side, ships that merge with a quay."""

from __future__ import annotations

import numpy as np

from . import component_tree
from .component_tree import Pieces

LONGEST_M, WIDEST_M = 460.0, 75.0
LEAST_FILL, LEAST_RATIO = 0.5, 1.4
_THRESHOLDS, _RADII_PX = 8, (0.0, 1.0, 1.5, 2.5)
_THICK_PX = 8.0  # half the thickness of an area, in the pixels it is looked at
_EDGE_STRIP_M = 10.0  # what is narrower and lies along the zone's edge is the quay or the bank
_FROM = 0.35  # score of a piece worth reporting


def hulls(contrast: np.ndarray, own: np.ndarray, observable: np.ndarray, gsd_m: float) -> Pieces:
    """The hull-shaped pieces of one bright area that together explain it best; none where nothing is shaped like a hull.

    contrast: float (rows, columns), smoothed, in times the sea. own: the area. observable: the sea that is looked at.
    """
    from scipy import ndimage

    thickness = float(ndimage.distance_transform_edt(np.pad(own, 1)).max())
    step = max(1, int(thickness / _THICK_PX))
    if step > 1:
        contrast, covered, seen = (component_tree.averaged(a, step) for a in (contrast, own, observable))
        own, observable = covered >= 0.5, seen >= 0.5
    if not own.any():
        return Pieces.empty()
    amplitude = np.sqrt(np.maximum(contrast, 0))  # a few corner reflectors hold most of a ship's power
    low, high = np.quantile(amplitude[own], (0.02, 0.95))
    levels = np.geomspace(max(low, 1.0), max(0.7 * high, 1.2 * low), _THRESHOLDS).tolist()
    least = 3.0 * 5.0
    pieces = component_tree.cut(amplitude, own, observable, levels, _RADII_PX, least, 5.0, LEAST_FILL, LEAST_RATIO)
    score = _score(pieces, gsd_m * step)
    best = component_tree.best_set(pieces, pieces.area * (score - 0.2))
    return pieces.select(best[score[best] >= _FROM]).enlarged(step)


def _score(p: Pieces, gsd_m: float) -> np.ndarray:
    """0..1: how hull-like each piece is: full of its rectangle, some 4.5 times as long as wide, sea or the zone's edge round it."""
    length, width = p.length * gsd_m, p.width * gsd_m
    ratio = length / np.maximum(width, 1e-9)
    gates = (length <= LONGEST_M) & (width <= WIDEST_M) & (ratio >= LEAST_RATIO) & (ratio <= 12) & (p.fill >= LEAST_FILL)
    gates &= (p.outside < 0.35) | (width > max(_EDGE_STRIP_M, 3 * gsd_m))
    fill = np.clip((p.fill - 0.4) / 0.4, 0, 1)
    slender = np.exp(-0.5 * (np.log(np.maximum(ratio, 1e-9) / 4.5) / 0.7) ** 2)
    around = np.clip((p.water + 0.7 * p.outside - 0.1) / 0.6, 0, 1)
    return gates * np.sqrt(fill * slender * around)
