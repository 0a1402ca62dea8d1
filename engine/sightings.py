"""Rows of tables into looks at zones: what was seen there, and when the zone could be seen at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .calls import Look, Seen
from .epoch import Epoch, read
from .errors import Refusal
from .series.looks import PRECISION_DAYS
from .tally import LEAST_VISIBLE

Row = Mapping[str, Any]
Zones = dict[str, list[Look]]
REJECTED, CONFIRMED = "rejected", ("accepted", "added")
YES, NO = ("true", "1", "1.0", "t", "yes"), ("false", "0", "0.0", "f", "no")


def looks(rows: Iterable[Row], class_name: str, *, with_counts: bool = False) -> Zones:
    """Looks by zone from rows of rason:visibility (usable, visible_fraction) or of tallies (estimate, of this class).

    with_counts: a tally that is sure of something also is a sighting of it, without length; one that is not sure either way is no
    usable look. Raises Refusal for rows that say neither.
    """
    found: Zones = {}
    for row in rows:
        if row.get("class") not in (None, class_name) or row.get("unit") not in (None, "objects"):
            continue
        epoch = read(str(row.get("epoch") or ""), "LOOKS: epoch")
        seen = []
        usable = _usable(row)
        if with_counts and row.get("class") is not None and usable:
            seen = [Seen(float("nan"))] if (_number(row, "low", "LOOKS") or 0) > 0 else []
            usable = bool(seen) or not _number(row, "detected", "LOOKS")
        found.setdefault(_zone(row, "LOOKS"), []).append(Look(epoch, usable, seen))
    return found


def _usable(row: Row) -> bool:
    if row.get("class") is not None:
        return row.get("estimate") is not None
    said = row.get("usable")
    if said is not None:
        word = str(said).strip().lower()
        if word not in YES + NO:
            raise Refusal(
                "LOOKS: usable '{text}' of zone {zone} is neither true nor false.", text=said, zone=row.get("zone_id")
            )
        return word in YES
    fraction = _number(row, "visible_fraction", "LOOKS")
    if fraction is None:
        raise Refusal(
            "LOOKS: zone {zone} at {epoch} says neither usable nor visible_fraction. Give the tables of rason:visibility, or tallies.",
            zone=row.get("zone_id"),
            epoch=row.get("epoch"),
        )
    return fraction >= LEAST_VISIBLE


def _zone(row: Row, name: str) -> str:
    zone = str(row.get("zone_id") or "").strip()
    if not zone:
        raise Refusal("{layer}: a row has no zone_id, so it is not known which berth it is about. Fill it.", layer=name)
    return zone


@dataclass
class Added:
    """What came of the sightings. number: taken. unreviewed: found by a detector, and no person said they are right.

    elsewhere: without zone_id. lone: looks made for them, at times that LOOKS does not have. short: shorter than asked for.
    """

    number: int = 0
    unreviewed: int = 0
    elsewhere: int = 0
    lone: int = 0
    short: int = 0


def add(zones: Zones, layers: Mapping[str, Iterable[Row]], class_name: str, least_m: float = 0.0) -> Added:
    """Put sightings (layers by name; fields of a detections layer; zone_id and epoch are needed) into the looks of their zones.

    Rejected ones and other classes are left out. A sighting at a time without a look is one of its own, which shows what was
    there and not what was not. Lengths below ``least_m`` are left out. Raises Refusal where two layers hold the same zone at the same time.
    """
    added, finders = Added(), {zone: _Finder(one) for zone, one in zones.items()}
    given: dict[tuple[str, str], str] = {}
    for name, rows in layers.items():
        for row in rows:
            if str(row.get("status") or "") == REJECTED or row.get("class") not in (None, class_name):
                continue
            if not str(row.get("zone_id") or "").strip():
                added.elsewhere += 1
                continue
            length = _length(row)
            if length < least_m:
                added.short += 1
                continue
            zone, epoch = _zone(row, "DETECTIONS"), read(str(row.get("epoch") or ""), "DETECTIONS: epoch")
            if given.setdefault((zone, epoch.iso()), name) != name:
                raise Refusal(
                    "DETECTIONS: {first} and {second} both hold objects of zone {zone} at {epoch}, which would count twice. Leave one out, or "
                    "merge them.",
                    first=given[zone, epoch.iso()], second=name, zone=zone, epoch=epoch.iso(),
                )  # fmt: skip
            look = finders.setdefault(zone, _Finder(zones.setdefault(zone, []))).look(epoch, added)
            by_person = not row.get("detector") or row.get("status") in CONFIRMED
            look.seen.append(Seen(length, 1.0 if by_person else _p(row)))
            added.number += 1
            added.unreviewed += not by_person
    return added


class _Finder:
    """Finds a zone's look at an epoch; one written as a day is the only look of that day, and the other way round."""

    def __init__(self, looks: list[Look]):
        self.looks = looks
        self.by_epoch: dict[str, Look] = {}
        self.by_day: dict[str, list[Look]] = {}
        for look in looks:
            self._keep(look)

    def _keep(self, look: Look) -> None:
        if look.epoch.iso() not in self.by_epoch:
            self.by_day.setdefault(look.epoch.day(), []).append(look)
        self.by_epoch.setdefault(look.epoch.iso(), look)

    def look(self, epoch: Epoch, added: Added) -> Look:
        if epoch.iso() in self.by_epoch:
            return self.by_epoch[epoch.iso()]
        of_day = self.by_day.get(epoch.day(), [])
        if len(of_day) == 1 and "day" in (epoch.precision, of_day[0].epoch.precision):
            return of_day[0]
        look = Look(epoch, False)
        self.looks.append(look)
        self._keep(look)
        added.lone += 1
        return look


