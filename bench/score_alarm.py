#!/usr/bin/env python3
"""How often the alarm on scores speaks: ``python3 bench/score_alarm.py``; into bench/results/score_alarm.json.

Simulated: an object's latent score is normal about its scene's mean and it is detected above a floor, so a scene's recall (.85, sd
.08) shows in its scores. Recall then falls by .15: because all latent scores fall ("in full"), half so ("by half"), or because
objects are hidden from the detector and leave no trace ("not at all"). Beside it a Kolmogorov-Smirnov test of the scene's scores
against all labelled scores, which takes scenes for alike.
"twice": twice the loss, in full.
"""

import argparse
import json

import numpy as np
from checkout import ROOT, load_rason

load_rason()

from rason.engine.score_alarm import FALSE_ALARMS, p_value, summary  # noqa: E402

RECALL, SD, LOSS = 0.85, 0.08, 0.15


def scene(rng, n, shown=0.0, hidden=0.0):
    """Scores of the detections in a scene of n objects. shown: recall lost in the scores; hidden: lost without trace."""
    from scipy.special import ndtri

    k = RECALL * (1 - RECALL) / SD**2 - 1
    recall = np.clip(rng.beta(RECALL * k, (1 - RECALL) * k) - shown, 0.05, 0.995)
    latent = rng.normal(ndtri(recall), 1.0, n)
    return latent[(latent > 0) & (rng.random(n) > hidden)]


def kolmogorov(known, scores):
    """p of the usual two-sample test."""
    from scipy.stats import ks_2samp

    return ks_2samp(np.concatenate(known), scores).pvalue


def shares(sims, scenes, n, seed, shown, hidden):
    """Share of scenes at which each test speaks."""
    spoke = []
    for i in range(sims):
        rng = np.random.default_rng([seed, scenes, n, i])
        known = [scene(rng, int(rng.integers(20, 200))) for _ in range(scenes)]
        new = scene(rng, n, shown, hidden)
        p = p_value([summary(scores) for scores in known], new)
        spoke.append((p < FALSE_ALARMS, kolmogorov(known, new) < FALSE_ALARMS))
    return dict(zip(("alarm", "Kolmogorov-Smirnov"), np.mean(spoke, 0).round(3).tolist()))


def main():
    """All cells."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sims", type=int, default=1000)
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    out = {"what": __doc__, "synthetic": True, "sims": a.sims, "nominal": FALSE_ALARMS, "cells": []}
    losses = {
        "no loss": (0.0, 0.0),
        "in full": (LOSS, 0.0),
        "by half": (LOSS / 2, LOSS / 2 / RECALL),
        "not at all": (0.0, LOSS / RECALL),
        "twice": (2 * LOSS, 0.0),
    }
    for scenes in (10, 30):
        for name, (shown, hidden) in losses.items():
            cell = {
                "labelled scenes": scenes,
                "objects": 100,
                "loss shows": name,
                **shares(a.sims, scenes, 100, a.seed, shown, hidden),
            }
            out["cells"].append(cell)
            print(cell)
    (ROOT / "bench" / "results" / "score_alarm.json").write_text(json.dumps(out, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
