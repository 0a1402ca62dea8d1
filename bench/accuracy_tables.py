"""The tables of docs/ACCURACY.md, from bench/results/. Results that are not there yet leave a line that says so."""

from __future__ import annotations

import json
from collections import defaultdict

import numpy as np
from checkout import ROOT

RESULTS = ROOT / "bench" / "results"
ZONE, KIND, TRUE, TP, FN, DUP, BG, EXPOSURE, FOUND, ESTIMATE, LOW, HIGH = range(12)
# What each set was to the detector of a class (docs/ACCURACY.md says it in words).
SEEN = {
    ("d-rail-yard", "freight_car"): "fitted on",
    ("d-rail-muttenz2", "freight_car"): "not fitted on",
    ("d-port-train", "freight_car"): "not fitted on",
    ("d-s2-ships", "ship"): "method tuned on",
    ("d-truck-lots", "container"): "method tuned on",
}


def result(name):
    """A recorded result, or None."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text("utf8")) if path.is_file() else None


def table(heads, lines):
    """A Markdown table."""
    rows = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(rows + ["| " + " | ".join("" if cell is None else str(cell) for cell in line) + " |" for line in lines])


def missing(name, command):
    """A line in place of a table."""
    return f"*Not measured yet: `{command}` writes bench/results/{name}.json.*"


def share(k, n):
    """k / n with two places; a dash for nothing."""
    return f"{k / n:.2f}" if n else "–"


def f1(hits, true, found):
    """F1 of counts."""
    return share(2 * hits, true + found)


def real():
    """Every set, class and GSD."""
    made = result("real")
    if not made:
        return missing("real", "python3 bench/real_sets.py")
    groups = defaultdict(list)
    for row in made["rows"]:
        berth = row["class"] == "ship" and row.get("zones") and row["zones"][0][KIND]
        groups[row["class"], row["set"], berth or "", str(row["at"])].append(row)
    lines = []
    for (name, set_name, kind, at), rows in sorted(
        groups.items(), key=lambda item: (item[0][0], item[0][1], item[0][2], item[0][3] != "native", item[0][3])
    ):
        zones = [zone for row in rows for zone in row.get("zones", [])]
        detail = sorted(row["effective_gsd_m"] for row in rows)
        at = f"native ({detail[0]:.2g} m)" if at == "native" else f"{float(at):g} m"
        where = f"{set_name}{f' ({kind})' if kind else ''}"
        if not zones:
            lines.append((name, where, at, f"{len(rows)} refused", "", "", "", "", "", "", "", ""))
            continue
        true, tp, found = (sum(zone[i] for zone in zones) for i in (TRUE, TP, FOUND))
        empty = [zone for zone in zones if not zone[TRUE]]
        error = sum(abs(zone[FOUND] - zone[TRUE]) for zone in zones)
        held = sum(zone[LOW] <= zone[TRUE] <= zone[HIGH] for zone in zones if zone[LOW] is not None)
        refused = sum("refused" in row for row in rows)
        lines.append((
            name, where, at, f"{len(rows) - refused}" + (f" ({refused} refused)" if refused else ""), len(zones), true, found,
            share(tp, found), share(tp, true), f1(tp, true, found) if true else "–",
            f"{(found - true) / true:+.0%} ({error / true:.0%})" if true else "–",
            f"{sum(zone[FOUND] for zone in empty)} on {len(empty)}" if empty else "",
            f"{held} of {len(zones)}", SEEN.get((set_name, name), "method tuned on" if at.startswith("native") else ""),
        ))  # fmt: skip
    lines = [tuple(line) + ("",) * (14 - len(line)) for line in lines]
    return table(("class", "set", "GSD", "scenes", "zones", "true", "found", "P", "R", "F1", "count error (zone by zone)", "found on empty zones",
                  "shipped interval holds", "seen before"), lines)  # fmt: skip


def left_out():
    """Calibrated on the other sets only."""
    made = result("left_out")
    if not made:
        return missing("left_out", "python3 bench/left_out.py")

    def ends(part):
        high = "∞" if part["high"] is None else f"{part['high']:g}"
        return f"{part['low']:g} to {high}{'' if part['holds'] else ' **missed**'}"

    lines = [
        (row["class"] + (", berth or land" if row["at_berth"] and row["class"] == "ship" else ""), row["set"], row["true"], row["found"],
         row["other_scenes"], ends(row["left out"]), ends(row["prior alone"]), ends(row["plain t"]), f"{row['left out']['zones_held']} of {row['zones']}")
        for row in made["rows"]
    ]  # fmt: skip
    summed = [
        (key, f"{part['pairs_missed']} of {part['pairs']}", f"{part['zones_held']:.0%} of {part['zones']}", part["median_zone_width_over_truth"],
         part["mean_pair_score_where_t_is_finite"], part["mean_zone_score_where_t_is_finite"])
        for key, part in made["summary"].items()
    ]  # fmt: skip
    return (
        table(("class", "set", "true", "found", "other scenes with objects", "calibrated on the others", "prior alone", "plain t",
               "zones held"), lines)
        + "\n\n"
        + table(("", "pairs missed", "zones held", "median width / true", "mean interval score of pairs", "of zones"), summed)
    )  # fmt: skip


def freight_cars():
    """The detector's own bench."""
    made = result("freight_cars")
    keys = (
        "set",
        "gsd_m",
        "variant",
        "hit",
        "false",
        "missed",
        "precision",
        "recall",
        "count_error",
        "false_on_empty",
        "empty_km",
    )
    return table(
        ("set", "GSD", "variant", "hit", "false", "missed", "P", "R", "count error by track", "false on empty", "empty km"),
        [tuple((f"{run[key]:g} m" if run.get(key) else "native") if key == "gsd_m" else run.get(key, "") for key in keys) for run in made["runs"]],
    )  # fmt: skip


