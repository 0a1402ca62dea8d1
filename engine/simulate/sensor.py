"""From light leaving the ground to 8-bit numbers: blur, pixel, colour, haze, noise, display curve and JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .jpeg import through_jpeg

AIRLIGHT = (0.16, 0.19, 0.24)  # red, green, blue of the haze
MID_GREY = 0.15  # reflectance that contrast leaves as it is
LARGE_SCENE = (0.02, 0.42)  # light of a scene's darkest and brightest half percent, of flat ground in the sun
MARGIN_PX = 3  # pixels that the blur needs beyond those it gives
COLOUR_MARGIN_PX = 6  # and those that coarser colour needs beyond these
COLOUR_PX = 4  # side of a colour pixel where panchromatic pixels sharpen them


@dataclass(frozen=True)
class Sensor:
    """Blur (sd of a Gaussian in pixels, before the box pixel), haze 0..1, noise (relative to mid grey), gain, gamma.

    psf_px of 0.54 gives a system MTF of about 0.15 at Nyquist, as published for half-metre satellites. contrast: exponent on
    the light, below 1 for flat light. sharpened: colour is four times coarser than brightness, which leaves halos of colour.
    jpeg: quality, 0 for none.
    """

    psf_px: float = 0.54
    haze: float = 0.06
    noise: float = 0.012
    gain: float = 1.7
    gamma: float = 1.6
    contrast: float = 1.0
    sharpened: bool = False
    jpeg: int = 0

    @property
    def margin_px(self) -> int:
        """Pixels needed all round."""
        return MARGIN_PX + COLOUR_MARGIN_PX * self.sharpened

    def digits(self, radiance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """uint8 of the shape of radiance (3, rows, columns); 0 is left to mean no data."""
        seen = self._hazy(radiance)
        sigma = self.noise * np.sqrt(0.02 + 0.2 * np.maximum(seen, 0.0))  # read-out and photon noise
        seen += sigma * rng.standard_normal(seen.shape, np.float32)
        digits = np.clip(np.rint(self._shown(seen)), 1, 255).astype(np.uint8)
        return np.maximum(through_jpeg(digits, self.jpeg), 1) if self.jpeg else digits

    def ends(self) -> tuple[float, float]:
        """Digits of what is darkest and brightest in a large scene: water in shade, and white roofs."""
        low, high = (self._shown(self._hazy(np.full((3, 1, 1), end, np.float32))) for end in LARGE_SCENE)
        return float(low.min()), float(high.max())

    def _hazy(self, radiance: np.ndarray) -> np.ndarray:
        if self.contrast != 1.0:
            radiance = MID_GREY * (np.maximum(radiance, 0.0) / MID_GREY) ** self.contrast
        return (1.0 - self.haze) * radiance + self.haze * np.array(AIRLIGHT, np.float32)[:, None, None]

    def _shown(self, seen: np.ndarray) -> np.ndarray:
        return 255.0 * np.clip(self.gain * seen, 0.0, 1.0) ** (1.0 / self.gamma)

    def pixels(self, fine: np.ndarray, factor: int) -> np.ndarray:
        """Blurred means of factor x factor cells; fine (bands, rows, columns) has margin_px extra pixels all round."""
        kernel = self._kernel(factor)
        seen = _reduced(_reduced(fine, kernel, factor, 1), kernel, factor, 2)
        return _sharpened(seen) if self.sharpened else seen

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


def _sharpened(seen: np.ndarray) -> np.ndarray:
    """Brovey's merge of coarse colour and fine brightness, without the margin that the coarse colour needs."""
    coarse = _boxed(_boxed(seen, 1), 2)
    inner = np.s_[COLOUR_MARGIN_PX : seen.shape[1] - COLOUR_MARGIN_PX, COLOUR_MARGIN_PX : seen.shape[2] - COLOUR_MARGIN_PX]
    coarse, fine = coarse[(slice(None), *inner)], seen[(slice(None), *inner)]
    return coarse * (fine.mean(axis=0) / np.maximum(coarse.mean(axis=0), 1e-4))


def _boxed(field: np.ndarray, axis: int) -> np.ndarray:
    """A box of COLOUR_PX, twice (a triangle): pixel and resampling of the colour bands."""
    for shift in (-COLOUR_PX // 2, -COLOUR_PX // 2 + 1):
        field = sum(np.roll(field, shift + k, axis) for k in range(COLOUR_PX)) / COLOUR_PX  # type: ignore[assignment]
    return field