def _length(row: Row) -> float:
    length = _number(row, "length_m")
    return length if length is not None and length > 0 else float("nan")


def _p(row: Row) -> float:
    p = _number(row, "p")
    return 1.0 if p is None else float(np.clip(p, 0.0, 1.0))


def _number(row: Row, key: str, layer: str = "DETECTIONS") -> float | None:
    """A field as a number. Tables from text files hold words."""
    try:
        value = None if row.get(key) is None else float(row[key])
    except (TypeError, ValueError):
        value = np.nan
    if value is not None and not np.isfinite(value):
        raise Refusal("{layer}: {key} '{text}' is no number.", layer=layer, key=key, text=row[key])
    return value


@dataclass(frozen=True)
class Ship:
    """A ship of a published list. since, until: days since 1970 between which it was thereabouts, infinite where not said."""

    name: str
    length_m: float
    since: float = -np.inf
    until: float = np.inf


def ships(rows: Iterable[Row]) -> list[Ship]:
    """Ships of a table with name and length_m, optionally from and to."""
    listed = []
    for row in rows:
        try:
            name, length = str(row["name"] or "").strip(), float(row["length_m"])
        except (TypeError, ValueError):
            name, length = "", 0.0
        if not name or not length > 0:
            raise Refusal(
                "SHIPS: a row lacks its name or its length_m ({name}). Fill both.", name=row.get("name") or "no name"
            )
        since, until = _day(row.get("from"), 0), _day(row.get("to") or row.get("from"), 1)
        if since is not None and until is not None and until < since:
            raise Refusal(
                "SHIPS: {name} leaves ({to}) before it comes ({since}).", name=name, to=row["to"], since=row["from"]
            )
        listed.append(Ship(name, length, -np.inf if since is None else since, np.inf if until is None else until))
    return listed


def _day(text: Any, end: int) -> float | None:
    """The start, or the end, of what a date names, in days since 1970."""
    if not text:
        return None
    epoch: Epoch = read(str(text), "SHIPS: from or to")
    return epoch.utc.timestamp() / 86400 + end * PRECISION_DAYS[epoch.precision]
