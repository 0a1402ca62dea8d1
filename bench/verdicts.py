#!/usr/bin/env python3
"""How often does the comparison call a change where there is none, and where there is one?

  bench/verdicts.py [--sims 2000] [--seed 11] [--scenes 10] [--only "ten zones,level"]
                                                one JSON line, merged into bench/results/verdicts.json

Simulated pairs of one zone: scenes differ in recall (.85, sd .08) and doubles (.10 per object, cv .8), no false detections on
empty ground. Calibrations rest on scenes of 30 to 300 objects. "one shifted": recall .15 lower in the second scene, and marked as outside the calibrated conditions.
"shifted, not marked": the same, and nobody knows. "uncalibrated": no labelled scene at all. "ten zones": a pair of scenes with ten zones of the first number each, of which the last has the
second number later; "called" is how often any of the unchanged zones is called, "found" how often the last. "level": the numbers on the
ground are Poisson around the level, and the level is asked for. A new calibration for every pair. Whole: 25 minutes; one state: 1 to 3."""

import argparse
import json
import time

import numpy as np
from coverage import (
    DOUBLES,
    DOUBLES_CV,
    KNOWN,
    RECALL,
    ROOT,
    Calibration,
    detect,
    factor,
    scene_recall,
)  # sets up the package rason

from rason.engine.calibration import UNCALIBRATED, UNCALIBRATED_SD, Trust
from rason.engine.compare import DECREASE, INCREASE, compare
from rason.engine.tally import tally

OUTSIDE = Trust(UNCALIBRATED_SD, UNCALIBRATED, ("simulated: conditions outside the calibrated range",))
UNCHANGED = ((20, 20), (100, 100), (400, 400))
CHANGED = ((100, 70), (100, 50), (73, 20))
STATES = ("calibrated", "one shifted", "shifted, not marked", "uncalibrated")
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


def ten_zones(rng, before, after, scenes, seed):
    """Whether any of nine unchanged zones is called, and whether the tenth is."""
    calibration = calibration_of(rng, scenes)
    rows = []
    for numbers in ([before] * 10, [before] * 9 + [after]):
        recall, doubles = scene_recall(rng), DOUBLES * factor(rng, DOUBLES_CV)  # one scene, one recall
        found = rng.binomial(numbers, recall) + rng.poisson(np.array(numbers) * doubles)
        zones = [f"z{i}" for i in range(10)]
        rows.append(tally(zones, found, [0.0] * 10, calibration, trust=KNOWN, seed=seed, size=300).rows())
    verdicts = [c.verdict in (INCREASE, DECREASE) for c in compare(*rows, [calibration], seed=seed, size=4000)]
    return any(verdicts[:9]), verdicts[9]


def level(rng, before, after, scenes, seed):
    """Whether a change of level is called where each day is a Poisson draw."""
    calibration = calibration_of(rng, scenes)
    rows = [row(rng, rng.poisson(n), calibration, KNOWN, 0.0, seed) for n in (before, after)]
    return (compare(*rows, [calibration], of_level=True, seed=seed, size=4000)[0].verdict in (INCREASE, DECREASE),)


MORE = {
    "ten zones": (ten_zones, ("called", "found"), ((50, 50), (50, 20), (50, 10))),
    "level": (level, ("called",), ((20, 20), (100, 100), (100, 50), (73, 20))),
}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sims", type=int, default=2000)
    ap.add_argument("--seed", type=int, default=11)
    ap.add_argument("--scenes", type=int, default=10, help="labelled scenes in the calibration")
    ap.add_argument("--only", default="", help="states to run, separated by commas")
    ap.add_argument("--no-record", action="store_true")
    a = ap.parse_args()
    started, results = time.time(), {}
    wanted = a.only.split(",") if a.only else [*STATES, *MORE]
    for state in (name for name in STATES if name in wanted):
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
    for state in (name for name in MORE if name in wanted):
        one, names, worlds = MORE[state]
        for before, after in worlds:
            rngs = [np.random.default_rng([a.seed, before, after, i]) for i in range(a.sims)]
            shares = np.mean([one(rng, before, after, a.scenes, i) for i, rng in enumerate(rngs)], 0).tolist()
            results.setdefault(state, {})[f"{before} to {after}"] = {
                **{name: round(share, 3) for name, share in zip(names, shares)},
                "sims": a.sims,
            }
    sims = a.sims
    recorded = ROOT / "bench" / "results" / "verdicts.json"
    if a.only and recorded.is_file():
        earlier = json.loads(recorded.read_text())
        results, sims = {**earlier["results"], **results}, earlier["sims"]
    out = {
        "bench": "verdicts",
        "simulated": True,
        "sims": sims,
        "seed": a.seed,
        "scenes": a.scenes,
        "recall": RECALL,
        "numpy": np.__version__,
        "results": results,
        "seconds": round(time.time() - started),
    }
    print(json.dumps(out))
    if not a.no_record:
        recorded.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
