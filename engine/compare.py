"""Two tallies of the same zones on two days: is the difference real, or within the error?

Works from tally rows alone. Rows with the same calibration are drawn again with the same shared draws and independent scene
effects, so that the error of the common mean cancels and the scenes' own errors do not; other rows are drawn from their
intervals. Source: ALGORITHMS 2.3 (Q1) and STATISTICS 4; measured in bench/verdicts.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .calibration import COUNTED, REVIEWED, UNCALIBRATED, UNCALIBRATED_SD, Calibration
from .classes import RADAR_CLASSES
from .errors import Refusal
from .row_draws import WHOLE, Drawer, Row, small_amount, visible_share
from .tally import LEAST_VISIBLE, about

Key = tuple[str, str, str]  # zone_id, class, unit

SIZE = 20_000  # draws: the smallest p-value that can come out is 1e-4
CALL_LEVEL = 0.95  # of the interval of the difference; a 90 % one would call 10 % of unchanged pairs
LARGEST_Q = 0.05
SAME_LEVEL = 0.90
LARGEST_GROUND_RATIO = 1.05  # of a zone's ground in two tallies: a polygon or line of another size is another zone
POWER = 2.8  # 1.96 + 0.84: two-sided 5 %, 80 % power

NOT_OBSERVED, NOT_COMPARABLE = "not observed", "not comparable"
INCREASE, DECREASE, NO_CHANGE_SHOWN = "increase", "decrease", "no change shown"
FIVE_LOOKS = "A level, or a trend, needs at least five looks in each period: these are two."


@dataclass(frozen=True)
class Comparison:
    """One zone, class and unit at two epochs; numbers are None where nothing can be said.

    difference, low, high: second minus first, at the tallies' level. ratio, ratio_low, ratio_high: second over first.
    p_value: two-sided, of no difference; q_value: the same over the zones of one class and unit (Benjamini-Yekutieli).
    on_common: only what both epochs could see was compared. reason: why the two cannot be compared. of_level: asked was whether the level changed, of which each day is one draw.
    smallest_visible_change: the ratio (above 1) that would have been seen in 80 of 100 such pairs. ratio_only: without a
    calibration the difference is only as good as the prior; quote the ratio. common_visible_fraction: of the zone, in both
    epochs; "at least" when worked out from the two fractions.
    """

    zone_id: str
    class_name: str
    unit: str
    first: Row | None
    second: Row | None
    verdict: str
    level: float
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    p_value: float | None = None
    q_value: float | None = None
    smallest_visible_change: float | None = None
    common_visible_fraction: float | None = None
    ratio_only: bool = False
    reason: str = ""
    on_common: bool = False
    of_level: bool = False

    def row(self) -> dict[str, Any]:
        """The fields of the comparison table, epochs left to the caller."""
        names = (
            "zone_id",
            "unit",
            "difference",
            "low",
            "high",
            "level",
            "ratio",
            "ratio_low",
            "ratio_high",
            "p_value",
            "q_value",
            "verdict",
            "smallest_visible_change",
            "common_visible_fraction",
        )
        values = {name: getattr(self, name) for name in names}
        ends = {f"estimate_{i}": row["estimate"] if row else None for i, row in ((1, self.first), (2, self.second))}
        return {**values, "class": self.class_name, **ends}

    def sentence(self, day_1: str, day_2: str, noun: str = "objects") -> str:
        """The verdict in words a newspaper can print: these two days only."""
        return _sentence(self, day_1, day_2, noun)


def compare(
    rows_1: Iterable[Row],
    rows_2: Iterable[Row],
    calibrations: Iterable[Calibration] = (),
    *,
    same_within: float = 0.5,
    common_visible: Mapping[str, float] | None = None,
    on_common: bool = False,
    of_level: bool = False,
    seed: int = 0,
    size: int = SIZE,
) -> list[Comparison]:
    """Compare two tallies, the earlier first, row by row.

    rows: mappings with the tally table's fields. calibrations: those the rows may rest on, found by the row's
    ``calibration``; the prior of ``Calibration.none`` is always known. same_within: the relative change that counts as the
    same, fixed beforehand. common_visible: by zone_id, the fraction of the zone seen in both epochs; left out, its sure
    lower bound is reported. on_common: the rows are of that common part alone (``common_ground``). of_level: whether the level changed that the two days were drawn from, instead of the number
    on the ground: the day-to-day scatter of independent objects (Poisson) is then added to both. Measures have no such scatter
    that could be known, so they are compared as they are.
    Raises Refusal for duplicate rows, an estimate without its ends, tallies at different levels or with nothing in common.
    """
    first, second = _by_key(rows_1, "first"), _by_key(rows_2, "second")
    keys = [*first, *(key for key in second if key not in first)]
    if not first.keys() & second.keys():
        raise Refusal("The two tallies have no zone, class and unit in common. Compare tallies made with the same zones.")
    levels = {float(row["level"]) for row in (*first.values(), *second.values()) if row["estimate"] is not None}
    if len(levels) > 1:
        raise Refusal(
            "The two tallies have different levels ({names}). Make both with the same LEVEL.",
            names=", ".join(f"{x:g}" for x in sorted(levels)),
        )
    drawer = Drawer(calibrations, seed, size)
    level = levels.pop() if levels else SAME_LEVEL
    pairs = [
        _pair(key, first.get(key), second.get(key), level, common_visible or {}, same_within, of_level, drawer)
        for key in keys
    ]
    compared = _with_q_values([replace(comparison, on_common=on_common) for comparison, _ in pairs])
    return [
        replace(comparison, verdict=call) if call and (comparison.q_value or 0.0) <= LARGEST_Q else comparison
        for comparison, (_, call) in zip(compared, pairs)
    ]


def _by_key(rows: Iterable[Row], which: str) -> dict[Key, Row]:
    found: dict[Key, Row] = {}
    for row in rows:
        key = (str(row["zone_id"]), str(row["class"]), str(row.get("unit") or "objects"))
        if key in found:
            raise Refusal(
                "The {which} tally has zone {key} twice for {key_2} in {key_3}. Give one epoch per tally.",
                which=which,
                key=key[0],
                key_2=key[1],
                key_3=key[2],
            )
        if row["estimate"] is not None and None in (row["low"], row["high"], row["level"]):
            raise Refusal(
                "The {which} tally has an estimate without low, high or level in zone {key}. Make it with rason:tally.",
                which=which,
                key=key[0],
            )
        found[key] = row
    return found


def _pair(
    key: Key,
    first: Row | None,
    second: Row | None,
    level: float,
    common_visible: Mapping[str, float],
    same_within: float,
    of_level: bool,
    drawer: Drawer,
) -> tuple[Comparison, str]:
    """Figures of one zone with the verdict it has when no change is called; and the change to call, or ""."""
    reason = "tallied on only one of these two days" if first is None or second is None else _unlike(first, second)
    if first is None or second is None or reason:
        return Comparison(*key, first, second, NOT_COMPARABLE, level, reason=reason), ""
    common = common_visible.get(key[0], max(0.0, round(visible_share(first) + visible_share(second) - 1, 4)))
    known = Comparison(*key, first, second, NOT_OBSERVED, level, common_visible_fraction=common)
    nothing_in_common = key[0] in common_visible and common <= 0
    if nothing_in_common or min(visible_share(first), visible_share(second)) < LEAST_VISIBLE:
        return known, ""
    uncalibrated = UNCALIBRATED in (first.get("basis"), second.get("basis"))
    least_sd = UNCALIBRATED_SD if uncalibrated else 0.0  # of both: only their difference matters
    before, after = drawer(first, 1, least_sd), drawer(second, 2, least_sd)
    known = replace(known, ratio_only=uncalibrated)
    if of_level and key[2] in WHOLE:
        before, after, known = drawer.levels(before, 1, key), drawer.levels(after, 2, key), replace(known, of_level=True)
    return _figures(known, before, after, same_within)


def _unlike(first: Row, second: Row) -> str:
    """Why two rows of one zone, class and unit do not measure the same; "" where they do."""
    radar = [row.get("rules") == RADAR_CLASSES[name].rule if (name := str(row["class"])) in RADAR_CLASSES else False
             for row in (first, second)]  # fmt: skip
    if radar[0] != radar[1]:
        return "found in radar on one of these two days and in an optical scene on the other"
    grounds = [float(row.get("exposure") or 0) for row in (first, second)]
    if min(grounds) > 0 and max(grounds) > LARGEST_GROUND_RATIO * min(grounds):
        return (
            f"tallied in zones of this name but of different size on these two days ({grounds[0]:.3g} and {grounds[1]:.3g})"
        )
    return ""


def _figures(known: Comparison, before: np.ndarray, after: np.ndarray, same_within: float) -> tuple[Comparison, str]:
    first, second = known.first or {}, known.second or {}
    small = small_amount(known.unit, first, second)
    estimates = float(first["estimate"]), float(second["estimate"])
    digits = 2 if known.unit == "share" else 0
    up, log_ratio = after - before, np.log((after + small) / (before + small))
    difference = _around(estimates[1] - estimates[0], _ends(up, known.level), digits)
    ratio_ends = [float(np.exp(end)) for end in _ends(log_ratio, known.level)]
    ratio = _around((estimates[1] + small) / (estimates[0] + small), ratio_ends, 3)
    smaller = min(np.count_nonzero(up <= 0), np.count_nonzero(up >= 0))
    call_low, call_high = _ends(up, CALL_LEVEL)
    same_low, same_high = _ends(log_ratio, SAME_LEVEL)
    none = min(float(first["low"]), float(second["low"])) <= 0  # a ratio to what may be nothing says nothing
    same = max(-same_low, same_high) <= np.log1p(same_within) and not none
    if estimates == (0, 0):  # of each there may be as many as its tally says
        difference = 0.0, min(difference[1], -float(first["high"])), max(difference[2], float(second["high"]))
    comparison = replace(
        known,
        verdict=f"the same within {100 * same_within:g} %" if same else NO_CHANGE_SHOWN,
        difference=difference[0],
        low=difference[1],
        high=difference[2],
        ratio=ratio[0],
        ratio_low=ratio[1],
        ratio_high=ratio[2],
        p_value=round(min(1.0, 2 * (smaller + 1) / (len(up) + 1)), 6),
        smallest_visible_change=round(float(np.exp(POWER * _sd(log_ratio))), 2),
    )
    return comparison, INCREASE if call_low > 0 else DECREASE if call_high < 0 else ""


def _around(value: float, ends: Sequence[float], digits: int) -> tuple[float, float, float]:
    """Value, low and high, rounded, with the value inside."""
    value, low, high = (round(float(x), digits) for x in (value, *ends))
    return value, min(low, value), max(high, value)


def _ends(draws: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _sd(draws: np.ndarray) -> float:
    """Half the central 68 %, the sd without the tails; of a few objects, where most draws agree, the sd itself."""
    low, high = _ends(draws, 0.6827)
    return (high - low) / 2 or float(draws.std())


def _with_q_values(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """q-values over the zones of one class and unit: one scene effect moves all of them together."""
    families: dict[tuple[str, str], list[int]] = {}
    for i, comparison in enumerate(comparisons):
        if comparison.p_value is not None:
            families.setdefault((comparison.class_name, comparison.unit), []).append(i)
    done = list(comparisons)
    for members in families.values():
        for i, q in zip(members, by_q_values([comparisons[i].p_value or 0.0 for i in members])):
            done[i] = replace(done[i], q_value=round(float(q), 6))
    return done


def by_q_values(p_values: Sequence[float]) -> np.ndarray:
    """Benjamini-Yekutieli adjusted p-values (Annals of Statistics 29, 2001): hold whatever the tests' dependence."""
    p = np.asarray(p_values, float)
    if not p.size:
        return p
    rank = np.arange(1, len(p) + 1)
    order = np.argsort(p)
    adjusted = p[order] * len(p) / rank * (1 / rank).sum()
    q = np.empty_like(p)
    q[order] = np.minimum.accumulate(adjusted[::-1])[::-1].clip(max=1.0)
    return q


