"""From a detector's score to the probability that the detection is an object: fitted on labelled detections.

Method: Platt's logistic curve (1999) on the score and how the scene was taken, by penalised iteratively reweighted least squares;
from LEAST_ISOTONIC labels on, its linear predictor is mapped to p by isotonic regression (pool adjacent violators) instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import Refusal

LEAST_LABELS, LEAST_EACH = 30, 3  # fewer labelled detections, or fewer true or false ones among them, fit no curve
LEAST_ISOTONIC = 500
MOST_KNOTS = 100
# Prior sd of a coefficient per sd of what it multiplies: the score may decide, conditions only shift.
SCORE_SD, CONDITION_SD = 2.5, 1.0


@dataclass(frozen=True)
class ScoreModel:
    """p of a score under given conditions.

    names: "score", then the conditions used. centre, scale: of each, (F,). weights: (1 + F), the first for the constant.
    knots: linear predictors and their p, (K, 2), both rising; none where the logistic curve holds. labels: detections it was
    fitted on. synthetic: they were simulated.
    """

    names: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    knots: np.ndarray
    labels: int
    synthetic: bool = False

    @property
    def kind(self) -> str:
        """What p is called: p_site, or p_sim where it rests on simulated scenes."""
        return "p_sim" if self.synthetic else "p_site"

    def p(self, score: Any, conditions: Mapping[str, Any] | None = None) -> np.ndarray:
        """Probabilities (N,) of scores (N,). conditions: of the scene, or (N,) arrays; an unknown one counts as average."""
        score = np.atleast_1d(np.asarray(score, float))
        known = {**(conditions or {}), "score": score}
        given = [
            np.broadcast_to(np.asarray(known.get(name, c), float), score.shape) for name, c in zip(self.names, self.centre)
        ]
        z = self.weights[0] + ((np.array(given).T - self.centre) / self.scale) @ self.weights[1:]
        return np.interp(z, *self.knots.T) if len(self.knots) else _logistic(z)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "names": list(self.names),
            **{name: getattr(self, name).tolist() for name in ("centre", "scale", "weights", "knots")},
            "labels": self.labels,
            "synthetic": self.synthetic,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ScoreModel:
        """The inverse of ``to_dict``. Raises Refusal where the values do not belong together."""
        names = tuple(str(name) for name in values["names"])
        centre, scale, weights = (np.asarray(values[name], float) for name in ("centre", "scale", "weights"))
        knots = np.asarray(values.get("knots") or np.zeros((0, 2)), float).reshape(-1, 2)
        fits = (
            centre.shape == scale.shape == (len(names),) and weights.shape == (len(names) + 1,) and names[:1] == ("score",)
        )
        finite = all(np.isfinite(array).all() for array in (centre, scale, weights, knots))
        if not (fits and finite and (scale > 0).all() and (np.diff(knots, axis=0) >= 0).all()):
            raise Refusal("The calibration's curve from score to p is damaged. Make it again with rason:calibrate.")
        return cls(names, centre, scale, weights, knots, int(values["labels"]), bool(values.get("synthetic", False)))


def fit(score: Any, hit: Any, conditions: Mapping[str, Any] | None = None, *, synthetic: bool = False) -> ScoreModel | None:
    """The curve of labelled detections: score (N,), hit (N,) bool; conditions: name -> (N,), used where they vary.

    p never falls with the score: where the labels say so, the score is left out. None for too few labels.
    """
    score, hit = np.asarray(score, float), np.asarray(hit, bool)
    if len(hit) < LEAST_LABELS or not LEAST_EACH <= hit.sum() <= len(hit) - LEAST_EACH:
        return None
    columns = {"score": score, **{name: np.asarray(values, float) for name, values in (conditions or {}).items()}}
    columns = {name: values for name, values in columns.items() if name == "score" or np.ptp(values) > 0}
    x = np.array(list(columns.values())).T
    centre, scale = x.mean(0), np.where(np.ptp(x, axis=0) > 0, x.std(0), 1.0)
    features = np.hstack([np.ones((len(x), 1)), (x - centre) / scale])
    penalty = np.array([1e-4, SCORE_SD**-2, *[CONDITION_SD**-2] * (len(columns) - 1)])
    weights = _irls(features, hit, penalty)
    if weights[1] < 0:
        weights = np.insert(_irls(np.delete(features, 1, axis=1), hit, np.delete(penalty, 1)), 1, 0.0)
    enough = len(hit) >= LEAST_ISOTONIC
    knots = isotonic(features @ weights, hit) if enough else np.zeros((0, 2))
    return ScoreModel(tuple(columns), centre, scale, weights, knots, len(hit), synthetic)


def isotonic(z: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """Knots (K, 2) of the rising step curve that fits best, one in the middle of each step; p stays off 0 and 1."""
    order = np.argsort(z, kind="stable")
    blocks: list[list[float]] = []  # mean of hit, weight, sum of z
    for at, value in zip(z[order], hit[order].astype(float)):
        blocks.append([value, 1.0, float(at)])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean, weight, total = blocks.pop()
            last = blocks[-1]
            last[0] = (last[0] * last[1] + mean * weight) / (last[1] + weight)
            last[1], last[2] = last[1] + weight, last[2] + total
    mean, weight, total = np.array(blocks).T
    least = 1 / (len(z) + 2)
    knots = np.stack([total / weight, mean.clip(least, 1 - least)], axis=1)
    chosen = np.unique(np.linspace(0, len(knots) - 1, min(len(knots), MOST_KNOTS)).round().astype(int))
    return knots[chosen]


def brier(p: Any, hit: Any) -> float:
    """Mean squared error of probabilities."""
    return float(np.mean((np.asarray(p, float) - np.asarray(hit, float)) ** 2))


def left_out(score: Any, hit: Any, group: Sequence[str], conditions: Mapping[str, Any] | None = None) -> np.ndarray:
    """p (N,) of each detection from the curve of the other groups (scenes); NaN where these have too few labels."""
    score, hit, names = np.asarray(score, float), np.asarray(hit, bool), np.asarray(group, object)
    columns = {name: np.asarray(values, float) for name, values in (conditions or {}).items()}
    p = np.full(len(score), np.nan)
    for name in set(group):
        here = names == name
        model = fit(score[~here], hit[~here], {key: values[~here] for key, values in columns.items()})
        if model:
            p[here] = model.p(score[here], {key: values[here] for key, values in columns.items()})
    return p


def _irls(features: np.ndarray, hit: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Coefficients of the penalised logistic regression; targets as Platt's, so that all true or all false stays finite."""
    true, false = hit.sum(), (~hit).sum()
    target = np.where(hit, (true + 1) / (true + 2), 1 / (false + 2))
    weights = np.zeros(features.shape[1])
    for _ in range(60):
        p = _logistic(features @ weights)
        spread = np.maximum(p * (1 - p), 1e-9)
        slope = features.T @ (target - p) - penalty * weights
        step = np.linalg.solve(features.T @ (features * spread[:, None]) + np.diag(penalty), slope)
        weights = weights + step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(z, -40, 40)))
