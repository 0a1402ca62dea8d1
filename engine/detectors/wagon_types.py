"""What type a wagon is of, as far as it shows from above.

Each wagon is looked at as a chip of 24 places along it and 16 across, its shade to the right, in its own light: what its roof looks like
across and at its ends (a tank's ridge, a gondola's hollow), how it changes along, how far its shadow reaches (its height), its length and
colour. A small net scores the types; what wagons of a train that look alike say is averaged. A type is told where its probability
reaches the limit that the weights give for it, which wagons of scenes that the net had not seen have set
(``bench/fit_wagon_types.py``); a type without a limit is never told, since it did not hold. Fitted on simulated wagons and few real ones.
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
ALONG = (np.arange(24) + 0.5) / 24  # of the body's length
INNER = slice(3, -3)  # places away from the ends, which are found half a metre off
ACROSS_M = np.arange(-2.5, 5.01, 0.5)  # the shaded side is the longer one, for the shadow
CORE, BODY, ROOF = (np.abs(ACROSS_M) <= half_m for half_m in (1.01, 1.26, 1.76))
RIM = np.abs(np.abs(ACROSS_M) - 1.5) < 0.01
SUNNY, SHADED, GROUND = ACROSS_M < -1.6, ACROSS_M > 1.6, ACROSS_M < -1.9
LAGS = (1, 2, 3, 4, 6)  # places along, for what repeats: ribs, hatches, boxes
LENGTHS_M = 9.0, 28.0  # of bodies that are looked at: what is shorter or longer is a part of a wagon, or two
NEIGHBOURS, ALIKE = 3, 3.0  # wagons before and behind that may look alike, and the distance of scores that still is


@dataclass(frozen=True)
class TypeNet:
    """A softmax net: ``mean``, ``scale`` (f,), ``hidden`` (f, h), ``offset`` (h,), ``out`` (h, types), ``bias`` (types,).

    temperature: what its scores are divided by. limits: from which probability a type is told. up_to_m: coarsest effective GSD.
    """

    mean: np.ndarray
    scale: np.ndarray
    hidden: np.ndarray
    offset: np.ndarray
    out: np.ndarray
    bias: np.ndarray
    temperature: float
    limits: dict[str, float]
    up_to_m: float

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(k, types) logits."""
        standard = np.clip((features - self.mean) / self.scale, -OUTLIER, OUTLIER)
        return np.tanh(standard @ self.hidden + self.offset) @ self.out + self.bias

    def chances(self, features: np.ndarray) -> np.ndarray:
        """(k, types) probabilities of the wagons of a train, in their order."""
        scores = of_train(self.scores(features)) / self.temperature
        chances = np.exp(scores - scores.max(1, keepdims=True))
        return chances / chances.sum(1, keepdims=True)

    def told(self, chances: np.ndarray, length_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Type and its probability (k,) of the wagons of a train, in their order; empty and NaN where none can be told.

        Tank cars run in groups, and barrels are made of them: one beside none that looks like it is not told.
        """
        best, p = chances.argmax(1), chances.max(1)
        limits = np.array([self.limits.get(name, np.inf) for name in TYPES])
        tank = np.pad(best == TYPES.index(TANK), 1)
        alone = tank[1:-1] & ~tank[:-2] & ~tank[2:]
        sure = (p >= limits[best]) & (length_m >= LENGTHS_M[0]) & (length_m <= LENGTHS_M[1]) & ~alone
        return np.where(sure, np.array(TYPES, object)[best], "").astype(object), np.where(sure, p, np.nan)


def of_train(scores: np.ndarray) -> np.ndarray:
    """The scores (k, types) of each wagon averaged with those of neighbours that look alike."""
    near = np.abs(np.subtract.outer(np.arange(len(scores)), np.arange(len(scores)))) <= NEIGHBOURS
    apart = ((scores[:, None] - scores[None]) ** 2).sum(-1)
    weights = near * np.exp(-apart / (2 * ALIKE**2))
    return weights @ scores / np.maximum(weights.sum(1, keepdims=True), 1e-9)


@lru_cache(maxsize=1)
def shipped_nets() -> tuple[TypeNet, ...]:
    """The fitted nets, the finest first."""
    return tuple(_net(values) for values in json.loads(WEIGHTS.read_text("utf8"))["nets"])


def _net(values: dict) -> TypeNet:
    arrays = ("mean", "scale", "hidden", "offset", "out", "bias")
    return TypeNet(**{**values, **{name: np.asarray(values[name], float) for name in arrays}})


def types_of(
    strip: Strip, light: Light, low: np.ndarray, high: np.ndarray, effective_gsd_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Type and its probability (k,) of wagons whose bodies reach from low to high along the strip; empty and NaN if not told."""
    net = next((net for net in shipped_nets() if effective_gsd_m <= net.up_to_m), None)
    if net is None or not len(low) or not net.limits:
        return np.full(len(low), "", object), np.full(len(low), np.nan)
    return net.told(net.chances(type_features(strip, light, low, high)), high - low)


def warning(zone_id: str, names: np.ndarray) -> tuple[str, ...]:
    """What is said of a track among whose wagons locomotives or passenger coaches were told: they count, but carry no freight."""
    other = [(int((names == name).sum()), word) for name, word in ((LOCOMOTIVE, "locomotive"), (COACH, "passenger coach"))]
    listed = [
        f"{number} {word}{'' if number == 1 else 'es' if word[-1] == 'h' else 's'}" for number, word in other if number
    ]
    if not listed:
        return ()
    return (
        f"Track {zone_id}: its {len(names)} rail vehicles include {' and '.join(listed)}: in the count, though no freight cars.",
    )


def type_features(strip: Strip, light: Light, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(k, 46) features of wagons."""
    return chip_features(chips(strip, light, low, high), high - low, light.lit)


def chip_features(chip: np.ndarray, length_m: np.ndarray, lit: np.ndarray | float) -> np.ndarray:
    """(k, 46) features of chips (k, 24, 16, 3) of wagons, each against the median of its own body and in units of the step from sunlit
    ground to its own darkest twentieth."""
    bright, count = chip[..., 0], len(chip)
    lit = np.broadcast_to(lit, count)
    inner = bright[:, 2:-2][:, :, BODY].reshape(count, -1)
    middle, span = np.median(inner, 1), np.abs(lit - np.percentile(bright.reshape(count, -1), 5, axis=1)) + 0.1
    across = bright[:, INNER].mean(1)
    ends = (0.5 * (bright + bright[:, ::-1]))[:, :12].reshape(count, 6, 2, len(ACROSS_M)).mean(2)  # both ends alike
    line = bright[:, :, CORE].mean(2)
    own = line - line.mean(1, keepdims=True)
    repeats = [(own[:, :-lag] * own[:, lag:]).mean(1) / ((own**2).mean(1) + 1e-3) for lag in LAGS]
    colour = chip[:, INNER][:, :, BODY, 1:]
    hue, halves = colour.mean((1, 2)), [chip[:, part][:, :, BODY].mean((1, 2)) for part in (slice(0, 12), slice(12, 24))]
    off = chip[:, INNER][:, :, BODY].mean((1, 2)) - chip[:, INNER][:, :, GROUND].mean((1, 2))
    against = [
        across[:, ROOF] - middle[:, None],
        ends[:, :, CORE].mean(2) - middle[:, None],
        ends[:, :, RIM].mean(2) - middle[:, None],
        np.abs(np.diff(line, axis=1)).mean(1)[:, None],
        np.abs(np.diff(bright[:, :, BODY], axis=2)).mean((1, 2))[:, None],
        (inner.std(1) + 0.03)[:, None],
        (middle - across[:, SUNNY].mean(1))[:, None],
        np.abs(halves[0] - halves[1]),
        (bright[:, 11:13][:, :, CORE].mean((1, 2)) - middle)[:, None],
        np.sqrt((off**2).sum(1))[:, None],
    ]
    shadow = ((lit[:, None] - across[:, SHADED]) / span[:, None]).clip(-1, 1.5)
    length = np.log(np.maximum(length_m, 1.0) / 13.0)
    return np.column_stack(
        [length, np.concatenate(against, 1) / span[:, None], *repeats, shadow, hue, np.abs(hue).sum(1), colour.std((1, 2))]
    )


def chips(strip: Strip, light: Light, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(k, 24, 16, 3) luminance, red minus green, yellow minus blue of each wagon, in units of the contrast."""
    turned = right_of(strip) @ light.shade < 0
    along = low[:, None] + (high - low)[:, None] * ALONG
    rows = np.clip(np.rint((along - strip.s_m[0]) / strip.step_m).astype(int), 0, len(strip) - 1)
    across = -ACROSS_M if turned else ACROSS_M
    columns = np.clip(np.rint((across - strip.across_m[0]) / strip.step_m).astype(int), 0, len(strip.across_m) - 1)
    colour = strip.colour[rows[:, :, None], columns]
    span = light.high - light.low
    parts = (colour @ LUMA - light.low, colour[..., 0] - colour[..., 1], colour[..., :2].mean(-1) - colour[..., 2])
    return np.stack(parts, -1) / span
