"""How coarse the detail of a picture really is, whatever the size of its pixels.

Map tiles, screenshots and "upsampled" products have small pixels and coarse detail: pixels k times larger were blown up. Such a
picture keeps a trace whatever interpolation was used: what its spectrum holds above the coarse pixels' limit of 1/(2k) cycles a
pixel is the mirror image of what lies below, weaker but in step. In a genuine picture the two are unrelated. So the spectrum
is searched for the frequency round which it mirrors itself: the cyclic correlation X(f) X(1/k - f) of cyclostationary signals
(Gardner 1991; that interpolated pictures are such signals: Popescu and Farid 2005, Gallagher 2005).

Repeated pixels (nearest neighbour) mirror round several frequencies; there the steps between pixels tell k: they come in a comb.
Where the mirror image was lost too (blur, several resamplings) only the emptiness of the high frequencies is left to judge by.
Scenes differ in that, so it is believed only where it is plain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_SPAN, _HOP = 64, 16  # pixels in a spectrum's window, and from one to the next
_GRID = 1024  # rates a cycle a pixel
_FIRST, _LAST = int(0.19 * _GRID), int(0.82 * _GRID)
_RATES = np.arange(_FIRST, _LAST) / _GRID  # 1/k for k from 5.3 to 1.2
# Correlation above the neighbouring rates' that genuine pictures hardly reach. JPEG's blocks of 8 mirror too, most at 5/8 and
# 6/8, and with an interpolation by 1.5 they do near 0.79: smaller k than 1.37 are not looked for.
_IN_STEP = np.where(_RATES < 0.6, 0.09, 0.06)
_EIGHTHS = np.abs(_RATES * 8 - np.round(_RATES * 8)) < 0.1
_IN_STEP[_EIGHTHS & (np.round(_RATES * 8) == 4)] = 0.12
_JPEG_TRACE, _IN_STEP_JPEG = 0.3, 0.22  # correlation at 6/8 that tells of JPEG, and what the other eighths then need
_IN_STEP[np.abs(_RATES - 5 / 8) < 0.015] = 0.7
_IN_STEP[_RATES > 0.73] = 2.0
_CHANCE = 12  # times the median deviation: what no rate reaches by chance
_STRONG = 0.4  # correlation from which the falloff has little to say
_AGREE, _AGREE_STRONG = 0.75, 0.45  # least falloff as a share of k
_GROUND = 0.45  # multiples of 1/k correlate too: the lowest rate with this share of the best is k's
# Modulation of the steps between neighbours that only repeated pixels reach; JPEG's blocks alone reach more at their rates.
_DEEP = np.full(_GRID // 2 + 1 - _FIRST, 0.14)
_DEEP[np.isin(np.round(_RATES[: len(_DEEP)] * 128) % 16, (0, 1, 15))] = 0.22
_FULL_SPECTRUM = 1.45  # largest falloff of repeated pixels
_PLAIN_FALLOFF = 1.9  # the falloff alone is believed from here
_QUANTILE = 0.3  # of the blocks with detail: sharp ones decide, but not a single one


@dataclass(frozen=True)
class _Evidence:
    """What one block shows. mirror: correlation for all rates. steps: comb spectra (2 directions, rates 0 … 1/2). falloff: k."""

    mirror: np.ndarray
    steps: np.ndarray
    falloff: float


def effective_gsd(
    luminance: np.ndarray | Sequence[np.ndarray],
    valid: np.ndarray | Sequence[np.ndarray],
    gsd_m: float,
    progress: Callable[[float], None] = lambda fraction: None,
) -> float:
    """Size in metres of the pixels that the detail would need, at least gsd_m.

    luminance: a float array (rows, columns) in any unit, or several blocks of one scene; valid: bool, likewise. Blocks of 256
    or 512 pixels, a dozen to a scene, suffice. The sharper blocks decide, and blocks without detail (water, cloud) say
    nothing; when none has any, gsd_m is returned.
    """
    one = isinstance(luminance, np.ndarray) and luminance.ndim == 2
    blocks = [(luminance, valid)] if one else list(zip(luminance, valid))
    looks = []
    for number, (a, v) in enumerate(blocks):
        progress(number / len(blocks))
        if min(np.shape(a)) > 2 * _SPAN:
            looks.append(_examine(np.asarray(a, np.float32), np.asarray(v, bool)))
    seen = [look for look in looks if look is not None]
    return gsd_m * _factor(seen) if seen else gsd_m


def _factor(seen: list[_Evidence]) -> float:
    """k, from the evidence of all blocks."""
    mirror = np.quantile([e.mirror for e in seen], _QUANTILE, axis=0)
    falloff = float(np.quantile([e.falloff for e in seen], _QUANTILE))
    return (
        _repeated([e.steps for e in seen], mirror, falloff)
        or _mirrored(mirror, falloff)
        or (falloff if falloff >= _PLAIN_FALLOFF else 1.0)
    )


def _mirrored(mirror: np.ndarray, falloff: float) -> float:
    """k of the rate round which the spectrum mirrors itself, 0 where it does not."""
    beside = np.lib.stride_tricks.sliding_window_view(np.pad(mirror, 20, mode="reflect"), 41)
    above = mirror - np.median(beside, axis=-1)
    chance = _CHANCE * np.median(np.abs(above))  # few blocks scatter more
    jpeg = mirror[np.abs(_RATES - 6 / 8) < 0.01].max() >= _JPEG_TRACE
    least = np.maximum(np.where(_EIGHTHS & jpeg, np.maximum(_IN_STEP, _IN_STEP_JPEG), _IN_STEP), chance)
    agrees = falloff * _RATES >= np.where(mirror >= _STRONG, _AGREE_STRONG, _AGREE)
    good = np.where((above >= least) & agrees, above, 0)
    if not good.any():
        return 0.0
    first = int(np.argmax(good >= _GROUND * good.max()))
    return float(1 / _RATES[first + int(np.argmax(good[first : first + 12]))])


def _repeated(steps: list[np.ndarray], mirror: np.ndarray, falloff: float) -> float:
    """k when pixels were repeated, else 0."""
    depth = np.quantile([np.abs(s).min(axis=0) for s in steps], _QUANTILE, axis=0)[_FIRST:]
    own, other = mirror[: len(depth)], mirror[::-1][: len(depth)]
    # JPEG's blocks make steps and mirror at 5/8 and 6/8: at eighths the rate itself must mirror.
    confirmed = np.where(_EIGHTHS[: len(depth)], own >= 0.3, np.maximum(own, other) >= 0.2)
    depth = np.where(confirmed & (depth >= _DEEP), depth, 0)
    if not depth.any() or falloff > _FULL_SPECTRUM:
        return 0.0
    # The lowest of the strong rates is the ground tone, the others its overtones.
    first = int(np.argmax(depth >= 0.75 * depth.max()))
    ground = _FIRST + first + int(np.argmax(depth[first : first + 9]))
    # One step every k pixels is a comb, whose tones are in phase. One pixel without a step in every k / (k - 1) is its
    # negative, whose tones are not: there the rate is 1 - 1/k.
    folded = 2 * ground > _GRID // 2
    overtone = [s[:, _GRID - 2 * ground] if folded else s[:, 2 * ground].conj() for s in steps]
    in_phase = sum(float((s[:, ground] ** 2 * t).real.sum()) for s, t in zip(steps, overtone))
    return _GRID / ground if in_phase > 0 else _GRID / (_GRID - ground)


def _examine(a: np.ndarray, valid: np.ndarray) -> _Evidence | None:
    """The evidence of one block, None where it has no detail."""
    sides = ((a, valid), (a.T, valid.T))
    spectra = [_spectra(*side) for side in sides]
    falloff = _falloff(np.sqrt(np.prod([np.mean(np.abs(s) ** 2, axis=(1, 2)) for s in spectra], axis=0)))
    if not np.isfinite(falloff):
        return None
    mirror = np.sqrt(_mirror(spectra[0]) * _mirror(spectra[1]))
    return _Evidence(mirror, np.array([_steps(*side) for side in sides]), falloff)


def _steps(a: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Spectrum (rates 0 … 1/2) of the squared steps from column to column, relative to their mean."""
    step = np.abs(np.diff(a, axis=1)) * (valid[:, 1:] & valid[:, :-1])
    # Squares give strong edges the word, capped so that one roof has not all of it.
    strength = (np.minimum(step, np.quantile(step[::4], 0.97)).astype(float) ** 2).sum(axis=0)
    return np.fft.rfft(strength, _GRID) / max(strength.sum(), 1e-30)


