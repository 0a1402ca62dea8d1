"""Bounds on the height of stacks on simulated yards of the family that only judges: do they hold, and how wide are they?

``python bench/accuracy_stacks.py [--family fit]``. Yards with a random look (up to 15° off nadir) at 0.3 and 0.5 m under suns of four heights.
Boxes are those detected, matched to true tops with an IoU >= 0.4. "edge": both ends measured at the box itself; "narrow aisle": a lower end
only; "behind": an upper end from the shadow of the block's edge. "zones": whether all boxes of a yard, missed tops included, lie
within its bound. No real scene with known heights is at hand: these figures are synthetic.
"""

import argparse
import json
import time
from dataclasses import replace

import numpy as np
from checkout import ROOT, load_rason

load_rason()

from rason.engine.detectors.containers import Containers  # noqa: E402
from rason.engine.detectors.stack_heights import stack_heights  # noqa: E402
from rason.engine.detectors.stack_light import Light  # noqa: E402
from rason.engine.detectors.stacks import bounds_of  # noqa: E402
from rason.engine.rectangles import iou, stack  # noqa: E402
from rason.engine.simulate import trials  # noqa: E402

GSD_M, SUNS_DEG, YARDS = (0.3, 0.5), (18.0, 30.0, 45.0, 60.0), 5
MATCH_IOU = 0.4


def true_tiers(trial, boxes):
    """Tiers (N) of the true stack under each detected box, 0 where there is none."""
    tops = trial.truth.select(trial.counted("container"))
    tiers, found = trial.tiers[trial.counted("container")], np.zeros(len(boxes), int)
    mine, true = (stack(b.x, b.y, b.length_m, b.width_m, b.azimuth_deg) for b in (boxes, tops))
    for k in range(len(boxes) if len(tops) else 0):
        overlap = iou(np.repeat(mine[k : k + 1], len(true), 0), true)
        found[k] = tiers[overlap.argmax()] if overlap.max() >= MATCH_IOU else 0
    return found


def judge(trial, light):
    """What the bounds of one yard are worth."""
    zone = trial.zones[0]
    start = time.process_time()
    boxes = Containers().detect(trial.scene, zone).detections
    detecting = time.process_time() - start
    start = time.process_time()
    heights = stack_heights(trial.scene, boxes, light)
    seconds = time.process_time() - start
    true = true_tiers(trial, boxes)
    low, high = np.nan_to_num(heights.low, nan=1.0), np.nan_to_num(heights.high, nan=np.inf)
    holds, top = (low <= true) & (true <= high), true > 0
    bounded = np.isfinite(high)
    kinds = {
        "edge": top & heights.measured & bounded,
        "narrow aisle": top & heights.measured & ~bounded,
        "behind": top & ~heights.measured & bounded,
    }
    least, most = bounds_of(heights.low, heights.high)
    everything = int(trial.tiers[trial.counted("container")].sum())
    return {
        "tops": len(boxes), "matched": int(top.sum()), "why": heights.why, "seconds": seconds, "detecting": detecting,
        "zone holds": bool(least <= everything <= most), "zone ratio": most / max(everything, 1),
        "over": int((true[kinds["edge"]] > high[kinds["edge"]]).sum()), "under": int((true[kinds["edge"]] < low[kinds["edge"]]).sum()),
        **{name: [int(holds[which].sum()), int(which.sum())] for name, which in kinds.items()},
        "widths": (high - low)[kinds["edge"]].tolist(),
    }  # fmt: skip


def summary(rows):
    """One line of many yards."""
    told = [row for row in rows if not row["why"]]
    share = {}
    for name in ("edge", "narrow aisle", "behind"):
        held, all_of = (sum(row[name][k] for row in told) for k in (0, 1))
        share[name] = {"stacks": all_of, "within": round(held / all_of, 3) if all_of else None}
    widths = [width for row in told for width in row["widths"]]
    return {
        "yards": len(rows),
        "yards without bounds": len(rows) - len(told),
        "tops matched": sum(row["matched"] for row in rows),
        **share,
        "true tiers over the range": sum(row["over"] for row in told),
        "true tiers under the range": sum(row["under"] for row in told),
        "median width, tiers": float(np.median(widths)) if widths else None,
        "mean width, tiers": round(float(np.mean(widths)), 2) if widths else None,
        "zones within bound": round(float(np.mean([row["zone holds"] for row in told])), 3) if told else None,
        "upper bound of zone / truth, median": round(float(np.median([row["zone ratio"] for row in told])), 2)
        if told
        else None,
        "time / detection": round(sum(row["seconds"] for row in rows) / max(sum(row["detecting"] for row in rows), 1e-9), 3),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--family", default="held out", help='"held out" judges, "fit" is for choosing')
    family = parser.parse_args().family
    results, everything = {}, {"look known": [], "look unknown": []}
    for gsd_m in GSD_M:
        for sun_deg in SUNS_DEG:
            cell = {name: [] for name in everything}
            for seed in range(YARDS):
                rng = np.random.default_rng([seed, int(100 * gsd_m), int(sun_deg)])
                given = trials.Conditions.default(rng, family, (gsd_m, gsd_m))
                given = replace(given, gsd_m=gsd_m, sun_elevation_deg=sun_deg, density=rng.uniform(0.3, 1.0))
                trial = trials.yard(7000 + seed + int(1000 * gsd_m) + int(sun_deg), given, family)
                if not trial.zones:
                    continue
                sun = given.sun_elevation_deg, given.sun_azimuth_deg
                for name, light in (
                    ("look known", Light(*sun, given.off_nadir_deg, given.view_azimuth_deg)),
                    ("look unknown", Light(*sun)),
                ):
                    cell[name].append(judge(trial, light))
            for name, rows in cell.items():
                everything[name] += rows
                results[f"{gsd_m:g} m, sun {sun_deg:g} deg, {name}"] = summary(rows)
                print(
                    f"{gsd_m:g} m, sun {sun_deg:g} deg, {name}",
                    results[f"{gsd_m:g} m, sun {sun_deg:g} deg, {name}"],
                    flush=True,
                )
    for name, rows in everything.items():
        results[f"all, {name}"] = summary(rows)
        print(name, results[f"all, {name}"])
    if family == "held out":
        path = ROOT / "bench" / "results" / "stacks.json"
        path.write_text(json.dumps({"family": family, **results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
