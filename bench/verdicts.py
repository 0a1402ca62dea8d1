#!/usr/bin/env python3
"""How often does the comparison call a change where there is none, and where there is one?

  bench/verdicts.py [--sims 2000] [--seed 11] [--scenes 10]      one JSON line, written to bench/results/verdicts.json

Simulated pairs of one zone: scenes differ in recall (.85, sd .08) and doubles (.10 per object, cv .8), no false detections on
empty ground. Calibrations rest on scenes of 30 to 300 objects. "one shifted": recall .15 lower in the second scene, and marked as outside the calibrated conditions.
"shifted, not marked": the same, and nobody knows. "uncalibrated": no labelled scene at all. A new calibration for every pair."""

import argparse
import json
import time

import numpy as np
from coverage import KNOWN, RECALL, ROOT, Calibration, detect, scene_recall  # sets up the package rason

from rason.engine.calibration import UNCALIBRATED, UNCALIBRATED_SD, Trust
from rason.engine.compare import DECREASE, INCREASE, compare
from rason.engine.tally import tally

OUTSIDE = Trust(UNCALIBRATED_SD, UNCALIBRATED, ("simulated: conditions outside the calibrated range",))
UNCHANGED = ((20, 20), (100, 100), (400, 400))
CHANGED = ((100, 70), (100, 50), (73, 20))
PAIRS = ((3, 3), *UNCHANGED, (100, 80), *CHANGED, (20, 8))


def calibration_of(rng, scenes):
    labelled = [detect(rng, n, scene_recall(rng), 0.0) for n in rng.integers(30, 300, scenes)]
    tp, fn, dup, bg = np.array(labelled, float).T
    return Calibration("object", tp, fn, dup, bg, np.zeros(scenes), source="simulated", synthetic=True)


def row(rng, n, calibration, trust, shift, seed):
    tp, _, dup, _ = detect(rng, n, scene_recall(rng, shift), 0.0)
    return tally(["zone"], [tp + dup], [0.0], calibration, trust=trust, seed=seed, size=300).rows()


def pair(rng, before, after, scenes, state, seed):
    """Verdict, whether the 90 % interval of the difference holds the true one, and the ratio that could have been seen."""
    calibration = Calibration.none("object") if state == "uncalibrated" else calibration_of(rng, scenes)
    trust = calibration.trust() if state == "uncalibrated" else KNOWN
    second = OUTSIDE if state == "one shifted" else trust
    shift = 0.15 if "shifted" in state else 0.0
    rows = row(rng, before, calibration, trust, 0.0, seed), row(rng, after, calibration, second, shift, seed)
    result = compare(*rows, [calibration], seed=seed, size=4000)[0]
    held = result.low <= after - before <= result.high
    return (
        result.verdict in (INCREASE, DECREASE),
        result.verdict.startswith("the same"),
        held,
        result.smallest_visible_change,
    )


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sims", type=int, default=2000)
    ap.add_argument("--seed", type=int, default=11)
    ap.add_argument("--scenes", type=int, default=10, help="labelled scenes in the calibration")
    ap.add_argument("--no-record", action="store_true")
    a = ap.parse_args()
    started, results = time.time(), {}
    for state in ("calibrated", "one shifted", "shifted, not marked", "uncalibrated"):
        for before, after in PAIRS if state == "calibrated" else UNCHANGED if "shifted" in state else ((100, 100), *CHANGED):
            rngs = [np.random.default_rng([a.seed, before, after, i]) for i in range(a.sims)]
            pairs = [pair(rng, before, after, a.scenes, state, i) for i, rng in enumerate(rngs)]
            called, same, held, seen = np.mean(pairs, 0)
            results.setdefault(state, {})[f"{before} to {after}"] = {
                "called": round(called, 3),
                "the same within 50 %": round(same, 3),
                "difference_covered": round(held, 3),
                "smallest_visible_ratio": round(seen, 2),
            }
    out = {
        "bench": "verdicts",
        "simulated": True,
        "sims": a.sims,
        "seed": a.seed,
        "scenes": a.scenes,
        "recall": RECALL,
        "numpy": np.__version__,
        "results": results,
        "seconds": round(time.time() - started),
    }
    print(json.dumps(out))
    if not a.no_record:
        folder = ROOT / "bench" / "results"
        folder.mkdir(exist_ok=True)
        (folder / "verdicts.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
