"""What kind of wagon a wagon is, as far as it shows from above.

Each wagon is looked at as a patch of 12 places along it and 16 across, its shade to the right: what its roof looks like across (a
tank's ridge, a gondola's hollow, a flat's beams), how its ends are rounded, its shadow's width (its height), its length and colour.
A small net fitted on simulated wagons gives the probabilities (``bench/fit_wagon_types.py``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from .strip import Strip
from .wagon_evidence import LUMA, OUTLIER, Light, right_of

WEIGHTS = Path(__file__).parent / "weights" / "wagon_types.json"
TYPES = ("box", "gondola", "hopper", "tank", "flat", "container flat", "locomotive", "passenger coach")
TANK = "tank"
ALONG = (np.arange(12) + 0.5) / 12  # of the body's length
ACROSS_M = np.arange(-2.5, 5.01, 0.5)  # the shaded side is the longer one, for the shadow
CORE = np.abs(ACROSS_M) <= 1.01
RIM = np.abs(np.abs(ACROSS_M) - 1.5) < 0.01
ALL_UP_TO_M, TANK_UP_TO_M = 0.65, 1.2  # effective GSD to which all types, and whether it is a tank, can be told
TOLD = 0.6  # a type less probable than this is left empty


@dataclass(frozen=True)
class TypeNet:
    """A softmax net: ``mean``, ``scale`` (f,), ``hidden`` (f, h), ``offset`` (h,), ``out`` (h, types), ``bias`` (types,)."""

    mean: np.ndarray
    scale: np.ndarray
    hidden: np.ndarray
    offset: np.ndarray
    out: np.ndarray
    bias: np.ndarray

    def chances(self, features: np.ndarray) -> np.ndarray:
        """(k, types) probabilities."""
        standard = np.clip((features - self.mean) / self.scale, -OUTLIER, OUTLIER)
        scores = np.tanh(standard @ self.hidden + self.offset) @ self.out + self.bias
        chances = np.exp(scores - scores.max(1, keepdims=True))
        return chances / chances.sum(1, keepdims=True)


@lru_cache(maxsize=1)
def shipped_nets() -> tuple[TypeNet, TypeNet]:
    """The fitted nets: for all types, and for coarser scenes."""
    fine, coarse = json.loads(WEIGHTS.read_text("utf8"))["nets"]
    return _net(fine), _net(coarse)


def _net(values: dict) -> TypeNet:
    return TypeNet(**{name: np.asarray(value, float) for name, value in values.items()})


def types_of(
    strip: Strip, light: Light, low: np.ndarray, high: np.ndarray, effective_gsd_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Type and its probability (k,) of wagons whose bodies reach from low to high along the strip; empty and NaN if not told."""
    nothing = np.full(len(low), "", object), np.full(len(low), np.nan)
    if not len(low) or effective_gsd_m > TANK_UP_TO_M:
        return nothing
    fine, coarse = shipped_nets()
    features = type_features(strip, light, low, high)
    if effective_gsd_m <= ALL_UP_TO_M:
        chances = fine.chances(features)
        best = chances.argmax(1)
        names, p = np.array(TYPES, object)[best], chances[np.arange(len(best)), best]
    else:
        p = coarse.chances(features)[:, TYPES.index(TANK)]
        names = np.full(len(p), TANK, object)
    told = p >= TOLD
    return np.where(told, names, ""), np.where(told, p, np.nan)


def type_features(strip: Strip, light: Light, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(k, 49) features of wagons."""
    patch = _patches(strip, light, low, high)
    bright = patch[..., 0] - light.lit
    profile, spread = bright.mean(1), bright.std(1)
    ends = 0.5 * (bright + bright[:, ::-1])[:, :6]  # both ends alike
    core, rim = ends[:, :, CORE].mean(2), ends[:, :, RIM].mean(2)
    colour = patch[:, 2:-2][:, :, CORE, 1:].mean((1, 2))
    varied = patch[:, :, CORE, 1:].std((1, 2)).mean(1)
    length = np.log(np.maximum(high - low, 1.0) / 13.0)
    return np.column_stack(
        [length, profile, spread, core - core[:, -1:], rim - core[:, -1:], colour, np.abs(colour).sum(1), varied]
    )


def _patches(strip: Strip, light: Light, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(k, 12, 16, 3) luminance, red minus green, yellow minus blue of each wagon, in units of the contrast."""
    turned = right_of(strip) @ light.shade < 0
    along = low[:, None] + (high - low)[:, None] * ALONG
    rows = np.clip(np.rint((along - strip.s_m[0]) / strip.step_m).astype(int), 0, len(strip) - 1)
    across = -ACROSS_M if turned else ACROSS_M
    columns = np.clip(np.rint((across - strip.across_m[0]) / strip.step_m).astype(int), 0, len(strip.across_m) - 1)
    colour = strip.colour[rows[:, :, None], columns]
    span = light.high - light.low
    parts = (colour @ LUMA - light.low, colour[..., 0] - colour[..., 1], colour[..., :2].mean(-1) - colour[..., 2])
    return np.stack(parts, -1) / span
