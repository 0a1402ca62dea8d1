#!/usr/bin/env python3
"""Do the tally's 90 % intervals hold the truth? A candidate for the shared coverage bench, and a harder bench of our own.

  coverage_bench.py --candidate coverage:interval --path <checkout>/bench --sims 2000 --seed 3     (in the shared folder)
  bench/coverage.py [--sims 1000] [--seeds 1,2] [--workers 16]        our bench alone (no GDAL, no QGIS)
  bench/coverage.py --shared ../shared/bench/coverage_bench.py      both; into bench/results/coverage.json

Our bench: recall .85 (sd .08 between scenes), doubles .10 per object (cv .8), and besides 5 false detections per zone of
1 ha (cv .8), a quarter of the zones empty. Single zones have 0 to 200 objects. Totals are over 20 zones of one scene, which
share recall; what the false rates of a scene have in common is not known, so both ends are tried: each zone its own, or one
for the whole scene. "shift" are scenes of 10 to 300 objects whose recall is .15 lower than in the calibration. Everything
here is simulated."""

import argparse
import contextlib
import json
import multiprocessing
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from checkout import ROOT, load_rason

load_rason()

from rason.engine.calibration import CALIBRATED, NEW_SITE_SD, UNCALIBRATED, Calibration, Trust  # noqa: E402
from rason.engine.tally import tally  # noqa: E402

KNOWN, NEW = Trust(0.0, CALIBRATED), Trust(NEW_SITE_SD, UNCALIBRATED)
RECALL, RECALL_SD, DOUBLES, DOUBLES_CV, FALSE_PER_HA, FALSE_CV = 0.85, 0.08, 0.10, 0.8, 5.0, 0.8
COUNTS = (0, 1, 3, 10, 50, 200)
TOTALS = ("false rate by zone", "false rate by scene")
# recall lost, and what the calibration is taken for
SHIFTS = {
    "calibrated": (0.0, KNOWN),
    "new site": (0.0, NEW),
    "new site, recall -.15": (0.15, NEW),
    "calibrated, recall -.15": (0.15, KNOWN),
}


def interval(cal, detections, level):
    """The shared bench's candidate: false detections there are all on objects, on ground of no size."""
    tp, fp, fn = (np.array([scene[name] for scene in cal], float) for name in ("tp", "fp", "fn"))
    calibration = Calibration("object", tp, fn, fp, np.zeros(len(cal)), np.zeros(len(cal)))
    result = tally(
        ["scene"], [detections], [0.0], calibration, trust=KNOWN, level=level, seed=int(detections) + 7 * len(cal)
    )
    return result.low[0], result.high[0]


def scene_recall(rng, shift=0.0, mean=RECALL, sd=RECALL_SD):
    mean = mean - shift
    k = mean * (1 - mean) / sd**2 - 1
    return rng.beta(mean * k, (1 - mean) * k)


def factor(rng, cv):
    """A rate's variation: gamma, mean 1."""
    return rng.gamma(1 / cv**2) * cv**2


def detect(rng, n, recall, ground):
    """What is found in a zone of 1 ha: true, missed, doubles, false on ground. ground: the factor of its false rate."""
    tp = rng.binomial(n, recall)
    return tp, n - tp, rng.poisson(n * DOUBLES * factor(rng, DOUBLES_CV)), rng.poisson(FALSE_PER_HA * ground)


def found(*zone):
    tp, _, dup, bg = detect(*zone)
    return tp + dup + bg


def counts(rng, size, low, high):
    """True counts, log-uniform, a quarter of them 0."""
    n = np.exp(rng.uniform(np.log(low), np.log(high), size)).astype(int)
    return np.where(rng.random(size) < 0.25, 0, n)


def calibrate(rng, scenes):
    """Labelled zones, one a scene."""
    labelled = [detect(rng, n, scene_recall(rng), factor(rng, FALSE_CV)) for n in counts(rng, scenes, 3, 300)]
    tp, fn, dup, bg = np.array(labelled, float).T
    return Calibration("object", tp, fn, dup, bg, np.ones(scenes), source="simulated", synthetic=True)


def total_of_20(rng, calibration, shared, seed):
    """Whether the total over 20 zones of one scene is covered, and the interval's width over the truth."""
    n, recall, scene = counts(rng, 20, 2, 100), scene_recall(rng), factor(rng, FALSE_CV)
    detected = [found(rng, k, recall, scene if shared else factor(rng, FALSE_CV)) for k in n]
    low, high = tally(range(20), detected, np.ones(20), calibration, trust=KNOWN, seed=seed).total()[1:]
    return low <= n.sum() <= high, (high - low) / max(n.sum(), 1)


def ground_sim(job):
    """One simulation: for each true count (covered, width, upper end 0), and for each kind of total (covered, width / truth)."""
    seed, scenes, i, with_totals = job
    rng = np.random.default_rng([seed, scenes, i])
    calibration, rows = calibrate(rng, scenes), {}
    for n in COUNTS:
        detected = found(rng, n, scene_recall(rng), factor(rng, FALSE_CV))
        t = tally(["zone"], [detected], [1.0], calibration, trust=KNOWN, seed=i)
        rows[n] = (t.low[0] <= n <= t.high[0], t.high[0] - t.low[0], t.high[0] == 0)
    for shared, name in enumerate(TOTALS if with_totals else ()):
        rows[name] = total_of_20(rng, calibration, bool(shared), i)
    return rows


