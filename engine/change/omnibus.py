"""Did the backscatter of a pixel change between two or more radar looks, and when: likelihood ratio of gamma-distributed intensities.

Sources: Conradsen, Nielsen and Skriver, "Determining the points of change in time series of polarimetric SAR data", IEEE TGRS 54, 2016 (omnibus test,
its factors R_j). The distribution of both is taken from their first three cumulants, which are known exactly; for two looks of one polarisation the ratio
is tested by its exact F distribution. Polarisations are taken as independent: their statistics and cumulants add up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MOST_LOOKS = 100.0  # more than any product's; an estimate beyond it means pictures that are no radar or the same one
SAMPLE = 200_000  # pixels from which looks are estimated
TABLE = 400  # numbers of looks in the table that turns a spread into looks
CUT, ROUNDS = 0.1, 12  # tails that are left out while looks are estimated: changed pixels lie there


def p_of_ratio(first: np.ndarray, second: np.ndarray, looks: float) -> np.ndarray:
    """Two-sided p of no change of intensities (...) of two dates: second / first ~ F(2 looks, 2 looks). NaN where one is not above 0."""
    from scipy.special import betainc

    with np.errstate(divide="ignore", invalid="ignore"):
        # P(F <= f) is the incomplete beta at f / (1 + f): of the smaller over the sum
        share = np.minimum(first, second) / (first + second)
        p = 2 * betainc(looks, looks, share)
    return np.where((first > 0) & (second > 0), np.minimum(p, 1.0), np.nan)


def p_of_change(series: np.ndarray, looks: float) -> np.ndarray:
    """p (...) of no change in any of K dates. series: intensities (K, P, ...) of P polarisations, above 0."""
    k, bands = series.shape[:2]
    if (k, bands) == (2, 1):
        return p_of_ratio(series[0, 0], series[1, 0], looks)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_q = k * np.log(k) + np.log(series).sum(0) - k * np.log(series.sum(0))
    p = _upper_tail(-log_q.sum(0), bands, k * np.log(k), [(k, 1, 1), (-1, k, k)], looks)
    return np.where((series > 0).all((0, 1)), p, np.nan)


def p_of_step(before: np.ndarray, after: np.ndarray, count: int, looks: float) -> np.ndarray:
    """p (...) that the date after ``count`` alike dates is like them (factor R_j). before: their sum (P, ...); after: (P, ...)."""
    j, bands = count + 1, len(after)
    if (j, bands) == (2, 1):
        return p_of_ratio(before[0], after[0], looks)
    constant = j * np.log(j) - count * np.log(count)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_r = constant + count * np.log(before) + np.log(after) - j * np.log(before + after)
    return _upper_tail(-log_r.sum(0), bands, constant, [(1, count, count), (1, 1, 1), (-1, j, j)], looks)


def _upper_tail(
    statistic: np.ndarray, bands: int, constant: float, terms: Sequence[tuple[int, int, int]], looks: float
) -> np.ndarray:
    """P (...) of at least this -log likelihood ratio over looks, by the gamma law with its mean, variance and third cumulant.

    terms: (times, factor, dates): the logarithm of the ratio has the n-th cumulant Σ times · factor^n · polygamma(n - 1, dates · looks),
    and its mean constant more, because the shares of gamma variables are independent of their sum. Chi-square with Box's factor errs by half where there is one look; this is within a tenth (bench/change.py).
    """
    from scipy.special import gammaincc, polygamma

    mean, variance, third = (
        bands * (-1) ** n * sum(times * factor**n * float(polygamma(n - 1, dates * looks)) for times, factor, dates in terms)
        for n in (1, 2, 3)
    )
    mean -= bands * constant
    shape, scale = 4 * variance**3 / third**2, third / (2 * variance)
    return gammaincc(shape, np.maximum(statistic - (mean - shape * scale), 0) / scale)


def changes(series: np.ndarray, looks: float, significance: float) -> tuple[np.ndarray, np.ndarray]:
    """When each pixel changed. series: (K, P, ...). Returns p (...) of no change at all, and (K - 1, ...) of -1, 0, 1.

    A sign says that the pixel got darker or brighter (sum of polarisations) between a date and the next: only where the omnibus test over
    all dates from the last change on calls a change does the sequence of R_j say which step is the first (Conradsen 2016, section IV).
    """
    k = len(series)
    p = p_of_change(series, looks)
    signs = np.zeros((k - 1, *series.shape[2:]), np.int8)
    for start in range(k - 1):
        if start:
            # a pixel starts anew where the step before was its last change
            fresh = (signs[start - 1] != 0) & (k - start >= 2)
            open_ = np.where(fresh, p_of_change(series[start:], looks) <= significance, False)
        else:
            open_ = p <= significance
        if not open_.any():
            continue
        total = series[start].astype(float).copy()
        for date in range(start + 1, k):
            step = p_of_step(total, series[date], date - start, looks)
            # the last step is a change where none before it was: the omnibus test said that there is one
            found = open_ & ((step <= significance) | (date == k - 1))
            brighter = series[date].sum(0) * (date - start) > total.sum(0)
            signs[date - 1][found] = np.where(brighter, 1, -1)[found]
            open_ &= ~found
            total += series[date]
            if not open_.any():
                break
    return p, signs


def looks_of(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Number of looks, and gain (median of second over first), of two dates from the pixels that did not change.

    The logarithm of the ratio has a spread that falls with the looks: its central half tells them, of the pixels that are left when the
    tails, where changed ones lie, are cut off again and again. Texture cancels, for both dates share it. first, second: (N,) intensities. looks is NaN where fewer than 100 pixels are above 0.
    """
    from scipy.special import betaincinv

    good = (first > 0) & (second > 0)
    if good.sum() < 100:
        return float("nan"), float("nan")
    log_ratio = np.log(second[good] / first[good])
    table = np.geomspace(0.5, MOST_LOOKS, TABLE)
    kept, looks, gain = log_ratio, MOST_LOOKS, float(np.median(log_ratio))
    share = 0.0  # of unchanged pixels that are cut off, both tails together
    for _ in range(ROUNDS):
        low, gain, high = np.quantile(kept, [0.25, 0.5, 0.75])
        quartile = betaincinv(table, table, 0.75 - share / 4)
        looks = float(np.interp(-(high - low), -2 * np.log(quartile / (1 - quartile)), table))
        end = betaincinv(looks, looks, 1 - CUT / 2)
        kept = log_ratio[np.abs(log_ratio - gain) <= np.log(end / (1 - end))]
        share = CUT
    return looks, float(np.exp(gain))
