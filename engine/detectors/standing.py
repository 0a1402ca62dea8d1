"""What stands in the same place on another date, with the same size and direction: a pier, a wreck, a moored hulk, or a ship again."""

from __future__ import annotations

import numpy as np

from ..detections import Detections

# How far centres may lie apart (of the length, and at least), and how much lengths and directions may differ.
_APART, _APART_M, _LENGTHS, _TURNED_DEG = 0.15, 6.0, 1.25, 15.0


def standing(now: Detections, earlier: Detections) -> np.ndarray:
    """Index (N) of the earlier detection that each of now's stands on, -1 where there is none; points count by place alone."""
    found = np.full(len(now), -1)
    if not len(now) or not len(earlier):
        return found
    away = np.hypot(now.x[:, None] - earlier.x, now.y[:, None] - earlier.y)
    near = away <= np.maximum(_APART * now.length_m[:, None], _APART_M)
    known = earlier.length_m > 0
    ratio = now.length_m[:, None] / np.where(known, earlier.length_m, 1.0)
    turned = np.abs((now.azimuth_deg[:, None] - earlier.azimuth_deg + 90) % 180 - 90)
    alike = ~known | ((ratio < _LENGTHS) & (ratio > 1 / _LENGTHS) & (turned < _TURNED_DEG))
    away[~(near & alike)] = np.inf
    nearest = away.argmin(1)
    hit = np.isfinite(away[np.arange(len(now)), nearest])
    found[hit] = nearest[hit]
    return found


def flagged(now: Detections, earlier: Detections, days: np.ndarray) -> Detections:
    """The same detections; the note of each that stood there before says on which day (days: str, one for each earlier one)."""
    before = standing(now, earlier)
    notes = [
        "; ".join(filter(None, (note, f"stands there on {days[k] or 'another date'} too: may be fixed"))) if k >= 0 else note
        for note, k in zip(now.note, before)
    ]
    return now.with_(note=np.array(notes, object)) if len(now) else now
