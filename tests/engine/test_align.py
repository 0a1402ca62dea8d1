"""Alignment: correlation, tie points, displacement, control points."""

import numpy as np
import pytest
from osgeo import gdal, osr
from scipy.ndimage import gaussian_filter, map_coordinates

from rason.engine.align import alignment, correlation, displacement, placement
from rason.engine.align.pair import pair
from rason.engine.errors import Refusal
from rason.engine.scene import Scene

WEST, NORTH = 500000.0, 4690000.0


def ground(rows, columns, seed=0):
    """Fields, edges and fine texture."""
    rng = np.random.default_rng(seed)
    out = gaussian_filter(rng.normal(size=(rows, columns)), 6) * 40
    return np.where(out > 0, 60, 0) + out * 10 + gaussian_filter(rng.normal(size=out.shape), 1.2) * 40 + 120


def shifted(image, dx, dy):
    """The content dx pixels further right and dy further down."""
    f = np.fft.fft2(image)
    fy, fx = np.fft.fftfreq(image.shape[0])[:, None], np.fft.fftfreq(image.shape[1])[None]
    return np.fft.ifft2(f * np.exp(-2j * np.pi * (fx * dx + fy * dy))).real


def scene(image, name, gsd=1.0):
    path = f"/vsimem/test_align_{name}.tif"
    file = gdal.GetDriverByName("GTiff").Create(path, image.shape[1], image.shape[0], 1, gdal.GDT_Float32)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32652)
    file.SetProjection(reference.ExportToWkt())
    file.SetGeoTransform((WEST, gsd, 0, NORTH, 0, -gsd))
    file.GetRasterBand(1).WriteArray(image.astype(np.float32))
    file = None
    return Scene.open(path)


@pytest.mark.parametrize(("dx", "dy"), [(0.0, 0.0), (3.37, -1.81), (-7.5, 5.25)])
def test_a_window_s_shift_is_found_to_a_hundredth_of_a_pixel(dx, dy):
    image = ground(160, 160)
    first, second = (np.ascontiguousarray(i[16:144, 16:144], np.float32) for i in (image, shifted(image, dx, dy)))
    valid = np.ones(first.shape, bool)
    cross = correlation.cross(correlation.spectra(first, valid), correlation.spectra(second, valid))
    peak = correlation.peak(correlation.surface(cross, first.shape), 20)
    assert (peak.dx, peak.dy) == pytest.approx((dx, dy), abs=0.15) and peak.quality > 20
    assert correlation.sharpen(cross, first.shape, peak.dx, peak.dy) == pytest.approx((dx, dy), abs=0.1)


def test_a_negative_of_another_contrast_is_aligned():
    image = ground(420, 420)
    other = 250 - 0.3 * shifted(image, 4.3, -2.6)
    rng = np.random.default_rng(1)
    found = alignment.align(pair(scene(image, "a"), scene(other + rng.normal(0, 2, other.shape), "b")), 30.0)
    assert found.shift_m == pytest.approx((-4.3, -2.6), abs=0.1)


def test_other_places_are_refused_whatever_they_look_like():
    for seed in range(4):
        one, other = ground(300, 300, 2 * seed), ground(300, 300, 2 * seed + 1)
        with pytest.raises(Refusal, match="do not show the same place"):
            alignment.align(pair(scene(one, "a"), scene(other, "b")), 30.0)


def test_what_is_masked_does_not_pull():
    from shapely.geometry import box

    image = ground(400, 400)
    other = shifted(image, 2.0, 0.0)
    other[100:300, 100:300] = shifted(image, -9.0, 6.0)[100:300, 100:300]  # ships that lie elsewhere the other day
    hidden = box(WEST + 95, NORTH - 305, WEST + 305, NORTH - 95)
    found = alignment.align(pair(scene(image, "a"), scene(other, "b"), hidden), 30.0)
    assert found.shift_m == pytest.approx((-2.0, 0.0), abs=0.05)


