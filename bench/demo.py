"""The demo: count and compare a labelled synthetic pair of Rajin and Tumangan, and show it.

``python3 bench/demo.py [folder]`` writes synthetic scenes of two epochs into the folder (default: demo), runs
``rason:createlayers``, ``rason:tallyscene`` and ``rason:compareepochs`` on them through qgis_process in a profile of its own,
prints tally and comparison beside the truth, and opens the result in QGIS, or saves demo/map.png where there is no display.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from checkout import ROOT, load_rason
from osgeo import ogr

DEFAULT = ROOT / "demo"
OBJECTS = "objects"  # the unit of counts; other rows are lengths, areas and shares
CLASSES = {"freight_car": "freight cars", "tank_car": "tank cars", "container": "containers", "ship": "ships"}
SETTINGS = "[PythonPlugins]\nrason=true\n"
ogr.UseExceptions()


class Qgis:
    """QGIS with this checkout as the plugin ``rason``, in a profile of its own that lives in ``folder``."""

    def __init__(self, folder: Path):
        plugins, profile = folder / "plugins", folder / "profile"
        settings = profile / "profiles" / "default" / "QGIS" / "QGIS3.ini"
        settings.parent.mkdir(parents=True)
        settings.write_text(SETTINGS)
        plugins.mkdir()
        (plugins / "rason").symlink_to(ROOT, target_is_directory=True)
        self.environment = dict(os.environ, QGIS_CUSTOM_CONFIG_PATH=str(profile), QGIS_PLUGINPATH=str(plugins))
        # /usr/bin/qgis_process of Debian 12 is broken as shipped; elsewhere the wrapper is right
        unwrapped = Path("/usr/bin/qgis_process.bin")
        self.process = os.environ.get("QGIS_PROCESS") or (str(unwrapped) if unwrapped.exists() else "qgis_process")

    def _without_screen(self, *command: object) -> str:
        """Run a command; returns what it said, and ends the demo with its last words where it fails."""
        environment = dict(self.environment, QT_QPA_PLATFORM="offscreen", OMP_NUM_THREADS="1", LC_ALL="C.UTF-8")
        ended = subprocess.run([str(word) for word in command], env=environment, text=True, check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        if ended.returncode:
            sys.exit(f"{' '.join(map(str, command[:3]))} failed:\n{ended.stdout[-3000:]}")
        return ended.stdout

    def run(self, algorithm: str, about: str, **parameters: object) -> dict[str, str]:
        """Run an algorithm through qgis_process; returns its outputs as text."""
        started = time.monotonic()
        said = self._without_screen(
            self.process, "run", algorithm, *(f"--{key}={value}" for key, value in parameters.items())
        )
        print(f"  {algorithm:22} {time.monotonic() - started:5.1f} s  {about}", flush=True)
        return dict(re.findall(r"^(\w+):\t(.*)$", said.split("Results")[-1], re.MULTILINE))

    def draw(self, plan: dict) -> None:
        """Make the project and the picture that the plan asks of bench/demo_map.py."""
        self._without_screen("/usr/bin/python3", ROOT / "bench" / "demo_map.py", json.dumps(plan))

    def open(self, project: Path) -> bool:
        """Open a project in the desktop, where there is a display and somebody to look at it."""
        has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if not has_display or os.environ.get("CI") or not shutil.which("qgis"):
            return False
        subprocess.Popen(["qgis", "--nologo", str(project)], env=self.environment, start_new_session=True,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        return True


def engine_demo():
    """The engine's demo module, imported from this checkout whatever its folder is called."""
    load_rason()
    from rason.engine.simulate import demo

    return demo


def table_in(file: Path, name: str) -> str:
    """How QGIS names a table of a GeoPackage as a destination."""
    geometry = "" if name in ("tally", "comparison") else " (geom)"
    return f"ogr:dbname='{file}' table=\"{name}\"{geometry}"


def asked_for(scene) -> list[str]:
    """The classes to count in a scene; tank cars come with the freight cars, of which they are a part."""
    return sorted({name for _, name in scene.truth} - {"tank_car"})