def wagon_types():
    """What is told of the types of wagons."""
    made = result("wagon_types")
    if not made:
        return missing("wagon_types", "python3 bench/accuracy_wagon_types.py")
    lines = []
    for kind in ("synthetic, held out", "real, never fitted on"):
        for name, row in made[kind].items():
            told = defaultdict(lambda: [0, 0])
            for true, names in row["confusion"].items():
                for given, number in names.items():
                    told[given] += np.array([number * (given in true.split(" or ")), number])
            each = ", ".join(f"{given} {right}/{all_}" for given, (right, all_) in sorted(told.items()) if given)
            lines.append((kind, name, row["wagons"], row["told"], row["right"], each))
    for evidence in made["rests_on"]:
        for name, by_eye in evidence["real, not fitted on"].items():
            told = [
                (given, given in true.split(" or "), n)
                for true, names in by_eye.items()
                for given, n in names.items()
                if given
            ]
            number, wagons = sum(n for *_, n in told), sum(n for names in by_eye.values() for n in names.values())
            lines.append(("real, not fitted on", name, wagons, number, sum(n for _, right, n in told if right), ""))
    return table(("imagery", "set", "wagons", "told a type", "rightly", "of each type rightly/told"), lines)


def containers():
    """Box by box at 0.3 and 0.5 m, area at 1 m."""
    lines = []
    for name, run in result("containers").items():
        if isinstance(run, dict) and "all" in run:
            total = run["all"]
            bare = {row["scene"]: row["found"] for row in run.get("without containers", [])}
            lines.append((name, *(total.get(key, "") for key in ("true", "found", "WAPE", "P", "R", "F1", "area WAPE")),
                          ", ".join(f"{scene} {number}" for scene, number in bare.items())))  # fmt: skip
    return table(("", "true", "found", "WAPE", "P", "R", "F1", "area WAPE", "found on pictures without containers"), lines)


def ships():
    """By kind of scene."""
    keys = ("hit", "false", "missed", "P", "R", "F1")
    runs = {name: run for name, run in result("ships").items() if isinstance(run, dict) and "all" in run}
    return table(("scenes", *keys), [(name, *(run["all"].get(key, "") for key in keys)) for name, run in runs.items()])


def ships_sar():
    """Radar: its rows by kind, the figures of each."""
    made = result("ships_sar")
    if not made:
        return missing("ships_sar", "python3 bench/accuracy_ships_sar.py")
    parts = []
    for kind in dict.fromkeys(row["kind"] for row in made):
        rows = [row for row in made if row["kind"] == kind]
        keys = [
            key
            for key in dict.fromkeys(key for row in rows for key in row)
            if key != "kind" and not any(_long(row.get(key)) for row in rows)
        ]
        parts.append(
            f"*{kind.replace('_', ' ')}*\n\n" + table(keys, [tuple(_plain(row.get(key)) for key in keys) for row in rows])
        )
    return "\n\n".join(parts)


