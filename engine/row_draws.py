"""What was there, drawn from a row of a tally: once more with the calibration it rests on, else from its interval.

Rows that rest on one calibration share its draws, rows of one epoch the scene's effect as well; so the error of the common mean
cancels in a difference and the scenes' own errors do not (ALGORITHMS 2.3).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .calibration import COUNTED, PRIORS, REVIEWED, Calibration, CalibrationDraws, hand_draws
from .classes import CLASSES, RADAR_CLASSES
from .tally import SceneDraws, hidden

Row = Mapping[str, Any]
WHOLE = ("objects", "TEU")  # units of whole numbers


class Drawer:
    """Draws (size,) of what was there, from a tally row; shared draws and scene effects are made once."""

    def __init__(self, calibrations: Iterable[Calibration], seed: int, size: int) -> None:
        self._calibrations = {calibration.key: calibration for calibration in calibrations}
        self._seed, self._size = seed, size
        self._shared: dict[str, CalibrationDraws | None] = {}
        self._scenes: dict[tuple[Any, ...], SceneDraws] = {}

    def __call__(self, row: Row, epoch: int, least_sd: float) -> np.ndarray:
        """The draws; ``least_sd``: of the scene's effect where it was not counted by hand."""
        name = f"{row['zone_id']} {row['class']} {row.get('unit')}"
        rng = np.random.default_rng([self._seed, 7, epoch, zlib.crc32(name.encode())])
        scene = self.scene(row, epoch, least_sd)
        if scene is None:
            return _from_interval(row, rng, self._size)
        share = visible_share(row)
        seen = scene.seen(float(row["detected"]), float(row.get("exposure") or 0) * share, rng)
        return seen + hidden(seen, share, rng)

    def levels(self, there: np.ndarray, epoch: int, key: Sequence[str]) -> np.ndarray:
        """Draws (size,) of the mean that a day's numbers were drawn from, each object coming by itself.

        Gamma(n + 1/2), the posterior of a Poisson mean under Jeffreys' prior; a box is up to 2 TEU.
        """
        size = 2.0 if key[2] == "TEU" else 1.0
        rng = np.random.default_rng([self._seed, 9, epoch, zlib.crc32(" ".join(key).encode())])
        return size * rng.gamma(there / size + 0.5)

    def scene(self, row: Row, epoch: int, least_sd: float) -> SceneDraws | None:
        """What the row's epoch has in common, or None where only the interval is left."""
        if (row.get("unit") or "objects") != "objects" or row.get("detected") is None:
            return None
        # a sampled review names what it rests on: its interval holds more than a person's error
        by_hand = row.get("basis") in (COUNTED, REVIEWED) and not row.get("calibration")
        key, least_sd = ("by hand", 0.0) if by_hand else (str(row.get("calibration") or ""), least_sd)
        if key not in self._shared:
            self._shared[key] = self._make_shared(key, str(row["class"]))
        shared = self._shared[key]
        if shared is not None and (key, least_sd, epoch) not in self._scenes:
            seed = [self._seed, epoch, zlib.crc32(key.encode())]
            self._scenes[key, least_sd, epoch] = SceneDraws.make(shared, seed, least_sd=least_sd)
        return self._scenes.get((key, least_sd, epoch))

    def scene_or_prior(self, row: Row, epoch: int, least_sd: float) -> SceneDraws:
        """The same; what is assumed without labels where the row's calibration is not known. The row must hold a count."""
        known = self.scene(row, epoch, least_sd)
        prior = Calibration.none(str(row["class"])).key
        return known or self.scene({**row, "calibration": prior}, epoch, least_sd)  # type: ignore[return-value]

    def _make_shared(self, key: str, class_name: str) -> CalibrationDraws | None:
        if key == "by hand":
            return hand_draws(self._seed, self._size)
        rates = {None, *(known[class_name].false_on_empty for known in (CLASSES, RADAR_CLASSES) if class_name in known)}
        priors = (Calibration.none(class_name, prior=name, false_on_empty=rate) for name in PRIORS for rate in rates)
        calibration = self._calibrations.get(key) or next((prior for prior in priors if prior.key == key), None)
        # seeded by the key: different calibrations share nothing
        return calibration.draws(self._seed + zlib.crc32(key.encode()), self._size) if calibration else None


def _from_interval(row: Row, rng: np.random.Generator, size: int) -> np.ndarray:
    """Log-normal draws with the row's median and ends, each side with its own spread; whole for objects.

    The calibration's common error is in there twice, as if independent: wider than need be, never narrower.
    """
    from scipy.special import ndtri

    whole = (row.get("unit") or "objects") in WHOLE
    estimate, low, high = (float(row[name]) for name in ("estimate", "low", "high"))
    small = small_amount(str(row.get("unit") or "objects"), row)
    z = rng.standard_normal(size)
    centre, tail = np.log(estimate + small), ndtri((1 + float(row["level"])) / 2)
    up, down = (np.log(high + small) - centre) / tail, (centre - np.log(low + small)) / tail
    drawn = np.exp(centre + z * np.where(z > 0, up, down)) - small
    return np.maximum(np.rint(drawn), 0) if whole else np.maximum(drawn, 0)


def small_amount(unit: str, *rows: Row) -> float:
    """Added to both numbers of a ratio, so that nothing has a ratio to something: half an object, 2 % of a measure."""
    return 0.5 if unit in WHOLE else 0.02 * max([float(row["high"]) for row in rows] + [1e-9])


def visible_share(row: Row) -> float:
    """The visible fraction; 0 where the row holds no estimate."""
    fraction = row.get("visible_fraction")
    return 0.0 if row.get("estimate") is None else 1.0 if fraction is None else min(float(fraction), 1.0)
