#!/usr/bin/env python3
"""Real pairs of scenes of one place: how often is a change called where nothing changed?

  bench/real_pairs.py        one JSON line, written to bench/results/real_pairs.json (needs the shared imagery)

Containers: six places of d-change-levir (0.5 m, two dates years apart), houses and streets without a container on either day; the
whole tile is one zone. Ships: the ground that scene_2 and scene_3 of d-ships-planet3m share (found by matching the two pictures,
another day and another light), open water in zones of about 1 km; the ships longer than 100 m in each were counted by eye on both
pictures. Nothing here was used to fit anything of the comparison. A zone whose count is the same on both days is an unchanged pair."""

import json
from datetime import datetime

import numpy as np
from checkout import ROOT, load_rason

load_rason()

from osgeo import gdal  # noqa: E402
from scipy.stats import beta  # noqa: E402
from shapely.geometry import box  # noqa: E402

from rason.engine.compare import DECREASE, INCREASE, compare  # noqa: E402
from rason.engine.counting import count_scene  # noqa: E402
from rason.engine.scene import Scene  # noqa: E402
from rason.engine.shipped import shipped  # noqa: E402
from rason.engine.zones import Zone  # noqa: E402

IMAGERY = ROOT.parent / "shared" / "imagery"
TILES = (
    "test_121_0768_0256",
    "test_2_0000_0000",
    "test_77_0512_0256",
    "test_7_0256_0512",
    "train_386_0512_0768",
    "train_412_0512_0768",
)
# Window of the shared ground (column, row, columns, rows), 3 m pixels, and zones in it: (column, row, columns, rows), ships then and later.
WINDOWS = {"scene_2": (0, 148, 949, 1437), "scene_3": (1444, 0, 949, 1437)}
WATER = {
    "north": ((430, 110, 500, 300), 0, 0),
    "middle": ((330, 430, 400, 330), 0, 0),
    "centre south": ((330, 930, 370, 250), 1, 1),
    "south east": ((700, 1180, 240, 250), 1, 0),
    "south west": ((100, 1180, 560, 250), 0, 0),
}


def counted(scene, name, zones):
    """Tally rows in objects."""
    found = count_scene(scene, {name: zones}, {zone.zone_id: 1.0 for zone in zones}, {})
    return [row for row in found.rows if row["unit"] == "objects" and row["class"] == name]


def tiles():
    """(name, rows, rows, true numbers by zone) of the places without containers."""
    for tile in TILES:
        scenes = [Scene.open(str(IMAGERY / "d-change-levir" / f"{tile}_{date}.tif")) for date in "AB"]
        zone = Zone(tile, "area", box(*scenes[0].bounds))
        yield "container", [counted(scene, "container", [zone]) for scene in scenes], {tile: (0, 0)}


def water():
    """The same of the roadstead."""
    rows = []
    for name, (column, row, columns, height) in WINDOWS.items():
        path = f"/vsimem/{name}.tif"
        whole = gdal.Open(str(IMAGERY / "d-ships-planet3m" / f"{name}.tif"))
        bounds = (600000, 4600000, 600000 + 3 * columns, 4600000 - 3 * height)  # both on the same ground
        gdal.Translate(path, whole, srcWin=[column, row, columns, height], outputBounds=bounds)
        zones = [Zone(zone, "water", box(600000 + 3 * x, 4600000 - 3 * (y + h), 600000 + 3 * (x + w), 4600000 - 3 * y))
                 for zone, ((x, y, w, h), _, _) in WATER.items()]  # fmt: skip
        rows.append(counted(Scene.open(path), "ship", zones))
    yield "ship", rows, {zone: (before, after) for zone, (_, before, after) in WATER.items()}


def main():
    pairs, called = [], 0
    for name, rows, truth in (*tiles(), *water()):
        for c in compare(*rows, [shipped(name)]):
            before, after = truth[c.zone_id]
            pairs.append({"class": name, "zone": c.zone_id, "true": [before, after], "estimates": [r["estimate"] for r in (c.first, c.second)],
                          "difference": [c.difference, c.low, c.high], "verdict": c.verdict})  # fmt: skip
    same = [pair for pair in pairs if pair["true"][0] == pair["true"][1]]
    called, n = sum(pair["verdict"] in (INCREASE, DECREASE) for pair in same), len(same)
    ends = [
        0.0 if not called else float(beta.ppf(0.025, called, n - called + 1)),
        float(beta.ppf(0.975, called + 1, n - called)),
    ]
    out = {"bench": "real_pairs", "unchanged": n, "called": called, "called_95": np.round(ends, 3).tolist(),
           "difference_held": sum(p["difference"][1] <= p["true"][1] - p["true"][0] <= p["difference"][2] for p in pairs),
           "pairs": pairs, "date": f"{datetime.now():%Y-%m-%d}"}  # fmt: skip
    print(json.dumps(out))
    (ROOT / "bench" / "results" / "real_pairs.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
