"""An alarm for scenes whose scores are unlike the labelled scenes': one more hint that a calibration may not hold.

Scenes differ by themselves, so a scene's mean score is set against the labelled scenes' means and their spread, not its scores
against all scores (a Kolmogorov-Smirnov test of these calls half of the unchanged scenes unlike, bench/score_alarm.py).
A weak hint: misses that leave no trace in the scores are not noticed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_SCENES = 5  # labelled scenes with LEAST_SCORES detections each
LEAST_SCORES = 5
FALSE_ALARMS = 0.05  # share of unchanged scenes that are called unlike


def summary(scores: Sequence[float] | np.ndarray) -> tuple[int, float, float]:
    """Number, mean and standard deviation of a scene's scores: what a calibration keeps of them."""
    values = np.asarray(scores, float)
    return len(values), float(values.mean()) if len(values) else 0.0, float(values.std()) if len(values) else 0.0


def p_value(scenes: Sequence[tuple[int, float, float]], scores: Sequence[float] | np.ndarray) -> float | None:
    """Probability of a mean score at least this far off in a scene like the labelled ones; None where too little is known.

    Random effects: within-scene sd pooled, between-scene variance by moments (DerSimonian and Laird 1986), Student's t with one
    degree of freedom less than there are labelled scenes.
    """
    from scipy.special import stdtr

    count, mean, sd = np.array([scene for scene in scenes if scene[0] >= LEAST_SCORES], float).reshape(-1, 3).T
    new = np.asarray(scores, float)
    if len(count) < LEAST_SCENES or len(new) < LEAST_SCORES:
        return None
    within = max(float((count * sd**2).sum() / max(count.sum() - len(count), 1.0)), 1e-12)
    weight = count / within
    centre = (weight * mean).sum() / weight.sum()
    excess = (weight * (mean - centre) ** 2).sum() - (len(count) - 1)
    between = max(0.0, float(excess / (weight.sum() - (weight**2).sum() / weight.sum())))
    weight = 1 / (within / count + between)
    centre = (weight * mean).sum() / weight.sum()
    t = (new.mean() - centre) / np.sqrt(between + within / len(new) + 1 / weight.sum())
    return float(2 * stdtr(len(count) - 1, -abs(t)))


def alarm(scenes: Sequence[tuple[int, float, float]], scores: Sequence[float] | np.ndarray) -> str:
    """A sentence where a scene's scores are unlike the labelled scenes', else nothing."""
    p = p_value(scenes, scores)
    if p is None or p >= FALSE_ALARMS:
        return ""
    means = [mean for count, mean, _ in scenes if count >= LEAST_SCORES]
    return f"the scores (mean {np.mean(scores):.2f}) are unlike the labelled scenes' ({min(means):.2f} to {max(means):.2f})"
