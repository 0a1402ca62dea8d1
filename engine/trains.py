"""Two sightings of a train: are the wagons in the same order, more than trains made up of such wagons are by chance?

Wagons are aligned in order (Needleman and Wunsch 1970), with gaps for what was missed, taken out or put in, and in both directions.
A pair scores the log of how much likelier its lengths, types and colours are of one wagon than of two wagons of these trains. What
chance reaches is found by putting the second train's wagons in other orders, runs of like wagons kept together: trains are made up in
blocks, and blocks in the same order are no sign of the same train. Simulated in bench/trains.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .detections import Detections
from .detectors.base import Progress, SceneLike, silent
from .errors import Refusal

LEAST_WAGONS = 8
LENGTH_SD_M = 0.7  # of one wagon's measured length
TYPE_P = 0.95  # the most that a told type is believed
COLOUR_SD = (
    0.25,
    0.10,
    0.10,
)  # of one wagon's log brightness, log red/green and log blue/green between two days, train's median off
GAP = -1.5  # of the score, for a wagon without a counterpart
ORDERS = 999  # other orders of the second train
RESIGHTINGS = 25  # simulated second sightings of the first train
CHANCE = 0.99  # what is told is beyond this share of the orders
LEAST_MATCHED = 0.6  # of the longer train

CONSISTENT, NO_MORE_THAN_CHANCE, NOT_TOLD = "consistent", "no more alike than chance", "cannot be told"


@dataclass(frozen=True)
class Train:
    """Wagons in their order along the track.

    length_m: (n,). type_name: (n,) str, "" where it cannot be told; type_p: (n,) its probability. colour: (n, 3) as ``colours``
    gives, NaN without a scene. position_m: (n,) along the track.
    """

    length_m: np.ndarray
    type_name: np.ndarray
    type_p: np.ndarray
    colour: np.ndarray
    position_m: np.ndarray

    @classmethod
    def make(cls, length_m: object, type_name: object = "", type_p: object = np.nan, colour: object = np.nan,
             position_m: object = None) -> Train:  # fmt: skip
        """From arrays or scalars, put into the order of the positions; without positions the order given."""
        length = np.atleast_1d(np.asarray(length_m, float))
        n = len(length)
        position = np.arange(n, dtype=float) if position_m is None else np.asarray(position_m, float)
        order = np.argsort(position, kind="stable")
        tints = np.asarray(colour, float)
        return cls(
            length[order],
            np.array(np.broadcast_to(np.asarray(type_name, object), n))[order],
            np.array(np.broadcast_to(np.asarray(type_p, float), n))[order],
            np.array(np.broadcast_to(tints, (n, 3)))[order],
            position[order],
        )

    def __len__(self) -> int:
        return len(self.length_m)

    def take(self, order: np.ndarray | slice) -> Train:
        """The wagons in another order."""
        return Train(*(getattr(self, name)[order] for name in ("length_m", "type_name", "type_p", "colour", "position_m")))


@dataclass(frozen=True)
class Likeness:
    """What the two sightings have in common.

    verdict: CONSISTENT, NO_MORE_THAN_CHANCE or NOT_TOLD. similarity: score over that of a simulated second sighting of the first
    train; chance: the similarity that CHANCE of other orders stay below. p_value: share of other orders that reach the score.
    pairs: (k, 2) wagons of first and second, from 0, that belong together; reversed: the second runs the other way.
    evidence: (k,) score of each pair. reason: why nothing can be told.
    """

    verdict: str
    similarity: float
    chance: float
    p_value: float
    pairs: np.ndarray
    evidence: np.ndarray
    reversed: bool
    lengths: tuple[int, int]
    reason: str = ""

    def sentence(self, day_1: str, day_2: str) -> str:
        """In words that may be printed: "consistent with", never "is"."""
        n, m = self.lengths
        if self.verdict == NOT_TOLD:
            return f"Whether the {m} wagons seen on {day_2} are consistent with the {n} seen on {day_1} cannot be told: {self.reason}."
        way = ", running the other way" if self.reversed else ""
        chance = max(self.chance, 0.0)
        digits = 3 if abs(self.similarity - chance) < 0.01 else 2  # or both would read the same
        scale = (
            f"similarity {self.similarity:.{digits}f}, where 1 is what a second sighting of the same train would give and "
            f"{round(100 * CHANCE)} of 100 trains of the same wagons in other orders stay below {chance:.{digits}f}"
        )
        if self.verdict == CONSISTENT:
            return (
                f"The wagons seen on {day_2} are consistent with the train seen on {day_1}{way}: {len(self.pairs)} wagons align, "
                f"of {n} and {m} ({scale}). Another train made up alike would look the same."
            )
        return f"The order of the {m} wagons seen on {day_2} is no more like the {n} seen on {day_1} than chance makes it ({scale})."


def compare_trains(
    first: Train,
    second: Train,
    *,
    length_sd_m: float = LENGTH_SD_M,
    seed: int = 0,
    orders: int = ORDERS,
    progress: Progress = silent,
) -> Likeness:
    """How alike two sightings are, with what chance makes of it.

    length_sd_m: standard deviation of one measured length. Nothing is told of fewer than LEAST_WAGONS wagons, or where a simulated
    second sighting of the first train would not stand out from other orders of its wagons: all wagons alike.
    Raises Refusal for a train without wagons.
    """
    for train, which in ((first, "first"), (second, "second")):
        if not len(train):
            raise Refusal("The {which} sighting holds no wagons. Select the wagons of one train.", which=which)
    lengths = len(first), len(second)
    scores = _scores(first, second, length_sd_m)
    forward, backward = _align(scores), _align(scores[:, ::-1])
    turned = backward[0] > forward[0]
    score, pairs = backward if turned else forward
    if turned:
        pairs = np.column_stack([pairs[:, 0], len(second) - 1 - pairs[:, 1]])
    evidence = scores[pairs[:, 0], pairs[:, 1]]
    rng = np.random.default_rng([seed, 13])
    null = _null(scores, second, length_sd_m, rng, orders)
    progress(0.5)
    again, alike = _resighted(first, length_sd_m, rng, orders)
    p_value = (1 + np.count_nonzero(null >= score - 1e-9)) / (1 + len(null))
    limit = float(np.quantile(null, CHANCE))
    reason = ""
    if min(lengths) < LEAST_WAGONS:
        reason = f"at least {LEAST_WAGONS} wagons are needed in both sightings"
    elif again <= alike or again <= 0:
        reason = "the wagons are too alike for their order to tell trains apart"
    scale = max(again, 1e-9)
    common = score / scale, limit / scale, float(p_value), pairs, evidence, bool(turned), lengths
    if reason:
        return Likeness(NOT_TOLD, *common, reason)
    told = score > limit and len(pairs) >= LEAST_MATCHED * max(lengths)
    return Likeness(CONSISTENT if told else NO_MORE_THAN_CHANCE, *common)


def _scores(first: Train, second: Train, length_sd_m: float) -> np.ndarray:
    """(n, m) log odds of each pair: one wagon seen twice, against two wagons of these trains."""
    return _of_lengths(first, second, length_sd_m) + _of_types(first, second) + _of_colours(first, second)


def _normal_odds(difference: np.ndarray, sd: float) -> np.ndarray:
    """log N(d; 0, 2 sd²) - log of the density that the differences of all pairs have there, smoothed by the same error."""
    variance = 2 * sd**2
    everyone = np.sort(difference.ravel())[:: difference.size // 500 + 1]
    grid = np.linspace(everyone[0], everyone[-1] + 1e-9, 101)
    density = np.exp(-((grid[:, None] - everyone) ** 2) / (2 * variance)).mean(1)
    return -(difference**2) / (2 * variance) - np.log(np.interp(difference, grid, density) + 1e-12)


def _of_lengths(first: Train, second: Train, sd: float) -> np.ndarray:
    """A length far off says "another wagon" only so loudly: it may be two wagons taken for one."""
    return _normal_odds(np.subtract.outer(first.length_m, second.length_m), sd).clip(-4.0, 4.0)


def _of_types(first: Train, second: Train) -> np.ndarray:
    told = np.multiply.outer(first.type_name != "", second.type_name != "")
    pool = np.concatenate([first.type_name, second.type_name])
    pool = pool[pool != ""]
    share = np.array([np.mean(pool == name) if len(pool) else 1.0 for name in second.type_name])
    right = np.multiply.outer(*(np.nan_to_num(t.type_p, nan=0.8).clip(0.5, TYPE_P) for t in (first, second)))
    same = np.equal.outer(first.type_name, second.type_name)
    odds = np.where(same, np.log(right / share.clip(1e-3) + 1 - right), np.log(1 - right))
    return np.where(told, odds, 0.0)


def _of_colours(first: Train, second: Train) -> np.ndarray:
    total = np.zeros((len(first), len(second)))
    for k, sd in enumerate(COLOUR_SD):
        values = [train.colour[:, k] - np.nanmedian(train.colour[:, k]) if np.isfinite(train.colour[:, k]).any() else
                  train.colour[:, k] for train in (first, second)]  # fmt: skip
        difference = np.subtract.outer(*values)
        known = np.isfinite(difference)
        if known.any():
            odds = _normal_odds(np.where(known, difference, 0.0), sd).clip(-3.0, 3.0)
            total += np.where(known, odds, 0.0)
    return total


def _align(scores: np.ndarray) -> tuple[float, np.ndarray]:
    """Best total of pairs in order, less the gaps, and the pairs (k, 2)."""
    n, m = scores.shape
    best = _totals(scores[None])[0]
    pairs, i, j = [], n, m
    while i and j:
        if np.isclose(best[i, j], best[i - 1, j - 1] + scores[i - 1, j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif np.isclose(best[i, j], best[i - 1, j] + GAP):
            i -= 1
        else:
            j -= 1
    return float(best[n, m]), np.array(pairs[::-1], int).reshape(-1, 2)


def _totals(scores: np.ndarray) -> np.ndarray:
    """(b, n + 1, m + 1) best totals of the first i and j wagons, for b tables at once."""
    b, n, m = scores.shape
    best = np.zeros((b, n + 1, m + 1))
    best[:, :, 0], best[:, 0, :] = GAP * np.arange(n + 1), GAP * np.arange(m + 1)
    columns = np.arange(m + 1) * GAP
    for i in range(1, n + 1):
        row = np.maximum(best[:, i - 1, 1:] + GAP, best[:, i - 1, :-1] + scores[:, i - 1])
        row = np.concatenate([best[:, i, :1], row], 1)
        # gaps within the row: best[j] = max over k <= j of row[k] + (j - k) GAP
        best[:, i] = np.maximum.accumulate(row - columns, 1) + columns
    return best


def _both_ways(scores: np.ndarray) -> np.ndarray:
    """(b,) best score of b tables in either direction."""
    return np.maximum(_totals(scores)[:, -1, -1], _totals(scores[:, :, ::-1])[:, -1, -1])


def _null(scores: np.ndarray, second: Train, sd: float, rng: np.random.Generator, orders: int) -> np.ndarray:
    """(orders,) scores with the second train's wagons in other orders.

    Runs of wagons alike in type and length stay together, in another order, and change places within.
    """
    like = (second.type_name[1:] == second.type_name[:-1]) & (np.abs(np.diff(second.length_m)) < 3 * sd)
    run = np.concatenate([[0], np.cumsum(~like)])
    rank = rng.random((orders, run[-1] + 1)).argsort(1).argsort(1)
    order = (rank[:, run] + rng.random((orders, len(second)))).argsort(1)
    return np.concatenate(
        [_both_ways(np.moveaxis(scores[:, part], 1, 0)) for part in np.split(order, range(100, orders, 100))]
    )


def _resighted(train: Train, sd: float, rng: np.random.Generator, orders: int) -> tuple[float, float]:
    """Median score of a simulated second sighting of a train, and what CHANCE of its other orders stay below.

    What was measured once is not what is there: the second sighting scatters round values drawn together by their error, so that
    the errors of equal wagons are not taken for differences that would show again.
    """
    length = _drawn_together(train.length_m, sd)
    colour = np.column_stack([_drawn_together(train.colour[:, k], tint_sd) for k, tint_sd in enumerate(COLOUR_SD)])
    scores = []
    for _ in range(RESIGHTINGS):
        kept = np.sort(rng.permutation(len(train))[round(0.05 * len(train)) :])  # as many missed each time: gaps cost alike
        again = Train(
            length[kept] + rng.normal(0, sd, len(kept)),
            train.type_name[kept],
            train.type_p[kept],
            colour[kept] + rng.standard_normal((len(kept), 3)) * COLOUR_SD,
            train.position_m[kept],
        )
        odds = _scores(train, again, sd)
        scores.append(float(_totals(odds[None])[0, -1, -1]))
    order = np.argsort(scores)
    null = _null(odds, again, sd, rng, min(orders, 300))
    return scores[order[len(order) // 2]], float(np.quantile(null, CHANCE))


def _drawn_together(values: np.ndarray, sd: float) -> np.ndarray:
    """What is likely there, of values (n,) measured with this error: blurring mean shift, which draws like ones onto one. NaN stays."""
    known = np.flatnonzero(np.isfinite(values))
    drawn = values.copy()
    for _ in range(2):
        near = np.exp(-(np.subtract.outer(drawn[known], drawn[known]) ** 2) / (2 * sd**2))
        drawn[known] = near @ drawn[known] / near.sum(1)
    return drawn


def colours(scene: SceneLike, wagons: Detections) -> np.ndarray:
    """(n, 3) log brightness, log red/green and log blue/green of each wagon's roof (middle half); NaN where the scene shows none.

    A single-band scene gives brightness alone.
    """
    from shapely.geometry import Polygon

    found = np.full((len(wagons), 3), np.nan)
    roofs = wagons.with_(length_m=wagons.length_m * 0.8, width_m=wagons.width_m * 0.5).corners()
    for i, corners in enumerate(roofs):
        (west, south), (east, north) = corners.min(0), corners.max(0)
        g = scene.gsd_m
        patch = scene.read((west - g, south - g, east + g, north + g), g)
        inside = patch.inside(Polygon(corners)) & patch.valid
        if inside.any():
            red, green, blue = (max(float(np.median(band[inside])), 0.02) for band in patch.rgb())
            found[i] = np.log((red + green + blue) / 3), np.log(red / green), np.log(blue / green)
    if not {"red", "green", "blue"} <= set(getattr(scene, "roles", ("red", "green", "blue"))):
        found[:, 1:] = np.nan
    return found
