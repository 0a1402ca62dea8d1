"""Straightening a line: geometry, what is not seen, pieces."""

import numpy as np
import pytest
from shapely.geometry import LineString

from rason.engine.detectors.strip import lengthened, observed_runs, points_along, straighten
from rason.engine.scene import ArrayScene


def ramp(valid=None):
    """200 m x 200 m, red is the easting and green the northing in metres, 0.5 m pixels, corner at (1000, 5000)."""
    column, row = np.meshgrid(np.arange(400), np.arange(400))
    data = np.stack([1000 + (column + 0.5) * 0.5, 5000 - (row + 0.5) * 0.5, np.zeros((400, 400))]).astype(np.float32)
    return ArrayScene(data, 0.5, x0=1000, y0=5000, valid=valid)


def test_a_line_shorter_than_a_step_gives_no_points():
    strip = straighten(ramp(), LineString([(1010, 4900), (1010.1, 4900)]), step_m=0.5, half_width_m=3)
    assert len(strip) == 0
    assert observed_runs(strip, 3.0) == []


def test_a_line_outside_the_scene_is_not_observed():
    strip = straighten(ramp(), LineString([(0, 0), (50, 0)]), step_m=0.5, half_width_m=3)
    assert len(strip) == 100
    assert not strip.observed.any()
    assert observed_runs(strip, 3.0) == []


@pytest.mark.parametrize("ends", [[(1020, 4950), (1150, 4850)], [(1150, 4850), (1020, 4950)], [(1020, 4820), (1020, 4990)]])
def test_every_sample_is_where_it_should_be(ends):
    strip = straighten(ramp(), LineString(ends), step_m=0.5, half_width_m=3)
    right = np.stack([strip.along[:, 1], -strip.along[:, 0]], axis=1)
    x = strip.x[:, None] + right[:, :1] * strip.across_m
    y = strip.y[:, None] + right[:, 1:] * strip.across_m
    np.testing.assert_allclose(strip.colour[..., 0], x, atol=0.01)
    np.testing.assert_allclose(strip.colour[..., 1], y, atol=0.01)
    assert strip.weight.min() > 0.999


def test_unseen_pixels_do_not_colour_their_neighbours():
    valid = np.ones((400, 400), bool)
    valid[:, 100:120] = False
    scene = ramp(valid)
    scene.data[:, ~valid] = 1e6
    strip = straighten(scene, LineString([(1030, 4900), (1090, 4900)]), step_m=0.5, half_width_m=3)
    assert strip.colour[..., 0].max() < 1100
    assert [(r.start, r.stop) for r in observed_runs(strip, 3.0)] == [(0, 40), (60, 120)]
    assert [(r.start, r.stop) for r in observed_runs(strip, 10.0)] == [(0, 120)]


def test_only_windows_along_the_line_are_read():
    scene, areas = ramp(), []

    class Watched:
        gsd_m = effective_gsd_m = 0.5

        def read(self, bounds, gsd_m=None):
            areas.append((bounds[2] - bounds[0]) * (bounds[3] - bounds[1]))
            return scene.read(bounds, gsd_m)

    straighten(Watched(), LineString([(1000, 4800), (1200, 5000)]), step_m=0.5, half_width_m=3)
    assert max(areas) < 60 * 60
    assert sum(areas) < 0.5 * 200 * 200


def test_lanes_are_weighted_means():
    strip = straighten(ramp(), LineString([(1100, 4820), (1100, 4990)]), step_m=0.5, half_width_m=3)
    colour, seen = strip.lanes(((-3, -2), (-0.5, 0.5), (2, 3)))
    np.testing.assert_allclose(colour[50, :, 0], [1097.5, 1100, 1102.5], atol=0.01)
    assert seen.min() > 0.999


def test_a_kink_is_smoothed_and_a_line_is_lengthened_straight():
    line = LineString([(0, 0), (30, 0), (30, 40)])
    s, x, y, along = points_along(line, 0.5)
    assert len(s) == 140
    np.testing.assert_allclose(np.hypot(*along.T), 1)
    assert 0.1 < along[60, 0] < 0.9
    longer = lengthened(line, 20)
    assert longer.coords[0] == pytest.approx((-20, 0))
    assert longer.coords[-1] == pytest.approx((30, 60))
