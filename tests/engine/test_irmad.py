"""IR-MAD: a significance that holds, streams on one grid, areas of changed pixels."""

import numpy as np
import pytest
from osgeo import gdal, osr

from rason.engine.change import areas, irmad, optical, streams
from rason.engine.errors import Refusal
from rason.engine.scene import Scene


def quiet(fraction):
    """Progress that nobody looks at."""


def write(path, data, origin=(500000.0, 4690000.0), gsd=10.0, epsg=32652, nodata=None):
    data = np.atleast_3d(data) if data.ndim == 2 else data
    file = gdal.GetDriverByName("GTiff").Create(str(path), data.shape[2], data.shape[1], len(data), gdal.GDT_UInt16)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    file.SetProjection(reference.ExportToWkt())
    file.SetGeoTransform((origin[0], gsd, 0, origin[1], 0, -gsd))
    for i, band in enumerate(data):
        file.GetRasterBand(i + 1).WriteArray(band)
        if nodata is not None:
            file.GetRasterBand(i + 1).SetNoDataValue(nodata)
    file.FlushCache()
    return str(path)


def pair(rng, size=300, bands=4, noisy=1.0, changed=0.1, strength=400.0):
    """Two dates (B, size, size) of four kinds of ground, one with ``noisy`` times the noise, and where the second changed."""
    kind = np.repeat(np.repeat(rng.integers(0, 4, (size // 20, size // 20)), 20, 0), 20, 1)
    ground = rng.uniform(400, 2500, (4, bands))[kind].transpose(2, 0, 1)
    ground *= 1 + 0.03 * rng.standard_normal(kind.shape)
    mask = np.zeros(kind.shape, bool)
    while mask.mean() < changed:
        r, c = rng.integers(0, size - 30, 2)
        mask[r : r + 30, c : c + 30] = True
    sd = 30 * np.where(kind == 0, noisy, 1.0)
    gain, offset = rng.uniform(0.8, 1.2, (bands, 1, 1)), rng.uniform(0, 100, (bands, 1, 1))
    first = ground + rng.standard_normal(ground.shape) * sd
    shifted = ground + mask * strength * rng.choice([-1, 1], (bands, 1, 1))
    second = gain * shifted + offset + rng.standard_normal(ground.shape) * sd
    return first.clip(1).astype(np.uint16), second.clip(1).astype(np.uint16), mask


@pytest.mark.parametrize("bands, noisy, changed", [(4, 1.0, 0.02), (4, 2.0, 0.3), (3, 2.0, 0.3), (1, 1.0, 0.1)])
def test_false_change_is_what_was_asked_for(bands, noisy, changed):  # the spread over scenes is in the bench
    first, second, mask = pair(np.random.default_rng(6), 300, bands, noisy, changed)
    x, y = (v.reshape(bands, -1).astype(np.float32) for v in (first, second))
    model = irmad.fit(x, y)
    p = model.p(model.statistic(x, y)).reshape(mask.shape)
    assert 0.004 < (p[~mask] < 0.01).mean() < 0.016
    assert (p[~mask] < 0.001).mean() < 0.002
    assert (p[mask] < 0.001).mean() > (0.93 if bands > 1 else 0.9)
    assert model.statistic(x, y)[np.argmin(np.abs(p - 0.001))] == pytest.approx(model.threshold(0.001), rel=0.05)


def test_the_later_scene_is_brought_onto_the_earlier_one():
    first, second, mask = pair(np.random.default_rng(1), strength=1500.0)
    x, y = (v.reshape(4, -1).astype(np.float32) for v in (first, second))
    model = irmad.fit(x, y)
    same = ~mask.ravel()
    assert np.abs(model.difference(x, y)[:, same].mean(1)).max() < 8


def test_bands_that_are_copies_of_one_another():
    first, second, mask = pair(np.random.default_rng(2), bands=1)
    x, y = (np.repeat(v.reshape(1, -1), 3, 0).astype(np.float32) for v in (first, second))
    model = irmad.fit(x, y)
    p = model.p(model.statistic(x, y))
    assert np.isfinite(p).all() and (p[mask.ravel()] < 0.001).mean() > 0.9


@pytest.mark.parametrize("words, second", [("same picture", lambda x: x), ("one value", lambda x: np.full_like(x, 7))])
def test_nothing_to_compare(words, second):
    x = np.random.default_rng(0).normal(100, 10, (2, 5000)).astype(np.float32)
    with pytest.raises(Refusal, match=words):
        irmad.fit(x, second(x))


def test_streams_cut_to_the_overlap_and_hide_what_one_scene_hides(tmp_path):
    rng = np.random.default_rng(0)
    first, second, _ = pair(rng, 200)
    second[:, :20] = 0
    a = Scene.open(write(tmp_path / "a.tif", first))
    b = Scene.open(write(tmp_path / "b.tif", second, origin=(500500.0, 4690000.0), nodata=0), frame=a.frame)
    stack = streams.Stack.of([a, b], [range(4)] * 2, ["A", "B"])
    assert stack.shape == (200, 150) and stack.x0 == 500500.0 and stack.overlap == pytest.approx(0.75)
    windows = list(stack.windows())
    (x, y), seen = stack.read(windows[0])
    assert len(windows) == 1 and np.array_equal(x, first[:, :, 50:]) and np.array_equal(y, second[:, :, :150])
    assert not seen[:20].any() and seen[20:].all()
    values, share = stack.sample(quiet)
    assert values[0].shape == (4, 180 * 150) and share == pytest.approx(0.9)
    far = Scene.open(write(tmp_path / "c.tif", second, origin=(700000.0, 4690000.0)))
    with pytest.raises(Refusal, match="do not overlap"):
        streams.Stack.of([a, far], [range(4)] * 2, ["A", "B"])


def test_scenes_of_other_crs_and_grid_come_onto_the_first(tmp_path):
    first, _, _ = pair(np.random.default_rng(0), 200)
    path = write(tmp_path / "a.tif", first)
    gdal.Warp(str(tmp_path / "b.tif"), path, dstSRS="EPSG:32651", xRes=5, yRes=5, resampleAlg="cubic", dstNodata=0)
    a = Scene.open(path)
    b = Scene.open(str(tmp_path / "b.tif"), frame=a.frame)
    stack = streams.Stack.of([a, b], [range(4)] * 2, ["A", "B"])
    (x, y), seen = stack.read((20, 20, 100, 100))
    assert seen.all() and np.corrcoef(x.ravel(), y.ravel())[0, 1] > 0.99
    assert np.hypot(*stack.shift_px()) < 0.1


def test_a_shift_is_measured(tmp_path):
    image = np.random.default_rng(3).normal(1000, 200, (1, 300, 300)).cumsum(1)
    image = (image - image.min() + 1) / np.ptp(image) * 20000
    image += np.random.default_rng(4).normal(0, 1500, image.shape)
    image = image.clip(1).astype(np.uint16)
    a = Scene.open(write(tmp_path / "a.tif", image[:, 5:285, 5:285]))
    b = Scene.open(write(tmp_path / "b.tif", image[:, 3:283, 8:288]))
    shift = streams.Stack.of([a, b], [[0], [0]], ["A", "B"]).shift_px()
    assert shift == pytest.approx((-3.0, 2.0), abs=0.1)


def test_rasters_and_areas(tmp_path):
    first, second, mask = pair(np.random.default_rng(7), 300, noisy=2.0, changed=0.05, strength=1500.0)
    scenes = [Scene.open(write(tmp_path / f"{i}.tif", v)) for i, v in enumerate((first, second))]
    stack = streams.Stack.of(scenes, [range(4)] * 2, ["A", "B"])
    model = irmad.fit(*stack.sample(quiet)[0])
    out, vectors = str(tmp_path / "out.tif"), str(tmp_path / "cva.tif")
    counts = optical.detect(stack, model, 0.001, out, vectors, {"A": "b"}, quiet)
    classes, strong = gdal.Open(out).ReadAsArray()
    changed = classes >= optical.DARKER
    assert counts.seen == mask.size and counts.changed == changed.sum()
    assert ((strong >= 30) == changed).all()
    magnitude, direction = gdal.Open(vectors).ReadAsArray()
    assert magnitude[mask].mean() > 10 * magnitude[~mask].mean() and (direction >= 0).all() and (direction < 360).all()
    found = areas.areas(out, optical.CHANGED, (optical.BRIGHTER,), 9, quiet)
    assert sum(a.area_m2 for a in found) == pytest.approx(mask.sum() * 100, rel=0.03)
    assert all(a.p < 1e-3 and a.area_m2 >= 900 for a in found)
    alone = areas.areas(out, optical.CHANGED, (optical.BRIGHTER,), 1, quiet)
    assert len(alone) > len(found) and {a.brighter for a in alone} & {0.0, 1.0}


def test_vectors_tell_brightness_from_colour():
    size, direction = optical.vector(
        np.array([[3.0, -3.0, 0.0, 2.0], [3.0, -3.0, 0.0, 0.0], [3.0, -3.0, 4.0, -2.0]], np.float32)
    )
    assert size[:2] == pytest.approx(27**0.5) and direction[:2] == pytest.approx([0, 180])
    assert 0 < direction[2] < 90 and direction[3] == pytest.approx(270)


def test_cancel_passes_through_gdal(tmp_path):
    class Stop(Exception):
        pass

    path = write(tmp_path / "x.tif", np.tile(np.array([[[2, 1], [1, 3]]], np.uint16), (2, 300, 300)))

    def stop(fraction):
        if fraction > 0.4:
            raise Stop

    with pytest.raises(Stop):
        areas.areas(path, (2, 3), (3,), 4, stop)
