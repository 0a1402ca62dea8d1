"""The page of rason:tallyseries: the sentences, the chart and one line a series."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from ..report import Report, words

HEADS = ("Zone", "Class", "Source", "Looks", "Trend p", "A year", "Changes of level", "Outside the band")


@dataclass(frozen=True)
class SeriesReport(Report):
    """rows: those of the summary table. chart: SVG. told: what is drawn beside the counts and cannot be, line by line."""

    chart: str = ""
    told: tuple[str, ...] = ()

    def html(self) -> str:
        """The page, its chart where other reports have pictures."""
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.told)
        listed = f'<h2>Published numbers that no panel can show</h2>\n<ul class="plain">{lines}</ul>\n' * bool(lines)
        shown = f"<h2>Chart</h2>\n<figure>{self.chart}<figcaption>{escape(KEY)}</figcaption></figure>\n{listed}<h2>Provenance</h2>"
        return super().html().replace("<h2>Provenance</h2>", shown, 1)

    def table(self) -> str:
        """One line a series."""
        head = "".join(f'<th scope="col">{name}</th>' for name in HEADS)
        return (
            '<div class="scroll"><table><caption>Trend: Mann-Kendall; growth a year: quasi-Poisson with its 95 % interval.'
            f"</caption><thead><tr>{head}</tr></thead><tbody>{''.join(map(_line, self.rows))}</tbody></table></div>"
        )


KEY = (
    "Dot: detected; square: by hand; bar: interval; pale stretch: what the earlier looks predict; ring: outside it; cross: not observed; "
    "diamond: published by others, in no statistic; dashed line: level; numbered stretches: events, listed below."
)


def _line(row: Any) -> str:
    growth = (
        "" if row["rate"] is None else f"× {row['rate']:.2f} <small>{row['rate_low']:.2f} to {row['rate_high']:.2f}</small>"
    )
    cells = (
        escape(words(str(row["class"]))) + f" <small>{escape(str(row['unit']))}</small>",
        escape(str(row["source"])),
        f"{row['observed']} of {row['looks']}",
        "" if row["p_value"] is None else f"{row['p_value']:.2g}",
        growth,
        str(row["changes"]),
        str(row["alerts"]),
    )
    return f'<tr><th scope="row">{escape(str(row["zone_id"]))}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