def piles():
    """Covered stacks and coal piles: areas."""
    made = result("piles")
    if not made:
        return missing("piles", "python bench/accuracy_piles.py")
    lines = [
        (
            part,
            name.replace("_", " "),
            *(_words(values.get(key)) for key in ("WAPE", "bias", "scenes without", "false m2 in all of them")),
        )
        for part, run in made.items()
        if isinstance(run, dict) and isinstance(run.get("summary"), dict)
        for name, values in run["summary"].items()
        if isinstance(values, dict)
    ]
    return table(("part", "class", "WAPE of the area", "bias", "scenes without", "false m² in all of them"), lines)


def visibility():
    """Clouds and haze read off the picture."""
    made = result("visibility")
    if not made:
        return missing("visibility", "python3 bench/accuracy_visibility.py")
    lines = []
    for part, values in made.items():
        for row in values.get("scenes", []) if isinstance(values, dict) else []:
            if not isinstance(row, dict):
                continue
            for key, value in row.items():
                if isinstance(value, dict):
                    lines.append((part, row.get("scene", ""), key, *(_plain(value.get(name)) for name in ("IoU", "R", "P"))))
    text = table(("part", "scene", "what", "IoU", "R", "P"), lines) if lines else ""
    rest = [f"- {part}: " + "; ".join(f"{key} {_words(value)}" for key, value in values.items() if key != "scenes")
            for part, values in made.items() if isinstance(values, dict)]  # fmt: skip
    return "\n\n".join(filter(None, [text, "\n".join(rest)]))


def onnx():
    """Ours beside the peers: sums over seeds."""
    made = result("onnx")
    if not made:
        return missing("onnx", "python bench/detectonnx.py")
    lines, rest = [], []
    for part, rows in made.items():
        if not isinstance(rows, list) or not any(
            isinstance(row, dict) and any(isinstance(v, dict) and "tp" in v for v in row.values()) for row in rows
        ):
            rest.append(f"- {part.replace('_', ' ')}: {_words(rows)}")
            continue
        names = dict.fromkeys(
            name for row in rows for name, value in row.items() if isinstance(value, dict) and "tp" in value
        )
        for name in names:
            of = [row[name] for row in rows if name in row]
            lines.append((part.replace("_", " "), name, sum(row.get("objects", 0) for row in rows if name in row),
                          *(sum(one.get(key, 0) for one in of) for key in ("tp", "fp", "fn"))))  # fmt: skip
    rest = [line for line in rest if len(line) < 400]
    return "\n\n".join(
        filter(None, [table(("boxes", "merged by", "objects", "true", "false", "missed"), lines), "\n".join(rest)])
    )


def synthetic():
    """The detectors on simulated scenes, then their intervals."""
    made = result("synthetic_trials")
    if not made or not made.get("kinds"):
        return missing("synthetic_trials", "python3 bench/synthetic_trials.py")
    lines, intervals = [], []
    for kind, part in made["kinds"].items():
        for group, f in part["figures"].items():
            bare = "–" if f["empty_with_none"] is None else f"{f['empty_with_none']:.0%} of {f['empty_zones']}"
            lines.append((kind, group, f["scenes"], f["true"], f["P"], f["R"], f["F1"], f"{f['count_error']:+.0%}", f"{f['WAPE']:.0%}",
                          "" if f["worst_decile"] is None else f"{f['worst_decile']:.0%}", bare, f["shipped_interval"]["coverage"]))  # fmt: skip
        for name, c in part["intervals"].items():
            if c:
                intervals.append((kind, name, c["scenes"], f"{c['widened']:.0%}", *(f"{c[key]['coverage']} / {_plain(c[key]['median_width_over_truth'])} / "
                                  f"{_plain(c[key]['mean_interval_score_over_truth'])}" for key in ("ours", "plain t", "conformal"))))  # fmt: skip
    text = table(("scenes", "family, conditions", "number", "true", "P", "R", "F1", "count error", "WAPE", "worst tenth", "empty zones with none",
                  "shipped interval covers"), lines)  # fmt: skip
    more = table(
        ("scenes", "calibrated on", "judged", "widened", "ours: coverage / median width / score", "plain t", "conformal"),
        intervals,
    )
    together = "; ".join(
        f"{name}: {c['ours']['coverage']} of {c['scenes']} scenes (plain t {c['plain t']['coverage']}, conformal {c['conformal']['coverage']}; "
        f"interval scores {c['ours']['mean_interval_score_over_truth']}, {c['plain t']['mean_interval_score_over_truth']}, "
        f"{c['conformal']['mean_interval_score_over_truth']}){_whole_numbers(c)}"
        for name, c in made.get("pooled", {}).items()
    )
    return f"{made['trials']} trials, {made['refused']} refused as too coarse. All kinds together, {together}.\n\n{text}\n\n{more}"


