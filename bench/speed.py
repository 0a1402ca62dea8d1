"""Speed and memory, each beside its floor: ``python3 bench/speed.py``. Writes bench/results/speed.json.

Plugin import on top of a bare qgis_process start; a 100-megapixel scene with 20 zones (peak memory, share of the file read, raw
read of the same windows); 10,000 detections in 200 zones; growth with area at 10, 40 and 160 MP. All scenes are synthetic.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from checkout import ROOT, load_rason

PROCESS = next(p for p in ("/usr/bin/qgis_process.bin", "/usr/bin/qgis_process") if os.path.exists(p))
X, Y, GSD = 606000.0, 4660000.0, 0.5


def profile(folder, enabled):
    """Environment of a qgis_process with an empty profile."""
    settings = folder / f"profile-{enabled}" / "profiles" / "default" / "QGIS"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "QGIS3.ini").write_text(f"[PythonPlugins]\nrason={'true' if enabled else 'false'}\n")
    plugins = folder / "plugins"
    plugins.mkdir(exist_ok=True)
    if not (plugins / "rason").exists():
        (plugins / "rason").symlink_to(ROOT)
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    kept["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")  # an installed plugin is compiled once, not at every start
    return {**kept, "QT_QPA_PLATFORM": "offscreen", "QGIS_CUSTOM_CONFIG_PATH": str(folder / f"profile-{enabled}"),
            "QGIS_PLUGINPATH": str(plugins), "XDG_RUNTIME_DIR": str(folder)}  # fmt: skip


def start_up(folder, runs=15):
    """Median seconds that listing the algorithms takes without and with Rason, interleaved."""
    import statistics

    seconds = {False: [], True: []}
    for _ in range(runs):
        for enabled, taken in seconds.items():
            begin = time.perf_counter()
            listed = subprocess.run(
                [PROCESS, "list"], env=profile(folder, enabled), capture_output=True, check=True, text=True
            )
            taken.append(time.perf_counter() - begin)
            if ("rason:tally" in listed.stdout) != enabled:
                sys.exit("the plugin was not loaded as it should be")
    bare, rason = (statistics.median(seconds[key]) for key in (False, True))
    return {"bare_s": round(bare, 3), "with_rason_s": round(rason, 3), "added_s": round(rason - bare, 3)}


def big_scene(path, megapixels, seed=1, *, sea=False):
    """A tiled, uncompressed scene: one square of synthetic yard, or of sea with a ship in every 64th, repeated."""
    import numpy as np
    from osgeo import gdal, osr

    from rason.engine.simulate import port, render, ships
    from rason.engine.simulate.layout import Area, Layout, rectangle

    rng = np.random.default_rng(seed)
    side = 512
    centre = np.array([side * GSD / 2, -side * GSD / 2])
    yard = Layout(
        (Area(rectangle(centre, 90, 60, 90.0), "concrete"),), things=tuple(port.stack_block(centre, 90.0, 4, 12, 0.8, rng))
    )
    water = Layout((Area(rectangle(centre, 2 * side, 2 * side, 0.0), "water", -2.0),))
    ship = water.with_(things=ships.under_way(*centre, 30.0, 90.0, rng))
    light = {"gsd_m": GSD, "sun_azimuth_deg": 150, "sun_elevation_deg": 45, "seed": seed}
    tiles = [
        render.render(place, (0, -side * GSD, side * GSD, 0), **light).data for place in ((water, ship) if sea else (yard,))
    ]
    n = round((megapixels * 1e6) ** 0.5 / side)
    file = gdal.GetDriverByName("GTiff").Create(
        str(path), n * side, n * side, 3, gdal.GDT_Byte, ["TILED=YES", "PHOTOMETRIC=RGB"]
    )
    file.SetGeoTransform((X, GSD, 0, Y, 0, -GSD))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32652)
    file.SetProjection(crs.ExportToWkt())
    file.SetMetadata({"ACQUISITIONDATETIME": "2023-10-12T02:05:00Z"}, "IMAGERY")
    for row in range(n):
        for column in range(n):
            has_ship = sea and (row * n + column) % 64 == 32
            file.WriteArray(tiles[has_ship], column * side, row * side)
    file = None
    return n, side * GSD


def write_zones(path, n, step_m, count):
    """``count`` yards spread over the scene."""
    from osgeo import ogr, osr

    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32652)
    layer = source.CreateLayer("zones", crs, ogr.wkbPolygon)
    for field in ("zone_id", "kind"):
        layer.CreateField(ogr.FieldDefn(field, ogr.OFTString))
    for k in range(count):
        place = k * (n * n - 1) // max(count - 1, 1)
        x, y = X + (place % n + 0.5) * step_m, Y - (place // n + 0.5) * step_m
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetField("zone_id", f"zone-{k}")
        feature.SetField("kind", "yard")
        ring = ",".join(f"{x + dx} {y + dy}" for dx, dy in ((-45, -30), (45, -30), (45, 30), (-45, 30), (-45, -30)))
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POLYGON(({ring}))"))
        layer.CreateFeature(feature)
    source = None


def tally_process(folder, scene, zones):
    """Seconds and peak memory (MB) of rason:tallyscene in qgis_process, and of qgis_process alone."""
    out = {}
    for name, command in (
        ("bare", ["list"]),
        ("tally", ["run", "rason:tallyscene", f"--INPUT={scene}", f"--ZONES={zones}", "--CLASSES=container",
                   f"--DETECTIONS={folder}/d.gpkg", f"--TALLY={folder}/t.gpkg"]),
    ):  # fmt: skip
        begin = time.perf_counter()
        with open(folder / "log.txt", "w") as log:
            child = subprocess.Popen([PROCESS, *command], env=profile(folder, True), stdout=log, stderr=subprocess.STDOUT)
            peak_kb = 0
            while child.poll() is None:
                peak_kb = max(peak_kb, high_water_kb(child.pid))
                time.sleep(0.02)
        if child.returncode:
            sys.exit((folder / "log.txt").read_text())
        out[name] = {"s": round(time.perf_counter() - begin, 2), "peak_mb": round(peak_kb / 1024)}
    return out


def high_water_kb(pid):
    """Peak memory so far of a running process (a child's rusage would count its parent's)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def windows(path, zones):
    """Megapixels of the zones' windows, and the seconds a raw read of them takes."""
    from osgeo import gdal, ogr

    file, source = gdal.Open(str(path)), ogr.Open(str(zones))
    pixels, begin = 0, time.perf_counter()
    for feature in source.GetLayer(0):
        west, east, south, north = feature.GetGeometryRef().GetEnvelope()
        size = round((east - west) / GSD), round((north - south) / GSD)
        file.ReadAsArray(round((west - X) / GSD), round((Y - north) / GSD), *size)
        pixels += size[0] * size[1]
    return {"megapixels": round(pixels / 1e6, 2), "raw_read_s": round(time.perf_counter() - begin, 3)}


