"""Container tops on the counted and drawn areas: count error, matched boxes, and what is made of scenes without containers.

``python bench/accuracy_containers.py [--split] [--speed]``. Truth: counts by eye that come with the sets, and every top drawn by eye
(bench/truth/containers_by_eye.geojson); a match is an IoU >= 0.4, one to one; tops of which little is seen (partial) are
neither rewarded nor punished. Coarser scenes are area averages of the same. --split chooses the thresholds of each scene on
the other scenes (grid of 12); the method itself was made with all of them in view, so these figures lean optimistic too.
No container labels are openly licensed: nothing here is shipped as a calibration.
"""

import argparse
import json
import platform
import time
from collections import defaultdict
from datetime import datetime, timezone
from itertools import product

import numpy as np
from osgeo import gdal
from rail_sets import ROOT, SHARED
from shapely.geometry import box, shape

from rason.engine.detectors.containers import Containers, Settings
from rason.engine.rectangles import iou, stack
from rason.engine.scene import Scene
from rason.engine.simulate import files, layout, port, render
from rason.engine.zones import Zone

gdal.UseExceptions()
IMAGERY = SHARED / "imagery"
PICTURES = {
    "t_0616": "d-port-train/t_0616.tif",
    "t_0617": "d-container-yard/t_0617.tif",
    "t_0635": "d-container-yard/t_0635.tif",
    "t_0638": "d-container-yard/t_0638.tif",
    "t_0606": "d-near-empty/t_0606.tif",
    "t_0608": "d-near-empty/t_0608.tif",
    "t_0658": "d-near-empty/t_0658.tif",
    "P1888": "d-truck-lots/P1888.tif",
    "bus_lot": "d-truck-lots/bus_lot.tif",
}
AREAS = {
    "t_0616": ("d-port-train/container_areas_by_eye.geojson",),
    "t_0617": ("d-container-yard/t_0617_areas.geojson",),
    "t_0635": ("d-container-yard/t_0635_areas.geojson",),
    "t_0638": ("d-container-yard/t_0638_areas.geojson", "d-container-yard/t_0638_areas2.geojson"),
}
# "white column" was counted twice (the second count stands) and holds "white rows 1-5".
LEFT_OUT = {"white column", "white rows 1-5", "truck queue"}
WITHOUT = ("t_0606", "t_0608", "t_0658", "P1888", "bus_lot")  # whole pictures without a container
MATCH_IOU = 0.4
GRID = [
    Settings(strong=strong, weak=weak, filled=filled, colours=colours)
    for strong, weak, filled, colours in product((0.5, 0.55), (0.2, 0.25, 0.3), (0.8,), (2.5, 3.0))
]


def open_scene(name, gsd_m):
    """The scene, averaged to gsd_m where that is coarser.

    The sharpness measure reads such averages as half as coarse again (0.75 m for 0.5 m); here they count as what they are.
    """
    path = str(IMAGERY / PICTURES[name])
    if Scene.open(path).gsd_m < 0.95 * gsd_m:
        coarse = f"/vsimem/{name}_{gsd_m}.tif"
        gdal.Translate(coarse, path, xRes=gsd_m, yRes=gsd_m, resampleAlg="average")
        scene = Scene.open(coarse)
        scene.effective_gsd_m = gsd_m
        return scene
    return Scene.open(path)


def in_frame(scene, geometry):
    """A polygon of the scene's CRS in frame metres."""
    x, y = scene.frame.from_scene(*np.array(geometry.exterior.coords)[:, :2].T)
    return shape({"type": "Polygon", "coordinates": [list(zip(x, y))]})


def counted_areas(name, scene):
    """(zone name, polygon in frame metres, true count) of a scene."""
    for path in AREAS[name]:
        for feature in json.loads((IMAGERY / path).read_text())["features"]:
            area, tops = feature["properties"]["area"], feature["properties"].get("tops")
            if area not in LEFT_OUT:
                yield area.split(",")[0], in_frame(scene, shape(feature["geometry"])), tops


