"""The same picture must read the same however it is stored."""

import numpy as np
import pytest
from osgeo import gdal, osr

from rason.engine.errors import Refusal
from rason.engine.georeference import metres_per_degree
from rason.engine.scene import ArrayScene, Scene

X0, Y0, GSD = 606000.0, 4660000.0, 0.5


def picture(rows=300, columns=400, bands=3):
    rng = np.random.default_rng(1)
    coarse = rng.uniform(40, 220, (bands, rows // 20, columns // 20))
    return np.kron(coarse, np.ones((20, 20))).round().astype(np.uint8)


def write(path, data, *, transform=(X0, GSD, 0, Y0, 0, -GSD), epsg=32652, options=(), nodata=None, colours=None, kind=None):
    kinds = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "float32": gdal.GDT_Float32}
    kind = kind or kinds[data.dtype.name]
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), data.shape[2], data.shape[1], len(data), kind, list(options))
    if transform:
        dataset.SetGeoTransform(transform)
    if epsg:
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(epsg)
        dataset.SetProjection(reference.ExportToWkt())
    for i, band in enumerate(data):
        target = dataset.GetRasterBand(i + 1)
        if colours:
            target.SetColorInterpretation(colours[i])
        if nodata is not None:
            target.SetNoDataValue(nodata)
        target.WriteArray(band)
    dataset = None
    return str(path)


def whole(path, **options):
    scene = Scene.open(path, **options)
    return scene.read(scene.bounds)


def test_reads_a_window_with_padding(tmp_path):
    data = picture()
    scene = Scene.open(write(tmp_path / "a.tif", data))
    assert scene.gsd_m == GSD and scene.size == (400, 300)
    patch = scene.read((X0 - 5, Y0 - 10, X0 + 10, Y0 + 5))
    assert patch.shape == (30, 30) and patch.valid.sum() == 20 * 20 and not patch.valid[:10].any()
    dark, span = scene.stretch
    np.testing.assert_allclose(
        patch.data[:, 10:, 10:] * span[:, None, None] + dark[:, None, None], data[:, :20, :20], atol=1e-3
    )
    assert patch.bounds == (X0 - 5, Y0 - 10, X0 + 10, Y0 + 5)


@pytest.mark.parametrize(
    ("turn", "transform"),
    [
        (lambda d: d[:, ::-1], (X0, GSD, 0, Y0 - 150, 0, GSD)),  # south-up
        (lambda d: d[:, :, ::-1], (X0 + 200, -GSD, 0, Y0, 0, -GSD)),  # mirrored
        (lambda d: d[:, ::-1, ::-1], (X0 + 200, -GSD, 0, Y0 - 150, 0, GSD)),  # half a turn
        (lambda d: d.swapaxes(1, 2), (X0, 0, GSD, Y0, -GSD, 0)),  # transposed
        (lambda d: d.swapaxes(1, 2)[:, :, ::-1], (X0 + 200, 0, -GSD, Y0, -GSD, 0)),  # a quarter turn
    ],
)
def test_orientation_does_not_matter(tmp_path, turn, transform):
    data = picture()
    transform = list(transform)
    plain = whole(write(tmp_path / "plain.tif", data))
    turned_data = np.ascontiguousarray(turn(data))
    if transform[1] == 0 and transform[2] < 0:
        turned_data = np.ascontiguousarray(data.swapaxes(1, 2)[:, ::-1])
    turned = whole(write(tmp_path / "turned.tif", turned_data, transform=transform))
    np.testing.assert_allclose(turned.data, plain.data, atol=1e-5)
    assert turned.bounds == plain.bounds and turned.valid.all()
    box = (X0 + 20.3, Y0 - 91.1, X0 + 101.9, Y0 - 9.5)
    for shape in ((90, 90), (272, 272)):  # averaged, and finer than the scene
        one, other = (
            Scene.open(str(tmp_path / f"{name}.tif")).values(box, shape, (0, 2))[0] for name in ("plain", "turned")
        )
        assert np.abs(one.astype(float) - other).mean() < 0.5


def test_storage_does_not_matter(tmp_path):
    data = picture()
    plain = whole(write(tmp_path / "plain.tif", data))
    variants = {
        "tiled": write(tmp_path / "tiled.tif", data, options=["TILED=YES", "COMPRESS=DEFLATE"]),
        "16 bit": write(tmp_path / "deep.tif", data.astype(np.uint16) * 40),
        "float": write(tmp_path / "float.tif", (data / 255).astype(np.float32)),
        "bgr": write(
            tmp_path / "bgr.tif", data[::-1].copy(), colours=[gdal.GCI_BlueBand, gdal.GCI_GreenBand, gdal.GCI_RedBand]
        ),
        "alpha": write(tmp_path / "alpha.tif", np.concatenate([data, np.full_like(data[:1], 255)]), options=["ALPHA=YES"]),
        "Korean letters": write(tmp_path / "라선 항.tif", data),
    }
    for name, path in variants.items():
        got = whole(path)
        order = [got.roles.index(role) for role in plain.roles]
        np.testing.assert_allclose(got.data[order], plain.data, atol=2e-3, err_msg=name)
        assert got.valid.all(), name


