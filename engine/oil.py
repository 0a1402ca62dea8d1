"""How much oil a number of tank cars may carry: tonnes and barrels, if they carry oil products, with every assumption stated.

What is in a car cannot be seen from outside; how full it is cannot, either. So a number without a stated fill is refused, and with
an unknown fill there is an upper bound and no estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import Refusal
from .intervals import two_sided
from .rules import rules
from .tanks import TANK_CAR

BARREL_M3 = 0.158987294928  # 42 US gallons of 231 cubic inches
# Carrying load of four-axle tank cars of 1520 mm: 66.0 t for model 15-1547-03 (layers/data/object_dimensions.csv); 60 t is
# the class of the older ones.
CAPACITY_T = 60.0, 66.0
DENSITY = 730.0, 860.0  # kg/m3, from light petrol to heavy diesel
SIZE = 20_000
DIGITS = 3  # of a number whose assumptions hold to a tenth


@dataclass(frozen=True)
class Assumptions:
    """What one tank car holds: (low, high) of its carrying load in tonnes, of the share filled and of the product's density.

    Each is the mean over the cars: what it is cannot be told, so all cars share one draw of it, evenly over the range. fill None:
    unknown. Raises Refusal for ranges that cannot be.
    """

    fill: tuple[float, float] | None
    capacity_t: tuple[float, float] = CAPACITY_T
    density: tuple[float, float] = DENSITY

    def __post_init__(self) -> None:
        _check("CAPACITY", self.capacity_t, 10, 200, "tonnes a car")
        _check("DENSITY", self.density, 500, 1100, "kg/m3")
        if self.fill is not None:
            _check("FILL", self.fill, 0, 1, "a share from 0 to 1")

    def words(self) -> str:
        """The assumptions in a sentence."""
        fill = "filled to an unknown part" if self.fill is None else f"filled {_span(self.fill, '.0%')}"
        return (
            f"if they carry oil products and are {fill}; {_span(self.capacity_t)} t a full car, {_span(self.density)} kg/m3"
        ).replace("%", " %")


def _span(ends: tuple[float, float], how: str = "g") -> str:
    """ "60 to 66", or "60" where both ends are the same."""
    low, high = (format(end, how) for end in ends)
    return low if low == high else f"{low} to {high}"


def _check(name: str, ends: tuple[float, float], least: float, most: float, unit: str) -> None:
    low, high = ends
    if not least <= low <= high <= most:
        raise Refusal(
            "{name}_LOW {low:g} and {name}_HIGH {high:g} are no range of {unit} ({least:g} to {most:g}): low comes first.",
            name=name,
            low=low,
            high=high,
            unit=unit,
            least=least,
            most=most,
        )


@dataclass(frozen=True)
class Shared:
    """Draws (S,) that all zones have in common: tonnes a full car, fill, m3 a tonne, and how far the counts are off."""

    load_t: np.ndarray
    fill: np.ndarray
    volume: np.ndarray
    z: np.ndarray

    @classmethod
    def make(cls, assumed: Assumptions, seed: int = 0, size: int = SIZE) -> Shared:
        """The same for the same seed."""
        rng = np.random.default_rng([int(seed), 11])
        fill = assumed.fill or (0.0, 1.0)
        return cls(
            rng.uniform(*assumed.capacity_t, size),
            rng.uniform(*fill, size),
            1000 / rng.uniform(*assumed.density, size),
            rng.standard_normal(size),
        )

    def tonnes(self, cars: np.ndarray) -> np.ndarray:
        """Draws (S,) of the load of draws (S,) of a number of cars."""
        return cars * self.load_t * self.fill

    def barrels(self, cars: np.ndarray) -> np.ndarray:
        """The same in barrels."""
        return self.tonnes(cars) * self.volume / BARREL_M3


def oil(
    rows: Sequence[dict[str, Any]], assumed: Assumptions, *, seed: int = 0
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Tally rows in tonnes and barrels for rows of tank cars, and {unit: (estimate, low, high)} of them all; None where none is observed.

    rows: of unit "objects", with estimate, low, high and level; not observed ones stay so. Zones share the draws of the load
    and how far their counts are off (they come from one scene or one observer), so the total is no narrower than they are.
    """
    shared = Shared.make(assumed, seed)
    out: list[dict[str, Any]] = []
    sums = {"t": np.zeros(SIZE), "bbl": np.zeros(SIZE)}
    bounds = {"t": 0.0, "bbl": 0.0}
    seen = [row for row in rows if row["estimate"] is not None]
    for row in rows:
        known = row["estimate"] is not None
        cars = _cars(row, shared) if known else None
        for unit, draw in (("t", shared.tonnes), ("bbl", shared.barrels)):
            ends: tuple[float | None, float | None, float | None] = (None, None, None)
            if cars is not None and assumed.fill is None:
                bounds[unit] += _most(row["high"], unit, assumed)
                ends = None, 0.0, _rounded(_most(row["high"], unit, assumed), np.ceil)
            elif cars is not None:
                draws = draw(cars)
                sums[unit] += draws
                ends = _ends(draws, row["level"])
            out.append(_row(row, unit, ends, assumed))
    if not seen:
        return out, dict.fromkeys(sums)
    if assumed.fill is None:
        return out, {unit: (None, 0.0, _rounded(bound, np.ceil)) for unit, bound in bounds.items()}
    return out, {unit: _ends(draws, seen[0]["level"]) for unit, draws in sums.items()}


