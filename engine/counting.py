"""The main job: what is in the zones of one scene, class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import gate
from .bands import check_sensor
from .calibration import Calibration
from .classes import CLASSES, of_kind
from .conditions import Conditions
from .detections import Detections
from .detectors import detector
from .detectors.base import Found, Progress, SceneLike, part, silent
from .errors import Refusal
from .merging import merge
from .rules import rules
from .tally import in_unit, measure_row
from .tanks import FREIGHT_CAR, tank_rows
from .visible import apart, visible_fraction
from .zone_tally import tally_zones
from .zones import Zone


@dataclass(frozen=True)
class SceneCount:
    """What one scene shows.

    detections: each object once, zone_id being the first zone that holds it. rows: the tally table's fields, one row a zone,
    class and unit. totals: class -> (estimate, low, high) over the observed zones, each object once; None where no zone was
    observed or the scene is too coarse to count. warnings: sentences for the user.
    """

    detections: Detections
    rows: list[dict[str, Any]]
    totals: dict[str, tuple[int, int, int] | None]
    warnings: list[str]


def classes_of(zone: Zone) -> tuple[str, ...]:
    """The classes that can be counted in a zone of this kind and shape."""
    return tuple(name for name in of_kind(zone.kind) if CLASSES[name].on_tracks == zone.is_track)


def plan(zones: Sequence[Zone], classes: Sequence[str]) -> tuple[dict[str, list[Zone]], list[str]]:
    """Which zones are counted for which class, and a warning for each class that has none.

    Raises Refusal where no class has a zone.
    """
    wanted = {name: [zone for zone in zones if name in classes_of(zone)] for name in classes}
    without = [name for name, chosen in wanted.items() if not chosen]
    kinds = ", ".join(sorted({f"{zone.kind} {'line' if zone.is_track else 'polygon'}" for zone in zones}))
    problems = [
        f"ZONES has no {'track lines' if CLASSES[name].on_tracks else 'polygons of a fitting kind'} to count {name} in: "
        f"it holds {kinds}."
        for name in without
    ]
    if len(without) == len(wanted):
        raise Refusal(
            "{value} Add such zones, change their kind, or choose other CLASSES.",
            value=" ".join(problems) or "CLASSES is empty.",
        )
    return {name: chosen for name, chosen in wanted.items() if chosen}, problems


def check(
    scene: SceneLike, wanted: Mapping[str, Sequence[Zone]], sensor: str = "optical", name: str = "ZONES"
) -> dict[str, float]:
    """Visible fraction by zone id. ``name`` is what an error calls the zones.

    Raises Refusal where the scene is not of the sensor ("optical", "sar"), too coarse for a class or shows none of the zones.
    """
    check_sensor(scene.roles, sensor)
    for class_name in wanted:
        gate.check(class_name, scene.effective_gsd_m, scene.gsd_m, sensor)
    zones = {zone.zone_id: zone for chosen in wanted.values() for zone in chosen}
    check_place(scene, list(zones.values()), name)
    return {zone_id: visible_fraction(scene, zone) for zone_id, zone in zones.items()}


def check_place(scene: SceneLike, zones: Sequence[Zone], name: str = "ZONES") -> None:
    """Raise Refusal where none of the zones meets the scene."""
    if zones and all(apart(scene.bounds, zone.geometry.bounds) for zone in zones):
        raise Refusal(
            "{layer} lie all outside the scene. Choose the scene of this place, or check the layers' CRS.", layer=name
        )


def count_scene(
    scene: SceneLike,
    wanted: Mapping[str, Sequence[Zone]],
    visible: Mapping[str, float],
    calibrations: Mapping[str, Calibration],
    *,
    site: str = "",
    level: float = 0.9,
    seed: int = 0,
    progress: Progress = silent,
) -> SceneCount:
    """Detect and tally. wanted from ``plan``, visible from ``check``; calibrations: the user's, by class (missing ones: shipped).

    site: its name in the calibrations.
    """
    parts = []
    for number, (name, zones) in enumerate(wanted.items()):
        found = _detected(scene, name, zones, visible, part(progress, number, len(wanted)))
        parts.append(_class_count(scene, name, zones, found, visible, calibrations.get(name), site, level, seed))
    return SceneCount(
        Detections.concatenate([count.detections for count in parts]),
        [row for count in parts for row in count.rows],
        {name: count.totals[name] for name, count in zip(wanted, parts)},
        [warning for count in parts for warning in count.warnings],
    )


def _detected(
    scene: SceneLike, name: str, zones: Sequence[Zone], visible: Mapping[str, float], progress: Progress
) -> list[Found]:
    """What is found in each zone; nothing is looked for where nothing can be seen."""
    seen = [zone for zone in zones if visible[zone.zone_id] > 0]
    found = dict(zip((zone.zone_id for zone in seen), detector(name).detect_together(scene, seen, progress)))
    return [found.get(zone.zone_id, Found(Detections.empty())) for zone in zones]


def _class_count(
    scene: SceneLike,
    name: str,
    zones: Sequence[Zone],
    found: Sequence[Found],
    visible: Mapping[str, float],
    calibration: Calibration | None,
    site: str,
    level: float,
    seed: int,
) -> SceneCount:
    """Detections, rows and total of one class."""
    detections = objects_once([part.detections for part in found], zones)
    conditions = Conditions.of(scene).known()
    detections = with_p(detections, calibration, scene)
    chosen = [zone for zone, part in zip(zones, found) if part.counted]
    inside = [int(zone.holds(detections.x, detections.y).sum()) for zone in chosen]
    once = [int((detections.zone_id == zone.zone_id).sum()) for zone in chosen]
    shares = [visible[zone.zone_id] for zone in chosen]
    counted, total = tally_zones(
        name, chosen, inside, once, shares, calibration,
        level=level, seed=seed, site=site, scores=detections.score, **conditions,
    )  # fmt: skip
    rows = _rows(name, zones, found, visible, counted, level)
    if name == FREIGHT_CAR:
        rows += tank_rows(detections, chosen, counted, seed=seed)
    return SceneCount(detections, rows, {name: total}, [warning for part in found for warning in part.warnings])


def objects_once(parts: Sequence[Detections], zones: Sequence[Zone]) -> Detections:
    """Detections of several zones as one set, an object that overlapping zones share only once, in the first of them."""
    tagged = [part.with_(zone_id=zone.zone_id) for part, zone in zip(parts, zones)]
    together = Detections.concatenate(tagged)
    if not len(together):
        return together
    owner = np.concatenate([np.full(len(part), i) for i, part in enumerate(tagged)])
    return together.select(merge(together, owner))


def with_p(detections: Detections, calibration: Calibration | None, scene: SceneLike) -> Detections:
    """The detections with p from the calibration's labels, which their notes say; unchanged where it has too few.

    The detector's own p rests on what it was fitted on.
    """
    model = calibration.model if calibration else None
    if model is None or not len(detections):
        return detections
    source = f"{model.kind}: p from {model.labels} labelled detections"
    notes = [f"{note}. {source}" if note else source for note in detections.note]
    return detections.with_(p=model.p(detections.score, Conditions.of(scene).known()), note=notes)


def _rows(name: str, zones: Sequence[Zone], found: Sequence[Found], visible: Mapping[str, float], counted: Mapping[str, dict[str, Any]],
          level: float) -> list[dict[str, Any]]:  # fmt: skip
    """The count of each zone, then what was measured in it."""
    rows = []
    for zone, seen in zip(zones, found):
        row = counted.get(zone.zone_id)
        if row:
            rows.append({**row, "note": ". ".join(text for text in (row.get("note"), seen.note) if text)})
        for unit, value in seen.measures.items():
            if unit == "TEU":
                if row and row["detected"]:
                    rows.append(in_unit(row, unit, value / row["detected"]))
                continue
            seen_m2 = zone.area_m2 * visible[zone.zone_id]
            rows.append(
                measure_row(zone.zone_id, name, value, unit, visible=visible[zone.zone_id], level=level, area_m2=seen_m2)
            )
    return [{**row, "rules": rules(name, row["unit"])} for row in rows]
