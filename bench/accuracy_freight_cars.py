"""Freight cars on the labelled rail scenes: hits, false and missed, track by track, and the calibration that is shipped.

``python bench/accuracy_freight_cars.py [--calibrate]``. The yard is judged leaving tracks out, three at a time; the other two
scenes with weights that never saw them, and so are simulated tracks: trials of the family "held out", as taken and under a low sun,
and yards of close tracks under a low sun (``synthetic_rail``). All numbers come from ``FreightCars.detect_together``'s own stages; a
wagon reported as cut by the edge is not a hit. Also: lines moved sideways and how often that is said.
--calibrate also writes engine/detectors/weights/freight_cars_calibration.json from the two openly licensed scenes.
"""

import argparse
import json
from dataclasses import replace
from functools import cache
from time import process_time

import numpy as np
from fit_freight_cars import SCORERS, SOURCE, leave_one_out, without_shadows
from rail_sets import FILES, ROOT, match, scene, tracks
from synthetic_rail import TRIALS_REPORT, YARD_REPORT, trial, yard

from rason.engine.detectors import freight_cars as fc
from rason.engine.detectors import track_offset as to
from rason.engine.detectors import wagon_evidence as we
from rason.engine.simulate import rail
from rason.engine.simulate.render import render

GSDS_M = (None, 0.5, 1.0)
VARIANTS = {"as taken": {}, "painted left out": {"painted": False}, "shadows removed": {"shadows": False}}
SHIFTS = {"as taken": "none", "low sun": "low sun"}  # of held-out trials
CLOSE = "close tracks, low sun"
ASIDE_M = (0.0, -0.5, 0.5, -1.0, 1.0, -1.5, 1.5)
YARD, MUTTENZ, PORT = "d-rail-yard", "d-rail-muttenz2", "d-port-train"
MUTTENZ_SOURCE = (
    "swisstopo SWISSIMAGE, (c) swisstopo, open with attribution; vehicles counted by eye (+-3); "
    "picture from github hurielreichel/train-detection @ 8652c926, MIT; set d-rail-muttenz2"
)


def judge_together(labelled, strips, scorers, set_name):
    """All tracks of a picture as ``judge``, in one light. scorers: see ``unseen_scorers``."""
    light = we.light_of(list(strips.values()))
    seen = {name: fc.lanes_seen(strip, light) for name, strip in strips.items()}
    unseen = scorers[fc.has_shadows(list(seen.values()))]
    rows = []
    for track in labelled:
        scorer = unseen[track.name if set_name == YARD else ""]
        rows.append(judge(track, [fc.believed(stretch, scorer) for stretch in fc.read_track(seen[track.name], scorer)]))
    return rows


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


@cache
def unseen_scorers(gsd_m):
    """Shadows or not -> name of a yard track -> scorer that did not see it ("": saw all), its confidence as shipped."""
    out = {}
    for light in (True, False):
        fitting = next(scorer for scorer in SCORERS if (gsd_m or 0) <= scorer[0] and scorer[1] == light)
        confidence = fc.scorer_for(gsd_m or 0.25, light).confidence
        out[light] = {name: replace(scorer, confidence=confidence) for name, scorer in leave_one_out(*fitting).items()}
    return out


def evaluate(set_name, gsd_m, variant):
    """All tracks of a set."""
    scorers, options = unseen_scorers(gsd_m), VARIANTS[variant]
    picture = scene(set_name, gsd_m, painted=options.get("painted", True))
    strips = {track.name: fc.strip_of(picture, track.line) for track in tracks(set_name)}
    if not options.get("shadows", True):
        shade = we.light_of(list(strips.values())).shade
        strips = {name: without_shadows(strip, shade) for name, strip in strips.items()}
    return judge_together(tracks(set_name), strips, scorers, set_name)


def evaluate_simulated(gsd_m, variant, seeds=None):
    """All simulated tracks of some seeds, which the fit did not see."""
    rows = []
    for seed in seeds or (YARD_REPORT if variant == CLOSE else TRIALS_REPORT):
        picture, labelled = yard(seed, gsd_m) if variant == CLOSE else trial(seed, gsd_m, "held out", SHIFTS[variant])
        strips = {track.name: fc.strip_of(picture, track.line) for track in labelled}
        rows += judge_together(labelled, strips, unseen_scorers(gsd_m), "synthetic")
    return rows


