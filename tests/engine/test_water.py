"""Water as a background, and water found in a patch with land."""

import numpy as np
import pytest

from rason.engine.detectors import water
from rason.engine.detectors.water_mask import afloat, dark_in_infrared, find_water
from rason.engine.patch import Patch

RGB = ("red", "green", "blue")
SEA = np.array([0.10, 0.18, 0.20], np.float32)


def sea(rows=200, columns=200, noise=0.01, level=SEA, seed=1):
    rng = np.random.default_rng(seed)
    return (level[:, None, None] + rng.normal(0, noise, (len(level), rows, columns))).astype(np.float32)


def patch(data, gsd_m=3.0, roles=RGB, valid=None):
    valid = np.ones(data.shape[1:], bool) if valid is None else valid
    return Patch(data * valid, valid, 0.0, 0.0, gsd_m, roles)


def everywhere(p):
    return np.ones(p.shape, bool)


def test_no_water_to_learn_from_is_nowhere_strange():
    p = patch(sea(20, 20))
    nothing = np.zeros(p.shape, bool)
    assert not water.strangeness(p, nothing, nothing).any()
    assert not find_water(patch(np.zeros((3, 40, 40), np.float32), valid=np.zeros((40, 40), bool))).any()


@pytest.mark.parametrize("gsd_m", [0.6, 3.0])
def test_plain_sea_is_hardly_strange_and_a_hull_is(gsd_m):
    data = sea()
    data[:, 100:110, 60:100] = np.array([0.5, 0.3, 0.3])[:, None, None]
    p = patch(data, gsd_m)
    strange = water.strangeness(p, everywhere(p), everywhere(p))
    hull = np.zeros(p.shape, bool)
    hull[103:107, 64:96] = True
    assert strange[hull].min() > 8
    hull[95:115, 55:105] = True
    assert (strange[~hull] > 5).mean() < 1e-3


def test_slow_gradients_are_not_strange():
    p = patch(sea() + np.linspace(0, 0.3, 200, dtype=np.float32))
    assert (water.strangeness(p, everywhere(p), everywhere(p)) > 5).mean() < 1e-3


def test_two_bands_must_agree_at_ten_metres():
    roles, level = ("blue", "green", "red", "nir"), np.array([0.2, 0.2, 0.1, 0.05], np.float32)
    data = sea(level=level)
    data[3, 50:56, 50:60] += 0.5  # near infrared alone: weed, noise
    data[1:, 120:126, 120:130] += 0.5
    p = patch(data, 10.0, roles)
    strange = water.strangeness(p, everywhere(p), everywhere(p))
    assert strange[50:56, 50:60].max() < 5 < strange[120:126, 120:130].min()


def test_shadow_of_the_waters_hue_is_not_a_hull():
    data = sea(noise=0.002)
    data[:, 80:110, 80:110] *= 0.4
    data[:, 20:40, 20:60] = np.array([0.10, 0.05, 0.03])[:, None, None]  # as dark, but brown
    p = patch(data, 0.6)
    strange = water.strangeness(p, everywhere(p), everywhere(p))
    assert strange[85:105, 85:105].max() < 5 < strange[25:35, 25:55].min()


def coast(gsd_m=3.0):
    rng = np.random.default_rng(2)
    data = sea(240, 240)
    blocks = rng.uniform(0.2, 0.9, (3, 12, 24)).repeat(10, 1).repeat(10, 2)
    data[:, 120:] = blocks  # a town
    return patch(data.astype(np.float32), gsd_m)


def test_water_is_found_beside_a_town():
    found = find_water(coast())
    assert found[:110].mean() > 0.9 and found[125:].mean() < 0.01


def test_sand_is_not_water():
    data = sea(level=np.array([0.8, 0.6, 0.4], np.float32))
    assert not find_water(patch(data)).any()


def test_bright_near_infrared_is_not_water():
    roles = (*RGB, "nir")
    data = sea(level=np.array([0.1, 0.15, 0.1, 0.05], np.float32))
    data[3, :, 100:] = 0.8  # a meadow
    found = find_water(patch(data, 10.0, roles))
    assert found[:, :90].mean() > 0.9 and not found[:, 105:].any()


def test_land_is_left_out_and_a_ship_kept():
    p = coast()
    p.data[:, 40:46, 100:140] = 0.8  # a ship of 18 x 120 m
    sure = find_water(p)
    strange = water.strangeness(p, sure, everywhere(p))
    where = afloat(strange, sure, 5.0, p.gsd_m, 65.0, 28_000.0)
    assert where[40:46, 100:140].all() and not where[150:].any()


def test_level_ignores_what_is_not_water():
    data = sea()
    mask = np.ones(data.shape[1:], bool)
    mask[:, 100:] = False
    data[:, :, 100:] = 9
    cells, _, _ = water._learn(data, mask, 50, water._mahalanobis)
    assert cells.shape == (3, 4, 4) and np.abs(cells - SEA[:, None, None]).max() < 0.02


def test_glint_is_rough_water_and_a_ship_in_it_stands_out():
    """Speckle in one part of the sea is little stranger than the calm part's noise; something even is."""
    data = sea()
    data[:, :, :100] += np.abs(np.random.default_rng(5).normal(0, 0.08, (200, 100))).astype(np.float32)
    p = patch(data)
    strange = water.strangeness(p, everywhere(p), everywhere(p))
    assert (strange[:, :80] > 5).mean() < 0.03
    assert (strange[:, 120:] > 5).mean() < 0.01
    data[:, 40:46, 30:60] = 0.9
    p = patch(data)
    assert np.median(water.strangeness(p, everywhere(p), everywhere(p))[41:45, 32:58]) > 5


NIR = (*RGB, "nir")


def shore(water_nir=0.05, land_nir=0.5):
    """Water in the left half; land of the same visible colour in the right."""
    data = sea(level=np.array([*SEA, water_nir], np.float32))
    data[3, :, 100:] += land_nir - water_nir
    return data


def test_near_infrared_parts_water_from_land_of_the_same_colour():
    found = dark_in_infrared(patch(shore(), 10.0, NIR))
    assert found[:, :98].all() and not found[:, 102:].any()
    assert (find_water(patch(shore(), 10.0, NIR)) == found).all()


def test_near_infrared_that_parts_nothing_says_nothing():
    assert dark_in_infrared(patch(shore(land_nir=0.06), 10.0, NIR)) is None
    assert dark_in_infrared(patch(sea(), 10.0)) is None


def test_dark_roofs_and_shadows_are_no_water():
    data = shore()
    data[3, 50:60, 150:160] = 0.05
    assert not dark_in_infrared(patch(data, 3.0, NIR))[:, 102:].any()
