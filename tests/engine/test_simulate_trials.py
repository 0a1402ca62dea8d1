"""Random trials: labelled, repeatable, empty often enough, and the held-out family is another one."""

import time

import numpy as np
import pytest

from rason.engine.errors import Refusal
from rason.engine.simulate import family, places, trials
from rason.engine.simulate.palette import MATERIALS

SMALL = trials.Conditions(gsd_m=1.0, density=0.8)  # coarse pixels: quick


def default(seed, kind="yard", name="fit"):
    return trials.Conditions.default(np.random.default_rng(seed), name, trials.GSD_M[kind])


@pytest.mark.parametrize("kind", trials.MAKERS)
def test_a_seed_gives_the_same_trial_and_another_seed_another(kind):
    first, again, other = (trials.MAKERS[kind](seed, SMALL) for seed in (3, 3, 4))
    assert np.array_equal(first.scene.data, again.scene.data) and np.array_equal(first.truth.x, again.truth.x)
    assert first.scene.data.shape != other.scene.data.shape or not np.array_equal(first.scene.data, other.scene.data)


@pytest.mark.parametrize("kind", trials.MAKERS)
def test_families_differ_and_share_no_paint(kind):
    fit, held = (trials.MAKERS[kind](5, SMALL, name) for name in ("fit", "held out"))
    assert fit.family == "fit" and held.family == "held out"
    assert fit.scene.data.shape != held.scene.data.shape or np.abs(fit.scene.data - held.scene.data).mean() > 0.02


def test_held_out_paints_grounds_and_layouts_are_its_own():
    fit, held = family.FIT, family.HELD_OUT
    for kind, paints in held.paints.items():
        assert not set(paints) & set(fit.paints[kind]), kind
    for name in ("yard_grounds", "rail_grounds", "beds", "waters"):
        assert not set(getattr(held, name)) & set(getattr(fit, name)), name
        assert all(material in MATERIALS for material in (*getattr(held, name), *getattr(fit, name)))
    for name in ("same_box", "same_wagon", "forty", "highest", "row_gap_m", "ragged", "spacing_m", "psf_px", "sharpened"):
        assert getattr(held, name) != getattr(fit, name), name


@pytest.mark.parametrize(("kind", "class_name"), [("yard", "container"), ("rails", "freight_car"), ("sea", "ship")])
def test_full_places_hold_something_and_empty_ones_nothing_that_is_counted(kind, class_name):
    full, empty = (trials.MAKERS[kind](7, trials.Conditions(gsd_m=1.0, density=d)) for d in (1.0, 0.0))
    assert sum(full.counts().values()) >= 5
    assert set(empty.counts().values()) == {0}
    assert all(name == class_name for _, name in full.counts())


def test_at_least_a_fifth_of_the_trials_is_empty():
    density = np.array([default(seed).density for seed in range(400)])
    assert 0.2 <= (density == 0.0).mean() <= 0.32
    assert np.histogram(density[density > 0], 3, (0.1, 1.0))[0].min() > 70


def test_conditions_stay_in_their_ranges_and_shift_one_thing():
    rng = np.random.default_rng(0)
    for seed in range(50):
        given = default(seed, "rails", "held out")
        assert 0.25 <= given.gsd_m <= 0.6 and 28 <= given.sun_elevation_deg <= 65 and given.off_nadir_deg <= 15
        assert 15 <= given.shifted("low sun", rng).sun_elevation_deg <= 18
        assert 20 <= given.shifted("off nadir", rng).off_nadir_deg <= 30
        assert given.shifted("noise", rng).noise == pytest.approx(3 * given.noise)
        assert given.shifted("haze", rng).haze >= 0.3
        for shift in trials.SHIFTS:
            changed = given.shifted(shift, rng)
            assert changed.density == given.density and changed.gsd_m == given.gsd_m
    with pytest.raises(Refusal, match="Known are"):
        given.shifted("fog", rng)
    with pytest.raises(Refusal, match="Known are"):
        trials.yard(0, family="other")


