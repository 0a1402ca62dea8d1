"""Why the interval is that wide: from what was detected in the zones of one scene to what is there, with its range.

Everything is done on draws that the zones of one scene share, because its conditions move all of them together.
Source: ALGORITHMS 2.1 steps 5 to 8; measured in bench/coverage.py.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .calibration import COUNTED, HAND_UPWARD, REVIEWED, UNCALIBRATED, Calibration, CalibrationDraws, Trust, hand_draws, pick
from .classes import CLASSES
from .errors import Refusal

LEAST_RECALL = 0.001  # labels that hold doubles alone would say that nothing is ever found
LEAST_VISIBLE = 0.5  # below this a zone is not observed
# Objects stand in stacks and trains: the hidden part is drawn as if the zone were this many blocks, each seen or hidden as a
# whole, whose fill varies as much as its mean (a Poisson scale-up covered 66 % of a nominal 90 %, ALGORITHMS 2.4).
BLOCKS = 10
FOUND_LIMITS = 0.02, 50.0  # found / true: beyond it a detector is not one
RATES = 500  # points of the distribution of false detections per unit of ground

# Relative sd of what is measured instead of counted, and the least amount that can go unseen. Real strips gave an occupied
# length 14 to 19 % off and container footprints 28 to 31 % off (docs/ACCURACY.md); not calibrated, so kept wide.
MEASURES = {"m": (0.20, 10.0), "m2": (0.30, 30.0), "share": (0.30, 0.05)}
UNITS = ("objects", "TEU", *MEASURES)


@dataclass(frozen=True)
class SceneDraws:
    """What the zones of one scene share, draw by draw (S,).

    recall: chance that an object is found. true_share: chance that a find on an object is not a double. rate: quantiles
    (RATES,), rising, of the false detections per unit of ground. by_hand: a person's count.
    """

    recall: np.ndarray
    true_share: np.ndarray
    rate: np.ndarray
    by_hand: bool

    @classmethod
    def make(cls, shared: CalibrationDraws, seed: Sequence[int], site_sd: float = 0.0, least_sd: float = 0.0) -> SceneDraws:
        """One scene: its own effect, with the sd between scenes (at least ``least_sd``) widened by ``site_sd``."""
        rng = np.random.default_rng([*seed, 5])
        z = rng.standard_normal(len(shared))
        if shared.by_hand:
            z = np.where(z > 0, HAND_UPWARD * z, z)
        sd = np.maximum(np.hypot(shared.tau, site_sd), least_sd)
        found = np.exp(-(shared.mu + z * sd)).clip(*FOUND_LIMITS)
        recall = np.clip(found * shared.true_share, LEAST_RECALL, 0.9995)
        return cls(recall, np.minimum(recall / found, 1.0), _rates(shared, rng), shared.by_hand)

    def seen(self, detected: float, exposure: float, rng: np.random.Generator) -> np.ndarray:
        """Draws (S,) of the number of objects on ``exposure`` of visible ground where ``detected`` were found."""
        whole, false, double = self.errors(detected, exposure, rng)
        true = whole - false - double
        return true + rng.negative_binomial(true + 0.5, self.recall)

    def errors(
        self, detected: float, exposure: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draws (S,) of the detections, and of those among them that are false and that are doubles."""
        whole = np.floor(detected + rng.random(len(self.recall))).astype(np.int64)  # a sum of probabilities is a fraction
        false = self._false(detected, whole, exposure, rng)
        return whole, false, whole - false - rng.binomial(whole - false, self.true_share)

    def _false(self, detected: float, whole: np.ndarray, exposure: float, rng: np.random.Generator) -> np.ndarray:
        """Draws of the detections on empty ground: Poisson, given that there were no more of them than detections."""
        from scipy.special import gammaincc  # gammaincc(k + 1, m) = P(Poisson(m) <= k), also between whole k

        mean = exposure * self.rate
        if mean[-1] <= 0:
            return np.zeros_like(whole)
        mean = mean[pick(np.log(gammaincc(detected + 1, mean) + 1e-300), rng, len(whole))]
        false = rng.poisson(mean)
        over = np.flatnonzero(false > whole)  # drawn again, by inverting the truncated distribution
        mean, low, high = mean[over], np.zeros(len(over), np.int64), whole[over]
        target = rng.random(len(over)) * gammaincc(high + 1, mean)
        while np.any(low < high):
            middle = (low + high) // 2
            enough = gammaincc(middle + 1, mean) >= target
            low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
        false[over] = low
        return false

    def limits(
        self, draws: np.ndarray, detected: float, exposure: float, visible: float, level: float
    ) -> tuple[int, int, int]:
        """Estimate, low and high. Zero stays in while false detections alone explain the count; none is never 0.

        Equal tails: the shortest interval scored 5 to 9 % better on simulated scenes like the labelled ones, but held only 79
        to 85 % at a new site whose recall is .15 lower, where equal tails hold 87 to 89 %.
        """
        from scipy.special import gammainc  # gammainc(k, m) = P(Poisson(m) >= k)

        tail = (1 - level) / 2
        low, estimate, high = (int(q) for q in np.quantile(draws, [tail, 0.5, 1 - tail], method="inverted_cdf"))
        if self.by_hand:
            estimate = int(detected / visible + 0.5)
            low = max(low, int(detected > 0))  # a person who marks something has seen something
        if detected < 0.5:
            low, high = 0, max(high, self.unseen(tail, visible))
        elif gammainc(detected, exposure * self.rate).mean() > tail:
            low = 0
        return estimate, min(low, estimate), max(high, estimate)

    def unseen(self, tail: float, visible: float) -> int:
        """The smallest number of objects that would hardly (``tail``) all have been missed."""
        missed, n = 1 - self.recall, 1
        all_missed = missed.copy()
        while all_missed.mean() > tail + 1e-9 and n < 1000:
            all_missed *= missed
            n += 1
        return int(np.ceil(n / visible))


