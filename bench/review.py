"""What a few looks are worth: totals from sampled cells, and from two counters.

``python bench/review.py [--left-out]``. Written to bench/results/review.json; about two minutes.

cells: simulated yards with a good, a poor, a blind and a random detector; how often the interval holds, and its bias.
yard: real tracks of d-rail-yard with their true vehicles as the analyst. The detector's shipped weights were fitted on this yard, which
flatters it; so it is also shown with a third of its finds taken away and as many false ones strewn in, and d-port-train, which no weights
saw, is judged too. --left-out: also with weights refitted without each track (ten minutes and more).
counters: two people who miss objects, by chance or the same hard ones; how often capture-recapture and the smaller and larger count hold.
"""

import argparse
import json
from dataclasses import replace

import numpy as np
from rail_sets import ROOT, load_rason, scene, tracks

load_rason()

from rason.engine.counters import at_least  # noqa: E402
from rason.engine.detections import Detections  # noqa: E402
from rason.engine.detectors import freight_cars as fc  # noqa: E402
from rason.engine.detectors import wagon_evidence as we  # noqa: E402
from rason.engine.review import cells, total  # noqa: E402
from rason.engine.tallying import tally_marks  # noqa: E402
from rason.engine.zones import Zone  # noqa: E402

SEEDS, LOOKS, LEVEL = 300, 20, 0.9
# recall, false finds a cell, p that the detector gives
DETECTORS = {
    "good": (0.9, 0.1, 0.8),
    "poor": (0.5, 1.0, 0.8),
    "random": (0.05, 2.0, 0.8),
    "blind": (0.0, 0.0, 0.8),
    "perfect": (1.0, 0, 1.0),
}
# cells, mean objects a cell, clustering (shape of a gamma: smaller is more uneven)
YARDS = {
    "6 objects": (60, 0.1, 1.0),
    "60": (60, 1, 1.0),
    "300": (60, 5, 0.3),
    "300 in 300 cells": (300, 1, 0.3),
    "1500": (300, 5, 0.5),
}


def sampled(expected, true, ground, seed, looks):
    """The total of all cells from some looks, without the spread between people; and how it is drawn."""
    chance = ground / ground.sum()
    if expected.any():
        chance = cells.BY_GROUND * chance + (1 - cells.BY_GROUND) * expected / expected.sum()
    frame = cells.Frame((None,) * len(expected), expected, chance)
    first = frame.order(seed)[:looks]
    looked = total.Looked(chance[first], expected[first], true[first].astype(float))
    return looked, total.total(
        looked, np.ones(looks, bool), float(expected.sum()), len(expected), level=LEVEL, people_sd=0.0
    )


def simulated_cells():
    """Coverage, bias and median width over the truth, by detector, yard and number of looks."""
    rows = {}
    for kind, (recall, false, p) in DETECTORS.items():
        for yard, (number, mean, shape) in YARDS.items():
            for looks in (10, LOOKS):
                rng, held, errors, widths, sums = np.random.default_rng(7), 0, [], [], []
                for seed in range(SEEDS):
                    true = rng.poisson(mean * rng.gamma(shape, 1 / shape, number))
                    expected = p * (rng.binomial(true, recall) + rng.poisson(false, number))
                    _, one = sampled(expected, true, np.ones(number), seed, looks)
                    held += one.low <= true.sum() <= one.high
                    errors.append(one.estimate - true.sum())
                    widths.append(one.high - one.low)
                    sums.append(true.sum())
                rows[f"{kind}, {yard}, {looks} looks"] = {
                    "held": round(held / SEEDS, 3),
                    "bias / its standard error": round(float(np.mean(errors) / (np.std(errors) / SEEDS**0.5 + 1e-9)), 1),
                    "bias / true": round(float(np.mean(errors) / np.mean(sums)), 3),
                    "median width / true": round(float(np.median(widths) / np.mean(sums)), 2),
                }
    return rows


def finds(set_name, scorers=None):
    """Zones, detections and true vehicles of a set, as points on their tracks."""
    labelled, picture = tracks(set_name), scene(set_name)
    strips = {track.name: fc.strip_of(picture, track.line) for track in labelled}
    light = we.light_of(list(strips.values()))
    seen = {name: fc.lanes_seen(strip, light) for name, strip in strips.items()}
    shadows = fc.has_shadows(list(seen.values()))
    shipped = fc.scorer_for(picture.effective_gsd_m, shadows)
    found, true = [], []
    for track in labelled:
        scorer = replace(scorers(shadows)[track.name], confidence=shipped.confidence) if scorers else shipped
        for stretch in fc.read_track(seen[track.name], scorer):
            stretch = fc.believed(stretch, scorer)
            middle = np.mean(stretch.places(), axis=0)
            keep = ~stretch.wagons.cut & (middle >= 0) & (middle < track.line.length)
            p = 1 / (1 + np.exp(-scorer.confidence.log_odds(fc.wagon_features(stretch)))) if len(middle) else middle
            found += [(*track.line.interpolate(m).coords[0], q) for m, q in zip(middle[keep], p[keep])]
        true += [track.line.interpolate(v.at).coords[0] for v in track.vehicles if 0 < v.at < track.line.length]
    x, y, p = np.array(found).T
    zones = [Zone(track.name, "track", track.line) for track in labelled]
    return zones, Detections.make(x, y, 15.0, 3.0, 0.0, fc.CLASS, p=p), np.array(true)