def growth(folder):
    """Engine seconds for one water zone that covers 10, 40 and 160 MP, with reading the same pixels beside it."""
    from shapely.geometry import box

    from rason.engine import counting
    from rason.engine.scene import Scene
    from rason.engine.zones import Zone

    rows = []
    for megapixels in (10, 40, 160):
        path = folder / f"{megapixels}.tif"
        n, step = big_scene(path, megapixels, sea=True)
        scene = Scene.open(str(path))
        side = n * step
        zones = [Zone("all", "water", box(X + 1, Y - side + 1, X + side - 1, Y - 1))]
        wanted, _ = counting.plan(zones, ["ship"])
        begin = time.perf_counter()
        visible = counting.check(scene, wanted)
        counting.count_scene(scene, wanted, visible, {})
        seconds = time.perf_counter() - begin
        begin = time.perf_counter()
        bounds = scene.bounds
        for top in range(n):
            scene.read((bounds[0], bounds[3] - (top + 1) * step, bounds[2], bounds[3] - top * step))
        rows.append({"megapixels": round((n * 512) ** 2 / 1e6, 1), "ships_s": round(seconds, 2),
                     "read_s": round(time.perf_counter() - begin, 2)})  # fmt: skip
        path.unlink()
    return rows


def container_zone(path, seconds=30.0):
    """One yard over a whole scene, stopped after so long: hectares a second, the longest wait for a stop, and peak memory.

    Prints JSON: for a process of its own, whose peak is then the detector's.
    """
    from shapely.geometry import box

    from rason.engine.detectors.containers import Containers
    from rason.engine.errors import Cancelled
    from rason.engine.scene import Scene
    from rason.engine.zones import Zone

    scene = Scene.open(str(path))
    zone = Zone("all", "yard", box(*scene.bounds).buffer(-20, join_style=2))
    scene.read((*scene.bounds[:2], scene.bounds[0] + 50, scene.bounds[1] + 50))  # its contrast and borders are measured once
    begin = last = time.perf_counter()
    used, waits, done = time.process_time(), [], 0.0

    def progress(fraction):
        nonlocal last, done
        now = time.perf_counter()
        waits.append(now - last)
        last, done = now, fraction
        if now - begin > seconds:
            raise Cancelled

    with contextlib.suppress(Cancelled):
        Containers().detect(scene, zone, progress)
    ha = done * zone.area_m2 / 1e4
    print(json.dumps({
        "zone_ha": round(zone.area_m2 / 1e4), "counted_ha": round(ha, 1), "ha_per_cpu_second": round(ha / (time.process_time() - used), 1),
        "longest_wait_s": round(max(waits), 2), "peak_mb": round(high_water_kb(os.getpid()) / 1024),
    }))  # fmt: skip


