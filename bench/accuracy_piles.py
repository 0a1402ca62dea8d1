"""Covered stacks and coal piles: area on simulated yards, false area on real scenes that have none: ``python bench/accuracy_piles.py``.

No real scene with labelled stacks or coal is at hand, so no accuracy on real ones is known. The real zones are chips without their outer
20 m: aprons, roofs, lorries, boxes, water in the zone. Thresholds were looked at on the seeds below 100 and on the chips of SEEN.
Writes bench/results/piles.json.
"""

import json

import numpy as np
from rail_sets import ROOT, SHARED
from shapely.geometry import box

from rason.engine.detectors.piles import CoalPiles, CoveredStacks
from rason.engine.scene import ArrayScene, Scene
from rason.engine.simulate import port
from rason.engine.simulate.layout import Area, Layout, rectangle
from rason.engine.simulate.render import render
from rason.engine.tally import measure_row
from rason.engine.zones import Zone

SEEN = {
    "t_0616, port": "d-port-train/t_0616.tif",
    "t_0638, boxes and roofs": "d-container-yard/t_0638.tif",
    "P1888, lorries": "d-truck-lots/P1888.tif",
    "t_0618, quay": "d-ships-optical/t_0618.tif",
}
HELD_OUT = {
    "t_0617, boxes": "d-container-yard/t_0617.tif",
    "t_0635, boxes and barges": "d-container-yard/t_0635.tif",
    "t_0608, roofs": "d-near-empty/t_0608.tif",
    "bus_lot, buses": "d-truck-lots/bus_lot.tif",
    "t_0629, roofs and canal": "d-ships-optical/t_0629.tif",
    "t_0650, quay": "d-ships-optical/t_0650.tif",
    "yard, wagons": "d-rail-yard/yard.tif",
}
MARGIN_M = 20.0
CLASSES = {"coal_pile": CoalPiles, "covered_stack": CoveredStacks}
GROUNDS = ("concrete", "asphalt", "gravel", "soil")


def made(seed):
    """A simulated yard with stacks, coal, boxes and lorries; the true areas in m² as seen from above."""
    rng = np.random.default_rng(seed)
    bounds = (0.0, 0.0, 200.0, 160.0)
    axis = float(rng.uniform(0, 180))
    things, true = [], {"coal_pile": 0.0, "covered_stack": 0.0}
    places = [(x, y) for x in (50.0, 100.0, 150.0) for y in (45.0, 80.0, 115.0)]
    rng.shuffle(places)
    for number, (x, y) in enumerate(places):
        kind = (
            ("covered_stack", "coal_pile", "boxes", "boxes", "trailer")[int(rng.integers(0, 5))]
            if number
            else "covered_stack"
        )
        if kind == "covered_stack":
            things.append(port.covered_stack(x, y, axis, rng))
            true[kind] += things[-1].length_m * things[-1].width_m
        elif kind == "coal_pile":
            length, width = rng.uniform(20, 34), rng.uniform(12, 24)
            things.append(port.coal_pile(x, y, axis, length, width))
            true[kind] += (length - width) * width + np.pi * width**2 / 4
        elif kind == "boxes":
            paints = [tuple(rng.uniform(0.05, 0.6, 3)) for _ in range(3)]
            turn = np.radians(axis)
            for row in range(5):
                off = 2.85 * (row - 2)
                things.append(
                    port.container(x + off * np.cos(turn), y - off * np.sin(turn), axis, 12.19, 1, paints[row % 3])
                )
        else:
            things.append(port.trailer(x, y, axis, rng, cab=True, loaded=bool(rng.random() < 0.5)))
    ground = str(rng.choice(GROUNDS))
    layout = Layout((Area(rectangle(np.array([100.0, 80.0]), 300.0, 300.0, 90.0), ground),), (), tuple(things))
    gsd = float(rng.choice([0.3, 0.5, 1.0]))
    picture = render(layout, bounds, gsd_m=gsd, sun_azimuth_deg=150, sun_elevation_deg=float(rng.uniform(25, 65)), seed=seed)
    scene = ArrayScene(picture.data.astype(np.float32) / 255, gsd, x0=picture.x0, y0=picture.y0)
    return scene, Zone("yard", "yard", box(20, 15, 180, 145)), true, ground, gsd


def judge_made(seeds):
    rows = []
    for seed in seeds:
        scene, zone, true, ground, gsd = made(seed)
        row = {"seed": seed, "ground": ground, "gsd_m": gsd}
        for name, detector in CLASSES.items():
            found = detector().detect(scene, zone).measures
            row |= {f"{name} true": round(true[name]), f"{name} found": round(found.get("m2", -1))}
        rows.append(row)
    return rows


def summary(rows):
    """Sum of absolute errors over the sum of the truth, bias, and the area found where there is none."""
    out = {}
    for name in CLASSES:
        true, found = (np.array([row[f"{name} {key}"] for row in rows], float) for key in ("true", "found"))
        empty = true == 0
        out[name] = {
            "WAPE": round(float(np.abs(found - true)[~empty].sum() / max(true.sum(), 1)), 2),
            "bias": round(float((found - true)[~empty].sum() / max(true.sum(), 1)), 2),
            "scenes without": int(empty.sum()),
            "false m2 in all of them": round(float(found[empty].sum())),
            "truth inside the 90 % interval": f"{sum(map(_inside, [name] * len(true), true, found))} of {len(true)}",
        }
    return out


def _inside(name, true, found):
    row = measure_row("yard", name, float(found), "m2")
    return row["low"] <= true <= row["high"]


def judge_real(name, path):
    scene = Scene.open(str(SHARED / "imagery" / path))
    west, south, east, north = scene.bounds
    zone = Zone(name, "yard", box(west + MARGIN_M, south + MARGIN_M, east - MARGIN_M, north - MARGIN_M))
    row = {"zone": name, "m2": round(zone.area_m2)}
    for kind, detector in CLASSES.items():
        found = detector().detect(scene, zone).measures
        row |= {f"{kind} false m2": round(found.get("m2", -1)), f"{kind} false share": round(found.get("share", -1), 3)}
    return row


def main():
    results = {}
    for title, seeds in (("simulated, looked at", range(12)), ("simulated, held out", range(100, 130))):
        rows = judge_made(seeds)
        results[title] = {"summary": summary(rows), "scenes": rows}
        print(title, *rows, results[title]["summary"], sep="\n   ")
    for title, chips in (("real, looked at", SEEN), ("real, held out", HELD_OUT)):
        results[title] = [judge_real(name, path) for name, path in chips.items()]
        print(title, *results[title], sep="\n   ")
    (ROOT / "bench" / "results" / "piles.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
