"""From what stood at a berth on many days to calls: at least how many, when each came and left, and what may have been missed.

Sightings in consecutive looks whose lengths agree are one call, for that is the fewest calls they can be; a length that differs by more
than the error of measurement is another ship, and looks that saw the berth empty part two calls. So the number is *at least*. What came
and left between two looks is not seen at all: its chance follows from the gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .epoch import Epoch
from .series.looks import middle

ALPHA = 0.05  # the chance that "at least" or "at most" is wrong
STAYS = (1.0, 2.0, 3.0, 5.0)  # days; the chance that a call of such a stay was missed is always said
MONTH_DAYS = 30.0
_APART = 1e6  # cost of a pair that cannot be one ship


@dataclass(frozen=True)
class Seen:
    """One object in one look: length (NaN where not known) and the probability that it is one at all."""

    length_m: float
    p: float = 1.0


@dataclass
class Look:
    """One time at one zone. usable: an empty picture would mean an empty berth. seen: what stood there, whatever could be seen."""

    epoch: Epoch
    usable: bool
    seen: list[Seen] = field(default_factory=list)

    @property
    def day(self) -> float:
        """Days since 1970; the middle of the day or month where only that is known."""
        return middle(self.epoch).timestamp() / 86400


@dataclass(frozen=True)
class Error:
    """What a look gets wrong, and how much of that is allowed for.

    length_sd_m: of one measured length. recall: chance that an object there is seen in a usable look. reach: how many of its
    standard deviations two lengths of one ship may differ. patience: empty usable looks in a row that mean it is gone.
    alpha_false: chance of "at least" counting too many false objects.
    """

    length_sd_m: float
    recall: float
    reach: float
    patience: int
    alpha_false: float

    @classmethod
    def of(cls, sightings: Sequence[Seen], length_sd_m: float, recall: float = 1.0) -> Error:
        """Reach and patience so wide that, over all sightings together, no call is parted wrongly in 95 % of cases (Bonferroni)."""
        from scipy.special import ndtri

        causes = 1 + (recall < 1) + any(one.p < 1 for one in sightings)
        each = ALPHA / causes / max(len(sightings), 1)
        patience = 1 if recall >= 1 else int(np.ceil(np.log(each) / np.log1p(-recall)))
        return cls(length_sd_m, recall, float(-ndtri(each / 2)), patience, ALPHA / causes)


@dataclass(frozen=True)
class Call:
    """One call. arrival, departure: (earliest, latest) epoch, None where the looks begin or end. lengths_m: as measured. seen, days: when.

    limits: days before which it cannot have come and after which it cannot have stayed, infinite where open. p: that it is real.
    """

    arrival: tuple[Epoch | None, Epoch]
    departure: tuple[Epoch, Epoch | None]
    lengths_m: tuple[float, ...]
    seen: tuple[Epoch, ...]
    days: tuple[float, ...]
    limits: tuple[float, float]
    p: float

    def length(self, sd_m: float) -> tuple[float, float, float] | None:
        """Mean length and its 90 % ends; None where it was never measured."""
        known = [x for x in self.lengths_m if np.isfinite(x)]
        if not known:
            return None
        mean, reach = float(np.mean(known)), 1.645 * sd_m / np.sqrt(len(known))
        return mean, max(0.0, mean - reach), mean + reach


def gathered(looks: Iterable[Look]) -> list[Look]:
    """Looks in order of time, those of one epoch as one: usable where any of them was."""
    together: dict[str, Look] = {}
    for look in looks:
        one = together.setdefault(look.epoch.iso(), Look(look.epoch, False))
        one.usable |= look.usable
        one.seen += look.seen
    return sorted(together.values(), key=lambda look: look.day)


def together(zones: Sequence[Sequence[Look]]) -> list[Look]:
    """Looks at all zones as one place, where a ship that shifts berth is one call: usable where every zone was usable."""
    at: dict[str, list[Look]] = {}
    for looks in zones:
        for look in looks:
            at.setdefault(look.epoch.iso(), []).append(look)
    return gathered(
        Look(
            ones[0].epoch, len(ones) == len(zones) and all(one.usable for one in ones), [s for one in ones for s in one.seen]
        )
        for ones in at.values()
    )


def occupied(look: Look) -> Look:
    """The same look that only tells whether anything stood there: for trains, whose wagons are many and look alike."""
    if not look.seen:
        return look
    nothing = float(np.prod([1 - one.p for one in look.seen]))
    return Look(look.epoch, look.usable, [Seen(float("nan"), 1 - nothing)])


class _Chain:
    """A call that may go on."""

    def __init__(self, look: int, seen: Seen, since: int | None):
        self.looks, self.seen, self.since, self.empty = [look], [seen], since, 0
        self.until: int | None = None

    def unlike(self, one: Seen, error: Error) -> float:
        """How many standard deviations a length is from this ship's mean."""
        known = [s.length_m for s in self.seen if np.isfinite(s.length_m)]
        if not known or not np.isfinite(one.length_m):
            return 0.0
        return float(abs(one.length_m - np.mean(known)) / (error.length_sd_m * np.sqrt(1 + 1 / len(known))))


