"""Where a line lies beside its rails."""

import numpy as np
import pytest

from rason.engine.detectors import track_offset as to


def test_a_warning_names_metres_and_side():
    right = np.array([1.0, 0.0])  # a track that runs north
    assert to.warning("T3", 1.2, 0.99, right) == ("Track T3 lies about 1.2 m west of its rails: move it.",)
    assert to.warning("T3", -1.2, 0.99, right) == ("Track T3 lies about 1.2 m east of its rails: move it.",)


@pytest.mark.parametrize(("to_right_m", "far"), [(0.5, 1.0), (1.5, 0.9), (float("nan"), 0.0)])
def test_what_is_small_or_unsure_is_not_said(to_right_m, far):
    assert to.warning("T3", to_right_m, far, np.array([1.0, 0.0])) == ()


def test_chances_follow_the_profile():
    """A template of one peak finds the peak wherever it lies."""
    width = int(round(2 * to.HALF_M / to.GRID_M)) + 1
    weights = np.zeros((1, 1, width))
    weights[0, 0, width // 2] = 5.0
    templates = to.Templates(np.ones(1), weights, np.zeros(1))
    for k, offset in enumerate(to.OFFSETS_M):
        profile = (np.abs(to.ACROSS_M - offset) < 0.01).astype(float)[None, None]
        chances = np.exp(templates.log_chances(profile)[0])
        assert chances.sum() == pytest.approx(1.0)
        assert chances.argmax() == k


RIGHT = np.array([0.0, -1.0])


def evidence(at_m, strength):
    """Log-likelihood of a line whose rails lie at_m to its right."""
    return -strength * (to.OFFSETS_M - at_m) ** 2


def told(monkeypatch, shown):
    """How many lines are warned about."""
    every = iter(shown)
    monkeypatch.setattr(to, "_shown", lambda *_: next(every))
    found = to.offsets([[100.0]] * len(shown), [[]] * len(shown), None)
    return [bool(to.warning("T", *one)) for one in found]


@pytest.mark.parametrize("turned", [1, -1])
def test_what_the_other_tracks_show_makes_a_weak_one_sure(monkeypatch, turned):
    """Whichever way each line was drawn."""
    weak, sure = evidence(0.9, 8.0), evidence(1.0 * turned, 60.0)
    assert told(monkeypatch, [(weak, 10, RIGHT)]) == [False]
    assert told(monkeypatch, [(weak, 10, RIGHT), *[(sure, 10, RIGHT * turned)] * 3]) == [True] * 4


def test_one_line_aside_among_true_ones_is_said_of_it_alone(monkeypatch):
    true, aside = evidence(0.0, 60.0), evidence(1.0, 60.0)
    assert told(monkeypatch, [(aside, 10, RIGHT), *[(true, 10, RIGHT)] * 3]) == [True, False, False, False]


def test_tracks_that_run_elsewhere_say_nothing(monkeypatch):
    weak, across = evidence(0.9, 8.0), evidence(1.0, 60.0)
    shown = [(weak, 10, RIGHT), *[(across, 10, np.array([1.0, 0.0]))] * 3]
    assert told(monkeypatch, shown) == [False, True, True, True]


def test_too_little_seen_says_nothing(monkeypatch):
    assert told(monkeypatch, [(evidence(1.0, 60.0), 2, RIGHT)]) == [False]
