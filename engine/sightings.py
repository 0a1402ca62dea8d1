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
            seen = [Seen(float("nan"))] if float(row.get("low") or 0) > 0 else []
            usable = bool(seen) or not row.get("detected")
        found.setdefault(_zone(row, "LOOKS"), []).append(Look(epoch, usable, seen))
    return found


def _usable(row: Row) -> bool:
    if row.get("class") is not None:
        return row.get("estimate") is not None
    if row.get("usable") is not None:
        return bool(row["usable"])
    if row.get("visible_fraction") is not None:
        return float(row["visible_fraction"]) >= LEAST_VISIBLE
    raise Refusal(
        "LOOKS: zone {zone} at {epoch} says neither usable nor visible_fraction. Give the tables of rason:visibility, or tallies.",
        zone=row.get("zone_id"),
        epoch=row.get("epoch"),
    )


def _zone(row: Row, name: str) -> str:
    zone = str(row.get("zone_id") or "").strip()
    if not zone:
        raise Refusal("{layer}: a row has no zone_id, so it is not known which berth it is about. Fill it.", layer=name)
    return zone


@dataclass(frozen=True)
class Added:
    """What came of the sightings. number: taken. unreviewed: found by a detector, and no person said they are right.

    elsewhere: without zone_id. lone: at a time that LOOKS does not have.
    """

    number: int
    unreviewed: int
    elsewhere: int
    lone: int


def add(zones: Zones, rows: Iterable[Row], class_name: str) -> Added:
    """Put sightings (fields of a detections layer; zone_id and epoch are needed) into the looks of their zones.

    Rejected ones and other classes are left out. A sighting at a time without a look is one of its own, which shows what was
    there and not what was not.
    """
    number = unreviewed = elsewhere = lone = 0
    for row in rows:
        if str(row.get("status") or "") == REJECTED or row.get("class") not in (None, "", class_name):
            continue
        if not str(row.get("zone_id") or "").strip():
            elsewhere += 1
            continue
        zone, epoch = zones.setdefault(_zone(row, "DETECTIONS"), []), read(str(row.get("epoch") or ""), "DETECTIONS: epoch")
        look = next((look for look in zone if look.epoch.iso() == epoch.iso()), None)
        if look is None:
            look = Look(epoch, False)
            zone.append(look)
            lone += 1
        by_person = not row.get("detector") or row.get("status") in CONFIRMED
        look.seen.append(Seen(_length(row), 1.0 if by_person else _p(row)))
        number, unreviewed = number + 1, unreviewed + (not by_person)
    return Added(number, unreviewed, elsewhere, lone)


def _length(row: Row) -> float:
    length = _number(row, "length_m")
    return length if length is not None and length > 0 else float("nan")


def _p(row: Row) -> float:
    p = _number(row, "p")
    return 1.0 if p is None else float(np.clip(p, 0.0, 1.0))


def _number(row: Row, key: str) -> float | None:
    try:
        return None if row.get(key) is None else float(row[key])
    except ValueError:
        raise Refusal("DETECTIONS: {key} '{text}' is no number.", key=key, text=row[key]) from None


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
