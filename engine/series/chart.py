"""The chart of series: one panel each over a common axis of time, events and reported activity beside what was counted. SVG, no script.

Shapes say what colours say: dot = detected, square = by hand, ring round it = outside what earlier looks predict, cross on the axis = not
observed, diamond = reported by others (never joined, never used in a statistic).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from html import escape

import numpy as np

from .looks import BY_HAND, YEAR_DAYS, in_years
from .summary import Judged

WIDTH, LEFT, RIGHT, TOP, PANEL, GAP, FOOT = 960, 74, 20, 22, 150, 34, 44
INK, SOFT, MARK, WARM, BAND = "#1c2733", "#ccd6df", "#0f6a73", "#a35400", "#e4eff0"
LINE_PX = 16
MOST_PANELS = 12

ToPixel = Callable[[float], float]


@dataclass(frozen=True)
class Reported:
    """A published number: times in years since 1970. class_name: of ours; "" for what no panel shows."""

    first: float
    last: float
    number: float
    class_name: str
    text: str
    drawn: bool = True


@dataclass(frozen=True)
class Event:
    """A dated event: times in years since 1970."""

    first: float
    last: float
    text: str


def chart(judged: Sequence[Judged], reported: Sequence[Reported] = (), events: Sequence[Event] = ()) -> str:
    """The chart as an SVG document, the first twelve series that have a look."""
    shown = [one for one in judged if len(one.series.epochs)][:MOST_PANELS]
    times = np.concatenate([one.series.years for one in shown]) if shown else np.array([0.0, 1.0])
    pad = max(np.ptp(times) * 0.03, 10 / YEAR_DAYS)
    axis = Axis(float(times.min() - pad), float(times.max() + pad))
    events = [event for event in events if event.last >= axis.first and event.first <= axis.last]
    legend = [f"{k + 1}  {event.text}" for k, event in enumerate(events)]
    height = TOP + len(shown) * (PANEL + GAP) + FOOT + LINE_PX * len(legend)
    parts = [_panel(one, axis, TOP + k * (PANEL + GAP), reported, events) for k, one in enumerate(shown)]
    base = TOP + len(shown) * (PANEL + GAP)
    parts.append(_dates(axis, base - GAP + 4))
    parts += [f'<text x="{LEFT}" y="{base + FOOT - 8 + LINE_PX * k}">{escape(text)}</text>' for k, text in enumerate(legend)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="Noto Sans, Segoe UI, Helvetica Neue, Arial, sans-serif" font-size="12" fill="{INK}">'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>'
    )


@dataclass(frozen=True)
class Axis:
    """The axis of time, in years since 1970."""

    first: float
    last: float

    def x(self, years: float | np.ndarray) -> np.ndarray:
        """Pixels from the left, kept inside the panel."""
        share = (np.asarray(years, float) - self.first) / (self.last - self.first)
        return LEFT + (WIDTH - LEFT - RIGHT) * np.clip(share, 0, 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Months at which to write a date, and the date; at most about ten."""
        span = (self.last - self.first) * 12
        step = next((s for s in (1, 2, 3, 6, 12, 24, 60) if span / s <= 11), 120)
        start = datetime.fromtimestamp(self.first * YEAR_DAYS * 86400, timezone.utc)
        months = start.year * 12 + start.month - 1
        at = [months + k for k in range(1, int(span) + 3) if (months + k) % step == 0]
        days = [datetime(m // 12, m % 12 + 1, 1, tzinfo=timezone.utc) for m in at]
        moments = [in_years(day) for day in days]
        return [(year, f"{day:%Y-%m}") for year, day in zip(moments, days) if self.first <= year <= self.last]


def _panel(one: Judged, axis: Axis, top: int, reported: Sequence[Reported], events: Sequence[Event]) -> str:
    s = one.series
    inside = [r for r in reported if r.drawn and r.class_name == s.class_name and s.unit == "objects"
              and r.last >= axis.first and r.first <= axis.last]  # fmt: skip
    most = _nice(max([1e-9, *s.high[s.observed], *(r.number for r in inside)]))
    bottom = top + PANEL

    def y(value: float) -> float:
        return bottom - (PANEL - 18) * min(max(float(value) / most, 0.0), 1.0)

    parts = [
        f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{PANEL}" fill="none" stroke="{SOFT}"/>',
        *(f'<path d="M{LEFT} {y(v):.1f}H{WIDTH - RIGHT}" stroke="{SOFT}" stroke-dasharray="2 4"/>'
          f'<text x="{LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{v:,.4g}</text>' for v in (most / 2, most)),
        f'<text x="{LEFT - 8}" y="{bottom + 4}" text-anchor="end">0</text>',
        *_event_marks(events, axis, top, bottom),
        *_band(one, axis, y),
        *_levels(one, axis, y),
        *(_reported(r, axis, y) for r in inside),
        *(_look(one, i, float(axis.x(year)), y, bottom) for i, year in enumerate(s.years)),
        f'<text x="{LEFT + 8}" y="{top + 15}" font-weight="600">{escape(_title(one))}</text>',
    ]  # fmt: skip
    return "".join(parts)


def _title(one: Judged) -> str:
    s = one.series
    source = s.source if s.source == BY_HAND else s.source.split("-")[0] if s.source.startswith(s.class_name) else s.source
    extra = "" if source == s.class_name else f", {source}"
    return f"{s.zone_id}: {s.class_name.replace('_', ' ')} ({s.unit}{extra})"


def _look(one: Judged, i: int, x: float, y: ToPixel, bottom: int) -> str:
    s = one.series
    if not s.observed[i]:
        return f'<path d="M{x - 4:.1f} {bottom - 4}l8 8m0 -8l-8 8" stroke="{INK}"/>'
    low, middle, high = (y(value) for value in (s.low[i], s.estimate[i], s.high[i]))
    colour = WARM if one.bands.alert[i] else MARK
    line = f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{colour}" stroke-width="3" stroke-opacity=".45"/>'
    if s.source == BY_HAND:
        mark = f'<rect x="{x - 4:.1f}" y="{middle - 4:.1f}" width="8" height="8" fill="{colour}"/>'
    else:
        mark = f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="4" fill="{colour}"/>'
    ring = f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="8" fill="none" stroke="{WARM}" stroke-width="1.5"/>' * bool(
        one.bands.alert[i]
    )
    told = f"<title>{s.epochs[i].iso()}: {s.estimate[i]:.4g} ({s.low[i]:.4g} to {s.high[i]:.4g})</title>"
    return f"<g>{told}{line}{mark}{ring}</g>"


def _band(one: Judged, axis: Axis, y: ToPixel) -> list[str]:
    """What the earlier looks predict, as a grey stretch at each look."""
    xs = axis.x(one.series.years)
    return [
        f'<path d="M{xs[i]:.1f} {y(one.bands.low[i]):.1f}V{y(one.bands.high[i]):.1f}" stroke="{BAND}" stroke-width="11"/>'
        for i in np.flatnonzero(np.isfinite(one.bands.low))
    ]


def _levels(one: Judged, axis: Axis, y: ToPixel) -> list[str]:
    """A step line where a change of level was found."""
    if not one.changes:
        return []
    edges = [0, *(change.after + 1 for change in one.changes), len(one.series.epochs)]
    means = [one.changes[0].before, *(change.beyond for change in one.changes)]
    xs = axis.x(one.series.years)
    steps = [f"M{xs[a]:.1f} {y(mean):.1f}H{xs[b - 1]:.1f}" for a, b, mean in zip(edges, edges[1:], means)]
    return [f'<path d="{"".join(steps)}" fill="none" stroke="{INK}" stroke-width="1.5" stroke-dasharray="6 3"/>']


def _reported(r: Reported, axis: Axis, y: ToPixel) -> str:
    a, b, at = float(axis.x(r.first)), float(axis.x(r.last)), y(r.number)
    middle = (a + b) / 2
    return (
        f"<g><title>{escape(r.text)}</title>"
        f'<path d="M{a:.1f} {at:.1f}H{b:.1f}" stroke="{WARM}" stroke-dasharray="3 2"/>'
        f'<path d="M{middle:.1f} {at - 6:.1f}l6 6l-6 6l-6 -6z" fill="#fff" stroke="{WARM}" stroke-width="1.5"/></g>'
    )


def _event_marks(events: Sequence[Event], axis: Axis, top: int, bottom: int) -> list[str]:
    parts = []
    for k, event in enumerate(events):
        a, b = float(axis.x(event.first)), float(axis.x(event.last))
        parts.append(
            f'<g><title>{escape(event.text)}</title><rect x="{a:.1f}" y="{top}" width="{max(b - a, 1):.1f}" '
            f'height="{bottom - top}" fill="{WARM}" fill-opacity=".14"/>'
            f'<text x="{a + 2:.1f}" y="{top - 2}" font-size="10" fill="{WARM}">{k + 1}</text></g>'
        )
    return parts


def _dates(axis: Axis, top: int) -> str:
    return "".join(
        f'<path d="M{float(axis.x(at)):.1f} {top - 4}v5" stroke="{INK}"/>'
        f'<text x="{float(axis.x(at)):.1f}" y="{top + 16}" text-anchor="middle">{text}</text>'
        for at, text in axis.ticks()
    )


def _nice(value: float) -> float:
    """The next round number above."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * 0.999))
