"""What speaks for a wagon, and for the joint between two, along a straightened track.

The features are those that carried on real yards: the shadow on the side away from the sun and where it opens to ballast between
two wagons, the body against the bed, edges along the flanks, patches that differ from both neighbours, dark valleys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from .strip import Strip

# Lanes across the track in metres to the right, after turning the strip so that shadows fall to the right.
LANES_M = ((-3.0, -2.4), (-2.35, -1.7), (-1.3, -0.5), (-0.4, 0.4), (0.5, 1.3), (1.7, 2.35), (2.4, 3.0))
SUN_FAR, SUN_NEAR, SHADE_NEAR, SHADE_FAR = 0, 1, 5, 6
BEYOND_M = ((-4.7, -3.3), (3.3, 4.7))  # where a neighbouring track's wagons stand, or end
FLANKS = [SUN_FAR, SUN_NEAR, SHADE_NEAR, SHADE_FAR]
BODY = slice(2, 5)
LEFT, RIGHT = slice(0, 2), slice(5, 7)
HALF_WIDTH_M = 3.0  # of the lanes
WIDE_M = 5.0  # shadows are looked at this far to either side
RAKE_M = 15.0  # a joint is compared with what is usual this far to either side
PAST_M = 1.5  # what varies along is looked for on one side and this far to the other, so that a rake shows from its own end
NO_CHANGE = 0.01  # changes along the track far below this, in units of the contrast, are nothing
LEAST_CONTRAST = 0.3  # of the scene's: bland surroundings must not blow their noise up to wagons (real yards: 0.4 to 0.9)
SEEN = 0.25  # a lane's cell counts as seen from this share on
OUTLIER = 4.0  # features are cut at this many standard deviations
STRONGEST = 6.0  # no single cell says more than this, in log units, for or against a wagon
JOINT_RANGE = (-8.0, 5.0)  # likewise for a joint
LIGHT_EVERY = 4  # rows: the light is the same in all of them
LIT_PERCENTILE = 75  # of the flanks' luminance: sunlit ground, unless three quarters of all flanks lie in shadow
LUMA = np.array([0.299, 0.587, 0.114], np.float32)

NET_ARRAYS = ("mean", "scale", "direct", "hidden", "offset", "out")

OCCUPANCY_FEATURES = (
    "shade near",
    "shade far",
    "sun minus shade near",
    "sun minus shade far",
    "body minus shade",
    "body minus sun",
    "body differs from sun flank",
    "colour differs from sun flank",
    "body spread across",
    "roughness along",
    "edge on the sun side",
    "edge on the shade side",
    "shade wide",
    "sun minus shade wide",
    "body varies along",
    "shade varies along",
    "sun flank varies along",
    "body varies along, of its contrast",
    "sun flank dark",
    "both flanks dark",
    "sun flank and near body dark",
    "sun flank and body dark",
    "lit body on a dark sun flank",
    *(f"lane {number} against sunlit ground" for number in range(1, 8)),
    "beyond the sun flank, against sunlit ground",
    "beyond the shaded flank, against sunlit ground",
)
_GAP = (
    "valley sun side",
    "valley centre",
    "valley shade side",
    "valley in two lanes",
    "bright valley",
    "patch differs from both sides",
    "colour differs from both sides",
    "step along",
    "shade near opens",
    "shade far opens",
    "returns to sun flank",
    "sun near changes",
    "sun far changes",
)
GAP_FEATURES = _GAP + tuple(f"{name}, of the rake" for name in _GAP)


@dataclass(frozen=True)
class Lanes:
    """A strip as seven lanes. signal: float32 (n, 7, 3) of luminance, red minus green and yellow minus blue, in units of the local
    contrast; seen: (n, 7) observed share; beyond: (n, 2) luminance past the sun's and the shaded flank, where a neighbouring track may
    lie; step_m; shade_right: whether the shade lay to the right of the line's direction; lit: luminance of sunlit ground.
    """

    signal: np.ndarray
    seen: np.ndarray
    beyond: np.ndarray
    step_m: float
    shade_right: bool
    lit: float

    def __len__(self) -> int:
        return len(self.signal)

    def rows(self, which: slice) -> Lanes:
        """A part of the stretch."""
        return replace(self, signal=self.signal[which], seen=self.seen[which], beyond=self.beyond[which])


@dataclass(frozen=True)
class Logistic:
    """A logistic scorer of standardised features: ``mean`` and ``scale`` (f,), ``weights`` (f,) and ``bias``."""

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Logistic:
        """From the shipped file."""
        mean, scale, weights = (np.asarray(values[name], float) for name in ("mean", "scale", "weights"))
        return cls(mean, scale, weights, float(values["bias"]))

    def to_dict(self) -> dict[str, Any]:
        """For the shipped file."""
        arrays = {name: [float(f"{v:.5g}") for v in getattr(self, name)] for name in ("mean", "scale", "weights")}
        return {**arrays, "bias": float(f"{self.bias:.5g}")}

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        """Log-odds (n,) of features (n, f)."""
        return np.clip((features - self.mean) / self.scale, -OUTLIER, OUTLIER) @ self.weights + self.bias


@dataclass(frozen=True)
class Net:
    """A small net: a weighted sum of standardised features, and what one hidden layer of tanh units adds to it, as log-odds.

    ``mean``, ``scale`` and ``direct`` (f,), ``hidden`` (f, h), ``offset`` (h,), ``out`` (h,) and ``bias``. What one feature says depends
    on the others (a dark flank means a wagon beside a lit body, a neighbour's shadow beside a dark bed), which no sum can say.
    """

    mean: np.ndarray
    scale: np.ndarray
    direct: np.ndarray
    hidden: np.ndarray
    offset: np.ndarray
    out: np.ndarray
    bias: float

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Net:
        """From the shipped file."""
        return cls(**{name: np.asarray(values[name], np.float32) for name in NET_ARRAYS}, bias=float(values["bias"]))

    def to_dict(self) -> dict[str, Any]:
        """For the shipped file."""
        rounded = {name: np.vectorize(lambda v: float(f"{v:.4g}"))(getattr(self, name)).tolist() for name in NET_ARRAYS}
        return {**rounded, "bias": float(f"{self.bias:.5g}")}

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        """Log-odds (n,) of features (n, f)."""
        standard = np.clip((np.asarray(features, np.float32) - self.mean) / self.scale, -OUTLIER, OUTLIER)
        return np.tanh(standard @ self.hidden + self.offset) @ self.out + standard @ self.direct + self.bias


@dataclass(frozen=True)
class Scorer:
    """The scorers for scenes of a range of effective GSD, and for light that throws shadows beside wagons or does not.

    occupied: log-odds of a wagon. joint: log likelihood ratio of a joint (the share of joints among the training cells is taken out
    of its bias). confidence: log-odds that a wagon found is one. up_to_m: coarsest effective GSD served.
    """

    up_to_m: float
    shadows: bool
    occupied: Net
    joint: Logistic
    confidence: Logistic

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Scorer:
        """From the shipped file."""
        joint, confidence = (Logistic.from_dict(values[name]) for name in ("joint", "confidence"))
        occupied = Net.from_dict(values["occupied"])
        return cls(float(values["up_to_m"]), bool(values["shadows"]), occupied, joint, confidence)

    def occupancy(self, lanes: Lanes) -> np.ndarray:
        """Log-odds (n,) that a wagon stands there."""
        return np.clip(self.occupied.log_odds(occupancy_features(lanes)), -STRONGEST, STRONGEST)

    def joints(self, lanes: Lanes) -> np.ndarray:
        """Log likelihood ratio (n + 1,) that the edge before each step is a joint between two wagons."""
        cells = np.clip(self.joint.log_odds(gap_features(lanes)), *JOINT_RANGE)
        return 0.5 * (np.concatenate([cells[:1], cells]) + np.concatenate([cells, cells[-1:]]))


@dataclass(frozen=True)
class Light:
    """The light of a scene, from all its tracks together.

    shade: where shadows fall (east, north). low, high: dark and bright end of luminance around the tracks. lit: luminance of sunlit
    ground beside them, in units of the contrast above the dark end.
    """

    shade: np.ndarray
    low: float
    high: float
    lit: float


def light_of(strips: Sequence[Strip], shade: np.ndarray | None = None) -> Light:
    """The light on these strips; shade where it is known."""
    low, high = contrast(strips)
    strips = [strip.rows(slice(None, None, LIGHT_EVERY)) for strip in strips]
    lanes = [_seen_light(strip, low, high) for strip in strips]
    values = np.concatenate([np.zeros(0), *(light[:, FLANKS][known[:, FLANKS]] for light, known in lanes)])
    lit = float(np.percentile(values, LIT_PERCENTILE)) if len(values) else 0.5
    return Light(shade_vector(strips, lanes) if shade is None else shade, low, high, lit)


def lanes_of(strip: Strip, light: Light) -> Lanes:
    """Reduce a strip to lanes, normalise its contrast and turn its shaded side to the right.

    Lanes not seen are filled along the track from the nearest that were.
    """
    colour, seen = strip.lanes((*LANES_M, *BEYOND_M))
    shade_right = bool(right_of(strip) @ light.shade >= 0)
    signal = np.stack(
        [(colour @ LUMA - light.low), colour[..., 0] - colour[..., 1], colour[..., :2].mean(-1) - colour[..., 2]], -1
    )
    signal = _fill(signal / (light.high - light.low), seen)
    count = len(LANES_M)
    beyond = np.where(seen[:, count:] > SEEN, signal[:, count:, 0], light.lit)
    signal, seen = signal[:, :count], seen[:, :count]
    if not shade_right:
        signal, seen, beyond = signal[:, ::-1], seen[:, ::-1], beyond[:, ::-1]
    return Lanes(np.ascontiguousarray(signal, np.float32), seen, beyond, strip.step_m, shade_right, light.lit)


def right_of(strip: Strip) -> np.ndarray:
    """To the right of the strip (east, north), summed over its steps."""
    return np.array([strip.along[:, 1].sum(), -strip.along[:, 0].sum()])


def shade_contrast(lanes: Lanes) -> float:
    """How much darker the shaded flank is than the sunny one where the difference is largest over 10 m, in local contrast."""
    light = mean_along(lanes.signal[..., 0], WIDE_M, lanes.step_m)
    return float((light[:, SUN_NEAR] - light[:, SHADE_NEAR]).max()) if len(lanes) else 0.0


def shade_vector(strips: Sequence[Strip], lanes: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Where shadows fall (east, north): across the tracks, to the side whose flank has the darker tail, pooled over strips.

    lanes: of each strip, luminance (n, 7) and where it was seen. Its length says how much darker, in units of the contrast times
    rows; (0, 0) where nothing tells.
    """
    total = np.zeros(2)
    for strip, (light, known) in zip(strips, lanes):
        left, right = (_dark_tail(light[:, side][known[:, side]]) for side in (LEFT, RIGHT))
        total += (left - right) * right_of(strip)
    return total


def _seen_light(strip: Strip, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Luminance (n, 7) of the lanes, in units of the contrast, and where it was seen."""
    colour, seen = strip.lanes(LANES_M)
    return (colour @ LUMA - low) / (high - low), seen > SEEN


def _dark_tail(luminance: np.ndarray) -> float:
    """How dark the darkest fifth of a flank is; 0 where nothing was seen."""
    return float(np.percentile(luminance, 20)) if luminance.size else 0.0


def contrast(strips: Sequence[Strip]) -> tuple[float, float]:
    """Dark and bright end (2nd and 98th percentile of luminance) of the surroundings of some strips."""
    parts = [strip.background if len(strip.background) else strip.colour[strip.weight > 0] for strip in strips]
    pixels = np.concatenate([np.zeros((0, 3), np.float32), *parts])
    if not len(pixels):
        return 0.0, 1.0
    low, high = np.percentile(pixels @ LUMA, [2, 98])
    return float(low), float(max(high, low + LEAST_CONTRAST))


def occupancy_features(lanes: Lanes) -> np.ndarray:
    """(n, 32) features of OCCUPANCY_FEATURES, over 2 m along the track; the wide ones over 10 m, what varies along over 16.5 m.

    A bare bed can differ from what lies beside it just as a rake does, but unlike a rake it stays the same along the track.
    """
    step = lanes.step_m
    z = mean_along(lanes.signal, 1.0, step)
    light = z[..., 0]
    body, sun = _on_body(z), 0.5 * (z[:, SUN_NEAR] + z[:, SUN_FAR])
    near, far = light[:, SUN_NEAR] - light[:, SHADE_NEAR], light[:, SUN_FAR] - light[:, SHADE_FAR]
    rough = _on_body(np.sqrt(np.maximum(mean_along(lanes.signal[..., 0] ** 2, 1.0, step) - light**2, 0)))
    wide = mean_along(np.stack([light[:, SHADE_NEAR], near], 1), WIDE_M, step)
    varies = _varies(z, step)
    body_varies = _on_body(varies)
    against = _on_body(z) - 0.5 * (z[:, SUN_NEAR] + z[:, SHADE_NEAR])
    brightest, darkest = (reduce(pick, light.T[BODY]) for pick in (np.maximum, np.minimum))
    dark = np.maximum(lanes.lit - light, 0.0)  # a neighbour's shadow darkens the sun flank first, then the bed
    stands_out = np.sqrt(mean_along(_length(against) ** 2, RAKE_M, step))
    return np.stack(
        [
            light[:, SHADE_NEAR],
            light[:, SHADE_FAR],
            near,
            far,
            body[:, 0] - light[:, SHADE_NEAR],
            body[:, 0] - sun[:, 0],
            _length(body - sun),
            _length((body - sun)[:, 1:]),
            brightest - darkest,
            rough,
            _length(z[:, 2] - z[:, SUN_NEAR]),
            _length(z[:, 4] - z[:, SHADE_NEAR]),
            wide[:, 0],
            wide[:, 1],
            np.log(body_varies + NO_CHANGE),
            np.log(varies[:, SHADE_NEAR] + NO_CHANGE),
            np.log(varies[:, SUN_NEAR] + NO_CHANGE),
            np.log((body_varies + NO_CHANGE) / (stands_out + NO_CHANGE)),
            dark[:, SUN_NEAR],
            np.minimum(dark[:, SUN_NEAR], dark[:, SHADE_NEAR]),
            np.minimum(dark[:, SUN_NEAR], dark[:, 2]),
            np.minimum(dark[:, SUN_NEAR], np.maximum(lanes.lit - brightest, 0.0)),
            np.minimum(dark[:, SUN_NEAR], np.maximum(brightest - light[:, SUN_NEAR], 0.0)),
            *(light - lanes.lit).T,
            *(mean_along(lanes.beyond, 1.0, step) - lanes.lit).T,
        ],
        1,
    )


def _varies(z: np.ndarray, step_m: float) -> np.ndarray:
    """How much each lane of (n, lanes, 3) varies along the track (n, lanes): standard deviation from 15 m on one side to 1.5 m on the
    other, of the calmer side, so that a bed beside the end of a rake is as calm as any.
    """
    half, aside = 0.5 * (RAKE_M + PAST_M), 0.5 * (RAKE_M - PAST_M)
    variance = mean_along(z**2, half, step_m) - mean_along(z, half, step_m) ** 2
    spread = np.sqrt(np.maximum(variance, 0) @ np.ones(variance.shape[-1]))
    return np.minimum(shifted(spread, aside, step_m), shifted(spread, -aside, step_m))


def gap_features(lanes: Lanes) -> np.ndarray:
    """(n, 26) features of GAP_FEATURES: thirteen as they are, and each divided by its own spread over the rake."""
    step = lanes.step_m
    centre = mean_along(lanes.signal, 0.4, step)
    flank = mean_along(lanes.signal, 0.8, step)
    left, right = shifted(flank, 1.7, step), shifted(flank, -1.7, step)
    light, low = centre[..., 0], np.minimum(left, right)[..., 0]
    valley = low[:, BODY] - light[:, BODY]
    from_left, from_right = _patch(centre - left), _patch(centre - right)
    body = np.stack([_on_body(centre), _on_body(left), _on_body(right)])
    sun = 0.5 * (flank[:, SUN_NEAR] + flank[:, SUN_FAR])
    to_bed = _length(body - sun)
    high = np.maximum(left, right)[..., 0]
    wide = mean_along(_on_body(lanes.signal), 2.0, step)
    change = np.abs(light - 0.5 * (left + right)[..., 0])
    raw = np.stack(
        [
            valley[:, 0],
            valley[:, 1],
            valley[:, 2],
            np.sort(valley, axis=1)[:, 1],
            _on_body(light) - _on_body(high),
            np.minimum(from_left[:, 0], from_right[:, 0]),
            np.minimum(from_left[:, 1], from_right[:, 1]),
            _length(shifted(wide, 2.5, step) - shifted(wide, -2.5, step)),
            light[:, SHADE_NEAR] - high[:, SHADE_NEAR],
            light[:, SHADE_FAR] - high[:, SHADE_FAR],
            np.minimum(to_bed[1], to_bed[2]) - to_bed[0],
            change[:, SUN_NEAR],
            change[:, SUN_FAR],
        ],
        1,
    )
    spread = np.sqrt(np.maximum(mean_along(raw**2, RAKE_M, step) - mean_along(raw, RAKE_M, step) ** 2, 0))
    return np.concatenate([raw, (raw - mean_along(raw, RAKE_M, step)) / (spread + 0.01)], 1)


def mean_along(values: np.ndarray, half_m: float, step_m: float) -> np.ndarray:
    """Moving mean over ``half_m`` to either side along the first axis; at the ends over what there is."""
    n = len(values)
    reach = int(round(half_m / step_m))
    total = np.zeros((n + 1, *values.shape[1:]))
    np.cumsum(values, axis=0, out=total[1:])
    if n <= 2 * reach:
        low, high = np.maximum(np.arange(n) - reach, 0), np.minimum(np.arange(n) + reach + 1, n)
        return (total[high] - total[low]) / (high - low).reshape(-1, *[1] * (values.ndim - 1))
    out = np.empty(values.shape)
    np.subtract(total[2 * reach + 1 :], total[: n - 2 * reach], out=out[reach : n - reach])
    out[reach : n - reach] /= 2 * reach + 1
    some = np.arange(reach + 1, 2 * reach + 1).reshape(-1, *[1] * (values.ndim - 1))
    out[:reach] = total[reach + 1 : 2 * reach + 1] / some
    out[n - reach :] = (total[n] - total[n - 2 * reach : n - reach]) / some[::-1]
    return out


def shifted(values: np.ndarray, by_m: float, step_m: float) -> np.ndarray:
    """Values found ``by_m`` earlier along the first axis (later when negative), the end ones repeated."""
    n, steps = len(values), int(round(by_m / step_m))
    if abs(steps) >= n:
        return values[np.zeros(n, int) if steps > 0 else np.full(n, n - 1)]
    out = np.empty_like(values)
    out[max(steps, 0) : n + min(steps, 0)] = values[max(-steps, 0) : n - max(steps, 0)]
    out[: max(steps, 0)] = values[:1]
    out[n + min(steps, 0) :] = values[n - 1 :]
    return out


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("...i,...i", vectors, vectors))  # sums over so short an axis take numpy ten times as long


def _on_body(lanes: np.ndarray) -> np.ndarray:
    """Mean over the lanes of the body, of (n, 7, …)."""
    first, middle, last = (lanes[:, lane] for lane in range(BODY.start, BODY.stop))
    return (first + middle + last) / 3


def _patch(off: np.ndarray) -> np.ndarray:
    """Root mean square over the body lanes (n, 2): of all channels, of colour alone."""
    squares = _on_body(off**2)
    colour = squares[:, 1] + squares[:, 2]
    return np.sqrt(np.stack([squares[:, 0] + colour, colour], 1))


def _fill(signal: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Replace unseen cells of each lane by interpolation along the track; a lane never seen gets its neighbours' mean."""
    at = np.arange(len(signal))
    out = np.array(signal)
    for lane in range(signal.shape[1]):
        good = seen[:, lane] > SEEN
        if good.all() or not good.any():
            continue
        for channel in range(signal.shape[2]):
            out[~good, lane, channel] = np.interp(at[~good], at[good], signal[good, lane, channel])
    return out
