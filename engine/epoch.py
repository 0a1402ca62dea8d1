"""When a scene was taken: UTC with its precision, shown in UTC and in Pyongyang's time of that date."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from .errors import NoAcquisitionTime, Refusal

PRECISIONS = ("second", "day", "month")

# Pyongyang's clock went back half an hour on 2015-08-15 and forward again on 2018-05-05 00:00 (tzdata, Asia/Pyongyang).
_HALF_HOUR = (datetime(2015, 8, 14, 15, tzinfo=timezone.utc), datetime(2018, 5, 4, 15, tzinfo=timezone.utc))

# Where files say when the picture was taken, most trustworthy first: (metadata domain, key).
_SOURCES = (
    ("IMAGERY", "ACQUISITIONDATETIME"),
    ("", "ACQUISITIONDATETIME"),
    ("", "DATATAKE_1_DATATAKE_SENSING_START"),
    ("", "PRODUCT_START_TIME"),
    ("", "NITF_IDATIM"),
    ("", "TIFFTAG_DATETIME"),
)
_PATTERN = re.compile(
    r"^(?P<year>\d{4})[-:/]?(?P<month>\d{2})(?:[-:/]?(?P<day>\d{2})"
    r"(?:[T ]?(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,]\d+)?)?)?)?"
    r"\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?$",
    re.IGNORECASE,
)
_EARLIEST = datetime(1970, 1, 2, tzinfo=timezone.utc)  # 1970-01-01 is a placeholder


@dataclass(frozen=True)
class Epoch:
    """An acquisition time. utc: aware datetime, the start of the day or month where only that is known."""

    utc: datetime
    precision: str = "second"
    source: str = ""
    warning: str = ""

    def iso(self) -> str:
        """ISO 8601 in UTC with Z, as long as the precision: 2023-10-12T02:05:00Z, 2023-10-12 or 2023-10."""
        return self.utc.strftime({"second": "%Y-%m-%dT%H:%M:%SZ", "day": "%Y-%m-%d", "month": "%Y-%m"}[self.precision])

    def day(self) -> str:
        """The day in UTC, or the month where only that is known."""
        return self.utc.strftime("%Y-%m" if self.precision == "month" else "%Y-%m-%d")

    def pyongyang(self) -> datetime:
        """The same instant on Pyongyang's clock of that date."""
        return self.utc.astimezone(timezone(pyongyang_offset(self.utc)))

    def label(self) -> str:
        """For people: "2023-10-12 02:05 UTC (11:05 in Pyongyang)", or the day or month alone."""
        if self.precision != "second":
            return self.iso()
        local = self.pyongyang()
        day = "" if local.date() == self.utc.date() else f" on {local:%Y-%m-%d}"
        return f"{self.utc:%Y-%m-%d %H:%M} UTC ({local:%H:%M}{day} in Pyongyang)"


def pyongyang_offset(utc: datetime) -> timedelta:
    """UTC+8:30 from 2015-08-15 to 2018-05-04, else UTC+9 (since 1961)."""
    return timedelta(hours=8, minutes=30) if _HALF_HOUR[0] <= utc < _HALF_HOUR[1] else timedelta(hours=9)


def parse(text: str, *, source: str = "", now: datetime | None = None) -> Epoch | None:
    """Read a time as files and people write it; None for placeholders (zeros, 1970-01-01, the future) and for no time.

    A time without zone is taken as UTC, with a warning.
    """
    match = _PATTERN.match(text.strip())
    if not match:
        return None
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"] or 1)
    precision = "second" if match["hour"] else "day" if match["day"] else "month"
    try:
        clock = int(match["hour"] or 0), int(match["minute"] or 0), min(int(match["second"] or 0), 59)
        when = datetime(year, month, day, *clock, tzinfo=_zone(match["zone"]))
    except ValueError:
        return None
    if when < _EARLIEST or when > (now or datetime.now(timezone.utc)):
        return None
    bare = precision == "second" and not match["zone"]
    return Epoch(
        when.astimezone(timezone.utc),
        precision,
        source,
        f"The time {text.strip()} names no zone: taken as UTC." if bare else "",
    )


def with_precision(epoch: Epoch, precision: str) -> Epoch:
    """The same epoch known only to the day or month."""
    utc = epoch.utc
    if precision in ("day", "month"):
        utc = utc.replace(hour=0, minute=0, second=0, microsecond=0)
    if precision == "month":
        utc = utc.replace(day=1)
    return Epoch(utc, precision, epoch.source, "" if precision != "second" else epoch.warning)


def from_metadata(metadata: Mapping[str, Mapping[str, str]]) -> Epoch | None:
    """The acquisition time of a file's metadata {domain: {key: value}}, or None."""
    for domain, key in _SOURCES:
        epoch = parse(metadata.get(domain, {}).get(key, ""), source=key)
        if epoch and key == "TIFFTAG_DATETIME":
            note = "The time comes from TIFFTAG_DATETIME, which some programs set to the time of processing: check it."
            return Epoch(epoch.utc, epoch.precision, key, f"{note} {epoch.warning}".strip())
        if epoch:
            return epoch
    return None


def required(given: Epoch | None, metadata: Mapping[str, Mapping[str, str]], name: str) -> Epoch:
    """The epoch given, or the file's; raises NoAcquisitionTime with the way to give one."""
    epoch = given or from_metadata(metadata)
    if epoch is None:
        raise NoAcquisitionTime(
            "{name} does not say when it was taken. Give EPOCH, for example 2023-10-12T02:05:00Z (a release date "
            "is not an acquisition time).",
            name=name,
        )
    return epoch


def read(text: str, name: str = "EPOCH") -> Epoch:
    """An epoch from stored text; raises Refusal where it is none."""
    epoch = parse(text or "", source=name)
    if epoch is None:
        raise Refusal(
            "{name}: '{text}' is no acquisition time. Write it like 2023-10-12T02:05:00Z, 2023-10-12 or 2023-10.",
            name=name,
            text=text,
        )
    return epoch


def may_be_one(first: Epoch, second: Epoch) -> bool:
    """Whether two epochs are the same as far as they are known, so that nobody can say which was first: a day and an hour of it."""
    short, long = sorted((first.iso(), second.iso()), key=len)
    return long.startswith(short)


def _zone(text: str | None) -> timezone:
    if not text or text.upper() in ("Z", "UTC"):
        return timezone.utc
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
