"""The demo: count and compare a labelled synthetic pair of Rajin and Tumangan, and show it.

``python3 bench/demo.py [folder]`` writes synthetic scenes of two epochs into the folder (default: demo), runs
``rason:createlayers``, ``rason:tallyscene`` and ``rason:compareepochs`` on them through qgis_process in a profile of its own,
prints tally and comparison beside the truth, and opens the result in QGIS, or saves demo/map.png where there is no display.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from osgeo import ogr

ROOT = Path(__file__).resolve().parent.parent
OBJECTS = "objects"  # the unit of counts; other rows are lengths, areas and shares
CLASSES = {"freight_car": "freight cars", "container": "containers", "ship": "ships"}
SETTINGS = "[PythonPlugins]\nrason=true\n"


class Process:
    """qgis_process with this checkout as the plugin ``rason``, in a profile that nobody else uses."""

    def __init__(self, folder: Path):
        plugins, profile = folder / "plugins", folder / "profile"
        settings = profile / "profiles" / "default" / "QGIS" / "QGIS3.ini"
        settings.parent.mkdir(parents=True)
        settings.write_text(SETTINGS)
        plugins.mkdir()
        (plugins / "rason").symlink_to(ROOT, target_is_directory=True)
        self.environment = dict(os.environ, QGIS_CUSTOM_CONFIG_PATH=str(profile), QGIS_PLUGINPATH=str(plugins),
                                QT_QPA_PLATFORM="offscreen", OMP_NUM_THREADS="1", LC_ALL="C.UTF-8")  # fmt: skip
        # /usr/bin/qgis_process of Debian 12 is broken as shipped; elsewhere the wrapper is right
        unwrapped = Path("/usr/bin/qgis_process.bin")
        self.binary = os.environ.get("QGIS_PROCESS") or (str(unwrapped) if unwrapped.exists() else "qgis_process")

    def run(self, algorithm: str, **parameters: object) -> None:
        """Run an algorithm; what it said is shown where it fails."""
        started = time.monotonic()
        arguments = [f"--{key}={value}" for key, value in parameters.items()]
        ended = subprocess.run([self.binary, "run", algorithm, *arguments], env=self.environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # fmt: skip
        if ended.returncode:
            sys.exit(f"{algorithm} failed:\n{ended.stdout[-3000:]}")
        print(
            f"  {algorithm:22} {time.monotonic() - started:5.1f} s  {Path(str(next(iter(parameters.values())))).name}",
            flush=True,
        )


def engine_demo():
    """The engine's demo module, imported from this checkout whatever its folder is called."""
    spec = importlib.util.spec_from_file_location("rason", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    sys.modules["rason"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["rason"])
    from rason.engine.simulate import demo

    return demo


def table_in(file: Path, name: str) -> str:
    """How QGIS names a table of a GeoPackage as a destination."""
    geometry = "" if name in ("tally", "comparison") else " (geom)"
    return f"ogr:dbname='{file}' table=\"{name}\"{geometry}"


def tally(process: Process, scene, folder: Path) -> Path:
    """Count one scene; its detections and tally go into one GeoPackage, the report beside it."""
    stem = Path(scene.path).stem
    results = folder / f"{stem}_tally.gpkg"
    classes = sorted({class_name for _, class_name in scene.truth})
    process.run("rason:tallyscene", INPUT=scene.path, ZONES=scene.zones, CLASSES=",".join(classes),
                DETECTIONS=table_in(results, "detections"), TALLY=table_in(results, "tally"),
                REPORT=folder / f"{stem}_report.html")  # fmt: skip
    return results


def compare(process: Process, place: str, first: Path, second: Path, folder: Path) -> Path:
    """Compare two epochs of a place."""
    results = folder / f"{place}_comparison.gpkg"
    process.run("rason:compareepochs", TALLY_1=f"{first}|layername=tally", TALLY_2=f"{second}|layername=tally",
                DETECTIONS_1=f"{first}|layername=detections", DETECTIONS_2=f"{second}|layername=detections",
                COMPARISON=table_in(results, "comparison"), CHANGES=table_in(results, "changes"),
                REPORT=folder / f"{place}_comparison.html")  # fmt: skip
    return results


def rows(file: Path, table: str) -> list[dict]:
    """The rows of a table that hold counts."""
    source = ogr.Open(str(file))
    return [row for row in (feature.items() for feature in source.GetLayerByName(table)) if row["unit"] == OBJECTS]


def count(value: float | None) -> str:
    """A whole number, or a dash where nothing was observed."""
    return "–" if value is None else f"{value:.0f}"


def interval(row: dict) -> str:
    """Estimate and interval of a tally's row."""
    return (
        "not observed"
        if row["estimate"] is None
        else f"{count(row['estimate'])} ({count(row['low'])} to {count(row['high'])})"
    )


def show(title: str, head: tuple[str, ...], body: list[tuple[str, ...]]) -> None:
    """Print a table with aligned columns."""
    widths = [max(len(line[k]) for line in [head, *body]) for k in range(len(head))]
    print(f"\n{title}\n")
    for line in (head, tuple("-" * width for width in widths), *body):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def show_tallies(scenes, tallies: list[Path]) -> None:
    """All tallies with the truth beside them."""
    body = []
    for scene, file in zip(scenes, tallies):
        for row in rows(file, "tally"):
            truth = scene.truth.get((row["zone_id"], row["class"]))
            inside = truth is not None and row["estimate"] is not None and round(row["low"]) <= truth <= round(row["high"])
            body.append((scene.epoch[:10], row["zone_id"], CLASSES[row["class"]], count(row["detected"]), interval(row),
                         count(truth), "yes" if inside else "no"))  # fmt: skip
    inside = sum(line[-1] == "yes" for line in body)
    show("TALLY (synthetic scenes; truth is what was drawn)",
         ("epoch", "zone", "class", "detected", "about (90 % interval)", "truth", "truth inside"), body)  # fmt: skip
    print(f"\n  {inside} of {len(body)} intervals hold the truth.")


def show_comparisons(scenes, comparisons: dict[str, Path]) -> None:
    """All comparisons with the true difference beside them."""
    body = []
    for place, file in comparisons.items():
        first, second = (scene.truth for scene in scenes if scene.place == place)
        for row in rows(file, "comparison"):
            key = row["zone_id"], row["class"]
            change = (
                "–" if row["difference"] is None else f"{row['difference']:+.0f} ({row['low']:+.0f} to {row['high']:+.0f})"
            )
            body.append((row["zone_id"], CLASSES[row["class"]], f"{count(row['estimate_1'])} → {count(row['estimate_2'])}", change,
                         row["verdict"], f"{first[key]} → {second[key]}"))  # fmt: skip
    show("COMPARISON (synthetic scenes)", ("zone", "class", "estimates", "difference (interval)", "verdict", "truth"), body)


def open_or_draw(folder: Path, places: list[dict]) -> None:
    """Make a project of the results and a picture of it; open the project where there is a display."""
    plan = {"project": str(folder / "demo.qgz"), "picture": str(folder / "map.png"), "reference": str(folder / "rason.gpkg")}
    environment = dict(os.environ, QT_QPA_PLATFORM="offscreen", PYTHONDONTWRITEBYTECODE="1")
    drawn = subprocess.run(
        ["/usr/bin/python3", ROOT / "bench" / "demo_map.py", json.dumps({**plan, "places": places})],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if drawn.returncode:
        sys.exit(f"The map could not be drawn:\n{drawn.stdout[-3000:]}")
    print(f"\nProject: {plan['project']}\nMap:     {plan['picture']}")
    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if has_display and not os.environ.get("CI") and shutil.which("qgis"):
        subprocess.Popen(
            ["qgis", plan["project"]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        print("Opening it in QGIS …")


def main(folder: Path) -> None:
    """Run the whole demo into a folder."""
    started = time.monotonic()
    if folder.exists():
        shutil.rmtree(folder)
    print("Drawing the SYNTHETIC scenes: Rajin and Tumangan at two epochs. What stands in them is invented …", flush=True)
    scenes = engine_demo().write(folder)
    print(f"  four scenes            {time.monotonic() - started:5.1f} s\nRunning Rason through qgis_process …", flush=True)
    with tempfile.TemporaryDirectory() as private, ThreadPoolExecutor(2) as two:
        process = Process(Path(private))
        layers = two.submit(process.run, "rason:createlayers", OUTPUT=folder / "rason.gpkg")
        tallies = list(two.map(lambda scene: tally(process, scene, folder), scenes))
        places = {scene.place: [] for scene in scenes}
        for scene, file in zip(scenes, tallies):
            places[scene.place].append(file)
        comparisons = dict(zip(places, two.map(lambda item: compare(process, item[0], *item[1], folder), places.items())))
        layers.result()
    show_tallies(scenes, tallies)
    show_comparisons(scenes, comparisons)
    print("\nEverything counted here is SYNTHETIC: it shows how Rason works, not how well it counts real imagery.")
    print("How it does on real imagery stands in docs/ACCURACY.md.")
    open_or_draw(
        folder,
        [
            {
                "name": place.capitalize(),
                "scenes": [scene.path for scene in scenes if scene.place == place],
                "zones": next(scene.zones for scene in scenes if scene.place == place),
                "tallies": [str(file) for file in files],
                "comparison": str(comparisons[place]),
            }
            for place, files in places.items()
        ],
    )
    print(f"Scenes, truth, GeoPackages and reports: {folder}\nTotal: {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "demo").resolve())