def hidden(seen: np.ndarray, visible: float, rng: np.random.Generator) -> np.ndarray:
    """Draws (S,) of what stands in the part of a zone that could not be seen, given what stands in the rest."""
    if visible >= 1:
        return np.zeros(len(seen), np.int64)
    cv2 = 1 / (BLOCKS * visible * (1 - visible))
    return rng.poisson((seen + 0.5) * (1 - visible) / visible * cv2 * rng.gamma(1 / cv2, size=len(seen)))


def hidden_note(visible: float) -> str:
    """What a tally row says of the part of its zone that could not be seen; "" where there is next to none."""
    if visible < LEAST_VISIBLE:
        return f"not observed: {visible:.0%} of the zone could be seen, {LEAST_VISIBLE:.0%} is needed".replace("%", " %")
    if visible > 0.995:
        return ""
    return f"{1 - visible:.0%} of the zone could not be seen: scaled up from the rest".replace("%", " %")


def _rates(shared: CalibrationDraws, rng: np.random.Generator) -> np.ndarray:
    """Quantiles (RATES,) of the false detections per unit of ground in one scene."""
    cv = np.maximum(shared.background_cv, 0.01)
    rate = np.sort(shared.background * rng.gamma(1 / cv**2) * cv**2)
    return rate[((np.arange(RATES) + 0.5) * len(rate) / RATES).astype(int)]


@dataclass(frozen=True)
class Tally:
    """The tally of one class in the zones of one scene; None where a zone was not observed.

    total_ends: low and high over the observed zones together. The rest is as in the tally table.
    """

    zone_id: tuple[str, ...]
    class_name: str
    detected: tuple[float | None, ...]
    estimate: tuple[int | None, ...]
    low: tuple[int | None, ...]
    high: tuple[int | None, ...]
    total_ends: tuple[int, int] | None
    level: float
    visible_fraction: tuple[float, ...]
    exposure: tuple[float, ...]
    basis: str
    calibration: str

    def total(self) -> tuple[int, int, int] | None:
        """Estimate, low and high over the observed zones together; None when none was observed.

        The estimate is the sum of the zones' estimates. Where zones overlap, ask a tally in which each object is counted in
        one zone only.
        """
        if self.total_ends is None:
            return None
        estimate = sum(value or 0 for value in self.estimate)
        return estimate, min(self.total_ends[0], estimate), max(self.total_ends[1], estimate)

    def rows(self) -> list[dict[str, Any]]:
        """One row a zone in the tally table's fields, and what a comparison needs: exposure, calibration."""
        return [
            {
                "zone_id": self.zone_id[i],
                "class": self.class_name,
                "detected": self.detected[i],
                "estimate": self.estimate[i],
                "low": self.low[i],
                "high": self.high[i],
                "level": self.level,
                "visible_fraction": self.visible_fraction[i],
                "basis": self.basis,
                "unit": "objects",
                "exposure": self.exposure[i],
                "calibration": self.calibration,
                "note": hidden_note(self.visible_fraction[i]),
            }
            for i in range(len(self.zone_id))
        ]


