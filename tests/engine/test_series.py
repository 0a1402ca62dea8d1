"""Series of tallies: assembly, trend, changes of level, bands."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rason.engine.errors import Refusal
from rason.engine.series import alerts, change_points, chart, looks, summary, trend


def row(day, estimate, **more):
    """A tally row of day ``day``; None: not observed."""
    when = datetime(2023, 1, 1, 2, tzinfo=timezone.utc) + timedelta(days=float(day))
    ends = (None, None) if estimate is None else (0.85 * estimate, 1.2 * estimate + 1)
    base = {
        "zone_id": "yard",
        "class": "freight_car",
        "unit": "objects",
        "epoch": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "estimate": estimate,
        "low": ends[0],
        "high": ends[1],
        "level": 0.9,
        "basis": "uncalibrated",
        "calibration": "freight_car-a",
        "visible_fraction": 1.0,
        "scene": "s.tif",
    }
    return {**base, **more}


def series(values, step=10):
    return looks.series_of([row(step * i, value) for i, value in enumerate(values)])[0]


def test_looks_come_in_order_and_gaps_stay():
    one = looks.series_of([row(20, 5), row(0, 3), row(10, None)])[0]
    assert one.estimate.tolist()[::2] == [3, 5] and one.observed.tolist() == [True, False, True]
    assert np.allclose(np.diff(one.years), 10 / looks.YEAR_DAYS)


def test_another_calibration_sensor_or_person_is_another_series():
    rows = [
        row(0, 3),
        row(1, 3, calibration="freight_car-b"),
        row(2, 4, basis="counted", calibration=None),
        row(3, 4, sensor="radar"),
    ]
    assert [s.source for s in looks.series_of(rows)] == ["freight_car-a", "freight_car-b", "by hand", "freight_car-a, radar"]
    assert len(looks.series_of([row(0, 3), row(1, None, calibration=None), row(2, 4)])) == 1, (
        "a look that saw nothing has no calibration"
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(0, 3), row(0, 4)], "twice"),
        ([row(0, 3), row(1, 4, level=0.8)], "different levels"),
        ([row(0, 3, low=None)], "without low and high"),
        ([row(0, 3, epoch="soon")], "no acquisition time"),
    ],
)
def test_what_is_no_series_is_refused(rows, said):
    with pytest.raises(Refusal, match=said):
        looks.series_of(rows)


def test_mann_kendall_is_scipys_where_neighbours_are_not_alike():
    from scipy.stats import kendalltau

    years, values = np.arange(8.0), np.array([1.0, 9, 2, 10, 3, 11, 4, 12])
    assert trend.mann_kendall(years, values) == pytest.approx(kendalltau(years, values).pvalue)


def test_mann_kendall_asks_more_where_neighbours_agree():
    from scipy.stats import kendalltau

    years = np.arange(24.0)
    values = np.sin(years / 3.5) + 0.05 * years
    assert trend.mann_kendall(years, values) > 2 * kendalltau(years, values).pvalue


def test_quasi_poisson_is_the_maximum_of_the_likelihood():
    from scipy.optimize import minimize

    rng = np.random.default_rng(3)
    years = np.sort(rng.uniform(0, 3, 25))
    values = rng.poisson(np.exp(2 + 0.4 * years)).astype(float)
    fit = minimize(
        lambda b: np.exp(b[0] + b[1] * years).sum() - (values * (b[0] + b[1] * years)).sum(), [2.0, 0.0], tol=1e-10
    )
    ratio, low, high, dispersion = trend.quasi_poisson(years, values)
    assert ratio == pytest.approx(np.exp(fit.x[1]), rel=1e-3) and low < ratio < high and 0.3 < dispersion < 2.5


def test_a_trend_is_told_only_with_five_looks_in_each_half():
    rising = summary.judge([series([4, 7, 9, 12, 16, 20, 24, 30, 33, 41])], 1)[0]
    assert rising.trend.enough and "rising" in " ".join(rising.sentences())
    few = summary.judge([series([4, 7, 9, 12, 16, 20, 24])], 1)[0]
    assert "no trend is told" in " ".join(few.sentences()) and few.summary_row()["p_value"] < 0.01


def test_a_change_of_level_is_dated():
    rng = np.random.default_rng(5)
    found = change_points.change_points(rng.poisson(np.r_[np.full(12, 20), np.full(12, 60)]).astype(float))
    assert len(found) == 1 and found[0].earliest <= 11 <= found[0].latest
    assert found[0].before == pytest.approx(20, abs=5) and found[0].beyond == pytest.approx(60, abs=8)
    assert not change_points.change_points(np.full(11, 3.0)), "fewer than twelve looks"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 500), min_size=12, max_size=40))
def test_changes_cut_the_series_into_levels_of_five_looks_and_more(values):
    found = change_points.change_points(np.array(values, float))
    edges = [0, *(change.after + 1 for change in found), len(values)]
    assert min(np.diff(edges)) >= change_points.LEAST_A_LEVEL
    for change in found:
        assert 0 <= change.earliest <= change.after <= change.latest < len(values) - 1
        assert change.looks_before >= 5 and change.looks_beyond >= 5


def test_partition_is_the_cheapest_of_all():
    """Against every pair of cuts of a short series."""
    values = np.array([3, 4, 2, 5, 3, 30, 28, 33, 31, 29, 10, 9, 12, 11, 8], float)
    sums, n = np.concatenate([[0], np.cumsum(values)]), len(values)

    def cost(cuts):
        edges = [0, *cuts, n]
        return sum(float(change_points._cost(sums, a, b, 1.0)) + 8 for a, b in zip(edges, edges[1:]))

    least = change_points.LEAST_A_LEVEL
    every = [
        (),
        *((a,) for a in range(least, n - least + 1)),
        *((a, b) for a in range(least, n) for b in range(a + least, n - least + 1)),
    ]
    assert tuple(change_points._partition(sums, 1.0, 8.0)) == min(every, key=cost)


def test_a_jump_is_an_alert_and_a_calm_series_has_none():
    calm = [20, 22, 19, 21, 20, 23, 18, 21, 20, 22]
    assert not alerts.bands(series(calm), 0.01).alert.any()
    jumped = alerts.bands(series([*calm, 60]), 0.01)
    assert jumped.alert.tolist() == [False] * 10 + [True]
    assert np.isnan(jumped.low[:5]).all() and np.isfinite(jumped.low[5:]).all()


def test_a_look_that_is_less_sure_has_a_wider_band():
    rows = [row(10 * i, v) for i, v in enumerate([20, 22, 19, 21, 20, 23, 18])]
    sure = alerts.bands(looks.series_of(rows)[0], 0.01)
    unsure = alerts.bands(looks.series_of([*rows[:-1], {**rows[-1], "low": 8, "high": 40}])[0], 0.01)
    assert unsure.high[-1] > sure.high[-1] and unsure.low[-1] < sure.low[-1]


def test_false_alerts_are_as_rare_as_stated():
    """1,000 series of 24 looks in which nothing changes; bench/series.py does more kinds."""
    rng = np.random.default_rng(11)
    counts = np.rint(60 * np.exp(0.2 * rng.standard_normal((250, 24))))
    raised = sum(int(alerts.bands(series(one), 0.01).alert.sum()) for one in counts)
    assert raised / (250 * 19) < 0.012


def test_the_rate_is_shared_by_all_series():
    two = [series(range(5, 25)), series(range(5, 25))]
    assert alerts.rate_a_look(two, 1) == pytest.approx(alerts.rate_a_look(two[:1], 1) / 2)


def test_chart_draws_every_look_once_and_escapes():
    judged = summary.judge([series([3, 5, None, 8])], 1)
    svg = chart.chart(
        judged, [chart.Reported(53.0, 53.02, 7, "freight_car", "7 <cars>")], [chart.Event(53.02, 53.03, "Visit & more")]
    )
    assert svg.count("<circle") == 3 and "0l8 8m0 -8l-8 8" not in svg and svg.count("m0 -8") == 1
    assert "7 &lt;cars&gt;" in svg and "Visit &amp; more" in svg and "<script" not in svg


def test_nothing_observed_is_said():
    judged = summary.judge(looks.series_of([row(0, None), row(5, None)]), 1)[0]
    assert summary.NO_LOOKS in judged.sentences()[0] and judged.summary_row()["observed"] == 0
