"""Whether a train moved while it was seen: scanners take the bands one after another, so its colours part along the track.

The shift of each wagon's red against its blue along the track is found by correlation. A train moves when its wagons agree on a
shift that the ground beside them does not share. Aerial frames take all bands at once and never show it.
"""

from __future__ import annotations

import numpy as np

from .strip import Strip

NOTE = "moving?"
MOST_M = 4.0  # shift looked for: 20 m/s over 0.2 s
AROUND_M = 5.0  # a wagon is looked at with so much of its neighbours
ALIKE = 0.6  # correlation of red and blue from which a shift means something
LEAST_M, LEAST_STEPS = 0.5, 1.0  # smaller shifts are nothing
AGREE = 0.35  # wagons agree when the spread of their shifts is less than this share of it
FEWEST, ENOUGH = 3, 8  # wagons that must agree, and that are looked at
BODY_M, GROUND_M = 1.0, 2.0  # columns within, and beyond


def moves(strip: Strip, low: np.ndarray, high: np.ndarray, detail_m: float) -> bool:
    """Whether the wagons whose bodies reach from low to high along the strip stand on wheels that turn. detail_m: effective GSD."""
    if len(low) < FEWEST:
        return False
    some = np.unique(np.linspace(0, len(low) - 1, ENOUGH).astype(int))
    low, high = low[some], high[some]
    near = np.abs(strip.across_m)
    train = _shifts(strip, near <= BODY_M, low, high)
    if len(train) < FEWEST or len(train) < 0.5 * len(low):
        return False
    shift, spread = np.median(train), np.percentile(train, 80) - np.percentile(train, 20)
    least = max(LEAST_M, LEAST_STEPS * strip.step_m, 0.75 * detail_m)
    if abs(shift) < least or spread > AGREE * abs(shift):
        return False
    ground = _shifts(strip, (near > GROUND_M) & (near < GROUND_M + 2 * BODY_M), low, high)
    return bool(not len(ground) or abs(np.median(ground)) < 0.5 * abs(shift))


def _shifts(strip: Strip, columns: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Shift (metres) of blue against red along the track, of the wagons that show one clearly."""
    change = np.diff(strip.colour[:, columns].mean(1), axis=0)
    most = int(round(MOST_M / strip.step_m))
    lags = np.arange(-most, most + 1)
    out = []
    for start, stop in np.searchsorted(strip.s_m, np.stack([low - AROUND_M, high + AROUND_M], 1)):
        start, stop = max(start, most), min(stop, len(change) - most)
        if stop - start < 4 * most:
            continue
        red = change[start:stop, 0] - change[start:stop, 0].mean()
        blue = np.stack([change[start + lag : stop + lag, 2] for lag in lags])
        blue -= blue.mean(1, keepdims=True)
        match = blue @ red / np.maximum(np.sqrt((blue**2).sum(1) * (red**2).sum()), 1e-9)
        best = int(match.argmax())
        if match[best] >= ALIKE and 0 < best < len(lags) - 1:
            out.append((lags[best] + _vertex(*match[best - 1 : best + 2])) * strip.step_m)
    return np.array(out)


def _vertex(before: float, at: float, after: float) -> float:
    """Where a parabola through three points peaks, in steps from the middle one."""
    bend = before - 2 * at + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0
