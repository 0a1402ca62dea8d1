"""Detections beside the truth: which are right, what was missed, and the figures that follow.

Words: a *hit* is a detection with a true object of its own, a *double* touches a true object that another detection has, a *false*
one touches none; a true object without detection is *missed*. Recall, precision and F1 are of hits; the count error is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .detections import Detections
from .rectangles import intersection_area, stack

LEAST_IOU = 0.3
REACH_M = 2.0  # how far beside a detection a true point may lie
TOUCHING = 0.1  # share of the smaller rectangle that two touching ones have in common
HIT, DOUBLE, FALSE = 0, 1, 2


@dataclass(frozen=True)
class Judged:
    """verdict: HIT, DOUBLE or FALSE of each detection (N,). partner: the hit's true object (N,), -1 without. found: whether each
    true object has a detection (M,)."""

    verdict: np.ndarray
    partner: np.ndarray
    found: np.ndarray


def judge(found: Detections, truth: Detections, *, least_iou: float = LEAST_IOU, reach_m: float = REACH_M) -> Judged:
    """Set detections beside the truth, the surest first; each takes the free true object that it overlaps most.

    True rectangles match from an IoU of least_iou on, or, where that is 0, where one holds the centre of the other. True points
    (length 0) match where they lie in the detection or within reach_m of it. COCO and VOC match alike, by IoU.
    """
    i, j, good, touching = pairs(found, truth, least_iou, reach_m)
    verdict, partner, taken = np.full(len(found), FALSE), np.full(len(found), -1), np.zeros(len(truth), bool)
    verdict[i[touching]] = DOUBLE
    possible = np.flatnonzero(good > 0)
    rank = np.empty(len(found), int)
    rank[np.argsort(-found.score, kind="stable")] = np.arange(len(found))
    for k in possible[np.lexsort((-good[possible], rank[i[possible]]))]:
        if partner[i[k]] < 0 and not taken[j[k]]:
            verdict[i[k]], partner[i[k]], taken[j[k]] = HIT, j[k], True
    return Judged(verdict, partner, taken)


def reviewed(marks: Detections, status: Sequence[str]) -> tuple[Detections, Detections, Judged]:
    """Detections, truth and their verdicts from an analyst's: accepted ones are hits, rejected ones are not, added ones missed."""
    words = np.asarray(status, object)
    accepted = np.flatnonzero(words == "accepted")
    order = np.concatenate([accepted, np.flatnonzero(words == "rejected")]).astype(int)
    found, truth = (
        marks.select(order),
        marks.select(np.concatenate([accepted, np.flatnonzero(words == "added")]).astype(int)),
    )
    partner = np.where(np.arange(len(order)) < len(accepted), np.arange(len(order)), -1)
    i, _, _, touching = pairs(found, truth, LEAST_IOU, REACH_M)
    verdict = np.full(len(order), FALSE)
    verdict[i[touching]] = DOUBLE
    verdict[partner >= 0] = HIT
    return found, truth, Judged(verdict, partner, np.arange(len(truth)) < len(accepted))


def pairs(found: Detections, truth: Detections, least_iou: float, reach_m: float) -> tuple[np.ndarray, ...]:
    """Pairs that may touch: i, j, how well they match (0: not at all), and whether they touch."""
    from scipy.spatial import cKDTree

    if not len(found) or not len(truth):
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0, bool)
    half = [np.hypot(d.length_m, d.width_m) / 2 for d in (found, truth)]
    points = [np.stack([d.x, d.y], axis=1) for d in (found, truth)]
    near = cKDTree(points[1]).query_ball_point(points[0], half[0] + half[1].max() + reach_m)
    i = np.repeat(np.arange(len(found)), [len(n) for n in near])
    j = np.concatenate([np.asarray(n, int) for n in near]).astype(int)
    a, b = (stack(d.x, d.y, d.length_m, d.width_m, d.azimuth_deg)[k] for d, k in ((found, i), (truth, j)))
    size_a, size_b = a[:, 2] * a[:, 3], b[:, 2] * b[:, 3]
    both = intersection_area(a, b)
    overlap = np.divide(both, size_a + size_b - both, out=np.zeros(len(i)), where=both > 0)
    away = np.where(size_b == 0, _outside(a, b), _outside(b, a))
    centred = np.minimum(_outside(a, b), _outside(b, a)) == 0
    points = np.minimum(size_a, size_b) == 0
    distance = np.hypot(*(a[:, :2] - b[:, :2]).T)
    right = overlap >= least_iou if least_iou > 0 else centred & (overlap > 0)
    good = np.where(points, (away <= reach_m) / (1 + distance), right * overlap)
    return i, j, good, np.where(points, away <= reach_m, both > TOUCHING * np.minimum(size_a, size_b))


