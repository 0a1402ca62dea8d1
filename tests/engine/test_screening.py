"""The first look: nothing where nothing floats, boxes round all that does."""

import numpy as np
import pytest
from shapely.geometry import box

from rason.engine.detectors.screening import Screen, coarser
from rason.engine.scene import ArrayScene
from rason.engine.zones import Zone

GSD = 0.5
SIDE = 200.0  # metres


def screen(hulls=(), valid=None):
    """A sea of 400 x 400 pixels with bright boxes (west, south, east, north in metres), looked at."""
    n = int(SIDE / GSD)
    data = np.random.default_rng(5).normal(0.2, 0.01, (3, n, n)).astype(np.float32)
    for west, south, east, north in hulls:
        data[:, int((SIDE - north) / GSD) : int((SIDE - south) / GSD), int(west / GSD) : int(east / GSD)] = 0.7
    scene = ArrayScene(data, GSD, y0=SIDE, valid=valid)
    seen = []
    looked = Screen(scene, Zone("z", "water", box(0, 0, SIDE, SIDE)), scene.bounds, GSD, 10.0, seen.append)
    assert seen[-1] == 1.0
    return looked


def holds(outer, inner, by=0.0):
    return (
        outer[0] <= inner[0] - by and outer[1] <= inner[1] - by and outer[2] >= inner[2] + by and outer[3] >= inner[3] + by
    )


def test_the_shortest_ship_keeps_five_pixels():
    assert [coarser(*at) for at in ((10, 0.5), (10, 0.6), (40, 3.0), (60, 10.0))] == [4, 3, 2, 1]


def test_nothing_observed_is_not_wet():
    looked = screen(valid=np.zeros((400, 400), bool))
    assert not looked.wet and not looked.windows()


def test_empty_sea_has_no_windows():
    looked = screen()
    assert looked.wet and not looked.windows()


@pytest.mark.parametrize(
    "hull,large", [((90, 120, 130, 128), False), ((20, 120, 130, 136), True), ((90, 120, 100, 123), False)]
)
def test_window_holds_the_hull_and_water_round_it(hull, large):
    ((core, window, is_large),) = screen([hull]).windows()
    assert holds(core, hull) and holds(window, core, 49) and is_large == large


def test_boxes_are_apart_and_hold_what_is_large_only_where_it_is_alone():
    hulls = [(20, 20, 110, 110), (60, 130, 90, 140), (150, 150, 170, 156)]
    windows = screen(hulls).windows()
    assert len(windows) == 3
    cores = [box(*core) for core, _, _ in windows]
    assert not any(a.intersects(b) for i, a in enumerate(cores) for b in cores[:i])
    # A boat in the corner of a slanting ship's box: two things in one box.
    slanting = [(20 + k, 20 + k, 28 + k, 28 + k) for k in range(0, 100, 2)] + [(100, 30, 112, 34)]
    assert [large for _, _, large in screen(slanting).windows()] == [False]


def test_single_pixels_do_not_count():
    looked = screen([(50, 50, 52, 52)])
    assert not looked.windows()


def test_what_is_too_thick_for_a_hull_marks_its_surroundings():
    looked = screen([(20, 20, 120, 120), (150, 150, 190, 160)])
    x, y = np.array([70, 135, 170, 190]), np.array([70, 70, 155, 70])
    assert looked.near_bulk(x, y, 32.0, 30.0).tolist() == [True, True, False, False]
    assert screen().near_bulk(x, y, 32.0, 30.0).tolist() == [False] * 4
