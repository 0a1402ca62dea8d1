"""Trains that moved while they were seen."""

from dataclasses import replace

import numpy as np
import pytest
from shapely.geometry import LineString

from rason.engine.detectors.freight_cars import FreightCars
from rason.engine.detectors.moving import NOTE, moves
from rason.engine.detectors.strip import Strip
from rason.engine.simulate import rail
from rason.engine.simulate.layout import Layout
from rason.engine.simulate.render import render
from rason.engine.zones import Zone

LOW = np.array([40.0, 53.5, 67.0, 80.5, 94.0])
HIGH = LOW + 12.0


def passing(red_m, blue_m, *, ground_too=False, noise=0.02, seed=0):
    """A strip of ballast with five wagons of different tone, red and blue displaced along it."""
    rng, step = np.random.default_rng(seed), 0.25
    n, offsets = 600, np.arange(-22, 23) * step
    s = (np.arange(n) + 0.5) * step
    bed, tones = rng.normal(0.5, 0.08, (n, 45)), rng.uniform(0.2, 0.9, 5)
    train = np.full(n, np.nan)
    for low, high, tone in zip(LOW, HIGH, tones):
        train[(s >= low) & (s < high)] = tone
    colour = np.empty((n, 45, 3), np.float32)
    for band, by in enumerate((red_m, 0.0, blue_m)):
        lag = int(round(by / step))
        ground = np.roll(bed, lag, axis=0) if ground_too else bed
        body = np.roll(train, lag)
        on_body = (np.abs(offsets) <= 1.5)[None] & np.isfinite(body)[:, None]
        colour[..., band] = np.where(on_body, np.nan_to_num(body)[:, None], ground) + rng.normal(0, noise, (n, 45))
    along = np.tile([1.0, 0.0], (n, 1))
    return Strip(s, s, 0 * s, along, offsets, colour, np.ones((n, 45), np.float32), np.zeros((0, 3), np.float32), step)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shift", [1.0, -1.5, 2.5])
def test_a_train_whose_colours_part_moves(shift, seed):
    assert moves(passing(-shift / 2, shift / 2, seed=seed), LOW, HIGH, 0.3)


@pytest.mark.parametrize("seed", range(4))
def test_a_train_that_stands_does_not(seed):
    assert not moves(passing(0.0, 0.0, seed=seed), LOW, HIGH, 0.3)


def test_bands_that_are_apart_everywhere_are_no_motion():
    assert not moves(passing(-0.75, 0.75, ground_too=True), LOW, HIGH, 0.3)


def test_two_wagons_or_grey_pictures_say_nothing():
    assert not moves(passing(-1.0, 1.0), LOW[:2], HIGH[:2], 0.3)
    assert not moves(passing(0.0, 0.0, noise=0.0), LOW, HIGH, 0.3)


def in_bands(apart_m, seed=0):
    """A simulated train of eight wagons whose bands were taken one after another, ``apart_m`` of travel between each two."""
    line = np.array([[0.0, 0.0], [300.0, 0.0]])
    kinds = ["gondola", "box", "tank", "gondola", "box", "gondola", "hopper", "box"]
    bands = []
    for band in range(3):
        train = rail.train(line, 90.0 + (band - 1) * apart_m, kinds, np.random.default_rng(seed))
        seen = render(
            Layout(tracks=(line,), things=tuple(train)),
            (0, -25, 300, 25),
            gsd_m=0.35,
            sun_azimuth_deg=150,
            sun_elevation_deg=45,
            seed=seed,
        )
        bands.append(seen.as_scene())
    data = np.stack([scene.data[band] for band, scene in enumerate(bands)])
    return replace(bands[1], data=data)


@pytest.mark.parametrize(("apart_m", "moving"), [(0.0, False), (1.0, True), (-0.8, True)])
def test_a_simulated_train_is_noted_wagon_by_wagon_and_said_of_its_track(apart_m, moving):
    found = FreightCars().detect(in_bands(apart_m), Zone("T1", "track", LineString([(1, 0), (299, 0)])))
    assert len(found.detections) >= 6
    assert all((NOTE in note) is moving for note in found.detections.note)
    assert any("T1" in text and "moved" in text for text in found.warnings) is moving