def jobs():
    """Every run: set, GSD and variant."""
    for gsd_m in GSDS_M:
        for variant, options in VARIANTS.items():
            yield from (
                (name, gsd_m, variant) for name in (YARD, MUTTENZ, PORT) if "painted" not in options or FILES[name][3]
            )
    yield from (("synthetic", gsd_m, "as taken") for gsd_m in (0.35, 0.5, 1.0))
    yield from (("synthetic", 0.5, "low sun"), ("synthetic", 0.35, CLOSE))


def one_run(job):
    """The rows of a run."""
    return evaluate_simulated(*job[1:]) if job[0] == "synthetic" else evaluate(*job)


def moved_lines(gsd_m):
    """How often a line moved sideways is said to lie beside its rails; where the templates were not fitted."""
    out = []
    for name in (MUTTENZ, PORT):
        picture, half_m = scene(name, gsd_m), fc.STRIP_M
        fc.STRIP_M = half_m + max(ASIDE_M)
        wide = [fc.strip_of(picture, track.line) for track in tracks(name)]
        fc.STRIP_M = half_m
        out += [warned(name, gsd_m, aside, [aside_of(strip, aside, half_m) for strip in wide]) for aside in ASIDE_M]
    return out


def aside_of(strip, aside_m, half_m):
    """The strip along a line so far to the left of a wider strip's."""
    here = np.abs(strip.across_m + aside_m) <= half_m + 1e-6
    return replace(
        strip, across_m=strip.across_m[here] + aside_m, colour=strip.colour[:, here], weight=strip.weight[:, here]
    )


def warned(set_name, gsd_m, aside_m, strips):
    """A row of ``moved_lines``: tracks judged, warned of, and the median error of the offset."""
    labelled, light, said, errors = tracks(set_name), we.light_of(strips), 0, []
    found = to.offsets([[track.line.length] for track in labelled], [[strip] for strip in strips], light)
    for track, one in zip(labelled, found):
        said += bool(to.warning(track.name, *one))
        errors.append(abs(one[0] - aside_m))
    judged = np.isfinite(errors)
    return {
        "set": set_name,
        "gsd_m": gsd_m,
        "moved_m": aside_m,
        "tracks": int(judged.sum()),
        "warned": said,
        "median_error_m": round(float(np.median(np.array(errors)[judged])), 2),
    }


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
            judged = [row for row in by_gsd[set_name, gsd_m, "as taken"] if row["track"] in names]
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
    for job in jobs():
        rows = one_run(job)
        as_taken[job] = rows
        results.append({"set": job[0], "gsd_m": job[1], "variant": job[2], **summary(rows)})
        report(results[-1], rows)
    offsets = [row for gsd_m in GSDS_M for row in moved_lines(gsd_m)]
    write(results, offsets)
    if calibrate:
        path = ROOT / "engine" / "detectors" / "weights" / "freight_cars_calibration.json"
        path.write_text(json.dumps(calibration(as_taken), indent=1) + "\n", "utf8")


def speed(gsd_m):
    """Processor milliseconds a track-km, for reading (the strips) and for the rest, on 16 simulated tracks of 640 m."""
    rng = np.random.default_rng(1)
    layout = rail.station(np.zeros(2), 90.0, rng, occupied=[int(n) for n in rng.integers(0, 40, 16)])
    ends = np.array([zone.geometry.bounds for zone in layout.zones])
    around = (*(ends[:, :2].min(0) - 25), *(ends[:, 2:].max(0) + 25))
    picture = render(layout, around, gsd_m=gsd_m, sun_azimuth_deg=150, sun_elevation_deg=40, seed=1).as_scene()
    whole, reading = [], []
    for _ in range(3):
        start = process_time()
        for zone in layout.zones:
            fc.strip_of(picture, zone.geometry)
        reading.append(process_time() - start)
        start = process_time()
        fc.FreightCars().detect_together(picture, list(layout.zones))
        whole.append(process_time() - start)
    km = sum(zone.length_m for zone in layout.zones) / 1000
    read = 1000 * min(reading) / km
    rest = 1000 * min(whole) / km - read
    return {"gsd_m": gsd_m, "track_km": round(km, 2), "reading_ms_a_km": round(read, 1), "rest_ms_a_km": round(rest, 1)}


def write(results, offsets):
    """bench/results/freight_cars.json."""
    path = ROOT / "bench" / "results" / "freight_cars.json"
    document = {"what": __doc__, "runs": results, "moved_lines": offsets, "speed": [speed(0.5), speed(0.3)]}
    path.write_text(json.dumps(document, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