def _sentence(c: Comparison, day_1: str, day_2: str, noun: str) -> str:
    where = f"Zone {c.zone_id}"
    if c.verdict == NOT_COMPARABLE:
        return f"{where}: {noun} were {c.reason}, so nothing can be compared."
    if c.verdict == NOT_OBSERVED or c.first is None or c.second is None:
        return f"{where}: on at least one of these two days ({day_1}, {day_2}) too little could be seen to compare {noun}."
    if c.on_common and c.common_visible_fraction is not None and c.common_visible_fraction < 0.995:
        where += f", the {100 * c.common_visible_fraction:.0f} % of it that both scenes show"
    found = f"{where}: {_number(c.first, c.unit, noun)} on {day_1}, {_number(c.second, c.unit, noun)} on {day_2}."
    bases = {row.get("basis") for row in (c.first, c.second)}
    source = "not calibrated for this site and scene, so rough" if c.ratio_only else "from labelled scenes"
    if bases <= {COUNTED, REVIEWED}:
        source = "from how far people who count differ, so read every number as at least"
    return f"{found} {_finding(c)} The ranges are {100 * c.level:.0f} % intervals, {source}; two days say nothing of others."


def _number(row: Row, unit: str, noun: str) -> str:
    number, ends = about(row["estimate"], row["low"], row["high"], unit).split(", ", 1)
    if row["estimate"] == 0:
        return f"no {noun} found ({ends})"
    of = "" if unit == "objects" else "of "
    one = unit == "objects" and row["estimate"] == 1
    return f"{number} {of}{noun[:-1] if one else noun} ({ends})"