def _whole_numbers(c):
    """What closed intervals of whole numbers promise, what is held with ties cut at random, and coverage by number of objects."""
    if "exact" not in c["ours"]:
        return ""
    sizes = ", ".join(f"{covered} of the {n} with {size}" for size, (n, covered) in c["by size"].items())
    return f", promised {c['ours']['promised']}, exact {c['ours']['exact']}; by true number {sizes}"


def coverage():
    """Of the nominal 90 % interval in simulated worlds."""
    made = result("coverage")
    lines = [
        (name, run["sims"], ", ".join(f"{n}: {covered}" for n, covered in run["coverage"].items()),
         ", ".join(f"{key} {value['coverage']}" for key, value in run["total_of_20"].items()))
        for name, run in made["ground"].items()
    ]  # fmt: skip
    text = table(("seed and scenes", "simulations", "coverage at true n", "total of 20 zones"), lines)
    if made.get("shift"):
        names = ("calibrated", "new site", "new site, recall -.15", "calibrated, recall -.15")
        shift = [(cell, run["sims"], *(f"{run[name]['coverage']} ({run[name]['median_width']})" for name in names), run["width_ratio"])
                 for cell, run in made["shift"].items()]  # fmt: skip
        text += "\n\n" + table(
            (
                "seed and scenes",
                "simulations",
                *(f"{name}: coverage (median width / true)" for name in names),
                "width ratio",
            ),
            shift,
        )
    return text


def alarm():
    """How often the alarm on scores speaks."""
    made = result("score_alarm")
    if not made:
        return missing("score_alarm", "python3 bench/score_alarm.py")
    keys = ("labelled scenes", "loss shows", "alarm", "Kolmogorov-Smirnov")
    return table(("labelled scenes", "how a loss of recall of .15 shows in the scores", "alarm speaks", "Kolmogorov-Smirnov test would"),
                 [tuple(row[key] for key in keys) for row in made["cells"]])  # fmt: skip


def _long(value):
    return isinstance(value, (dict, list)) or (isinstance(value, str) and len(value) > 80)


def _plain(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value)


def _words(value):
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "none"
    return _plain(value) if not isinstance(value, np.generic) else _plain(value.item())


def nested(name, *keys):
    """A table of {row: {column: figure}}, found in a result under these keys; rows may lack columns."""

    def make():
        rows = result(name)
        if not rows:
            return missing(name, f"python3 bench/{name}.py")
        for key in keys:
            rows = rows[key]
        rows = {row: values for row, values in rows.items() if isinstance(values, dict)}
        heads = list(dict.fromkeys(head for values in rows.values() for head in values))
        return table(["", *heads], [[row, *(_figure(values.get(head)) for head in heads)] for row, values in rows.items()])

    return make


def nested_list(name, key):
    """A table of {what: figure}."""
    made = result(name)
    return (
        table(["", "share"], [(row, _figure(value)) for row, value in made[key].items()])
        if made
        else missing(name, f"python3 bench/{name}.py")
    )


def _figure(value):
    """A number with no more digits than it can carry; counts in a few words."""
    if isinstance(value, dict):
        return ", ".join(f"{_figure(of)} {word}" for word, of in value.items())
    return f"{value:.3g}" if isinstance(value, float) else value


