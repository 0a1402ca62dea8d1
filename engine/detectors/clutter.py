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

    def exceedance(self, x: float, nu: float) -> float:
        """Probability that a pixel is x times the mean or more."""
        log_p = np.log(self._tails[0] + 1e-300)
        across = [np.interp(np.log(x), self._y, row) for row in log_p]
        return float(np.exp(np.interp(np.log(nu), np.log(NU), across)))

    def threshold(self, pfa: float, nu: np.ndarray) -> np.ndarray:
        """How many times the mean is exceeded with probability ``pfa``, for texture shapes ``nu`` (any shape)."""
        return np.exp(np.interp(np.log(nu), np.log(NU), self._log_thresholds(pfa)))

    def _log_thresholds(self, pfa: float) -> np.ndarray:
        log_p = np.log(self._tails[0] + 1e-300)
        return np.array([np.interp(-np.log(pfa), -row, self._y) for row in log_p])

    def fit(self, limit: np.ndarray, mean: np.ndarray, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and texture shape (N) of clutter seen only below a limit.

        limit: (N). mean: of what lies below it. ratio: mean square over squared mean of the same. Solved exactly: what is cut
        off is a known share of the law, so the limit may be low enough to cut off every ship.
        """
        totals = np.array([np.ones(len(NU)), np.ones(len(NU)), (1 + 1 / self.looks) * (1 + 1 / NU)])
        below = np.maximum(totals[:, :, None] - self._tails, 1e-12)
        seen_mean = below[1] / below[0]
        reach = np.log(limit / mean)
        log_reach, log_ratio = self._y - np.log(seen_mean), np.log(below[2] * below[0] / below[1] ** 2)
        use = self._y > -2.0  # a limit below a seventh of the mean is none
        at = np.array([np.interp(reach, row[use], self._y[use]) for row in log_reach])
        ratios = np.array([np.interp(y, self._y, row) for y, row in zip(at, log_ratio)])
        nu, y = np.empty(len(mean)), np.empty(len(mean))
        for i, wanted in enumerate(np.log(ratio)):
            falling = np.minimum.accumulate(ratios[:, i])
            nu[i] = np.interp(-wanted, -falling, np.log(NU))
            y[i] = np.interp(nu[i], np.log(NU), at[:, i])
        return limit / np.exp(y), np.exp(nu)


def _log_gamma_density(y: np.ndarray, shape: float) -> np.ndarray:
    """Density of the logarithm of a gamma variable of unit mean."""
    return np.exp(shape * (np.log(shape) + y - np.exp(y)) - lgamma(shape))
