"""Write docs/ACCURACY.md: ``python3 bench/accuracy.py``.

Runs the main job on the real sets in ../shared/imagery as ``rason:tallyscene`` does (shipped weights and calibrations), and sets
what comes out beside the truth; the tables of the detectors' and the statistics' own benches come from bench/results/.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from checkout import ROOT, load_rason

IMAGERY = Path(os.environ.get("RASON_SHARED", ROOT.parent / "shared")) / "imagery"
RESULTS = ROOT / "bench" / "results"
PORT_WATER = [(606000, 4660000), (606107.1, 4660000), (606107.1, 4659754), (606000, 4659790)]


def features(path):
    """(properties, shapely geometry) of a GeoJSON of a set."""
    from shapely.geometry import shape

    return [(f["properties"], shape(f["geometry"])) for f in json.loads((IMAGERY / path).read_text("utf8"))["features"]]


def jobs():
    """(scene, [(zone_id, kind, geometry, {class: truth})]) of every real set with a truth for its zones."""
    from shapely.geometry import Polygon

    yard = [(f["track"], "track", g, {"freight_car": f["vehicles"]}) for f, g in features("d-rail-yard/rail_tracks.geojson")]
    yield "d-rail-yard/yard.tif", yard
    tracks = features("d-rail-muttenz2/rail_tracks_by_eye.geojson")
    known = [(f, g) for f, g in tracks if "vehicles" in f or f.get("empty")]
    yield (
        "d-rail-muttenz2/example_0.25m_repaired.tif",
        [(str(f.get("track", i)), "track", g, {"freight_car": f.get("vehicles") or 0}) for i, (f, g) in enumerate(known)],
    )
    port = [
        (f["area"], "yard", g, {"container": f["tops"]}) for f, g in features("d-port-train/container_areas_by_eye.geojson")
    ]
    port += [("T1", "track", g, {"freight_car": 20}) for _, g in features("d-port-train/rail_tracks_by_eye.geojson")]
    port += [("water", "berth", Polygon(PORT_WATER), {"ship": 1})]
    yield "d-port-train/t_0616.tif", port
    for chip, areas in (("t_0638", "t_0638_areas2"), ("t_0635", "t_0635_areas"), ("t_0617", "t_0617_areas")):
        found = [(f, g) for f, g in features(f"d-container-yard/{areas}.geojson") if "tops" in f]
        yield f"d-container-yard/{chip}.tif", [(f["area"], "yard", g, {"container": f["tops"]}) for f, g in found]
    for chip in ("t_0618", "t_0629", "t_0648", "t_0650"):
        ships = [g for f, g in features(f"d-ships-optical/{chip}_boxes.geojson") if f["class"] != "dock"]
        yield f"d-ships-optical/{chip}.tif", [("whole picture", "area", None, {"ship": len(ships)})]
    for chip, vessels in (("t_0606", 1), ("t_0608", 2), ("t_0658", 1)):
        yield f"d-near-empty/{chip}.tif", [("whole picture", "area", None, {"container": 0, "ship": vessels})]
    for chip, scene in ((2, "scene_2"), (3, "scene_3")):
        ships = features(f"d-ships-planet3m/{scene}_boxes_by_eye.geojson")
        yield f"d-ships-planet3m/scene_{chip}.tif", [("whole picture", "area", None, {"ship": len(ships)})]


def main_job():
    """Rows (set, zone, class, truth, estimate, low, high) of the main job on every real set."""
    from shapely.geometry import box

    from rason.engine import counting
    from rason.engine.scene import Scene
    from rason.engine.zones import Zone

    for name, places in jobs():
        scene = Scene.open(str(IMAGERY / name))
        zones = [Zone(zone_id, kind, box(*scene.bounds) if shape is None else shape) for zone_id, kind, shape, _ in places]
        classes = sorted({key for *_, truth in places for key in truth})
        wanted, _ = counting.plan(zones, classes)
        count = counting.count_scene(scene, wanted, counting.check(scene, wanted), {})
        truths = {(zone_id, key): number for zone_id, _, _, truth in places for key, number in truth.items()}
        for row in count.rows:
            key = row["zone_id"], row["class"]
            if row["unit"] == "objects" and key in truths:
                yield name, *key, truths[key], row["estimate"], row["low"], row["high"]


def table(heads, lines):
    """A Markdown table."""
    rows = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(rows + ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines])


def main_table(rows):
    """Zones of one kind of scene together where there are many; the rest one by one."""
    lines = []
    for name in dict.fromkeys(row[0] for row in rows):
        here = [row for row in rows if row[0] == name]
        for kind in dict.fromkeys(row[2] for row in here):
            chosen = [row for row in here if row[2] == kind]
            if len(chosen) > 4:
                truth, found = sum(row[3] for row in chosen), int(sum(row[4] for row in chosen))
                error = int(sum(abs(row[4] - row[3]) for row in chosen))
                empty = [row for row in chosen if row[3] == 0]
                inside = sum(row[5] <= row[3] <= row[6] for row in chosen)
                what = f"{len(chosen)} zones, {len(empty)} of them empty"
                lines.append((name, what, kind, truth, f"{found} (sum of zone errors {error}; {int(sum(r[4] for r in empty))} on empty)",
                              f"{inside} of {len(chosen)}"))  # fmt: skip
                continue
            lines += [
                (
                    name,
                    row[1],
                    kind,
                    row[3],
                    f"{int(row[4])} ({int(row[5])} to {int(row[6])})",
                    "yes" if row[5] <= row[3] <= row[6] else "no",
                )
                for row in chosen
            ]
    return table(("scene", "zone", "class", "truth", "Rason (90 % interval)", "truth inside"), lines)


def result(name):
    """A recorded result."""
    return json.loads((RESULTS / f"{name}.json").read_text("utf8"))


def freight_cars():
    """The detector's own bench: leave one track out, and fitted on the yard only."""
    return table(
        ("set", "GSD", "variant", "hit", "false", "missed"),
        [
            (
                run["set"],
                f"{run['gsd_m']:g} m" if run["gsd_m"] else "native",
                run["variant"],
                run["hit"],
                run["false"],
                run["missed"],
            )
            for run in result("freight_cars")["runs"]
        ],
    )