def _spectra(a: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Windowed spectra along the rows, complex (frequency, row, place); zeros where a window is not all valid."""
    rows = max(1, len(a) // 256)
    windows, whole = (np.lib.stride_tricks.sliding_window_view(b[::rows], _SPAN, axis=1)[:, ::_HOP] for b in (a, valid))
    windows = (windows - windows.mean(axis=-1, keepdims=True)) * whole.all(axis=-1, keepdims=True)
    spectra = np.fft.rfft(windows * np.hanning(_SPAN).astype(np.float32), axis=-1)
    return np.ascontiguousarray(np.moveaxis(spectra, -1, 0).astype(np.complex64))


def _mirror(spectra: np.ndarray) -> np.ndarray:
    """Correlation 0..1 of each frequency with its mirror image, mean over frequencies, for all rates."""
    nyquist = len(spectra) - 1
    size = np.abs(spectra)
    result = np.zeros(len(_RATES))
    bins = np.round(_RATES * _SPAN).astype(int)
    for m in np.unique(bins):
        # From close to the mirror, where both are strong, to where the mirror image is weak.
        low = np.arange(max(2, m - nyquist, int(np.ceil(m / 2 * 0.35))), int(m / 2 * 0.8) + 1)
        product = np.einsum("frp,frp->fp", spectra[low], spectra[m - low])
        total = np.einsum("frp,frp->f", size[low], size[m - low])
        # From place to place the phase turns with the rate, which tells rates apart that one window cannot.
        turning = np.abs(np.fft.fft(product, _GRID // _HOP, axis=1)) / np.maximum(total, 1e-30)[:, None]
        here = np.flatnonzero(bins == m)
        result[here] = turning.mean(axis=0)[(_FIRST + here) % (_GRID // _HOP)]
    return result


def _falloff(power: np.ndarray) -> float:
    """k from the frequency below which nine tenths of the detail lie, weighted so that natural scenes weigh evenly.

    The lowest power counts as noise. nan where the scene hardly rises above it at the middle frequencies.
    """
    floor = power[2:].min()
    if power[6:9].mean() <= 4 * floor:
        return np.nan
    frequency = np.arange(len(power)) / _SPAN
    share = np.cumsum(np.where(frequency > 1 / _SPAN, np.maximum(power - floor, 0) * frequency**1.5, 0))
    at = float(np.interp(0.9 * share[-1], share, frequency))
    return (0.4 / at / 1.24) ** 1.33
