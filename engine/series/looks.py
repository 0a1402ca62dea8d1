"""From rows of many tallies to series: one a zone, class, unit and source, its looks in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from ..calibration import COUNTED, REVIEWED
from ..epoch import Epoch, read
from ..errors import Refusal
from ..row_draws import small_amount

YEAR_DAYS = 365.25
BY_HAND = "by hand"
PRECISION_DAYS = {"second": 0.0, "day": 1.0, "month": 30.0}

Key = tuple[str, str, str, str]  # zone_id, class, unit, source


@dataclass(frozen=True)
class Series:
    """Looks at one zone, class and unit by one source, in order of time.

    epochs: of every look. estimate, low, high, visible: (N,), NaN where nothing was observed. rows: the tally rows themselves.
    source: "by hand", or the calibration's key (and the sensor, where the tally names one): what is counted in another way has
    errors of its own, so no statistic mixes two sources.
    """

    zone_id: str
    class_name: str
    unit: str
    source: str
    epochs: tuple[Epoch, ...]
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rows: tuple[Mapping[str, Any], ...]

    @property
    def key(self) -> Key:
        """Zone, class, unit and source."""
        return self.zone_id, self.class_name, self.unit, self.source

    @property
    def observed(self) -> np.ndarray:
        """Which looks (N,) saw enough."""
        return np.isfinite(self.estimate)

    @property
    def years(self) -> np.ndarray:
        """Times (N,) in years since 1970, the middle of the day or month where only that is known."""
        return np.array([in_years(middle(epoch)) for epoch in self.epochs])

    @property
    def offset(self) -> float:
        """Added before a logarithm is taken: half an object, or 2 % of the largest measure."""
        return small_amount(self.unit, *(row for row, seen in zip(self.rows, self.observed) if seen))

    def log(self) -> np.ndarray:
        """Logarithms (N,) of the estimates with the offset."""
        return np.log(self.estimate + self.offset)

    def log_sd(self) -> np.ndarray:
        """The sd (N,) of those logarithms that each look's own interval claims."""
        from scipy.special import ndtri

        level = np.array([float(row.get("level") or 0.9) for row in self.rows])
        return (np.log(self.high + self.offset) - np.log(self.low + self.offset)) / (2 * ndtri((1 + level) / 2))


def in_years(when: datetime) -> float:
    """A moment in years since 1970."""
    return when.timestamp() / (YEAR_DAYS * 86400)


def middle(epoch: Epoch) -> datetime:
    """The middle of what is known of the time."""
    return epoch.utc + timedelta(days=PRECISION_DAYS[epoch.precision] / 2)


def series_of(rows: Iterable[Mapping[str, Any]]) -> list[Series]:
    """Series of tally rows (fields of the tally table), of any number of tallies, in the order in which zones and classes come.

    A row without an estimate, or with one but without ends, stays as a look that saw nothing, or is refused. Raises Refusal for
    two rows of one zone, class, unit, source and epoch, and for rows at different levels.
    """
    rows = list(rows)
    levels = sorted({float(row["level"]) for row in rows if row["estimate"] is not None and row.get("level") is not None})
    if len(levels) > 1:
        raise Refusal(
            "TALLIES have different levels ({levels}). Make all with the same LEVEL.",
            levels=", ".join(f"{level:g}" for level in levels),
        )
    sources = _sources(rows)
    gathered: dict[Key, list[tuple[Epoch, Mapping[str, Any]]]] = {}
    for row, source in zip(rows, sources):
        key = (str(row["zone_id"]), str(row["class"]), _unit(row), source)
        gathered.setdefault(key, []).append((read(str(row["epoch"] or ""), "TALLIES: epoch"), row))
    return [_series(key, sorted(looks, key=lambda look: middle(look[0]))) for key, looks in gathered.items()]


def _sources(rows: list[Mapping[str, Any]]) -> list[str]:
    """Where each number comes from; a look that saw nothing belongs to whatever its zone and class were last looked at with."""
    latest: dict[tuple[str, str, str], str] = {}
    sources = []
    for row in rows:
        key = (str(row["zone_id"]), str(row["class"]), _unit(row))
        if row["estimate"] is not None or key not in latest:
            latest[key] = _source(row)
        sources.append(latest[key])
    return sources


def _source(row: Mapping[str, Any]) -> str:
    if row.get("basis") in (COUNTED, REVIEWED):
        return BY_HAND
    return ", ".join(str(row[name]) for name in ("calibration", "sensor") if row.get(name)) or "detected"


def _unit(row: Mapping[str, Any]) -> str:
    return str(row.get("unit") or "objects")


def _series(key: Key, looks: list[tuple[Epoch, Mapping[str, Any]]]) -> Series:
    zone_id, class_name, unit, source = key
    epochs = tuple(epoch for epoch, _ in looks)
    rows = tuple(row for _, row in looks)
    for first, second in zip(epochs, epochs[1:]):
        if first.iso() == second.iso():
            raise Refusal(
                "TALLIES hold zone {zone} twice for {name} in {unit} at {epoch}. Leave one of the two tallies out.",
                zone=zone_id,
                name=class_name,
                unit=unit,
                epoch=first.iso(),
            )
    for row, epoch in zip(rows, epochs):
        if row["estimate"] is not None and None in (row.get("low"), row.get("high")):
            raise Refusal(
                "TALLIES: zone {zone} at {epoch} has an estimate without low and high. Make it with rason:tally.",
                zone=zone_id,
                epoch=epoch.iso(),
            )
    values = {
        name: np.array([np.nan if row[name] is None else float(row[name]) for row in rows])
        for name in ("estimate", "low", "high")
    }
    return Series(zone_id, class_name, unit, source, epochs, values["estimate"], values["low"], values["high"], rows)
