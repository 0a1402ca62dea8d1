#!/usr/bin/env python3
"""Is turnover that is not there subtracted, and turnover that is there left?

  bench/turnover.py [--sims 400] [--seed 5] [--scenes 10]     one JSON line, written to bench/results/turnover.json

Simulated pairs of one zone, object by object: standing objects, some that went, some that came; each found with the scene's
recall (.85, sd .08 between scenes), with doubles (.10 per object, cv .8) that appear and disappear. A new calibration of labelled
scenes for every pair. "appeared" is what the matching of the two epochs shows; "held" how often the 90 % interval of what really
came holds the truth; "said to have come" how often its lower end is above 0. Plain subtraction is r(1 - r)N with the mean recall."""

import argparse
import json
import time

import numpy as np
from coverage import DOUBLES, DOUBLES_CV, KNOWN, RECALL, ROOT, factor, scene_recall  # sets up the package rason
from verdicts import calibration_of

from rason.engine.tally import tally
from rason.engine.turnover import turnovers
from rason.engine.words import APPEARED, DISAPPEARED, STAYED

WORLDS = ((100, 0, 0), (400, 0, 0), (20, 0, 0), (80, 20, 20), (50, 50, 50), (100, 0, 20), (10, 5, 5))


def pair(rng, stand, went, came, scenes, seed):
    """appeared, expected by error, truth in the interval, lower end above 0, plain subtraction's error."""
    calibration = calibration_of(rng, scenes)
    recall = scene_recall(rng), scene_recall(rng)
    found = rng.random((2, stand)) < np.array(recall)[:, None]
    gone, new = rng.binomial(went, recall[0]), rng.binomial(came, recall[1])
    doubles = [rng.poisson(n * DOUBLES * factor(rng, DOUBLES_CV)) for n in (stand + went, stand + came)]
    kept = int((found[0] & found[1]).sum())
    counts = {
        STAYED: kept,
        APPEARED: int((found[1] & ~found[0]).sum()) + new + doubles[1],
        DISAPPEARED: int((found[0] & ~found[1]).sum()) + gone + doubles[0],
    }
    detected = kept + counts[DISAPPEARED], kept + counts[APPEARED]
    rows = [tally(["zone"], [d], [0.0], calibration, trust=KNOWN, seed=seed, size=300).rows() for d in detected]
    result = turnovers(*rows, {("zone", "object"): counts}, [calibration], seed=seed, size=4000)[0]
    estimate, low, high = result.came
    plain = counts[APPEARED] - RECALL * (1 - RECALL) * rows[0][0]["estimate"]
    return counts[APPEARED], result.appeared_by_error[0], estimate, low <= came <= high, low > 0, plain


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sims", type=int, default=400)
    ap.add_argument("--seed", type=int, default=5)
    ap.add_argument("--scenes", type=int, default=10, help="labelled scenes in the calibration")
    ap.add_argument("--no-record", action="store_true")
    a = ap.parse_args()
    started, results = time.time(), {}
    for stand, went, came in WORLDS:
        rngs = [np.random.default_rng([a.seed, stand, went, came, i]) for i in range(a.sims)]
        pairs = np.array([pair(rng, stand, went, came, a.scenes, i) for i, rng in enumerate(rngs)], float).mean(0)
        names = ("appeared", "expected_by_error", "estimate", "held", "said_to_have_come", "plain_subtraction")
        results[f"{stand} stand, {went} go, {came} come"] = {n: round(v, 3) for n, v in zip(names, pairs.tolist())}
    out = {"bench": "turnover", "simulated": True, "sims": a.sims, "seed": a.seed, "scenes": a.scenes, "results": results,
           "seconds": round(time.time() - started)}  # fmt: skip
    print(json.dumps(out))
    if not a.no_record:
        (ROOT / "bench" / "results" / "turnover.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
