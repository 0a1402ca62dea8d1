"""rason:changesar: simulated radar looks, one pier that fills up and empties again; what it refuses and says."""

import numpy as np
import pytest
from osgeo import gdal, osr

DAYS = ("2023-07-01", "2023-07-13", "2023-07-25", "2023-08-06")
CAME, LEFT = np.s_[40:60, 40:70], np.s_[90:110, 20:60]


def radar(path, data, day="", names=("VV", "VH"), west=500000.0, gsd=10.0, prefix="Sigma0_", **metadata):
    """Bands of radar backscatter as a file."""
    file = gdal.GetDriverByName("GTiff").Create(str(path), data.shape[2], data.shape[1], len(data), gdal.GDT_Float32)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32652)
    file.SetProjection(reference.ExportToWkt())
    file.SetGeoTransform((west, gsd, 0, 4690000.0, 0, -gsd))
    file.SetMetadata({**({"ACQUISITIONDATETIME": day} if day else {}), **metadata})
    for i, band in enumerate(data):
        file.GetRasterBand(i + 1).WriteArray(band)
        file.GetRasterBand(i + 1).SetDescription(prefix + names[i])
    file.FlushCache()
    return str(path)


@pytest.fixture(scope="module")
def looks(tmp_path_factory):
    """Four dates of two polarisations, 4.4 looks; one place brighter from the third date on, one darker from the second to the third."""
    rng = np.random.default_rng(2)
    ground = (
        rng.gamma(4, 0.25, (1, 150, 200)) * np.where(np.arange(200) < 100, 0.05, 0.2) * np.array([1, 0.2]).reshape(2, 1, 1)
    )
    folder, paths = tmp_path_factory.mktemp("radar"), []
    for i, day in enumerate(DAYS):
        mean = ground.copy()
        if i >= 2:
            mean[:, CAME[0], CAME[1]] *= 30
        if i in (1, 2):
            mean[:, LEFT[0], LEFT[1]] /= 30
        paths.append(radar(folder / f"s{i}.tif", rng.gamma(4.4, mean / 4.4), day))
    return paths


@pytest.fixture
def given(looks, tmp_path):
    return {"INPUTS": looks, "OUTPUT": str(tmp_path / "c.tif"), "OBJECTS": str(tmp_path / "c.gpkg")}


def test_what_changed_and_when(run, rows, given):
    results = run("rason:changesar", **given)
    raster = gdal.Open(results["OUTPUT"]).ReadAsArray()
    assert raster.shape[0] == 4 + 3 and results["LOOKS_USED"] == pytest.approx(4.4, rel=0.1)
    classes, strong, number, first = raster[:4]
    assert (np.median(classes[CAME]), np.median(number[CAME]), np.median(first[CAME])) == (3, 1, 3)
    assert (np.median(classes[LEFT]), np.median(number[LEFT]), np.median(first[LEFT])) == (2, 2, 2)
    quiet = np.ones(classes.shape, bool)
    quiet[CAME] = quiet[LEFT] = False
    assert 0.0003 < (classes[quiet] >= 2).mean() < 0.002 and ((strong >= 30) == (classes >= 2)).all()
    found = [r for r in rows(results["OBJECTS"]) if r["area_m2"] > 20000]
    assert sorted((r["epoch_1"], r["epoch_2"], r["change"]) for r in found) == [
        (DAYS[0], DAYS[1], "darker"), (DAYS[1], DAYS[2], "brighter"), (DAYS[2], DAYS[3], "brighter"),
    ]  # fmt: skip
    assert all(r["p_value"] < 1e-6 for r in found) and results["AREAS"] >= 3


def test_two_dates_in_the_wrong_order(run, rows, given):
    results = run("rason:changesar", **given | {"INPUTS": given["INPUTS"][2:0:-1]})
    assert "were sorted" in run.feedback.textLog()
    big = [r for r in rows(results["OBJECTS"]) if r["area_m2"] > 20000]
    assert [(r["epoch_1"], r["change"]) for r in big] == [(DAYS[1], "brighter")]


def test_a_rainy_day_is_said_and_taken_out(run, given, looks, tmp_path):
    wet = radar(tmp_path / "wet.tif", gdal.Open(looks[1]).ReadAsArray() * 2, DAYS[1])
    given["INPUTS"] = [looks[0], wet]
    left = run("rason:changesar", **given)
    assert "+3" in run.feedback.textLog() and "left in" in run.feedback.textLog()
    taken = run("rason:changesar", **given, NORMALISE=True)
    real = 20 * 40 / (150 * 200)
    assert left["CHANGED_SHARE"] - real > 0.005 > 0.002 > taken["CHANGED_SHARE"] - real


