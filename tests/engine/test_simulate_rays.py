"""A second renderer, which shares no code with the simulator: rays through cuboids. Shadow and lean must agree with it."""

import numpy as np
import pytest

from rason.engine.simulate import canvas, port, render
from rason.engine.simulate.layout import Layout
from rason.engine.simulate.sensor import Sensor
from rason.engine.simulate.view import View

SIDE_M, GSD_M, RAYS = 30.0, 0.5, 4  # RAYS x RAYS a pixel
SKY, GROUND, TOP = 0.3, 0.2, 0.55


@pytest.fixture(autouse=True)
def small_texture(monkeypatch):
    monkeypatch.setattr(canvas, "PERIOD", 256)


def towards(azimuth, elevation):
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.array([np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)])


def enters(points, direction, cuboid):
    """Distance along ``direction`` at which rays from points (N, 3) enter and leave a cuboid; inf, -inf where they miss."""
    x, y, length, width, height, azimuth = cuboid
    angle = np.radians(azimuth)
    turn = np.array([[np.sin(angle), np.cos(angle), 0.0], [np.cos(angle), -np.sin(angle), 0.0], [0.0, 0.0, 1.0]])
    start, heading = (points - [x, y, 0.0]) @ turn.T, turn @ direction
    low, high = np.array([-length / 2, -width / 2, 0.0]), np.array([length / 2, width / 2, height])
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (low - start) / heading, (high - start) / heading
    near, far = np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)
    return np.where(near < far, near, np.inf), np.where(near < far, far, -np.inf)


def traced(cuboids, sun, off_nadir, view_azimuth):
    """Light of each pixel, walls left dark: rays come down from the sensor, and from where they land go on to the sun."""
    pixels = int(2 * SIDE_M / GSD_M)
    at = (np.arange(pixels * RAYS) + 0.5) * GSD_M / RAYS - SIDE_M
    x, y = np.meshgrid(at, -at)
    ground = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])
    up, light = towards(view_azimuth, 90.0 - off_nadir), towards(*sun)
    best, tone = np.zeros(len(ground)), np.full(len(ground), GROUND)
    for cuboid in cuboids:  # of all that a ray passes, the one it leaves last on its way up is the first on its way down
        _, far = enters(ground, up, cuboid)
        first = far > best
        best[first] = far[first]
        is_top = np.abs(far * up[2] - cuboid[4]) < 1e-6
        tone[first] = np.where(is_top[first], TOP, 0.0)
    hit = ground + best[:, None] * up
    lit = np.ones(len(ground), bool)
    for cuboid in cuboids:
        _, far = enters(hit + 1e-4 * light, light, cuboid)
        lit &= far <= 0
    seen = tone * (SKY + (1 - SKY) * lit)
    return seen.reshape(pixels, RAYS, pixels, RAYS).mean(axis=(1, 3)), (tone == 0.0).reshape(
        pixels, RAYS, pixels, RAYS
    ).mean(axis=(1, 3))


SCENES = {
    "one stack": [(0.0, 0.0, 12.19, 2.44, 7.77, 30.0)],
    "high behind low": [(0.0, 3.0, 12.19, 2.44, 10.36, 90.0), (0.0, 0.0, 12.19, 2.44, 2.59, 90.0), (9.0, -9.0, 6.06, 2.44, 5.18, 10.0)],
    "row": [(-6.0 + 2.8 * k, 0.0, 12.19, 2.44, 2.59 * (1 + k % 3), 0.0) for k in range(5)],
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize(
    ("sun", "look"), [((150.0, 55.0), (0.0, 0.0)), ((230.0, 32.0), (22.0, 75.0)), ((115.0, 40.0), (28.0, 300.0))]
)
def test_shadow_and_lean_agree_with_rays(name, sun, look):
    cuboids = SCENES[name]
    things = [
        port.container(x, y, azimuth, length, round(height / 2.59), (TOP, TOP, TOP))
        for x, y, length, _, height, azimuth in cuboids
    ]
    seen = render.render(
        Layout(things=tuple(things), ground="roof"), (-SIDE_M, -SIDE_M, SIDE_M, SIDE_M), gsd_m=GSD_M, sun_azimuth_deg=sun[0],
        sun_elevation_deg=sun[1], seed=0, sensor=Sensor(psf_px=0.05, haze=0.0, noise=0.0, gain=1.0, gamma=1.0), view=View(*look), cell_m=0.1,
    ).data.mean(axis=0) / 255.0  # fmt: skip
    expected, walls = traced(cuboids, sun, *look)
    compared = walls < 0.02  # the two shade walls, and the frame of a top, in their own way
    top, dark = (expected > 0.9 * TOP) & compared, (expected < 1.1 * SKY * GROUND) & compared
    bright = compared & (np.abs(expected - GROUND) < 0.005)
    assert top.sum() > 40 and dark.sum() > 60
    assert (seen[top] > 0.36).mean() > 0.97  # lit tops are where rays say
    assert (seen[dark] < 0.12).mean() > 0.95  # so are shadows
    assert ((seen[bright] > 0.13) & (seen[bright] < 0.32)).mean() > 0.98  # and open ground