def _outside(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far (N,) the centres of others (N, 5) lie outside rectangles (N, 5)."""
    angle = np.radians(boxes[:, 4])
    dx, dy = (others[:, :2] - boxes[:, :2]).T
    along = np.abs(dx * np.sin(angle) + dy * np.cos(angle)) - boxes[:, 2] / 2
    across = np.abs(dx * np.cos(angle) - dy * np.sin(angle)) - boxes[:, 3] / 2
    return np.hypot(np.maximum(along, 0), np.maximum(across, 0))


@dataclass(frozen=True)
class Place:
    """One zone of one scene, one class: what was found in it, what is there.

    Counts as in a calibration, exposure in hectares or kilometres of track. score, hit: of its detections (D,), every hit being
    of this place by its true object. length_m, found: of its true objects (T,).
    """

    scene: str
    zone: str
    tp: int
    fn: int
    dup: int
    bg: int
    exposure: float
    score: np.ndarray
    hit: np.ndarray
    length_m: np.ndarray
    found: np.ndarray

    @property
    def true(self) -> int:
        """Objects that are there."""
        return self.tp + self.fn

    @property
    def counted(self) -> int:
        """Objects that were detected."""
        return self.tp + self.dup + self.bg


def place(scene: str, zone: str, exposure: float, found: Detections, truth: Detections, judged: Judged,
          holds_found: np.ndarray, holds_truth: np.ndarray) -> Place:  # fmt: skip
    """The part of a scene's judged detections that belongs to a zone.

    holds_found, holds_truth: whose centre it holds. A hit belongs to the zone of its true object, so that a border runs through
    no pair.
    """
    partner = judged.partner
    inside = np.where(partner >= 0, holds_truth[partner] if len(truth) else False, holds_found)
    verdict = judged.verdict[inside]
    here = judged.found[holds_truth]
    tp, dup, bg = (int((verdict == kind).sum()) for kind in (HIT, DOUBLE, FALSE))
    return Place(scene, zone, tp, int((~here).sum()), dup, bg, exposure, found.score[inside], verdict == HIT,
                 truth.length_m[holds_truth], here)  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """What some places together give; None where there is nothing to divide by. The ends are of 90 % Wilson intervals.

    count_error: (found - true) / true. wape: the places' absolute errors over all true objects. worst_decile: mean relative
    error of the tenth of the places with objects where it is largest. ap: area under the precision-recall curve.
    """

    true: int
    found: int
    hits: int
    doubles: int
    false: int
    missed: int
    precision: float | None
    precision_ends: tuple[float, float] | None
    recall: float | None
    recall_ends: tuple[float, float] | None
    f1: float | None
    ap: float | None
    count_error: float | None
    wape: float | None
    worst_decile: float | None
    places: int


def figures(places: Sequence[Place], level: float = 0.9) -> Figures:
    """Of some places together."""
    tp, fn, dup, bg = (sum(getattr(p, name) for p in places) for name in ("tp", "fn", "dup", "bg"))
    true, found = tp + fn, tp + dup + bg
    errors = np.array([abs(p.counted - p.true) for p in places], float)
    full = np.array([p.true for p in places]) > 0
    relative = np.sort(errors[full] / np.array([p.true for p in places])[full])[::-1] if full.any() else np.zeros(0)
    score, hit = (np.concatenate([getattr(p, name) for p in places]) if places else np.zeros(0) for name in ("score", "hit"))
    return Figures(
        true, found, tp, dup, bg, fn,
        tp / found if found else None, wilson(tp, found, level) if found else None,
        tp / true if true else None, wilson(tp, true, level) if true else None,
        2 * tp / (true + found) if true + found else None,
        average_precision(score, hit.astype(bool), true) if true and len(np.unique(score)) > 1 else None,
        (found - true) / true if true else None,
        float(errors.sum() / true) if true else None,
        float(relative[: max(1, int(np.ceil(len(relative) / 10)))].mean()) if len(relative) else None,
        len(places),
    )  # fmt: skip


def wilson(k: int, n: int, level: float = 0.9) -> tuple[float, float]:
    """Interval of a share k of n (Wilson 1927): as if objects were independent, which those of one scene are not quite."""
    from scipy.special import ndtri

    z2 = float(ndtri((1 + level) / 2)) ** 2
    middle, half = (k + z2 / 2) / (n + z2), np.sqrt(z2 * (k * (n - k) / n + z2 / 4)) / (n + z2)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def curve(score: np.ndarray, hit: np.ndarray, true: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Recall, precision and threshold at every distinct score, from the highest down."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1) if len(score) else np.zeros(0, int)
    hits = np.cumsum(hit[order])[last]
    return hits / max(true, 1), hits / (last + 1), score[order][last]


def average_precision(score: np.ndarray, hit: np.ndarray, true: int) -> float:
    """Area under the precision-recall curve, precision made falling first (VOC 2010 and later)."""
    recall, precision, _ = curve(score, hit, true)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * envelope).sum())


def by_length(places: Sequence[Place], bins: int = 3) -> list[tuple[str, int, int]]:
    """(length class, true objects, found) in bins of about as many true objects each; none where lengths are not known."""
    lengths = np.concatenate([p.length_m for p in places]) if places else np.zeros(0)
    found = np.concatenate([p.found for p in places]) if places else np.zeros(0, bool)
    if not len(lengths) or not (lengths > 0).all() or np.ptp(lengths) < 0.2 * lengths.mean():
        return []
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, bins + 1)).round())
    edges[0], edges[-1] = 0.0, np.inf
    chosen = np.searchsorted(edges, lengths, side="right") - 1
    names = [
        f"{low:.0f} to {high:.0f} m" if np.isfinite(high) else f"from {low:.0f} m" for low, high in zip(edges, edges[1:])
    ]
    return [
        (name, int((chosen == k).sum()), int(found[chosen == k].sum()))
        for k, name in enumerate(names)
        if (chosen == k).any()
    ]


def binned(values: Mapping[str, float], places: Sequence[Place], bins: int = 3) -> list[tuple[str, list[Place]]]:
    """Places by a condition of their scene (scene -> value), in up to ``bins`` classes of about as many scenes each."""
    known = sorted(set(values.values()))
    if len(known) < 2:
        return []
    edges = np.unique(np.quantile(known, np.linspace(0, 1, min(bins, len(known)) + 1)))
    groups: dict[int, list[Place]] = {}
    for p in places:
        if p.scene in values:
            k = int(np.clip(np.searchsorted(edges, values[p.scene], side="right") - 1, 0, len(edges) - 2))
            groups.setdefault(k, []).append(p)
    return [(f"{edges[k]:.3g} to {edges[k + 1]:.3g}", groups[k]) for k in sorted(groups)]


def reliability(p: Any, hit: Any, bins: int = 5) -> list[tuple[float, float, int]]:
    """(mean p, share that are objects, number) of detections in bins of about as many each."""
    p, hit = np.asarray(p, float), np.asarray(hit, float)
    if len(p) < 2 * bins or np.ptp(p) == 0:
        return []
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    return [(float(p[part].mean()), float(hit[part].mean()), len(part)) for part in parts]
