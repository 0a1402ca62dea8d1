"""One self-contained HTML page about a run: the numbers, the pictures they come from, and how to make them again.

No script and nothing from outside the file, so that it can be mailed, archived and opened in ten years. All text is escaped.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from math import ceil, floor
from pathlib import Path
from string import Template
from typing import Any

from .report_picture import Picture, stylesheet
from .tally import about

TEMPLATE = Path(__file__).with_suffix(".html")
SCALES = {"share": (100, " %"), "m": (1, " m"), "m2": (1, " m²"), "TEU": (1, " TEU")}
MEASURED = {"m": "occupied length", "m2": "occupied area", "share": "share filled", "TEU": "in TEU"}
# The shape says what the colour of a map would, for readers in black and white.
VERDICT_SIGNS = {
    "increase": "▲",
    "decrease": "▼",
    "the same": "=",
    "no change shown": "○",
    "not observed": "–",
    "not comparable": "≠",
}
MOST_HEADLINES = 3  # more of them are set as text
TURNOVER = (
    "A count that misses some objects and doubles others sees standing objects appear and disappear: what these errors alone make is "
    "taken off. An object replaced by another of its size in its place counts as stayed."
)
TWO_DAYS = "Two scenes are two days, not a trend: what happened between them and since is not in these numbers."


@dataclass(frozen=True)
class Report:
    """What every report holds.

    rows: mappings with the fields of the tally or comparison contract (docs/ARCHITECTURE.md); None where not observed.
    epoch: when the scene was taken, in words. headlines: the result in one sentence or a few.
    inputs: (file name, size in bytes, SHA-256). synthetic: the scene was made by a simulator, which is then said first.
    """

    title: str
    epoch: str
    headlines: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    rules: Sequence[str] = ()
    warnings: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    inputs: Sequence[tuple[str, int, str]] = ()
    credit: str = ""
    synthetic: bool = False

    def html(self) -> str:
        """The page."""
        size = "headline" if len(self.headlines) <= MOST_HEADLINES else "sentence"
        return Template(TEMPLATE.read_text("utf8")).substitute(
            title=escape(self.title),
            epoch=escape(self.epoch),
            lines=stylesheet(),
            banner='<p class="banner"><b>Synthetic scene.</b> It was made by a simulator; the numbers say nothing about '
            "any real place.</p>" * self.synthetic,
            headlines="\n".join(f'<p class="{size}">{escape(line)}</p>' for line in self.headlines),
            warnings=_section("", gathered(self.warnings), '<div class="warnings" role="note">{}</div>', "<p>{}</p>"),
            table=self.table(),
            pictures=_section("Pictures", [picture.figure() for picture in self.pictures], "{}", "{}", html=True),
            rules=_section("What was counted, and how", self.rules, '<ul class="plain">{}</ul>', "<li>{}</li>"),
            provenance=self._provenance(),
            credit=escape(self.credit or "Imagery: no credit or licence was given. Add one before publishing the pictures."),
        )

    def write(self, path: str | os.PathLike) -> None:
        """Write the page; an existing file is replaced only when the new one is complete. OSError where it cannot."""
        target = Path(path)
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            part.write_text(self.html(), "utf8")
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)

    def table(self) -> str:
        """The numbers as an HTML table."""
        raise NotImplementedError

    def _provenance(self) -> str:
        rows = [
            f'<tr><th scope="row">{escape(key)}</th><td>{escape(str(text))}</td></tr>'
            for key, text in self.provenance.items()
        ]
        rows += [
            f'<tr><th scope="row">Input</th><td>{escape(name)}, {size:,} bytes'
            f"<br><code>SHA-256 {escape(digest)}</code></td></tr>"
            for name, size, digest in self.inputs
        ]
        return f'<div class="scroll"><table class="provenance"><tbody>{"".join(rows)}</tbody></table></div>'


class TallyReport(Report):
    """Report of one scene. Rows: the tally contract's fields."""

    def table(self) -> str:
        """One line a zone, class and unit, with the interval in words and drawn."""
        tops = _tops(self.rows)
        notes = list(dict.fromkeys(str(row["note"]) for row in self.rows if row.get("note")))
        lines = [
            (
                row,
                _class_cell(row),
                _number_cell(row),
                f'<td class="range">{_range(row, tops[row["class"], row["unit"]])}</td>',
                f'<td class="number">{percent(row["visible_fraction"])}</td>',
                f"<td>{escape(str(row['basis']))}{_reference(row, notes)}</td>",
            )
            for row in self.rows
        ]
        caption = f"Ranges are {_level(self.rows)} intervals. Seen: the share of the zone that the scene shows."
        table = _table(caption, ("Zone", "Class", "Result", "Range", "Seen", "Basis"), lines)
        return table + _section("", notes, '<ol class="notes">{}</ol>', "<li>{}</li>")


