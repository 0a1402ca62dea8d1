"""The simulator: light falls where it should, truth is what was drawn, seeds repeat."""

import csv
from datetime import datetime, timezone

import numpy as np
import pytest

from rason.engine.errors import Refusal
from rason.engine.simulate import canvas, demo, files, port, rail, render, ships
from rason.engine.simulate.layout import Area, Layout, Thing, as_detections, inside, rectangle
from rason.engine.simulate.light import shadow
from rason.engine.simulate.sensor import Sensor
from rason.engine.sun import sun_position

NOON = {"gsd_m": 0.5, "sun_azimuth_deg": 180.0, "sun_elevation_deg": 45.0, "seed": 1}
QUIET = Sensor(noise=0.0, haze=0.0)


@pytest.fixture(autouse=True)
def small_texture(monkeypatch):
    monkeypatch.setattr(canvas, "PERIOD", 256)  # quicker to make


def look(layout, bounds=(-20.0, -20.0, 20.0, 20.0), **changes):
    return render.render(layout, bounds, **{**NOON, **changes})


def white_container(azimuth=0.0, tiers=2):
    return port.container(0.0, 0.0, azimuth, port.FORTY_M, tiers, (0.55, 0.55, 0.55))


# edge rows


def test_empty_layout_is_ground_without_truth():
    seen = look(Layout())
    assert seen.data.dtype == np.uint8 and seen.data.shape == (3, 80, 80)
    assert len(seen.truth) == 0 and len(seen.truth_height_m) == 0
    assert seen.data.min() > 0  # 0 means no data


def test_bounds_grow_to_whole_pixels_and_one_pixel_works():
    assert look(Layout(), (0.0, 0.0, 10.1, 0.2)).data.shape == (3, 1, 21)
    assert look(Layout(), (0.0, 0.0, 10.0, 5.0)).bounds == (0.0, 0.0, 10.0, 5.0)


@pytest.mark.parametrize(("changes", "word"), [({"gsd_m": 0.0}, "pixel"), ({"sun_elevation_deg": -3.0}, "sun")])
def test_what_cannot_be_rendered_is_refused(changes, word):
    with pytest.raises(Refusal, match=word):
        look(Layout(), **changes)


def test_things_without_class_and_outside_are_not_in_the_truth():
    layout = Layout(things=(white_container(), ships.under_way(900.0, 0.0, 0.0, 80.0, np.random.default_rng(0))[1]))
    layout = layout.with_(
        things=[port.container(19.9, 0.0, 0.0, 6.06, 1, (0.1, 0.1, 0.1)), Thing("crane", 0, 0, 0, 9, 9, 9, (0, 0, 0))]
    )
    assert list(look(layout).truth.class_name) == ["container", "container"]
    assert list(look(layout, (-20.0, -20.0, 19.0, 20.0)).truth.note) == ["40 ft, 2 high"]


def test_as_scene_is_stretched_and_placed():
    seen = look(Layout(things=(white_container(),)), (-20.0, -10.0, 20.0, 20.0))
    scene = seen.as_scene()
    patch = scene.read(scene.bounds)
    assert scene.bounds == (-20.0, -10.0, 20.0, 20.0) and patch.valid.all()
    assert -0.2 < patch.data.min() < 0.1 and 0.9 < patch.data.max() < 1.3
    assert look(Layout(ground="roof"), sensor=Sensor(noise=0.0, gain=0.0)).as_scene().data.max() == 0.0  # all one value


# light


def brute_shadow(height, cell, azimuth, elevation):
    rows, columns = height.shape
    dark = np.zeros(height.shape, bool)
    east, north = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
    for row in range(rows):
        for column in range(columns):
            for distance in np.arange(1.0, 16.0, 0.25):
                r, c = int(round(row - north * distance)), int(round(column + east * distance))
                if not (0 <= r < rows and 0 <= c < columns):
                    break
                if height[r, c] > height[row, column] + distance * cell * np.tan(np.radians(elevation)) + 0.05:
                    dark[row, column] = True
                    break
    return dark