def calls(looks: Sequence[Look], error: Error) -> list[Call]:
    """The fewest calls that the looks (in order of time) can be. Ships side by side are told apart by their lengths."""
    chains: list[_Chain] = []
    for number, look in enumerate(looks):
        open_ones = [chain for chain in chains if chain.until is None]
        pairs = _pairs(open_ones, look.seen, error)
        for i, chain in enumerate(open_ones):
            if i in pairs:
                chain.looks.append(number)
                chain.seen.append(look.seen[pairs[i]])
                chain.empty = 0
            elif look.usable:
                chain.empty += 1
                if chain.empty == error.patience:
                    chain.until = number
        taken = set(pairs.values())
        since = _absent_since(looks, number, error.patience)
        chains += [_Chain(number, one, since) for j, one in enumerate(look.seen) if j not in taken]
    return [_call(chain, looks) for chain in chains]


def _pairs(chains: list[_Chain], seen: list[Seen], error: Error) -> dict[int, int]:
    """Which open chain each sighting goes on with: as many as possible, then the most alike."""
    from scipy.optimize import linear_sum_assignment

    if not chains or not seen:
        return {}
    cost = np.array([[chain.unlike(one, error) for one in seen] for chain in chains])
    cost[cost > error.reach] = _APART
    rows, columns = linear_sum_assignment(cost)
    return {int(i): int(j) for i, j in zip(rows, columns) if cost[i, j] < _APART}


def _absent_since(looks: Sequence[Look], number: int, patience: int) -> int | None:
    """The usable look before this one from which on an unseen ship may have been there."""
    before = [i for i in range(number) if looks[i].usable]
    return before[-patience] if len(before) >= patience else None


def _call(chain: _Chain, looks: Sequence[Look]) -> Call:
    first, last = looks[chain.looks[0]], looks[chain.looks[-1]]
    since = None if chain.since is None else looks[chain.since]
    until = None if chain.until is None else looks[chain.until]
    return Call(
        (since.epoch if since else None, first.epoch),
        (last.epoch, until.epoch if until else None),
        tuple(one.length_m for one in chain.seen),
        tuple(looks[i].epoch for i in chain.looks),
        tuple(looks[i].day for i in chain.looks),
        (since.day if since else -np.inf, until.day if until else np.inf),
        1 - float(np.prod([1 - one.p for one in chain.seen])),
    )


def at_least(found: Sequence[Call], alpha: float = ALPHA) -> int:
    """The largest n that the number of real calls among these reaches with probability 1 - alpha, each being real with its p."""
    chance = np.ones(1)  # chance[k]: that k of the calls so far are real
    for one in found:
        chance = np.convolve(chance, [1 - one.p, one.p])
    reached = chance[::-1].cumsum()[::-1]
    return int(np.flatnonzero(reached >= 1 - alpha - 1e-12)[-1])