@dataclass(frozen=True)
class ComparisonReport(Report):
    """Report of two epochs. Rows: the comparison contract's fields; turnover: rows of that table; slots: lines on slots."""

    turnover: Sequence[Mapping[str, Any]] = ()
    slots: Sequence[str] = ()

    def table(self) -> str:
        """One line a zone and class, with the verdict as a sign and in words."""
        first = self.rows[0] if self.rows else {}
        heads = (
            "Zone",
            "Class",
            _day(first, 1),
            _day(first, 2),
            "Difference",
            "Verdict",
            "Smallest visible change",
            "Seen in both",
        )
        lines = [
            (
                row,
                _class_cell(row),
                _number_cell(row, "_1"),
                _number_cell(row, "_2"),
                f'<td class="number">{difference(row["difference"], row["low"], row["high"], row["unit"])}</td>',
                f'<td class="verdict">{_sign(row["verdict"])} {escape(str(row["verdict"]))}{_reason(row)}</td>',
                f'<td class="number">{_times(row)}</td>',
                f'<td class="number">{percent(row["common_visible_fraction"])}</td>',
            )
            for row in self.rows
        ]
        caption = f"Ranges are {_level(self.rows)} intervals. {TWO_DAYS}"
        return f"{_table(caption, heads, lines)}{self._turnover()}{self._slots()}"

    def _turnover(self) -> str:
        """What came and went, less what errors make up."""
        if not self.turnover:
            return ""
        heads = (
            "Zone",
            "Class",
            "Stayed or moved",
            "Appeared",
            "Came, at least",
            "Disappeared",
            "Went, at least",
            "Not observable",
        )
        lines = [
            (
                row,
                f"<td>{escape(words(str(row['class'])))}</td>",
                f'<td class="number">{row["stayed"] + row["moved"]}</td>',
                *(
                    cell
                    for seen, real in (("appeared", "came"), ("disappeared", "went"))
                    for cell in _turned(row, seen, real)
                ),
                f'<td class="number">{row["not_observable"]}</td>',
            )
            for row in self.turnover
        ]
        return f"<h2>What came and went</h2>{_table(TURNOVER, heads, lines)}"

    def _slots(self) -> str:
        return _section("Slots and berths", self.slots, '<ul class="plain">{}</ul>', "<li>{}</li>")


class TrainReport(Report):
    """Report of two sightings of a train. Rows: the alignment's fields."""

    def table(self) -> str:
        """One line a pair of wagons, or a wagon without a counterpart."""
        heads = ("Earlier wagon", "Length", "Type", "Later wagon", "Length", "Type", "Evidence")
        head = "".join(f'<th scope="col">{name}</th>' for name in heads)
        cells = [
            [
                str(row.get(f"{key}_{n}{unit}") or "")
                for n in (1, 2)
                for key, unit in (("number", ""), ("length", "_m"), ("type", ""))
            ]
            + ["" if row["evidence"] is None else f"{row['evidence']:+.1f}".replace("-", "−")]
            for row in self.rows
        ]
        body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in line)}</tr>" for line in cells)
        caption = "Wagons in order; evidence: log odds that a pair is one wagon seen twice. Lengths in metres."
        return f'<div class="scroll"><table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _turned(row: Mapping[str, Any], seen: str, real: str) -> tuple[str, str]:
    """What appeared with what errors alone make, and what came."""

    def number(name: str) -> str:
        return escape(about(row[name], row[f"{name}_low"], row[f"{name}_high"]))

    return (
        f'<td class="number">{row[seen]}<small>errors alone: {number(f"{seen}_by_error")}</small></td>',
        f'<td class="number">{number(real)}</td>',
    )


def difference(middle: float | None, low: float | None, high: float | None, unit: str = "objects") -> str:
    """As ``about``, with signs: "about +18, +9 to +27". Empty where there is none."""
    if middle is None or low is None or high is None:
        return ""
    scale, mark = SCALES.get(unit, (1, ""))
    ends = round(middle * scale), floor(low * scale + 1e-9), ceil(high * scale - 1e-9)
    first, second, third = (f"{end:+,}".replace("-", "−") if end else "0" for end in ends)
    return f"about {first}{mark}, {second} to {third}{mark}"


def gathered(warnings: Sequence[str]) -> list[str]:
    """The warnings with those that say the same of several zones said once: "Zones A, B: …"."""
    zones: dict[str, list[str]] = {}
    for warning in warnings:
        zone, _, text = warning.partition(": ")
        alike = zone.startswith("Zone ") and text
        zones.setdefault(text if alike else warning, []).extend([zone[5:]] if alike else [])
    named = {text: list(dict.fromkeys(names)) for text, names in zones.items()}
    return [f"Zone{'s' * (len(names) > 1)} {', '.join(names)}: {text}" if names else text for text, names in named.items()]


