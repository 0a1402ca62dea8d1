"""Types of wagons."""

import numpy as np
import pytest

from rason.engine.detectors import wagon_types as wt
from rason.engine.detectors.strip import Strip
from rason.engine.detectors.wagon_evidence import Light

LIGHT = Light(np.array([0.0, -1.0]), 0.0, 1.0, 0.6)  # shadows fall to the south, the right of a track that runs east


def strip(across, *, flipped=False, n=120, step=0.25):
    """A track to the east whose luminance depends on the offset across it alone."""
    offsets = np.arange(-22, 23) * step
    row = across(-offsets if flipped else offsets)
    colour = np.repeat(np.repeat(row[None, :, None], n, axis=0), 3, axis=2).astype(np.float32)
    s = (np.arange(n) + 0.5) * step
    along = np.tile([-1.0, 0.0] if flipped else [1.0, 0.0], (n, 1))
    return Strip(
        s, s, 0 * s, along, offsets, colour, np.ones(colour.shape[:2], np.float32), np.zeros((0, 3), np.float32), step
    )


def test_features_do_not_depend_on_the_lines_direction():
    shape = lambda t: 0.5 + 0.1 * np.tanh(t)  # noqa: E731
    low, high = np.array([5.0]), np.array([17.0])
    forth = wt.type_features(strip(shape), LIGHT, low, high)
    np.testing.assert_allclose(wt.type_features(strip(shape, flipped=True), LIGHT, low, high), forth, atol=1e-6)


def test_chances_sum_to_one_and_types_are_the_published_words():
    for net in wt.shipped_nets():
        chances = net.chances(np.random.default_rng(0).normal(size=(5, len(net.mean))))
        np.testing.assert_allclose(chances.sum(1), 1.0)
        assert chances.shape[1] == len(wt.TYPES)
    assert wt.TANK in wt.TYPES


@pytest.mark.parametrize(("gsd", "allowed"), [(0.5, {"tank", ""}), (1.0, {"tank", ""}), (1.5, {""})])
def test_types_stop_where_they_cannot_be_told(gsd, allowed):
    names, p = wt.types_of(strip(lambda t: 0.5 + 0 * t), LIGHT, np.array([2.0, 15.0]), np.array([14.0, 27.0]), gsd)
    assert set(names) <= allowed
    assert (np.isfinite(p) == (names != "")).all()
    assert len(wt.types_of(strip(lambda t: 0.5 + 0 * t), LIGHT, np.zeros(0), np.zeros(0), gsd)[0]) == 0
