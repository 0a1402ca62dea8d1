#!/usr/bin/env python3
"""The detectors and their intervals on simulated scenes: ``python3 bench/synthetic_trials.py --workers 16 --seconds 480``.

Needs numpy, scipy and shapely alone (neither GDAL nor QGIS) and runs from any checkout. Each trial is one scene of the simulator
(engine/simulate/trials.py), counted as rason:tallyscene does and set beside its truth. Jobs are dealt out in rounds, so that a run
that is stopped, or reaches --seconds, has some of everything; what is done lies in OUT + "l" (one line a trial) and is not done
again. Every trial depends on its seed alone.

  judged: family "held out" (other paints, grounds, layouts and cameras than the detectors and calibrations saw), under default
          conditions and shifted ones; the first SCENES of a kind with the shift "none", and SHIFTED a shift.
  fit:    family "fit", default conditions: what calibrations are made of.

The intervals: each judged scene is tallied with a calibration of K scenes drawn from the other scenes of its own family and
conditions ("calibrated": independent scenes of one population), from family fit ("another family": what a user of a calibration made
elsewhere meets; taken for calibrated), and as trust() would have it, with conditions outside the calibrated range widened
("as told"). --report makes the figures again from the lines alone. Everything here is synthetic.

A closed interval of whole numbers cannot hold exactly 90 %: of a scene with one ship or none any honest one holds more. So beside the
share of scenes whose truth lies inside ("coverage") stand what the draws say the intervals hold ("promised"), and the share of scenes
whose truth lies in the middle 90 % of the draws, ties cut at random ("exact"; the randomised PIT of Smith 1985 and Czado, Gneiting and Held
2009), which is 90 % where the method is right, however few objects there are.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # many processes, one thread each

import numpy as np  # noqa: E402
from checkout import ROOT, load_rason  # noqa: E402

load_rason()

from rason.engine import conditions as taken  # noqa: E402
from rason.engine import counting, patch, zone_tally  # noqa: E402
from rason.engine.accuracy import FALSE, HIT, judge  # noqa: E402
from rason.engine.calibration import CALIBRATED, Calibration, Trust  # noqa: E402
from rason.engine.detectors import box_scores  # noqa: E402
from rason.engine.errors import Refusal  # noqa: E402
from rason.engine.simulate import trials  # noqa: E402
from rason.engine.tally import SceneDraws, tally  # noqa: E402

CLASS = {"yard": "container", "rails": "freight_car", "sea": "ship", "berth": "ship"}
SCENES, SHIFTED, FIT = 420, 60, 140
# shift, and the GSD where it is fixed: the targets are named at these
CASES = {
    "yard": [(shift, None) for shift in trials.SHIFTS if shift != "none"] + [("none", 0.3), ("none", 0.5)],
    "rails": [(shift, None) for shift in trials.SHIFTS if shift != "none"] + [("none", 0.5), ("none", 1.0)],
    "sea": [(shift, None) for shift in trials.SHIFTS if shift != "none"] + [("none", 3.0)],
    "berth": [(shift, None) for shift in trials.SHIFTS if shift != "none"],
}
K = 30  # scenes in a calibration
LEVEL = 0.9
LEAST = 10  # scenes of a group, below which it is not reported


def inside(geometry, shape, x0, y0, gsd_m):
    """As ``patch.burnt`` without GDAL: pixels whose centre lies in a polygon, by the crossings of each row (even-odd)."""
    rows, columns = shape
    toggles = np.zeros((rows, columns + 1), np.int32)
    for part in getattr(geometry, "geoms", [geometry]):
        if part.geom_type != "Polygon" or part.is_empty:
            continue
        for ring in (part.exterior, *part.interiors):
            x, y = np.asarray(ring.coords)[:, :2].T
            column, row = (x - x0) / gsd_m - 0.5, (y0 - y) / gsd_m - 0.5
            first = np.clip(np.ceil(np.minimum(row[:-1], row[1:])), 0, rows).astype(int)
            count = np.clip(np.ceil(np.maximum(row[:-1], row[1:])), 0, rows).astype(int) - first
            edge = np.repeat(np.arange(len(count)), count)
            at = first[edge] + np.arange(len(edge)) - (np.cumsum(count) - count)[edge]
            share = (at - row[edge]) / (row[edge + 1] - row[edge])
            crossing = column[edge] + share * (column[edge + 1] - column[edge])
            np.add.at(toggles, (at, np.clip(np.ceil(crossing), 0, columns).astype(int)), 1)
    return (np.cumsum(toggles[:, :-1], axis=1) % 2).astype(bool)


def turned(bands, gsd_m, grid, shape, how):
    """As ``box_scores.turned`` without GDAL, by spline interpolation."""
    from scipy import ndimage

    x0, x_column, x_row, y0, y_column, y_row = (value / gsd_m for value in grid)
    matrix = np.array([[-y_row, -y_column], [x_row, x_column]])  # to row and column of the bands
    offset = np.array([-y0, x0]) - 0.5 + matrix.sum(1) / 2
    order = {"near": 0, "bilinear": 1, "cubic": 3}[how]
    return np.stack([ndimage.affine_transform(band, matrix, offset, shape, order=order) for band in bands])


try:
    import osgeo  # noqa: F401
except ImportError:
    patch.burnt = inside
    box_scores.turned = turned


def jobs(kinds, scenes, shifted, fit):
    """(kind, family, shift, GSD, number) in rounds over all cases, so that an early end leaves some of each."""
    cases = []
    for kind in kinds:
        cases.append((kind, "held out", "none", None, scenes))
        cases += [(kind, "held out", shift, gsd, shifted) for shift, gsd in CASES[kind]]
        cases.append((kind, "fit", "none", None, fit))
    most = max(case[-1] for case in cases)
    ranked = []
    for *case, number in cases:  # in the end all cases are done to the same share
        ranked += [((i + 0.5) * most / number, *case, i) for i in range(number)]
    return [job[1:] for job in sorted(ranked, key=lambda job: job[0])]


def key_of(job):
    return "|".join(str(part) for part in job)


def seed_of(job):
    """Seeds of the judged scenes are apart from those of the calibrations; a shift looks at places of its own."""
    kind, family, shift, gsd, i = job
    case = 0 if (shift, gsd) == ("none", None) else 1 + CASES[kind].index((shift, gsd))
    return 100_000 * (family == "fit") + 2_000 * case + i


def trial(job):
    """One line: what was found in a scene, what is there, and the row's interval with the shipped calibration."""
    kind, family, shift, gsd, i = job
    start, seed = time.perf_counter(), seed_of(job)
    rng = np.random.default_rng([seed, 9])
    given = trials.Conditions.default(rng, family, trials.GSD_M[kind] if gsd is None else (gsd, gsd * 1.0001))
    made = trials.MAKERS[kind](seed, given.shifted(shift, rng), family)
    drawn, name = time.perf_counter(), CLASS[kind]
    line = {
        "key": key_of(job),
        "kind": kind,
        "family": family,
        "shift": shift,
        "gsd": gsd,
        "class": name,
        **conditions_of(made),
    }
    try:
        wanted, _ = counting.plan(made.zones, [name])
        count = counting.count_scene(made.scene, wanted, counting.check(made.scene, wanted), {}, level=LEVEL, seed=seed)
    except Refusal as refusal:
        return {**line, "refused": str(refusal)}
    line["seconds"] = [round(drawn - start, 2), round(time.perf_counter() - drawn, 2)]
    zones = wanted[name]
    line["zones"] = [zone_line(zone, made, count.detections, name) for zone in zones]
    total = count.totals.get(name)
    line["shipped"] = None if total is None else [int(value) for value in total]
    line["scores"] = [round(float(score), 4) for score in count.detections.score[:400]]
    return line