def drawn_tops(scene):
    """Area: rectangles (N, 5) and partial (N), in frame metres."""
    tops = defaultdict(list)
    for feature in json.loads((ROOT / "bench" / "truth" / "containers_by_eye.geojson").read_text())["features"]:
        ring = np.array(in_frame(scene, shape(feature["geometry"])).exterior.coords)
        long, short = ring[1] - ring[0], ring[2] - ring[1]
        middle = ring[:4].mean(0)
        azimuth = np.degrees(np.arctan2(*long))
        row = (*middle, np.hypot(*long), np.hypot(*short), azimuth, feature["properties"]["partial"])
        tops[feature["properties"]["area"]].append(row)
    return {area: (np.array(rows)[:, :5], np.array(rows)[:, 5] > 0) for area, rows in tops.items()}


def match(found, tops, partial):
    """(hits, false, missed), best overlap first."""
    boxes = stack(found.x, found.y, found.length_m, found.width_m, found.azimuth_deg)
    i, j = np.divmod(np.arange(len(boxes) * len(tops)), max(len(tops), 1))
    overlap = iou(boxes[i], tops[j]) if len(i) else np.zeros(0)
    used_i, used_j = set(), set()
    for k in np.argsort(-overlap):
        if overlap[k] >= (0.15 if partial[j[k]] else MATCH_IOU) and i[k] not in used_i and j[k] not in used_j:
            used_i.add(i[k])
            used_j.add(j[k])
    hits = sum(not partial[k] for k in used_j)
    return hits, len(boxes) - len(used_i), int((~partial).sum()) - hits


def judge(name, gsd_m, settings):
    """One row an area of a scene."""
    scene = open_scene(name, gsd_m)
    areas = counted_areas(name, scene) if name in AREAS else [("whole picture", box(*scene.bounds), 0)]
    drawn, rows = drawn_tops(scene), []
    for area, geometry, true in areas:
        start = time.process_time()
        found = Containers(settings).detect(scene, Zone(area, "yard", geometry))
        row = {
            "scene": name,
            "area": area,
            "true": true,
            "found": len(found.detections),
            "ha": round(geometry.area / 1e4, 2),
        }
        row |= {key: round(value, 2) for key, value in found.measures.items()}
        row |= {"counted": found.counted, "seconds": round(time.process_time() - start, 2), "warnings": found.warnings}
        row["effective_gsd_m"] = round(scene.effective_gsd_m, 2)
        if area in drawn:
            row["hit"], row["false"], row["missed"] = match(found.detections, *drawn[area])
            row["drawn_m2"] = round(float(np.prod(drawn[area][0][:, 2:4], axis=1).sum()))
        rows.append(row)
    return rows


def summary(rows):
    """Count error over the occupied areas, matched boxes, false boxes on the empty ones where boxes are counted; area error."""
    full, empty = [r for r in rows if r["true"]], [r for r in rows if not r["true"]]
    hit, false, missed = (sum(r[key] for r in full) for key in ("hit", "false", "missed"))
    drawn = sum(r["drawn_m2"] for r in full)
    counts = {
        "true": sum(r["true"] for r in full),
        "found": sum(r["found"] for r in full),
        "WAPE": round(sum(abs(r["found"] - r["true"]) for r in full) / max(sum(r["true"] for r in full), 1), 3),
        "P": round(hit / max(hit + false, 1), 3),
        "R": round(hit / max(hit + missed, 1), 3),
        "F1": round(2 * hit / max(2 * hit + false + missed, 1), 3),
        "false on empty areas": sum(r["found"] for r in empty),
    }
    return {
        **(counts if all(r["counted"] for r in full) else {}),
        "area WAPE": round(sum(abs(r["m2"] - r["drawn_m2"]) for r in full) / max(drawn, 1), 3),
        "m2 on empty areas": round(sum(r["m2"] for r in empty)),
        "ha": round(sum(r["ha"] for r in rows), 2),
        "ha per CPU second": round(sum(r["ha"] for r in rows) / sum(r["seconds"] for r in rows), 1),
    }


def loss(rows):
    """What a threshold choice is judged by: wrong counts, occupied and empty, and wrong boxes."""
    return sum(abs(r["found"] - r["true"]) + (r.get("false", 0) + r.get("missed", 0)) / 2 for r in rows)


