"""What bare ground looks like, learned around a zone rather than in it.

A block filled with boxes of one colour would pass as ground if it were learned inside; the few metres around it seldom do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

CLUSTERS = 5  # wet and dry concrete, tar, shadow, soil: more clusters start to learn single objects
MIN_SHARE = 0.12  # a cluster smaller than this share of the ring is an object lying there, not ground
SAMPLE = 6000  # pixels are enough for five colours and keep the fit in milliseconds
MIN_SPREAD = 3.0  # Lab units: no surface is more uniform than the sensor's noise and the compression make it
MIN_PIXELS = 60  # fewer pixels do not describe ground
SHADOW_LIGHTNESS = 0.6  # of the ground's: ground in shadow keeps little of its light
SHADOW_CHROMA = 8.0  # Lab units: and is nearly grey; a dark blue box is not
DEEP_LIGHTNESS = 0.35  # of the ground's: this dark may be shadow whatever its tint, for skylight is blue
DIM_LIGHTNESS, DIM_CHROMA = 0.5, 12.0  # half as light and hardly coloured: shadow that the sky tints, or a dark grey box
# D65 white and the sRGB primaries (IEC 61966-2-1); CIE 1976 L*a*b*.
XYZ_OF_RGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)
WHITE = np.array([0.9505, 1.0, 1.089], np.float32)


# What a pixel is, as bits of a byte.
VALID, MINE, RAISED, BARE, SHADOW, DEEP, DIM = (1 << k for k in range(7))
AT_ONCE = 1 << 16  # pixels whose colours are judged together: what lies in the processor's cache is done sooner
BARE_WITHIN = 2.0  # standard deviations from the ground's colours within which a pixel is ground
FULL = 200  # the byte of display value 1: what is brighter than 99.5 % of a scene keeps some room above it
LINEAR = (np.minimum(np.arange(256) / FULL, 1.0) ** 2.2).astype(np.float32)  # light of each byte
STEPS = 1 << 14  # of the table of cube roots
TO_STEPS = XYZ_OF_RGB / WHITE[:, None] * np.float32(STEPS)


def as_bytes(rgb: np.ndarray) -> np.ndarray:
    """Display values (0 dark, 1 bright) as bytes, with which whole yards are worked through in tables and integers."""
    return np.clip(rgb * np.float32(FULL) + np.float32(0.5), 0, 255).astype(np.uint8)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (3, ...) of display values 0..1 or of ``as_bytes`` of them (3, ...); values outside are clipped."""
    value = rgb if rgb.dtype == np.uint8 else as_bytes(rgb)
    light = LINEAR.take(value.reshape(3, -1))
    x, y, z = _roots().take((TO_STEPS @ light).astype(np.uint16))
    out = np.empty(light.shape, np.float32)
    np.subtract(x, y, out[1])
    np.subtract(y, z, out[2])
    np.multiply(y, 116, out[0])
    out[0] -= 16
    out[1] *= 500
    out[2] *= 200
    return out.reshape(rgb.shape)


@lru_cache(maxsize=1)
def _roots() -> np.ndarray:
    """CIE's f (cube root, straight near black) of 0, 1 / STEPS, … (float32)."""
    part = np.arange(STEPS + 64) / STEPS
    return np.where(part > 0.008856, np.cbrt(part), 7.787 * part + 16 / 116).astype(np.float32)