def stacks():
    """Bounds of stacks, all suns together and by sun."""
    made = result("stacks")
    if not made:
        return missing("stacks", "python3 bench/accuracy_stacks.py")
    columns = ("edge", "narrow aisle", "behind")
    lines = [
        (row, *(f"{v[c]['within']:.2f} of {v[c]['stacks']}" if v.get(c, {}).get("stacks") else "–" for c in columns),
         v["median width, tiers"], f"{v['zones within bound']:.2f}", f"{v['upper bound of zone / truth, median']:.1f}")
        for row, v in made.items() if isinstance(v, dict)
    ]  # fmt: skip
    heads = ("", "edge stacks inside", "behind a narrow aisle (lower end)", "behind an edge (upper end)", "median width, tiers",
             "zones inside", "upper end of a zone over the truth")  # fmt: skip
    return table(heads, lines)


def alignment():
    """Known and real shifts, and what must not be aligned."""
    made = result("alignment")
    if not made:
        return missing("alignment", "python3 bench/alignment.py")
    known = {"known_easy": "known shifts of real pictures", "known_hard": "the same, 40 % changed and noise",
             "simulated": "simulated yards, other sun, about 30 % replaced"}  # fmt: skip
    lines = [(words, f"{made[key]['aligned']} of {made[key]['aligned'] + made[key]['refused']} aligned",
              made[key]["median_px"], made[key]["p90_px"], made[key]["max_px"]) for key, words in known.items()]  # fmt: skip
    lines += [(name, f"{row['kind']}, {row['points']} tie points, says σ {row['sigma_px']:.2f} px", row["off_px"], "", "")
              for name, row in made["real"].items()]  # fmt: skip
    loops, other = made["series"], made["unrelated"]
    lines.append((f"d-s2-series, {loops['loops']} loops of three dates", f"{loops['refused']} of {loops['pairs']} pairs refused",
                  loops["loop_median_px"], "", loops["loop_max_px"]))  # fmt: skip
    lines.append(("pictures of different places", f"{other['aligned']} of {other['pairs']} aligned", "", "", ""))
    return table(("", "", "error, px (median)", "90 %", "largest"), lines)


def change_optical():
    """False change and recall over seeds, ours beside others'."""
    made = result("change")
    if not made:
        return missing("change", "python3 bench/change.py")
    lines = [
        (
            row,
            name,
            ", ".join(f"{100 * v:.2f}" for v in values["false change"]),
            ", ".join(f"{100 * v:.0f}" for v in values["recall"]),
        )
        for row, methods in made["optical simulated"].items()
        for name, values in methods.items()
    ]
    return table(("simulated pair", "method", "false change, % (0.1 nominal), each seed", "recall, %"), lines)


def change_real():
    """Buildings added between two dates."""
    made = result("change")
    if not made:
        return missing("change", "python3 bench/change.py")
    keys = (
        "pixels called changed",
        "of them outside new buildings",
        "buildings",
        "found",
        "areas of 100 m2",
        "touching a new building",
    )
    return table(("", *keys), [(name, *(_figure(row[key]) for key in keys)) for name, row in made["real pairs"].items()])


def trains():
    """Same and other trains, by what is known of the wagons."""
    made = result("trains")
    if not made:
        return missing("trains", "python3 bench/trains.py")
    lines = [(known, pair, *(_figure(row.get(key)) for key in ("told", "called", "roc")))
             for known, pairs in made["results"].items() for pair, row in pairs.items()]  # fmt: skip
    return table(("known", "pair", "share told", "called consistent", "ROC area"), lines)


PARTS = {
    "alignment": alignment,
    "change_optical": change_optical,
    "change_real": change_real,
    "change_radar": nested("change", "radar unchanged"),
    "change_radar_tenth": nested("change", "radar with a tenth changed"),
    "turnover": nested("turnover", "results"),
    "trains": trains,
    "review_yard": nested("review", "yard"),
    "review_cells": nested("review", "cells"),
    "counters": nested("review", "counters"),
    "stacks": stacks,
    "series_still": nested("series", "still"),
    "series_alike": nested("series", "alike"),
    "series_moving": lambda: nested_list("series", "moving"),
    "calls": nested("portcalls", "stays of 2 to 6 days"),
    "calls_short": nested("portcalls", "stays of exactly 2 days"),
    "real": real,
    "left_out": left_out,
    "freight_cars": freight_cars,
    "wagon_types": wagon_types,
    "containers": containers,
    "ships": ships,
    "ships_sar": ships_sar,
    "piles": piles,
    "visibility": visibility,
    "onnx": onnx,
    "synthetic": synthetic,
    "coverage": coverage,
    "alarm": alarm,
}
