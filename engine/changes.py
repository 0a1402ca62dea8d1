"""Which objects came, went and stayed between two epochs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from .detections import Detections
from .matching import match
from .rectangles import stack
from .words import APPEARED, DISAPPEARED, MOVED, NOT_OBSERVABLE, STAYED
from .zones import Zone

POINT_GATE_M = 5.0  # how far apart two points may lie and still be the same object


@dataclass(frozen=True)
class Changes:
    """Objects of both epochs: those of the second and those of the first that have no counterpart in it.

    detections: the objects. change: (N,) words. match_id: (N,) the same number as text for both ends, "" without a match.
    epoch: (N,) 1 or 2, where the row's geometry comes from.
    """

    detections: Detections
    change: np.ndarray
    match_id: np.ndarray
    epoch: np.ndarray


def changes(first: Detections, second: Detections, unseen_first: Collection[str] = (), unseen_second: Collection[str] = (), *,
            sigma_m: float = 1.0, common: tuple[np.ndarray, np.ndarray] | None = None) -> Changes:  # fmt: skip
    """Match two epochs class by class.

    unseen_first, unseen_second: zone_ids that the first or second scene did not show; what the other one shows there is
    "not observable", never a change. common: for each object of first and of second, whether its place could be seen at both
    epochs; the same holds there. sigma_m: standard deviation of the registration error; a matched object that lies
    further than 3 sigma from where it was has moved. Source: ALGORITHMS 3, object matching.
    """
    pairs = [
        _matched(first, second, name, sigma_m) for name in np.unique(np.concatenate([first.class_name, second.class_name]))
    ]
    i = np.concatenate([pair[0] for pair in pairs]) if pairs else np.zeros(0, int)
    j = np.concatenate([pair[1] for pair in pairs]) if pairs else np.zeros(0, int)
    distance = np.concatenate([pair[2] for pair in pairs]) if pairs else np.zeros(0)
    shown = common or (np.ones(len(first), bool), np.ones(len(second), bool))
    later = np.where(np.isin(second.zone_id, list(unseen_first)) | ~shown[1], NOT_OBSERVABLE, APPEARED).astype(object)
    later[j] = np.where(distance > 3 * sigma_m, MOVED, STAYED)
    match_id = np.full(len(second), "", object)
    match_id[j] = [str(number + 1) for number in range(len(j))]
    gone = np.setdiff1d(np.arange(len(first)), i)
    earlier = np.where(
        np.isin(first.zone_id[gone], list(unseen_second)) | ~shown[0][gone], NOT_OBSERVABLE, DISAPPEARED
    ).astype(object)
    return Changes(
        Detections.concatenate([second, first.select(gone)]),
        np.concatenate([later, earlier]),
        np.concatenate([match_id, np.full(len(gone), "", object)]),
        np.concatenate([np.full(len(second), 2), np.full(len(gone), 1)]),
    )


def _matched(first: Detections, second: Detections, name: str, sigma_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of one class as indices into the whole sets, and their distances."""
    a, b = np.flatnonzero(first.class_name == name), np.flatnonzero(second.class_name == name)
    points = bool((first.length_m[a] == 0).any() or (second.length_m[b] == 0).any())
    i, j, distance = match(_stacked(first, a), _stacked(second, b), sigma_m=sigma_m, gate_m=POINT_GATE_M if points else None)
    return a[i], b[j], distance


def _stacked(detections: Detections, rows: np.ndarray) -> np.ndarray:
    d = detections.select(rows)
    return stack(d.x, d.y, d.length_m, d.width_m, d.azimuth_deg)


def counted(found: Changes, zones: Sequence[Zone] = ()) -> dict[tuple[str, str], Counter[str]]:
    """How many objects of each (zone_id, class) have which word; zones: what holds an object, else its own zone_id says."""
    objects, counts = found.detections, {}
    held = {zone.zone_id: zone.holds(objects.x, objects.y) for zone in zones} or {
        str(name): objects.zone_id == name for name in set(objects.zone_id.tolist()) if name
    }
    for zone_id, inside in held.items():
        for name in set(objects.class_name[inside].tolist()):
            counts[zone_id, str(name)] = Counter(found.change[inside & (objects.class_name == name)].tolist())
    return counts
