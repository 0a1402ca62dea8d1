"""The calibrations that travel with the detectors, named for what they were made on."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from .calibration import ALONGSIDE, Calibration
from .classes import CLASSES
from .conditions import Conditions, ranges

FOLDER = Path(__file__).parent / "detectors" / "weights"


@cache
def shipped(class_name: str, zone_kind: str = "") -> Calibration:
    """The shipped calibration of a class in zones of a kind, or ``Calibration.none`` where no openly licensed labels exist.

    The labelled ships lie in open water: berths and areas with land in them rest on a wide prior of their own.
    """
    if class_name == "ship" and zone_kind in ("berth", "area"):
        return Calibration.none(class_name, prior=ALONGSIDE)
    if class_name not in CLASSES:
        return Calibration.none(class_name)
    path = FOLDER / f"{CLASSES[class_name].detector.split('.')[0]}_calibration.json"
    if not path.is_file():
        return Calibration.none(class_name)
    rows = json.loads(path.read_text("utf8"))
    spans, sensors = ranges(
        Conditions(
            row["gsd_m"],
            row.get("sun_elevation_deg"),
            None,
            row.get("off_nadir_deg"),
            row.get("contrast"),
            row.get("sensor", ""),
        )
        for row in rows
    )
    tp, fn, dup, bg, exposure = (
        np.array([row[key] for row in rows], float) for key in ("tp", "fn", "dup", "bg", "exposure")
    )
    return Calibration(
        class_name,
        tp,
        fn,
        dup,
        bg,
        exposure,
        exposure_unit=CLASSES[class_name].ground,
        site=tuple(row.get("site") or row["scene"] for row in rows),
        source="; ".join(sorted({row["source"] for row in rows})),
        conditions=spans,
        sensors=sensors,
        synthetic=any(row.get("synthetic", False) for row in rows),
    )
