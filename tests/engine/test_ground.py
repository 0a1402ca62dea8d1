"""Ground colours."""

import numpy as np
import pytest

from rason.engine.detectors.ground import Ground, lab


def test_lab_of_known_colours():
    assert lab(np.array([[1.0], [1.0], [1.0]]))[:, 0] == pytest.approx([100, 0, 0], abs=0.6)
    assert lab(np.zeros((3, 1)))[:, 0] == pytest.approx([0, 0, 0], abs=0.6)
    assert lab(np.array([[1.0], [0.0], [0.0]]))[:, 0] == pytest.approx([53, 80, 67], abs=2)


def test_too_few_pixels_teach_nothing():
    assert Ground.learn(np.zeros((0, 3))) is None


def test_two_soils_are_ground_and_a_box_lying_there_is_not():
    rng = np.random.default_rng(1)
    soils = np.concatenate([rng.normal((40, 2, 5), 2, (500, 3)), rng.normal((70, 0, 8), 2, (400, 3))])
    red_box = rng.normal((45, 60, 40), 2, (50, 3))
    ground = Ground.learn(np.concatenate([soils, red_box]))
    asked = np.array([[40, 2, 5], [70, 0, 8], [45, 60, 40]], float).T
    away = ground.distance(asked)
    assert away[0] < 2 and away[1] < 2 and away[2] > 5
