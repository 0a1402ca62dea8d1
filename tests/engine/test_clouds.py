"""Clouds, their shadows, haze and glint in made pictures; bright things with edges are none of them."""

import numpy as np
import pytest
from scipy import ndimage

from rason.engine import cloud_shadows, clouds, glint, haze
from rason.engine.look import look
from rason.engine.patch import Patch
from rason.engine.scene import ArrayScene
from rason.engine.visibility import CLOUD, GLINT, NODATA, SHADOW


def yard(rng, shape, light=0.3):
    """Ground with boxes, roofs and lines: sharp edges everywhere."""
    picture = np.full(shape, light) + rng.normal(0, 0.01, shape)
    for _ in range(shape[0] * shape[1] // 600):
        y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        height, width = rng.integers(2, 12), rng.integers(2, 12)
        picture[y : y + height, x : x + width] = rng.uniform(0.05, 0.9)
    return picture


def fractal(rng, shape, rough=60.0):
    """A soft random field, 0..1, whose finest detail is some ten pixels."""
    noise = sum(k * ndimage.gaussian_filter(rng.normal(size=shape), k) for k in (8, 20, rough))
    noise -= noise.min()
    return noise / noise.max()


def under_cloud(picture, rng):
    """The picture under a cloud that fills about half of it, and how opaque the cloud is."""
    opaque = np.clip((fractal(rng, picture.shape) - 0.45) * 5, 0, 1)
    return picture * (1 - opaque) + 0.95 * opaque, opaque


def patch(picture, gsd=2.4, valid=None):
    rgb = np.repeat(picture[None], 3, 0).astype(np.float32)
    return Patch(rgb, np.ones(picture.shape, bool) if valid is None else valid, 0.0, 0.0, gsd, ("red", "green", "blue"))


@pytest.mark.parametrize("seed", range(4))
def test_a_cloud_is_found_and_the_yard_around_it_is_not(seed):
    rng = np.random.default_rng(seed)
    picture, opaque = under_cloud(yard(rng, (300, 300)), rng)
    cloud, rim = clouds.veil(patch(picture))
    hidden = cloud | rim
    assert (hidden & (opaque > 0.8)).sum() / (opaque > 0.8).sum() > 0.75
    assert (hidden & (opaque < 0.1)).mean() < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_bright_yards_roofs_and_slabs_are_no_cloud(seed):
    rng = np.random.default_rng(seed)
    picture = yard(rng, (300, 300), light=0.25)
    picture[40:140, 60:220] = 0.95 + rng.normal(0, 0.01, (100, 160))  # a white roof of 240 x 380 m
    picture[180:260, 30:280] = 0.7 + 0.1 * fractal(rng, (80, 250))  # bare concrete
    cloud, rim = clouds.veil(patch(ndimage.gaussian_filter(picture, 0.5)))
    assert not cloud.any() and not rim.any()


def test_what_is_sharp_inside_a_veil_is_seen():
    rng = np.random.default_rng(3)
    opaque = np.clip((fractal(rng, (300, 300)) - 0.4) * 4, 0, 0.6)
    picture = 0.05 * (1 - opaque) + 0.9 * opaque + rng.normal(0, 0.004, opaque.shape)
    y, x = np.argwhere((opaque > 0.2) & (opaque < 0.5))[5000]
    picture[y : y + 4, x : x + 20] = 1.0
    cloud, rim = clouds.veil(patch(picture))
    assert (cloud | rim).mean() > 0.2 and not (cloud | rim)[y : y + 4, x : x + 20].any()


def test_coloured_and_small_bodies_are_no_cloud():
    rng = np.random.default_rng(1)
    body = np.clip((fractal(rng, (300, 300)) - 0.45) * 5, 0, 1)
    rgb = np.stack([0.1 + 0.8 * body, 0.1 + 0.5 * body, 0.1 + 0.1 * body]).astype(np.float32)  # a plume of silt
    view = Patch(rgb, np.ones(body.shape, bool), 0, 0, 2.4, ("red", "green", "blue"))
    assert not clouds.veil(view)[0].any()
    y, x = np.mgrid[:200, :200]
    small = 0.1 + 0.8 * np.exp(-((y - 100) ** 2 + (x - 100) ** 2) / (2 * 4.0**2))
    assert not clouds.veil(patch(small))[0].any()


def alone(picture, rng, radius=20):
    """One soft-edged white cloud that casts no shadow over a coarse picture in colours, and how opaque it is."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    noise = fractal(rng, picture.shape, 20.0) + 0.3 * ndimage.gaussian_filter(rng.normal(size=picture.shape), 2)
    opaque = np.clip((1.2 - np.hypot(y - 200, x - 200) / radius + 0.8 * (noise - noise.mean())) * 2, 0, 1)
    ground = picture[None] * np.array([1.1, 1.0, 0.8])[:, None, None]
    return ground * (1 - opaque) + (1.1 + 0.3 * noise) * opaque, opaque


@pytest.mark.parametrize("seed", range(2))
def test_a_single_large_cloud_is_found_at_10_m(seed):
    rng = np.random.default_rng(seed)
    rgb, opaque = alone(country(rng), rng)
    scene = ArrayScene(rgb.astype(np.float32), 10.0, y0=4000.0)
    causes = look(scene).mask.causes
    hidden = causes != 1
    assert (hidden & (opaque > 0.5)).sum() / (opaque > 0.5).sum() > 0.6
    assert (hidden & (opaque < 0.05)).mean() < 0.002
    grey = ArrayScene(rgb.mean(0, keepdims=True).astype(np.float32), 10.0, roles=("grey",), y0=4000.0)
    assert clouds.rule_for(grey) is None, "whiteness is needed"
    blown_up = ArrayScene(rgb.astype(np.float32), 10.0, effective_gsd=30.0)
    assert clouds.rule_for(blown_up) is None, "everything is soft there"


@pytest.mark.parametrize("seed", range(2))
def test_bright_fields_are_no_single_cloud(seed):
    picture = country(np.random.default_rng(seed))
    rgb = picture[None] * np.array([1.02, 1.0, 0.98])[:, None, None]
    assert not np.any(
        clouds.veil(
            Patch(rgb.astype(np.float32), np.ones(picture.shape, bool), 0, 0, 10.0, ("red", "green", "blue")),
            rule=clouds.COARSE,
        )
    )


def country(rng, shape=(400, 400)):
    """Fields, bright and dark, and a wood."""
    picture = np.full(shape, 0.3)
    for _ in range(60):
        y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        picture[y : y + rng.integers(15, 60), x : x + rng.integers(15, 60)] = rng.choice([0.25, 0.3, 0.35, 0.35, 0.4, 0.8])
    picture[200:330, 30:200] = 0.06
    return picture + rng.normal(0, 0.01, shape)


def with_clouds(picture, rng, offset=(-48, -20), number=9):
    """Clouds and their shadows at one offset (rows, columns); the masks of both."""
    cloud = np.zeros(picture.shape, bool)
    for y, x in rng.integers(70, picture.shape[0] - 20, (number, 2)):
        spot = np.hypot(*(np.mgrid[: picture.shape[0], : picture.shape[1]] - np.array([y, x])[:, None, None]))
        cloud |= spot + 4 * ndimage.gaussian_filter(rng.normal(size=picture.shape), 3) * 6 < rng.uniform(6, 12)
    shadow = np.roll(cloud, offset, (0, 1))
    picture = np.where(shadow, 0.02, picture)
    return np.where(cloud, 1.0, picture), cloud, shadow & ~cloud


@pytest.mark.parametrize("seed", range(3))
def test_clouds_are_told_by_their_shadows(seed):
    rng = np.random.default_rng(seed)
    picture, cloud, shadow = with_clouds(country(rng), rng)
    found = cloud_shadows.pairs(patch(picture, 10.0))
    assert found is not None and np.allclose(found.offset, (-20, -48), atol=2)
    assert (found.cloud & cloud).sum() / cloud.sum() > 0.5, "one that touches a bright field may be missed"
    assert (found.shadow & shadow).sum() / shadow.sum() > 0.5
    assert (found.cloud & ~ndimage.binary_dilation(cloud, iterations=4)).mean() < 0.01


@pytest.mark.parametrize("seed", range(6))
def test_bright_fields_cast_no_shadow(seed):
    assert cloud_shadows.pairs(patch(country(np.random.default_rng(seed)), 10.0)) is None


def water(rng, specks, shape=(384, 384)):
    picture = 0.12 + 0.02 * rng.normal(size=shape)
    picture[rng.random(shape) < specks] = 1.0
    return picture


def test_glint_is_dense_specks_on_dark_water_and_nothing_else():
    rng = np.random.default_rng(2)
    found, side = glint.glint(patch(water(rng, 0.03), 0.3))
    assert found.all() and side == pytest.approx(19.2)
    assert not glint.glint(patch(water(rng, 0.0), 0.3))[0].any(), "calm water"
    assert not glint.glint(patch(ndimage.gaussian_filter(water(rng, 0.3), 1.0), 0.3))[0].any(), "rough water shows ships"
    assert not glint.glint(patch(yard(rng, (384, 384)), 0.3))[0].any()


def test_haze_hides_where_fine_contrast_is_lost():
    rng = np.random.default_rng(4)
    picture = yard(rng, (200, 200))
    hazy = np.zeros(picture.shape, bool)
    hazy[:, :80] = True
    thin, thick = (np.where(hazy, picture * t + 0.9 * (1 - t), picture) for t in (0.8, 0.2))
    assert haze.lost(patch(thin), hazy).mean() < 0.02
    lost = haze.lost(patch(thick), hazy)
    assert lost[:, 10:65].mean() > 0.8 and not lost[:, 80:].any()
    assert haze.lost(patch(thick), np.ones_like(hazy)) is None


def test_look_reads_the_picture():
    rng = np.random.default_rng(0)
    picture, opaque = under_cloud(yard(rng, (600, 600)), rng)
    scene = ArrayScene(np.repeat(picture[None], 3, 0).astype(np.float32), 1.2)
    mask = look(scene).mask
    assert mask.gsd_m == pytest.approx(1.2) and (mask.causes[opaque > 0.9] == CLOUD).mean() > 0.7
    assert not (look(scene, causes=()).mask.causes == CLOUD).any()
    coarse, cloud, shadow = with_clouds(country(rng), rng)
    found = look(ArrayScene(np.repeat(coarse[None], 3, 0).astype(np.float32), 10.0))
    assert (found.mask.causes[cloud] == CLOUD).mean() > 0.4 and (found.mask.causes[shadow] == SHADOW).mean() > 0.4
    assert "quality layer" in found.warnings[0]
    valid = np.ones((384, 384), bool)
    valid[:, 300:] = False
    glinting = look(ArrayScene(np.repeat(water(rng, 0.03)[None], 3, 0).astype(np.float32), 0.3, valid=valid)).mask.causes
    assert (glinting[:, :85] == GLINT).mean() > 0.8 and (glinting[:, 101:] == NODATA).all()


class Watched:
    """A scene that notes how many of its pixels are read between two calls of progress."""

    def __init__(self, scene):
        self.scene, self.since, self.most = scene, 0, 0

    def __getattr__(self, name):
        return getattr(self.scene, name)

    def read(self, bounds, gsd_m=None):
        self.since += (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / self.scene.gsd_m**2
        self.most = max(self.most, self.since)
        return self.scene.read(bounds, gsd_m)

    def progress(self, fraction):
        self.since = 0


@pytest.mark.parametrize("gsd", [0.5, 5.0])
def test_a_large_scene_is_read_in_pieces_between_which_it_can_be_cancelled(gsd):
    rng = np.random.default_rng(5)
    scene = Watched(ArrayScene(rng.random((1, 600, 4000), np.float32).repeat(5, 1), gsd, roles=("pan",), y0=3000 * gsd))
    look(scene, progress=scene.progress)
    assert 0 < scene.most <= 6e6 < 12e6


def test_a_cancelled_look_stops():
    calls = []

    def stop(fraction):
        calls.append(fraction)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        look(ArrayScene(np.zeros((3, 64, 64), np.float32), 1.0), progress=stop)
    assert calls == [0.0]
