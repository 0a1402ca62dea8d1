"""Freight cars on the labelled rail scenes: hits, false and missed, track by track, and the calibration that is shipped.

``python bench/accuracy_freight_cars.py [--calibrate]``. The yard is judged leaving tracks out, three at a time; the other two scenes with weights
that never saw them, and so are simulated tracks (``synthetic_rail``, seeds REPORT; "native" is 0.35 m there). All numbers come from
``FreightCars.detect``'s own stages; a wagon reported as cut by the edge is not a hit. --calibrate also writes
engine/detectors/weights/freight_cars_calibration.json from the two openly licensed scenes.
"""

import argparse
import json

import numpy as np
from fit_freight_cars import SCORERS, SOURCE, leave_one_out, simulated_strips, without_shadows
from rail_sets import FILES, ROOT, match, scene, tracks
from synthetic_rail import REPORT, YARD_REPORT

from rason.engine.detectors import freight_cars as fc
from rason.engine.detectors import wagon_evidence as we

GSDS_M = (None, 0.5, 1.0)
VARIANTS = {"as taken": {}, "painted left out": {"painted": False}, "shadows removed": {"shadows": False}}
YARD, MUTTENZ, PORT = "d-rail-yard", "d-rail-muttenz2", "d-port-train"
MUTTENZ_SOURCE = (
    "swisstopo SWISSIMAGE, (c) swisstopo, open with attribution; vehicles counted by eye (+-3); "
    "picture from github hurielreichel/train-detection @ 8652c926, MIT; set d-rail-muttenz2"
)


def judge_together(labelled, strips, scorers, set_name):
    """All tracks of a picture as ``judge``, in one light. scorers: see ``evaluate``."""
    light = we.light_of(list(strips.values()))
    seen = {name: fc.lanes_seen(strip, light) for name, strip in strips.items()}
    unseen = scorers[fc.has_shadows(list(seen.values()))]
    return [
        judge(track, fc.read_track(seen[track.name], unseen[track.name if set_name == YARD else ""])) for track in labelled
    ]


def judge(track, stretches):
    """One track: dict with hit, false, missed, doubles (false ones that touch a vehicle), cut, occupied metres, km seen.

    "lenient": hit, false, missed when wagons cut by the edge count as found where they match a vehicle.
    """
    found, cut, occupied, seen = [], [], 0.0, 0.0
    for stretch in stretches:
        low, high = stretch.places()
        middle = 0.5 * (low + high)
        inside = (middle >= 0) & (middle < track.line.length)
        found.append(middle[inside & ~stretch.wagons.cut])
        cut.append(middle[inside & stretch.wagons.cut])
        occupied += float(np.maximum(np.minimum(high, track.line.length) - np.maximum(low, 0), 0).sum())
        seen += stretch.seen_m(track.line.length)
    found, cut = (np.concatenate([np.zeros(0), *parts]) for parts in (found, cut))
    hit, false, missed, verdicts = match(found, track)
    doubles = sum(any(abs(at - v.at) < 12 for v in track.vehicles) for at in found[verdicts == 0])
    more = match(np.concatenate([found, cut]), track)
    return {
        "track": track.name,
        "hit": hit,
        "false": false,
        "missed": missed,
        "dup": doubles,
        "cut": len(cut),
        "m": occupied,
        "km": seen / 1000,
        "empty": not track.vehicles,
        "lenient": np.array([more[0], (more[3][: len(found)] == 0).sum(), more[2]]),
    }


def evaluate(set_name, gsd_m, scorers, *, painted=True, shadows=True):
    """All tracks of a set. scorers: with shadows or not -> name of a yard track -> scorer that did not see it ("": saw all)."""
    picture = scene(set_name, gsd_m, painted=painted)
    strips = {track.name: fc.strip_of(picture, track.line) for track in tracks(set_name)}
    if not shadows:
        shade = we.light_of(list(strips.values())).shade
        strips = {name: without_shadows(strip, shade) for name, strip in strips.items()}
    return judge_together(tracks(set_name), strips, scorers, set_name)


def evaluate_simulated(gsd_m, scorers, seeds):
    """All simulated tracks of some seeds, which the fit did not see."""
    rows = []
    for seed in seeds:
        strips, labelled = simulated_strips(seed, gsd_m or 0.35)
        rows += judge_together(labelled, strips, scorers, "synthetic")
    return rows