def zone_line(zone, made, found, name):
    """[tp, fn, dup, bg, exposure, detected] of a zone. Detections are the zone's by their centre, the truth by its foot."""
    mine = found.select(zone.holds(found.x, found.y))
    truth = made.truth.select(made.counted(name, zone.zone_id))
    judged = judge(mine, truth)
    tp, bg = int((judged.verdict == HIT).sum()), int((judged.verdict == FALSE).sum())
    return [tp, len(truth) - tp, len(mine) - tp - bg, bg, round(zone_tally.exposures([zone])[0], 4), len(mine)]


def conditions_of(made):
    """What a file of such a scene would say of its taking; contrast is measured as on files, on the digits before the stretch."""
    given = made.conditions
    return {
        "effective_gsd_m": round(float(made.scene.effective_gsd_m), 3),
        "sun_elevation_deg": round(given.sun_elevation_deg, 1),
        "off_nadir_deg": round(given.off_nadir_deg, 1),
        "density": round(given.density, 2),
    }


def run(todo, workers, seconds, path):
    """Do the jobs, a line each; returns when all are done or the time is over."""
    import multiprocessing

    end = time.time() + seconds if seconds else float("inf")
    pending = iter(todo)
    with multiprocessing.Pool(workers) as pool, open(path, "a", encoding="utf8") as file:
        file.write("\n")  # the last line of a run that was stopped may be half
        running = [pool.apply_async(trial, (job,)) for job in _some(pending, 2 * workers, end)]
        done = 0
        while running:
            ready = [result for result in running if result.ready()]
            running = [result for result in running if not result.ready()]
            for result in ready:
                file.write(json.dumps(result.get()) + "\n")
            if ready:
                file.flush()
                done += len(ready)
                if done % 200 < len(ready):
                    print(f"{done} of {len(todo)}", flush=True)
                running += [pool.apply_async(trial, (job,)) for job in _some(pending, len(ready), end)]
            else:
                time.sleep(0.02)


