"""The raster of causes: precedence, shares of zones, and the scene behind it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal, osr
from shapely.geometry import LineString, box

from rason.engine import visibility as v
from rason.engine.class_raster import ClassRaster
from rason.engine.errors import Refusal
from rason.engine.georeference import transform
from rason.engine.look import look
from rason.engine.masked import MaskedScene
from rason.engine.scene import Scene
from rason.engine.visible import visible_fraction
from rason.engine.zones import Zone

X, Y = 606000.0, 4660000.0


def write(path, data, gsd=1.0, x=X, y=Y, epsg=32652, kind=gdal.GDT_Byte, nodata=None):
    data = np.atleast_3d(np.asarray(data).T).T
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    file = gdal.GetDriverByName("GTiff").Create(str(path), data.shape[2], data.shape[1], data.shape[0], kind)
    file.SetGeoTransform((x, gsd, 0, y, 0, -gsd))
    file.SetProjection(crs.ExportToWkt())
    for i, band in enumerate(data):
        file.GetRasterBand(i + 1).WriteArray(band)
        if nodata is not None:
            file.GetRasterBand(i + 1).SetNoDataValue(nodata)
    file.FlushCache()
    return str(path)


@pytest.fixture
def scene(tmp_path):
    """100 x 80 m at 0.5 m, textured; the eastern 20 m are nodata."""
    data = np.random.default_rng(1).integers(40, 200, (3, 160, 200)).astype(np.uint8)
    data[:, :, 160:] = 0
    return Scene.open(write(tmp_path / "scene.tif", data, gsd=0.5))


def test_a_mask_is_all_clear_at_first_and_its_pixels_are_a_multiple_of_the_scenes():
    mask = v.Mask.blank((0, 0, 100, 80), 0.3)
    assert mask.gsd_m == pytest.approx(0.9) and mask.shape == (88, 111) and (mask.causes == v.CLEAR).all()
    assert v.Mask.blank((0, 0, 100, 80), 10.0).gsd_m == 10.0
    large = v.Mask.blank((0, 0, 40_000, 40_000), 0.5)
    assert large.causes.size <= v.MOST_PIXELS


@given(st.lists(st.sampled_from(v.ORDER), min_size=1, max_size=6))
def test_the_cause_of_most_weight_is_named_whatever_the_order(causes):
    mask = v.Mask.blank((0, 0, 2, 2), 1.0)
    for cause in causes:
        mask.hide(np.ones((2, 2), bool), cause)
    assert (mask.causes == max(causes, key=v.ORDER.index)).all()


@given(st.floats(-30, 130), st.floats(-30, 130), st.floats(1, 90), st.floats(1, 90))
def test_shares_sum_to_one_and_what_lies_outside_is_not_observed(x, y, width, height):
    mask = v.Mask.blank((0, 0, 100, 100), 1.0)
    shape = box(x, y, x + width, y + height)
    shares = mask.shares(shape)
    inside = shape.intersection(box(0, 0, 100, 100)).area / shape.area
    assert shares.sum() == pytest.approx(1) and shares[v.CLEAR] == pytest.approx(inside, abs=0.15 + 2 / min(width, height))
    line = LineString([(x, y), (x + width, y + height)])
    assert mask.shares(line).sum() == pytest.approx(1)


def test_shares_of_polygons_lines_and_places_smaller_than_a_pixel():
    mask = v.Mask.blank((0, 0, 100, 100), 1.0)
    mask.hide_polygon(box(0, 0, 50, 100), v.CLOUD)
    mask.hide_polygon(box(0, 0, 20, 100), v.ROOF)
    assert mask.shares(box(0, 0, 100, 100))[[v.CLEAR, v.CLOUD, v.ROOF]] == pytest.approx([0.5, 0.3, 0.2])
    assert mask.shares(LineString([(0, 50), (100, 50)]))[v.CLOUD] == pytest.approx(0.3, abs=0.02)
    assert mask.shares(box(30.1, 30.1, 30.2, 30.2))[v.CLOUD] == 1
    assert mask.shares(box(200, 200, 210, 210))[v.NODATA] == 1
    assert v.described(mask.scene_shares()) == "cloud 30 %, roof 20 %"


def test_look_puts_all_causes_together(scene, tmp_path):
    scl = write(tmp_path / "T52_SCL_20m.tif", np.where(np.arange(10) < 5, 9, 4) * np.ones((8, 1)), gsd=10.0)
    hidden = write(tmp_path / "hidden.tif", np.full((10, 10), 7), gsd=1.0)
    found = look(
        scene,
        quality_layer=(ClassRaster.open(scl, name="QUALITY"), ""),
        hidden_raster=ClassRaster.open(hidden, name="MASK"),
        hidden_polygons=[box(X + 60, Y - 10, X + 70, Y)],
        roofs=[box(X + 10, Y - 80, X + 20, Y - 40)],
    )
    causes = found.mask.causes
    assert causes.shape == (80, 100) and found.warnings == ()
    assert (causes[:, 81:] == v.NODATA).all() and (causes[:10, :10] == v.MASKED).all()
    assert (causes[:10, 60:70] == v.MASKED).all() and (causes[40:, 10:20] == v.ROOF).all()
    assert (causes[15:, 21:50] == v.CLOUD).all() and (causes[15:, 51:80] == v.CLEAR).all()


def test_what_the_quality_layer_does_not_cover_is_said(scene, tmp_path):
    part = write(tmp_path / "SCL.tif", np.full((8, 4), 4), gsd=10.0)
    assert "covers only 40%" in look(scene, quality_layer=(ClassRaster.open(part, name="QUALITY"), "")).warnings[0]


def test_a_mask_that_lies_elsewhere_is_refused(scene, tmp_path):
    away = ClassRaster.open(write(tmp_path / "away.tif", np.ones((5, 5)), x=X + 5000), name="MASK")
    with pytest.raises(Refusal, match="outside the scene"):
        look(scene, hidden_raster=away)


def test_a_scene_behind_a_mask_is_valid_only_where_it_is_seen(scene, tmp_path):
    seen = np.ones((8, 10))
    seen[:, :4] = v.CLOUD
    masked = MaskedScene(scene, ClassRaster.open(write(tmp_path / "v.tif", seen, gsd=10.0), name="VISIBILITY"))
    patch = masked.read((X, Y - 80, X + 100, Y))
    assert not patch.valid[:, :80].any() and patch.valid[:, 80:160].all() and not patch.data[:, :, :80].any()
    assert masked.gsd_m == 0.5 and masked.effective_gsd_m == scene.effective_gsd_m and len(masked.files) == 2
    assert visible_fraction(masked, Zone("a", "area", box(X, Y - 80, X + 80, Y))) == pytest.approx(0.5, abs=0.01)
    assert visible_fraction(masked, Zone("t", "track", LineString([(X, Y - 40), (X + 80, Y - 40)]))) == pytest.approx(
        0.5, abs=0.03
    )


@pytest.mark.parametrize(("value", "words"), [(9, "no raster of rason:visibility"), (2, "no pixel is 1")])
def test_other_masks_are_not_taken_for_a_visibility_raster(scene, tmp_path, value, words):
    raster = ClassRaster.open(write(tmp_path / "v.tif", np.full((8, 10), value), gsd=10.0), name="VISIBILITY")
    with pytest.raises(Refusal, match=words):
        MaskedScene(scene, raster)


def test_masks_in_degrees_are_laid_on_the_scene(scene, tmp_path):
    west, north = (float(a) for a in transform(scene.frame.wkt, "EPSG:4326", X - 500, Y + 500))
    path = write(tmp_path / "d.tif", np.full((200, 200), 5), gsd=1e-4, x=west, y=north, epsg=4326)
    found = look(scene, hidden_raster=ClassRaster.open(path, name="MASK"))
    assert (found.mask.causes[:, :80] == v.MASKED).all()
