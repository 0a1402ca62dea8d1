"""Labelled places into a calibration: counts by scene, what the scenes were taken under, and the curve from score to p."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .accuracy import Place, wilson
from .calibration import Calibration
from .conditions import MARGINS, Conditions, ranges
from .probability import brier, fit, left_out
from .score_alarm import summary


def calibration_of(
    class_name: str,
    places: Sequence[Place],
    taken: Mapping[str, Conditions],
    *,
    unit: str = "ha",
    sites: Mapping[str, str] | None = None,
    source: str = "",
    synthetic: bool = False,
) -> Calibration:
    """One entry a scene, its zones together, empty ones too. taken, sites: by scene; unit: of the places' exposure."""
    scenes = list(dict.fromkeys(place.scene for place in places))
    of = {scene: [place for place in places if place.scene == scene] for scene in scenes}
    tp, fn, dup, bg, exposure = (
        np.array([sum(getattr(p, key) for p in of[scene]) for scene in scenes], float)
        for key in ("tp", "fn", "dup", "bg", "exposure")
    )
    spans, sensors = ranges([taken.get(scene, Conditions()) for scene in scenes])
    score, hit, scene = _labels(places)
    site = tuple((sites or {}).get(name, "") for name in scenes)
    return Calibration(
        class_name,
        tp,
        fn,
        dup,
        bg,
        exposure,
        exposure_unit=unit,
        site=site if any(site) else (),
        source=source,
        conditions=spans,
        synthetic=synthetic,
        sensors=sensors,
        scores=tuple(summary(score[scene == name]) for name in scenes),
        model=fit(score, hit, _columns(scene, taken, spans), synthetic=synthetic),
    )


@dataclass(frozen=True)
class Spread:
    """Recall and precision of all scenes with their 90 % ends, and how they differ from scene to scene.

    scene_sd: sd of the log of true over found between scenes, its median and 90 % ends; None below three scenes with objects.
    brier: of the p of each scene from the others' labels, and of a p that is the same for all; None without a curve.
    """

    recall: tuple[float, float, float] | None
    precision: tuple[float, float, float] | None
    scene_sd: tuple[float, float, float] | None
    brier: tuple[float, float] | None


def spread(calibration: Calibration, places: Sequence[Place], taken: Mapping[str, Conditions]) -> Spread:
    """What a calibration's labelled places show."""
    tp, true = int(calibration.tp.sum()), int((calibration.tp + calibration.fn).sum())
    found = int((calibration.tp + calibration.dup + calibration.bg).sum())
    sd = None
    if calibration.scenes_with_objects >= 3:
        low, middle, high = np.quantile(calibration.draws().tau, [0.05, 0.5, 0.95])
        sd = float(middle), float(low), float(high)
    score, hit, scene = _labels(places)
    gain = None
    if calibration.model:
        p = left_out(score, hit, scene.tolist(), _columns(scene, taken, calibration.conditions))
        known = np.isfinite(p)
        if known.any():
            gain = brier(p[known], hit[known]), brier(np.full(known.sum(), hit[known].mean()), hit[known])
    return Spread(
        (tp / true, *wilson(tp, true)) if true else None, (tp / found, *wilson(tp, found)) if found else None, sd, gain
    )


def _labels(places: Sequence[Place]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score, hit and scene of every detection."""
    score = np.concatenate([np.zeros(0), *(p.score for p in places)])
    hit = np.concatenate([np.zeros(0, bool), *(p.hit for p in places)]).astype(bool)
    return score, hit, np.repeat(np.array([p.scene for p in places], object), [len(p.score) for p in places])


def _columns(scene: np.ndarray, taken: Mapping[str, Conditions], spans: Mapping[str, object]) -> dict[str, np.ndarray]:
    """The conditions that all scenes know, for every detection."""
    names = [name for name in MARGINS if name in spans]
    return {name: np.array([getattr(taken[str(s)], name) for s in scene], float) for name in names}
