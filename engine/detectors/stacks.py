"""Container tops with what shadows and lean say of the tiers under them: a range a box, and for a zone bounds on all boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..zones import Zone
from .base import Found, Progress, SceneLike, part, silent
from .block_boxes import Settings
from .containers import Containers
from .stack_heights import MOST_TIERS, Heights, stack_heights
from .stack_light import Light

DETECTION = 0.85  # of the progress: the rest is for heights


class Stacks(Containers):
    """Counts container tops; where sun or look allow, says between which numbers of tiers each stack lies."""

    def __init__(self, settings: Settings | None = None, light: Light | None = None) -> None:
        """light: where sun and sensor stand; by default what the scene says."""
        super().__init__(settings)
        self.light = light

    def detect(self, scene: SceneLike, zone: Zone, progress: Progress = silent) -> Found:
        """Container tops of one polygon zone, with tiers_low and tiers_high where known; ``note`` says what that makes of the zone."""
        found = super().detect(scene, zone, lambda share: progress(DETECTION * share))
        if not found.counted or not len(found.detections):
            return found
        light = self.light or Light.of(scene)
        tiers = stack_heights(scene, found.detections, light, lambda share: progress(DETECTION + (1 - DETECTION) * share))
        boxes = found.detections.with_(tiers_low=tiers.low, tiers_high=tiers.high)
        if tiers.why:
            return replace(found, warnings=(*found.warnings, _without(zone, tiers.why, light)))
        note = zone_bounds(tiers)
        return replace(found, detections=boxes, note=note, warnings=(*found.warnings, f"Zone {zone.zone_id}: {note}."))

    def detect_together(self, scene: SceneLike, zones: Sequence[Zone], progress: Progress = silent) -> list[Found]:
        """One Found a zone; what is wrong with the light of the whole scene is said once."""
        said: set[str] = set()
        together = []
        for k, zone in enumerate(zones):
            found = self.detect(scene, zone, part(progress, k, len(zones)))
            together.append(replace(found, warnings=tuple(text for text in found.warnings if text not in said)))
            said.update(found.warnings)
        return together


def zone_bounds(tiers: Heights) -> str:
    """What the tiers of a zone's boxes make of all boxes that may stand there, in words."""
    low, high = bounds_of(tiers.low, tiers.high)
    blind = int(np.isnan(tiers.high).sum())
    return (
        f"stacks of the sizes seen hold between {low} and {high} boxes, a bound and no count; {int(tiers.measured.sum())} of "
        f"{len(tiers.low)} boxes have their height from shadow or side"
    ) + (f", {blind} could be up to {MOST_TIERS} high for all that is seen" if blind else "")


def bounds_of(low: np.ndarray, high: np.ndarray) -> tuple[int, int]:
    """Fewest and most boxes under the tops seen: 1 tier where the low end is not known, MOST_TIERS where the high end is not."""
    return int(np.where(np.isnan(low), 1, low).sum()), int(np.where(np.isnan(high), MOST_TIERS, high).sum())


def _without(zone: Zone, why: str, light: Light) -> str:
    """Why there are no bounds: of this zone, or of the scene."""
    if light.has_shadow or light.has_lean:
        return f"Zone {zone.zone_id}: no bounds on the height of stacks, because {why}."
    return f"No bounds on the height of stacks, because {why}."
