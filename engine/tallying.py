"""Tallies of objects that are already known: detections of a layer, or marks drawn by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .calibration import Calibration
from .classes import CLASSES
from .counting import classes_of
from .detections import Detections
from .detectors.base import Progress, silent
from .rules import rules
from .tally import measure_row, tally_by_hand
from .tanks import FREIGHT_CAR, tank_rows
from .zone_tally import Total, tally_zones
from .zones import Zone


def tally_marks(
    marks: Detections,
    zones: Sequence[Zone],
    classes: Sequence[str],
    calibrations: Mapping[str, Calibration],
    *,
    basis: str,
    sensor: str = "optical",
    visible: Mapping[str, float],
    outlined: bool = False,
    site: str = "",
    level: float = 0.9,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[list[dict[str, Any]], dict[str, Total | None]]:
    """Tally rows, one a zone, class and unit, and the total of each class with every object counted once.

    calibrations: the user's, by class (missing ones: shipped). site: its name in them. basis: "detected", "reviewed" or "counted".
    sensor: of the scene they were found in, whose rules are said. visible: by zone_id, 1 where missing. Marks with a length also give the
    occupied length of tracks, or the occupied area and share of polygons: 0 in a zone without any. outlined: the marks would have
    one, if there were any.
    """
    rows: list[dict[str, Any]] = []
    totals: dict[str, Total | None] = {}
    for number, name in enumerate(classes):
        progress(number / len(classes))
        chosen = marks.select(marks.class_name == name)
        sized = chosen.length_m.any() if len(chosen) else outlined
        held = {zone.zone_id: zone.holds(chosen.x, chosen.y) for zone in zones}
        fitting = [zone for zone in zones if name not in CLASSES or name in classes_of(zone) or held[zone.zone_id].any()]
        shares = [visible.get(zone.zone_id, 1.0) for zone in fitting]
        inside = [int(held[zone.zone_id].sum()) for zone in fitting]
        once = _owned_once([held[zone.zone_id] for zone in fitting])
        if basis == "detected":
            counted, totals[name] = tally_zones(
                name, fitting, inside, once, shares, calibrations.get(name),
                level=level, seed=seed, site=site, scores=chosen.score,
            )  # fmt: skip
        else:
            ids, reviewed = [zone.zone_id for zone in fitting], basis == "reviewed"
            by_hand = [
                tally_by_hand(ids, counts, name, reviewed=reviewed, visible=shares, level=level, seed=seed)
                for counts in (inside, once)
            ]
            counted, totals[name] = {row["zone_id"]: row for row in by_hand[0].rows()}, by_hand[1].total()
        if name == FREIGHT_CAR:
            rows += tank_rows(chosen, fitting, counted, certain=basis != "detected", seed=seed)
        for zone, share in zip(fitting, shares):
            rows.append(
                {**counted[zone.zone_id], "rules": rules(name, "objects", by_hand=basis != "detected", sensor=sensor)}
            )
            measured = measures(zone, chosen.select(held[zone.zone_id]), share) if sized else {}
            rows += [
                {**measure_row(zone.zone_id, name, value, unit, visible=share, level=level), "rules": rules(name, unit)}
                for unit, value in measured.items()
            ]
    return rows, totals


def measures(zone: Zone, objects: Detections, visible: float) -> dict[str, float]:
    """What the rectangles of a zone occupy: length "m" and share of a track, area "m2" and share of a polygon."""
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
