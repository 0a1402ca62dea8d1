"""One image at one time, read on demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .patch import Patch


@dataclass(frozen=True)
class ArrayScene:
    """A scene held in memory: data (bands, rows, columns) already stretched to 0..1, for tests and the simulator."""

    data: np.ndarray
    gsd_m: float
    roles: tuple[str, ...] = ("red", "green", "blue")
    x0: float = 0.0
    y0: float = 0.0
    valid: np.ndarray | None = None
    effective_gsd: float | None = None
    name: str = "array"

    @property
    def effective_gsd_m(self) -> float:
        """The coarser of pixel and sharpness."""
        return self.effective_gsd or self.gsd_m

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in frame metres."""
        rows, columns = self.data.shape[1:]
        return self.x0, self.y0 - rows * self.gsd_m, self.x0 + columns * self.gsd_m, self.y0

    def read(self, bounds: tuple[float, float, float, float], gsd_m: float | None = None) -> Patch:
        """Pixels of a box, padded with invalid ones; block-averaged when a coarser gsd_m is asked for."""
        west, south, east, north = bounds
        g = self.gsd_m
        c0, r0 = int(np.floor((west - self.x0) / g)), int(np.floor((self.y0 - north) / g))
        c1, r1 = int(np.ceil((east - self.x0) / g)), int(np.ceil((self.y0 - south) / g))
        rows, columns = self.data.shape[1:]
        valid = np.zeros((r1 - r0, c1 - c0), bool)
        data = np.zeros((self.data.shape[0], *valid.shape), np.float32)
        rs, re, cs, ce = max(r0, 0), min(r1, rows), max(c0, 0), min(c1, columns)
        if re > rs and ce > cs:
            inner = np.s_[rs - r0 : re - r0, cs - c0 : ce - c0]
            data[(slice(None), *inner)] = self.data[:, rs:re, cs:ce]
            valid[inner] = True if self.valid is None else self.valid[rs:re, cs:ce]
        step = max(1, int(round(gsd_m / g))) if gsd_m else 1
        if step > 1:
            h, w = valid.shape[0] // step * step, valid.shape[1] // step * step
            data = data[:, :h, :w].reshape(len(data), h // step, step, w // step, step).mean((2, 4))
            valid = valid[:h, :w].reshape(h // step, step, w // step, step).mean((1, 3)) > 0.5
        return Patch(data * valid, valid, self.x0 + c0 * g, self.y0 - r0 * g, g * step, self.roles)
