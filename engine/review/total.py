"""What a few cells that a person has looked at say of all of them: a total that is right on average, whatever the detector.

The detector's total is corrected by what the looked-at cells show of its errors, each weighted by how likely it was to be looked at.
The cells are drawn one after another without replacement, so no look is lost on a cell seen before and the interval closes when all
are seen. Estimator and variance: Murthy 1957, as one-dimensional integrals over the time at which a cell rings (see cells.Frame.order).
Measured in bench/review.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..calibration import HAND_SD, HAND_UPWARD

LEAST_CELLS = 3  # fewer show nothing of how cells differ
STEPS = 600  # of the integrals: seven digits and more
ESTIMATED = "sampled review"  # stands for the calibration in a tally row: its interval is no plain hand count's


@dataclass(frozen=True)
class Looked:
    """The first n cells of the order, all looked at: chance, expected and seen are (n,) arrays."""

    chance: np.ndarray
    expected: np.ndarray
    seen: np.ndarray


@dataclass(frozen=True)
class Total:
    """Objects in all cells of a zone, or of the review: estimate and interval.

    sampled: (low, high) of what this person would count in all cells; low, high: with the spread between people.
    """

    estimate: int
    low: int
    high: int
    sampled: tuple[int, int]


def total(
    looked: Looked,
    here: np.ndarray,
    expected: float,
    cells: int,
    *,
    level: float = 0.9,
    people_sd: float = HAND_SD,
) -> Total:
    """Of the part of the frame to which the looked-at cells ``here`` (n,) belong.

    expected, cells: the detector's objects and the number of cells in that part, looked at or not. people_sd: of the log of what
    different people count on one picture, half as much again upwards.
    """
    from scipy.special import ndtri

    seen = float(looked.seen[here].sum())
    if here.sum() == cells:
        middle, low, high = seen, seen, seen
    else:
        middle, low, high = _sampled(looked, here, expected, cells, (1 - level) / 2)
    reach = float(ndtri((1 + level) / 2)) * people_sd
    down, up = middle * -np.expm1(-reach), middle * np.expm1(HAND_UPWARD * reach)
    return Total(
        int(middle + 0.5),
        _floor(max(seen, middle - np.hypot(middle - low, down))),
        _ceil(middle + np.hypot(high - middle, up)),
        (_floor(low), _ceil(high)),
    )


def _sampled(looked: Looked, here: np.ndarray, expected: float, cells: int, tail: float) -> tuple[float, float, float]:
    """Estimate and ends; never below what was seen.

    t-interval; errors of counts are skewed, so the upper end is that of the logarithm of what is unseen, up to e times it. Where
    hardly a cell differed, the interval cannot be narrower than what so few looks could have missed.
    """
    from scipy.special import stdtrit

    seen = float(looked.seen[here].sum())
    correction, variance = murthy(looked.chance, np.where(here, looked.seen - looked.expected, 0.0))
    middle = max(expected + correction, seen)
    half = max(stdtrit(here.sum() - 1, 1 - tail) * np.sqrt(variance), _missable(looked, here, expected, cells, tail))
    share = min(1.0, half / max(middle - seen, 0.5))
    return middle, max(middle - half, seen), middle + half * float(np.expm1(share)) / share


def _missable(looked: Looked, here: np.ndarray, expected: float, cells: int, tail: float) -> float:
    """How many differences the unseen part could hold although none was met: the upper end of their rate under Jeffreys' prior.

    Each object, found or true, and each cell is one chance of a difference (compare the rule of three).
    """
    from scipy.special import gammaincinv

    met = here.sum() + np.maximum(looked.seen, looked.expected)[here].sum()
    left = cells - here.sum() + max(expected - looked.expected[here].sum(), 0.0)
    return float(gammaincinv(0.5, 1 - tail) * left / met)


def murthy(chance: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """Unbiased total over the frame of a value known for the first n cells (n,), and the unbiased estimate of its variance."""
    single, pair = _weights(chance)
    difference = (value / chance)[:, None] - value / chance
    variance = 0.5 * ((pair - np.outer(single, single)) * np.outer(chance, chance) * difference**2).sum()
    return float(single @ value), max(float(variance), 0.0)


def cells_each(chance: np.ndarray) -> np.ndarray:
    """How many cells of the frame each of the first n (n,) stands for."""
    return _weights(chance)[0]


def _weights(chance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What single cells (n,) and pairs (n, n) stand for.

    With T the time at which the next cell would ring, P(the n come first | cell i came first of all) / P(they come first) is the
    mean of 1 / (1 - exp(-chance_i T)); likewise for pairs.
    """
    rest = 1 - float(chance.sum())
    if rest < 1e-9:
        return np.ones(len(chance)), np.ones((len(chance), len(chance)))
    log_t = np.linspace(np.log(1e-5 / chance.max()), np.log(60 / min(chance.min(), rest)), STEPS)
    rung = -np.expm1(-np.exp(log_t)[:, None] * chance)
    density = np.log(rung).sum(1) + log_t - rest * np.exp(log_t)
    weight = np.exp(density - density.max())
    weight /= weight.sum()
    return weight @ (1 / rung), (weight[:, None] / rung).T @ (1 / rung)


def _floor(value: float) -> int:
    return int(np.floor(value + 1e-9))


def _ceil(value: float) -> int:
    return int(np.ceil(value - 1e-9))
