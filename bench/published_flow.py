"""How the published "2,000 containers since August" comes about, in figures: ``python bench/published_flow.py``.

Prints every figure of docs/howto_portcalls.md. All counts are other people's, read off layers/data/reported_activity.csv.
"""

import csv
from itertools import combinations

import numpy as np
from checkout import ROOT, load_rason

load_rason()

from rason.engine.calls import at_most, missed  # noqa: E402
from rason.engine.flow import flow  # noqa: E402

UNIT = "containers"
EVERY_DAYS = (1, 2, 3, 5, 7)
STAYS = (1.0, 2.0, 3.0, 5.0)


def published():
    """Rows of the table by id."""
    with open(ROOT / "layers" / "data" / "reported_activity.csv", encoding="utf8") as file:
        return {row["id"]: {**row, "number": float(row["number"])} for row in csv.DictReader(file)}


def span(row):
    """From and to, a month standing for its first and its last day."""
    until = row["date_to"] or row["date_from"]
    return row["date_from"], until + {4: "-12-31", 7: "-31", 10: ""}[len(until)]


def overlap(one, other):
    """Whether two rows' periods have a day in common."""
    (first, last), (start, end) = span(one), span(other)
    return first <= end and start <= last


def main():
    """Loads, voyages, the flow, the totals that overlap, and what looks would have shown."""
    rows = published()
    number = {key: row["number"] for key, row in rows.items()}
    maia, four = number["ra-41"] / number["ra-40"], number["ra-43"] / number["ra-42"]
    print(f"load of a voyage: {number['ra-41']:,.0f} / {number['ra-40']:.0f} = {maia:.0f}; "
          f"{number['ra-43']:,.0f} / {number['ra-42']:.0f} = {four:.0f}; pile of one day {number['ra-18']:.0f}")  # fmt: skip
    print(f"9 voyages at 220: {9 * 220:,}; 64 at 250: {64 * 250:,}")
    low, high = 220.0, number["ra-18"]
    for key in ("ra-26", "ra-29"):
        total = number[key]
        print(
            f"{key}: {total:,.0f} by {rows[key]['date_to']} is {total / high:.1f} to {total / low:.1f} voyages of {high:.0f} to {low:.0f}"
        )
    for key in ("ra-25", "ra-30"):
        row = rows[key]
        print(
            f"{key}: {row['qualifier']} {row['number']:.0f} voyages, {row['date_from']} to {row['date_to']} ({row['publisher']})"
        )
    print("flow of 6 to 27 voyages:", flow(int(number["ra-25"]), int(number["ra-30"]), low, high, UNIT).words())
    totals = [
        row
        for row in rows.values()
        if row["object_class"] == "container" and row["place"] != "Russia to DPRK" and span(row)[0][:7] != span(row)[1][:7]
    ]
    pairs = list(combinations(totals, 2))
    print(f"totals of containers over a stretch of time: {len(totals)}; pairs that overlap {sum(overlap(*p) for p in pairs)} of {len(pairs)}; "
          f"added they would be {sum(row['number'] for row in totals):,.0f}, the largest is {max(row['number'] for row in totals):,.0f}")  # fmt: skip
    print("chance that a call was never seen, by days between usable looks")
    for every in EVERY_DAYS:
        looks = np.arange(0, 90.1, every)
        chances = [missed(looks, stay) for stay in STAYS]
        print(f"  every {every}: " + ", ".join(f"{stay:.0f} d {chance:.0%}" for stay, chance in zip(STAYS, chances))
              + f"; six calls of 2 days seen: at most {at_most(6, chances[1])}, none seen: at most {at_most(0, chances[1])}; "
              f"at {low:.0f} to {high:.0f} each: {flow(6, at_most(6, chances[1]), low, high, UNIT).words()}")  # fmt: skip


if __name__ == "__main__":
    main()
