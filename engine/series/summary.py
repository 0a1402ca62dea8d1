"""What a series says, as rows of two tables and as sentences that may be printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .alerts import LEAST_EARLIER, Bands, bands, rate_a_look
from .change_points import LEAST_LOOKS as LEAST_FOR_LEVELS
from .change_points import Change, change_points
from .looks import Series
from .trend import LEAST_LOOKS as LEAST_FOR_TREND
from .trend import Trend, trend

CALLED = 0.05  # p of a trend that is called one
NO_LOOKS = "no usable look"


@dataclass(frozen=True)
class Judged:
    """A series with its bands, its trend (None: too few looks) and its changes of level, whose looks are numbers of all its looks."""

    series: Series
    bands: Bands
    trend: Trend | None
    changes: tuple[Change, ...]

    def look_rows(self) -> list[dict[str, Any]]:
        """One row a look, in the fields of the series table."""
        s, level = self.series, self._levels()
        return [
            {
                **{name: row.get(name) for name in ("scene", "visible_fraction", "basis")},
                "zone_id": s.zone_id,
                "class": s.class_name,
                "unit": s.unit,
                "source": s.source,
                "epoch": epoch.iso(),
                "epoch_precision": epoch.precision,
                **{name: number(getattr(s, name)[i]) for name in ("estimate", "low", "high")},
                "level": row.get("level"),
                "expected_low": number(self.bands.low[i]),
                "expected_high": number(self.bands.high[i]),
                "alert": bool(self.bands.alert[i]),
                "mean_level": number(level[i]),
                "note": self._note(i),
            }
            for i, (epoch, row) in enumerate(zip(s.epochs, s.rows))
        ]

    def summary_row(self) -> dict[str, Any]:
        """One row of the summary table."""
        s, t = self.series, self.trend
        seen = [epoch for epoch, observed in zip(s.epochs, s.observed) if observed]
        named = ("p_value", "slope", "slope_low", "slope_high", "rate", "rate_low", "rate_high", "dispersion")
        return {
            "zone_id": s.zone_id,
            "class": s.class_name,
            "unit": s.unit,
            "source": s.source,
            "looks": len(s.epochs),
            "observed": len(seen),
            "first": seen[0].iso() if seen else None,
            "last": seen[-1].iso() if seen else None,
            **{name: number(getattr(t, name), 6) if t else None for name in named},
            "changes": len(self.changes),
            "alerts": int(self.bands.alert.sum()),
            "note": " ".join(self.sentences()),
        }

    def sentences(self) -> list[str]:
        """The looks, the trend, the changes of level and the alerts, in words."""
        return [self._looks(), *self._trend(), *map(self._change, self.changes), *self._alerts()]

    def _levels(self) -> np.ndarray:
        """Mean (N,) of the stretch each look lies in; NaN where no level may be spoken of."""
        s = self.series
        level = np.full(len(s.epochs), np.nan)
        if s.observed.sum() >= LEAST_FOR_LEVELS:
            edges = [0, *(change.after + 1 for change in self.changes), len(level)]
            for first, last in zip(edges, edges[1:]):
                level[first:last] = np.nanmean(s.estimate[first:last])
        return level

    def _looks(self) -> str:
        s = self.series
        seen = int(s.observed.sum())
        if not seen:
            return f"Zone {s.zone_id}: {NO_LOOKS} at {s.class_name.replace('_', ' ')}s in {len(s.epochs)}."
        days = [epoch.day() for epoch, observed in zip(s.epochs, s.observed) if observed]
        of = f" of {len(s.epochs)}" if seen < len(s.epochs) else ""
        return (
            f"Zone {s.zone_id}, {s.class_name.replace('_', ' ')}s ({s.unit}, {s.source}): {seen}{of} "
            f"look{'s' * (seen != 1)} from {days[0]} to {days[-1]}."
        )

    def _trend(self) -> list[str]:
        t = self.trend
        if t is None:
            return [f"Fewer than {LEAST_FOR_TREND} looks: compare them in pairs; no trend is told."]
        if not t.enough:
            return [f"Fewer than five looks in one half of the time ({t.halves[0]} and {t.halves[1]}): no trend is told."]
        if t.p_value > CALLED:
            return [f"No trend shown (Mann-Kendall p = {t.p_value:.2g})."]
        rate = "" if t.rate is None else f", × {t.rate:.2f} a year ({t.rate_low:.2f} to {t.rate_high:.2f})"
        way = "rising" if t.slope > 0 else "falling" if t.slope < 0 else "moving"
        return [f"The series is {way} (Mann-Kendall p = {t.p_value:.2g}{rate}; both intervals 95 %)." if rate else
                f"The series is {way} (Mann-Kendall p = {t.p_value:.2g})."]  # fmt: skip

    def _change(self, change: Change) -> str:
        day = [epoch.day() for epoch in self.series.epochs]
        after = self._next(change.after)
        return (
            f"The level changed between {day[change.after]} and {day[after]} (90 %: between {day[change.earliest]} and "
            f"{day[self._next(change.latest)]}): mean {change.before:.3g} in {change.looks_before} looks before, {change.beyond:.3g} in "
            f"{change.looks_beyond} after."
        )

    def _next(self, look: int) -> int:
        """The next look that was observed."""
        later = np.flatnonzero(self.series.observed[look + 1 :])
        return look + 1 + int(later[0])

    def _alerts(self) -> list[str]:
        looks = np.flatnonzero(self.bands.alert)
        days = ", ".join(self.series.epochs[i].day() for i in looks)
        return [f"Outside what the earlier looks predict: {days}."] if len(looks) else []

    def _note(self, look: int) -> str:
        s = self.series
        if not s.observed[look]:
            return "not observed"
        if self.bands.alert[look]:
            return (
                "more than the earlier looks predict"
                if s.estimate[look] > self.bands.high[look]
                else "less than the earlier looks predict"
            )
        return "" if np.isfinite(self.bands.low[look]) else f"fewer than {LEAST_EARLIER} looks before: no band"


def judge(series: Sequence[Series], alerts_per_year: float) -> list[Judged]:
    """Every series with its statistics; all bands together are left by chance so many times a year."""
    rate = rate_a_look(list(series), alerts_per_year)
    return [_judged(one, rate) for one in series]


def _judged(series: Series, rate: float) -> Judged:
    seen = np.flatnonzero(series.observed)
    estimate = series.estimate[seen]
    found = change_points(estimate) if series.unit != "share" else []
    changes = [
        Change(
            int(seen[c.after]),
            int(seen[c.earliest]),
            int(seen[c.latest]),
            c.before,
            c.beyond,
            c.looks_before,
            c.looks_beyond,
        )
        for c in found
    ]
    return Judged(series, bands(series, rate), trend(series.years[seen], estimate), tuple(changes))


def number(value: float | None, digits: int = 3) -> float | None:
    """For a table: None for NaN."""
    return None if value is None or not np.isfinite(value) else round(float(value), digits)
