"""The K distribution of radar sea clutter: its quantiles, and its parameters from statistics that ships cannot move.

Backscattered intensity of the sea is speckle (gamma of L looks) times texture (gamma of shape ν, the swell and gusts that
brighten some pixels); their product of unit mean is K distributed (Jakeman and Pusey 1976, IEEE Trans. AP 24). Large ν is calm
water. In logarithms the product is a sum, so its density is a convolution: all is tabulated once for a number of looks.
"""

from __future__ import annotations

from functools import cached_property
from math import lgamma

import numpy as np

NU = np.geomspace(0.2, 3000.0, 64)  # texture shapes of the table; 3000 stands for none
_STEP, _FIRST, _LAST = 0.01, -12.0, 9.0  # logarithm of the intensity over its mean


class KLaw:
    """K distributions of unit mean with ``looks`` looks, for all texture shapes.

    Everything rests on integrals of the upper tail, which are exact to some 0.2 % from 1e-1 down to 1e-9.
    """

    def __init__(self, looks: float) -> None:
        self.looks = float(looks)
        self._y = np.arange(_FIRST, _LAST, _STEP)
        self._known: dict[float, np.ndarray] = {}

    @cached_property
    def _tails(self) -> np.ndarray:
        """(3, ν, y): integrals of x^k f(x) from exp(y) to infinity, k = 0, 1, 2."""
        n = len(self._y)
        speckle = np.fft.rfft(_log_gamma_density(self._y, self.looks), 2 * n)
        texture = np.fft.rfft(np.array([_log_gamma_density(self._y, nu) for nu in NU]), 2 * n)
        product = np.fft.irfft(texture * speckle, 2 * n)[:, round(-_FIRST / _STEP) :][:, :n] * _STEP
        density = np.maximum(product, 0) * np.exp(np.multiply.outer(np.arange(3), self._y))[:, None]
        summed = np.cumsum(density[..., ::-1], axis=-1)[..., ::-1] * _STEP
        return summed - density * (_STEP / 2)

    @cached_property
    def _log_p(self) -> np.ndarray:
        return np.log(self._tails[0] + 1e-300)

    @cached_property
    def _cut(self) -> tuple[float, np.ndarray, np.ndarray]:
        """Tables (ν, reach): log of where the law is cut over its mean, and log ratio of what lies below.

        reach is the log of the limit over the mean of what lies below it, in steps of _STEP from the first value returned.
        """
        use = self._y > -2.0  # a limit below a seventh of the mean is none
        totals = np.array([np.ones(len(NU)), np.ones(len(NU)), (1 + 1 / self.looks) * (1 + 1 / NU)])
        below = np.maximum(totals[:, :, None] - self._tails[:, :, use], 1e-12)
        y, log_reach = self._y[use], self._y[use] - np.log(below[1] / below[0])
        log_ratio = np.log(below[2] * below[0] / below[1] ** 2)
        reach = np.arange(log_reach.min(), log_reach.max() + _STEP, _STEP)
        cut = np.array([np.interp(reach, row, y) for row in log_reach])
        falling = np.minimum.accumulate([np.interp(at, y, row) for at, row in zip(cut, log_ratio)], axis=0)
        return float(reach[0]), cut, falling

    def threshold(self, pfa: float, nu: np.ndarray) -> np.ndarray:
        """How many times the mean is exceeded with probability ``pfa``, for texture shapes ``nu`` (any shape)."""
        return np.exp(np.interp(np.log(nu), np.log(NU), self._log_thresholds(pfa)))

    def _log_thresholds(self, pfa: float) -> np.ndarray:
        if pfa not in self._known:
            self._known[pfa] = np.array([np.interp(-np.log(pfa), -row, self._y) for row in self._log_p])
        return self._known[pfa]

    def fit(self, limit: np.ndarray, mean: np.ndarray, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and texture shape (N) of clutter seen only below a limit.

        limit: (N). mean: of what lies below it. ratio: mean square over squared mean of the same. Solved exactly: what is cut
        off is a known share of the law, so the limit may be low enough to cut off every ship.
        """
        first_reach, cuts, ratios = self._cut
        place = np.clip((np.log(limit / mean) - first_reach) / _STEP, 0, cuts.shape[1] - 1.001)
        column = place.astype(int)
        at, falling = (a[:, column] + (place - column) * (a[:, column + 1] - a[:, column]) for a in (cuts, ratios))
        # The two shapes between which the ratio lies, and how far it lies from the first to the second.
        wanted, each = np.log(ratio), np.arange(len(mean))
        second = np.clip((falling > wanted).sum(0), 1, len(NU) - 1)
        first = second - 1
        span = falling[first, each] - falling[second, each]
        part = np.clip((falling[first, each] - wanted) / np.maximum(span, 1e-12), 0, 1)
        log_nu = np.log(NU)[first] + part * (np.log(NU)[second] - np.log(NU)[first])
        cut = at[first, each] + part * (at[second, each] - at[first, each])
        return limit / np.exp(cut), np.exp(log_nu)


def _log_gamma_density(y: np.ndarray, shape: float) -> np.ndarray:
    """Density of the logarithm of a gamma variable of unit mean."""
    return np.exp(shape * (np.log(shape) + y - np.exp(y)) - lgamma(shape))
