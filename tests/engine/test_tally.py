"""From detections to a number with its range."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rason.engine.calibration import CALIBRATED, Calibration, CalibrationDraws, Trust
from rason.engine.errors import Refusal
from rason.engine.tally import SceneDraws, about, hidden, in_unit, measure_row, tally, tally_by_hand

KNOWN = Trust(0.0, CALIBRATED)
SIZE = 20_000


def calibration(scenes=12, n=100, bg=0.0, seed=1):
    rng = np.random.default_rng(seed)
    tp = rng.binomial(n, rng.beta(16, 3, scenes))
    return Calibration("container", tp, n - tp, rng.poisson(0.1 * n, scenes), rng.poisson(bg, scenes), np.ones(scenes))


GOOD, DIRTY = calibration(), calibration(bg=5.0)


def fixed(recall, true_share=1.0, rate=0.0):
    """A scene about which everything is known."""
    one = np.ones(SIZE)
    shared = CalibrationDraws(one * -np.log(recall / true_share), one * 0, one * rate, one * 1e-3, true_share)
    return SceneDraws.make(shared, [1])


def one(detected, scenes=GOOD, exposure=1.0, **more):
    t = tally(["z"], [detected], [exposure], scenes, trust=KNOWN, **more)
    return t.estimate[0], t.low[0], t.high[0]


def test_no_zones():
    t = tally([], [], [], GOOD)
    assert t.rows() == [] and t.total() is None


def test_nothing_seen_is_not_nothing_there():
    t = tally(["a", "b"], [0, 7], [1, 1], GOOD, visible=0.49)
    assert t.estimate == t.low == t.high == t.detected == (None, None) and t.total() is None
    assert [row["visible_fraction"] for row in t.rows()] == [0.49, 0.49]


@pytest.mark.parametrize("scenes", [GOOD, DIRTY, Calibration.none("ship")])
def test_none_detected_is_never_none_there(scenes):
    estimate, low, high = one(0, scenes)
    assert low == 0 and estimate <= high and high >= 1
    assert one(0, scenes, visible=0.5)[2] > 1


@pytest.mark.parametrize("recall, most", [(0.95, 1), (0.85, 2), (0.7, 3), (0.5, 5), (0.3, 9)])
def test_upper_bound_of_none_is_exact_for_a_known_recall(recall, most):
    assert fixed(recall).unseen(0.05, 1.0) == most


@pytest.mark.parametrize("detected, recall", [(3, 0.6), (40, 0.85), (300, 0.95)])
def test_missed_objects_match_the_negative_binomial(detected, recall):
    draws = fixed(recall).seen(detected, 0.0, np.random.default_rng(2))
    expected = detected + stats.nbinom(detected + 0.5, recall).ppf([0.05, 0.5, 0.95])
    assert np.abs(np.quantile(draws, [0.05, 0.5, 0.95]) - expected).max() <= 1


def test_doubles_match_the_binomial():
    """With nothing missed what is left of d detections is binomial."""
    scene = replace(fixed(0.9995, true_share=0.9), recall=np.full(SIZE, 1 - 1e-9))
    draws = scene.seen(50, 0.0, np.random.default_rng(2))
    share = scene.true_share[0]
    assert draws.mean() == pytest.approx(50 * share, rel=0.01) and draws.std() == pytest.approx(
        np.sqrt(50 * share * (1 - share)), rel=0.05
    )


@pytest.mark.parametrize("detected, rate", [(0, 3.0), (2, 1.0), (5, 5.0), (4, 60.0), (500, 20.0)])
def test_false_detections_match_the_truncated_poisson(detected, rate):
    scene = replace(fixed(0.9), rate=np.full(500, rate))
    drawn = scene._false(detected, np.full(SIZE, detected), 1.0, np.random.default_rng(3))
    k = np.arange(detected + 1)
    expected = stats.poisson.pmf(k, rate) / stats.poisson.cdf(detected, rate)
    assert drawn.min() >= 0 and drawn.max() <= detected
    assert np.abs(np.bincount(drawn, minlength=detected + 1) / SIZE - expected).max() < 0.015


def test_false_detections_can_explain_a_few_but_not_many():
    assert one(5, DIRTY)[1] == 0 and one(5, GOOD)[1] > 0
    assert one(60, DIRTY)[1] > 20


def test_false_detections_scale_with_the_ground():
    assert one(60, DIRTY, exposure=0.1)[0] > one(60, DIRTY, exposure=4.0)[0] + 10


@given(st.integers(0, 400), st.integers(0, 100), st.floats(0.5, 1.0))
@settings(max_examples=15, deadline=None)
def test_more_detected_is_never_fewer_there(detected, more, visible):
    few = one(detected, DIRTY, visible=visible)
    many = one(int(detected * 1.25) + 5 + more, DIRTY, visible=visible)
    assert few[1] <= few[0] <= few[2] and all(isinstance(x, int) for x in few)
    assert all(a <= b for a, b in zip(few, many))


@given(st.floats(0, 30))
@settings(max_examples=15, deadline=None)
def test_sums_of_probabilities_lie_between_whole_counts(detected):
    below, between, above = one(max(np.floor(detected) - 2, 0)), one(detected), one(np.ceil(detected) + 2)
    assert below[0] <= between[0] <= above[0] and below[2] - 1 <= between[2] <= above[2] + 1


def test_a_higher_level_is_wider():
    widths = [one(80, level=level)[2] - one(80, level=level)[1] for level in (0.5, 0.8, 0.9, 0.99)]
    assert widths == sorted(widths) and len(set(widths)) == 4


def test_doubling_the_count_doubles_the_estimate():
    a, b = one(200), one(400)
    assert b[0] == pytest.approx(2 * a[0], rel=0.03)


def test_a_new_site_is_wider_and_named_uncalibrated():
    t = tally(["z"], [100], [1], GOOD)
    assert t.basis == "uncalibrated" and t.high[0] - t.low[0] > 1.3 * (one(100)[2] - one(100)[1])


def test_a_zone_does_not_depend_on_its_neighbours():
    together = tally(["a", "b", "c"], [5, 50, 0], [1, 2, 1], DIRTY, trust=KNOWN)
    turned = tally(["c", "b", "a"], [0, 50, 5], [1, 2, 1], DIRTY, trust=KNOWN)
    alone = tally(["b"], [50], [2], DIRTY, trust=KNOWN)
    assert together.rows() == turned.rows()[::-1] and alone.rows()[0] == together.rows()[1]
    assert together.total() == turned.total()


def test_the_total_shares_the_scene_error():
    zones = [str(i) for i in range(20)]
    t = tally(zones, [30] * 20, [1] * 20, GOOD, trust=KNOWN)
    estimate, low, high = t.total()
    added = sum(t.high) - sum(t.low)
    quadrature = np.sqrt(sum((h - lo) ** 2 for h, lo in zip(t.high, t.low)))
    assert estimate == sum(t.estimate) and 1.5 * quadrature < high - low < 0.95 * added


def test_the_total_of_one_zone_is_the_zone():
    t = tally(["z", "unseen"], [100, 5], [1, 1], DIRTY, trust=KNOWN, visible=[1, 0.2], size=SIZE)
    assert np.abs(np.array(t.total()) - (t.estimate[0], t.low[0], t.high[0])).max() <= 2


def test_the_total_over_empty_zones_is_never_surely_none():
    t = tally([str(i) for i in range(20)], [0] * 20, [1] * 20, GOOD, trust=KNOWN)
    assert t.total()[1] == 0 and t.total()[2] >= 1


def test_a_hidden_part_is_filled_in_and_widens():
    whole, most, half = (one(100, visible=v) for v in (1.0, 0.8, 0.5))
    assert half[0] == pytest.approx(2 * whole[0], rel=0.12)
    assert whole[2] - whole[1] < most[2] - most[1] < half[2] - half[1]


def test_hidden_objects_have_the_stated_spread():
    behind = hidden(np.full(SIZE, 1000), 0.7, np.random.default_rng(1))
    assert behind.mean() == pytest.approx(1000 * 0.3 / 0.7, rel=0.02)
    assert behind.std() / (1000 / 0.7) == pytest.approx(np.sqrt(0.3 / 0.7 / 10), rel=0.05)


def test_intervals_hold_the_truth():
    """90 % nominal on 120 simulated scenes, each with its own calibration; the band is about three binomial sd."""
    held = []
    for i in range(120):
        rng = np.random.default_rng([7, i])
        n = int(rng.integers(0, 150))
        found = rng.binomial(n, rng.beta(16, 3)) + rng.poisson(0.1 * n) + rng.poisson(5)
        t = tally(["z"], [found], [1.0], calibration(10, int(rng.integers(30, 200)), 5.0, 100 + i), trust=KNOWN, seed=i)
        held.append(t.low[0] <= n <= t.high[0])
    assert 0.82 <= np.mean(held) <= 0.98


def test_a_hand_count_is_at_least():
    t = tally_by_hand(["z"], [1000], "truck")
    assert t.basis == "counted" and t.estimate == (1000,)
    assert t.low[0] < 880 and t.high[0] > 1182
    assert t.high[0] - 1000 > 1.3 * (1000 - t.low[0])


def test_small_hand_counts():
    t = tally_by_hand(["a", "b", "c"], [0, 1, 9], "coal_pile", reviewed=True)
    assert t.basis == "reviewed" and t.estimate == (0, 1, 9)
    assert t.low[0] == 0 and t.high[0] >= 1 and t.low[1] == 1 and t.high[1] >= 2
    assert t.low[2] < 9 < t.high[2] and t.total()[0] == 10


def test_a_half_seen_hand_count_is_scaled():
    assert tally_by_hand(["a"], [10], "truck", visible=0.5).estimate == (20,)


@pytest.mark.parametrize(
    "change",
    [{"detected": [-1]}, {"detected": [np.nan]}, {"exposure": [-2]}, {"visible": -0.1}, {"level": 0.0}, {"level": 1.0}],
)
def test_impossible_input_is_refused(change):
    values = {"detected": [3], "exposure": [1], **change}
    with pytest.raises(Refusal):
        tally(["z"], values.pop("detected"), values.pop("exposure"), GOOD, **values)


@pytest.mark.parametrize("unit, value", [("m", 240.0), ("m2", 3000.0), ("share", 0.62)])
def test_measures_have_a_wide_interval(unit, value):
    row = measure_row("z", "freight_car", value, unit)
    assert row["low"] < row["estimate"] < row["high"] and row["basis"] == "uncalibrated"
    assert row["high"] / row["low"] > 1.5 and row["estimate"] == pytest.approx(value)
    wider = measure_row("z", "freight_car", value, unit, visible=0.6)
    assert unit == "share" or wider["estimate"] == pytest.approx(value / 0.6, abs=1)


def test_measure_edges():
    assert measure_row("z", "ship", 0.0, "m")["low"] == 0 and measure_row("z", "ship", 0.0, "m")["high"] > 0
    assert measure_row("z", "container", 0.95, "share")["high"] == 1.0
    assert measure_row("z", "container", 50.0, "m2", visible=0.3)["estimate"] is None


def test_in_another_unit():
    row = tally(["z"], [20], [1], GOOD).rows()[0]
    teu = in_unit(row, "TEU", 1.6)
    assert teu["estimate"] == int(row["estimate"] * 1.6 + 0.5) and teu["low"] <= teu["estimate"] <= teu["high"]
    assert in_unit({**row, "estimate": None}, "TEU", 1.6)["estimate"] is None


@pytest.mark.parametrize(
    "values, text",
    [
        ((73, 70, 78), "about 73, 70 to 78"),
        ((72.6, 69.9, 77.2), "about 73, 69 to 78"),
        ((1234.4, 900, 1700, "m2"), "about 1,234 m², 900 to 1,700 m²"),
        ((0.62, 0.45, 0.8, "share"), "about 62 %, 45 to 80 %"),
        ((0, 0, 2), "about 0, 0 to 2"),
        ((None, None, None), "not observed"),
    ],
)
def test_about(values, text):
    assert about(*values) == text


def test_two_hundred_zones_are_quick():
    import time

    rng = np.random.default_rng(1)
    started = time.process_time()
    tally(range(200), rng.poisson(50, 200), np.ones(200), DIRTY)
    assert time.process_time() - started < 1.0
