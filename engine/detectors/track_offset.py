"""How far a drawn track lies beside its rails, so that it can be said: a line is never moved silently.

Across an occupied track the sides of the wagons stand out, across an empty one the bed and its rails. Two templates across the
track, one for each, are laid on every ten metres of it at every offset up to two metres; what fits best along the whole line is
where the rails lie (a softmax over offsets and templates, fitted by ``bench/fit_track_offset.py``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .strip import Strip
from .wagon_evidence import LUMA, Light, right_of

WEIGHTS = Path(__file__).parent / "weights" / "track_offset.json"
GRID_M = 0.25  # across the track
HALF_M = 3.0  # of the templates
TRIED_M = 2.0  # farthest offset: half-way to the next track
CELL_M = 10.0
EDGE_M = 0.5  # edges are differences over twice this across the track
SEEN = 0.9  # of a cell's column
ALIKE = 0.3  # neighbouring cells show the same thing: their log-odds count this much
FAR_M, SURE, FEWEST = 0.5, 0.95, 3  # what is surely beside: metres, probability, cells
WORTH_M = 0.6  # and what is worth a warning
PARALLEL = 0.9  # cosine of the angle between tracks that vouch for each other
OTHERS = 0.3  # how much of what the other tracks show counts for one
DEVIATION_M, ALONE = 0.3, 0.2  # how far a line lies from its neighbours' offset, and how often anywhere
LIMIT_M = 1.85  # what fits best at the limit of what was tried may be the next track
ACROSS_M = np.arange(-HALF_M - TRIED_M, HALF_M + TRIED_M + 1e-9, GRID_M)
OFFSETS_M = np.arange(-TRIED_M, TRIED_M + 1e-9, GRID_M)
POINTS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


@dataclass(frozen=True)
class Templates:
    """k templates: ``weights`` (k, features, width) on features divided by ``scale`` (features,), ``bias`` (k,)."""

    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Templates:
        """From a file."""
        return cls(*(np.asarray(values[name], float) for name in ("scale", "weights", "bias")))

    def log_chances(self, profiles: np.ndarray) -> np.ndarray:
        """Log probability (cells, offsets) of each offset of OFFSETS_M, from profiles (cells, features, across)."""
        windows = np.lib.stride_tricks.sliding_window_view(profiles / self.scale[:, None], self.weights.shape[2], axis=2)
        scores = np.einsum("nfow,kfw->nok", windows, self.weights, optimize=True) + self.bias
        either = np.logaddexp.reduce(scores, axis=2)
        return either - np.logaddexp.reduce(either, axis=1)[:, None]


@lru_cache(maxsize=1)
def shipped_templates() -> Templates:
    """The fitted templates."""
    return Templates.from_dict(json.loads(WEIGHTS.read_text("utf8")))


def profiles(strip: Strip, light: Light) -> tuple[np.ndarray, np.ndarray, bool]:
    """What each cell of a strip shows across the track, its shaded side to the right: (cells, 5, across).

    Luminance, its slope across, its edges across, its spread along and its roughness along, each less its mean. Also where the
    cells' middles lie (cells,), and whether the sides were turned.
    """
    size = int(round(CELL_M / strip.step_m))
    count = len(strip) // size
    columns = len(strip.across_m)
    bright = ((strip.colour @ LUMA - light.low) / (light.high - light.low))[: count * size].reshape(count, size, columns)
    reach = max(1, int(round(EDGE_M / strip.step_m)))
    mean, edges = bright.mean(1), np.zeros((count, columns))
    slope = np.zeros((count, columns))
    edges[:, reach:-reach] = np.abs(bright[..., 2 * reach :] - bright[..., : -2 * reach]).mean(1)
    slope[:, reach:-reach] = mean[:, 2 * reach :] - mean[:, : -2 * reach]
    shown = np.stack([mean, slope, edges, bright.std(1), np.abs(np.diff(bright, axis=1)).mean(1)], axis=1)
    turned = bool(right_of(strip) @ light.shade < 0)
    if turned:
        shown = shown[..., ::-1].copy()
        shown[:, 1] *= -1
    near = np.abs(strip.across_m) <= HALF_M + TRIED_M
    seen = (strip.weight[: count * size].reshape(count, size, columns).mean(1) > SEEN)[:, near].all(1)
    lifted = shown @ _between(strip.across_m)
    middles = strip.s_m[: count * size].reshape(count, size).mean(1)
    return (lifted - lifted.mean(2, keepdims=True))[seen], middles[seen], turned


def _between(across_m: np.ndarray) -> np.ndarray:
    """(columns, across) weights that interpolate a strip's columns at ACROSS_M."""
    return np.stack([np.interp(ACROSS_M, across_m, unit) for unit in np.eye(len(across_m))])