def held_out(gsd_m):
    """Each scene's rows at the thresholds that are best on the other scenes."""
    tried = [{name: judge(name, gsd_m, settings) for name in AREAS} for settings in GRID]
    rows, chosen = [], {}
    for name in AREAS:
        best = min(range(len(GRID)), key=lambda k: sum(loss(tried[k][other]) for other in AREAS if other != name))
        chosen[name] = str(GRID[best])
        rows += tried[best][name]
    return {"all": summary(rows), "chosen": chosen, "areas": rows}


def yard(side_m, gsd_m, kind):
    """A simulated yard as a file, and its zone: "full" (stacks with lanes of 3 m), "typical" (lanes of 20 m) or "empty" (bare)."""
    rng, things = np.random.default_rng(5), []
    west, south = 500_000.0, 4_000_000.0
    length, width = 3 * (port.FORTY_M + 0.7), 6 * (port.WIDTH_M + 0.4)
    lane = {"full": 3.0, "typical": 20.0, "empty": side_m}[kind]
    for x in np.arange(30 + length / 2, side_m - 30 - length / 2, length + lane):
        for y in np.arange(30 + width / 2, side_m - 30 - width / 2, width + lane) if kind != "empty" else ():
            things += port.stack_block(np.array([west + x, south + y]), 90.0, 3, 6, 0.9, rng)
    ground = layout.Area(layout.rectangle(np.array([west, south]) + side_m / 2, side_m + 100, side_m + 100, 0.0), "concrete")
    bounds = (west, south, west + side_m, south + side_m)
    place = layout.Layout((ground,), things=tuple(things))
    scene = render.render(place, bounds, gsd_m=gsd_m, sun_azimuth_deg=150.0, sun_elevation_deg=50.0, seed=3)
    path = f"/vsimem/{kind}_{side_m}_{gsd_m}.tif"
    files.write_geotiff(scene, path, datetime(2024, 6, 1, 10, tzinfo=timezone.utc), 32632)
    return path, Zone(kind, "yard", box(*bounds).buffer(-20, join_style=2)), len(things)


def speed():
    """Hectares of zone a processor second, from the file, beside bare reading; the best of two."""
    rows = []
    for kind, side_m, gsd_m in product(("full", "typical", "empty"), (150.0, 300.0), (0.3, 0.5)):
        path, zone, boxes = yard(side_m, gsd_m, kind)
        seconds, reading = [], []
        for _ in range(2):
            scene = Scene.open(path)
            start = time.process_time()
            found = Containers().detect(scene, zone)
            seconds.append(time.process_time() - start)
            start = time.process_time()
            scene.read(zone.geometry.bounds)
            reading.append(time.process_time() - start)
        ha = zone.area_m2 / 1e4
        row = {"yard": kind, "ha": round(ha, 2), "gsd_m": gsd_m, "boxes": boxes, "found": len(found.detections)}
        row |= {"ha a second": round(ha / min(seconds), 1), "ha a second, reading alone": round(ha / min(reading), 1)}
        print(row)
        rows.append({**row, "counted": found.counted})
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--speed", action="store_true", help="measure the speed on simulated yards as well")
    parser.add_argument("--split", action="store_true", help="choose thresholds on the other scenes as well (slow)")
    asked = parser.parse_args()
    split = asked.split
    path = ROOT / "bench" / "results" / "containers.json"
    results = json.loads(path.read_text()) if path.is_file() else {}
    results["machine"] = f"{platform.processor() or platform.machine()}, one thread"
    for gsd_m in (0.3, 0.5, 1.0):
        rows = [row for name in AREAS for row in judge(name, gsd_m, Settings())]
        without = [row for name in WITHOUT for row in judge(name, gsd_m, Settings())]
        results[f"{gsd_m} m, shipped thresholds"] = {"all": summary(rows), "areas": rows, "without containers": without}
        print(gsd_m, summary(rows), {row["scene"]: row["found"] for row in without})
        for row in rows:
            print("   ", row)
        if split and gsd_m <= 0.5:
            results[f"{gsd_m} m, thresholds from the other scenes"] = held_out(gsd_m)
            print(gsd_m, "held out", results[f"{gsd_m} m, thresholds from the other scenes"]["all"])
        path.write_text(json.dumps(results, indent=1) + "\n")
    if asked.speed:
        results["speed, simulated yards"] = speed()
        path.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
