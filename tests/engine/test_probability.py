"""From score to p."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rason.engine.errors import Refusal
from rason.engine.probability import LEAST_ISOTONIC, ScoreModel, brier, fit, isotonic, left_out
from rason.engine.score_alarm import FALSE_ALARMS, alarm, p_value, summary


def labelled(n, seed=1, slope=6.0, gsd=0.0):
    """Scores 0 to 1, p = logistic(slope (score - 0.5) - gsd (GSD - 0.5)), GSD of 0.3 to 0.7 m."""
    rng = np.random.default_rng(seed)
    score, detail = rng.random(n), rng.uniform(0.3, 0.7, n)
    p = 1 / (1 + np.exp(-(slope * (score - 0.5) - gsd * (detail - 0.5))))
    return score, rng.random(n) < p, p, detail


@pytest.mark.parametrize("n, kind", [(LEAST_ISOTONIC - 1, "logistic"), (4 * LEAST_ISOTONIC, "isotonic")])
def test_recovers_the_curve(n, kind):
    score, hit, _, _ = labelled(n)
    model = fit(score, hit)
    assert (len(model.knots) > 0) == (kind == "isotonic")
    at = np.linspace(0.05, 0.95, 19)
    assert np.abs(model.p(at) - 1 / (1 + np.exp(-6 * (at - 0.5)))).max() < 0.12


def test_logistic_fit_matches_a_general_minimiser():
    from scipy.optimize import minimize

    score, hit, _, detail = labelled(300, gsd=4.0)
    model = fit(score, hit, {"effective_gsd_m": detail})
    x = np.hstack([np.ones((300, 1)), (np.stack([score, detail], axis=1) - model.centre) / model.scale])
    target = np.where(hit, (hit.sum() + 1) / (hit.sum() + 2), 1 / ((~hit).sum() + 2))

    def loss(w):
        z = x @ w
        return np.sum(np.logaddexp(0, z) - target * z) + 0.5 * (1e-4 * w[0] ** 2 + w[1] ** 2 / 2.5**2 + w[2] ** 2)

    assert minimize(loss, np.zeros(3), tol=1e-10).x == pytest.approx(model.weights, abs=1e-3)


def test_a_condition_shifts_p_and_an_unknown_one_is_average():
    score, hit, _, detail = labelled(400, gsd=12.0)
    model = fit(score, hit, {"effective_gsd_m": detail, "constant": np.ones(400)})
    assert model.names == ("score", "effective_gsd_m")
    fine, coarse = (model.p(0.5, {"effective_gsd_m": g})[0] for g in (0.3, 0.7))
    assert fine > model.p(0.5)[0] > coarse


@given(st.integers(0, 40), st.sampled_from([60, 700]), st.booleans())
@settings(max_examples=20, deadline=None)
def test_p_never_falls_with_the_score(seed, n, upside_down):
    score, hit, _, _ = labelled(n, seed)
    model = fit(-score if upside_down else score, hit)
    p = model.p(np.linspace(-2, 2, 200))
    assert (np.diff(p) >= -1e-12).all() and (p > 0).all() and (p < 1).all()


@given(st.integers(0, 40), st.sampled_from([60, 700]))
@settings(max_examples=10, deadline=None)
def test_there_and_back(seed, n):
    score, hit, _, detail = labelled(n, seed)
    model = fit(score, hit, {"effective_gsd_m": detail}, synthetic=True)
    again = ScoreModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert np.array_equal(again.p(score, {"effective_gsd_m": detail}), model.p(score, {"effective_gsd_m": detail}))
    assert again.kind == "p_sim" and again.labels == n


def test_isotonic_matches_brute_force():
    """The best rising step curve, by its minimax formula."""
    rng = np.random.default_rng(3)
    hit = rng.random(40) < np.linspace(0.1, 0.9, 40)
    mean = [[hit[a : b + 1].mean() if a <= b else np.nan for b in range(40)] for a in range(40)]
    best = [max(min(mean[a][b] for b in range(k, 40)) for a in range(k + 1)) for k in range(40)]
    knots = isotonic(np.arange(40.0), hit)
    assert sorted(set(np.round(np.clip(best, 1 / 42, 41 / 42), 9))) == np.round(knots[:, 1], 9).tolist()


@pytest.mark.parametrize("hit", [[True] * 40, [False] * 40, [True] * 39 + [False], [True, False] * 5])
def test_too_few_labels_give_no_curve(hit):
    assert fit(np.linspace(0, 1, len(hit)), hit) is None


def test_separated_labels_stay_off_0_and_1():
    score = np.linspace(0, 1, 60)
    p = fit(score, score > 0.5).p([0.0, 1.0])
    assert 0.0005 < p[0] < 0.1 and 0.9 < p[1] < 0.9995


def test_left_out_scenes_are_judged_by_the_others():
    score, hit, _, _ = labelled(300)
    scene = [f"scene {i % 5}" for i in range(300)]
    p = left_out(score, hit, scene)
    assert np.isfinite(p).all() and brier(p, hit) < brier(np.full(300, hit.mean()), hit)
    assert np.isnan(left_out(score[:35], hit[:35], scene[:35])).all(), "too few labels in the others"
    flipped = hit.copy()
    flipped[::5] = ~hit[::5]  # scene 0's own labels
    assert np.allclose(left_out(score, flipped, scene)[::5], p[::5])


@pytest.mark.parametrize(
    "change", [{"weights": [1.0]}, {"scale": [0.0]}, {"names": ["contrast"]}, {"knots": [[0, 1], [1, 0]]}]
)
def test_a_damaged_curve_is_refused(change):
    score, hit, _, _ = labelled(60)
    with pytest.raises(Refusal, match="rason:calibrate"):
        ScoreModel.from_dict({**fit(score, hit).to_dict(), **change})


def scenes(rng, k, n=40, shift=0.0):
    return [rng.normal(rng.normal(0.7, 0.05) - shift, 0.15, n) for _ in range(k)]


def test_alarm_is_quiet_at_its_level_and_hears_what_is_loud():
    rng = np.random.default_rng(1)
    quiet, loud = [], []
    for _ in range(300):
        known = [summary(s) for s in scenes(rng, 10)]
        quiet.append(p_value(known, scenes(rng, 1)[0]) < FALSE_ALARMS)
        loud.append(p_value(known, scenes(rng, 1, shift=0.3)[0]) < FALSE_ALARMS)
    assert np.mean(quiet) < 0.10 and np.mean(loud) > 0.9


def test_alarm_says_what_it_compares():
    rng = np.random.default_rng(2)
    known = [summary(s) for s in scenes(rng, 8)]
    assert "unlike the labelled scenes" in alarm(known, np.full(30, 0.1)) and alarm(known, np.full(30, 0.7)) == ""
    assert alarm(known[:4], np.full(30, 0.1)) == "" and alarm(known, [0.1]) == "" and alarm([], []) == ""
