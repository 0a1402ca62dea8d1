"""Tallies of objects that are already known: detections of a layer, or marks drawn by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .calibration import Calibration
from .counting import classes_of, exposures
from .detections import Detections
from .detectors import DETECTORS
from .detectors.base import Progress, silent
from .rules import rules
from .tally import Tally, measure_row, tally, tally_by_hand
from .zones import Zone

Total = tuple[int, int, int]


def tally_marks(
    marks: Detections,
    zones: Sequence[Zone],
    classes: Sequence[str],
    calibrations: Mapping[str, Calibration],
    *,
    basis: str,
    visible: Mapping[str, float],
    level: float = 0.9,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[list[dict[str, Any]], dict[str, Total | None]]:
    """Tally rows, one a zone, class and unit, and the total of each class with every object counted once.

    basis: "detected", "reviewed" or "counted". visible: by zone_id, 1 where missing. Marks with a length also give the
    occupied length of tracks, or the occupied area and share of polygons.
    """
    rows: list[dict[str, Any]] = []
    totals: dict[str, Total | None] = {}
    for number, name in enumerate(classes):
        progress(number / len(classes))
        chosen = marks.select(marks.class_name == name)
        held = {zone.zone_id: zone.holds(chosen.x, chosen.y) for zone in zones}
        fitting = [zone for zone in zones if name not in DETECTORS or name in classes_of(zone) or held[zone.zone_id].any()]
        shares = [visible.get(zone.zone_id, 1.0) for zone in fitting]
        by_hand = basis != "detected"

        def tallied(
            counts: list[int], fitting: list[Zone] = fitting, shares: list[float] = shares, name: str = name
        ) -> Tally:
            ids = [zone.zone_id for zone in fitting]
            if basis == "detected":
                return tally(ids, counts, exposures(fitting), calibrations[name], visible=shares, level=level, seed=seed)
            return tally_by_hand(ids, counts, name, reviewed=basis == "reviewed", visible=shares, level=level, seed=seed)

        inside = [int(held[zone.zone_id].sum()) for zone in fitting]
        once = _owned_once([held[zone.zone_id] for zone in fitting])
        count = tallied(inside)
        totals[name] = (count if once == inside else tallied(once)).total()
        for row, zone, share in zip(count.rows(), fitting, shares):
            row["note"] = "; ".join(calibrations[name].trust().reasons) if not by_hand else ""
            rows.append({**row, "rules": rules(name, "objects", by_hand=by_hand)})
            measured = measures(zone, chosen.select(held[zone.zone_id]), share)
            rows += [
                {**measure_row(zone.zone_id, name, value, unit, visible=share, level=level), "rules": rules(name, unit)}
                for unit, value in measured.items()
            ]
    return rows, totals


def measures(zone: Zone, objects: Detections, visible: float) -> dict[str, float]:
    """What the rectangles of a zone occupy: length "m" and share of a track, area "m2" and share of a polygon."""
    if not len(objects) or not objects.length_m.any():
        return {}
    if zone.is_track:
        length = float(objects.length_m.sum())
        return {"m": length, "share": min(1.0, length / (zone.length_m * visible))} if visible else {}
    area = float((objects.length_m * objects.width_m).sum())
    return {"m2": area, "share": min(1.0, area / (zone.area_m2 * visible))} if visible else {}


def _owned_once(held: list[np.ndarray]) -> list[int]:
    """How many objects each zone owns when each object belongs to the first zone that holds it."""
    if not held:
        return []
    table = np.array(held)
    return (table & (table.cumsum(0) == 1)).sum(1).tolist()
