"""Quality layers of Sentinel-2 and Landsat, and dated roofs."""

from types import SimpleNamespace

import numpy as np
import pytest

from rason.engine import epoch, quality, roofs
from rason.engine.errors import Refusal
from rason.engine.visibility import CLEAR, CLOUD, HAZE, NODATA, SHADOW


def raster(name):
    return SimpleNamespace(file_name=name, name="QUALITY")


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("T52TEN_20231012T021641_SCL_20m.jp2", [4], "SCL"),
        ("LC08_L2SP_114031_20231012_02_T1_QA_PIXEL.TIF", [4], "QA_PIXEL"),
        ("x.tif", [0, 4, 8, 11], "SCL"),
        ("x.tif", [1, 21824, 22280, 54596], "QA_PIXEL"),
    ],
)
def test_the_kind_is_found_by_name_or_values(name, values, kind):
    assert quality.kind_of(raster(name), np.array(values)) == kind


@pytest.mark.parametrize("values", [[0, 1], [0, 255], [3, 200, 6000]])
def test_what_is_unclear_is_asked(values):
    with pytest.raises(Refusal, match="QUALITY_KIND"):
        quality.kind_of(raster("muscle.tif"), np.array(values))


def test_scl_words():
    expected = [NODATA, NODATA, CLEAR, SHADOW, CLEAR, CLEAR, CLEAR, CLEAR, CLOUD, CLOUD, HAZE, CLEAR]
    assert quality.causes("SCL", np.arange(12)).tolist() == expected


def test_landsat_bits():
    # USGS table of common values: fill, clear land, clear water, cloud (high), shadow, cirrus, snow
    values = np.array([1, 21824, 21952, 22280, 23888, 54596, 30048])
    assert quality.causes("QA_PIXEL", values).tolist() == [NODATA, CLEAR, CLEAR, CLOUD, SHADOW, HAZE, CLEAR]


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [("SCL", [12], "ends at 11"), ("SCL", [-1], "negative"), ("SCL", [2.5], "broken"), ("QA_PIXEL", [70000], "16 bits")],
)
def test_values_that_cannot_be(kind, values, words):
    with pytest.raises(Refusal, match=words):
        quality.causes(kind, np.array(values))


@pytest.mark.parametrize(
    ("begins", "ends", "when", "there"),
    [
        ("", "", "2023-10-12", True),
        ("2023-10-13", "", "2023-10-12T23:00:00Z", False),
        ("2023-10-12", "", "2023-10-12T00:00:00Z", True),
        ("2023-10", "", "2023-10-12", True),
        ("2023-11", "", "2023-10", False),
        ("", "2022", "2023-01-01", False),
        ("2021", "2022", "2022-12-31T23:00:00Z", True),
        ("2023-10-31", "", "2023-10", True),
    ],
)
def test_a_roof_hides_while_it_may_have_stood(begins, ends, when, there):
    assert roofs.stood(begins, ends, epoch.read(when)) is there


def test_a_date_that_is_none():
    with pytest.raises(Refusal, match="ROOFS: 'spring'"):
        roofs.stood("spring", "", epoch.read("2023-10-12"))
