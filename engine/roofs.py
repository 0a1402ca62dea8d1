"""Roofs that stood on a date hide what is under them."""

from __future__ import annotations

from datetime import datetime, timedelta

from .epoch import Epoch, parse
from .errors import Refusal


def stood(date_from: str, date_to: str, epoch: Epoch, name: str = "ROOFS") -> bool:
    """Whether a roof may have stood at an epoch: from and to are days, months or empty (always, and still).

    In doubt it stood: what may lie under a roof counts as hidden. Raises Refusal for dates that cannot be read.
    """
    first, last = _span(epoch)
    begins = _ends(date_from, name)[0] if date_from else None
    ends = _ends(date_to, name)[1] if date_to else None
    return (begins is None or begins <= last) and (ends is None or ends >= first)


def _ends(text: str, name: str) -> tuple[datetime, datetime]:
    # a year alone is read as its months
    found = [parse(part, source=name) for part in ([f"{text}-01", f"{text}-12"] if len(text) == 4 else [text])]
    if None in found:
        raise Refusal(
            "{name}: '{text}' is no date. Write date_from and date_to like 2023-07-18, 2023-07 or 2023.",
            name=name,
            text=text,
        )
    return _span(found[0])[0], _span(found[-1])[1]  # type: ignore[arg-type]


def _span(epoch: Epoch) -> tuple[datetime, datetime]:
    """First and last instant that an epoch of this precision may mean."""
    start = epoch.utc
    if epoch.precision == "day":
        return start, start + timedelta(days=1) - timedelta(seconds=1)
    if epoch.precision == "month":
        following = (start.replace(day=28) + timedelta(days=4)).replace(day=1)
        return start, following - timedelta(seconds=1)
    return start, start
