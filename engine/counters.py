"""Two counters of one scene: which objects both marked, which only one, and how many there are at least.

Source of the estimate: Chapman 1951, with Sadinle's interval (2009, the logit one with halves added). Measured in bench/review.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .accuracy import pairs
from .changes import POINT_GATE_M
from .detections import Detections
from .matching import solve


def matched(first: Detections, second: Detections, radius_m: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Indices (P,) of the marks of either that are one object, class by class, each used once.

    radius_m: how far apart the two centres may lie. None: boxes match where one holds the centre of the other, a point and a box
    where the point lies in it or nearly, two points up to POINT_GATE_M. The set of pairs that fits best is taken.
    """
    if radius_m is not None:
        first, second = (marks.with_(length_m=0.0, width_m=0.0) for marks in (first, second))
    found_i, found_j = [np.zeros(0, int)], [np.zeros(0, int)]
    for name in np.unique(np.concatenate([first.class_name, second.class_name]).astype(str)):
        mine, theirs = np.flatnonzero(first.class_name == name), np.flatnonzero(second.class_name == name)
        both = first.select(mine), second.select(theirs)
        i, j, good, _ = pairs(*both, 0.0, POINT_GATE_M if radius_m is None else radius_m)
        i, j, good = i[good > 0], j[good > 0], good[good > 0]
        if len(i):
            chosen = solve(i, j, good, len(mine), len(theirs))
            found_i.append(mine[i[chosen]])
            found_j.append(theirs[j[chosen]])
    return np.concatenate(found_i), np.concatenate(found_j)


@dataclass(frozen=True)
class AtLeast:
    """What two counters together say: objects marked by both and by one alone; estimate and ends of all there are, if each misses by
    chance. Objects hard to see are hard for both, so there are rather more: read it as *at least*."""

    both: int
    only_first: int
    only_second: int
    estimate: int | None
    low: int | None
    high: int | None

    @property
    def seen(self) -> int:
        """Different objects marked."""
        return self.both + self.only_first + self.only_second


def at_least(both: int, only_first: int, only_second: int, level: float = 0.9) -> AtLeast:
    """Capture-recapture. Without an object marked by both there is no estimate."""
    from scipy.special import ndtri

    seen = both + only_first + only_second
    if not both:
        return AtLeast(both, only_first, only_second, None, None, None)
    chapman = (both + only_first + 1) * (both + only_second + 1) / (both + 1) - 1
    m, a, b = both + 0.5, only_first + 0.5, only_second + 0.5
    spread = float(np.exp(ndtri((1 + level) / 2) * np.sqrt(1 / m + 1 / a + 1 / b + m / (a * b))))
    low, high = (seen - 0.5 + a * b / m * factor for factor in (1 / spread, spread))
    estimate = int(chapman + 0.5)
    return AtLeast(
        both,
        only_first,
        only_second,
        estimate,
        min(max(seen, int(np.floor(low))), estimate),
        max(estimate, int(np.ceil(high))),
    )
