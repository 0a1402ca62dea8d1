"""rason:matchradiometry: a darkened, shifted copy of another day comes back; what it refuses."""

import numpy as np
import pytest
from osgeo import gdal


@pytest.fixture
def dim(place, variant):
    """The later scene, darker and with less contrast."""
    path = variant(place.other, "dim.tif")
    file = gdal.Open(path, gdal.GA_Update)
    for i in range(1, 4):
        band = file.GetRasterBand(i)
        band.WriteArray(np.rint(band.ReadAsArray() * (0.4 + 0.1 * i) + 12).astype(np.uint8))
    file.FlushCache()
    return path


def test_a_dim_scene_comes_back(run, place, dim, tmp_path):
    results = run("rason:matchradiometry", INPUT=dim, REFERENCE=place.scene, OUTPUT=str(tmp_path / "m.tif"))
    bright, made = (gdal.Open(p).ReadAsArray().astype(float) for p in (place.other, results["OUTPUT"]))
    assert np.abs((made - bright).mean((1, 2))).max() < 3
    assert "held out: slope" in run.feedback.textLog() and results["WORST_SLOPE"] == pytest.approx(1, abs=0.05)
    assert gdal.Open(results["OUTPUT"]).GetRasterBand(1).DataType == gdal.GDT_Byte
    assert results["CUT"] >= 0 and results["PIXELS"] >= 0


@pytest.mark.parametrize(
    "words, reference",
    [
        ("same scene", lambda place, dim, variant: dim),
        ("has 3 bands", lambda place, dim, variant: variant(place.scene, "grey.tif", bandList=[1])),
        ("do not overlap", lambda place, dim, variant: variant(place.scene, "far.tif", outputBounds=[7e5, 4.66e6, 7.002e5, 4.6598e6])),
        ("same picture", lambda place, dim, variant: variant(dim, "copy.tif")),
    ],
)  # fmt: skip
def test_bad_input(refused, place, dim, variant, tmp_path, words, reference):
    out = tmp_path / "m.tif"
    refused(words, "rason:matchradiometry", INPUT=dim, REFERENCE=reference(place, dim, variant), OUTPUT=str(out))
    assert not out.exists()