def worse(found, zones, seed):
    """A third of the finds lost, as many false ones strewn over the tracks."""
    rng = np.random.default_rng(seed)
    kept = found.select(rng.random(len(found)) > 1 / 3)
    lengths = np.array([zone.length_m for zone in zones])
    strewn = [zones[i].geometry.interpolate(rng.random() * lengths[i]).coords[0]
              for i in rng.choice(len(zones), len(found) // 3, p=lengths / lengths.sum())]  # fmt: skip
    false = Detections.make(*np.array(strewn).T, 15.0, 3.0, 0.0, fc.CLASS, p=float(found.p.mean()))
    return Detections.concatenate([kept, false])


def real_yard(zones, found, true, side_m, looks=LOOKS, change=None):
    """Width before and after some looks, over many draws."""
    held, widths, people, before, errors = 0, [], [], [], []
    for seed in range(100):
        these = change(found, zones, seed) if change else found
        frame = cells.frame(zones, side_m, these.x, these.y, these.p)
        inside = np.array([cell.holds(*true.T).sum() for cell in frame.cells])
        first = frame.order(seed)[:looks]
        looked = total.Looked(frame.chance[first], frame.expected[first], inside[first].astype(float))
        arguments = looked, np.ones(len(first), bool), float(frame.expected.sum()), len(frame.cells)
        one, with_people = total.total(*arguments, people_sd=0.0), total.total(*arguments)
        held += one.low <= inside.sum() <= one.high
        errors.append(one.estimate - inside.sum())
        widths.append(one.high - one.low)
        people.append(with_people.high - with_people.low)
        if change or not before:
            _, totals = tally_marks(these, zones, [fc.CLASS], {}, basis="detected", visible={}, level=LEVEL)
            before.append(totals[fc.CLASS][2] - totals[fc.CLASS][1])
    return {
        "true": int(inside.sum()), "found": len(found), "sum of p": round(float(found.p.sum()), 1), "cells": len(frame.cells),
        "looked at": len(first), "width before": float(np.median(before)), "median width after": float(np.median(widths)),
        "after / before": round(float(np.median(widths) / np.median(before)), 2),
        "the same, with the spread between people": round(float(np.median(people) / np.median(before)), 2),
        "draws that halve it": round(float(np.mean(np.array(widths) <= np.median(before) / 2)), 2), "held": held / 100,
        "mean error": round(float(np.mean(errors)), 2),
    }  # fmt: skip


def left_out_scorers(shadows, known={}):  # noqa: B006 (kept between calls)
    """Scorers of the yard's tracks that did not see them."""
    from fit_freight_cars import SCORERS, leave_one_out

    if shadows not in known:
        known[shadows] = leave_one_out(*next(scorer for scorer in SCORERS if scorer[1] == shadows))
    return known[shadows]


def real(left_out):
    """The yard, and a train that no weights saw."""
    yard, port = finds("d-rail-yard"), finds("d-port-train")
    rows = {f"d-rail-yard, cells of {side} m": real_yard(*yard, side) for side in (25.0, 50.0)}
    rows["d-rail-yard, cells of 25 m, 10 looks"] = real_yard(*yard, 25.0, 10)
    rows["d-rail-yard made worse, cells of 25 m"] = real_yard(*yard, 25.0, change=worse)
    rows["d-rail-yard made worse, cells of 50 m"] = real_yard(*yard, 50.0, change=worse)
    rows["d-port-train, cells of 25 m"] = real_yard(*port, 25.0)
    if left_out:
        rows["d-rail-yard, weights left out, cells of 25 m"] = real_yard(*finds("d-rail-yard", left_out_scorers), 25.0)
    return rows


def simulated_counters():
    """Two counters of the same mean recall; hard: sd, on the logit, of what is hard for both."""
    rows = {}
    for number in (20, 100, 500):
        for recall in (0.6, 0.85, 0.95):
            for hard in (0.0, 1.0, 2.0):
                rng, held, bound, between, estimates = np.random.default_rng(3), 0, 0, 0, []
                for _ in range(SEEDS):
                    odds = np.log(recall / (1 - recall)) * np.sqrt(1 + 0.346 * hard**2) + hard * rng.standard_normal(number)
                    a, b = (rng.random(number) < 1 / (1 + np.exp(-odds)) for _ in range(2))
                    judged = at_least(int((a & b).sum()), int((a & ~b).sum()), int((b & ~a).sum()))
                    held += judged.low <= number <= judged.high
                    bound += judged.low <= number
                    between += min(a.sum(), b.sum()) <= number <= max(a.sum(), b.sum())
                    estimates.append(judged.estimate)
                rows[f"{number} objects, recall {recall}, hard {hard:g}"] = {
                    "interval held": round(held / SEEDS, 3),
                    "lower end held": round(bound / SEEDS, 3),
                    "estimate / true": round(float(np.mean(estimates) / number), 3),
                    "smaller to larger count held": round(between / SEEDS, 3),
                }
    return rows


def main():
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--left-out", action="store_true")
    results = {
        "what": __doc__,
        "yard": real(parser.parse_args().left_out),
        "cells": simulated_cells(),
        "counters": simulated_counters(),
    }
    for part in ("yard", "cells", "counters"):
        for name, row in results[part].items():
            print(f"{name}: {row}")
    (ROOT / "bench" / "results" / "review.json").write_text(json.dumps(results, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
