"""Whether a train moved while it was seen: scanners take the bands one after another, so its colours part along the track.

The shift of red against blue along the track is found by correlation, wagon by wagon, in three bands of columns: the bodies and the
flanks to both sides of them. Bodies have paints that differ from band to band; their shadow on one flank is the same in all and parts
as they do. A train moves when its wagons agree on a shift, in its shadow or on it, that the bodies together bear out and another flank, the
ground, does not share. Aerial frames take all bands at once and never show it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .strip import Strip

NOTE = "moving?"
MOST_M = 4.0  # shift looked for: 20 m/s over 0.2 s
AROUND_M = 5.0  # a wagon is looked at with so much of its neighbours
ALIKE = 0.6  # correlation of red and blue from which a wagon's shift means something
LEAST_M, LEAST_STEPS = 0.5, 1.0  # smaller shifts are nothing
AGREE = 0.35  # wagons agree when the spread of their shifts is less than this share of it
FEWEST, ENOUGH = 3, 8  # wagons that must agree, and that are looked at
BODY_M, GROUND_M = 1.0, 2.0  # columns within, and beyond


def moves(strip: Strip, low: np.ndarray, high: np.ndarray, detail_m: float) -> bool:
    """Whether the wagons whose bodies reach from low to high along the strip stand on wheels that turn. detail_m: effective GSD."""
    if len(low) < FEWEST:
        return False
    some = np.unique(np.linspace(0, len(low) - 1, ENOUGH).astype(int))
    across, flank = strip.across_m, (GROUND_M, GROUND_M + 2 * BODY_M)
    columns = (
        np.abs(across) <= BODY_M,
        *((side * across > flank[0]) & (side * across < flank[1]) for side in (-1, 1)),
    )
    bodies, *flanks = _matches(strip, columns, low[some], high[some])
    if len(bodies) < FEWEST:
        return False
    together = _peaks(bodies.mean(0, keepdims=True), strip.step_m)[0]
    least = max(LEAST_M, LEAST_STEPS * strip.step_m, 0.75 * detail_m)
    told = [(_agreed(part, strip.step_m), part is bodies) for part in (bodies, *flanks)]
    stands = [abs(shift) for shift, body in told if not body and np.isfinite(shift)]
    return any(
        abs(shift) >= least
        and abs(together - shift) <= max(LEAST_M, AGREE * abs(shift))
        and min(stands, default=np.inf) < 0.5 * abs(shift)
        for shift, _ in told
    )


def _agreed(matches: np.ndarray, step_m: float) -> float:
    """The shift (metres) that most wagons show clearly and alike; NaN where there is none."""
    clear = matches.max(1, initial=-1.0) >= ALIKE
    if clear.sum() < max(FEWEST, 0.5 * len(matches)):
        return np.nan
    shifts = _peaks(matches[clear], step_m)
    low, middle, high = (float(shift) for shift in np.percentile(shifts, [20, 50, 80]))
    return middle if high - low <= max(AGREE * abs(middle), step_m) else np.nan


def warning(zone_id: str, notes: np.ndarray) -> tuple[str, ...]:
    """What is said of a track on which wagons carry the note."""
    number = sum(NOTE in note for note in notes)
    if not number:
        return ()
    return (
        f"Track {zone_id}: {number} wagons may have moved while they were seen (their colours part); lengths are less sure.",
    )


def _matches(strip: Strip, columns: Sequence[np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(columns, k, lags) correlation of blue with red of each wagon, at every shift up to MOST_M along the track."""
    change = np.diff(_red_and_blue(strip, columns), axis=0)
    most, out = int(round(MOST_M / strip.step_m)), []
    for start, stop in np.searchsorted(strip.s_m, np.stack([low - AROUND_M, high + AROUND_M], 1)):
        start, stop = max(start, most), min(stop, len(change) - most)
        if stop - start < 4 * most:
            continue
        red = change[start:stop, :, 0].T
        red = red - red.mean(1, keepdims=True)
        blue = np.lib.stride_tricks.sliding_window_view(change[start - most : stop + most, :, 1], stop - start, axis=0)
        blue = (blue - blue.mean(2, keepdims=True)).transpose(1, 0, 2)
        alike = (blue @ red[..., None])[..., 0]
        out.append(alike / np.maximum(np.sqrt((blue**2).sum(2) * (red**2).sum(1, keepdims=True)), 1e-9))
    return np.array(out).reshape(-1, len(columns), 2 * most + 1).transpose(1, 0, 2)


def _red_and_blue(strip: Strip, columns: Sequence[np.ndarray]) -> np.ndarray:
    """(n, columns, 2) mean red and blue of each set of columns."""
    share = np.stack([part / max(part.sum(), 1) for part in columns], 1).astype(np.float32)
    bands = np.eye(3, dtype=np.float32)[:, [0, 2]]
    return (strip.colour.reshape(len(strip), -1) @ np.kron(share, bands)).reshape(len(strip), -1, 2)


def _peaks(matches: np.ndarray, step_m: float) -> np.ndarray:
    """Shift (k,) in metres at which each row of correlations (k, lags) peaks: where a parabola through the best three does."""
    best = np.clip(matches.argmax(1), 1, matches.shape[1] - 2)
    before, at, after = matches[np.arange(len(matches))[:, None], best[:, None] + np.arange(-1, 2)].T
    bend = np.minimum(before - 2 * at + after, -1e-12)
    off = np.where(before - 2 * at + after < 0, np.clip(0.5 * (before - after) / bend, -1, 1), 0.0)
    return (best - matches.shape[1] // 2 + off) * step_m
