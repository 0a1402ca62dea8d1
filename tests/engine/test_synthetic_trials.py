"""The bench of simulated trials: what it measures is what it says."""

import importlib.util
import json
import sys

import numpy as np
import pytest
from shapely.affinity import rotate, translate
from shapely.geometry import Point, box

from rason.engine.patch import burnt


@pytest.fixture(scope="module")
def bench():
    from pathlib import Path

    folder = Path(__file__).resolve().parents[2] / "bench"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("synthetic_trials", folder / "synthetic_trials.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


@pytest.mark.parametrize("seed", range(6))
def test_pixels_inside_as_gdal_has_them(bench, seed):
    rng = np.random.default_rng(seed)
    shape = translate(rotate(box(0, 0, *rng.uniform(20, 70, 2)), rng.uniform(1, 80)), *rng.uniform(-20, 60, 2))
    shape = shape.difference(shape.centroid.buffer(6)).union(Point(70, 30).buffer(9))
    where = ((110, 130), -3.0, 90.0, 0.7)
    assert np.array_equal(bench.inside(shape, *where), burnt(shape, *where))


def test_a_round_has_some_of_every_case(bench):
    todo = bench.jobs(["sea", "rails"], 40, 8, 16)
    assert len(set(map(bench.key_of, todo))) == len(todo)
    first = {job[:4] for job in todo[: len(todo) // 4]}
    assert first == {job[:4] for job in todo}, "an early end leaves some of each"
    seeds = {(job[0], job[1], bench.seed_of(job)) for job in todo}
    assert len(seeds) == len(todo), "no two trials look at one place"


def line(bench, i, recall, rng):
    true = 0 if i % 4 == 0 else int(rng.integers(10, 80))
    tp, dup, bg = rng.binomial(true, recall), rng.binomial(true, 0.05), rng.poisson(0.5)
    return {"key": f"sea|{i}", "kind": "sea", "family": "held out", "shift": "none", "gsd": None, "seconds": [1.0, 1.0], "shipped": None,
            "effective_gsd_m": 1.0, "sun_elevation_deg": 45.0, "off_nadir_deg": 5.0, "scores": [],
            "zones": [[int(tp), true - int(tp), int(dup), int(bg), 50.0, int(tp + dup + bg)]]}  # fmt: skip


def test_intervals_on_other_scenes_cover_at_their_level(bench):
    rng = np.random.default_rng(1)
    lines = [line(bench, i, rng.beta(17, 3), rng) for i in range(120)]
    made = bench.coverage(lines, lines, "ship", 30, told=False)
    assert 0.84 <= made["ours"]["coverage"] <= 0.97 and made["widened"] == 0.0
    assert 0.84 <= made["ours"]["exact"] <= made["ours"]["coverage"] + 0.02
    assert made["ours"]["promised"] >= 0.9, "ends are whole numbers, so an interval holds at least its level"
    assert sum(n for n, _ in made["by size"].values()) == 120
    assert made["conformal"]["coverage"] > 0.8 and made["ours"]["median_width_over_truth"] < 1.0
    assert bench.coverage(lines[:20], lines[:20], "ship", 30, told=False) is None, "too few others"
    shifted = [{**part, "sun_elevation_deg": 12.0} for part in lines[:10]]
    assert bench.coverage(shifted, lines, "ship", 30, told=True)["widened"] == 1.0


def test_a_trial_is_the_same_twice_and_can_be_read_again(bench, tmp_path):
    job = ("rails", "held out", "none", 1.0, 1)
    first, second = bench.trial(job), bench.trial(job)
    assert {**first, "seconds": 0} == {**second, "seconds": 0} and first["class"] == "freight_car"
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(first) + "\n" + json.dumps(first)[:40])  # cut short by a stop
    assert list(bench.read_lines(path)) == [first["key"]]
    assert bench.report(bench.read_lines(path))["trials"] == 1


def test_the_middle_of_the_draws_cuts_ties_at_random(bench):
    draws = np.repeat([0, 1, 2, 3], [10, 40, 30, 20])
    chance = [bench.middle(draws, n, 0.05) for n in range(5)]
    assert np.allclose(chance, [0.5, 1, 1, 0.75, 0])
    assert sum(c * (draws == n).mean() for n, c in enumerate(chance)) == pytest.approx(0.9)
    assert bench.middle(np.array([1.0, 5.0]), 3, 0.05) == 1.0