def _finding(c: Comparison) -> str:
    if c.of_level:
        return f"{_finding_of_level(c)} {FIVE_LOOKS}"
    if c.verdict == NO_CHANGE_SHOWN:
        return f"These two days show no change beyond the error{_nearly(c)}{_to_be_seen(c, 'the number')}."
    if c.verdict not in (INCREASE, DECREASE):
        return f"On these two days the numbers were {c.verdict}."
    counted = c.unit in WHOLE
    size = "more" if c.verdict == INCREASE else "fewer" if counted else "less"
    return f"There {'were' if counted else 'was'} {size} on the second of these two days{_size(c)}."


def _finding_of_level(c: Comparison) -> str:
    """The same of the level behind the two days' numbers."""
    if c.verdict in (INCREASE, DECREASE):
        way = "higher" if c.verdict == INCREASE else "lower"
        ratios = [c.ratio or 0.0, c.ratio_low or 0.0, c.ratio_high or 0.0]
        times = " ({:.2g} times, {:.2g} to {:.2g})".format(*ratios) if c.first and c.first["low"] > 0 else ""
        return f"These two looks speak for a {way} level on the second of these two days{times}, if objects come and go one by one."
    same = "" if c.verdict == NO_CHANGE_SHOWN else f"The two looks agree with a level that is {c.verdict}. "
    error = "These two looks show no change of level beyond the error and the scatter from day to day"
    return f"{same}{error}{_to_be_seen(c, 'the level')}."