def test_zip_and_vrt(tmp_path):
    import zipfile

    path = write(tmp_path / "a.tif", picture())
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "a.tif")
    gdal.Translate(str(tmp_path / "a.vrt"), path, format="VRT")
    plain = whole(path)
    for other in (f"/vsizip/{tmp_path}/a.zip/a.tif", str(tmp_path / "a.vrt")):
        np.testing.assert_array_equal(whole(other).data, plain.data)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_degrees_and_web_mercator_are_measured_in_metres(tmp_path, crs):
    path = write(tmp_path / "utm.tif", picture())
    gdal.Warp(str(tmp_path / "other.tif"), path, dstSRS=crs, resampleAlg="cubic", dstAlpha=True)
    scene, plain = Scene.open(str(tmp_path / "other.tif")), Scene.open(path)
    assert scene.gsd_m == pytest.approx(GSD, rel=0.08)  # GDAL itself chose square degrees: 0.46 x 0.61 m
    x, y = scene.frame.from_scene(*_point(path, crs))
    patch, other = scene.read((x - 15, y - 15, x + 15, y + 15)), plain.read((X0 + 85, Y0 - 90, X0 + 115, Y0 - 60))
    assert patch.valid.all()
    np.testing.assert_allclose(patch.luminance().mean(), other.luminance().mean(), atol=0.03)


def _point(path, crs):
    from rason.engine.georeference import transform

    return transform(gdal.Open(path).GetProjection(), crs, X0 + 100, Y0 - 75)


def test_rotated_scene_is_resampled(tmp_path):
    angle = np.radians(17)
    c, s = GSD * np.cos(angle), GSD * np.sin(angle)
    scene = Scene.open(write(tmp_path / "rotated.tif", picture(), transform=(X0, c, s, Y0, s, -c)))
    assert scene.gsd_m == pytest.approx(GSD, rel=1e-3)
    patch = scene.read(scene.bounds)
    assert 0.4 < patch.valid.mean() < 0.9  # the corners of the box around it are empty


def test_metres_per_degree_against_pyproj():
    pyproj = pytest.importorskip("pyproj")
    geod = pyproj.Geod(ellps="WGS84")
    for latitude in (0.0, 42.3, 65.0):
        east, north = metres_per_degree(latitude)
        assert east * 1e-3 == pytest.approx(geod.inv(130, latitude, 130.001, latitude)[2], rel=1e-5)
        assert north * 1e-3 == pytest.approx(geod.inv(130, latitude - 5e-4, 130, latitude + 5e-4)[2], rel=1e-5)


def test_nodata_alpha_nan_and_collar(tmp_path):
    data = picture()
    data[:, 100:150, 100:150] = 0
    assert whole(write(tmp_path / "dark.tif", data)).valid.all()  # black ground inside the scene was seen
    assert (~whole(write(tmp_path / "nodata.tif", data, nodata=0)).valid).sum() == 2500
    collar = picture()
    collar[:, :, :60] = 0
    collar[:, 200:210, 200:210] = 0
    assert (~whole(write(tmp_path / "collar.tif", collar)).valid).sum() == 60 * 300
    alpha = np.concatenate([picture(), np.full((1, 300, 400), 255, np.uint8)])
    alpha[3, :, :60] = 0
    assert (~whole(write(tmp_path / "alpha.tif", alpha, options=["ALPHA=YES"])).valid).sum() == 60 * 300
    floats = picture().astype(np.float32)
    floats[1, :10] = np.nan
    patch = whole(write(tmp_path / "nan.tif", floats))
    assert (~patch.valid).sum() == 10 * 400 and np.isfinite(patch.data).all()


def test_all_nodata_scene_is_read_as_not_observed(tmp_path):
    patch = whole(write(tmp_path / "empty.tif", np.zeros((3, 50, 50), np.uint8), nodata=0))
    assert not patch.valid.any() and not patch.data.any()


def test_averaging_agrees_with_blocks(tmp_path):
    data = picture()
    scene = Scene.open(write(tmp_path / "a.tif", data))
    patch = scene.read(scene.bounds, gsd_m=1.0)
    dark, span = scene.stretch
    blocks = data.reshape(3, 150, 2, 200, 2).mean((2, 4))
    np.testing.assert_allclose(patch.data * span[:, None, None] + dark[:, None, None], blocks, atol=0.6)
    memory = ArrayScene(data.astype(np.float32), GSD, x0=X0, y0=Y0).read(scene.bounds, 1.0)
    np.testing.assert_allclose(memory.data, blocks, atol=1e-3)


