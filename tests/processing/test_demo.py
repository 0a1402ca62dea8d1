"""The path of ``make demo``, from scenes to the project and its map, on two small scenes of one place."""

import importlib.util
import re
import sys
import zipfile
from types import SimpleNamespace


def test_the_demo_runs_to_its_end(root, place, compiled, tmp_path, monkeypatch, capsys):
    from rason.engine.simulate.demo import DemoScene

    monkeypatch.setattr(sys, "path", [*sys.path, str(root / "bench")])
    monkeypatch.setenv("CI", "1")  # nobody is there to look at a window
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(compiled))  # each of the six processes would compile the plugin anew
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    spec = importlib.util.spec_from_file_location("demo_of_bench", root / "bench" / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)

    def scene(name, day):
        here = place.truth[name]
        cars = {(zone, "freight_car"): here[zone] for zone in ("loaded", "empty")}
        tanks = {(zone, "tank_car"): 0 for zone in ("loaded", "empty")}
        truth = {("yard", "container"): here["yard"], **cars, **tanks}
        return DemoScene("rajin", f"{day}T02:05:00Z", getattr(place, name), place.zones, truth)

    small = [scene("scene", "2023-07-18"), scene("other", "2023-10-12")]
    monkeypatch.setattr(demo, "engine_demo", lambda: SimpleNamespace(write=lambda folder: small))
    folder = tmp_path / "demo"
    demo.main(folder)

    said = capsys.readouterr().out
    assert all(title in said for title in ("TALLY (synthetic", "TOTALS (synthetic", "COMPARISON (synthetic"))
    assert re.search(r"loaded +freight cars +\d+ → \d+ .* 6 → 12\n", said), said
    assert (folder / "map.png").stat().st_size > 10_000
    assert any(name.endswith(".qgs") for name in zipfile.ZipFile(folder / "demo.qgz").namelist())
    assert {path.name for path in folder.glob("*.html")} == {
        "scene_report.html",
        "other_report.html",
        "rajin_comparison.html",
    }
