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
    return [s.name for s in ships if abs(s.length_m - known[0]) <= reach and s.since <= last and s.until >= first]


def call_rows(zone: ZoneCalls, class_name: str, ships: Sequence[Ship]) -> list[dict[str, Any]]:
    """One row a call, in the fields of the calls table."""
    return [_row(zone, class_name, ships, call) for call in zone.calls]


def _row(zone: ZoneCalls, class_name: str, ships: Sequence[Ship], call: Call) -> dict[str, Any]:
    length = call.length(zone.error.length_sd_m)
    names = consistent(call, ships, zone.error)
    ends = [epoch.iso() if epoch else None for epoch in (*call.arrival, *call.departure)]
    size = "" if length is None else f"{length[0]:.0f} m long ({length[1]:.0f} to {length[2]:.0f}). "
    listed = "" if not ships else f" Consistent with {len(names)} of {len(ships)} ships of the list."
    unsure = "" if call.p > 0.999 else f" Not reviewed: p {call.p:.2f}."
    return {
        "zone_id": zone.zone_id,
        "class": class_name,
        **dict(zip(("arrival_earliest", "arrival_latest", "departure_earliest", "departure_latest"), ends)),
        **dict(
            zip(("length_m", "length_low", "length_high"), (round(x, 1) for x in length) if length else (None, None, None))
        ),
        "looks": len(call.days),
        "p": round(call.p, 3),
        "consistent_with": ", ".join(names),
        "note": f"{size}{_between(call)}{listed}{unsure}",
    }


def _between(call: Call) -> str:
    came, left = call.arrival, call.departure
    arrived = f"between {came[0].label()} and {came[1].label()}" if came[0] else f"by {came[1].label()}"
    gone = f"between {left[0].label()} and {left[1].label()}" if left[1] else f"after {left[0].label()}"
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
        "longest_gap_days": _rounded(zone.longest_gap_days, 2),
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
    told = [_calls(zone, *NOUNS.get(class_name, ("stay", f"{class_name.replace('_', ' ')}s"))), *_missed(zone)]
    if flow:
        told.append(f"Flow, if every call carried such a load: {flow.words()}. What was loaded is not seen.")
    return told


def _calls(zone: ZoneCalls, noun: str, of: str) -> str:
    usable = [look.epoch.day() for look in zone.looks if look.usable]
    number = len(usable)
    looks = f"{number} usable look{'s' * (number != 1)}{f' of {len(zone.looks)}' * (number < len(zone.looks))}"
    when = f" from {usable[0]} to {usable[-1]}" if number else ""
    gap = f", {zone.longest_gap_days:.1f} days apart at most" if zone.longest_gap_days else ""
    least = zone.at_least
    count = f"at least {least} {noun}{'s' * (least > 1)} of {of}" if least else f"no {noun}s of {of} shown"
    return f"{zone.zone_id}: {count} in {looks}{when}{gap}."


def _missed(zone: ZoneCalls) -> list[str]:
    chances = [zone.missed(stay) for stay in STAYS]
    if chances[0] is None:
        return ["Fewer than two usable looks: nothing can be said of what was missed."]
    shares = ", ".join(f"{stay:.0f} day{'s' * (stay > 1)} {chance:.0%}" for stay, chance in zip(STAYS, chances))
    told = [f"Chance that a call was never seen, by its length: {shares}."]
    most, stay = zone.at_most, f"{zone.stay:g} day{'s' * (zone.stay != 1)}"
    if most is None:
        told.append(f"The looks give no upper bound for calls of {stay}.")
    else:
        told.append(
            f"At most {most} of {stay} or longer in that time, and {zone.most_a_month:.2g} a month in the long run (95 %)."
        )
    return told


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)