def _some(pending, number, end):
    for _ in range(number):
        job = next(pending, None) if time.time() < end else None
        if job is None:
            return
        yield job


def serial(todo, seconds, path):
    """The same in this process."""
    end = time.time() + seconds if seconds else float("inf")
    with open(path, "a", encoding="utf8") as file:
        file.write("\n")
        for job in todo:
            if time.time() > end:
                return
            file.write(json.dumps(trial(job)) + "\n")
            file.flush()


def read_lines(path):
    if not path.exists():
        return {}
    lines = {}
    for text in path.read_text("utf8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:  # the run was stopped while it wrote this
            continue
        lines[line["key"]] = line
    return lines


def sums(line):
    """tp, fn, dup, bg, exposure, detected of a scene."""
    return np.array(line["zones"], float).reshape(-1, 6).sum(0)


def figures(lines):
    """Precision, recall, F1, count errors and what is found on empty ground, of some scenes."""
    total = np.array([sums(line) for line in lines])
    tp, fn, dup, bg, exposure, found = total.T
    true = tp + fn
    empty = [zone for line in lines for zone in line["zones"] if zone[0] + zone[1] == 0]
    relative = np.sort((np.abs(found - true) / np.maximum(true, 1))[true >= 3])[::-1]
    shipped = [line["shipped"] for line in lines]
    inside_ = [s[1] <= t <= s[2] for s, t in zip(shipped, true) if s]
    return {
        "scenes": len(lines),
        "true": int(true.sum()),
        "P": round(float(tp.sum() / max(tp.sum() + dup.sum() + bg.sum(), 1)), 3),
        "R": round(float(tp.sum() / max(true.sum(), 1)), 3),
        "F1": round(float(2 * tp.sum() / max(true.sum() + found.sum(), 1)), 3),
        "count_error": round(float((found.sum() - true.sum()) / max(true.sum(), 1)), 3),
        "WAPE": round(float(np.abs(found - true).sum() / max(true.sum(), 1)), 3),
        "worst_decile": round(float(relative[: max(1, len(relative) // 10)].mean()), 3) if len(relative) else None,
        "empty_zones": len(empty),
        "empty_with_none": round(float(np.mean([zone[5] == 0 for zone in empty])), 3) if empty else None,
        "false_per_unit_of_empty_ground": round(sum(z[5] for z in empty) / max(sum(z[4] for z in empty), 1e-9), 3)
        if empty
        else None,
        "shipped_interval": {
            "coverage": round(float(np.mean(inside_)), 3) if inside_ else None,
            "median_width_over_truth": _width([s for s in shipped if s], [t for s, t in zip(shipped, true) if s]),
        },
    }


def _width(ends, true):
    wide = [(s[2] - s[1]) / t for s, t in zip(ends, true) if t >= 3]
    return round(float(np.median(wide)), 3) if wide else None


def calibration(lines, class_name):
    """Of some scenes, as rason:calibrate makes it, as if they were real and each a site of its own."""
    total = np.array([sums(line) for line in lines])
    spans, _ = taken.ranges(
        [taken.Conditions(line["effective_gsd_m"], line["sun_elevation_deg"], None, line["off_nadir_deg"]) for line in lines]
    )
    unit = "km" if class_name == "freight_car" else "ha"
    return Calibration(
        class_name, *total.T[:5], exposure_unit=unit, site=tuple(line["key"] for line in lines), conditions=spans
    )


def interval_score(low, high, true):
    """Width plus 2/alpha times what the truth lies outside (Gneiting and Raftery 2007)."""
    alpha = 1 - LEVEL
    return high - low + 2 / alpha * (max(low - true, 0) + max(true - high, 0))


def t_interval(lines, found):
    """What it must beat: Student's t on the log of (true + .5) / (found + .5)."""
    from scipy.special import stdtrit

    total = np.array([sums(line) for line in lines])
    y = np.log((total[:, 0] + total[:, 1] + 0.5) / (total[:, 5] + 0.5))
    half = stdtrit(len(y) - 1, (1 + LEVEL) / 2) * y.std(ddof=1) * np.sqrt(1 + 1 / len(y))
    return tuple(np.exp(y.mean() + side * half) * (found + 0.5) - 0.5 for side in (-1, 1))


def conformal_interval(lines, found):
    """And the conformal interval on the same log ratios (infinite below 19 scenes)."""
    total = np.array([sums(line) for line in lines])
    y = np.log((total[:, 0] + total[:, 1] + 0.5) / (total[:, 5] + 0.5))
    rank = np.ceil((len(y) + 1) * LEVEL)
    if rank > len(y):
        return 0.0, np.inf
    half = np.sort(np.abs(y - np.median(y)))[int(rank) - 1]
    return tuple(np.exp(np.median(y) + side * half) * (found + 0.5) - 0.5 for side in (-1, 1))


def middle(draws, true, tail):
    """Chance that a number lies between the quantiles ``tail`` and 1 - ``tail`` of the draws, its ties cut at random."""
    below, at = float((draws < true).mean()), float((draws == true).mean())
    if at == 0:
        return float(tail <= below <= 1 - tail)
    return max(0.0, min(below + at, 1 - tail) - max(below, tail)) / at


def by_size(true, inside):
    """Coverage of scenes without objects, with few and with many: {group: [scenes, covered]}."""
    groups = {"0": true == 0, "1 to 8": (true > 0) & (true < 9), "9 and more": true >= 9}
    return {name: [int(of.sum()), round(float(inside[of].sum()), 2)] for name, of in groups.items()}


def coverage(judged, pool, class_name, k, *, told):
    """Coverage, width and score of each judged scene's interval on k scenes of a pool (never itself); None for too few.

    told: with what trust() makes of the scene's conditions; else taken as calibrated.
    """
    rows, scenes = defaultdict(list), []
    if not judged:
        return None
    for i, line in enumerate(judged):
        rng = np.random.default_rng([i, k, 3])
        others = [other for other in pool if other["key"] != line["key"]]
        if len(others) < k:
            return None
        chosen = [others[j] for j in rng.choice(len(others), k, replace=False)]
        made = calibration(chosen, class_name)
        conditions = {name: line[name] for name in ("effective_gsd_m", "sun_elevation_deg", "off_nadir_deg")}
        trust = made.trust("", line["scores"], **conditions) if told else Trust(0.0, CALIBRATED)
        zones = np.array(line["zones"], float).reshape(-1, 6)
        true, found = zones[:, :2].sum(), zones[:, 5].sum()
        ids = [str(z) for z in range(len(zones))]
        low, high = tally(ids, zones[:, 5], zones[:, 4], made, trust=trust, seed=i).total()[1:]
        draws = SceneDraws.make(made.draws(i), [i], trust.site_sd).seen(
            found, zones[:, 4].sum(), np.random.default_rng([i, 8])
        )
        held = ((draws >= low) & (draws <= high)).mean()
        scenes.append((true, low <= true <= high, middle(draws, true, (1 - LEVEL) / 2), held))
        for name, (a, b) in {
            "ours": (low, high), "plain t": t_interval(chosen, found), "conformal": conformal_interval(chosen, found)
        }.items():  # fmt: skip
            rows[name].append(
                (a <= true <= b, (b - a) / max(true, 1) if true >= 3 else np.nan, interval_score(a, b, true) / max(true, 3))
            )
        rows["widened"].append(trust.site_sd > 0)
    widened = rows.pop("widened")
    out = {"scenes": len(judged), "k": k, "widened": round(float(np.mean(widened)), 3)}
    for name, values in rows.items():
        inside_, width, score = np.array(values, float).T
        out[name] = {
            "coverage": round(float(inside_.mean()), 3),
            "median_width_over_truth": round(float(np.nanmedian(width)), 3) if np.isfinite(width).any() else None,
            "mean_interval_score_over_truth": round(float(score.mean()), 3),
        }
    true, covered, exact, held = np.array(scenes, float).T
    out["ours"] |= {"exact": round(float(exact.mean()), 3), "promised": round(float(held.mean()), 3)}
    return out | ({"by size": by_size(true, covered), "by size, exact": by_size(true, exact)} if pool is judged else {})


def pooled(kinds):
    """Coverage over the scenes of all kinds, each kind calibrated by itself."""
    out = {}
    for k in (10, K):
        parts = [part["intervals"][f"calibrated, k {k}"] for part in kinds.values()]
        parts = [part for part in parts if part]
        scenes = sum(part["scenes"] for part in parts)
        out[f"calibrated, k {k}"] = {"scenes": scenes} | {
            name: {
                key: round(sum(part[name][key] * part["scenes"] for part in parts) / max(scenes, 1), 3)
                for key in ("coverage", "mean_interval_score_over_truth", "exact", "promised")
                if all(key in part[name] for part in parts)
            }
            for name in ("ours", "plain t", "conformal")
        }
        for key in ("by size", "by size, exact"):
            total = {size: np.sum([part[key][size] for part in parts], 0) for size in (parts[0][key] if parts else ())}
            out[f"calibrated, k {k}"][key] = {size: [int(n), round(float(c / n), 3)] for size, (n, c) in total.items() if n}
    return out


def report(lines):
    """All figures, by kind."""
    done = [line for line in lines.values() if "zones" in line]
    refused = [line for line in lines.values() if "refused" in line]
    out = {"what": __doc__.splitlines()[0], "synthetic": True, "trials": len(done), "refused": len(refused), "kinds": {}}
    for kind in dict.fromkeys(line["kind"] for line in done):
        of = [line for line in done if line["kind"] == kind]
        groups = defaultdict(list)
        for line in of:
            at = "" if line["gsd"] is None else f" at {line['gsd']:g} m"
            groups[f"{line['family']}, {line['shift']}{at}"].append(line)
        groups = {group: part for group, part in groups.items() if len(part) >= LEAST}
        judged, fit, name = groups.get("held out, none", []), groups.get("fit, none", []), CLASS[kind]
        out["kinds"][kind] = {
            "class": name,
            "figures": {group: figures(part) for group, part in sorted(groups.items())},
            "seconds_a_trial": [round(float(np.mean([line["seconds"][i] for line in of])), 2) for i in (0, 1)],
            "intervals": {
                **{f"calibrated, k {k}": coverage(judged, judged, name, k, told=False) for k in (10, K)},
                f"another family, k {K}": coverage(judged, fit, name, K, told=False),
                f"another family, as told, k {K}": coverage(judged, fit, name, K, told=True),
                **{
                    f"{group}, as told, k {K}": coverage(part, judged, name, K, told=True)
                    for group, part in sorted(groups.items())
                    if group.startswith("held out") and part is not judged
                },
            },
        }
    out["pooled"] = pooled(out["kinds"])
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--workers", type=int, default=1)
    ap.add_argument("--kind", default="yard,rails,sea,berth")
    ap.add_argument("--trials", type=int, default=SCENES, help=f"judged scenes of a kind; default {SCENES}")
    ap.add_argument("--shifted", type=int, help="judged scenes of each shift; default in proportion")
    ap.add_argument("--fit", type=int, help="scenes of family fit; default in proportion")
    ap.add_argument("--seconds", type=float, default=0.0, help="start no further trial after so long")
    ap.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "synthetic_trials.json")
    ap.add_argument("--report", action="store_true", help="figures from the lines that are there; no trials")
    a = ap.parse_args()
    kinds = [kind.strip() for kind in a.kind.split(",")]
    shifted, fit = (n or max(1, round(a.trials * part / SCENES)) for n, part in ((a.shifted, SHIFTED), (a.fit, FIT)))
    path = a.out.with_name(f"{a.out.name}l")
    start = time.time()
    if not a.report:
        done = read_lines(path)
        todo = [job for job in jobs(kinds, a.trials, shifted, fit) if key_of(job) not in done]
        print(f"{len(done)} done, {len(todo)} to do", flush=True)
        if a.workers > 1:
            run(todo, a.workers, a.seconds, path)
        else:
            serial(todo, a.seconds, path)
    made = report(read_lines(path))
    a.out.write_text(json.dumps(made, indent=1) + "\n", "utf8")
    print(f"{made['trials']} trials, {made['refused']} refused, {time.time() - start:.0f} s; {a.out}")
    for kind, part in made["kinds"].items():
        print(kind, json.dumps(part["figures"].get("held out, none")))
        for name, value in part["intervals"].items():
            print("   ", name, value and {key: value[key] for key in ("scenes", "ours", "plain t", "conformal")})


if __name__ == "__main__":
    sys.exit(main())