def missed(days: np.ndarray, stay: float, recall: float = 1.0) -> float | None:
    """Chance that a call of ``stay`` days, arriving at any moment between the first and the last usable look (K,), was never seen.

    Exact: the share of arrivals that no look meets, the sum of (gap - stay) over gaps longer than it; with a recall below 1 each look
    that meets the call misses it with probability 1 - recall. None for fewer than two looks.
    """
    days = np.unique(days)
    if len(days) < 2:
        return None
    edges = np.unique(np.clip(np.concatenate([days, days - stay]), days[0], days[-1]))
    arrival = (edges[1:] + edges[:-1]) / 2
    met = np.searchsorted(days, arrival + stay) - np.searchsorted(days, arrival)
    return float((np.diff(edges) * (1.0 - recall) ** met).sum() / (days[-1] - days[0]))


def most_seen(found: Sequence[Call], stay: float) -> int:
    """How many calls of ``stay`` days or longer these can be at most: as soon as one may have left, the next may have come."""
    number = 0
    for one in found:
        left = -np.inf
        for day in one.days:
            if day > left:
                number += 1
                left = max((one.limits[0] if left == -np.inf else left) + stay, day)
    return number


def at_most(seen: int, chance: float | None) -> int | None:
    """95 % upper bound of the number of calls of which ``seen`` were seen and each was missed with this chance.

    The largest N with P(Binomial(N, 1 - chance) <= seen) > 5 % (Clopper and Pearson's argument); None where nothing bounds it.
    """
    from scipy.stats import binom

    if chance is None or chance >= 1:
        return None
    low, high = seen, 2 * seen + 8
    while binom.cdf(seen, high, 1 - chance) > ALPHA:
        low, high = high, 2 * high
    while high - low > 1:
        between = (low + high) // 2
        low, high = (between, high) if binom.cdf(seen, between, 1 - chance) > ALPHA else (low, between)
    return low


def most_a_month(seen: int, chance: float | None, span_days: float) -> float | None:
    """95 % upper bound of the mean number of calls in 30 days, arrivals being a Poisson process: never 0, however many looks."""
    from scipy.stats import chi2

    if chance is None or chance >= 1 or span_days <= 0:
        return None
    return float(chi2.ppf(1 - ALPHA, 2 * (seen + 1)) / 2 / (1 - chance) / span_days * MONTH_DAYS)


@dataclass(frozen=True)
class ZoneCalls:
    """A zone's calls and what its looks can tell of those that were not seen. stay: days that a call is taken to last at least."""

    zone_id: str
    looks: Sequence[Look]
    calls: Sequence[Call]
    error: Error
    stay: float

    @classmethod
    def of(cls, zone_id: str, looks: Sequence[Look], error: Error, stay: float) -> ZoneCalls:
        """From looks in order of time."""
        return cls(zone_id, looks, calls(looks, error), error, stay)

    @property
    def days(self) -> np.ndarray:
        """Of the usable looks."""
        return np.array([look.day for look in self.looks if look.usable])

    @property
    def span_days(self) -> float:
        """From the first usable look to the last."""
        return float(np.ptp(self.days)) if len(self.days) else 0.0

    @property
    def longest_gap(self) -> tuple[float, Epoch] | None:
        """Days between two neighbouring usable looks at most, and the first of the two."""
        usable = [look for look in self.looks if look.usable]
        gaps = [(later.day - earlier.day, earlier.epoch) for earlier, later in zip(usable, usable[1:])]
        return max(gaps, key=lambda gap: gap[0], default=None)

    @property
    def at_least(self) -> int:
        """Calls at least."""
        return at_least(self.calls, self.error.alpha_false)

    @property
    def at_most(self) -> int | None:
        """Calls of ``stay`` days or longer at most; None where the looks give no bound."""
        return at_most(most_seen(self.calls, self.stay), self.missed(self.stay))

    @property
    def most_a_month(self) -> float | None:
        """Mean number of such calls in 30 days, at most."""
        return most_a_month(most_seen(self.calls, self.stay), self.missed(self.stay), self.span_days)

    def missed(self, stay: float) -> float | None:
        """Chance that a call of this stay was missed."""
        return missed(self.days, stay, self.error.recall)
