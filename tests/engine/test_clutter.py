"""The K law against numerical integration, and its parameters and false alarms against drawn clutter."""

import numpy as np
import pytest

from rason.engine.detectors.clutter import KLaw
from rason.engine.detectors.local_clutter import LocalClutter


def exceeded(x, looks, nu):
    """P(texture · speckle > x) by integration over the texture."""
    from scipy import integrate, special

    def share(v):
        density = np.exp(nu * (np.log(nu) + v - np.exp(v)) - special.gammaln(nu))
        return special.gammaincc(looks, looks * x / np.exp(v)) * density

    return integrate.quad(share, -20, 6, limit=400, points=[-2, 0, 1, 2, 3])[0]


@pytest.mark.parametrize("looks", [1.0, 4.4, 20.0])
@pytest.mark.parametrize("nu", [0.5, 1.5, 4.0, 40.0])
def test_thresholds_keep_the_nominal_probability(looks, nu):
    law = KLaw(looks)
    for pfa in (1e-3, 1e-5, 1e-7):
        assert exceeded(float(law.threshold(pfa, np.array(nu))), looks, nu) == pytest.approx(pfa, rel=0.02)


def test_no_texture_is_the_gamma_law():
    from scipy import special

    t = float(KLaw(4.4).threshold(1e-6, np.array(1e9)))
    assert special.gammaincc(4.4, 4.4 * t) == pytest.approx(1e-6, rel=0.1)


@pytest.mark.parametrize("nu", [0.7, 1.5, 4.0, 15.0])
def test_what_is_cut_off_does_not_move_the_fit(nu):
    rng = np.random.default_rng(2)
    x = rng.gamma(4.4, 1 / 4.4, 200_000) * rng.gamma(nu, 1 / nu, 200_000) * 0.02
    x[:4000] = rng.uniform(1, 100, 4000)  # ships on two of a hundred pixels
    limit = 0.02 * KLaw(4.4).threshold(0.02, np.array(nu))
    below = x[x < limit]
    ratio = np.square(below).mean() / below.mean() ** 2
    mean, found = KLaw(4.4).fit(np.array([limit]), np.array([below.mean()]), np.array([ratio]))
    assert mean[0] == pytest.approx(0.02, rel=0.03) and found[0] == pytest.approx(nu, rel=0.1)


@pytest.mark.parametrize("nu", [1.5, 4.0, np.inf])
def test_realised_false_alarms_are_within_twice_the_nominal(nu):
    rng = np.random.default_rng(5)
    shape = (1500, 1500)
    x = rng.gamma(4.4, 1 / 4.4, shape).astype(np.float32)
    x *= np.linspace(0.5, 2, shape[1], dtype=np.float32)  # a slow ramp is no texture
    if np.isfinite(nu):
        x *= rng.gamma(nu, 1 / nu, shape).astype(np.float32)
    sea = np.ones(shape, bool)
    clutter = LocalClutter.measure(x, sea, KLaw(4.4))
    rate = clutter.above(x, sea, 1e-4)[0].size / x.size
    assert 0.5e-4 < rate < 2e-4


def test_a_bright_fleet_does_not_raise_the_threshold():
    rng = np.random.default_rng(6)
    x = rng.gamma(4.4, 1 / 4.4, (512, 512)).astype(np.float32)
    sea = np.ones(x.shape, bool)
    before = LocalClutter.measure(x, sea, KLaw(4.4)).mean
    for row in range(40, 500, 60):
        x[row : row + 6, 100:130] = 500.0
        x[row - 10 : row + 16, 60:170] += 1.0  # their sidelobes
    after = LocalClutter.measure(x, sea, KLaw(4.4)).mean
    assert np.abs(np.log(after[:, -2:] / before[:, -2:])).max() < 0.02 and np.log(after / before).max() < 0.3


def test_little_sea_says_nothing():
    sea = np.zeros((300, 300), bool)
    sea[:5, :5] = True
    assert LocalClutter.measure(np.ones((300, 300), np.float32), sea, KLaw(4.4)) is None
