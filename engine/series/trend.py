"""Is a series rising or falling, and how fast: Mann-Kendall, Theil-Sen, quasi-Poisson.

Sources: Mann (Econometrica 13, 1945); Sen (JASA 63, 1968); McCullagh and Nelder, Generalized Linear Models, 2nd ed. 1989, ch. 9. Looks a few
days apart resemble each other, for what stands in a yard stays there; the variance of Mann-Kendall's S is therefore raised by
(1 + r)/(1 - r), r the correlation of neighbouring looks once the slope is taken out, where r is positive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_LOOKS = 6
LEAST_A_HALF = 5  # looks in each half of the time, before a trend is spoken of
MOST_CORRELATION = 0.9
LEAST_FOR_CORRELATION = 10  # looks: of fewer it is mostly the bend of the series
ROUNDS = 50


@dataclass(frozen=True)
class Trend:
    """p_value: of no trend (Mann-Kendall, two-sided). slope, slope_low, slope_high: units a year (Theil-Sen, 95 % interval).

    rate, rate_low, rate_high: growth a year as a ratio (quasi-Poisson, 95 %), None where it cannot be fitted. dispersion: variance
    over mean. looks: how many; halves: how many in the first and second half of the time.
    """

    p_value: float
    slope: float
    slope_low: float
    slope_high: float
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    dispersion: float | None
    looks: int
    halves: tuple[int, int]

    @property
    def enough(self) -> bool:
        """Whether there are looks enough in both halves to speak of a trend."""
        return min(self.halves) >= LEAST_A_HALF


def trend(years: np.ndarray, estimate: np.ndarray) -> Trend | None:
    """The trend of estimates (N,) at times (N,) in years; None for fewer than six looks, or for looks of one day."""
    from scipy.stats import theilslopes

    if len(years) < LEAST_LOOKS or np.ptp(years) == 0:
        return None
    slope, _, low, high = (float(value) for value in theilslopes(estimate, years, 0.95))
    late = years > (years[0] + years[-1]) / 2
    rate, rate_low, rate_high, dispersion = quasi_poisson(years, estimate) or (None, None, None, None)
    halves = int((~late).sum()), int(late.sum())
    p_value = mann_kendall(years, estimate)
    return Trend(p_value, slope, low, high, rate, rate_low, rate_high, dispersion, len(years), halves)


def mann_kendall(years: np.ndarray, values: np.ndarray) -> float:
    """Two-sided p-value of no monotone trend: scipy's, exact without ties, raised where neighbouring looks are alike."""
    from scipy.stats import kendalltau, norm, theilslopes

    if np.ptp(values) == 0:
        return 1.0
    n = len(values)
    residual = values - theilslopes(values, years)[0] * years
    r = _neighbours_alike(residual)
    plain = float(kendalltau(years, values).pvalue)
    if n < LEAST_FOR_CORRELATION or r <= 0:
        return plain
    s = np.sign(np.subtract.outer(values, values)[np.tril_indices(n, -1)]).sum()
    _, ties = np.unique(values, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    z = max(abs(s) - 1, 0) / np.sqrt(variance * (1 + r) / (1 - r))
    return max(plain, float(2 * norm.sf(z)))


def quasi_poisson(years: np.ndarray, values: np.ndarray) -> tuple[float, float, float, float] | None:
    """Ratio a year with its 95 % interval, and the dispersion, of a log-linear quasi-Poisson fit; None where it does not settle.

    Iteratively reweighted least squares; dispersion = Pearson's chi-square over n - 2, interval from t(n - 2).
    """
    from scipy.stats import t as student

    if values.sum() <= 0 or len(values) < 4:
        return None
    x = np.column_stack([np.ones_like(years), years - years.mean()])
    mu = values + values.mean() * 0.1 + 1e-9
    beta = np.zeros(2)
    for _ in range(ROUNDS):
        working = np.log(mu) + (values - mu) / mu
        weighted = x.T * mu
        try:
            new = np.linalg.solve(weighted @ x, weighted @ working)
        except np.linalg.LinAlgError:
            return None
        settled, beta = np.abs(new - beta).max() < 1e-9, new
        mu = np.exp(np.clip(x @ beta, -30, 30))
        if settled:
            break
    else:
        return None
    spread = float(((values - mu) ** 2 / mu).sum() / (len(values) - 2))
    sd = np.sqrt(spread * np.linalg.inv((x.T * mu) @ x)[1, 1])
    reach = float(student.ppf(0.975, len(values) - 2)) * sd
    ratio, low, high = (float(np.exp(np.clip(beta[1] + step, -30, 30))) for step in (0, -reach, reach))
    return ratio, low, high, spread


def _neighbours_alike(values: np.ndarray) -> float:
    """Correlation of the ranks of neighbouring values, corrected for the short series' bias (Kendall 1954): + (1 + 4 r)/n."""
    from scipy.stats import rankdata

    ranks = rankdata(values) - (len(values) + 1) / 2
    total = float((ranks**2).sum())
    if total == 0:
        return 0.0
    r = float((ranks[1:] * ranks[:-1]).sum()) / total
    return min(r + (1 + 4 * r) / len(values), MOST_CORRELATION)
