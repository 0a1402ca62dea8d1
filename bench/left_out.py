"""Do the intervals hold on real sets when calibrated on the other sets only? ``python3 bench/left_out.py``; into left_out.json.

From bench/results/real.json (native GSD). For each set and class the calibration is made of the scenes of the other sets, ships at
berth and in open water apart, and trusted as the product would: a new site, conditions compared, the prior below three scenes.
A set's total takes all its zones as those of one scene. Beside it on the same counts: Student's t on the log ratios of the other
scenes, what it must beat below 19 scenes (above, the conformal interval), and the wide prior alone. The interval score is the width
plus 20 times what the truth lies outside (90 %), over the true number (at least 3): smaller is better.

The detectors' own weights and methods saw some of these sets: rows say so in docs/ACCURACY.md. Fourteen scenes of three sites a
class are too few to call anything calibrated.
"""

from __future__ import annotations

import json
from collections import defaultdict

import numpy as np
from checkout import ROOT, load_rason

load_rason()

from rason.engine.calibration import ALONGSIDE, USUAL, Calibration  # noqa: E402
from rason.engine.conditions import Conditions, ranges  # noqa: E402
from rason.engine.tally import tally  # noqa: E402

RESULTS = ROOT / "bench" / "results"
LEVEL, ALPHA = 0.9, 0.1
TRUE, TP, FN, DUP, BG, EXPOSURE, FOUND = 2, 3, 4, 5, 6, 7, 8


def groups():
    """(class, at berth) -> set -> rows of real.json at native GSD."""
    out = defaultdict(lambda: defaultdict(list))
    for row in json.loads((RESULTS / "real.json").read_text("utf8"))["rows"]:
        if row["at"] == "native" and row.get("zones"):
            out[row["class"], row["zones"][0][1] in ("berth", "area")][row["set"]].append(row)
    return out


def sums(row):
    """tp, fn, dup, bg, exposure, found of a scene."""
    return np.array([[zone[i] for i in (TP, FN, DUP, BG, EXPOSURE, FOUND)] for zone in row["zones"]], float).sum(0)


def calibration(class_name, rows, prior):
    """Of the scenes of other sets."""
    total = np.array([sums(row) for row in rows]).reshape(-1, 6)
    spans, _ = ranges(Conditions(row["effective_gsd_m"], contrast=row.get("contrast")) for row in rows)
    unit = "km" if class_name == "freight_car" else "ha"
    site = tuple(row["set"] for row in rows)
    return Calibration(class_name, *total.T[:5], exposure_unit=unit, site=site, conditions=spans, prior=prior)


def plain_t(rows, found):
    """Student's t on the log ratios of true to found; infinite for fewer than two scenes with objects."""
    from scipy.special import stdtrit

    total = np.array([sums(row) for row in rows if sums(row)[:2].sum() >= 3]).reshape(-1, 6)
    if len(total) < 2:
        return 0.0, np.inf
    y = np.log((total[:, 0] + total[:, 1] + 0.5) / (total[:, 5] + 0.5))
    half = stdtrit(len(y) - 1, 1 - ALPHA / 2) * y.std(ddof=1) * np.sqrt(1 + 1 / len(y))
    return tuple(max(0.0, np.exp(y.mean() + side * half) * (found + 0.5) - 0.5) for side in (-1, 1))


def score(low, high, true):
    """Interval score over the true number."""
    return (high - low + 2 / ALPHA * (max(low - true, 0) + max(true - high, 0))) / max(true, 3)


def judged(class_name, berth, name, own, others):
    """One set and class: its total and its zones under each kind of interval."""
    prior = ALONGSIDE if berth and class_name == "ship" else USUAL
    made, none = calibration(class_name, others, prior), Calibration.none(class_name, prior=prior)
    zones = [(f"{row['scene']} {zone[0]}", zone, row) for row in own for zone in row["zones"]]
    ids = [zone_id for zone_id, _, _ in zones]
    found, ground = ([zone[i] for _, zone, _ in zones] for i in (FOUND, EXPOSURE))
    true = np.array([zone[TRUE] for _, zone, _ in zones])
    gsd = max(row["effective_gsd_m"] for row in own)
    contrast = min(row.get("contrast", 1.0) for row in own)
    trust = made.trust(name, effective_gsd_m=gsd, contrast=contrast)
    out = {"set": name, "class": class_name, "at_berth": berth, "scenes": len(own), "zones": len(zones), "true": int(true.sum()),
           "found": int(sum(found)), "other_scenes": made.scenes_with_objects, "site_sd": trust.site_sd, "why": list(trust.reasons)}  # fmt: skip
    for key, calibration_, how in (("left out", made, trust), ("prior alone", none, none.trust())):
        t = tally(ids, found, ground, calibration_, trust=how, level=LEVEL)
        out[key] = _ends(t.total()[1:], true.sum(), list(zip(t.low, t.high, true)))
    out["plain t"] = _ends(plain_t(others, sum(found)), true.sum(), [(*plain_t(others, f), t) for f, t in zip(found, true)])
    return out


def _ends(total, true, zones):
    low, high = (float(end) for end in total)
    finite = np.isfinite(high)
    return {
        "low": round(low, 1),
        "high": round(high, 1) if finite else None,
        "holds": bool(low <= true <= high),
        "score": round(score(low, high, true), 2) if finite else None,
        "zones_held": int(sum(a <= t <= b for a, b, t in zones)),
        "zone_scores": [round(score(a, b, t), 2) if np.isfinite(b) else None for a, b, t in zones],
        "zone_widths": [round((b - a) / t, 2) for a, b, t in zones if t >= 3 and np.isfinite(b)],
    }


def summary(rows):
    """Misses over pairs, share of zones held, median width and mean score, where the plain t is finite and over all."""
    out = {}
    for key in ("left out", "prior alone", "plain t"):
        both = [row for row in rows if row["plain t"]["score"] is not None]
        scores = [s for row in both for s in row[key]["zone_scores"]]
        widths = [w for row in rows for w in row[key]["zone_widths"]]
        out[key] = {
            "pairs": len(rows),
            "pairs_missed": sum(not row[key]["holds"] for row in rows),
            "zones": sum(row["zones"] for row in rows),
            "zones_held": round(sum(row[key]["zones_held"] for row in rows) / sum(row["zones"] for row in rows), 3),
            "median_zone_width_over_truth": round(float(np.median(widths)), 2) if widths else None,
            "mean_pair_score_where_t_is_finite": round(float(np.mean([row[key]["score"] for row in both])), 2)
            if both
            else None,
            "mean_zone_score_where_t_is_finite": round(float(np.mean(scores)), 2) if scores else None,
            "pairs_where_t_is_finite": len(both),
        }
    return out


def main():
    """Judge every set and class."""
    rows = []
    for (class_name, berth), sets in sorted(groups().items()):
        for name, own in sorted(sets.items()):
            others = [row for other, part in sets.items() if other != name for row in part]
            rows.append(judged(class_name, berth, name, own, others))
            row = rows[-1]
            print(f"{class_name:12} {'berth' if berth else '':6} {name:18} true {row['true']:3} found {row['found']:3}, others {row['other_scenes']}:",
                  *(f"{key} {row[key]['low']:g} to {row[key]['high']} {'' if row[key]['holds'] else 'MISSED'};" for key in ("left out", "prior alone", "plain t")))  # fmt: skip
    made = {"what": __doc__, "summary": summary(rows), "rows": rows}
    print(json.dumps(made["summary"], indent=1))
    (RESULTS / "left_out.json").write_text(json.dumps(made, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
