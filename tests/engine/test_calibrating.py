"""Labelled places into a calibration, and what any calibration promises."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rason.engine.accuracy import Place
from rason.engine.calibrating import calibration_of, spread
from rason.engine.calibration import Calibration, Trust, dump, load
from rason.engine.conditions import Conditions
from rason.engine.tally import tally


def places(k=6, n=40, recall=0.8, seed=1):
    """A full and an empty zone in each of k scenes; true detections score higher."""
    rng, made = np.random.default_rng(seed), []
    for i in range(k):
        tp, bg = rng.binomial(n, recall), rng.poisson(4)
        score = np.concatenate([rng.normal(0.7, 0.15, tp), rng.normal(0.3, 0.15, bg)])
        hit = np.arange(tp + bg) < tp
        made.append(Place(f"s{i}", "full", tp, n - tp, 0, bg, 2.0, score, hit, np.full(n, 12.0), np.arange(n) < tp))
        none = np.zeros(0)
        made.append(Place(f"s{i}", "empty", 0, 0, 0, 1, 3.0, np.array([0.2]), np.array([False]), none, none.astype(bool)))
    return made


TAKEN = {f"s{i}": Conditions(0.5, 30.0 + 5 * i, sensor="WorldView-2") for i in range(6)}


def test_one_entry_a_scene_with_its_empty_ground():
    made = calibration_of("ship", places(), TAKEN, sites={"s0": "a", "s1": "b"}, source="x")
    assert made.exposure.tolist() == [5.0] * 6 and (made.tp + made.fn).tolist() == [40.0] * 6
    assert made.site == ("a", "b", "", "", "", "") and made.sensors == ("WorldView-2",) and made.source == "x"
    assert made.conditions["sun_elevation_deg"] == (25.0, 60.0) and "contrast" not in made.conditions
    assert [count for count, _, _ in made.scores] == (made.tp + made.bg).tolist()
    assert made.model.names == ("score", "sun_elevation_deg") and made.model.p([0.8])[0] > 0.9 > 0.4 > made.model.p([0.2])[0]


def test_spread_says_what_the_scenes_show():
    made = calibration_of("ship", places(), TAKEN)
    seen = spread(made, places(), TAKEN)
    assert seen.recall[1] <= seen.recall[0] == made.tp.sum() / 240 <= seen.recall[2]
    assert seen.scene_sd[1] <= seen.scene_sd[0] <= seen.scene_sd[2]
    assert seen.brier[0] < seen.brier[1], "p of scenes left out says more than one p for all"
    two = calibration_of("ship", places(2), TAKEN)
    assert spread(two, places(2), TAKEN).scene_sd is None and two.trust("a").basis == "uncalibrated"


def test_scores_unlike_the_labelled_ones_widen():
    made = calibration_of("ship", places(), TAKEN, sites={f"s{i}": f"s{i}" for i in range(6)})
    like, unlike = (
        made.trust("", np.full(40, score), effective_gsd_m=0.5, sun_elevation_deg=40.0) for score in (0.63, 0.05)
    )
    assert (like.basis, like.site_sd) == ("calibrated", 0.0)
    assert (unlike.basis, unlike.site_sd) == ("uncalibrated", 0.2) and "unlike" in unlike.note()


counts = st.lists(st.tuples(*[st.integers(0, 60)] * 4, st.floats(0, 20)), min_size=0, max_size=8)


def of(rows, **more):
    table = np.array(rows, float).reshape(-1, 5)
    return Calibration("ship", *table.T, **more)


@given(counts, st.booleans(), st.sampled_from(["usual", "alongside land"]))
@settings(max_examples=25, deadline=None)
def test_there_and_back(rows, synthetic, prior):
    site = tuple(f"site {i % 3}" for i in range(len(rows)))
    made = of(rows, synthetic=synthetic, prior=prior, site=site, conditions={"contrast": (0.2, 0.7)}, sensors=("SkySat",),
              scores=tuple((3, 0.5, 0.1) for _ in rows))  # fmt: skip
    again = load(dump([made]))["ship"]
    assert again.to_dict() == made.to_dict() and again.key == made.key
    assert json.loads(dump([made]))[0]["class"] == "ship"


@given(counts, st.integers(0, 200), st.floats(0, 30), st.floats(0.5, 1.0), st.sampled_from([0.0, 0.15, 0.2]))
@settings(max_examples=25, deadline=None)
def test_any_interval_holds_its_estimate_and_none_is_never_surely_none(rows, detected, ground, visible, site_sd):
    made = tally(["z"], [detected], [ground], of(rows), visible=visible, trust=Trust(site_sd, "uncalibrated"), size=300)
    assert 0 <= made.low[0] <= made.estimate[0] <= made.high[0] and made.high[0] > 0
    total = made.total()
    assert total[1] <= total[0] <= total[2]


some = st.lists(st.tuples(st.integers(5, 60), *[st.integers(0, 30)] * 3, st.floats(0, 20)), min_size=1, max_size=8)


@given(some, st.integers(1, 120), st.integers(5, 60))
@settings(max_examples=15, deadline=None)
def test_more_found_is_never_fewer_there(rows, detected, more):
    """Where labels hold objects that were found; the ends are quantiles of 2,000 draws, good to a few per cent."""
    few, many = (tally(["z"], [d], [1.0], of(rows), trust=Trust(0.0, "calibrated")) for d in (detected, detected + more))
    assert many.estimate[0] >= few.estimate[0] - 1 and many.high[0] >= 0.93 * few.high[0] - 1


@pytest.mark.parametrize("lower, higher", [(0.6, 0.9), (0.4, 0.7)])
def test_a_detector_that_misses_more_stands_for_more(lower, higher):
    low, high = (calibration_of("ship", places(8, recall=recall, seed=3), {}) for recall in (lower, higher))
    estimate = [tally(["z"], [50], [1.0], c, trust=Trust(0.0, "calibrated")).estimate[0] for c in (low, high)]
    assert estimate[0] > estimate[1]


def test_false_detections_on_ground_of_next_to_no_size_leave_numbers():
    made = of([(30, 5, 0, 4, 5e-324)] * 4)
    assert all(
        np.isfinite(getattr(made.draws(size=200), name)).all() for name in ("mu", "tau", "background", "background_cv")
    )


def test_labels_that_hold_doubles_alone_give_a_wide_interval_and_no_error():
    made = tally(["z"], [3], [1.0], of([(0, 0, 1, 0, 0.0)]), trust=Trust(0.2, "uncalibrated"), size=300)
    assert 0 <= made.low[0] <= made.estimate[0] <= made.high[0]