def alone(*arguments):
    """What this script prints when it runs in a process of its own."""
    done = subprocess.run([sys.executable, __file__, *map(str, arguments)], capture_output=True, check=True, text=True)
    return json.loads(done.stdout)


def tally_marks():
    """Seconds for 10,000 detections in 200 zones."""
    import numpy as np
    from shapely.geometry import box

    from rason.engine.detections import Detections
    from rason.engine.shipped import shipped
    from rason.engine.tallying import tally_marks as tallied
    from rason.engine.zones import Zone

    rng = np.random.default_rng(1)
    marks = Detections.make(rng.uniform(0, 2000, 10_000), rng.uniform(0, 1000, 10_000), 6, 2.4, 0, "container")
    zones = [
        Zone(str(i), "yard", box(100 * (i % 20), 100 * (i // 20), 100 * (i % 20) + 90, 100 * (i // 20) + 90))
        for i in range(200)
    ]
    begin = time.perf_counter()
    tallied(marks, zones, ["container"], {"container": shipped("container")}, basis="detected", visible={})
    return round(time.perf_counter() - begin, 3)


def machine():
    """The machine in a line."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ""
    )
    return f"{os.cpu_count()} x {model or platform.machine()}, Python {platform.python_version()}"


def main():
    """Measure everything and write the results."""
    load_rason()
    if sys.argv[1:2] == ["--containers"]:
        container_zone(sys.argv[2])
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene, zones = folder / "scene.tif", folder / "zones.gpkg"
        n, step = big_scene(scene, 100)
        write_zones(zones, n, step, 20)
        result = {
            "machine": machine(),
            "start_up": start_up(folder),
            "100_megapixels_20_zones": {**tally_process(folder, scene, zones), "windows": windows(scene, zones)},
            "containers_in_a_zone_of_100_megapixels": alone("--containers", scene),
            "tally_10000_detections_200_zones_s": tally_marks(),
            "growth": growth(folder),
        }
    target = ROOT / "bench" / "results" / "speed.json"
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