def tally(
    zone_id: Sequence[str],
    detected: Sequence[float],
    exposure: Sequence[float],
    calibration: Calibration,
    *,
    visible: Sequence[float] | float = 1.0,
    trust: Trust | None = None,
    level: float = 0.9,
    seed: int = 0,
    size: int = 2000,
) -> Tally:
    """What is in the zones of one scene.

    detected: number found in each zone, or the sum of their probabilities if the calibration was made on sums.
    exposure: ground of the whole zone in the calibration's unit (ha, km of track). visible: fraction of it that could be
    seen; below 0.5 the zone is not observed. trust: from ``calibration.trust(...)``; left out, the site is not known.
    Raises Refusal for a level outside 0.5 to 0.999, or numbers that are negative or missing.
    """
    trust = calibration.trust() if trust is None else trust
    return _tally(
        zone_id,
        detected,
        exposure,
        calibration.class_name,
        calibration.draws(seed, size),
        visible,
        trust,
        level,
        seed,
        calibration.key,
    )


def tally_by_hand(
    zone_id: Sequence[str],
    counted: Sequence[float],
    class_name: str,
    *,
    reviewed: bool = False,
    visible: Sequence[float] | float = 1.0,
    level: float = 0.9,
    seed: int = 0,
    size: int = 2000,
) -> Tally:
    """As ``tally`` for what a person marked (basis counted), or for detections a person has gone through (reviewed).

    The estimate is the count; the interval is the spread between people and reaches further up than down, because people
    miss the same hard objects (see HAND_SD in calibration.py).
    """
    trust = Trust(0.0, REVIEWED if reviewed else COUNTED)
    return _tally(zone_id, counted, 0.0, class_name, hand_draws(seed, size), visible, trust, level, seed, "")


def _tally(
    zone_id: Sequence[str],
    detected: Any,
    exposure: Any,
    class_name: str,
    shared: CalibrationDraws,
    visible: Any,
    trust: Trust,
    level: float,
    seed: int,
    key: str,
) -> Tally:
    if not 0.5 <= level <= 0.999:
        raise Refusal("LEVEL is {level:g}. Give a level between 0.5 and 0.999, for example 0.9.", level=level)
    shape = (len(zone_id),)
    values = {"detected": detected, "exposure": exposure, "visible fraction": visible}
    arrays = [np.array(np.broadcast_to(np.asarray(value, float), shape)) for value in values.values()]
    for name, array in zip(values, arrays):
        if not np.all(np.isfinite(array) & (array >= 0)):
            raise Refusal("The {name} of a zone is negative or missing. Give 0 or more for every zone.", name=name)
    detected, exposure, visible = arrays
    visible = visible.clip(max=1.0)
    scene = SceneDraws.make(shared, [seed], trust.site_sd)
    rows: list[tuple[Any, ...]] = [(None, None, None, None)] * len(zone_id)
    unseen = np.zeros(len(shared))
    observed = np.flatnonzero(visible >= LEAST_VISIBLE)
    for i in observed:
        # by its name, so that a zone's interval does not depend on which other zones are counted
        rng = np.random.default_rng([seed, 6, zlib.crc32(str(zone_id[i]).encode())])
        d, ground, seen = float(detected[i]), float(exposure[i] * visible[i]), float(visible[i])
        draws = scene.seen(d, ground, rng)
        behind = hidden(draws, seen, rng)
        rows[i] = (d, *scene.limits(draws + behind, d, ground, seen, level))
        unseen += behind
    columns = list(zip(*rows)) if rows else [()] * 4
    ends = None
    if len(observed):
        seen_ground = (exposure * visible)[observed]
        ends = _total(scene, detected[observed], seen_ground, visible[observed], unseen, level, seed)
    return Tally(
        tuple(zone_id),
        class_name,
        columns[0],
        columns[1],
        columns[2],
        columns[3],
        ends,
        level,
        tuple(visible.tolist()),
        tuple(exposure.tolist()),
        trust.basis,
        key,
    )


