"""Published numbers and dated events, as the reference layers hold them, for charts beside what was counted."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ..engine.errors import Refusal
from . import bridge, lazy

chart, looks = (lazy.engine(name) for name in ("series.chart", "series.looks"))

# What publishers call our classes.
CLASSES = {
    "freight_wagon": "freight_car",
    "tank_wagon": "tank_car",
    "container": "container",
    "ship": "ship",
    "freight_car": "freight_car",
    "tank_car": "tank_car",
}
LONGEST_DAYS = 3  # a number that holds for longer is a total or a bound over that time, not a count of one look


def reported(algorithm, parameters, name, context):
    """Published numbers of a table; those over a stretch of time are not drawn, but told."""
    return [
        chart.Reported(
            first, last, float(number), CLASSES.get(str(row["object_class"]), ""), _told(row),
            drawn=last - first <= LONGEST_DAYS / looks.YEAR_DAYS and str(row["object_class"]) in CLASSES,
        )
        for row in _rows(algorithm, parameters, name, context, ("date_from", "object_class", "number"),
                         ("date_to", "qualifier", "place", "publisher", "basis"))
        for first, last in [_dates(algorithm, row, name)]
        for number in [row["number"]]
        if number is not None
    ]  # fmt: skip


def events(algorithm, parameters, name, context):
    """Events of a table."""
    rows = _rows(algorithm, parameters, name, context, ("date_from", "title"), ("date_to",))
    return [
        chart.Event(*_dates(algorithm, row, name), f"{row['date_from']}  {row['title']}")
        for row in sorted(rows, key=lambda row: str(row["date_from"]))
    ]


def _rows(algorithm, parameters, name, context, needed, others):
    source = algorithm.parameterAsSource(parameters, name, context)
    if source is None:
        return []
    columns = {key: bridge.field_index(source.fields(), key) for key in (*needed, *others)}
    missing = [key for key in needed if columns[key] < 0]
    if missing:
        raise Refusal(algorithm.tr("{} lacks the fields {}. Give a table like those of the reference layers.").format(
            name, ", ".join(missing)))  # fmt: skip
    return [
        {key: bridge.value(feature, index) if index >= 0 else None for key, index in columns.items()}
        for feature in source.getFeatures()
    ]


def _told(row):
    days = " to ".join(dict.fromkeys(str(row[key]) for key in ("date_from", "date_to") if row[key]))
    parts = [
        str(row[key])
        for key in ("qualifier", "number", "object_class", "place", "publisher", "basis")
        if row[key] not in (None, "")
    ]
    return f"{days}: {', '.join(part.replace('_', ' ') for part in parts)}"


def _dates(algorithm, row, name):
    """First and last moment as years since 1970; a month or year alone means all of it."""
    first = _ends(algorithm, str(row["date_from"]), name)
    last = _ends(algorithm, str(row.get("date_to") or row["date_from"]), name)
    return tuple(looks.in_years(when) for when in (first[0], last[1]))


def _ends(algorithm, text, name):
    """The first and the last moment of a year, a month or a day."""
    try:
        year, month, day = (int(part) for part in (*text.strip()[:10].split("-"), "0", "0")[:3])
        first = datetime(year, month or 1, day or 1, tzinfo=timezone.utc)
    except ValueError:
        raise Refusal(
            algorithm.tr("{}: '{}' is no date. Write it like 2023-10-12, 2023-10 or 2023.").format(name, text)
        ) from None
    if day:
        return first, first + timedelta(days=1)
    return first, datetime(year + 1, 1, 1, tzinfo=timezone.utc) if not month else (first + timedelta(days=32)).replace(day=1)
