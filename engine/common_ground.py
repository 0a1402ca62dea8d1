"""Two epochs on the ground that both could see: what only one of them showed is left out of both.

Scaling each epoch up from its own visible part adds the scatter of what is hidden twice, and compares one half of a yard with the
other. Here the tallies are made again of the objects in the common part alone (ALGORITHMS 2.4).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .calibration import COUNTED, PRIORS, REVIEWED, UNCALIBRATED, UNCALIBRATED_SD, Calibration, Trust
from .class_raster import ClassRaster
from .detections import Detections
from .georeference import Frame
from .masked import check_causes
from .row_draws import WHOLE, visible_share
from .tally import MEASURES, tally, tally_by_hand
from .visibility import CLEAR, NODATA, Mask
from .zones import Zone

MOST_PIXELS = 24_000_000  # of the grid on which the two rasters are laid
FINEST_M = 0.5


def common_mask(rasters: Sequence[ClassRaster], frame: Frame, shapes: Sequence[Any]) -> Mask:
    """Where both visibility rasters say "seen", over these shapely geometries of frame coordinates: CLEAR, else NODATA."""
    boxes = np.array([shape.bounds for shape in shapes])
    west, south = (boxes[:, :2].min(0) - FINEST_M).tolist()
    east, north = (boxes[:, 2:].max(0) + FINEST_M).tolist()
    side = max(FINEST_M, math.sqrt((east - west) * (north - south) / MOST_PIXELS))
    shape = math.ceil((north - south) / side), math.ceil((east - west) / side)
    seen = np.ones(shape, bool)
    for raster in rasters:
        values, known = raster.onto(frame, west, north, side, shape)
        check_causes(values[known], raster.name)
        seen &= known & (values == CLEAR)
    return Mask(np.where(seen, CLEAR, NODATA).astype(np.uint8), west, north, side)


def fractions(mask: Mask, zones: Iterable[Zone]) -> dict[str, float]:
    """Share of each zone that both epochs saw, by zone_id."""
    return {zone.zone_id: round(float(mask.shares(zone.geometry)[CLEAR]), 4) for zone in zones}


def on_common_ground(
    rows: Iterable[Mapping[str, Any]],
    objects: Detections,
    mask: Mask,
    zones: Iterable[Zone],
    calibrations: Iterable[Calibration] = (),
    *,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """The rows of one epoch's tally as they are for the common part of each zone alone.

    objects: that epoch's detections. Counts are tallied again with the row's calibration; the other units, and counts whose
    calibration is not known, shrink in proportion to the objects (their lengths and areas). Rows of zones not in ``zones`` stay as
    they are; not observed rows, too.
    """
    by_id, known = {zone.zone_id: zone for zone in zones}, {calibration.key: calibration for calibration in calibrations}
    common = fractions(mask, by_id.values())
    seen = mask.at(objects.x, objects.y) == CLEAR
    held = {zone_id: zone.holds(objects.x, objects.y) for zone_id, zone in by_id.items()}
    done = []
    for row in rows:
        zone_id = str(row["zone_id"])
        if zone_id not in by_id or row["estimate"] is None or not common[zone_id]:
            done.append(dict(row))
            continue
        here = held[zone_id] & (objects.class_name == str(row["class"]))
        again = _tallied(row, int((here & seen).sum()), common[zone_id], known, seed)
        done.append(again or _shrunk(row, objects, here, here & seen, common[zone_id]))
    return done


def _tallied(
    row: Mapping[str, Any], found: int, common: float, known: Mapping[str, Calibration], seed: int
) -> dict[str, Any] | None:
    """The row with what was found in the common part counted once more; None where it is no count or its calibration not known."""
    if (row.get("unit") or "objects") != "objects":
        return None
    zone_id, name, level = [str(row["zone_id"])], str(row["class"]), float(row["level"])
    ground = float(row.get("exposure") or 0) * common
    if row.get("basis") in (COUNTED, REVIEWED) and not row.get("calibration"):
        made = tally_by_hand(zone_id, [found], name, reviewed=row["basis"] == REVIEWED, level=level, seed=seed)
    else:
        key = str(row.get("calibration") or "")
        priors = {prior.key: prior for prior in (Calibration.none(name, prior=which) for which in PRIORS)}
        calibration = known.get(key) or priors.get(key)
        if calibration is None:
            return None
        rough = row.get("basis") == UNCALIBRATED and key not in priors  # a prior is as wide as need be
        trust = Trust(UNCALIBRATED_SD if rough else 0.0, str(row.get("basis")))
        made = tally(zone_id, [found], [ground], calibration, trust=trust, level=level, seed=seed)
    numbers = made.rows()[0]
    return {**row, **{key: numbers[key] for key in ("detected", "estimate", "low", "high", "visible_fraction")},
            "exposure": ground}  # fmt: skip


def _shrunk(
    row: Mapping[str, Any], objects: Detections, here: np.ndarray, seen: np.ndarray, common: float
) -> dict[str, Any]:
    """The row in proportion to what its objects in the common part measure."""
    unit = str(row.get("unit") or "objects")
    size = {
        "m": objects.length_m,
        "m2": objects.length_m * objects.width_m,
        "share": objects.length_m * objects.width_m,
    }.get(unit, np.ones(len(objects)))
    if unit in MEASURES and not size[here].any():
        size = np.ones(len(objects))
    whole, visible = float(size[here].sum()), visible_share(row)
    part = float(size[seen].sum()) / whole if whole else common / visible
    scale = part * visible / common if unit == "share" else part * visible
    most = 1.0 if unit == "share" else np.inf
    ends = {key: min(float(row[key]) * scale, most) for key in ("estimate", "low", "high")}
    whole_numbers = unit in WHOLE
    return {**row, **({key: round(value) for key, value in ends.items()} if whole_numbers else ends),
            "visible_fraction": 1.0, "exposure": float(row.get("exposure") or 0) * common, "detected": None}  # fmt: skip