def _total(
    scene: SceneDraws,
    detected: np.ndarray,
    exposure: np.ndarray,
    visible: np.ndarray,
    unseen: np.ndarray,
    level: float,
    seed: int,
) -> tuple[int, int]:
    """Low and high of the number in all zones of the scene, as one large zone of it.

    Adding the zones' draws instead keeps every zone's "not below 0" and came out 10 % high where false detections on empty
    ground are many; variances of zones are never added, they share the scene's recall. The rate of false detections is taken
    to be one for the scene: wider than need be where every zone has its own (bench/coverage.py tries both).
    """
    found, ground = float(detected.sum()), float(exposure.sum())
    draws = scene.seen(found, ground, np.random.default_rng([seed, 8])) + unseen
    return scene.limits(draws, found, ground, float(visible.min()), level)[1:]


def measure_row(
    zone_id: str, class_name: str, value: float, unit: str, *, visible: float = 1.0, level: float = 0.9, area_m2: float = 0.0
) -> dict[str, Any]:
    """A tally row for an occupied length ("m"), area ("m2") or share filled ("share", 0 to 1), with a wide interval.

    Lengths and areas are scaled up to the whole zone where part of it was hidden; a share needs no scaling. area_m2: of the zone,
    for classes whose area is less sure than that of boxes.
    """
    from scipy.special import ndtri

    sd, unseen = _spread_of(class_name, unit, area_m2)
    row: dict[str, Any] = {
        "zone_id": zone_id,
        "class": class_name,
        "detected": None,
        "estimate": None,
        "low": None,
        "high": None,
        "level": level,
        "visible_fraction": visible,
        "basis": UNCALIBRATED,
        "unit": unit,
        "exposure": None,
        "calibration": "",
        "note": "" if unit == "share" and visible >= LEAST_VISIBLE else hidden_note(visible),  # a share is not scaled up
    }
    if visible < LEAST_VISIBLE:
        return row
    seen = min(visible, 1.0)
    estimate = value if unit == "share" else value / seen
    spread = np.exp(ndtri((1 + level) / 2) * np.hypot(sd, np.sqrt((1 - seen) / seen / BLOCKS)))
    low = estimate / spread if estimate > unseen else 0.0
    high = max(estimate * spread, unseen)
    if unit == "share":
        ends = round(min(estimate, 1.0), 2), np.floor(low * 100) / 100, np.ceil(min(high, 1.0) * 100) / 100
    else:
        ends = round(estimate), np.floor(low), np.ceil(high)
    return {**row, "detected": value, "estimate": float(ends[0]), "low": float(ends[1]), "high": float(ends[2])}


def _spread_of(class_name: str, unit: str, area_m2: float) -> tuple[float, float]:
    """Relative sd of a measure and the least amount that can go unseen."""
    entry = CLASSES.get(class_name)
    if entry is None or not entry.area_sd or unit not in ("m2", "share"):
        return MEASURES[unit]
    if unit == "m2":
        return entry.area_sd, entry.area_unseen_m2
    return entry.area_sd, max(entry.area_unseen_m2 / area_m2, MEASURES[unit][1]) if area_m2 else 1.0


def in_unit(row: dict[str, Any], unit: str, per_object: float) -> dict[str, Any]:
    """A row of objects in another unit, e.g. TEU at the mean TEU of the detected boxes; ends rounded outwards.

    It names no calibration: draws are of objects, so it is compared by its interval.
    """
    if row["estimate"] is None:
        return {**row, "unit": unit}
    return {
        **row,
        "unit": unit,
        "detected": row["detected"] * per_object,
        "estimate": int(row["estimate"] * per_object + 0.5),
        "low": int(np.floor(row["low"] * per_object)),
        "high": int(np.ceil(row["high"] * per_object)),
        "calibration": "",
    }


def about(estimate: float | None, low: float | None, high: float | None, unit: str = "objects") -> str:
    """ "about 73, 70 to 78": whole numbers with their range, metres, m² or per cent; "not observed" for none."""
    if estimate is None or low is None or high is None:
        return "not observed"
    scale, sign = {
        "share": (100, " %"),
        "m": (1, " m"),
        "m2": (1, " m²"),
        "TEU": (1, " TEU"),
        "t": (1, " t"),
        "bbl": (1, " bbl"),
    }.get(unit, (1, ""))
    whole = int(np.floor(low * scale + 1e-9)), int(estimate * scale + 0.5), int(np.ceil(high * scale - 1e-9))
    return f"about {whole[1]:,}{sign}, {whole[0]:,} to {whole[2]:,}{sign}"
