"""Calls as rows of two tables and as sentences that may be printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .calls import STAYS, Call, Error, ZoneCalls
from .flow import Flow
from .sightings import Ship

SAME_LENGTH = 1.96  # standard deviations of the mean length by which a listed ship may differ
LISTED_SD_M = 1.0  # of published lengths
NOUNS = {"ship": ("call", "ships"), "freight_car": ("stay", "trains")}


def consistent(call: Call, ships: Sequence[Ship], error: Error) -> list[str]:
    """Names of the listed ships whose length and dates agree with a call's: never which ship it was."""
    known = call.length(error.length_sd_m)
    if known is None:
        return []
    measured = sum(np.isfinite(call.lengths_m))
    reach = SAME_LENGTH * np.hypot(error.length_sd_m / np.sqrt(measured), LISTED_SD_M)
    first, last = call.limits
    fit = [s.name for s in ships if abs(s.length_m - known[0]) <= reach and s.since <= last and s.until >= first]
    return list(dict.fromkeys(fit))


def call_rows(zone: ZoneCalls, class_name: str, ships: Sequence[Ship]) -> list[dict[str, Any]]:
    """One row a call, in the fields of the calls table."""
    return [_row(zone, class_name, ships, call) for call in zone.calls]


def _row(zone: ZoneCalls, class_name: str, ships: Sequence[Ship], call: Call) -> dict[str, Any]:
    length = call.length(zone.error.length_sd_m)
    names = consistent(call, ships, zone.error)
    ends = [epoch.iso() if epoch else None for epoch in (*call.arrival, *call.departure)]
    size = "" if length is None else f"{length[0]:.0f} m long ({length[1]:.0f} to {length[2]:.0f}). "
    listed = "" if not ships else f" Consistent with {len(names)} of {len({s.name for s in ships})} ships of the list."
    unsure = "" if call.p > 0.999 else f" Not reviewed: p {call.p:.2f}."
    return {
        "zone_id": zone.zone_id,
        "class": class_name,
        **dict(zip(("arrival_earliest", "arrival_latest", "departure_earliest", "departure_latest"), ends)),
        **dict(
            zip(("length_m", "length_low", "length_high"), (round(x, 1) for x in length) if length else (None, None, None))
        ),
        "looks": len(call.seen),
        "seen": ", ".join(epoch.iso() for epoch in call.seen),
        "p": round(call.p, 3),
        "consistent_with": ", ".join(names),
        "note": f"{size}{_between(call)}{listed}{unsure}",
    }


def _between(call: Call) -> str:
    came, left = call.arrival, call.departure
    arrived = f"between {came[0].day()} and {came[1].day()}" if came[0] else f"by {came[1].day()}"
    gone = f"between {left[0].day()} and {left[1].day()}" if left[1] else f"on {left[0].day()} or later"
    return f"Arrived {arrived}, left {gone}."


def summary_row(zone: ZoneCalls, class_name: str, flow: Flow | None) -> dict[str, Any]:
    """A zone in the fields of the summary table."""
    usable = [look.epoch for look in zone.looks if look.usable]
    chances = {f"missed_{stay:.0f}d": _rounded(zone.missed(stay), 4) for stay in STAYS}
    return {
        "zone_id": zone.zone_id,
        "class": class_name,
        "looks": len(zone.looks),
        "usable": len(usable),
        "first": usable[0].iso() if usable else None,
        "last": usable[-1].iso() if usable else None,
        "longest_gap_days": _rounded(zone.longest_gap[0], 2) if zone.longest_gap else None,
        "at_least": zone.at_least,
        **chances,
        "stay_days": zone.stay,
        "at_most": zone.at_most,
        "most_a_month": _rounded(zone.most_a_month, 2),
        "load_unit": flow.unit if flow else None,
        "flow_low": flow.low if flow else None,
        "flow_high": flow.high if flow else None,
        "note": " ".join(sentences(zone, class_name, flow)),
    }


def sentences(zone: ZoneCalls, class_name: str, flow: Flow | None) -> list[str]:
    """The calls, what may have been missed, and the flow."""
    noun, of = NOUNS.get(class_name, ("stay", f"{class_name.replace('_', ' ')}s"))
    told = [_calls(zone, noun, of), *_missed(zone, noun)]
    if flow:
        told.append(
            f"Flow, if every {noun} carried such a load and lasted {_days(zone.stay)} or longer: {flow.words()}. "
            "What was loaded is not seen."
        )
    return told


def _calls(zone: ZoneCalls, noun: str, of: str) -> str:
    usable = [look.epoch.day() for look in zone.looks if look.usable]
    number, least, gap = len(usable), zone.at_least, zone.longest_gap
    count = f"at least {least} {noun}{'s' * (least > 1)} of {of}" if least else f"no {noun}s of {of} shown"
    looks = f"{number} usable look{'s' * (number != 1)}{f' of {len(zone.looks)}' * (number < len(zone.looks))}"
    when = f" from {usable[0]} to {usable[-1]}" if number else ""
    apart = f", the longest gap {gap[0]:.1f} days from {gap[1].day()}" if gap else ""
    return f"{zone.zone_id}: {count} in {looks}{when}{apart}."


def _missed(zone: ZoneCalls, noun: str) -> list[str]:
    shares = [f"{_days(stay)} {chance:.0%}" for stay in STAYS if (chance := zone.missed(stay)) is not None]
    if not shares:
        return ["Fewer than two usable looks: nothing can be said of what was missed."]
    told = [f"Chance that a {noun} was never seen, by how long it lasted: {', '.join(shares)}."]
    if zone.at_most is None:
        return [*told, f"The looks give no upper bound for {noun}s of {_days(zone.stay)}."]
    most = f"At most {zone.at_most} {noun}s of {_days(zone.stay)} or longer in that time"
    return [*told, f"{most}, and {_rate(zone.most_a_month)} a month in the long run (95 %)."]


def _rate(number: float | None) -> str:
    return "" if number is None else f"{number:.1f}" if number < 10 else f"{number:,.0f}"


def _days(stay: float) -> str:
    return f"{stay:g} day{'s' * (stay != 1)}"


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)