def test_the_data_choose_between_shift_plane_and_field():
    size = 480
    image = ground(size, size)
    row, column = np.mgrid[:size, :size].astype(float)
    bend = 3 * np.sin(np.pi * column / size) * np.sin(np.pi * row / size)
    cases = {"shift": (np.full_like(row, 1.3), 0 * row), "affine": (0.006 * column - 2, 0.004 * row), "field": (bend, -bend)}
    for kind, (dx, dy) in cases.items():
        other = map_coordinates(image, [row - dy, column - dx], order=3, mode="nearest")
        found = alignment.align(pair(scene(image, "a"), scene(other, "b")), 30.0)
        x, y = np.meshgrid(np.linspace(70, 410, 9), np.linspace(70, 410, 9))
        east, north = found.displacement.at(WEST + x, NORTH - y)
        at = np.s_[y.astype(int).ravel(), x.astype(int).ravel()]
        off = np.hypot(east.ravel() - dx[at], -north.ravel() - dy[at])
        assert found.displacement.kind == kind
        assert np.median(off) < 0.2, kind


def test_error_is_measured_on_points_left_out():
    rng = np.random.default_rng(4)
    x, y = rng.uniform(0, 1000, (2, 400))
    dx, dy = rng.normal(2.0, 0.5, 400), rng.normal(-1.0, 0.5, 400)
    assert displacement.chosen(x, y, dx, dy, 0.04, lambda share: None)[0] == "shift"
    off = displacement.held_out("shift", 0.0, x, y, dx, dy)
    assert off.shape == (400, 2) and off.std() == pytest.approx(0.5, rel=0.1)
    assert not displacement.agreeing(x, y, np.where(np.arange(400) == 7, 30.0, dx), dy, 0.5)[7]


OLD = "mapX,mapY,pixelX,pixelY,enable,dX,dY,residual\n"
NEW = "#CRS: EPSG:32652\nmapX,mapY,sourceX,sourceY,enable,dX,dY,residual\n"


@pytest.mark.parametrize(("head", "wkt"), [(OLD, ""), (NEW, "EPSG:32652")])
def test_points_files_of_both_kinds(head, wkt):
    points = placement.parse(head + "100,200,0,0,1,0,0,0\n140,200,20,0,1,0,0,0\n100,160,0,-20,1,0,0,0\n9,9,5,-5,0,0,0,0\n")
    assert points.wkt == wkt and len(points.x) == 3
    placed = placement.place(points, (40, 40))
    assert (
        placed.transform == pytest.approx((100, 2, 0, 200, 0, -2))
        and placed.residual.max() < 1e-9
        and placed.pixel == pytest.approx(2)
    )


def test_two_points_turn_and_scale():
    angle, size = np.radians(30), 0.5
    c, s = size * np.cos(angle), size * np.sin(angle)
    pixels = np.array([(10.0, 5.0), (90.0, 70.0)])
    x, y = 1000 + c * pixels[:, 0] + s * pixels[:, 1], 2000 + s * pixels[:, 0] - c * pixels[:, 1]
    placed = placement.place(placement.ControlPoints(pixels[:, 0], pixels[:, 1], x, y), (100, 100))
    assert placed.kind == "similarity" and placed.transform == pytest.approx((1000, c, s, 2000, s, -c))


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("at least two", "0,0,0,0,1\n"),
        ("at least two", "0,0,5,-5,1\n9,9,5,-5,1\n"),
        ("one line in the picture", "0,0,0,0,1\n10,0,10,0,1\n20,9,20,0,1\n"),
        ("one line on the map", "0,0,0,0,1\n10,0,10,0,1\n20,0,20,-9,1\n"),
        ("mirror", "0,0,0,0,1\n10,0,0,-10,1\n0,-10,10,0,1\n"),
        ("stretch", "0,0,0,0,1\n10,0,10,0,1\n0,-90,0,-10,1\n"),
        ("outside INPUT", "0,0,0,0,1\n10,0,900,0,1\n0,-10,0,-10,1\n"),
        ("no number", "a,0,0,0,1\n1,1,1,1,1\n"),
    ],
)
def test_points_that_cannot_be_right(words, rows):
    with pytest.raises(Refusal, match=words):
        placement.place(placement.parse("mapX,mapY,sourceX,sourceY,enable\n" + rows), (100, 100))