def test_values_are_the_files_own(tmp_path):
    data = picture()
    scene = Scene.open(write(tmp_path / "a.tif", data))
    values, valid = scene.values((X0 - 5, Y0 - 10, X0 + 10, Y0 + 5), (30, 30), (2, 0))
    assert values.dtype == np.uint8 and np.array_equal(values[:, 10:, 10:], data[[2, 0], :20, :20])
    assert valid.sum() == 400 and valid[10:, 10:].all() and not values[:, ~valid].any()
    coarse, _ = scene.values(scene.bounds, (150, 200), (0,))
    blocks = data[0].reshape(150, 2, 200, 2).mean((1, 3))
    assert np.abs(coarse[0] - blocks).max() <= 1
    assert [end.tolist() for end in scene.display] == [[0, 0, 0], [255, 255, 255]]
    deep = Scene.open(write(tmp_path / "b.tif", data.astype(np.uint16) * 20, nodata=800))
    values, valid = deep.values(deep.bounds, (300, 400), (1,))
    assert values.dtype == np.float32 and np.array_equal(valid, data[1] != 40)
    assert np.array_equal(values[0], np.where(valid, data[1] * 20.0, 0)) and deep.display is deep.stretch


def test_palette_is_expanded(tmp_path):
    path = tmp_path / "palette.tif"
    write(path, np.array([[[0, 1]]], np.uint8).repeat(40, 1).repeat(20, 2))
    dataset = gdal.Open(str(path), gdal.GA_Update)
    table = gdal.ColorTable()
    table.SetColorEntry(0, (10, 20, 30, 255))
    table.SetColorEntry(1, (200, 100, 50, 255))
    dataset.GetRasterBand(1).SetColorTable(table)
    dataset = None
    assert Scene.open(str(path)).roles == ("red", "green", "blue")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epsg": None}, "no coordinate reference system"),
        ({"transform": None}, "no georeference"),
        ({"transform": (X0, GSD, 0.3, Y0, 0, -GSD)}, "sheared"),
        ({"kind": gdal.GDT_CFloat32}, "complex"),
    ],
)
def test_refusals_name_the_cure(tmp_path, change, message):
    with pytest.raises(Refusal, match=message):
        Scene.open(write(tmp_path / "bad.tif", picture(), **change))


def test_not_a_raster_truncated_and_bands(tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("hello")
    with pytest.raises(Refusal, match="cannot be opened"):
        Scene.open(str(text))
    path = write(tmp_path / "short.tif", np.random.default_rng(0).integers(0, 255, (3, 600, 600)).astype(np.uint8))
    with open(path, "rb+") as file:
        file.truncate(400_000)
    with pytest.raises(Refusal, match="truncated or damaged|cannot be opened"):
        Scene.open(path).stretch  # noqa: B018
    good = write(tmp_path / "good.tif", picture())
    with pytest.raises(Refusal, match="names 2 bands"):
        Scene.open(good, bands="red,green")
    with pytest.raises(Refusal, match="purple"):
        Scene.open(good, bands="red,green,purple")
    assert Scene.open(good, bands="blue,green,nir").roles == ("blue", "green", "nir")


def test_opening_does_not_change_gdal_for_others(tmp_path):
    before = gdal.GetUseExceptions()
    Scene.open(write(tmp_path / "a.tif", picture()))
    assert gdal.GetUseExceptions() == before


def test_a_file_that_can_hide_nothing_says_so(tmp_path):
    from osgeo import gdal, osr

    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32652)
    for name, kind, nodata, corner, whole in (
        ("plain", gdal.GDT_Byte, None, 9, True),
        ("sixteen", gdal.GDT_UInt16, None, 9, True),
        ("float", gdal.GDT_Float32, None, 9, False),
        ("nodata", gdal.GDT_Byte, 0, 9, False),
        ("collar", gdal.GDT_Byte, None, 0, False),
    ):
        path = str(tmp_path / f"{name}.tif")
        file = gdal.GetDriverByName("GTiff").Create(path, 40, 40, 3, kind)
        file.SetGeoTransform((500000, 1, 0, 4000000, 0, -1))
        file.SetProjection(crs.ExportToWkt())
        pixels = np.full((3, 40, 40), 9)
        pixels[:, :10, :10] = corner
        file.WriteArray(pixels)
        for k in (1, 2, 3) if nodata is not None else ():
            file.GetRasterBand(k).SetNoDataValue(nodata)
        file = None
        assert Scene.open(path).shows_all == whole, name
