"""From light leaving the ground to 8-bit numbers: blur, pixel, haze, noise and display curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

AIRLIGHT = (0.16, 0.19, 0.24)  # red, green, blue of the haze
MARGIN_PX = 3  # pixels that the blur needs beyond those it gives


@dataclass(frozen=True)
class Sensor:
    """Blur (sd of a Gaussian in pixels, before the box pixel), haze 0..1, noise (relative to mid grey), gain, gamma.

    psf_px of 0.54 gives a system MTF of about 0.15 at Nyquist, as published for half-metre satellites.
    """

    psf_px: float = 0.54
    haze: float = 0.06
    noise: float = 0.012
    gain: float = 1.7
    gamma: float = 1.6

    def digits(self, radiance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """uint8 of the shape of radiance (3, rows, columns); 0 is left to mean no data."""
        airlight = np.array(AIRLIGHT, np.float32)[:, None, None]
        seen = (1.0 - self.haze) * radiance + self.haze * airlight
        sigma = self.noise * np.sqrt(0.02 + 0.2 * np.maximum(seen, 0.0))  # read-out and photon noise
        seen = seen + sigma * rng.standard_normal(seen.shape, np.float32)
        shown = 255.0 * np.clip(self.gain * seen, 0.0, 1.0) ** (1.0 / self.gamma)
        return np.clip(np.rint(shown), 1, 255).astype(np.uint8)

    def pixels(self, fine: np.ndarray, factor: int) -> np.ndarray:
        """Blurred means of factor x factor cells; fine (bands, rows, columns) has MARGIN_PX extra pixels all round."""
        kernel = self._kernel(factor)
        return _reduced(_reduced(fine, kernel, factor, 1), kernel, factor, 2)

    def _kernel(self, factor: int) -> np.ndarray:
        half = min(int(np.ceil(3 * self.psf_px * factor)), MARGIN_PX * factor)
        bell = np.exp(-0.5 * (np.arange(-half, half + 1) / max(self.psf_px * factor, 1e-6)) ** 2)
        kernel = np.convolve(bell, np.ones(factor))
        return (kernel / kernel.sum()).astype(np.float32)


def _reduced(fine: np.ndarray, kernel: np.ndarray, factor: int, axis: int) -> np.ndarray:
    """The kernel applied along an axis at every factor-th cell, leaving out the margins."""
    count = fine.shape[axis] // factor - 2 * MARGIN_PX
    first = MARGIN_PX * factor - (len(kernel) - factor) // 2
    shape = list(fine.shape)
    shape[axis] = count
    total = np.zeros(shape, np.float32)
    cut: list[slice] = [slice(None)] * fine.ndim
    for k, weight in enumerate(kernel):
        cut[axis] = slice(first + k, first + k + factor * (count - 1) + 1, factor)
        total += weight * fine[tuple(cut)]
    return total
