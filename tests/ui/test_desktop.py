"""The plugin in a real QGIS window, with a fresh profile, on a virtual display. What happens there is in session.py."""

import shutil
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import LineString

from rason.bench.desktop import run_in_qgis

ACTIONS = {"layers", "tally", "compare", "help"}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    from rason.engine.simulate import files, rail, render
    from rason.engine.simulate.layout import Layout

    assert shutil.which("xvfb-run"), "xvfb-run is missing: make setup installs it"
    folder = tmp_path_factory.mktemp("desktop")
    line = np.array([[520010.0, 4680000 - 30], [520110.0, 4680000 - 30]])
    train = rail.train(line, 20.0, ["gondola"] * 4, np.random.default_rng(1))
    bounds = (520000.0, 4680000.0 - 60, 520120.0, 4680000.0)
    scene = render.render(
        Layout((), (line,), tuple(train)), bounds, gsd_m=0.3, sun_azimuth_deg=150, sun_elevation_deg=45, seed=1
    )
    files.write_geotiff(scene, folder / "scene.tif", datetime(2023, 7, 18, 2, 5, tzinfo=timezone.utc), 32652)
    files.write_geopackage({"zones": [(LineString(line), {"zone_id": "T1", "kind": "track"})]}, folder / "zones.gpkg", 32652)
    answer = run_in_qgis(Path(__file__).with_name("session.py"), str(folder))
    assert "error" not in answer, answer["error"]
    return answer


def test_loads_in_150_ms(seen):
    assert seen["reload"]["seconds"] < 0.15  # of processor time, compiled; numpy is QGIS's own start


def test_menu_stands_before_help(seen):
    assert seen["menus"][-1] == "&Help"
    assert seen["menus"].count("&Rason") == 1
    assert seen["menus"].index("&Rason") > seen["menus"].index("&Raster")


def test_toolbar_and_menu_hold_the_same_actions(seen):
    assert seen["bar_actions"] == ["Add layers", "Tally a scene…", "Compare epochs…", "Help"]
    assert [text for text in seen["menu_actions"] if text] == seen["bar_actions"]


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_action_explains_itself(seen, name):
    action = seen["actions"][name]
    assert action["icon"]
    assert action["status"] and action["status"] in action["tip"]
    assert action["text"] in action["tip"] and action["shortcut"] in action["tip"]


def test_shortcuts_are_our_own(seen):
    assert len({action["shortcut"] for action in seen["actions"].values()}) == len(ACTIONS)
    assert seen["clashes"] == []


def test_unloads_without_residue_twice(seen):
    first, (gone, back, gone_again, back_again) = seen["reload"]["first"], seen["reload"]["seen"]
    assert first["toolbars"] == ["RasonToolbar"] and first["provider"]
    for state in (gone, gone_again):
        assert not any(state[key] for key in ("toolbars", "menus", "menu_bar", "actions", "provider", "modules"))
    assert back == back_again == first
    assert gone == gone_again
    assert seen["reload"]["old_toolbar_deleted"]


@pytest.mark.parametrize("name, crs", [("mercator", "EPSG:3857"), ("degrees", "EPSG:4326"), ("utm", "EPSG:32652")])
def test_add_layers_makes_one_group_and_zooms_to_it(seen, name, crs):
    result = seen[name]
    assert result["came"] and result["crs"] == crs
    assert result["files"] == ["rason_layers.gpkg"]
    assert result["groups"] == 1
    assert result["layers"] == result["layers_after_second"] == result["nodes"] - 1 > 10
    assert result["in_group"] == result["nodes"] - 2  # all but the one before and the one after
    assert result["later_is_in"] == ""  # the root
    assert result["styled"] == [True]
    assert result["centre"] == pytest.approx([130.5, 42.4], abs=0.4)


def test_reference_layers_go_to_the_profile_without_a_writable_project_folder(seen):
    assert seen["read_only"] == [True, True]


def test_refusal_is_one_line_in_the_message_bar(seen):
    assert seen["refused"]["groups"] == 0
    assert seen["refused"]["level"] == 1  # a warning
    assert "rason_layers.gpkg" in seen["refused"]["said"] and "\n" not in seen["refused"]["said"]


def test_unloading_stops_what_runs_and_leaves_no_half_file(seen):
    state = seen["while_running"]
    assert (state["active"], state["left"], state["layers"]) == (1, 0, 0)
    assert state["files"] == ["project.qgz"]


def test_tally_dialog_opens_with_scene_and_zones(seen):
    dialogs = seen["dialogs"]
    assert dialogs["tally_visible"]
    assert dialogs["tally"]["INPUT"] in dialogs["raster"]
    assert dialogs["tally"]["ZONES"] in dialogs["zones"]


def test_tally_dialog_runs_and_names_its_layers_by_the_scene(seen):
    run = seen["run"]
    assert run["done"]
    assert {"Tally of scene.tif", "Detections in scene.tif"} <= set(run["layers"])
    assert run["report"]


def test_detections_opened_by_hand_follow_the_temporal_controller(seen):
    assert seen["run"]["follows_time"]


def test_compare_dialog_opens_and_leaves_nothing_when_closed(seen):
    assert seen["dialogs"]["compare_visible"]
    assert (seen["dialogs"]["open"], seen["dialogs"]["open_after_close"]) == (1, 0)
