"""Explicit-duration model: cut a line of evidence into objects whose lengths are known beforehand, and empty stretches.

A two-state hidden semi-Markov model (Yu 2010, Artificial Intelligence 174:215; ALGORITHMS of this project, wagons on tracks): empty
stretches end anywhere, objects have a length distribution and follow each other in rakes. The most probable sequence is found by
dynamic programming, in blocks as long as the shortest object, since nothing inside such a block can depend on itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEVER = -1e30


@dataclass(frozen=True)
class LengthModel:
    """What is known of lengths and order before looking.

    median_m and sd_log: log-normal length from joint to joint. thin_above_m: longer objects are exp(-(length - thin_above_m) /
    thin_by_m) times as likely as the log-normal says, because two merged objects look like one long one. shortest_m, longest_m:
    limits. follow: chance that another object follows at once. spacing_m: mean length of empty track before a rake starts.
    occupied: share of track filled a priori.
    """

    median_m: float = 14.5
    sd_log: float = 0.22
    thin_above_m: float = 20.0
    thin_by_m: float = 2.0
    shortest_m: float = 8.0
    longest_m: float = 30.0
    follow: float = 11 / 12
    spacing_m: float = 60.0
    occupied: float = 0.5

    def log_lengths(self, step_m: float) -> tuple[np.ndarray, np.ndarray]:
        """Lengths in steps (k,) and their log probabilities (k,)."""
        lengths = np.arange(int(np.ceil(self.shortest_m / step_m)), int(self.longest_m / step_m) + 1)
        metres = lengths * step_m
        density = np.exp(-0.5 * (np.log(metres / self.median_m) / self.sd_log) ** 2) / metres
        density *= np.exp(-np.maximum(metres - self.thin_above_m, 0.0) / self.thin_by_m)
        return lengths, np.log(density / density.sum())


@dataclass(frozen=True)
class Segments:
    """k objects as half-open ranges of steps, ``start`` and ``stop`` (k,), and whether an end of the line ``cut`` them (k,)."""

    start: np.ndarray
    stop: np.ndarray
    cut: np.ndarray

    def __len__(self) -> int:
        return len(self.start)


def segment(occupied: np.ndarray, joint: np.ndarray, step_m: float, model: LengthModel | None = None) -> Segments:
    """The most probable objects along a line of n steps.

    occupied: (n,) log likelihood ratio, occupied against empty, of each step. joint: (n + 1,) log likelihood ratio that the edge
    before each step is a joint between two objects, against any other place on an object (prior already taken out).
    """
    model = model or LengthModel()
    n = len(occupied)
    if n == 0:
        return Segments(np.zeros(0, int), np.zeros(0, int), np.zeros(0, bool))
    return _trace(_Trellis(occupied, joint, step_m, model))


class _Trellis:
    """Best scores of all prefixes: ``empty[j]`` with an empty step before j, ``ended[j]`` with an object that ends at j."""

    def __init__(self, occupied: np.ndarray, joint: np.ndarray, step_m: float, model: LengthModel) -> None:
        n = len(occupied)
        self.n = n
        self.lengths, self.log_length = model.log_lengths(step_m)
        self.total = np.concatenate([[0.0], np.cumsum(occupied)])
        start_chance = min(step_m / model.spacing_m, 0.5)
        self.log_start, self.log_stay = np.log(start_chance), np.log1p(-start_chance)
        self.log_follow, self.log_leave = np.log(model.follow), np.log1p(-model.follow)
        self.log_stays = np.arange(1, int(self.lengths[0]) + 1) * self.log_stay
        self.log_backwards = self.log_length[::-1].copy()  # of objects from the longest to the shortest
        self.joint = joint
        longer = np.concatenate([np.ones(self.lengths[0]), np.exp(self.log_length)[::-1].cumsum()[::-1]])
        self.longest = len(longer) - 1
        self.log_longer = np.log(longer)  # chance that an object is at least so many steps long, from 0 to the longest
        self.log_rest = self.log_longer - np.log(longer.sum())  # density of the part left of an object met in its middle
        self.log_occupied = np.log(model.occupied)
        self.empty = np.full(n + 1, NEVER)
        self.ended = np.full(n + 1, NEVER)
        self.began = np.full(n + 1, NEVER)  # best score with an object that begins at j
        self.free = np.full(
            n + 1 + self.longest, NEVER
        )  # began less the total there, after as many NEVER as the longest is long
        self.earlier = np.lib.stride_tricks.sliding_window_view(
            self.free, len(self.lengths)
        )  # where objects that end at j begin
        self.length = np.zeros(n + 1, int)  # of the object that ends at j; 0 where it came in from beyond the line
        self._fill(np.log1p(-model.occupied))

    def _fill(self, log_empty: float) -> None:
        self.empty[0] = log_empty
        self.began[0] = log_empty + self.log_start
        self.free[self.longest] = self.began[0]
        first = min(self.n, self.longest)
        cut_in = np.full(self.n + 1, NEVER)
        cut_in[1 : first + 1] = self.log_occupied + self.total[1 : first + 1] + self.log_rest[1 : first + 1]
        block = int(self.lengths[0])
        for low in range(1, self.n + 1, block):
            self._advance(low, min(low + block, self.n + 1), cut_in)

    def _advance(self, low: int, high: int, cut_in: np.ndarray) -> None:
        """Fill the edges from low to high; objects that end there began before low."""
        here, before = slice(low, high), slice(low - 1, high - 1)
        score = self.earlier[here] + self.log_backwards
        best = score.argmax(1)
        whole = score[np.arange(high - low), best] + self.total[here]
        self.ended[here] = ended = np.maximum(whole, cut_in[here])
        self.length[here] = np.where(whole >= cut_in[here], self.longest - best, 0)
        steps = self.log_stays[: high - low]
        leaving = self.ended[before] + (self.log_leave + self.log_stay) - steps
        arrive = np.maximum.accumulate(leaving)
        self.empty[here] = empty = np.maximum(arrive, self.empty[low - 1]) + steps
        self.began[here] = np.maximum(empty + self.log_start, ended + self.log_follow + self.joint[here])
        self.free[self.longest + low : self.longest + high] = self.began[here] - self.total[here]

    def finish(self) -> tuple[str, int]:
        """How the line ends: in "empty" or "ended" at n, or in an object "cut" by the end that began at the step returned."""
        low = max(0, self.n - self.longest)
        begin = np.arange(low, self.n)
        cut = self.began[begin] + self.total[self.n] - self.total[begin] + self.log_longer[self.n - begin]
        scores = {"empty": self.empty[self.n], "ended": self.ended[self.n] + self.log_leave, "cut": cut.max()}
        if self.n <= self.longest:
            through = np.logaddexp.reduce(self.log_rest[self.n :])  # an object longer than the line
            scores["through"] = self.log_occupied + self.total[self.n] + through
        how = max(scores, key=lambda name: scores[name])
        return how, int(begin[cut.argmax()]) if how == "cut" else self.n


def _trace(trellis: _Trellis) -> Segments:
    """Walk back from the end along the best choices."""
    how, j = trellis.finish()
    found: list[tuple[int, int, bool]] = []
    if how == "through":
        return Segments(np.array([0]), np.array([trellis.n]), np.array([True]))
    if how == "cut":
        found.append((j, trellis.n, True))
        how = _before(trellis, j)
    while j > 0:
        if how == "empty":
            arrived = trellis.ended[j - 1] + trellis.log_leave >= trellis.empty[j - 1]
            j, how = j - 1, "ended" if arrived and j > 1 else "empty"
            continue
        length = int(trellis.length[j])
        found.append((j - length if length else 0, j, length == 0))
        j = found[-1][0]
        how = _before(trellis, j)
    start, stop, cut = (np.array(column) for column in zip(*found[::-1])) if found else (np.zeros(0),) * 3
    return Segments(start.astype(int), stop.astype(int), cut.astype(bool))


def _before(trellis: _Trellis, j: int) -> str:
    """Whether an object that begins at j follows another or empty track."""
    follows = trellis.ended[j] + trellis.log_follow + trellis.joint[j]
    return "ended" if follows > trellis.empty[j] + trellis.log_start else "empty"