def ground_bench(each, sims, seed, scenes, most_totals=400):
    """Coverage of single zones by their true count, and (up to most_totals) of the total over 20 zones of one scene."""
    rows = each(ground_sim, [(seed, scenes, i, i < most_totals) for i in range(sims)])
    means = {name: np.mean([row[name] for row in rows if name in row], 0) for name in (*COUNTS, *TOTALS)}
    return {
        "sims": sims,
        "coverage": {n: round(means[n][0], 3) for n in COUNTS},
        "mean_width": {n: round(means[n][1], 2) for n in COUNTS},
        "upper_end_zero": int(sum(means[n][2] for n in COUNTS) * sims),
        "total_of_20": {
            name: {"coverage": round(means[name][0], 3), "width_over_truth": round(means[name][1], 3)} for name in TOTALS
        },
    }


def shift_sim(job):
    """One scene of 10 to 300 objects under each of SHIFTS: (covered, width / truth)."""
    seed, scenes, i = job
    rng = np.random.default_rng([seed, scenes, i, 15])
    calibration, n = calibrate(rng, scenes), int(np.exp(rng.uniform(np.log(10), np.log(300))))
    ground = factor(rng, FALSE_CV)
    detected = {shift: found(rng, n, scene_recall(rng, shift), ground) for shift in (0.0, 0.15)}
    rows = {}
    for name, (shift, trust) in SHIFTS.items():
        t = tally(["zone"], [detected[shift]], [1.0], calibration, trust=trust, seed=i)
        rows[name] = (t.low[0] <= n <= t.high[0], (t.high[0] - t.low[0]) / n)
    return rows


def shift_bench(each, sims, seed, scenes):
    """Independent scenes: as in the calibration, and with recall .15 lower at a site it does not know.

    width_ratio: of the uncalibrated to the calibrated width on the same shifted detections, the median.
    """
    rows = each(shift_sim, [(seed, scenes, i) for i in range(sims)])
    out = {}
    for name in SHIFTS:
        covered, width = np.array([row[name] for row in rows], float).T
        out[name] = {"coverage": round(float(covered.mean()), 3), "median_width": round(float(np.median(width)), 3)}
    ratio = [row["new site, recall -.15"][1] / row["calibrated, recall -.15"][1] for row in rows]
    return {"sims": sims, **out, "width_ratio": round(float(np.median(ratio)), 2)}


def shared_bench(script, sims, seed):
    """The shared bench with our candidate; its one JSON line, our part and the reference's worst coverage."""
    command = [
        sys.executable,
        str(script),
        "--sims",
        str(sims),
        "--seed",
        str(seed),
        "--candidate",
        "coverage:interval",
        "--path",
        str(ROOT / "bench"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    results = json.loads(done.stdout)["results"]
    others = {name: r["worst_coverage"] for name, r in results.items() if name != "candidate"}
    return {"candidate": results["candidate"], "worst_of_others": others}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sims", type=int, default=1000)
    ap.add_argument("--seeds", default="1,2")
    ap.add_argument("--scenes", default="10,30", help="labelled scenes in the calibration")
    ap.add_argument("--shared", type=Path, help="the shared coverage_bench.py: run it too and record both")
    ap.add_argument("--shared-sims", type=int, default=2000)
    ap.add_argument("--shared-seeds", default="3,4")
    ap.add_argument("--workers", type=int, default=1)
    ap.add_argument("--no-record", action="store_true")
    a = ap.parse_args()
    started = time.time()
    import scipy

    out = {
        "bench": "coverage",
        "simulated": True,
        "level": 0.9,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
        "ground": {},
        "shift": {},
    }
    with contextlib.ExitStack() as stack:
        each = each_of(stack, a.workers)
        for seed in map(int, a.seeds.split(",")):
            for scenes in map(int, a.scenes.split(",")):
                out["ground"][f"seed{seed}_scenes{scenes}"] = ground_bench(each, a.sims, seed, scenes)
                out["shift"][f"seed{seed}_scenes{scenes}"] = shift_bench(each, a.sims, seed, scenes)
    if a.shared:
        out["shared_sims"] = a.shared_sims
        out["shared"] = {f"seed{s}": shared_bench(a.shared, a.shared_sims, int(s)) for s in a.shared_seeds.split(",")}
    out["seconds"] = round(time.time() - started)
    print(json.dumps(out))
    if not a.no_record:
        record(out)


def each_of(stack, workers):
    """map, or the same over processes."""
    if workers == 1:
        return lambda do, jobs: list(map(do, jobs))
    pool = stack.enter_context(multiprocessing.Pool(workers))
    return lambda do, jobs: pool.map(do, jobs, chunksize=10)


def record(out):
    """Write into bench/results/coverage.json, keeping what was measured with other seeds or sizes."""
    path = ROOT / "bench" / "results" / "coverage.json"
    path.parent.mkdir(exist_ok=True)
    old = json.loads(path.read_text()) if path.exists() else {}
    merged = {part: {**old.get(part, {}), **out.get(part, {})} for part in ("ground", "shift", "shared")}
    path.write_text(json.dumps({**old, **out, **merged}, indent=1) + "\n")


if __name__ == "__main__":
    main()
