#!/usr/bin/env python3
"""Are two sightings of one train told from sightings of two trains of the same kind?

  bench/trains.py [--sims 50] [--seed 3] [--wagons 30]      one JSON line, written to bench/results/trains.json

Simulated trains of Russian wagon types with the lengths of the simulator, made up in blocks as trains are (1 to 6 wagons of a type,
one wagon in ten of its longer model). A sighting has lengths with an error (sd .7 m), misses 1 wagon in 20, tells the type of 7 in 10
(9 of 10 right), runs the other way half of the time. "same": seen again with two wagons taken out and two put in; "other": another
train of the same yard; "same wagons": the same blocks in another order; "same blocks": the same order of types, each block of
other wagons and length. "called" is the share said to be consistent, "told" the share of which anything is said; ROC is of the
similarity of "same" against each other kind, over pairs that can be told."""

import argparse
import json
import time

import numpy as np
from checkout import ROOT, load_rason

load_rason()

from rason.engine.simulate.rail import LONGER, WAGONS  # noqa: E402
from rason.engine.trains import CONSISTENT, LENGTH_SD_M, NOT_TOLD, Train, compare_trains  # noqa: E402

KINDS = tuple(name for name in WAGONS if name not in ("locomotive", "coach"))
COLOUR_SD = (0.25, 0.10, 0.10)
WORLDS = ("lengths and types", "lengths alone", "lengths, types and colours", "colours alone, one type", "all alike")


def block(rng, kind, mixed):
    """Wagons (kind, length, colour) of one block."""
    n = rng.integers(1, 7)
    paint = rng.normal(0, (0.3, 0.2, 0.2))  # of the block, wagons differ from it by half as much
    return [
        (kind, (LONGER if mixed and rng.random() < 0.1 else WAGONS)[kind][0], paint + rng.normal(0, (0.3, 0.1, 0.1))) for _ in range(n)
    ]  # fmt: skip


def train(rng, n, one_type, kinds=None):
    """Blocks of at least n wagons."""
    blocks = []
    while sum(map(len, blocks)) < n:
        kind = kinds[len(blocks) % len(kinds)] if kinds else "gondola" if one_type else str(rng.choice(KINDS))
        blocks.append(block(rng, kind, not one_type))
    return blocks


def sighting(rng, blocks, world, changed=False):
    wagons = [wagon for part in blocks for wagon in part]
    if changed:
        wagons = [w for i, w in enumerate(wagons) if i not in rng.choice(len(wagons), 2, False)]
        wagons += block(rng, wagons[-1][0], False)[:2]
    wagons = [wagon for wagon in wagons if rng.random() > 0.05]
    if rng.random() < 0.5:
        wagons = wagons[::-1]
    length = [wagon[1] + rng.normal(0, LENGTH_SD_M) for wagon in wagons]
    right = rng.random(len(wagons)) < 0.9
    told = (rng.random(len(wagons)) < 0.7) & ("types" in world)
    kinds = np.array([w[0] if ok else str(rng.choice(KINDS)) for w, ok in zip(wagons, right)], object)
    colour = (
        np.array([wagon[2] for wagon in wagons]) + rng.standard_normal((len(wagons), 3)) * COLOUR_SD + rng.normal(0, 0.2, 3)
    )
    return Train.make(length, np.where(told, kinds, ""), 0.9, colour if "colours" in world else np.nan)


def pair(rng, kind, world, n, seed):
    one_type = world in ("colours alone, one type", "all alike")
    first = train(rng, n, one_type)
    if kind == "same wagons":
        second = [first[i] for i in rng.permutation(len(first))]
    elif kind == "same blocks":
        second = train(rng, n, one_type, [part[0][0] for part in first])
    else:
        second = first if kind == "same" else train(rng, n, one_type)
    seen = sighting(rng, first, world), sighting(rng, second, world, changed=kind == "same")
    found = compare_trains(*seen, seed=seed, orders=199)
    return found.verdict != NOT_TOLD, found.verdict == CONSISTENT, found.similarity


def auc(high, low):
    """Chance that one of ``high`` is above one of ``low``."""
    if not len(high) or not len(low):
        return None
    difference = np.subtract.outer(high, low)
    return round(float((difference > 0).mean() + 0.5 * (difference == 0).mean()), 3)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sims", type=int, default=50)
    ap.add_argument("--seed", type=int, default=3)
    ap.add_argument("--wagons", type=int, default=30)
    ap.add_argument("--no-record", action="store_true")
    a = ap.parse_args()
    started, results = time.time(), {}
    for number, world in enumerate(WORLDS):
        found = {}
        for kind in ("same", "other", "same wagons", "same blocks"):
            rngs = [np.random.default_rng([a.seed, number, len(kind), i]) for i in range(a.sims)]
            found[kind] = np.array([pair(rng, kind, world, a.wagons, i) for i, rng in enumerate(rngs)], float)
        same = found["same"]
        results[world] = {
            kind: {
                "told": round(float(rows[:, 0].mean()), 3),
                "called": round(float(rows[:, 1].mean()), 3),
                "similarity": round(float(np.median(rows[:, 2])), 2),
                **({} if kind == "same" else {"roc": auc(same[same[:, 0] > 0, 2], rows[rows[:, 0] > 0, 2])}),
            }
            for kind, rows in found.items()
        }
    out = {"bench": "trains", "simulated": True, "sims": a.sims, "seed": a.seed, "wagons": a.wagons, "results": results,
           "seconds": round(time.time() - started)}  # fmt: skip
    print(json.dumps(out))
    if not a.no_record:
        (ROOT / "bench" / "results" / "trains.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
