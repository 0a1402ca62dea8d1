"""What is told of the types of wagons, and of trains that move: bench/results/wagon_types.json.

``python bench/accuracy_wagon_types.py``. Simulated wagons of the family held out (80 trials, fine ones also under shifted conditions),
with ends half a metre off: confusion, share told, share right of those told, and how often a probability holds. Real wagons: d-port-train
with the shipped nets, which never saw it; d-rail-yard and d-rail-muttenz2 with nets that did not see them, as bench/fit_wagon_types.py
recorded. Moving trains: wagons flagged in the three real scenes, where all stand as far as is known.
"""

import json

import numpy as np
from fit_wagon_types import chances, confusion, real, simulated, told
from rail_sets import FILES, ROOT, scene, tracks

from rason.engine.detectors import freight_cars as fc
from rason.engine.detectors import moving
from rason.engine.detectors import wagon_types as wt
from rason.engine.zones import Zone

HELD_OUT = (  # name, trials, GSDs dealt to them, shift (None: any)
    ("0.27 to 0.5 m", range(1, 41), (0.27, 0.35, 0.5), "none"),
    ("0.27 to 0.5 m, shifted conditions", range(41, 81), (0.27, 0.35, 0.5), None),
    ("0.75 and 1 m", range(1, 41), (0.75, 1.0), "none"),
)
UNSEEN_SET, UNSEEN_GSDS_M = "d-port-train", (None, 0.5, 1.0)
EDGES = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.01)


def shipped(gsd_m):
    """The shipped net for a GSD."""
    return next(net for net in wt.shipped_nets() if gsd_m <= net.up_to_m)


def judged(net, wagons):
    """What a net says of wagons: confusion, shares, and the reliability of the likeliest type's p, told or not."""
    known, p = wagons.known, chances(net, wagons)
    names, told_p = told(net, wagons)
    named = (names != "") & known
    column = np.array([wt.TYPES.index(name) if name else 0 for name in names])
    right = wagons.may_be[np.arange(len(names)), column]
    best, best_right = p.max(1)[known], wagons.may_be[np.arange(len(p)), p.argmax(1)][known]
    bins = [(low, high, (best >= low) & (best < high)) for low, high in zip(EDGES, EDGES[1:])]
    return {
        "wagons": int(known.sum()),
        "told": int(named.sum()),
        "right": int(right[named].sum()),
        "mean_p_told": round(float(told_p[named].mean()), 3) if named.any() else None,
        "likeliest_right": round(float(best_right.mean()), 3),
        "reliability": [
            {"p": [low, min(high, 1.0)], "wagons": int(here.sum()), "mean_p": round(float(best[here].mean()), 3),
             "right": round(float(best_right[here].mean()), 3)}
            for low, high, here in bins if here.any()
        ],
        "confusion": confusion([(net, wagons)]),
    }  # fmt: skip


def flagged(set_name, gsd_m):
    """[wagons found, wagons noted as moving] of a real scene."""
    zones = [Zone(track.name, "track", track.line) for track in tracks(set_name)]
    notes = [
        note for found in fc.FreightCars().detect_together(scene(set_name, gsd_m), zones) for note in found.detections.note
    ]
    return [len(notes), sum(moving.NOTE in note for note in notes)]


def main():
    """Measure, print and write."""
    made = {
        "what": __doc__,
        "limits": {str(net.up_to_m): net.limits for net in wt.shipped_nets()},
        "rests_on": json.loads(wt.WEIGHTS.read_text("utf8"))["rests_on"],
        "synthetic, held out": {
            name: judged(shipped(max(gsds_m)), simulated(seeds, gsds_m, "held out", shift, looks=1))
            for name, seeds, gsds_m, shift in HELD_OUT
        },
        "real, never fitted on": {
            f"{UNSEEN_SET}, {gsd_m or 'native'}": judged(shipped(gsd_m or 0.3), real(UNSEEN_SET, gsd_m))
            for gsd_m in UNSEEN_GSDS_M
        },
        "moving, real": {f"{name}, {gsd_m or 'native'}": flagged(name, gsd_m) for name in FILES for gsd_m in (None, 0.5)},
    }
    print(json.dumps(made, indent=1))
    (ROOT / "bench" / "results" / "wagon_types.json").write_text(json.dumps(made, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
