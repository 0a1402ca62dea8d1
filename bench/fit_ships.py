"""Fit p of optical ships: engine/detectors/weights/ships.json, and print how it holds on places it did not see.

``python bench/fit_ships.py [--show]``. Fitted on simulated seas and berths of the simulator's family "fit" (SEEDS of each kind), as they
are counted: a detection is true where it overlaps a ship of its own by an IoU of .3, boats under 9 m are none. Held out: other seeds of
the family "held out" (other paints, waters, layouts and cameras). Real labelled ships were not used: the openly licensed ones are 16
with four false detections, all in view while the method was made.
"""

import argparse
import json
from dataclasses import replace

import numpy as np
from checkout import load_rason

load_rason()

from rason.engine import probability  # noqa: E402
from rason.engine.accuracy import HIT, judge  # noqa: E402
from rason.engine.detectors import ships  # noqa: E402
from rason.engine.simulate import trials  # noqa: E402

SEEDS = {"fit": range(100_000, 100_060), "held out": range(40)}
KINDS = ("sea", "berth")
EDGES = (0.0, 0.5, 0.8, 0.9, 0.97, 1.0)


def gathered(family):
    """Scores of what is reported in the places of a family, and which are ships."""
    score, true = [], []
    for kind in KINDS:
        for seed in SEEDS[family]:
            given = trials.Conditions.default(np.random.default_rng([seed, 9]), family, trials.GSD_M[kind])
            made = trials.MAKERS[kind](seed, given, family)
            for zone in made.zones:
                found = ships.Ships().detect(made.scene, zone).detections
                truth = made.truth.select(made.counted("ship", zone.zone_id))
                score.append(found.score)
                true.append(judge(found, truth).verdict == HIT)
    return np.concatenate(score), np.concatenate(true)


def by_hand(score):
    """p as it was set before it was fitted."""
    return 1 / (1 + np.exp(-10.0 * (score - 0.38)))


def report(model, score, true):
    """Brier scores, and reliability by bands of p: mean p, share true, number."""
    p = model.p(score)
    band = np.digitize(p, EDGES[1:-1])
    rows = [(round(float(p[band == k].mean()), 3), round(float(true[band == k].mean()), 3), int((band == k).sum()))
            for k in range(len(EDGES) - 1) if (band == k).any()]  # fmt: skip
    return {
        "detections": len(true),
        "ships": int(true.sum()),
        "brier": round(probability.brier(p, true), 4),
        "brier by hand": round(probability.brier(by_hand(score), true), 4),
        "brier of the mean": round(float(true.mean() * (1 - true.mean())), 4),
        "mean p, share true, number": rows,
    }


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--show", action="store_true", help="of the shipped weights alone")
    if not asked.parse_args().show:
        score, true = gathered("fit")
        # A logistic curve: there are too few false detections for steps.
        model = replace(probability.fit(score, true, synthetic=True), knots=np.zeros((0, 2)))
        said = f"simulated seas and berths, family fit, seeds {SEEDS['fit'][0]} to {SEEDS['fit'][-1]}: {len(true)} detections, {true.sum()} ships"
        values = {
            key: np.round(value, 5).tolist() if isinstance(value, list) and key != "names" else value
            for key, value in model.to_dict().items()
        }
        ships.WEIGHTS.write_text(
            json.dumps({"fitted_on": said, "script": "bench/fit_ships.py", "model": values}) + "\n", "utf8"
        )
        ships.probability_of.cache_clear()
        print(said, report(model, score, true), sep="\n")
    print("held out", report(ships.probability_of(), *gathered("held out")))


if __name__ == "__main__":
    main()
