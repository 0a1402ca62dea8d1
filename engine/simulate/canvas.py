"""The fine grid on which a place is painted: reflectance and height."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .layout import Area, Bounds, along, inside, right_of
from .palette import MATERIALS, Colour

PERIOD = 1024  # cells after which fine texture repeats
COARSER = 4  # cells of the fine texture in one of the coarse


class Texture:
    """Two endless noise fields of mean 0 and sd 1: ``fine`` (grain of two cells) and ``coarse`` (blotches of 2 to 100 m).

    They are periodic and addressed by ground position, so that neighbouring tiles fit together.
    """

    def __init__(self, seed: int, cell_m: float, period: int = PERIOD):
        self.cell_m, self.period = cell_m, period
        rng = np.random.default_rng([seed, 1])
        cycles = np.fft.fftfreq(period, d=1.0)
        wave = np.hypot(*np.meshgrid(cycles, cycles))
        self.fine = _filtered(rng, np.exp(-((wave / 0.25) ** 2)))
        coarse_m = cell_m * COARSER
        self.coarse = _filtered(rng, np.exp(-((wave * 1.5 / coarse_m) ** 2)) / np.maximum(wave, coarse_m / 100.0) ** 1.3)

    @classmethod
    def of(cls, seed: int, cell_m: float, period: int | None = None) -> Texture:
        """The texture of a seed; the last ones are kept, since making one takes as long as a small scene."""
        return _texture(seed, round(cell_m, 6), period or PERIOD)

    def window(self, x0: float, y0: float, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """``fine`` and ``coarse`` (rows, columns) of the window whose upper left corner is x0, y0."""
        row = np.arange(rows) - int(round(y0 / self.cell_m))
        column = np.arange(columns) + int(round(x0 / self.cell_m))
        fine = self.fine[np.ix_(row % self.period, column % self.period)]
        return fine, _between(_between(self.coarse, column / COARSER, 1), row / COARSER, 0)


@lru_cache(maxsize=4)
def _texture(seed: int, cell_m: float, period: int) -> Texture:
    return Texture(seed, cell_m, period)


def _between(field: np.ndarray, position: np.ndarray, axis: int) -> np.ndarray:
    """A periodic field at fractional positions along an axis, linearly between its cells."""
    below = np.floor(position).astype(int)
    share = (position - below).astype(np.float32)
    share = share[:, None] if axis == 0 else share
    low, high = (field.take(k % field.shape[axis], axis=axis) for k in (below, below + 1))
    return low + share * (high - low)


def _filtered(rng: np.random.Generator, gain: np.ndarray) -> np.ndarray:
    spectrum = np.fft.fft2(rng.standard_normal(gain.shape)) * gain
    spectrum[0, 0] = 0.0
    field = np.fft.ifft2(spectrum).real
    return (field / field.std()).astype(np.float32)


@dataclass
class Frame:
    """Part (``cut``) of a canvas seen from an object: u metres ahead of its centre, v metres to its right."""

    u: np.ndarray
    v: np.ndarray
    albedo: np.ndarray
    height: np.ndarray
    fine: np.ndarray
    cell_m: float
    owner: np.ndarray
    number: int = 0
    cut: tuple[slice, slice] = (slice(None), slice(None))

    def box(self, length_m: float, width_m: float, u_m: float = 0.0, v_m: float = 0.0) -> np.ndarray:
        """Share (0..1) of each cell covered by an upright rectangle at u_m, v_m."""
        return self.edge(length_m / 2 - np.abs(self.u - u_m)) * self.edge(width_m / 2 - np.abs(self.v - v_m))

    def edge(self, depth_m: np.ndarray) -> np.ndarray:
        """Share covered, for a signed distance in metres from the edge (positive inside)."""
        return np.minimum(np.maximum(depth_m / self.cell_m + 0.5, 0.0), 1.0)  # np.clip costs twice this on small arrays

    def paint(
        self, cover: np.ndarray, colour: Colour, height_m: float | np.ndarray | None = None, grain: float = 0.0
    ) -> None:
        """Lay a colour over the covered cells; where a height is given, set it and note whose it is (``number``)."""
        tone = np.array(colour, np.float32)[:, None, None]
        if grain:
            tone = tone * (1.0 + grain * self.fine)
        self.albedo += cover.astype(np.float32) * (tone - self.albedo)
        if height_m is not None:
            solid = cover > 0.5
            self.height[:] = np.where(solid, height_m, self.height)
            self.owner[solid] = self.number


class Canvas:
    """Reflectance (3, rows, columns) and height (rows, columns) in metres, on square cells; x0, y0 the upper left corner.

    owner (rows, columns): the number of the thing that each cell belongs to, 0 for the ground.
    """

    def __init__(self, x0: float, y0: float, rows: int, columns: int, texture: Texture):
        self.x0, self.y0, self.cell_m = x0, y0, texture.cell_m
        self.albedo = np.zeros((3, rows, columns), np.float32)
        self.height = np.zeros((rows, columns), np.float32)
        self.owner = np.zeros((rows, columns), np.int32)
        self.fine, self.coarse = texture.window(x0, y0, rows, columns)
        self.x = x0 + (np.arange(columns) + 0.5) * self.cell_m
        self.y = y0 - (np.arange(rows) + 0.5) * self.cell_m

    def _window(self, bounds: Bounds) -> tuple[slice, slice] | None:
        west, south, east, north = bounds
        rows, columns = self.height.shape
        left, right = ((np.array([west, east]) - self.x0) / self.cell_m).astype(int) + (0, 1)
        top, bottom = ((self.y0 - np.array([north, south])) / self.cell_m).astype(int) + (0, 1)
        left, right, top, bottom = max(left, 0), min(right, columns), max(top, 0), min(bottom, rows)
        return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None

    def frame(
        self, x: float, y: float, azimuth_deg: float, length_m: float, width_m: float, number: int = 0, room_m: float = 0.0
    ) -> Frame | None:
        """The window round a rectangle, and room_m more, in its own coordinates, or None when it lies outside."""
        ahead, aside = along(azimuth_deg), right_of(azimuth_deg)
        reach = np.abs(ahead) * length_m / 2 + np.abs(aside) * width_m / 2 + self.cell_m + room_m
        cut = self._window((x - reach[0], y - reach[1], x + reach[0], y + reach[1]))
        if cut is None:
            return None
        dx = (self.x[cut[1]] - x).astype(np.float32)[None, :]
        dy = (self.y[cut[0]] - y).astype(np.float32)[:, None]
        u = dx * np.float32(ahead[0]) + dy * np.float32(ahead[1])
        v = dx * np.float32(aside[0]) + dy * np.float32(aside[1])
        albedo = self.albedo[(slice(None), *cut)]
        return Frame(u, v, albedo, self.height[cut], self.fine[cut], self.cell_m, self.owner[cut], number, cut)

    def ground(
        self,
        material: str,
        cut: tuple[slice, slice] = (slice(None), slice(None)),
        where: np.ndarray | None = None,
        height_m: float = 0.0,
    ) -> None:
        """Cover cells with a material and its texture; ``where`` (bool, shape of the cut) limits it."""
        kind = MATERIALS[material]
        texture = np.maximum(1.0 + kind.fine * self.fine[cut] + kind.coarse * self.coarse[cut], 0.1)
        share = np.clip(0.9 * self.coarse[cut] - 0.4, 0.0, 1.0)
        mask = True if where is None else where
        for band, (tone, patch) in enumerate(zip(kind.colour, kind.patches or kind.colour)):
            np.copyto(self.albedo[band][cut], texture * (tone + share * (patch - tone)), where=mask)
        np.copyto(self.height[cut], height_m, where=mask)

    def area(self, area: Area) -> None:
        """Paint an area."""
        ring = np.asarray(area.ring, float)
        cut = self._window((*ring.min(axis=0), *ring.max(axis=0)))
        if cut is not None:
            covered = inside(ring, self.x[cut[1]][None, :], self.y[cut[0]][:, None])
            self.ground(area.material, cut, covered, area.height_m)
