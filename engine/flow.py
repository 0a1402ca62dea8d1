"""Calls times load: how a published "2,000 containers since August" comes about, as a range.

The lower end takes the calls that are sure at the least load, the upper end all that may have been missed at the greatest. A load is an
assumption: what is in a ship or on a train is not seen. Totals that others published over periods that overlap hold the same
loads twice, so they are never added.
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import Refusal


@dataclass(frozen=True)
class Flow:
    """A total in ``unit``. high: None where the looks give no upper bound of the calls."""

    low: float
    high: float | None
    unit: str

    def words(self) -> str:
        """ "440 to 2,750 containers", or "at least 440 containers"."""
        if self.high is None:
            return f"at least {self.low:,.0f} {self.unit}; the looks give no upper bound"
        return f"{self.low:,.0f} to {self.high:,.0f} {self.unit}"


def flow(at_least: int, at_most: int | None, load_low: float, load_high: float, unit: str) -> Flow:
    """The total of all calls. Raises Refusal for loads that are no range."""
    if not 0 <= load_low <= load_high:
        raise Refusal(
            "LOAD_LOW is {low} and LOAD_HIGH {high}: give the least and the greatest load of a call, both 0 or more.",
            low=f"{load_low:g}",
            high=f"{load_high:g}",
        )
    return Flow(at_least * load_low, None if at_most is None else at_most * load_high, unit)
