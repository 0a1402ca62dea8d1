"""What can be counted at which effective GSD (docs/EXPLANATION.md names the evidence)."""

from __future__ import annotations

from .classes import entry
from .errors import TooCoarse


def allowed(class_name: str, effective_gsd_m: float, sensor: str = "optical") -> str:
    """ "count", "measure" (length, area or share only) or "" for nothing."""
    limits = entry(class_name, sensor)
    if effective_gsd_m <= limits.counted_to_m:
        return "count"
    return "measure" if effective_gsd_m <= limits.measured_to_m else ""


def check(class_name: str, effective_gsd_m: float, pixel_gsd_m: float, sensor: str = "optical") -> str:
    """As ``allowed``, but raises TooCoarse where nothing can be given, naming the GSD found and the one needed."""
    verdict = allowed(class_name, effective_gsd_m, sensor)
    if not verdict:
        why = (
            f"pixels of {pixel_gsd_m:.2f} m"
            if effective_gsd_m <= pixel_gsd_m * 1.05
            else (f"its pixels are {pixel_gsd_m:.2f} m but its detail is only as fine as {effective_gsd_m:.2f} m")
        )
        need = entry(class_name, sensor).measured_to_m
        raise TooCoarse(
            "The scene is too coarse for {class_name}: {why}; {need:g} m or finer is needed.",
            class_name=class_name,
            why=why,
            need=need,
        )
    return verdict
