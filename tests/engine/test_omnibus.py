"""Radar change: the tests hold their size, see what changes, and date it."""

import numpy as np
import pytest

from rason.engine.change import omnibus

LOOKS = 4.4


def sea(rng, dates, bands, n, looks=LOOKS, mean=1.0):
    return rng.gamma(looks, mean / looks, (dates, bands, n))


@pytest.mark.parametrize(("dates", "bands"), [(2, 1), (2, 2), (3, 1), (5, 2), (9, 1)])
@pytest.mark.parametrize("nominal", [0.01, 0.001])
def test_false_alarms_are_as_many_as_stated(dates, bands, nominal):
    p = omnibus.p_of_change(sea(np.random.default_rng(1), dates, bands, 300_000), LOOKS)
    assert 0.8 <= np.mean(p <= nominal) / nominal <= 1.2


@pytest.mark.parametrize(("dates", "bands"), [(2, 2), (3, 1), (5, 2), (9, 1)])
def test_one_look_is_enough(dates, bands):
    p = omnibus.p_of_change(sea(np.random.default_rng(8), dates, bands, 200_000, 1.0), 1.0)
    assert np.mean(p <= 0.01) / 0.01 == pytest.approx(1, abs=0.1) and np.mean(p <= 0.001) / 0.001 == pytest.approx(
        1, abs=0.2
    )


@pytest.mark.parametrize("count", [1, 3])
def test_steps_hold_their_size(count):
    series = sea(np.random.default_rng(9), count + 1, 2, 200_000, 1.0)
    p = omnibus.p_of_step(series[:-1].sum(0), series[-1], count, 1.0)
    assert np.mean(p <= 0.01) / 0.01 == pytest.approx(1, abs=0.1)


def test_the_ratio_test_is_scipys_f():
    from scipy.stats import f

    first, second = np.array([1.0, 2.0, 0.3]), np.array([3.0, 1.5, 0.29])
    ratio = second / first
    assert omnibus.p_of_ratio(first, second, LOOKS) == pytest.approx(
        2 * np.minimum(f.cdf(ratio, 2 * LOOKS, 2 * LOOKS), f.sf(ratio, 2 * LOOKS, 2 * LOOKS))
    )


def test_steps_multiply_to_the_omnibus_statistic():
    """ln Q is the sum of ln R_j: without Box's factors both tests rest on the same number."""
    series = sea(np.random.default_rng(2), 4, 1, 10)
    k = 4
    log_q = LOOKS * (k * np.log(k) + np.log(series).sum(0) - k * np.log(series.sum(0)))
    total, log_r = series[0], 0
    for j in range(2, k + 1):
        after = series[j - 1]
        log_r = log_r + LOOKS * (
            j * np.log(j) - (j - 1) * np.log(j - 1) + (j - 1) * np.log(total) + np.log(after) - j * np.log(total + after)
        )
        total = total + after
    assert log_q == pytest.approx(log_r)


def test_a_change_is_dated_and_signed():
    rng = np.random.default_rng(3)
    series = sea(rng, 6, 2, 2000)
    series[3:] *= 12
    _, signs = omnibus.changes(series, LOOKS, 0.001)
    first = np.argmax(signs != 0, axis=0)
    assert np.mean((signs != 0).any(0)) > 0.99 and np.mean(first == 2) > 0.95 and np.mean(signs[2] == 1) > 0.95


def test_what_comes_and_goes_changes_twice():
    series = sea(np.random.default_rng(4), 7, 1, 2000)
    series[2:5] *= 25
    _, signs = omnibus.changes(series, LOOKS, 0.001)
    both = (signs[1] == 1) & (signs[4] == -1)
    assert np.mean(both) > 0.8


def test_a_quiet_pixel_has_no_date():
    series = sea(np.random.default_rng(5), 5, 1, 50_000)
    p, signs = omnibus.changes(series, LOOKS, 0.001)
    assert np.mean((signs != 0).any(0)) == pytest.approx(np.mean(p <= 0.001))


def test_looks_are_found_beside_change_and_texture():
    rng = np.random.default_rng(6)
    texture = rng.gamma(4, 0.25, 40_000)
    first, second = (texture * rng.gamma(LOOKS, 1 / LOOKS, 40_000) for _ in range(2))
    second = second * 1.3
    second[:4000] *= 8
    looks, gain = omnibus.looks_of(first, second)
    assert looks == pytest.approx(LOOKS, rel=0.15) and gain == pytest.approx(1.3, rel=0.2)


def test_pixels_without_backscatter_have_no_p():
    series = np.array([[[1.0, 0.0, 2.0]], [[1.0, 1.0, np.nan]]])
    p = omnibus.p_of_change(series, LOOKS)
    assert p[0] == pytest.approx(1.0) and np.isnan(p[1:]).all()
