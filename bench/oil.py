"""The published 67,300 barrels against numbers of tank cars: ``python bench/oil.py``. docs/howto_oil.md shows what it prints."""

import numpy as np
from checkout import load_rason

load_rason()

from rason.engine import oil  # noqa: E402

PUBLISHED_BBL = 67_300


def main():
    """Forwards from 135 to 150 cars, and backwards from the barrels to cars."""
    for density in ((730.0, 860.0), (820.0, 860.0)):
        assumed = oil.Assumptions((1.0, 1.0), density=density)
        rows, totals = oil.oil([oil.stated(135, 150, 0.9)], assumed)
        print(f"135 to 150 cars, {assumed.words()}:")
        for unit in ("t", "bbl"):
            estimate, low, high = totals[unit]
            print(f"  about {estimate:,.0f} {unit}, {low:,.0f} to {high:,.0f} (90 % interval)")
        shared = oil.Shared.make(assumed)
        cars = PUBLISHED_BBL / shared.barrels(np.ones(oil.SIZE))
        low, middle, high = np.quantile(cars, [0.05, 0.5, 0.95])
        print(
            f"  {PUBLISHED_BBL:,} bbl are {PUBLISHED_BBL * oil.BARREL_M3:,.0f} m3 or {middle:.0f} cars, {low:.0f} to {high:.0f}"
        )


if __name__ == "__main__":
    main()
