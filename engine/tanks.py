"""Tank cars among the freight cars of a zone: a count of one type, with the type's own uncertainty."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .detections import Detections
from .intervals import two_sided
from .rules import rules
from .zones import Zone

TANK, EMPTY_FLAT, LOCOMOTIVE, COACH = "tank", "empty flat", "locomotive", "coach"
TANK_CAR, FREIGHT_CAR = "tank_car", "freight_car"
TYPES = ("box", "gondola", "hopper", TANK, "flat", "container flat", EMPTY_FLAT, LOCOMOTIVE, COACH)

# Cars of one train look alike, so they are mistyped together: the sd, on the logit, of what their chances have in common.
# Not calibrated; 1 lets a chance of .8 be .6 or .92 for the whole scene.
SHARED_SD = 1.0
UNSTATED_P = 0.7  # for a type without a probability: better than not, and no more
UNTYPED_WEIGHT = 4.0  # cars without a type are tank cars as often as typed ones, known as well as from four cars
# Where a detector leaves cars without a type, these may still be tank cars: simulated ones were told two times in five, real
# ones never (bench/results/wagon_types.json), so that any share told is as likely as any other.
TOLD_SHARE = 1.0, 1.0  # of a beta distribution
SIZE = 4000


def tank_rows(
    cars: Detections, zones: Sequence[Zone], counted: dict[str, dict[str, Any]], *, certain: bool = False, seed: int = 0
) -> list[dict[str, Any]]:
    """One tally row of class tank_car for each zone whose row of freight cars (by zone_id) is observed.

    cars: freight cars with type_name and type_p. Where none of the scene is typed as a tank car there are no rows. certain: types without a probability were
    given by a person.
    """
    if not (cars.type_name == TANK).any():
        return []
    return [
        tank_row(cars.select(zone.holds(cars.x, cars.y)), counted[zone.zone_id], certain=certain, seed=seed)
        for zone in zones
        if zone.zone_id in counted
    ]


def tank_row(cars: Detections, row: dict[str, Any], *, certain: bool, seed: int) -> dict[str, Any]:
    """The row of tank cars of one zone, from its freight cars and their row."""
    own = {**row, "class": TANK_CAR, "calibration": "", "exposure": None, "rules": rules(TANK_CAR, "objects")}
    if row["estimate"] is None:
        return own
    rng = np.random.default_rng([seed, 9, zlib.crc32(str(row["zone_id"]).encode())])
    tail = (1 - row["level"]) / 2
    all_cars = two_sided(row["estimate"], row["low"], row["high"], row["level"], rng.standard_normal(SIZE))
    detected = int((cars.type_name == TANK).sum())
    if len(cars):
        tanks = drawn_tanks(cars, certain, rng)
        # what was missed, or found twice, is of the same mix as what was found
        draws = np.rint(tanks * all_cars / len(cars))
    else:
        draws = all_cars
    low, middle, high = (float(q) for q in np.quantile(draws, [tail, 0.5, 1 - tail], method="inverted_cdf"))
    high = max(high, float(detected), 1.0)
    estimate = min(max(middle, low), high) if len(cars) else 0.0
    note = "" if certain else "types are not calibrated; how many tank cars are not told as such is not known"
    return {
        **own,
        "detected": float(detected),
        "estimate": estimate,
        "low": min(low, estimate) if detected else 0.0,
        "high": high,
        "note": ". ".join(text for text in (str(row.get("note") or ""), note) if text),
    }


def drawn_tanks(cars: Detections, certain: bool, rng: np.random.Generator, size: int = SIZE) -> np.ndarray:
    """Draws (size,) of how many of the cars are tank cars."""
    p = chances(cars, certain)
    typed = np.array([bool(name) for name in cars.type_name])
    sure = (p <= 0) | (p >= 1)
    logit = np.log(np.clip(p, 1e-9, 1) / np.clip(1 - p, 1e-9, 1))
    shared = rng.standard_normal((size, 1)) * SHARED_SD
    varied = np.where(sure, p, 1 / (1 + np.exp(-(logit + shared))))
    if (
        not typed.all() and not certain
    ):  # a detector tells some types better than others: no share of the typed is that of the rest
        told = (rng.random((size, int(typed.sum()))) < varied[:, typed]).sum(1)
        untold = rng.negative_binomial(told + 0.5, rng.beta(*TOLD_SHARE, size).clip(1e-3, 1))
        return told + np.minimum(untold, int((~typed).sum()))
    if not typed.all():
        share = p[typed].mean() if typed.any() else 0.5
        mix = rng.beta(0.5 + UNTYPED_WEIGHT * share, 0.5 + UNTYPED_WEIGHT * (1 - share), (size, 1))
        varied = np.where(typed, varied, mix)
    return (rng.random((size, len(cars))) < varied).sum(1)


def chances(cars: Detections, certain: bool) -> np.ndarray:
    """Chance (N,) that each car is a tank car: its type's probability, or an even part of what another type leaves."""
    p = np.where(np.isfinite(cars.type_p), cars.type_p, 1.0 if certain else UNSTATED_P).clip(0, 1)
    return np.where(cars.type_name == TANK, p, (1 - p) / (len(TYPES) - 1))
