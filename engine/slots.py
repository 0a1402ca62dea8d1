"""What became of single places (container slots, berths): occupied or empty at each of two epochs.

A place is told by how much of it, or of the object on it, lies in the other: boxes that jitter by less than half a slot change
nothing, where a matching of boxes would see one go and another come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .detections import Detections
from .rectangles import corners

OVERLAP = 0.5  # of the smaller of place and object (of the place, by all objects together)
OCCUPIED_BOTH, EMPTIED, FILLED, EMPTY_BOTH, NOT_OBSERVED = (
    "occupied both", "emptied", "filled", "empty both", "not observed"
)  # fmt: skip
WORDS = (OCCUPIED_BOTH, EMPTIED, FILLED, EMPTY_BOTH, NOT_OBSERVED)


@dataclass(frozen=True)
class Slot:
    """A place: a shapely polygon in frame metres; zone_id of the zone it belongs to, "" where not said."""

    slot_id: str
    geometry: object
    zone_id: str = ""


@dataclass(frozen=True)
class Transition:
    """A slot at two epochs. objects: how many lie on it; longest_m: the longest of them (0 for none, or for points)."""

    slot: Slot
    change: str
    objects: tuple[int, int]
    longest_m: tuple[float, float]

    def row(self) -> dict[str, object]:
        """The fields of the table of slots, epochs left to the caller; nothing is said of what was not observed."""
        row: dict[str, object] = {"slot_id": self.slot.slot_id, "zone_id": self.slot.zone_id, "change": self.change}
        for i in (0, 1) if self.change != NOT_OBSERVED else ():
            row[f"objects_{i + 1}"] = self.objects[i]
            row[f"longest_{i + 1}_m"] = round(self.longest_m[i], 1) or None
        return row

    def sentence(self, day_1: str, day_2: str, noun: str, place: str = "slot") -> str:
        """ "Berth 3: occupied on both days, by ships of about 95 and 140 m." """
        name = f"{place.capitalize()} {self.slot.slot_id}"
        by = [f"{count} {noun}" + (f", the longest about {long:.0f} m" if long else "") for count, long in
              zip(self.objects, self.longest_m)]  # fmt: skip
        return {
            OCCUPIED_BOTH: f"{name}: occupied on both days ({by[0]} on {day_1}; {by[1]} on {day_2}), which need not be the same.",
            EMPTIED: f"{name}: occupied on {day_1} ({by[0]}), no {noun} seen on {day_2}.",
            FILLED: f"{name}: no {noun} seen on {day_1}, occupied on {day_2} ({by[1]}).",
            EMPTY_BOTH: f"{name}: no {noun} seen on either day.",
            NOT_OBSERVED: f"{name}: not observed on at least one of the two days.",
        }[self.change]


def transitions(
    slots: Sequence[Slot], first: Detections, second: Detections, observed: Sequence[bool] | np.ndarray
) -> list[Transition]:
    """What became of each slot; observed: whether it could be seen at both epochs."""
    before, after = _occupants(slots, first), _occupants(slots, second)
    return [
        Transition(slot, _word(bool(a[0]), bool(b[0])) if seen else NOT_OBSERVED, (a[0], b[0]), (a[1], b[1]))
        for slot, a, b, seen in zip(slots, before, after, observed)
    ]


def _word(before: bool, after: bool) -> str:
    return {(True, True): OCCUPIED_BOTH, (True, False): EMPTIED, (False, True): FILLED}.get((before, after), EMPTY_BOTH)


def _occupants(slots: Sequence[Slot], objects: Detections) -> list[tuple[int, float]]:
    """Number of objects on each slot and the length of the longest; 0, 0 for an empty one."""
    from shapely.geometry import Point, Polygon
    from shapely.ops import unary_union

    boxes = corners(objects.x, objects.y, objects.length_m, objects.width_m, objects.azimuth_deg)
    low, high = boxes.min(1), boxes.max(1)
    found = []
    for slot in slots:
        west, south, east, north = slot.geometry.bounds  # type: ignore[attr-defined]
        near = np.flatnonzero((low[:, 0] <= east) & (high[:, 0] >= west) & (low[:, 1] <= north) & (high[:, 1] >= south))
        on, parts = [], []
        for i in near:
            if objects.length_m[i] == 0:
                if slot.geometry.covers(Point(objects.x[i], objects.y[i])):  # type: ignore[attr-defined]
                    on.append(i)
                continue
            shape = Polygon(boxes[i])
            part = shape.intersection(slot.geometry)
            parts.append(part)
            if part.area >= OVERLAP * min(shape.area, slot.geometry.area):  # type: ignore[attr-defined]
                on.append(i)
        if not on and parts and unary_union(parts).area >= OVERLAP * slot.geometry.area:  # type: ignore[attr-defined]
            on = [max(near, key=lambda i: objects.length_m[i])]  # two boxes that jitter over one slot
        found.append((len(on), float(objects.length_m[on].max()) if on else 0.0))
    return found


def summary(changes: Sequence[Transition]) -> dict[str, int]:
    """How many slots had each transition."""
    return {word: sum(change.change == word for change in changes) for word in WORDS}
