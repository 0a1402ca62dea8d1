"""The example of docs/howto_radar.md: ``python bench/radar_example.py FOLDER`` writes a synthetic Sentinel-1-like scene.

20 × 20 km at 10 m, VV and VH as 16-bit amplitude: 40 ships of 40 to 300 m, their azimuth ghosts 4.7 km up and down, a coast in the
east with two ships alongside. radar.tif, and radar.gpkg with zones, land and truth.
"""

import sys
from datetime import datetime, timezone
from pathlib import Path

from checkout import load_rason

load_rason()

import numpy as np  # noqa: E402
from shapely.geometry import Polygon, box  # noqa: E402

from rason.engine.detections import Detections  # noqa: E402
from rason.engine.simulate import files, sar  # noqa: E402
from rason.engine.zones import Zone  # noqa: E402

WEST, SOUTH, SIDE, COAST, EPSG = 600000.0, 4640000.0, 20000.0, 17500.0, 32652
GHOST_M = 4700.0


def main(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    bounds = (WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)
    offshore = sar.fleet((WEST, SOUTH, WEST + COAST - 300, SOUTH + SIDE), 40, np.random.default_rng(3))
    alongside = Detections.make(
        [WEST + COAST - 25] * 2, [SOUTH + 9000, SOUTH + 9300], [180, 120], [28, 20], 0, "ship", score=6.0
    )
    ships = Detections.concatenate([offshore, alongside])
    land = np.zeros((2000, 2000), bool)
    land[:, int(COAST / 10) :] = True
    scene = sar.render(ships, bounds, 10.0, land=land, ghost_m=GHOST_M, seed=3)
    sar.write(scene, folder / "radar.tif", datetime(2023, 5, 1, 9, 30, tzinfo=timezone.utc), EPSG, values="amplitude")
    quay = box(WEST + COAST - 60, SOUTH + 8800, WEST + COAST, SOUTH + 9500)
    zones = [
        Zone("roads", "water", box(WEST, SOUTH, WEST + COAST, SOUTH + SIDE).difference(quay), "Roads"),
        Zone("quay", "berth", quay, "Quay"),
    ]
    truth = [
        (Polygon(ring), {"class": "ship", "length_m": float(length)})
        for ring, length in zip(ships.corners(), ships.length_m)
    ]
    shore = [(box(WEST + COAST, SOUTH, WEST + SIDE, SOUTH + SIDE), {"name": "land"})]
    layers = {"zones": files.zone_rows(zones), "land": shore, "truth": truth}
    files.write_geopackage(layers, folder / "radar.gpkg", EPSG)


if __name__ == "__main__":
    main(sys.argv[1])