@pytest.mark.parametrize("azimuth", [0.0, 100.0, 213.0, 253.0])
def test_shadow_agrees_with_a_march_step_by_step(azimuth):
    from scipy.ndimage import binary_dilation, binary_erosion

    height = np.zeros((50, 50), np.float32)
    height[20:30, 22:26], height[12:14, 30:40] = 4.0, 2.0
    fast, slow = shadow(height, 0.5, azimuth, 35.0), brute_shadow(height, 0.5, azimuth, 35.0)
    assert slow.sum() > 80
    square = np.ones((3, 3))  # they differ by rounding to cells, along edges only
    assert not (fast & ~binary_dilation(slow, square)).any() and not (binary_erosion(slow, square) & ~fast).any()


def test_flat_ground_has_no_shadow():
    assert not shadow(np.full((5, 7), 3.0, np.float32), 0.5, 90.0, 10.0).any()


@pytest.mark.parametrize("azimuth", [90.0, 138.0, 180.0, 270.0])
@pytest.mark.parametrize("elevation", [30.0, 55.0])
def test_shadow_falls_away_from_the_sun_and_has_the_right_length(azimuth, elevation):
    seen = look(
        Layout(things=(white_container(azimuth + 90.0),), ground="roof"),
        sun_azimuth_deg=azimuth,
        sun_elevation_deg=elevation,
        sensor=QUIET,
    )
    grey = seen.data.mean(axis=0)
    reach = 2 * port.TIER_M / np.tan(np.radians(elevation))
    towards = np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])

    def at(metres):
        x, y = -towards * metres
        return grey[int((20 - y) / 0.5), int((x + 20) / 0.5)]

    lit, wall = at(-8.0), port.WIDTH_M / 2
    assert at(0.0) > 1.3 * lit
    assert at(wall + reach - 0.7) < 0.75 * lit
    assert at(wall + reach + 0.9) > 0.85 * lit


def test_sun_position():
    azimuth, elevation = sun_position(datetime(2023, 6, 21, 12, 2, tzinfo=timezone.utc), 0.0, 45.0)
    assert elevation == pytest.approx(90.0 - 45.0 + 23.44, abs=0.3) and azimuth == pytest.approx(180.0, abs=1.0)
    # the equation of time puts true noon 16.4 minutes before mean noon on 3 November
    assert sun_position(datetime(2023, 11, 3, 11, 43, 30, tzinfo=timezone.utc), 0.0, 45.0)[0] == pytest.approx(
        180.0, abs=0.5
    )
    assert (
        sun_position(datetime(2023, 10, 12, 0, 0, tzinfo=timezone.utc), 130.3, 42.2)[0] < 150.0
    )  # morning in Rajin: south-east


# sensor


def test_blur_keeps_brightness_and_has_the_published_mtf():
    fine = np.ones((1, 40, 44), np.float32)
    assert np.allclose(Sensor().pixels(fine, 2), 1.0, atol=1e-5)
    wave = np.arange(40 * 8)
    nyquist = (
        np.cos(np.pi * (wave + 0.5) / 8 - np.pi / 2)[None, None].repeat(64, axis=1).astype(np.float32)
    )  # one cycle in 2 pixels
    seen = Sensor().pixels(nyquist, 8)
    assert 0.10 < np.abs(seen).max() < 0.2


def test_haze_lifts_dark_and_noise_spreads():
    dark = np.full((3, 60, 60), 0.02, np.float32)
    rng = np.random.default_rng(0)
    clear = Sensor(haze=0.0, noise=0.0).digits(dark, rng)
    assert Sensor(haze=0.3, noise=0.0).digits(dark, rng).min() > clear.max()
    assert clear.std(axis=(1, 2)).max() == 0.0 and Sensor(noise=0.05).digits(dark, rng).std() > 2.0


# seeds and tiles


def test_same_seed_same_scene_and_ground_outlives_noise():
    layout = Layout(things=(white_container(),))
    assert np.array_equal(look(layout).data, look(layout).data)
    other = look(layout, seed=2, ground_seed=1).data.astype(int)
    assert not np.array_equal(look(layout).data, other)
    assert (
        np.abs(look(layout).data - other).mean() < np.abs(look(layout).data - look(layout, seed=2).data.astype(int)).mean()
    )


