"""How far two windows of one size are shifted against each other: phase correlation to a hundredth of a pixel.

The cross-spectrum is whitened, so that every frequency says only *where*, and multiplied with a Gaussian. Equal contents then
correlate as an exact Gaussian, whose middle a parabola through the logarithms of three samples finds without bias. Two features
of the same windows vote in one sum: brightness, which is exact, and the size of its gradient, which survives another sun, another
band and a negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_LOW_PASS = 0.18  # standard deviation of the Gaussian, cycles a pixel
_GUARD = 4  # pixels round a peak that belong to it
_EDGE = 4  # pixels beside invalid ones that show their edge
_TINY = 1e-12


@dataclass(frozen=True)
class Peak:
    """dx, dy: pixels that the second content lies right of and below the first. quality: height in standard deviations of the rest."""

    dx: float
    dy: float
    quality: float


def spectra(window: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Whitened half spectra (2 features, rows, columns // 2 + 1; complex64) of a window, of what is valid and faded to the edges."""
    from scipy.fft import rfft2

    spectrum = rfft2(_features(window, valid))
    return spectrum / (np.abs(spectrum) + _TINY)


def _features(window: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Brightness and size of its gradient."""
    weight = _taper(window.shape)
    flat = window.astype(np.float32)
    if not valid.all():
        from scipy.ndimage import uniform_filter

        flat = np.where(valid, flat, flat[valid].mean() if valid.any() else 0)
        # two passes: nothing of the edge of what is hidden is left, and the picture fades towards it
        inner = (uniform_filter(valid.astype(np.float32), 2 * _EDGE + 1, mode="nearest") > 0.999).astype(np.float32)
        weight = weight * uniform_filter(inner, 2 * _EDGE + 1, mode="nearest") * inner
    out = np.stack([flat, _steepness(flat)])
    total = float(weight.sum()) or 1.0
    return (out - ((out * weight).sum(axis=(1, 2)) / total)[:, None, None]) * weight


def _steepness(flat: np.ndarray) -> np.ndarray:
    """Size of the gradient after a light smoothing (a standard deviation of about 0.8 pixels); 0 at the rim."""
    down = (flat[:-2] + 2 * flat[1:-1] + flat[2:]) / 4
    soft = (down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]) / 4
    across, along = soft[1:-1, 2:] - soft[1:-1, :-2], soft[2:, 1:-1] - soft[:-2, 1:-1]
    return np.pad(np.sqrt(across**2 + along**2), 2)


@lru_cache(maxsize=8)
def _taper(shape: tuple[int, int]) -> np.ndarray:
    """Hann window."""
    return np.outer(*(np.hanning(side + 2)[1:-1] for side in shape)).astype(np.float32)


@lru_cache(maxsize=8)
def _frequencies(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Cycles a pixel down and across, as half spectra have them."""
    from scipy.fft import fftfreq, rfftfreq

    return fftfreq(shape[0])[:, None].astype(np.float32), rfftfreq(shape[1])[None].astype(np.float32)


@lru_cache(maxsize=8)
def _gaussian(shape: tuple[int, int]) -> np.ndarray:
    down, across = _frequencies(shape)
    return np.exp(-(down**2 + across**2) / (2 * _LOW_PASS**2)).astype(np.float32)


def cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cross-spectrum of two windows' spectra, summed over the features."""
    return (second * np.conj(first)).sum(axis=0)


def surface(cross_spectrum: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Correlation (rows, columns) for every whole shift, none in the middle; mean 0, standard deviation 1."""
    from scipy.fft import fftshift, irfft2

    out = fftshift(irfft2(cross_spectrum * _gaussian(shape), s=shape))
    return (out - out.mean()) / (out.std() + _TINY)


def peak(correlation: np.ndarray, reach: float) -> Peak:
    """The highest point of a surface within ``reach`` pixels of its middle."""
    rows, columns = correlation.shape
    high, wide = int(min(reach, rows // 2 - 2)), int(min(reach, columns // 2 - 2))
    top, left = rows // 2 - high, columns // 2 - wide
    part = correlation[top : rows // 2 + high + 1, left : columns // 2 + wide + 1]
    r, c = (int(v) for v in np.unravel_index(int(part.argmax()), part.shape))
    r, c = r + top, c + left
    near = correlation[r - min(r, _GUARD) : r + _GUARD + 1, c - min(c, _GUARD) : c + _GUARD + 1].astype(float)
    left_over = correlation.size - near.size
    mean = (float(correlation.sum()) - near.sum()) / left_over
    spread = np.sqrt(max((float((correlation**2).sum()) - (near**2).sum()) / left_over - mean**2, _TINY))
    dx = _vertex(correlation[r, c - 1 : c + 2]) + c - columns // 2
    dy = _vertex(correlation[r - 1 : r + 2, c]) + r - rows // 2
    return Peak(dx, dy, float((correlation[r, c] - mean) / spread))


def _vertex(three: np.ndarray) -> float:
    """Where between -1 and 1 the top of a Gaussian through three samples lies."""
    if three.min() <= 0:
        return 0.0
    a, b, c = np.log(three.astype(float))
    bend = a - 2 * b + c
    return float(np.clip((a - c) / (2 * bend), -1, 1)) if bend < 0 else 0.0


def sharpen(cross_spectrum: np.ndarray, shape: tuple[int, int], dx: float, dy: float) -> tuple[float, float]:
    """The shift (pixels) near (dx, dy) at which the correlation is highest between its samples (Newton's method)."""
    down, across = _frequencies(shape)
    weighted = cross_spectrum * _gaussian(shape)
    at, slopes = np.array([dx, dy]), (across, down)
    for _ in range(6):
        turned = weighted * np.exp(2j * np.pi * (across * at[0] + down * at[1]))
        pull = np.array([-2 * np.pi * float((turned.imag * f).sum()) for f in slopes])
        bend = np.array([[-4 * np.pi**2 * float((turned.real * f * g).sum()) for g in slopes] for f in slopes])
        if np.linalg.eigvalsh(bend).max() >= 0:
            break
        step = np.clip(np.linalg.solve(bend, -pull), -0.25, 0.25)
        at = at + step
    return (float(at[0]), float(at[1])) if np.hypot(at[0] - dx, at[1] - dy) < 0.5 else (dx, dy)
