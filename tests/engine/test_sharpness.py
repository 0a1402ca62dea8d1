import time

import numpy as np
import pytest
from osgeo import gdal

from rason.engine.sharpness import effective_gsd

gdal.UseExceptions()


def scene(seed, side=540):
    """A synthetic picture with natural statistics: overlapping boxes of all sizes, slightly blurred, and a little noise."""
    rng = np.random.default_rng(seed)
    picture = np.full((side, side), 100.0)
    for _ in range(1500):
        r, c = rng.integers(0, side, 2)
        h, w = np.minimum(4 / rng.random(2) ** 0.8, 150).astype(int)
        picture[r : r + h, c : c + w] = rng.uniform(20, 230)
    for axis in (0, 1):
        picture = 0.6 * picture + 0.2 * (np.roll(picture, 1, axis) + np.roll(picture, -1, axis))
    return np.round(picture + rng.normal(0, 1, picture.shape)).astype(np.float32)


def resampled(picture, side, method):
    source = gdal.GetDriverByName("MEM").Create("", picture.shape[1], picture.shape[0], 1, gdal.GDT_Float32)
    source.GetRasterBand(1).WriteArray(picture)
    return gdal.Translate("", source, format="MEM", width=side, height=side, resampleAlg=method).ReadAsArray()


def blown_up(picture, k, method):
    side = len(picture)
    return np.round(resampled(resampled(picture, int(round(side / k)), "average"), side, method))


def measure(picture, gsd_m=1.0):
    return effective_gsd(picture, np.ones(picture.shape, bool), gsd_m)


def test_no_evidence_gives_the_pixel_size():
    ones = np.ones((256, 256))
    assert measure(ones, 0.3) == 0.3
    assert effective_gsd(ones, np.zeros((256, 256), bool), 0.3) == 0.3
    assert effective_gsd([], [], 0.3) == 0.3
    assert measure(ones[:20, :20], 0.3) == 0.3
    assert measure(np.random.default_rng(1).normal(100, 5, (256, 256)), 0.3) == 0.3
    slow = np.add.outer(np.arange(256), np.arange(256)) / 10.0
    assert measure(slow + np.random.default_rng(1).normal(0, 2, (256, 256)), 0.3) == 0.3


@pytest.mark.parametrize("seed", [1, 2])
def test_a_genuine_picture_keeps_its_pixel_size_in_any_unit(seed):
    assert measure(scene(seed), 0.25) == 0.25
    assert measure(scene(seed) / 255, 0.25) == 0.25


@pytest.mark.parametrize("method", ["near", "bilinear", "cubic", "lanczos"])
@pytest.mark.parametrize("k", [1.5, 2, 3, 4])
def test_blown_up_by(k, method):
    assert measure(blown_up(scene(3), k, method)) == pytest.approx(k, rel=0.05)


def test_invalid_pixels_are_left_out():
    picture = blown_up(scene(4), 2, "cubic")
    valid = np.ones(picture.shape, bool)
    picture[:, 400:], valid[:, 400:] = np.random.default_rng(1).uniform(0, 255, (540, 140)), False
    assert effective_gsd(picture, valid, 1.0) == pytest.approx(2, rel=0.05)


def test_sharp_blocks_decide_and_empty_ones_say_nothing():
    sharp, coarse, empty = scene(5)[:256, :256], blown_up(scene(6), 3, "bilinear")[:256, :256], np.full((256, 256), 7.0)
    valid = [np.ones((256, 256), bool)] * 4
    assert effective_gsd([sharp, sharp, coarse, coarse], valid, 1.0) == 1.0
    assert effective_gsd([empty, empty, empty, coarse], valid, 1.0) == pytest.approx(3, rel=0.05)


def test_a_block_is_quick():
    picture = scene(7)[:512, :512]
    start = time.perf_counter()
    measure(picture)
    assert time.perf_counter() - start < 0.5
