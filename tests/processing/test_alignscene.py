"""rason:alignscene."""

import re
import shutil

import numpy as np
import pytest
from osgeo import gdal

EAST, NORTH = 4.2, -2.7  # metres that the copy lies off


@pytest.fixture(scope="module")
def moved(place, tmp_path_factory):
    """The place's scene with its georeference moved, and metadata of its own."""
    path = str(tmp_path_factory.mktemp("align") / "moved.tif")
    shutil.copy(place.other, path)
    file = gdal.Open(path, gdal.GA_Update)
    file.SetMetadataItem("CREDIT", "somebody")
    x, step, _, y, _, down = file.GetGeoTransform()
    file.SetGeoTransform((x + EAST, step, 0, y + NORTH, 0, down))
    return path


def corner(path):
    transform = gdal.Open(path).GetGeoTransform()
    return np.array([transform[0], transform[3]])


def test_another_day_is_moved_back(run, rows, place, moved, tmp_path):
    results = run("rason:alignscene", INPUT=moved, REFERENCE=place.scene, OUTPUT=str(tmp_path / "a.tif"),
                  TIE_POINTS=str(tmp_path / "t.gpkg"))  # fmt: skip
    assert results["SHIFT_X_M"] == pytest.approx(-EAST, abs=0.06) and results["SHIFT_Y_M"] == pytest.approx(-NORTH, abs=0.06)
    assert 0 < results["SIGMA_M"] < 0.3 and results["RESIDUAL_M"] < 0.3
    file = gdal.Open(results["OUTPUT"])
    said = file.GetMetadata()
    assert said["CREDIT"] == "somebody", "of the scene, not of the reference"
    every = {**said, **(file.GetMetadata("IMAGERY") or {})}
    assert re.match("2023.10.12", every["ACQUISITIONDATETIME"])
    assert (
        float(said["RASON_ALIGN_SIGMA_M"]) == pytest.approx(results["SIGMA_M"], rel=0.01)
        and "alignscene" in said["RASON_RECORD"]
    )
    steps = (corner(results["OUTPUT"]) - corner(place.scene)) / 0.3
    assert np.allclose(steps, np.round(steps), atol=1e-6), "on the reference's pixel corners"
    points = rows(results["TIE_POINTS"])
    assert sum(row["used"] for row in points) == results["POINTS_USED"] >= 9
    assert np.median([row["dx_m"] for row in points if row["used"]]) == pytest.approx(-EAST, abs=0.1)


def test_a_vrt_leaves_the_pixels_untouched(run, place, moved, tmp_path):
    results = run("rason:alignscene", INPUT=moved, REFERENCE=place.scene, OUTPUT=str(tmp_path / "a.vrt"), MODEL="shift",
                  TIE_POINTS="memory:")  # fmt: skip
    assert np.array_equal(gdal.Open(results["OUTPUT"]).ReadAsArray(), gdal.Open(moved).ReadAsArray())
    assert np.allclose(corner(results["OUTPUT"]), corner(place.scene), atol=0.06)
    assert gdal.Open(results["OUTPUT"]).GetMetadata()["RASON_ALIGN_MODEL"] == "shift"


def test_a_screenshot_with_two_points_is_placed_and_aligned(run, place, tmp_path):
    shot, points = str(tmp_path / "shot.png"), tmp_path / "shot.points"
    gdal.Translate(shot, place.other, format="PNG")
    (tmp_path / "shot.png.aux.xml").unlink()
    west, _, _, north = place.bounds
    marks = [(100, 80), (700, 460)]  # pixels; on the map both are marked 1.5 m too far east and 1 m too far south
    lines = [f"{west + c * 0.3 + 1.5},{north - r * 0.3 - 1.0},{c},{-r},1,0,0,0" for c, r in marks]
    points.write_text("\n".join(["mapX,mapY,sourceX,sourceY,enable,dX,dY,residual", *lines]))
    results = run("rason:alignscene", INPUT=shot, REFERENCE=place.scene, POINTS=str(points), OUTPUT=str(tmp_path / "a.tif"),
                  TIE_POINTS="memory:")  # fmt: skip
    assert results["SHIFT_X_M"] == pytest.approx(-1.5, abs=0.06) and results["SHIFT_Y_M"] == pytest.approx(1.0, abs=0.06)
    aligned, truth = gdal.Open(results["OUTPUT"]), gdal.Open(place.other)
    shift = np.round((corner(results["OUTPUT"]) - corner(place.other)) / (0.3, -0.3)).astype(int)
    assert abs(shift).max() <= 1 and aligned.RasterCount == truth.RasterCount
    a = aligned.ReadAsArray(int(20 - shift[0]), int(20 - shift[1]), 500, 400).astype(float)
    assert np.corrcoef(a.ravel(), truth.ReadAsArray(20, 20, 500, 400).ravel())[0, 1] > 0.98


def flipped(source, path):
    """The scene upside down: like it in everything but the place."""
    shutil.copy(source, path)
    file = gdal.Open(path, gdal.GA_Update)
    file.WriteArray(np.ascontiguousarray(file.ReadAsArray()[:, ::-1]))
    return path


@pytest.mark.parametrize(
    ("words", "case"),
    [
        ("same scene", "same"),
        ("do not show the same place", "flipped"),
        ("do not overlap", "far"),
        ("no georeference.*POINTS", "bare"),
        ("share only", "tiny"),
        ("blank there", "blank"),
        ("radar and the other optical", "radar"),
        ("no points file", "text"),
        ("is no .tif", "png"),
    ],
)
def test_bad_input(refused, place, variant, tmp_path, words, case):
    west, _, _, north = place.bounds
    given = {"INPUT": place.other, "REFERENCE": place.scene, "OUTPUT": str(tmp_path / "a.tif"), "TIE_POINTS": "memory:"}
    if case == "same":
        given["INPUT"] = variant(place.scene, "copy.tif")
    elif case == "flipped":
        given["INPUT"] = flipped(place.other, str(tmp_path / "flipped.tif"))
    elif case == "far":
        given["INPUT"] = variant(place.other, "far.tif", outputBounds=(west + 9000, north, west + 9240, north - 160))
    elif case in ("bare", "text"):
        given["INPUT"] = variant(place.other, "bare.png", format="PNG")
        (tmp_path / "bare.png.aux.xml").unlink()
        if case == "text":
            (tmp_path / "a.points").write_text("not,a,table\n1,2,3\n")
            given["POINTS"] = str(tmp_path / "a.points")
    elif case == "tiny":
        given["INPUT"] = variant(place.other, "tiny.tif", srcWin=[100, 100, 30, 300])
    elif case == "blank":
        given["INPUT"] = variant(place.other, "blank.tif", scaleParams=[[0, 255, 100, 100]])
    elif case == "radar":
        given["INPUT"], given["BANDS"] = variant(place.other, "radar.tif", bandList=[1]), "vv"
    elif case == "png":
        given["OUTPUT"] = str(tmp_path / "a.png")
    refused(words, "rason:alignscene", **given)
    assert not (tmp_path / "a.tif").exists()
