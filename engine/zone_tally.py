"""The tally of one class in the zones of one scene, each kind of zone with the calibration made for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .calibration import Calibration
from .shipped import shipped
from .tally import Tally, tally
from .zones import Zone

Total = tuple[int, int, int]


def tally_zones(
    class_name: str,
    zones: Sequence[Zone],
    inside: Sequence[int],
    once: Sequence[int],
    visible: Sequence[float],
    given: Calibration | None,
    *,
    level: float,
    seed: int,
    site: str = "",
    scores: Sequence[float] | np.ndarray = (),
    **conditions: float | str,
) -> tuple[dict[str, dict[str, Any]], Total | None]:
    """Tally rows by zone_id, and the total over the observed zones.

    inside: objects in each zone. once: the same with every object in one zone only, for the total. visible: fraction of each
    zone. given: the user's calibration; None takes the shipped one of each zone's kind. site: its name in the calibration.
    scores: of all detections of the scene. conditions: of the scene, by name.
    Zones that rest on different calibrations are totalled apart, and the ends of their intervals added: too wide rather than
    too narrow.
    """
    rows: dict[str, dict[str, Any]] = {}
    totals: list[Total] = []
    for calibration, members in _by_calibration(class_name, zones, given):
        trust = calibration.trust(site, scores, **conditions)
        ids, shares = [zones[i].zone_id for i in members], [visible[i] for i in members]
        ground = exposures([zones[i] for i in members])

        def tallied(counts: Sequence[int]) -> Tally:
            chosen = [counts[i] for i in members]  # noqa: B023 (called within this turn of the loop)
            return tally(ids, chosen, ground, calibration, visible=shares, trust=trust, level=level, seed=seed)  # noqa: B023

        count = tallied(inside)
        basis = trust.note()
        for row in count.rows():
            rows[row["zone_id"]] = {**row, "note": ". ".join(text for text in (basis, row["note"]) if text)}
        total = (count if list(once) == list(inside) else tallied(once)).total()
        totals += [total] if total else []
    return rows, (sum(t[0] for t in totals), sum(t[1] for t in totals), sum(t[2] for t in totals)) if totals else None


def exposures(zones: Sequence[Zone]) -> list[float]:
    """Ground of each zone: kilometres of track, or hectares."""
    return [zone.length_m / 1e3 if zone.is_track else zone.area_m2 / 1e4 for zone in zones]


def _by_calibration(
    class_name: str, zones: Sequence[Zone], given: Calibration | None
) -> list[tuple[Calibration, list[int]]]:
    """Each calibration with the positions of the zones that rest on it."""
    groups: dict[str, tuple[Calibration, list[int]]] = {}
    for i, zone in enumerate(zones):
        calibration = given or shipped(class_name, zone.kind)
        if zone.is_track != (calibration.exposure_unit == "km"):  # a polygon's hectares mean nothing to labels per kilometre
            calibration = Calibration.none(class_name, "km" if zone.is_track else "ha")
        groups.setdefault(calibration.key, (calibration, []))[1].append(i)
    return list(groups.values())
