"""The page of rason:accuracy: figures by class, zone and condition, and plots drawn as SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from typing import Any

import numpy as np

from .accuracy import Place, curve, reliability
from .report import Report, percent, words

SIDE, EDGE = 300, 60  # of a plot's square and the room for its words, in pixels
INK, SOFT, MARK, WARM = "#1c2733", "#ccd6df", "#0f6a73", "#a35400"
MOST_BARS = 14


@dataclass(frozen=True)
class Plot:
    """An SVG with its caption."""

    svg: str
    title: str
    text: str

    def figure(self) -> str:
        """As HTML."""
        return f"<figure>{self.svg}<figcaption><b>{escape(self.title)}</b>{escape(self.text)}</figcaption></figure>"


@dataclass(frozen=True)
class AccuracyReport(Report):
    """rows: what ``rason:accuracy`` writes. caption: said above the table."""

    caption: str = ""
    plots: Sequence[Plot] = field(default_factory=tuple)

    def html(self) -> str:
        """The page, its plots where other reports have pictures."""
        page = super().html()
        shown = "".join(plot.figure() for plot in self.plots)
        return page.replace(
            "<h2>Provenance</h2>", f"<h2>Plots</h2>\n{shown}\n<h2>Provenance</h2>" if shown else "<h2>Provenance</h2>", 1
        )

    def table(self) -> str:
        """One line a group."""
        heads = ("Class", "Of", "True", "Found", "Precision", "Recall", "F1", "AP", "Count error", "WAPE", "Worst tenth")
        head = "".join(f'<th scope="col">{name}</th>' for name in heads)
        body = []
        for _, group in groupby(self.rows, key=lambda row: row["class"]):
            lines = list(group)
            body += [_line(row, len(lines) if k == 0 else 0) for k, row in enumerate(lines)]
        return (
            f'<div class="scroll"><table><caption>{escape(self.caption)}</caption><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(body)}</tbody></table></div>"
        )


def _line(row: Mapping[str, Any], span: int) -> str:
    name = f'<th scope="rowgroup" rowspan="{span}">{escape(words(str(row["class"])))}</th>' if span else ""
    of = str(row["name"]) if row["group_by"] == "all" else f"{row['group_by']} {row['name']}"
    numbers = (
        f"{row['true_objects']:,}", f"{row['found']:,}",
        _with_ends(row, "precision"), _with_ends(row, "recall"), _share(row["f1"]), _share(row["average_precision"]),
        _signed(row["count_error"]), percent(row["wape"]), percent(row["worst_decile"]),
    )  # fmt: skip
    return f"<tr>{name}<td>{escape(of)}</td>{''.join(f'<td class=number>{text}</td>' for text in numbers)}</tr>"


def _with_ends(row: Mapping[str, Any], key: str) -> str:
    if row[key] is None:
        return ""
    return f"{row[key]:.2f} <small>{row[f'{key}_low']:.2f} to {row[f'{key}_high']:.2f}</small>"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{100 * value:+.0f} %".replace("-", "−")


def plots_of(
    class_name: str, places: Sequence[Place], rows: Sequence[Mapping[str, Any]], p: tuple[Any, Any] | None = None
) -> list[Plot]:
    """The plots of one class. rows: its groups. p: (p, hit) of its detections, where p is more than the score."""
    made: list[Plot] = []
    name = words(class_name)
    score, hit = (np.concatenate([np.zeros(0), *(getattr(place, key) for place in places)]) for key in ("score", "hit"))
    true = sum(place.true for place in places)
    if true and len(np.unique(score)) > 1:
        recall, precision, threshold = curve(score, hit, true)
        text = f"Each point is a threshold on the score, from {threshold[0]:.3g} (left) down to {threshold[-1]:.3g}."
        made.append(Plot(_line_plot(recall, precision, "recall", "precision"), f"Precision and recall, {name}", text))
    if len(places) > 1:
        made.append(Plot(_counts(places), f"Counts, {name}", "Each point is a zone; on the line found and true agree."))
    made += [plot for plot in [_recalls(name, [row for row in rows if row["group_by"] not in ("all", "zone")])] if plot]
    if p is not None and (points := reliability(*p)):
        x, y, _ = (np.array(values) for values in zip(*points))
        text = "Each point is a fifth of the detections; on the line p is what it says."
        made.append(Plot(_scatter(x, y, "p", "share that are objects", 1.0), f"Is p what it says, {name}", text))
    return made


def _frame(x_name: str, y_name: str, top: float, inside: str, format_: Callable[[float], str]) -> str:
    """Axes from 0 to top, both alike."""
    marks = []
    for k in range(5):
        at, text = SIDE * k / 4, format_(top * k / 4)
        marks.append(f'<path d="M{EDGE + at:.0f} {SIDE + 8}v5M{EDGE - 5} {SIDE + 8 - at:.0f}h5" stroke="{INK}"/>')
        marks.append(f'<text x="{EDGE + at:.0f}" y="{SIDE + 25}" text-anchor="middle">{text}</text>')
        marks.append(f'<text x="{EDGE - 8}" y="{SIDE + 12 - at:.0f}" text-anchor="end">{text}</text>')
    width, height = SIDE + EDGE + 20, SIDE + 52
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="inherit" font-size="12" fill="{INK}">'
        f'<rect x="{EDGE}" y="8" width="{SIDE}" height="{SIDE}" fill="none" stroke="{SOFT}"/>{"".join(marks)}'
        f'<text x="{EDGE + SIDE / 2}" y="{SIDE + 44}" text-anchor="middle">{escape(x_name)}</text>'
        f'<text x="{-SIDE / 2 - 8}" y="12" transform="rotate(-90)" text-anchor="middle">{escape(y_name)}</text>{inside}</svg>'
    )


def _at(x: Any, y: Any, top: float) -> tuple[np.ndarray, np.ndarray]:
    return EDGE + SIDE * np.asarray(x, float) / top, SIDE + 8 - SIDE * np.asarray(y, float) / top


def _line_plot(x: np.ndarray, y: np.ndarray, x_name: str, y_name: str) -> str:
    px, py = _at(x, y, 1.0)
    if len(px) > 400:
        chosen = np.linspace(0, len(px) - 1, 400).round().astype(int)
        px, py = px[chosen], py[chosen]
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(px, py))
    end = f'<circle cx="{px[-1]:.1f}" cy="{py[-1]:.1f}" r="4" fill="{WARM}"/>'
    line = f'<path d="{path}" fill="none" stroke="{MARK}" stroke-width="2"/>{end}'
    return _frame(x_name, y_name, 1.0, line, lambda value: f"{value:.2f}")


def _scatter(x: Any, y: Any, x_name: str, y_name: str, top: float) -> str:
    px, py = _at(x, y, top)
    line = f'<path d="M{EDGE} {SIDE + 8}L{EDGE + SIDE} 8" stroke="{SOFT}" stroke-width="1.5"/>'
    dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{MARK}" fill-opacity=".6"/>' for a, b in zip(px, py))
    return _frame(x_name, y_name, top, line + dots, lambda value: f"{value:.2f}" if top <= 1 else f"{value:,.0f}")


def _counts(places: Sequence[Place]) -> str:
    true, found = [place.true for place in places], [place.counted for place in places]
    most = max(*true, *found, 4)
    return _scatter(true, found, "true", "found", float(4 * np.ceil(most / 4)))


def _recalls(name: str, rows: Sequence[Mapping[str, Any]]) -> Plot | None:
    """Recall by condition, a dot with its interval each."""
    rows = [row for row in rows if row["recall"] is not None][:MOST_BARS]
    if not rows:
        return None
    left, step = 210, 24
    height = step * len(rows) + 40
    parts = []
    for k, row in enumerate(rows):
        y = 16 + step * k
        low, middle, high = (left + 250 * row[key] for key in ("recall_low", "recall", "recall_high"))
        parts.append(
            f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{escape(row["group_by"])} {escape(str(row["name"]))}</text>'
            f'<path d="M{low:.1f} {y}H{high:.1f}" stroke="{MARK}" stroke-width="5" stroke-opacity=".4"/>'
            f'<circle cx="{middle:.1f}" cy="{y}" r="4" fill="{MARK}"/>'
        )
    base = height - 24
    axis = "".join(
        f'<path d="M{left + 62.5 * k} 4V{base}" stroke="{SOFT}"/>'
        f'<text x="{left + 62.5 * k}" y="{base + 16}" text-anchor="middle">{k / 4:.2f}</text>'
        for k in range(5)
    )
    svg = (
        f'<svg width="{left + 280}" height="{height}" viewBox="0 0 {left + 280} {height}" role="img" font-family="inherit" '
        f'font-size="12" fill="{INK}">{axis}{"".join(parts)}</svg>'
    )
    return Plot(svg, f"Recall under different conditions, {name}", "With 90 % intervals, as if objects were independent.")