def words(name: str) -> str:
    """A contract word as people write it: freight_car → freight car."""
    return name.replace("_", " ")


def _whole(value: float | None, unit: str) -> str:
    scale, mark = SCALES.get(unit, (1, ""))
    return "" if value is None else f"{round(value * scale):,}{mark}"


def _times(row: Mapping[str, Any]) -> str:
    """The smallest visible change as a ratio; a ratio to nothing says nothing."""
    ratio = row["smallest_visible_change"]
    return f"× {ratio:.2g}" if ratio and row["estimate_1"] and row["estimate_2"] else ""


def _reason(row: Mapping[str, Any]) -> str:
    """Why there is no verdict; of the others the numbers beside it say as much as the note."""
    return _small(row.get("note")) if str(row["verdict"]).startswith("not ") else ""


def percent(share: float | None) -> str:
    """ "71 %", or nothing for None."""
    return "" if share is None else f"{100 * share:.0f} %"


def _level(rows: Sequence[Mapping[str, Any]]) -> str:
    levels = sorted({float(row["level"]) for row in rows if row.get("level") is not None}) or [0.9]
    return " and ".join(f"{100 * level:g} %" for level in levels)


def _day(row: Mapping[str, Any], number: int) -> str:
    text = str(row.get(f"epoch_{number}", ""))
    return (f"{text[:16].replace('T', ' ')} UTC" if "T" in text else text) or f"Epoch {number}"


def _sign(verdict: str) -> str:
    return next((sign for start, sign in VERDICT_SIGNS.items() if str(verdict).startswith(start)), "")


def _small(text: Any) -> str:
    return f"<small>{escape(str(text))}</small>" if text else ""


def _reference(row: Mapping[str, Any], notes: Sequence[str]) -> str:
    """The number of the row's note below the table; many rows share one."""
    return f" <sup>{notes.index(str(row['note'])) + 1}</sup>" if row.get("note") else ""


def _class_cell(row: Mapping[str, Any]) -> str:
    return f"<td>{escape(words(str(row['class'])))}{_small(MEASURED.get(str(row.get('unit'))))}</td>"


def _number_cell(row: Mapping[str, Any], after: str = "") -> str:
    """Estimate and range; ``after`` is what follows the field names where a row holds two epochs."""
    estimate, low, high = (row.get(f"{name}{after}") for name in ("estimate", "low", "high"))
    kind = "none" if estimate is None else "number"
    text = about(estimate, low, high, row["unit"]) if estimate is None or low is not None else _whole(estimate, row["unit"])
    return f'<td class="{kind}">{escape(text)}</td>'


def _tops(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """The largest upper end of each class and unit: the right end of its drawn ranges."""
    tops: dict[tuple[str, str], float] = {}
    for row in rows:
        key = row["class"], row["unit"]
        tops[key] = max(tops.get(key, 0.0), float(row["high"] or 0.0))
    return tops


def _range(row: Mapping[str, Any], top: float) -> str:
    """The interval as a bar with a dot at the estimate, the rows of a class and unit on one scale from 0."""
    if row["estimate"] is None or top <= 0:
        return ""
    low, middle, high = (4 + 132 * float(value) / top for value in (row["low"], row["estimate"], row["high"]))
    return (
        '<svg width="140" height="16" viewBox="0 0 140 16" aria-hidden="true"><path d="M4 8H136" stroke="#ccd6df"/>'
        f'<path d="M{low:.1f} 8H{max(high, low + 0.5):.1f}" stroke="#0f6a73" stroke-width="5" stroke-opacity=".45"/>'
        f'<circle cx="{middle:.1f}" cy="8" r="3.6" fill="#0f6a73"/></svg>'
    )


def _table(caption: str, heads: Iterable[str], lines: Sequence[tuple[Any, ...]]) -> str:
    """A table of (row, cells…) whose first column, the zone, spans the neighbouring lines that share it."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = []
    for _, group in groupby(lines, key=lambda line: line[0]["zone_id"]):
        zone = list(group)
        name = str(zone[0][0].get("name") or zone[0][0]["zone_id"])
        header = f'<th scope="rowgroup" rowspan="{len(zone)}">{escape(name)}</th>'
        for _, *cells in zone:
            body.append(f"<tr>{header}{''.join(cells)}</tr>")
            header = ""
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _section(title: str, items: Sequence[str], around: str, each: str, *, html: bool = False) -> str:
    """A heading and its items; nothing at all where there are none."""
    if not items:
        return ""
    inner = "".join(each.format(item if html else escape(item)) for item in items)
    return (f"<h2>{escape(title)}</h2>\n" if title else "") + around.format(inner)