def summary(rows):
    """Totals of a set: counts, precision, recall, sum of count errors over true vehicles, false on empty tracks."""
    hit, false, missed = (sum(row[key] for row in rows) for key in ("hit", "false", "missed"))
    return {
        "hit": hit,
        "false": false,
        "missed": missed,
        "with_cut": [int(n) for n in sum(row["lenient"] for row in rows)],
        "precision": round(hit / max(hit + false, 1), 3),
        "recall": round(hit / max(hit + missed, 1), 3),
        "count_error": round(sum(abs(row["false"] - row["missed"]) for row in rows) / max(hit + missed, 1), 3),
        "false_on_empty": sum(row["false"] for row in rows if row["empty"]),
        "empty_km": round(sum(row["km"] for row in rows if row["empty"]), 3),
        "tracks": {r["track"]: [r["hit"], r["false"], r["missed"]] for r in rows},
    }


def report(run, rows):
    """Print one run in two lines."""
    counts, lenient = f"{run['hit']}/{run['false']}/{run['missed']}", "/".join(map(str, run["with_cut"]))
    print(
        f"{run['gsd_m'] or 'native':6} {run['set']:16} {run['variant']:18} {counts} ({lenient})  P {run['precision']:.2f} "
        f"R {run['recall']:.2f} E {100 * run['count_error']:.0f} %, {run['false_on_empty']} in {run['empty_km']} km of empty track"
    )
    print(
        "   ", ", ".join(f"{r['track']} {r['hit']}/{r['false']}/{r['missed']}" for r in rows if r["false"] or not r["empty"])
    )


def calibration(by_gsd):
    """Rows of the shipped calibration. Every labelled vehicle is used once, at one GSD, so that rows do not repeat each other.

    The tracks of each scene are dealt in turn to three groups, and group k is judged at the k-th GSD.
    """
    rows = []
    for set_name, source in ((YARD, SOURCE), (MUTTENZ, MUTTENZ_SOURCE)):
        order = sorted(tracks(set_name), key=lambda track: (-len(track.vehicles), track.name))
        for k, gsd_m in enumerate(GSDS_M):
            names = {track.name for track in order[k :: len(GSDS_M)]}
            judged = [row for row in by_gsd[set_name, gsd_m] if row["track"] in names]
            total = {key: sum(row[key] for row in judged) for key in ("hit", "false", "missed", "dup", "km")}
            rows.append(
                {
                    "scene": f"{set_name}: tracks {', '.join(sorted(names))}",
                    "site": set_name,
                    "tp": total["hit"],
                    "fn": total["missed"],
                    "dup": total["dup"],
                    "bg": total["false"] - total["dup"],
                    "exposure": round(total["km"], 3),
                    "gsd_m": gsd_m or 0.25,
                    "source": source,
                }
            )
    return rows


def main():
    """Print the tables and write bench/results/freight_cars.json; the calibration too when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calibrate", action="store_true", help="write the shipped calibration")
    calibrate = parser.parse_args().calibrate
    as_taken, results = {}, []
    print("hit/false/missed (in brackets: cut ones that match count as found); E: sum of count errors by track")
    for gsd_m in GSDS_M:
        fitting = [scorer for scorer in SCORERS if (gsd_m or 0) <= scorer[0]]
        scorers = {light: leave_one_out(*next(s for s in fitting if s[1] == light)) for light in (True, False)}
        for variant, options in VARIANTS.items():
            for set_name in (YARD, MUTTENZ, PORT):
                if "painted" in options and FILES[set_name][3] is None:
                    continue
                rows = evaluate(set_name, gsd_m, scorers, **options)
                if not options:
                    as_taken[set_name, gsd_m] = rows
                results.append({"set": set_name, "gsd_m": gsd_m, "variant": variant, **summary(rows)})
                report(results[-1], rows)
        for variant, seeds in {"as taken": REPORT, "yards, low sun": YARD_REPORT}.items():
            rows = evaluate_simulated(gsd_m, scorers, seeds)
            results.append({"set": "synthetic", "gsd_m": gsd_m, "variant": variant, **summary(rows)})
            report(results[-1], rows)
    results_file = ROOT / "bench" / "results" / "freight_cars.json"
    results_file.write_text(json.dumps({"what": __doc__, "runs": results}, indent=1) + "\n", "utf8")
    if calibrate:
        path = ROOT / "engine" / "detectors" / "weights" / "freight_cars_calibration.json"
        path.write_text(json.dumps(calibration(as_taken), indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
