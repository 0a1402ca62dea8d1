"""Looks that stand out from all earlier ones, at a stated number of false alerts a year.

"Mean + 2 sd of the last six" raises a false alert in 85 % of series of 24 looks in which nothing changes (STATISTICS 5). Here every
look has a band that the earlier ones predict, wide enough that all bands together are left by chance as seldom as stated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .looks import Series

LEAST_EARLIER = 5  # looks before the first band
MOST_A_LOOK = 0.2  # false alerts a look, whatever was asked


@dataclass(frozen=True)
class Bands:
    """Expected range (N,) of each look, NaN where too few came before, and whether the look left it. rate: false alerts a look."""

    low: np.ndarray
    high: np.ndarray
    alert: np.ndarray
    rate: float


def bands(series: Series, rate: float) -> Bands:
    """The band of every observed look, from the looks before it, each left by chance with probability ``rate`` at most.

    Mean of the earlier looks ± t(m - 1) · s · √(1 + 1/m), s² their variance, and what this look's own interval claims beyond the
    earlier ones' (a look through cloud is less sure). Taken of logarithms and of square roots, and the wider end of the two: counts
    swing upwards like the one and downwards like the other. Counts are never banded more tightly than a Poisson count whose rate
    the earlier looks tell (gamma-Poisson predictive, prior Gamma(1/2, 0)). Measured in bench/series.py.
    """
    n = len(series.epochs)
    low, high = np.full(n, np.nan), np.full(n, np.nan)
    seen = np.flatnonzero(series.observed)
    log, own = series.log(), series.log_sd() ** 2
    for place, look in enumerate(seen):
        if place < LEAST_EARLIER:
            continue
        earlier = seen[:place]
        less_sure = np.sqrt(max(0.0, float(own[look] - own[earlier].mean())))
        logs = np.exp(_ends(log[earlier], less_sure, rate)) - series.offset
        typical = np.sqrt(np.exp(log[earlier].mean()))
        roots = np.maximum(_ends(np.exp(log[earlier] / 2), less_sure * typical / 2, rate), 0.0) ** 2 - series.offset
        ends = [logs, roots] + ([_poisson(series.estimate[earlier], rate)] if series.unit == "objects" else [])
        low[look], high[look] = np.min(ends, axis=0)[0], np.max(ends, axis=0)[1]
    low = np.maximum(low, 0.0)
    with np.errstate(invalid="ignore"):
        alert = (series.estimate < low) | (series.estimate > high)
    return Bands(low, high, alert, rate)


def rate_a_look(series: list[Series], alerts_per_year: float) -> float:
    """The share of looks that may leave their band by chance, so that all series together raise so many false alerts a year."""
    judged = [s for s in series if s.observed.sum() > LEAST_EARLIER]
    looks = sum(int(s.observed.sum()) - LEAST_EARLIER for s in judged)
    if not judged:
        return MOST_A_LOOK
    times = [s.years[s.observed] for s in judged]
    years = max(max(t[-1] for t in times) - min(t[LEAST_EARLIER - 1] for t in times), 1e-6)
    return float(min(MOST_A_LOOK, alerts_per_year * years / looks))


def _ends(values: np.ndarray, less_sure: float, rate: float) -> np.ndarray:
    """Ends (2,) of the t predictive of one more value."""
    from scipy.stats import t

    m = len(values)
    reach = t.ppf(1 - rate / 2, m - 1) * np.sqrt(values.var(ddof=1) * (1 + 1 / m) + less_sure**2)
    return values.mean() + np.array([-reach, reach])


def _poisson(counts: np.ndarray, rate: float) -> np.ndarray:
    """Ends (2,) of the predictive of one more Poisson count."""
    from scipy.stats import nbinom

    m = len(counts)
    predictive = nbinom(counts.sum() + 0.5, m / (m + 1))
    return np.array([predictive.ppf(rate / 2), predictive.isf(rate / 2)])
