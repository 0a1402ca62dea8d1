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
