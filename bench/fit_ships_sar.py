"""Fit p of radar targets: engine/detectors/weights/ships_sar.json, and print how it holds on seas it did not see.

``python bench/fit_ships_sar.py``. Fitted on simulated seas (seeds from 7000 on) of all roughnesses, levels and pixel sizes, with ships of
15 to 300 m from dim to bright; targets are taken down to a false-alarm probability of 3e-5, as the default gives hardly a false one.
Held out: seeds from 8000 on, with textures, correlations, looks and pixels that lie between or beyond the fitted ones. A target is true
where it lies on a ship and is the brightest there. The simulator knows no buoys, platforms or quays. By cross-validation on the fitted
seas, contrast, length, number of pixels and whether both polarisations see the target add nothing to the score (Brier score .039 alone,
.040 to .041 with them), as a target counts by its excess over the sea's own law; beyond 3 dB all are ships, so the score ends there.
"""

import json
from dataclasses import replace

import numpy as np
from checkout import load_rason

load_rason()

from shapely.geometry import box  # noqa: E402

from rason.engine import probability  # noqa: E402
from rason.engine.detectors import radar_targets, ships_sar  # noqa: E402
from rason.engine.scene import ArrayScene  # noqa: E402
from rason.engine.simulate import sar  # noqa: E402
from rason.engine.tiles import common  # noqa: E402
from rason.engine.zones import Zone  # noqa: E402

LOW_PFA = 3e-5
SIDE_PX, SHIPS = 600, 10
FIT, HELD_OUT = range(7000, 7048), range(8000, 8032)
SEAS = {
    "fit": {"nu": (1.5, 3.0, 6.0, np.inf), "corr": (0.0, 1.0, 3.0), "looks": (4.4, 4.4, 12.0), "gsd": (10.0, 10.0, 20.0)},
    "held out": {"nu": (1.2, 2.2, 4.5, 12.0), "corr": (0.5, 2.0, 6.0), "looks": (3.2, 4.4, 9.0), "gsd": (6.0, 10.0, 15.0)},
}
EDGES = (0.0, 0.02, 0.2, 0.5, 0.8, 0.95, 0.99, 1.0)


def targets(seed, family):
    """Targets of one simulated sea, which of them are ships, and whether the default threshold would report them."""
    rng, kind = np.random.default_rng(seed), SEAS[family]
    gsd, bands = float(rng.choice(kind["gsd"])), (("vv",), ("vv", "vh"))[seed % 2]
    side = SIDE_PX * gsd
    bounds = (0.0, 0.0, side, side)
    sea = sar.Sea(
        rng.uniform(-21, -11), float(kind["nu"][seed % 4]), float(rng.choice(kind["corr"])), float(rng.choice(kind["looks"]))
    )
    ships = sar.fleet(bounds, SHIPS, rng, (15, 300))
    image = sar.render(ships, bounds, gsd, sea=sea, bands=bands, seed=seed)
    scene, zone = ArrayScene(image.data, gsd, bands, 0.0, side), Zone("sea", "water", box(*bounds))
    finder = ships_sar.ShipsSar("intensity", pfa=LOW_PFA)
    walk = ships_sar._walk(zone.geometry, common(bounds, scene.bounds), bounds, gsd)
    found = finder._targets(scene, zone.geometry, walk, finder.check(scene, [zone]), lambda fraction: None)
    return found, on_ships(found, ships, gsd)


def on_ships(found, ships, gsd):
    """Bool (N): the brightest target on each ship."""
    true = np.zeros(len(found), bool)
    for k in range(len(ships)):
        near = np.hypot(found.x - ships.x[k], found.y - ships.y[k]) < ships.length_m[k] / 2 + 2 * gsd
        free = np.flatnonzero(near & ~true)
        if free.size:
            true[free[found.contrast[free].argmax()]] = True
    return true


def gathered(seeds, family):
    """Targets and truth of several seas."""
    parts = [targets(seed, family) for seed in seeds]
    return radar_targets.Targets.joined([found for found, _ in parts]), np.concatenate([true for _, true in parts])


def by_hand(excess_db):
    """p as it was set before it was fitted."""
    return 0.98 / (1 + np.exp(-0.8 * (excess_db + 1)))


def reliability(p, true):
    """(mean p, share true, number) by bands of p."""
    band = np.digitize(p, EDGES[1:-1])
    return [
        (round(float(p[band == k].mean()), 4), round(float(true[band == k].mean()), 4), int((band == k).sum()))
        for k in range(len(EDGES) - 1)
        if (band == k).any()
    ]


def held_out_rows(model=None):
    """Rows of the accuracy table: reliability and Brier score of p on seas it did not see."""
    model = model or radar_targets.probability()
    found, true = gathered(HELD_OUT, "held out")
    p = np.minimum(model.p(np.minimum(found.excess_db, radar_targets.FULL_DB)), radar_targets.MOST)
    same = {"set": "simulated, held out", "synthetic": True}
    for name, use in (("all targets", np.ones(len(true), bool)), ("over the default threshold", found.excess_db >= 0)):
        yield {"kind": "Brier score of p", **same, "variant": name, "targets": int(use.sum()), "ships": int(true[use].sum()),
               "fitted": round(probability.brier(p[use], true[use]), 4),
               "set by hand before": round(probability.brier(by_hand(found.excess_db[use]), true[use]), 4),
               "their mean": round(float(true[use].mean() * (1 - true[use].mean())), 4)}  # fmt: skip
    for mean, share, number in reliability(p, true):
        yield {"kind": "reliability of p", **same, "mean p": mean, "share true": share, "targets": number}


def main():
    found, true = gathered(FIT, "fit")
    model = probability.fit(np.minimum(found.excess_db, radar_targets.FULL_DB), true, synthetic=True)
    model = replace(model, knots=np.zeros((0, 2)))  # the steps of an isotonic curve cross-validate no better
    said = f"simulated radar seas, seeds {FIT[0]} to {FIT[-1]} of bench/fit_ships_sar.py: {len(true)} targets, {true.sum()} ships"
    rounded = {
        key: np.round(value, 5).tolist() if isinstance(value, list) and key != "names" else value
        for key, value in model.to_dict().items()
    }
    text = json.dumps({"fitted_on": said, "script": "bench/fit_ships_sar.py", "model": rounded})
    radar_targets.WEIGHTS.write_text(text + "\n", "utf8")
    print(said, dict(zip(("constant", *model.names), model.weights.round(2))))
    radar_targets.probability.cache_clear()
    for row in held_out_rows():
        print(row)


if __name__ == "__main__":
    main()