@dataclass(frozen=True)
class Ground:
    """Colours of bare ground: centres (k, 3) in Lab and the spread (k, 3) of each in Lab units."""

    centres: np.ndarray
    spreads: np.ndarray

    @classmethod
    def learn(cls, colours: np.ndarray, seed: int = 0) -> Ground | None:
        """From Lab colours (n, 3) seen around a zone; None where there are too few. k-means, small clusters dropped."""
        if len(colours) < MIN_PIXELS:
            return None
        rng = np.random.default_rng(seed)
        sample = colours[rng.permutation(len(colours))[:SAMPLE]].astype(np.float32)
        centres, nearest = _k_means(sample, rng)
        kept = [k for k in range(len(centres)) if np.mean(nearest == k) >= MIN_SHARE]
        spreads = [np.maximum(sample[nearest == k].std(0), MIN_SPREAD) for k in kept]
        return cls(centres[kept], np.array(spreads))

    def with_(self, other: Ground) -> Ground:
        """Both: a yard's surroundings and its own paving."""
        return Ground(np.concatenate([self.centres, other.centres]), np.concatenate([self.spreads, other.spreads]))

    def distance(self, colours: np.ndarray) -> np.ndarray:
        """How many standard deviations Lab colours (3, ...) lie from the nearest ground colour."""
        # The squares multiplied out: one product of matrices for all centres.
        weight = 1 / self.spreads**2
        terms = np.concatenate([weight, -2 * weight * self.centres], 1).astype(np.float32)
        flat = colours.reshape(3, -1)
        off = terms @ np.concatenate([flat * flat, flat]) + (weight * self.centres**2).sum(1).astype(np.float32)[:, None]
        return np.sqrt(np.maximum(off.min(0), 0)).reshape(colours.shape[1:])

    def kinds(self, colour: np.ndarray, raised: float) -> np.ndarray:
        """What pixels of bytes (3, ...) are, as bits (...): RAISED (further than so many standard deviations from bare ground),
        BARE, SHADOW, DEEP, DIM."""
        flat = colour.reshape(3, -1)
        out = np.empty(flat.shape[1], np.uint8)
        for first in range(0, len(out), AT_ONCE):
            piece = slice(first, first + AT_ONCE)
            out[piece] = self._kinds(flat[:, piece], raised)
        return out.reshape(colour.shape[1:])

    def _kinds(self, colour: np.ndarray, raised: float) -> np.ndarray:
        colours = lab(colour)
        away = self.distance(colours)
        out = (away > raised) * np.uint8(RAISED)
        marks = (
            (away < BARE_WITHIN, BARE),
            (self.shadow(colours), SHADOW),
            (self.deep(colours), DEEP),
            (self.dim(colours), DIM),
        )
        for found, kind in marks:
            out |= found * np.uint8(kind)
        return out

    @cached_property
    def lightness(self) -> float:
        """Of the middle ground colour (CIE L*)."""
        return float(np.median(self.centres[:, 0]))

    def deep(self, colours: np.ndarray) -> np.ndarray:
        """Bool (...): Lab colours (3, ...) so much darker than the ground that they may be its shadow, or a dark box."""
        return colours[0] < DEEP_LIGHTNESS * self.lightness

    def shadow(self, colours: np.ndarray) -> np.ndarray:
        """Bool (...): Lab colours (3, ...) that may be this ground in shadow, dark and nearly grey."""
        return self._dark_and_grey(colours, SHADOW_LIGHTNESS, SHADOW_CHROMA)

    def dim(self, colours: np.ndarray) -> np.ndarray:
        """Bool (...): Lab colours (3, ...) that are darker still and may have a tint."""
        return self._dark_and_grey(colours, DIM_LIGHTNESS, DIM_CHROMA)

    def _dark_and_grey(self, colours: np.ndarray, lightness: float, chroma: float) -> np.ndarray:
        dark = colours[0] < lightness * self.lightness
        return dark & (colours[1] ** 2 + colours[2] ** 2 < chroma**2)


def _k_means(sample: np.ndarray, rng: np.random.Generator, rounds: int = 15) -> tuple[np.ndarray, np.ndarray]:
    """Lloyd's algorithm from centres spread along lightness: repeatable, and light and shade start apart."""
    start = np.percentile(sample[:, 0], (np.arange(CLUSTERS) + 0.5) * 100 / CLUSTERS)
    centres = np.stack([sample[np.argmin(np.abs(sample[:, 0] - value))] for value in start])
    nearest = np.zeros(len(sample), int)
    for _ in range(rounds):
        before, nearest = nearest, ((centres**2).sum(1) - 2 * sample @ centres.T).argmin(1)
        if np.array_equal(before, nearest):
            break
        size = np.bincount(nearest, minlength=CLUSTERS)
        total = np.stack([np.bincount(nearest, sample[:, i], CLUSTERS) for i in range(3)], 1)
        empty = size == 0
        centres = (total / np.maximum(size, 1)[:, None]).astype(np.float32)
        centres[empty] = sample[rng.integers(len(sample), size=int(empty.sum()))]
    return centres, nearest
