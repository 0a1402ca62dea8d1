"""Simulated single and double tracks on soil, grass, concrete and asphalt under many suns, every second track empty.

The yard's tracks lie on ballast as far as the next track; a single track's bed differs from what lies beside it. These scenes show
that to the fit (seeds FIT), and to the bench other seeds (REPORT). Everything here is synthetic.
"""

import numpy as np
from rail_sets import Track, Vehicle

from rason.engine.simulate import rail, trials
from rason.engine.simulate.layout import Area, Layout, along, rectangle, right_of
from rason.engine.simulate.render import render
from rason.engine.tanks import EMPTY_FLAT

FIT, REPORT = range(100, 130), range(200, 230)
YARD_FIT, YARD_REPORT = range(300, 320), range(400, 420)
TRIALS_FIT, TRIALS_REPORT = range(1000, 1045), range(1, 21)
GROUNDS = ("soil", "grass", "concrete", "asphalt", "soil", "grass")
BUFFER_M = 0.57  # a body ends this far before the coupling


def place(seed, gsd_m):
    """A simulated scene and its one or two tracks with their vehicles; even seeds begin with an empty track."""
    from shapely.geometry import LineString

    rng = np.random.default_rng([seed, 77])
    azimuth, length_m, spacing_m = rng.uniform(0, 180), rng.uniform(180, 420), rng.uniform(4.6, 6.0)
    ahead, aside = along(azimuth), right_of(azimuth)
    labelled, drawn, things = [], [], []
    number = int(rng.integers(1, 3))
    for k in range(number):
        middle = aside * (k - (number - 1) / 2) * spacing_m
        ends = np.array([middle - ahead * length_m / 2, middle + ahead * length_m / 2])
        drawn.append(ends + np.outer([-60.0, 60.0], ahead))
        standing = [] if (seed + k) % 2 == 0 else _train(ends, length_m, rng)
        at = sorted((float(np.dot((car.x, car.y), ahead)) + length_m / 2, car.length_m / 2 - BUFFER_M) for car in standing)
        vehicles = [Vehicle(m, m - half, m + half, False) for m, half in at]
        labelled.append(Track("synthetic", f"{seed}.{k}", LineString(ends), vehicles))
        things += standing
    areas = [_strip(aside * number * spacing_m / 2, aside, length_m, azimuth, rng)] if rng.random() < 0.4 else []
    corners = np.concatenate(drawn)
    seen = render(
        Layout(tuple(areas), tuple(drawn), tuple(things), ground=GROUNDS[seed % len(GROUNDS)]),
        (*(corners.min(0) - 20.0), *(corners.max(0) + 20.0)),
        gsd_m=gsd_m,
        sun_azimuth_deg=rng.uniform(110, 230),
        sun_elevation_deg=rng.uniform(18, 65),
        seed=seed,
    )
    return seen.as_scene(), labelled


def yard(seed, gsd_m):
    """A simulated yard of three to five tracks as close as 4.5 m under a mostly low sun, a third of the tracks empty."""
    from shapely.geometry import LineString

    rng = np.random.default_rng([seed, 78])
    azimuth, length_m, spacing_m, number = (
        rng.uniform(0, 180),
        rng.uniform(180, 300),
        rng.uniform(4.5, 6.0),
        int(rng.integers(3, 6)),
    )
    ahead, aside = along(azimuth), right_of(azimuth)
    labelled, drawn, things = [], [], []
    for k in range(number):
        middle = aside * (k - (number - 1) / 2) * spacing_m
        ends = np.array([middle - ahead * length_m / 2, middle + ahead * length_m / 2])
        drawn.append(ends + np.outer([-60.0, 60.0], ahead))
        standing = [] if (seed + k) % 3 == 0 else _train(ends, length_m, rng)
        labelled.append(Track("synthetic", f"{seed}.{k}", LineString(ends), _vehicles(standing, ahead, length_m)))
        things += standing
    bed = Area(rectangle(np.zeros(2), length_m + 200.0, number * spacing_m + rng.uniform(0, 4), azimuth), "ballast")
    corners = np.concatenate(drawn)
    seen = render(
        Layout((bed,) if rng.random() < 0.7 else (), tuple(drawn), tuple(things), ground=GROUNDS[seed % len(GROUNDS)]),
        (*(corners.min(0) - 20.0), *(corners.max(0) + 20.0)),
        gsd_m=gsd_m,
        sun_azimuth_deg=azimuth + rng.choice([-1, 1]) * rng.uniform(35, 145),
        sun_elevation_deg=rng.uniform(12, 45),
        seed=seed,
    )
    return seen.as_scene(), labelled


def trial(seed, gsd_m, family, shift=None):
    """A random trial (``engine/simulate/trials.py``) with GSD about gsd_m, under a shift of conditions (None: any)."""
    from shapely.geometry import Point

    rng = np.random.default_rng([seed, 79])
    shift = shift or str(rng.choice(trials.SHIFTS))
    given = trials.Conditions.default(rng, family, (0.87 * gsd_m, 1.15 * gsd_m)).shifted(shift, rng)
    seen = trials.rails(seed, given, family)
    truth, labelled = seen.truth, []
    for zone in seen.zones:
        here = seen.counted("freight_car", zone.zone_id)
        half = truth.length_m[here] / 2 - BUFFER_M
        at = [
            zone.geometry.project(Point(x, y)) for x, y in zip(truth.x[here], truth.y[here])
        ]  # of the tops, as they appear
        kind = [_type(name, note) for name, note in zip(truth.type_name[here], truth.note[here])]
        vehicles = [Vehicle(m, m - h, m + h, False, str(k)) for m, h, k in zip(at, half, kind)]
        labelled.append(Track("synthetic", zone.zone_id, zone.geometry, sorted(vehicles, key=lambda v: v.at)))
    return seen.scene, labelled


def _type(name, note):
    """Type of a wagon: an empty flat or container flat is of a type of its own."""
    return EMPTY_FLAT if "flat" in name and note.endswith("empty") else name


def _vehicles(standing, ahead, length_m):
    """Where the cars of a train stand along their track, in order."""
    at = sorted((float(np.dot((car.x, car.y), ahead)) + length_m / 2, car.length_m / 2 - BUFFER_M) for car in standing)
    return [Vehicle(m, m - half, m + half, False) for m, half in at]


def _train(ends, length_m, rng):
    """3 to 15 freight cars of every kind, as many as fit."""
    kinds = rail.rake(int(rng.integers(3, 16)), rng, same=0.7)[: int((length_m - 25) / 14.7)]
    free_m = length_m - sum(rail.WAGONS[kind][0] for kind in kinds)
    return rail.train(ends, rng.uniform(5, max(6, free_m - 5)), kinds, rng)


def _strip(edge, aside, length_m, azimuth, rng):
    """A road, or a strip of another ground, beside the tracks."""
    centre = (edge + aside * rng.uniform(3.5, 9.5)) * rng.choice([-1, 1])
    return Area(rectangle(centre, length_m + 200.0, 7.0, azimuth), str(rng.choice(GROUNDS)))
