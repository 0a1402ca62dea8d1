"""The main job on every labelled real set, zone by zone: ``real.json`` for bench/accuracy.py and bench/left_out.py.

``python3 bench/real_sets.py [--only d-rail-yard,…] [--gsd native,0.5,1]``. Counting is rason:tallyscene's (shipped weights and
calibrations). A detection is a hit from an IoU of .3 on (containers .4; ships, whose labels lie along north, where one box holds the
other's centre). Zones whose truth is a number alone take the lesser of found and true for the hits. Coarser scenes are area
averages and count as the GSD they are averaged to.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field

import numpy as np
from rail_sets import ROOT, SHARED, tracks  # first: it loads rason

from rason.engine import counting, zone_tally  # isort: skip
from rason.engine.accuracy import FALSE, HIT, judge
from rason.engine.conditions import Conditions
from rason.engine.detections import Detections
from rason.engine.errors import Refusal
from rason.engine.scene import Scene
from rason.engine.zones import Zone

IMAGERY = SHARED / "imagery"
RESULTS = ROOT / "bench" / "results" / "real.json"
GSDS = {"native": None, "0.5": 0.5, "1": 1.0}


@dataclass
class Labelled:
    """One class in one scene of a set. counts: true number by zone_id. truth: its positions, None where there are none."""

    set_name: str
    picture: str
    class_name: str
    zones: list
    counts: dict
    truth: Detections | None = None
    numbers_only: set = field(default_factory=set)  # zones whose truth has no positions
    least_iou: float = 0.3
    bands: str = ""
    gsd_m: float | None = None  # trusted instead of the measured sharpness


def rails():
    """Tracks with their vehicles; those cut by the picture's edge are not counted."""
    for set_name, picture in (
        ("d-rail-yard", "yard.tif"),
        ("d-rail-muttenz2", "example_0.25m_repaired.tif"),
        ("d-port-train", "t_0616.tif"),
    ):
        zones, counts, rows = [], {}, []
        for track in tracks(set_name):
            whole = [v for v in track.vehicles if not v.cut and 0 <= v.at < track.line.length]
            zones.append(Zone(track.name, "track", track.line))
            counts[track.name] = len(whole)
            for v in whole:
                a, b = (
                    np.array(track.line.interpolate(min(max(v.at + d, 0), track.line.length)).coords[0][:2]) for d in (-3, 3)
                )
                x, y = track.line.interpolate(v.at).coords[0][:2]
                length = v.high - v.low if np.isfinite(v.high) else 0.0
                rows.append((x, y, length, 3.0 if length else 0.0, np.degrees(np.arctan2(*(b - a)))))
        yield Labelled(set_name, picture, "freight_car", zones, counts, made(rows, "freight_car"))


def made(rows, class_name):
    """Detections of (x, y, length, width, azimuth) rows."""
    return Detections.make(*np.array(rows, float).reshape(-1, 5).T, class_name)


def containers():
    """Counted areas with the tops drawn in them, and whole pictures without a container."""
    import accuracy_containers as ac
    from shapely.geometry import box

    for name, path in ac.PICTURES.items():
        set_name, picture = path.split("/")
        scene = Scene.open(str(IMAGERY / path))
        if name not in ac.AREAS:
            zone = Zone("whole picture", "yard", box(*scene.bounds))
            yield Labelled(set_name, picture, "container", [zone], {zone.zone_id: 0}, made([], "container"), least_iou=0.4)
            continue
        areas = [area for area in ac.counted_areas(name, scene) if area[2] is not None]
        drawn = ac.drawn_tops(scene)
        rows = [row for area, _, _ in areas if area in drawn for row in drawn[area][0]]
        yield Labelled(
            set_name, picture, "container", [Zone(area, "yard", geometry) for area, geometry, _ in areas],
            {area: tops for area, _, tops in areas}, made(rows, "container"),
            {area for area, _, tops in areas if area not in drawn and tops}, least_iou=0.4,
        )  # fmt: skip


def ships():
    """Drawn water, or what lies well off land; boxes along north."""
    import accuracy_ships as sh

    kinds = {name: kind for kind, names in reversed(sh.GROUPS.values()) for name in names}  # berth or water where drawn so
    for name, (set_name, picture, _, bands) in sh.SCENES.items():
        scene = sh.open_scene(name)
        geometry = sh.off_land(scene, sh.LAND_NIR[name]) if name in sh.LAND_NIR else sh.drawn_water(name, scene)
        boxes = [label for label in sh.labels_of(name, scene) if geometry.contains(label.centroid)]
        rows = [
            (label.centroid.x, label.centroid.y, *sorted((e - w, n - s), reverse=True), 90.0 if e - w > n - s else 0.0)
            for label in boxes
            for w, s, e, n in [label.bounds]
        ]
        zone = Zone("drawn water" if kinds[name] != "area" else "whole picture", kinds[name], geometry)
        yield Labelled(
            set_name, picture, "ship", [zone], {zone.zone_id: len(boxes)}, made(rows, "ship"), least_iou=0.0, bands=bands,
            gsd_m=getattr(sh, "TRUSTED_GSD_M", {}).get(name),
        )  # fmt: skip