def _to_be_seen(c: Comparison, what: str) -> str:
    """The smallest change that would have been seen; a ratio to nothing says nothing."""
    if not c.smallest_visible_change or not c.first or not c.second or 0 in (c.first["estimate"], c.second["estimate"]):
        return ""
    seen = c.smallest_visible_change
    times = f"{seen:.2g}" if seen < 100 else "more than 100"
    return f"; to be seen, {what} had to become {times} times as large, or fall to {100 / seen:.0f} %"


def _nearly(c: Comparison) -> str:
    """Why a difference whose displayed range leaves out 0 is not called."""
    if c.low is None or c.high is None or c.low <= 0 <= c.high:
        return ""
    return " (a change is called only where the 95 % range leaves out 0, and more strictly the more zones are compared)"


def _size(c: Comparison) -> str:
    sizes = []
    if not c.ratio_only:
        ends = f"{_signed(c.low, c.unit)} to {_signed(c.high, c.unit)}"
        sizes.append(f"a difference of {_signed(c.difference, c.unit)}, {ends}")
    if c.first and c.first["low"] > 0:  # nothing has no ratio
        ratios = [c.ratio or 0.0, c.ratio_low or 0.0, c.ratio_high or 0.0]
        if c.verdict == INCREASE:
            sizes.append("{:.2g} times the first number, {:.2g} to {:.2g} times".format(*ratios))
        else:
            sizes.append("{:.0f} % of the first number, {:.0f} to {:.0f} %".format(*(100 * ratio for ratio in ratios)))
    return f": {'; '.join(sizes)}" if sizes else ""


def _signed(value: float | None, unit: str) -> str:
    scale, sign = {"share": (100, " points"), "m": (1, " m"), "m2": (1, " m²")}.get(unit, (1, ""))
    return f"{(value or 0.0) * scale:+,.0f}{sign}"
