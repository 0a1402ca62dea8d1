"""How many objects really came and went: what appeared and disappeared, less what the errors of both counts make up.

A count that misses some objects sees a standing object appear where it was missed first, and disappear where it is missed next;
doubles and false detections appear and disappear as well. With recall r, N standing objects make r(1 - r)N of each
(ALGORITHMS 2.3): as many as real turnover, often. Measured in bench/turnover.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from .calibration import UNCALIBRATED, UNCALIBRATED_SD, Calibration
from .row_draws import Drawer, Row, visible_share
from .tally import LEAST_VISIBLE, SceneDraws
from .words import APPEARED, DISAPPEARED, MOVED, NOT_OBSERVABLE, STAYED

SIZE = 20_000

Counts = Mapping[str, int]  # number of objects by word of change
Number = tuple[int, int, int]  # estimate, low and high


@dataclass(frozen=True)
class Turnover:
    """One zone and class between two epochs.

    counts: objects by word. by_error: how many the errors of both counts alone would make appear (1) and disappear (2);
    came, went: how many really did, those missed at their own epoch included.
    """

    zone_id: str
    class_name: str
    level: float
    counts: Counts
    appeared_by_error: Number
    disappeared_by_error: Number
    came: Number
    went: Number

    def row(self) -> dict[str, object]:
        """The fields of the turnover table, epochs left to the caller."""
        numbers = {name: getattr(self, name) for name in ("appeared_by_error", "disappeared_by_error", "came", "went")}
        spread = {
            f"{name}{end}": value for name, number in numbers.items() for end, value in zip(("", "_low", "_high"), number)
        }
        words = (APPEARED, DISAPPEARED, MOVED, STAYED, NOT_OBSERVABLE)
        named = {word.replace(" ", "_"): self.counts.get(word, 0) for word in words}
        return {"zone_id": self.zone_id, "class": self.class_name, "level": self.level, **named, **spread}

    def sentence(self, noun: str) -> str:
        """What can be said of these two days."""
        c = self.counts
        kept = c.get(STAYED, 0) + c.get(MOVED, 0)
        one = noun.rstrip("s")

        def number(count: int) -> str:
            return f"{count or 'no'} {one if count == 1 else noun}"

        return (
            f"Zone {self.zone_id}: {number(c.get(APPEARED, 0))} appeared, where errors of the two counts alone make about "
            f"{_told(self.appeared_by_error)}; {number(c.get(DISAPPEARED, 0))} disappeared, where they make about "
            f"{_told(self.disappeared_by_error)}; {number(kept)} stayed or moved. So between these two days about "
            f"{_told(self.came)} came and about {_told(self.went)} went, at least: one replaced by another of its size in its place "
            "counts as stayed."
        )


def _told(number: Number) -> str:
    return "{:,} ({:,} to {:,})".format(*number)


def turnovers(
    rows_1: Iterable[Row],
    rows_2: Iterable[Row],
    counts: Mapping[tuple[str, str], Counts],
    calibrations: Iterable[Calibration] = (),
    *,
    seed: int = 0,
    size: int = SIZE,
) -> list[Turnover]:
    """One for each (zone_id, class) that both tallies counted in objects and saw.

    rows, calibrations: as for ``compare.compare``. counts: objects by word of change for each (zone_id, class).
    Rows whose calibration is not known are taken as uncalibrated.
    """
    drawer = Drawer(calibrations, seed, size)
    first, second = ({(str(r["zone_id"]), str(r["class"])): r for r in rows if _counted(r)} for rows in (rows_1, rows_2))
    return [
        _turnover(key, first[key], second[key], counts.get(key, {}), drawer, np.random.default_rng([seed, 11, number]))
        for number, key in enumerate(first)
        if key in second
    ]


def _counted(row: Row) -> bool:
    return (
        (row.get("unit") or "objects") == "objects"
        and row.get("detected") is not None
        and visible_share(row) >= LEAST_VISIBLE
    )


def _turnover(
    key: tuple[str, str], first: Row, second: Row, counts: Counts, drawer: Drawer, rng: np.random.Generator
) -> Turnover:
    rough = UNCALIBRATED in (first.get("basis"), second.get("basis"))
    scenes = [
        drawer.scene_or_prior(row, epoch, UNCALIBRATED_SD if rough else 0.0) for epoch, row in ((1, first), (2, second))
    ]
    false = [_false(row, scene, rng) for row, scene in zip((first, second), scenes)]
    kept = counts.get(STAYED, 0) + counts.get(MOVED, 0)
    level = float(first["level"])
    # standing objects that the other epoch found and this one missed, for the `kept` that both found
    appeared = rng.negative_binomial(kept + 0.5, scenes[0].recall) + false[1]
    disappeared = rng.negative_binomial(kept + 0.5, scenes[1].recall) + false[0]
    return Turnover(
        *key,
        level,
        counts,
        _number(appeared, level),
        _number(disappeared, level),
        _real(counts.get(APPEARED, 0), appeared, scenes[1], level, rng),
        _real(counts.get(DISAPPEARED, 0), disappeared, scenes[0], level, rng),
    )


def _false(row: Row, scene: SceneDraws, rng: np.random.Generator) -> np.ndarray:
    """Draws of how many of a row's detections are doubles or false, as if each were so at one epoch only."""
    detected, ground = float(row["detected"]), float(row.get("exposure") or 0) * visible_share(row)
    _, false, double = scene.errors(detected, ground, rng)
    return false + double


def _real(seen: int, by_error: np.ndarray, scene: SceneDraws, level: float, rng: np.random.Generator) -> Number:
    """How many came, where ``seen`` appeared: those not by error, and the missed ones beside them.

    Draws in which errors alone make more than was seen count as nothing and are not left out: with them left out an interval
    held "none came" in 18 to 58 % of simulated pairs in which none did. Where none appeared, some may have been missed.
    """
    real = np.maximum(seen - by_error, 0)
    middle, low, high = _number(real + rng.negative_binomial(real + 0.5, scene.recall), level)
    return middle, low, high if seen else max(high, scene.unseen((1 - level) / 2, 1.0))


def _number(draws: np.ndarray, level: float) -> Number:
    tail = (1 - level) / 2
    low, middle, high = (int(q) for q in np.quantile(draws, [tail, 0.5, 1 - tail], method="inverted_cdf"))
    return middle, low, high