def _most(cars: float, unit: str, assumed: Assumptions) -> float:
    """What so many cars hold at most: full, with the largest load, of the lightest product."""
    tonnes = cars * assumed.capacity_t[1]
    return tonnes if unit == "t" else tonnes * 1000 / assumed.density[0] / BARREL_M3


def stated(low: float, high: float, level: float, zone_id: str = "stated") -> dict[str, Any]:
    """The row of a number of tank cars that someone else gives as a range. Raises Refusal where it is none."""
    if not 0 <= low <= high:
        raise Refusal(
            "CARS_LOW {low:g} and CARS_HIGH {high:g} are no range: give two numbers of 0 or more, low first.",
            low=low,
            high=high,
        )
    return {
        "zone_id": zone_id, "class": TANK_CAR, "detected": None, "estimate": (low + high) / 2, "low": low, "high": high,
        "level": level, "visible_fraction": None, "basis": "counted", "unit": "objects", "even": True, "note": "stated number of cars",
    }  # fmt: skip


def _cars(row: dict[str, Any], shared: Shared) -> np.ndarray:
    """Draws of the number of cars: even over a stated range, else as the row's interval says."""
    if row.get("even"):
        from scipy.special import ndtr

        return row["low"] + (row["high"] - row["low"]) * ndtr(shared.z)
    return two_sided(row["estimate"], row["low"], row["high"], row["level"], shared.z)


def _ends(draws: np.ndarray, level: float) -> tuple[float | None, float, float]:
    """Estimate, low and high, ends rounded outwards."""
    tail = (1 - level) / 2
    low, middle, high = (float(q) for q in np.quantile(draws, [tail, 0.5, 1 - tail]))
    return _rounded(middle, np.rint), _rounded(low, np.floor), _rounded(high, np.ceil)


def _rounded(value: float, how: Any) -> float:
    """To three digits, and to whole numbers."""
    if value <= 0:
        return 0.0
    step = 10.0 ** max(0, int(np.floor(np.log10(value))) + 1 - DIGITS)
    return float(how(value / step - 1e-9 * (how is np.ceil)) * step)


def _row(row: dict[str, Any], unit: str, ends: tuple[float | None, ...], assumed: Assumptions) -> dict[str, Any]:
    at_most = "upper bound only, the fill is unknown" if assumed.fill is None and ends[2] is not None else ""
    notes = (assumed.words(), at_most, str(row.get("note") or ""))
    kept = {key: row.get(key) for key in ("zone_id", "scene", "epoch", "level", "visible_fraction", "basis")}
    return {
        **kept, "class": TANK_CAR, "unit": unit, "detected": None, "estimate": ends[0], "low": ends[1], "high": ends[2],
        "exposure": None, "calibration": "", "rules": rules(TANK_CAR, unit), "note": ". ".join(note for note in notes if note),
    }  # fmt: skip