def test_the_same_in_decibels(run, given, looks, tmp_path):
    db = [
        radar(tmp_path / f"{i}.tif", 10 * np.log10(gdal.Open(p).ReadAsArray()), DAYS[i], ("VV_dB", "VH_dB"))
        for i, p in enumerate(looks)
    ]
    first, second = (
        run("rason:changesar", **given),
        run("rason:changesar", **given | {"INPUTS": db, "OUTPUT": str(tmp_path / "d.tif")}),
    )
    assert second["CHANGED_SHARE"] == pytest.approx(first["CHANGED_SHARE"], rel=0.01)


CASES = {
    "give 2 to": lambda looks, folder: {"INPUTS": looks[:1]},
    "same scene": lambda looks, folder: {"INPUTS": [looks[0], looks[0]]},
    "same epoch": lambda looks, folder: {"INPUTS": [looks[0], radar(folder / "a.tif", read(looks[1]), DAYS[0])]},
    "does not say when": lambda looks, folder: {"INPUTS": [looks[0], radar(folder / "a.tif", read(looks[1]))]},
    "same polarisations": lambda looks, folder: {"INPUTS": [looks[0], radar(folder / "a.tif", read(looks[1])[:1], DAYS[1])]},
    "different sensors or modes": lambda looks, folder: {"INPUTS": [looks[0], radar(folder / "a.tif", read(looks[1]), DAYS[1], gsd=20.0)]},
    "of ICEYE": lambda looks, folder: {"INPUTS": [radar(folder / n, read(looks[i]), DAYS[i], MISSION=n) for i, n in enumerate(("SENTINEL-1A", "ICEYE-X2"))]},
    "do not overlap": lambda looks, folder: {"INPUTS": [looks[0], radar(folder / "a.tif", read(looks[1]), DAYS[1], west=600000.0)]},
    "same picture": lambda looks, folder: {"INPUTS": [looks[0], radar(folder / "a.tif", read(looks[0]), DAYS[1])]},
    "does not say that its bands": lambda looks, folder: {"INPUTS": [looks[0], radar(folder / "a.tif", read(looks[1]), DAYS[1], ("a", "b"))]},
    "no dB": lambda looks, folder: {"VALUES": "db", "INPUTS": [radar(folder / f"{i}.tif", read(looks[i]) * 5000, DAYS[i]) for i in (0, 1)]},
    "VALUES": lambda looks, folder: {"INPUTS": [radar(folder / f"{i}.tif", read(looks[i])[:1], DAYS[i], ("x",), prefix="") for i in (0, 1)], "BANDS": "vv"},
    "one for each": lambda looks, folder: {"EPOCHS": "2023-07-01"},
    "no acquisition time": lambda looks, folder: {"EPOCHS": "spring,2023-07-02,2023-07-03,2023-07-04"},
}  # fmt: skip


def read(path):
    return gdal.Open(path).ReadAsArray()


@pytest.mark.parametrize("words", CASES)
def test_bad_input(refused, given, looks, tmp_path, words):
    refused(words, "rason:changesar", **given | CASES[words](looks, tmp_path))
    assert not (tmp_path / "c.tif").exists() and not (tmp_path / "c.gpkg").exists()


@pytest.mark.parametrize("first", ["2023-07-02", "2023-07"])
def test_a_day_and_an_hour_of_it_have_no_order(refused, given, looks, tmp_path, first):
    two = given | {"INPUTS": looks[:2], "EPOCHS": f"{first},2023-07-02T09:33:00Z"}
    refused("earlier one is not known.*same precision .EPOCHS", "rason:changesar", **two)
    assert not (tmp_path / "c.tif").exists()


def test_what_is_said_of_one_scene_names_it(refused, given, looks, tmp_path):
    same = radar(tmp_path / "again.tif", read(looks[0]), DAYS[1])
    refused("s0.tif and again.tif hold the same picture", "rason:changesar", **given | {"INPUTS": [looks[0], same]})
    refused("/nowhere/x.tif does not exist", "rason:changesar", **given | {"INPUTS": [looks[0], "/nowhere/x.tif"]})


def test_a_layer_of_polygons_is_no_scene(refused, given, place, looks):
    refused("zones.* cannot be opened as a raster", "rason:changesar", **given | {"INPUTS": [looks[0], place.zones]})