def tally(qgis: Qgis, scene, folder: Path) -> tuple[Path, dict[str, str]]:
    """Count one scene: the GeoPackage with its detections and tally, and the totals. The report lies beside it."""
    stem = Path(scene.path).stem
    results = folder / f"{stem}_tally.gpkg"
    classes = asked_for(scene)
    totals = qgis.run("rason:tallyscene", stem, INPUT=scene.path, ZONES=scene.zones, CLASSES=",".join(classes),
                      DETECTIONS=table_in(results, "detections"), TALLY=table_in(results, "tally"),
                      REPORT=folder / f"{stem}_report.html")  # fmt: skip
    return results, totals


def compare(qgis: Qgis, place: str, first: Path, second: Path, folder: Path) -> Path:
    """Compare two epochs of a place: the GeoPackage with comparison and changes."""
    results = folder / f"{place}_comparison.gpkg"
    qgis.run("rason:compareepochs", place, TALLY_1=f"{first}|layername=tally", TALLY_2=f"{second}|layername=tally",
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


def show_totals(scenes, totals: list[dict[str, str]]) -> None:
    """The totals of each scene, as rason:tallyscene gives them, with the truth beside them."""
    body = []
    for scene, outputs in zip(scenes, totals):
        for class_name in asked_for(scene):
            found, low, high = (outputs.get(f"TOTAL_{class_name.upper()}{end}", "–") for end in ("", "_LOW", "_HIGH"))
            truth = sum(count for (_, name), count in scene.truth.items() if name == class_name)
            body.append((scene.place, scene.epoch[:10], CLASSES[class_name], f"{found} ({low} to {high})", str(truth)))
    show("TOTALS (synthetic scenes)", ("place", "epoch", "class", "about (90 % interval)", "truth"), body)


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


def empty(folder: Path) -> None:
    """Make room for the demo. Only its own default folder is cleared; another one must be new."""
    if folder == DEFAULT and folder.exists():
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty: name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)


def main(folder: Path) -> None:
    """Run the whole demo into a folder."""
    started = time.monotonic()
    empty(folder)
    print("Drawing the SYNTHETIC scenes: Rajin and Tumangan at two epochs. What stands in them is invented …", flush=True)
    scenes = engine_demo().write(folder)
    print(f"  four scenes            {time.monotonic() - started:5.1f} s\nRunning Rason through qgis_process …", flush=True)
    qgis = Qgis(folder / "qgis")
    reference = folder / "rason.gpkg"
    with ThreadPoolExecutor(2) as two:
        layers = two.submit(qgis.run, "rason:createlayers", reference.name, OUTPUT=reference)
        tallied = list(two.map(lambda scene: tally(qgis, scene, folder), scenes))
        files: dict[str, list[Path]] = {}
        for scene, (file, _) in zip(scenes, tallied):
            files.setdefault(scene.place, []).append(file)
        compared = dict(zip(files, two.map(lambda item: compare(qgis, item[0], *item[1], folder), files.items())))
        layers.result()
    show_tallies(scenes, [file for file, _ in tallied])
    show_totals(scenes, [totals for _, totals in tallied])
    show_comparisons(scenes, compared)
    print("\nEverything counted here is SYNTHETIC: it shows how Rason works, not how well it counts real imagery.")
    print("How it does on real imagery stands in docs/ACCURACY.md.\n")
    places = [{"name": place.capitalize(), "zones": next(scene.zones for scene in scenes if scene.place == place),
               "scenes": [scene.path for scene in scenes if scene.place == place], "tallies": list(map(str, found)),
               "comparison": str(compared[place])} for place, found in files.items()]  # fmt: skip
    project, picture = folder / "demo.qgz", folder / "map.png"
    qgis.draw({"project": str(project), "picture": str(picture), "reference": str(reference), "places": places})
    print(f"Everything is in {folder}: scenes, truth, GeoPackages, reports (.html), project and map.")
    print(f"Map: {picture}\nTotal: {time.monotonic() - started:.0f} s")
    print(f"Opening {project} in QGIS …" if qgis.open(project) else f"Open the result with: qgis {project}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else DEFAULT)