def containers():
    """Box by box at 0.3 and 0.5 m, area at 1 m."""
    lines = []
    for name, run in result("containers").items():
        if isinstance(run, dict):
            total = run["all"]
            bare = {row["scene"]: row["found"] for row in run.get("without containers", [])}
            lines.append((name, *(total.get(key, "") for key in ("true", "found", "WAPE", "P", "R", "F1", "area WAPE")),
                          ", ".join(f"{scene} {number}" for scene, number in bare.items())))  # fmt: skip
    return table(("", "true", "found", "WAPE", "P", "R", "F1", "area WAPE", "found on pictures without containers"), lines)


def ships():
    """By kind of scene."""
    return table(
        ("scenes", "hit", "false", "missed", "P", "R", "F1"),
        [
            (name, *(run["all"][key] for key in ("hit", "false", "missed", "P", "R", "F1")))
            for name, run in result("ships").items()
        ],
    )


def coverage():
    """Of the nominal 90 % interval, simulated."""
    lines = [
        (name, run["sims"], ", ".join(f"{n}: {share}" for n, share in run["coverage"].items()),
         ", ".join(f"{key} {value['coverage']}" for key, value in run["total_of_20"].items()))
        for name, run in result("coverage")["ground"].items()
    ]  # fmt: skip
    return table(("seed and scenes", "simulations", "coverage at true n", "total of 20 zones"), lines)


def main():
    """Fill the page's template."""
    load_rason()
    text = (ROOT / "bench" / "accuracy.template.md").read_text("utf8")
    rows = list(main_job())
    parts = {"main_job": main_table(rows), "freight_cars": freight_cars(), "containers": containers(), "ships": ships(),
             "coverage": coverage()}  # fmt: skip
    for name, part in parts.items():
        text = text.replace(f"{{{{{name}}}}}", part)
    (ROOT / "docs" / "ACCURACY.md").write_text(text, "utf8")
    print(parts["main_job"])


if __name__ == "__main__":
    main()