def offsets(
    lengths_m: Sequence[Sequence[float]], strips: Sequence[Sequence[Strip]], light: Light, templates: Templates | None = None
) -> list[tuple[float, float, np.ndarray]]:
    """Where the rails of each zone's lines lie to the right of them in metres, how probably FAR_M or more away, and the right (2,).

    NaN and 0 where too little was seen. The right is a unit vector (east, north), a mean over the zone's lines. A picture that lies
    aside moves all tracks alike, so parallel tracks vouch for each other: what the others show is each one's prior.
    """
    shown = [_shown(each, light, lengths, templates or shipped_templates()) for each, lengths in zip(strips, lengths_m)]
    rights = np.stack([right for *_, right in shown]) if shown else np.zeros((0, 2))
    same_way = rights @ rights.T
    out = []
    for k, (own, cells, right) in enumerate(shown):
        if cells < FEWEST:
            out.append((float("nan"), 0.0, right))
            continue
        others = np.zeros(len(OFFSETS_M))
        for j in np.flatnonzero(np.abs(same_way[k]) >= PARALLEL):
            if j != k:
                others += shown[j][0][:: 1 if same_way[k, j] > 0 else -1]
        chance = _chances(ALIKE * own + np.log(_expected(_chances(OTHERS * ALIKE * others))))
        far = float(chance[np.abs(OFFSETS_M) >= FAR_M - 1e-9].sum())
        out.append((float(chance @ OFFSETS_M), far, right))
    return out


def _shown(
    strips: Sequence[Strip], light: Light, lengths_m: Sequence[float], templates: Templates
) -> tuple[np.ndarray, int, np.ndarray]:
    """Log-likelihood of each offset, the cells it comes from, and the right (2,) as a unit vector, of one zone's lines."""
    total, cells, right = np.zeros(len(OFFSETS_M)), 0, np.zeros(2)
    for strip, length_m in zip(strips, lengths_m):
        shown, at, turned = profiles(strip, light)
        shown = shown[(at > 0) & (at < length_m)]
        chances = templates.log_chances(shown).sum(0) if len(shown) else np.zeros(len(OFFSETS_M))
        total += chances[::-1] if turned else chances
        cells, right = cells + len(shown), right + right_of(strip)
    return total, cells, right / max(float(np.hypot(*right)), 1e-9)


def _chances(log_likelihood: np.ndarray) -> np.ndarray:
    chance = np.exp(log_likelihood - log_likelihood.max())
    return chance / chance.sum()


def _expected(others: np.ndarray) -> np.ndarray:
    """Prior of a line's offset from that of its neighbours: about the same, or any."""
    near = np.exp(-0.5 * (np.subtract.outer(OFFSETS_M, OFFSETS_M) / DEVIATION_M) ** 2)
    return (1 - ALONE) * (near / near.sum(0)) @ others + ALONE / len(OFFSETS_M)


def warning(zone_id: str, to_right_m: float, far: float, right: np.ndarray) -> tuple[str, ...]:
    """What to tell the user of a line that surely lies beside its rails."""
    if not (far > SURE and WORTH_M <= abs(to_right_m) <= LIMIT_M):
        return ()
    east, north = -np.sign(to_right_m) * right  # from the rails to the line
    point = POINTS[int(round(np.degrees(np.arctan2(east, north)) / 45.0)) % 8]
    return (f"Track {zone_id} lies about {abs(to_right_m):.1f} m {point} of its rails: move it.",)