def test_tiles_do_not_show(monkeypatch):
    layout = Layout(
        things=(white_container(30.0, tiers=3), port.crane(8.0, 8.0, 45.0)),
        tracks=(np.array([[-20.0, -9.0], [20.0, -3.0]]),),
    )
    whole = look(layout, sensor=QUIET, sun_azimuth_deg=160.0, sun_elevation_deg=25.0).data
    monkeypatch.setattr(render, "TILE_CELLS", 51)
    parts = look(layout, sensor=QUIET, sun_azimuth_deg=160.0, sun_elevation_deg=25.0).data
    assert (np.abs(whole.astype(int) - parts) > 2).mean() < 0.002


# layouts


def test_stack_block_full_and_empty():
    rng = np.random.default_rng(3)
    assert port.stack_block(np.zeros(2), 30.0, 3, 6, 0.0, rng) == []
    full = port.stack_block(np.zeros(2), 0.0, 1, 6, 1.0, rng)
    across = np.array(
        sorted({round(thing.x, 1) for thing in full if abs(thing.y) < 4 and thing.y >= 0 or thing.length_m > 9})
    )
    assert len(across) == 6
    assert np.all((np.diff(across) > port.WIDTH_M + 0.05) & (np.diff(across) < port.WIDTH_M + 0.6))


def test_pier_keeps_its_containers_inside_its_zone():
    ring = rectangle(np.array([100.0, 50.0]), 300.0, 110.0, 143.0)
    pier = port.pier("north", ring, 143.0, np.random.default_rng(0), fill=0.7)
    (zone,) = pier.zones
    truth = as_detections(pier.counted())
    boxes = truth.select(truth.class_name == "container")
    assert len(boxes) > 50
    corners = boxes.corners().reshape(-1, 2)
    assert inside(ring, corners[:, 0], corners[:, 1]).all()
    from shapely.geometry import Polygon

    assert all(zone.geometry.contains(Polygon(corners)) for corners in boxes.corners())
    assert zone.zone_id == "yard-north" and port.pier("x", ring / 30, 143.0, np.random.default_rng(0), fill=1.0).zones == ()


def test_train_is_coupled_and_ends_with_the_track():
    track = np.array([[0.0, 0.0], [60.0, 0.0], [120.0, 30.0]])
    things = rail.train(track, 5.0, ["gondola"] * 30, np.random.default_rng(0))
    assert len(things) == int((60.0 + np.hypot(60, 30) - 5.0) / 13.92)
    straight = [thing for thing in things if thing.x < 50]
    assert np.allclose(np.diff([thing.x for thing in straight]), 13.92) and straight[0].x == pytest.approx(5.0 + 6.96)
    assert straight[0].azimuth_deg == pytest.approx(90.0) and things[-1].azimuth_deg == pytest.approx(
        90.0 - np.degrees(np.arctan(0.5))
    )
    assert rail.train(track, 5.0, [], np.random.default_rng(0)) == []


def test_station_holds_what_was_asked():
    occupied = (0, 3, 30, 1)
    yard = rail.station(np.array([10.0, 20.0]), 95.0, np.random.default_rng(1), occupied=occupied)
    truth = as_detections(yard.counted())
    cars = truth.select(truth.class_name == "freight_car")
    for zone, wanted in zip(yard.zones, occupied):
        from shapely.geometry import Point

        assert sum(zone.geometry.distance(Point(x, y)) < 0.5 for x, y in zip(cars.x, cars.y)) == wanted
    assert "locomotive" in truth.class_name


def test_ships_lie_in_their_berth_beside_the_quay():
    start, end = np.array([0.0, 0.0]), np.array([0.0, 300.0])  # water to the west
    moored = ships.moored(start, end, (120.0, 100.0, 90.0), np.random.default_rng(0))
    assert len(moored) == 2  # the third does not fit
    berth = ships.berth("b", start, end)
    for vessel in moored:
        assert vessel.x + vessel.width_m / 2 == pytest.approx(-ships.FENDER_M)
        from shapely.geometry import Point

        assert berth.geometry.contains(Point(vessel.x, vessel.y))


