"""Types of wagons."""

from dataclasses import replace

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


def test_features_do_not_depend_on_how_bright_the_wagon_is():
    low, high = np.array([5.0]), np.array([17.0])
    dark, bright = (
        wt.chips(strip(lambda t, b=base: np.where(np.abs(t) < 1.6, b + 0.1 * np.cos(t), 0.6)), LIGHT, low, high)
        for base in (0.4, 0.6)
    )
    inner = wt.CORE
    middles = [np.median(chip[:, 2:-2][:, :, wt.BODY, 0]) for chip in (dark, bright)]
    np.testing.assert_allclose(dark[..., inner, 0] - middles[0], bright[..., inner, 0] - middles[1], atol=1e-6)
    assert wt.type_features(strip(lambda t: 0.5 + 0 * t), LIGHT, low, high).shape == (1, len(wt.shipped_nets()[0].mean))


def test_chances_sum_to_one_and_types_are_the_published_words():
    for net in wt.shipped_nets():
        chances = net.chances(np.random.default_rng(0).normal(size=(5, len(net.mean))))
        np.testing.assert_allclose(chances.sum(1), 1.0)
        assert chances.shape[1] == len(wt.TYPES)
        assert set(net.limits) <= set(wt.TYPES) and all(0.5 <= limit < 1 for limit in net.limits.values())
    assert {"tank", "empty flat", "locomotive", "coach"} <= set(wt.TYPES)


def test_wagons_that_look_alike_share_what_is_said_of_them():
    scores = np.array([[2.0, 0.0], [0.0, 0.5], [2.0, 0.0], [-20.0, 20.0]])
    shared = wt.of_train(scores)
    assert shared[1, 0] > shared[1, 1], "taken along by its neighbours"
    np.testing.assert_allclose(shared[3], scores[3], atol=0.1)
    assert wt.of_train(scores[:0]).shape == (0, 2)


def test_nothing_is_told_without_a_limit_or_of_parts_of_wagons():
    net = replace(wt.shipped_nets()[0], limits={"tank": 0.7})
    chances = np.full((4, len(wt.TYPES)), 0.01)
    chances[[0, 1, 3], wt.TYPES.index("tank")] = 0.9, 0.6, 0.9  # the last is too short
    chances[2, wt.TYPES.index("box")] = 0.9
    names, p = net.told(chances, np.array([11.0, 11.0, 14.0, 5.0]))
    assert list(names) == ["tank", "", "", ""]
    np.testing.assert_allclose(p, [0.9, np.nan, np.nan, np.nan])


def test_a_lone_tank_car_is_not_told():
    net = replace(wt.shipped_nets()[0], limits={"tank": 0.7})
    chances = np.full((5, len(wt.TYPES)), 0.01)
    chances[:, wt.TYPES.index("box")] = 0.5
    chances[[0, 2, 3], wt.TYPES.index("tank")] = 0.9
    assert list(net.told(chances, np.full(5, 11.0))[0]) == ["", "", "tank", "tank", ""]


@pytest.mark.parametrize("gsd", [0.5, 1.0, 1.5])
def test_types_stop_where_they_cannot_be_told(gsd):
    told = [net.limits for net in wt.shipped_nets() if gsd <= net.up_to_m][:1]
    names, p = wt.types_of(strip(lambda t: 0.5 + 0 * t), LIGHT, np.array([2.0, 15.0]), np.array([14.0, 27.0]), gsd)
    assert set(names) <= {"", *(told[0] if told else {})}
    assert (np.isfinite(p) == (names != "")).all()
    assert len(wt.types_of(strip(lambda t: 0.5 + 0 * t), LIGHT, np.zeros(0), np.zeros(0), gsd)[0]) == 0


def test_what_carries_no_freight_is_said_of_its_track():
    names = np.array(["locomotive", "tank", "", "coach", "coach"], object)
    (text,) = wt.warning("T1", names)
    assert "T1" in text and "its 5 rail vehicles include 1 locomotive and 2 passenger coaches" in text
    assert wt.warning("T1", names[1:3]) == ()
