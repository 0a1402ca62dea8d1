"""Labelled scenes and what they are worth."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from rason.engine.calibration import Calibration, _negative_binomial, dump, hand_draws, load
from rason.engine.errors import Refusal

EMPTY = np.zeros(0)


def calibration(scenes=10, n=100, recall=0.85, dup=0.1, bg=2.0, seed=1, recall_sd=0.08, **more):
    rng = np.random.default_rng(seed)
    tp = np.round(n * np.clip(rng.normal(recall, recall_sd, scenes), 0.1, 1))
    more = {"exposure": np.ones(scenes), "site": [f"site {i}" for i in range(scenes)], **more}
    return Calibration("container", tp, n - tp, rng.poisson(n * dup, scenes), rng.poisson(bg, scenes), **more)


def test_no_scene_is_a_wide_prior_and_uncalibrated():
    none = Calibration.none("container")
    trust, draws = none.trust("rajin"), none.draws()
    assert trust.basis == "uncalibrated" and trust.reasons
    spread = np.exp(1.645 * np.hypot(draws.mu.std(), draws.tau[0]))
    assert 1.5 < spread < 1.7 and abs(draws.mu.mean()) < 0.02
    assert (draws.background > 0).all() and draws.true_share == 1.0


def test_none_counts_tracks_in_km():
    assert Calibration.none("freight_car").exposure_unit == "km"
    assert Calibration.none("ship").exposure_unit == "ha"


@pytest.mark.parametrize("tp, bg", [([0, 0, 0, 0], [0, 0, 0, 0]), ([0, 0, 0], [5, 1, 0]), ([2, 1, 0], [0, 0, 0])])
def test_scenes_without_objects_say_nothing_of_recall(tp, bg):
    zero = np.zeros(len(tp))
    empty = Calibration("container", tp, zero, zero, bg, np.ones(len(tp)))
    assert empty.trust("x").basis == "uncalibrated"
    draws = empty.draws()
    assert np.isfinite(draws.mu).all() and abs(draws.mu.mean()) < 0.03
    assert np.median(draws.background) == pytest.approx(np.mean(bg) + 0.5 / len(bg), rel=0.9)


def test_two_scenes_pull_the_prior_and_stay_uncalibrated():
    low = calibration(2, recall=0.5, recall_sd=0.0, dup=0.0)
    assert low.trust("site 0").basis == "uncalibrated"
    assert 0.3 < low.draws().mu.mean() < np.log(2)


def test_many_equal_scenes_are_known_well():
    draws = calibration(40, n=300, recall=0.8, recall_sd=0.0, dup=0.0).draws()
    assert draws.mu.mean() == pytest.approx(np.log(1 / 0.8), abs=0.02)
    assert np.median(draws.tau) < 0.03


def test_mean_and_spread_match_brute_force_integration():
    """The same posterior, written down as a two-dimensional integral over mean and sd."""
    scenes = calibration(6, seed=4)
    y, v = scenes._log_ratios()

    def density(tau):
        grid = np.linspace(y.mean() - 1.5, y.mean() + 1.5, 1201)
        like = stats.norm.pdf(y[:, None], grid, np.sqrt(v + tau**2)[:, None]).prod(0) / (1 + (tau / 0.25) ** 2)
        return grid, like

    taus = np.linspace(1e-3, 2.0, 800)
    mass = np.array(
        [
            [
                integrate.trapezoid(like, grid),
                integrate.trapezoid(like * grid, grid),
                integrate.trapezoid(like * grid**2, grid),
            ]
            for grid, like in map(density, taus)
        ]
    )
    total, first, second = integrate.trapezoid(mass, taus, axis=0)
    mean, sd = first / total, np.sqrt(second / total - (first / total) ** 2)
    tau = integrate.trapezoid(mass[:, 0] * taus, taus) / total
    draws = scenes.draws(size=40_000)
    assert draws.mu.mean() == pytest.approx(mean, abs=0.005)
    assert draws.mu.std() == pytest.approx(sd, rel=0.08)
    assert draws.tau.mean() == pytest.approx(tau, rel=0.08)


def test_negative_binomial_matches_scipy():
    count, mean, cv = np.array([0.0, 3.0, 12.0]), np.array([1.0, 4.0, 6.0]), np.array([0.7])
    shape = 1 / cv**2
    expected = stats.nbinom.logpmf(count, shape, shape / (shape + mean)).sum()
    assert _negative_binomial(count, mean, cv) == pytest.approx(expected)


def test_background_matches_brute_force_integration():
    bg, exposure = np.array([0.0, 2, 7, 3, 0, 4]), np.array([1.0, 2, 2, 1, 1, 2])
    zero = np.zeros(6)
    draws = Calibration("container", zero, zero, zero, bg, exposure).draws(size=40_000)
    log_b, cv = np.meshgrid(np.linspace(-3, 4, 300), np.linspace(0.03, 5, 300), indexing="ij")
    shape = (1 / cv**2)[..., None]
    mean = np.exp(log_b)[..., None] * exposure
    weight = stats.nbinom.pmf(bg, shape, shape / (shape + mean)).prod(-1) * np.exp(0.5 * log_b) / (1 + (cv / 0.8) ** 2)
    weight /= weight.sum()
    assert np.log(draws.background).mean() == pytest.approx((weight * log_b).sum(), abs=0.05)
    assert draws.background_cv.mean() == pytest.approx((weight * cv).sum(), rel=0.1)


def test_no_false_detection_on_much_ground_bounds_the_rate():
    zero = np.zeros(10)
    draws = Calibration("container", zero, zero, zero, zero, np.full(10, 3.0)).draws()
    assert np.quantile(draws.background, 0.95) < 3 / 30 * 1.6  # 3/n is the exact one-sided 95 % bound
    assert (draws.background > 0).all()


@given(st.permutations(range(8)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_scenes_does_not_matter(order):
    a = calibration(8, seed=2)
    b = Calibration("container", *(getattr(a, name)[list(order)] for name in ("tp", "fn", "dup", "bg", "exposure")))
    for name in ("mu", "tau", "background", "background_cv"):
        assert np.allclose(np.mean(getattr(a.draws(), name)), np.mean(getattr(b.draws(), name)), rtol=1e-3, atol=1e-4)


def test_draws_are_seeded():
    a = calibration()
    assert np.array_equal(a.draws(3).mu, a.draws(3).mu) and not np.array_equal(a.draws(3).mu, a.draws(4).mu)


@pytest.mark.parametrize(
    "scenes, site, gsd, sd, basis",
    [
        (10, "rajin", 0.4, 0.0, "calibrated"),  # ten other sites
        (4, "rajin", 0.4, 0.15, "uncalibrated"),  # four are too few
        (10, "rajin", 1.0, 0.20, "uncalibrated"),  # coarser than anything labelled
    ],
)
def test_trust(scenes, site, gsd, sd, basis):
    trust = calibration(scenes, conditions={"effective_gsd_m": (0.3, 0.5)}).trust(site, effective_gsd_m=gsd)
    assert (trust.site_sd, trust.basis) == (sd, basis)
    assert bool(trust.reasons) == (basis == "uncalibrated")


def test_a_site_is_known_by_five_of_its_own_scenes():
    same = calibration(5, site=["tumangan"] * 5)
    assert same.trust("tumangan").basis == "calibrated"
    assert same.trust("rajin").site_sd == 0.15 and same.trust().site_sd == 0.15
    assert same.sites == 1


def test_synthetic_labels_alone_never_calibrate():
    trust = calibration(30, synthetic=True).trust("site 1")
    assert trust.basis == "uncalibrated" and trust.site_sd == 0.20 and "synthetic" in trust.reasons[0]


def test_there_and_back_through_json():
    a = calibration(source="labels by hand, CC BY 4.0", conditions={"effective_gsd_m": (0.3, 0.5)}, synthetic=True)
    b = load(dump([a]))["container"]
    assert b.to_dict() == a.to_dict() and b.key == a.key
    assert np.array_equal(b.draws().mu, a.draws().mu)
    assert calibration(seed=9).key != a.key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "3",
        '{"tp": 1}',
        '["x"]',
        '[{"class": "ship"}]',
        '[{"class": "ship", "tp": ["a"], "fn": [1], "dup": [0], "bg": [0], "exposure": [1]}]',
    ],
)
def test_what_is_no_calibration_is_refused_in_one_line(text):
    with pytest.raises(Refusal) as refusal:
        load(text, "labels.json")
    assert "\n" not in str(refusal.value) and "rason:calibrate" in str(refusal.value)


@pytest.mark.parametrize(
    "change", [{"tp": [-1, 1]}, {"fn": [1]}, {"exposure": [np.nan, 1]}, {"exposure_unit": "acre"}, {"site": ["a"]}]
)
def test_impossible_labels_are_refused(change):
    values = {**{name: [1, 1] for name in ("tp", "fn", "dup", "bg", "exposure")}, "class": "ship", **change}
    with pytest.raises(Refusal):
        Calibration.from_dict(json.loads(json.dumps(values)))


def test_a_hand_count_spreads_as_nine_people_did():
    """880 to 1,182 by nine people: the mean range of nine draws at our sd."""
    draws = hand_draws(size=9000)
    rng = np.random.default_rng(1)
    spans = np.ptp(rng.standard_normal((1000, 9)) * draws.tau.reshape(1000, 9), axis=1)
    assert np.exp(spans.mean()) == pytest.approx(1182 / 880, rel=0.03)