def opened(labelled, gsd_m):
    """The scene at a GSD; None where it is not finer than that."""
    from osgeo import gdal

    path = str(IMAGERY / labelled.set_name / labelled.picture)
    scene = Scene.open(path, bands=labelled.bands)
    if gsd_m is not None:
        if scene.gsd_m > 0.95 * gsd_m:
            return None
        coarse = f"/vsimem/{labelled.set_name}_{labelled.picture}_{gsd_m}.tif"
        with gdal.ExceptionMgr() if hasattr(gdal, "ExceptionMgr") else _nothing():
            gdal.Translate(coarse, path, xRes=gsd_m, yRes=gsd_m, resampleAlg="average")
        scene = Scene.open(coarse, bands=labelled.bands)
    trusted = gsd_m or labelled.gsd_m
    if trusted:
        scene.__dict__["effective_gsd_m"] = trusted
    return scene


def _nothing():
    import contextlib

    return contextlib.nullcontext()


def count(labelled, gsd_m):
    """A row of real.json: the scene's zones as [zone_id, kind, true, tp, fn, dup, bg, exposure, found, estimate, low, high]."""
    scene, name = opened(labelled, gsd_m), labelled.class_name
    if scene is None:
        return None
    row = {
        "set": labelled.set_name,
        "scene": labelled.picture,
        "class": name,
        "at": gsd_m or "native",
        **Conditions.of(scene).known(),
    }
    start = time.process_time()
    try:
        wanted, _ = counting.plan(labelled.zones, [name])
        result = counting.count_scene(scene, wanted, counting.check(scene, wanted), {})
    except Refusal as refusal:
        return {**row, "refused": str(refusal)}
    row["seconds"] = round(time.process_time() - start, 1)
    rows = {r["zone_id"]: r for r in result.rows if r["unit"] == "objects" and r["class"] == name}  # not its tank cars
    if not rows:
        return {**row, "refused": "too coarse to count; length, area and share only"}
    row["zones"] = [
        zone_row(zone, labelled, result.detections, rows[zone.zone_id]) for zone in labelled.zones if zone.zone_id in rows
    ]
    row["scores"] = [round(float(score), 4) for score in result.detections.score]
    row["warnings"] = result.warnings
    return row


def zone_row(zone, labelled, found, tallied):
    mine = found.select(zone.holds(found.x, found.y))
    true = labelled.counts[zone.zone_id]
    if zone.zone_id in labelled.numbers_only:
        tp, dup, bg = min(len(mine), true), max(len(mine) - true, 0), 0
    else:
        truth = labelled.truth.select(zone.holds(labelled.truth.x, labelled.truth.y))
        verdict = judge(mine, truth, least_iou=labelled.least_iou).verdict
        tp, bg = int((verdict == HIT).sum()), int((verdict == FALSE).sum())
        dup = len(mine) - tp - bg
    ends = [None if tallied[key] is None else int(tallied[key]) for key in ("estimate", "low", "high")]
    exposure = round(zone_tally.exposures([zone])[0], 3)
    return [zone.zone_id, zone.kind, true, tp, max(true - tp, 0), dup, bg, exposure, len(mine), *ends]


def everything(only=()):
    """All labelled scenes."""
    for source in (rails, containers, ships):
        for labelled in source():
            if not only or labelled.set_name in only:
                yield labelled


def main():
    """Write real.json; sets that are not asked for keep their rows."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only", default="", help="names of sets")
    ap.add_argument("--gsd", default="native,0.5,1")
    a = ap.parse_args()
    only, gsds = set(filter(None, a.only.split(","))), a.gsd.split(",")
    rows = []
    for labelled in everything(only):
        for at in gsds:
            row = count(labelled, GSDS[at])
            if row:
                rows.append(row)
                total = [sum(zone[i] for zone in row.get("zones", [])) for i in (2, 3, 5, 6)]
                print(row["set"], row["scene"], row["class"], row["at"], row.get("refused") or f"true {total[0]}, hit {total[1]}, double {total[2]}, false {total[3]}",
                      row.get("seconds", ""), flush=True)  # fmt: skip
    if RESULTS.is_file() and (only or set(gsds) != set(GSDS)):
        done = {(row["set"], row["scene"], row["class"], row["at"]) for row in rows}
        old = json.loads(RESULTS.read_text("utf8"))["rows"]
        rows += [row for row in old if (row["set"], row["scene"], row["class"], row["at"]) not in done]
    RESULTS.write_text(json.dumps({"what": __doc__, "rows": rows}, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
