"""When did the level change: optimal partitioning of a series into stretches of one level.

Cost of a stretch: the quasi-Poisson deviance S log(S/n) with the series' own dispersion; penalty 3 log n a change (optimal partitioning: Jackson et al.,
IEEE Signal Processing Letters 12, 2005; penalty: Zhang and Siegmund, Biometrics 63, 2007). The dispersion comes from neighbouring looks, so that a change does not raise it. A change's
interval holds every place whose likelihood is within -log(1 - √level) of the best (Siegmund, International Statistical Review 56, 1988).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_LOOKS = 12
LEAST_A_LEVEL = 5  # looks in each stretch: fewer do not speak of a level
LEVEL = 0.9


@dataclass(frozen=True)
class Change:
    """A change of level between looks ``after`` and ``after + 1`` (numbers of the series' looks).

    earliest, latest: the same for the ends of its 90 % interval. before, beyond: mean of the stretches on both sides, with their
    numbers of looks.
    """

    after: int
    earliest: int
    latest: int
    before: float
    beyond: float
    looks_before: int
    looks_beyond: int


def change_points(values: np.ndarray) -> list[Change]:
    """Changes of level of estimates (N,) of 0 or more in order of time; none for fewer than twelve looks."""
    n = len(values)
    if n < LEAST_LOOKS:
        return []
    spread = dispersion(values)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    cuts = _partition(sums, spread, 3 * np.log(n))
    edges = [0, *cuts, n]
    changes = []
    for before, cut, beyond in zip(edges, edges[1:], edges[2:]):
        first, last = _interval(sums, before, cut, beyond, spread)
        old, new = ((sums[b] - sums[a]) / (b - a) for a, b in ((before, cut), (cut, beyond)))
        changes.append(Change(cut - 1, first - 1, last - 1, float(old), float(new), cut - before, beyond - cut))
    return changes


def dispersion(values: np.ndarray) -> float:
    """Variance over mean from neighbouring looks; at least 1, that of Poisson counts."""
    total = values[1:] + values[:-1]
    return max(1.0, float(np.mean(np.diff(values) ** 2 / np.where(total > 0, total, 1.0))))


def _cost(sums: np.ndarray, start: np.ndarray | int, end: np.ndarray | int, spread: float) -> np.ndarray:
    """Twice the negative quasi-log-likelihood of the stretch [start, end) at its own mean, up to what all partitions share."""
    total, looks = sums[end] - sums[start], np.subtract(end, start)
    return -2 * total * np.log(np.where(total > 0, total, 1.0) / looks) / spread


def _partition(sums: np.ndarray, spread: float, penalty: float) -> list[int]:
    """Starts of the second and later stretches of the cheapest partition."""
    n = len(sums) - 1
    best = np.full(n + 1, np.inf)
    best[0], origin = -penalty, np.zeros(n + 1, int)
    for end in range(LEAST_A_LEVEL, n + 1):
        starts = np.arange(0, end - LEAST_A_LEVEL + 1)
        costs = best[starts] + _cost(sums, starts, end, spread) + penalty
        origin[end], best[end] = starts[costs.argmin()], costs.min()
    cuts, end = [], n
    while origin[end] > 0:
        end = int(origin[end])
        cuts.append(end)
    return cuts[::-1]


def _interval(sums: np.ndarray, before: int, cut: int, beyond: int, spread: float) -> tuple[int, int]:
    """First and last place of the cut that are nearly as likely, the neighbouring changes kept."""
    places = np.arange(before + 1, beyond)
    lost = _cost(sums, before, places, spread) + _cost(sums, places, beyond, spread)
    lost = (lost - lost[places == cut]) / 2
    likely = places[lost <= -np.log(1 - np.sqrt(LEVEL))]
    return int(min(likely[0], cut)), int(max(likely[-1], cut))
