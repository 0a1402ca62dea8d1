"""Whether a wagon is a tank car, as far as it shows from above.

Each wagon is looked at as a patch of 12 places along it and 16 across, its shade to the right: what its roof looks like across (a
tank's ridge, a gondola's hollow, a flat's beams), how its ends are rounded, its shadow's width (its height), its length and colour.
A small net gives the probabilities (``bench/fit_wagon_types.py``), fitted on simulated wagons of every type and on real ones of which
only is known whether they are tank cars. What it says of the other types holds for simulated wagons and not for the real sets, so it
is not told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..tanks import COACH, LOCOMOTIVE, TANK, TYPES
from .strip import Strip
from .wagon_evidence import LUMA, OUTLIER, Light, right_of

WEIGHTS = Path(__file__).parent / "weights" / "wagon_types.json"
ALONG = (np.arange(12) + 0.5) / 12  # of the body's length
ACROSS_M = np.arange(-2.5, 5.01, 0.5)  # the shaded side is the longer one, for the shadow
CORE = np.abs(ACROSS_M) <= 1.01
RIM = np.abs(np.abs(ACROSS_M) - 1.5) < 0.01
FINE_UP_TO_M, TANK_UP_TO_M = 0.65, 1.2  # effective GSD to which the fine net serves, and to which anything can be told
TOLD = 0.95  # less probable tank cars are left empty: the net is surer than it should be, and a false one is worse than none


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
    """ "tank" and its probability (k,) for wagons whose bodies reach from low to high along the strip; empty and NaN if not told."""
    nothing = np.full(len(low), "", object), np.full(len(low), np.nan)
    if not len(low) or effective_gsd_m > TANK_UP_TO_M:
        return nothing
    fine, coarse = shipped_nets()
    net = fine if effective_gsd_m <= FINE_UP_TO_M else coarse
    p = net.chances(type_features(strip, light, low, high))[:, TYPES.index(TANK)]
    told = p >= TOLD
    return np.where(told, TANK, "").astype(object), np.where(told, p, np.nan)


def warning(zone_id: str, names: np.ndarray) -> tuple[str, ...]:
    """What is said of a track among whose wagons locomotives or passenger coaches were told: they count, but carry no freight."""
    other = [(int((names == name).sum()), word) for name, word in ((LOCOMOTIVE, "locomotive"), (COACH, "passenger coach"))]
    listed = [
        f"{number} {word}{'' if number == 1 else 'es' if word[-1] == 'h' else 's'}" for number, word in other if number
    ]
    if not listed:
        return ()
    return (
        f"Track {zone_id}: of its {len(names)} rail vehicles {' and '.join(listed)} carry no freight; they are in the count, by its rule.",
    )


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
