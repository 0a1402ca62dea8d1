"""Radiometric match: lines through what did not change, tested on what was held out; types and nodata kept."""

import numpy as np
import pytest
from osgeo import gdal

from rason.engine import radiometry
from rason.engine.errors import Refusal


def scenes(seed, n=100_000, changed=0.3):
    """Reference and scene (2, n): the scene is the reference darker by known lines, with noise, and other in a part."""
    rng = np.random.default_rng(seed)
    ground = rng.uniform(200, 2000, (2, n))
    reference = ground + 10 * rng.standard_normal(ground.shape)
    other = ground.copy()
    other[:, : int(changed * n)] += rng.uniform(300, 900, (2, 1))
    values = (other - np.array([[50.0], [-30]])) / np.array([[1.25], [0.8]]) + 10 * rng.standard_normal(ground.shape)
    return values.astype(np.float32), reference.astype(np.float32)


@pytest.mark.parametrize("changed", [0.02, 0.3])
def test_lines_come_from_what_did_not_change(changed):
    found = radiometry.match(*scenes(1, changed=changed))
    assert found.pixels > radiometry.LEAST_PX
    assert found.gain == pytest.approx([1.25, 0.8], rel=0.01) and found.offset == pytest.approx([50, -30], abs=8)
    assert found.holds.all() and found.slope == pytest.approx(1, abs=0.01)
    assert np.abs(found.difference).max() < 4


def test_too_few_pixels_take_the_lines_of_most():
    found = radiometry.match(*scenes(2, n=3000))
    assert found.pixels == 0
    assert found.gain == pytest.approx([1.25, 0.8], rel=0.05) and np.abs(found.slope - 1).max() < 0.1


def test_the_test_fails_where_a_slope_is_left():
    one = np.ones(4)
    slope, se = np.array([1.005, 1.03, 1.03, 0.9]), np.array([0.001, 0.02, 0.001, 0.01])
    assert radiometry.Match(one, one, 9000, slope, se, one, one).holds.tolist() == [True, True, False, False]


def test_a_negative_picture_is_refused():
    values, reference = scenes(4, changed=0.0)
    with pytest.raises(Refusal, match="bright in a band"):
        radiometry.match(-values, reference)


def test_types_keep_their_range_and_nodata():
    values, cut = radiometry.fitted(np.array([-3.0, 0.4, 254.6, 300.0, np.nan]), np.uint8)
    assert values.tolist() == [0, 0, 255, 255, 0] and cut.tolist() == [True, False, False, True, False]
    assert radiometry.fitted(np.array([0.2, 7.0]), np.uint8, 0)[0].tolist() == [1, 7]
    assert radiometry.fitted(np.array([65535.0]), np.uint16, 65535)[0].tolist() == [65534]
    assert radiometry.fitted(np.array([1e9, np.nan]), np.float32)[0][0] == np.float32(1e9)


def test_the_file_keeps_what_it_is(tmp_path):
    data = np.arange(3 * 6 * 8, dtype=np.uint8).reshape(3, 6, 8)
    data[:, 0] = 0  # a black collar
    data[:, 1, :3] = 9  # nodata
    data[2] = 255
    path = str(tmp_path / "a.tif")
    file = gdal.GetDriverByName("GTiff").Create(path, 8, 6, 3, gdal.GDT_Byte)
    file.SetGeoTransform((1, 2, 0, 3, 0, -2))
    for i in range(3):
        file.GetRasterBand(i + 1).WriteArray(data[i])
        file.GetRasterBand(i + 1).SetNoDataValue(9)
        file.GetRasterBand(i + 1).SetDescription(f"band {i}")
    file = None
    lines = radiometry.Match(np.array([2.0, 0.5]), np.array([-20.0, 4.0]), 1, *np.ones((4, 2)))
    out = str(tmp_path / "b.tif")
    cut = radiometry.apply(gdal.Open(path), (1, 2), lines, out, {"A": "b"}, lambda fraction: None)
    made = gdal.Open(out)
    new = made.ReadAsArray()
    assert new.dtype == np.uint8 and made.GetGeoTransform() == (1, 2, 0, 3, 0, -2) and made.GetMetadataItem("A") == "b"
    assert made.GetRasterBand(2).GetDescription() == "band 1" and made.GetRasterBand(1).GetNoDataValue() == 9
    assert (new[:2, 0] == 0).all() and (new[:2, 1, :3] == 9).all() and np.array_equal(new[2], data[2])
    inner = data[0, 2:].astype(int) * 2 - 20
    assert np.array_equal(new[0, 2:], np.where(inner.clip(0, 255) == 9, 10, inner.clip(0, 255)))
    assert cut == int(((data[0].astype(int) * 2 - 20 < 0) & (data[0] != 9) & (data[:2].any(0))).sum())