@pytest.mark.parametrize("kind", sorted(render.DRAW))
def test_every_kind_can_be_seen(kind):
    ground = (Area(rectangle(np.zeros(2), 200.0, 200.0, 0.0), "water", ships.WATER_LEVEL_M),)
    length, width, height = rail.WAGONS.get(kind, (30.0, 8.0, 5.0))
    thing = Thing(kind, 0.0, 0.0, 60.0, length, width, height, (0.3, 0.1, 0.1), "thing")
    bare, seen = look(Layout(ground), sensor=QUIET), look(Layout(ground, things=(thing,)), sensor=QUIET)
    assert (np.abs(seen.data.astype(int) - bare.data).max(axis=0) > 5).sum() > 40


# demo


def test_demo_writes_scenes_zones_and_truth(tmp_path, monkeypatch, root):
    from osgeo import gdal, ogr

    monkeypatch.setattr(demo, "GSD_M", 2.0)
    monkeypatch.setattr(render, "COARSEST_CELL_M", 1.0)
    made = demo.write(tmp_path, seed=7)
    assert [scene.place for scene in made] == ["rajin", "rajin", "tumangan", "tumangan"]
    for scene in made:
        file = gdal.Open(scene.path)
        assert file.GetMetadataItem("ACQUISITIONDATETIME", "IMAGERY") == scene.epoch
        assert "SYNTHETIC" in file.GetMetadataItem("TIFFTAG_IMAGEDESCRIPTION") and "32652" in file.GetProjection()
    with open(tmp_path / "truth.csv", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    epochs = sorted({row["epoch"] for row in rows})
    cars = [sum(int(row["truth"]) for row in rows if row["class"] == "freight_car" and row["epoch"] == e) for e in epochs]
    engines = [  # the counting rule takes in the locomotives that lead long trains
        sum(thing.class_name == "locomotive" for thing in demo.tumangan(story, np.random.default_rng([7, 1, k]))[0].things)
        for k, story in enumerate(demo.STORIES)
    ]
    assert cars == [sum(story.cars) + more for story, more in zip(demo.STORIES, engines)] and sum(engines)
    assert made[0].truth["yard-middle", "container"] == 0 < made[1].truth["yard-middle", "container"]
    zones = ogr.Open(str(tmp_path / "zones.gpkg"))
    assert zones.GetLayer("rajin").GetFeatureCount() == 10 and zones.GetLayer("tumangan").GetFeatureCount() == 7
    assert demo.write(tmp_path, seed=7)[0].truth == made[0].truth  # again, onto its own files


def test_every_moored_ship_of_the_demo_finds_a_quay():
    for story in demo.STORIES:
        layout, bounds = demo.rajin(story, np.random.default_rng(0))
        wanted = [length for berth in story.moored_m for length in berth] + list(story.under_way_m)
        truth = as_detections(layout.counted(bounds))
        assert sorted(truth.length_m[truth.class_name == "ship"]) == sorted(wanted)


def test_sides_have_the_water_to_their_left():
    ring = rectangle(np.zeros(2), 300.0, 100.0, 0.0)
    for order in (ring, ring[::-1]):
        found = demo.sides(order, 0.0)
        assert len(found) == 2
        for start, end in found:
            ahead = end - start
            left = np.array([-ahead[1], ahead[0]])
            assert np.dot(left, (start + end) / 2) > 0


def test_missing_reference_is_refused(tmp_path):
    with pytest.raises(Refusal, match="piers.geojson"):
        demo.write(tmp_path / "out", reference=tmp_path)


def test_unwritable_place_is_refused(tmp_path):
    seen = look(Layout(), (0.0, 0.0, 2.0, 2.0))
    with pytest.raises(Refusal, match="cannot be written"):
        files.write_geotiff(seen, tmp_path / "no" / "scene.tif", datetime(2023, 1, 1, tzinfo=timezone.utc), 32652)
    with pytest.raises(Refusal, match="cannot be written"):
        files.write_geopackage({"a": []}, tmp_path / "no" / "a.gpkg", 32652)
