"""Freight cars on the labelled rail scenes: hits, false and missed, track by track, and the calibration that is shipped.

``python bench/accuracy_freight_cars.py [--calibrate]``. The yard is judged leaving one track out; the other two scenes with weights
that never saw them. All numbers come from ``FreightCars.detect``'s own stages; a wagon reported as cut by the edge is not a hit. --calibrate also writes
engine/detectors/weights/freight_cars_calibration.json from the two openly licensed scenes.
"""

import argparse
import json

import numpy as np
from fit_freight_cars import SCORERS, SOURCE, leave_one_out
from rail_sets import ROOT, match, scene, tracks

from rason.engine.detectors import freight_cars as fc
from rason.engine.detectors.wagon_evidence import shade_vector

GSDS_M = (None, 0.5, 1.0)
YARD, MUTTENZ, PORT = "d-rail-yard", "d-rail-muttenz2", "d-port-train"
MUTTENZ_SOURCE = ("swisstopo SWISSIMAGE, (c) swisstopo, open with attribution; vehicles counted by eye (+-3); "
                  "picture from github hurielreichel/train-detection @ 8652c926, MIT; set d-rail-muttenz2")


def judge(picture, track, scorer):
    """One track: dict with hit, false, missed, doubles (false ones that touch a vehicle), cut, occupied metres, km seen.

    "lenient": hit, false, missed when wagons cut by the edge count as found where they match a vehicle.
    """
    strip = fc.strip_of(picture, track.line)
    stretches = fc.read_track(strip, scorer, shade_vector([strip]))
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
    return {"track": track.name, "hit": hit, "false": false, "missed": missed, "dup": doubles, "cut": len(cut), "m": occupied,
            "km": seen / 1000, "empty": not track.vehicles,
            "lenient": np.array([more[0], (more[3][: len(found)] == 0).sum(), more[2]])}


def evaluate(set_name, gsd_m, scorers, painted=True):
    """All tracks of a set. scorers: name of a yard track -> scorer that did not see it, "" -> fitted on the whole yard."""
    picture = scene(set_name, gsd_m, painted=painted)
    return [judge(picture, track, scorers[track.name if set_name == YARD else ""]) for track in tracks(set_name)]


def summary(rows):
    """One line: totals, precision, recall, sum of count errors, false on empty tracks."""
    hit, false, missed = (sum(row[key] for row in rows) for key in ("hit", "false", "missed"))
    error = sum(abs(row["false"] - row["missed"]) for row in rows) / max(hit + missed, 1)
    empty = sum(row["false"] for row in rows if row["empty"])
    km = sum(row["km"] for row in rows if row["empty"])
    lenient = "/".join(str(n) for n in sum(row["lenient"] for row in rows))
    return (f"{hit:3d}/{false}/{missed} ({lenient})  P {hit / max(hit + false, 1):.2f}  R {hit / max(hit + missed, 1):.2f}  "
            f"E {100 * error:3.0f} %  false on empty {empty} in {km:.2f} km")


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
            rows.append({
                "scene": f"{set_name}: tracks {', '.join(sorted(names))}", "site": set_name, "tp": total["hit"], "fn": total["missed"],
                "dup": total["dup"], "bg": total["false"] - total["dup"], "exposure": round(total["km"], 3),
                "gsd_m": gsd_m or 0.25, "source": source,
            })
    return rows


def main():
    """Print the tables; write the calibration when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calibrate", action="store_true", help="write the shipped calibration")
    calibrate = parser.parse_args().calibrate
    by_gsd = {}
    print("hit/false/missed (in brackets: cut ones that match count as found); E: sum of count errors by track; yard leaving one track out, others with weights of the yard")
    for gsd_m in GSDS_M:
        scorers = leave_one_out(*next(s for s in SCORERS if (gsd_m or 0) <= s[0]))
        for painted in (True, False):
            for set_name in (YARD, MUTTENZ, PORT) if painted else (YARD, MUTTENZ):
                rows = evaluate(set_name, gsd_m, scorers, painted)
                if painted:
                    by_gsd[set_name, gsd_m] = rows
                label = f"{gsd_m or 'native'} {set_name}{'' if painted else ', painted pixels left out'}"
                print(f"{label:50s} {summary(rows)}")
                print("    " + ", ".join(f"{r['track']} {r['hit']}/{r['false']}/{r['missed']}" for r in rows
                                         if r["false"] or r["missed"] or not r["empty"]))
    if calibrate:
        path = ROOT / "engine" / "detectors" / "weights" / "freight_cars_calibration.json"
        path.write_text(json.dumps(calibration(by_gsd), indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
