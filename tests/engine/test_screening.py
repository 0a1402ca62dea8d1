"""The first look: nothing where nothing floats, all of what reaches into a tile."""

import numpy as np
import pytest
from shapely.geometry import box

from rason.engine.detectors.screening import COARSER, Screen
from rason.engine.scene import ArrayScene
from rason.engine.tiles import Tile, tiles
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
    looked = Screen(scene, Zone("z", "water", box(0, 0, SIDE, SIDE)), scene.bounds, GSD, seen.append)
    assert seen[-1] == 1.0
    return looked


def test_nothing_observed_is_not_wet():
    looked = screen(valid=np.zeros((400, 400), bool))
    assert not looked.wet
    assert all(looked.window(tile) is None for tile in tiles((0, 0, SIDE, SIDE), 100, 30))


def test_empty_sea_has_no_windows():
    looked = screen()
    assert looked.wet
    assert all(looked.window(tile) is None for tile in tiles((0, 0, SIDE, SIDE), 50, 30))


def test_window_holds_the_hull_and_water_round_it():
    hull = (90, 120, 130, 128)
    window = screen([hull]).window(Tile(0, (0, 0, SIDE, SIDE), (-50, -50, SIDE + 50, SIDE + 50), (True, True)))
    assert window[0] < hull[0] - 50 and window[1] < hull[1] - 50 and window[2] > hull[2] + 50 and window[3] > hull[3] + 50


def test_window_stays_within_the_halo():
    window = screen([(10, 95, 190, 105)]).window(Tile(0, (90, 90, 110, 110), (60, 60, 140, 140), (False, False)))
    assert window == pytest.approx((60, 60, 140, 140), abs=GSD * COARSER)


def test_only_what_reaches_into_the_core_counts():
    looked = screen([(10, 20, 30, 28)])
    walk = list(tiles((0, 0, SIDE, SIDE), 100, 60))
    wanted = [tile.core for tile in walk if looked.window(tile) is not None]
    assert wanted == [(0.0, 0.0, 100.0, 100.0)]