def test_containers_stand_in_their_zone_and_lean_out_of_it_without_leaving_it():
    trial = trials.yard(2, trials.Conditions(gsd_m=0.8, density=1.0, off_nadir_deg=30.0, view_azimuth_deg=90.0))
    boxes = trial.counted("container")
    assert boxes.sum() == (trial.truth.class_name == "container").sum() > 40
    assert set(trial.truth.type_name[boxes]) <= {"20 ft", "40 ft", "45 ft"}
    assert trial.tiers[boxes].min() >= 1 and np.allclose(trial.height_m[boxes], 2.591 * trial.tiers[boxes])
    assert trial.visible.min() >= 0.0 and trial.visible[boxes].min() < 0.9 and trial.visible.max() <= 1.0
    straight = trials.yard(2, trials.Conditions(gsd_m=0.8, density=1.0))
    assert trial.truth.x - straight.truth.x == pytest.approx(-trial.height_m * np.tan(np.radians(30.0)))


def test_vehicles_have_their_track_their_place_on_it_and_a_type():
    trial = trials.rails(11, trials.Conditions(gsd_m=1.0, density=1.0, off_nadir_deg=25.0))
    cars = trial.counted("freight_car")
    assert cars.sum() >= 10 and not ((trial.truth.class_name == "freight_car") & ~cars).any()
    types = {"box", "gondola", "hopper", "tank", "flat", "container flat", "locomotive", "coach"}
    assert set(trial.truth.type_name[cars]) <= types
    for zone in trial.zones:
        on = trial.counted("freight_car", zone.zone_id)
        at = np.sort(trial.truth.position_m[on])
        assert np.all((at > 0) & (at < zone.length_m)) and np.all(np.diff(at) > 11.0)
    assert sum(trial.counts().values()) == cars.sum()


def test_every_type_of_vehicle_is_met():
    rng, met = np.random.default_rng(0), set()
    for _ in range(60):
        met |= {thing.type_name for thing in places.trains(np.array([[0.0, 0], [300.0, 0]]), 300.0, 0.9, rng)}
    assert met == {"box", "gondola", "hopper", "tank", "flat", "container flat", "locomotive", "coach"}


def test_trains_stay_on_their_track_and_apart():
    line = np.array([[0.0, 0.0], [250.0, 0.0]])
    for seed in range(30):
        for fill in (0.1, 0.5, 1.0):
            cars = places.trains(line, 250.0, fill, np.random.default_rng(seed), family.HELD_OUT)
            ends = sorted((car.x - car.length_m / 2, car.x + car.length_m / 2) for car in cars)
            assert all(a[1] <= b[0] + 1e-6 for a, b in zip(ends, ends[1:]))
            assert not ends or (ends[0][0] >= 0 and ends[-1][1] <= 250.0)


def test_ships_keep_apart_and_inside():
    for seed in range(6):
        layout = places.roadstead((0.0, 0.0, 900.0, 900.0), np.random.default_rng(seed), fill=1.0)
        hulls = [thing for thing in layout.things if thing.class_name == "ship"]
        assert len(hulls) >= 6
        for k, one in enumerate(hulls):
            assert one.length_m / 2 <= min(one.x, one.y, 900 - one.x, 900 - one.y)
            assert all(np.hypot(one.x - b.x, one.y - b.y) > (one.length_m + b.length_m) / 2 for b in hulls[:k])


def test_moored_ships_lie_in_the_berth_off_the_quay():
    for seed in range(8):
        layout = places.berths(np.zeros(2), 300.0, 40.0, np.random.default_rng(seed), fill=0.9, family=family.HELD_OUT)
        hulls = [thing for thing in layout.things if thing.class_name == "ship"]
        assert hulls and layout.zones[0].holds([h.x for h in hulls], [h.y for h in hulls]).all()
        right = np.array([np.cos(np.radians(40.0)), -np.sin(np.radians(40.0))])
        assert all(np.dot((h.x, h.y), right) + h.width_m / 2 < 0 for h in hulls)


@pytest.mark.parametrize("kind", trials.MAKERS)
def test_a_trial_is_quick(kind):
    started = time.process_time()
    for seed in range(3):
        trials.MAKERS[kind](seed)
    assert time.process_time() - started < 3 * 2.0  # about 0.5 s each on two slow cores; four times that is a mistake


def test_detectors_can_read_a_trial():
    trial = trials.yard(4, SMALL)
    patch = trial.scene.read(trial.zones[0].geometry.bounds)
    assert patch.valid.any() and patch.roles == ("red", "green", "blue")
    assert np.percentile(patch.data, 1) > -0.3 and np.percentile(patch.data, 99) < 1.3
