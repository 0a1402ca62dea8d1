"""Ships in synthetic water, and a few labelled real ones."""

import numpy as np
import pytest
from shapely.geometry import LineString, Polygon, box

from rason.engine.detections import Detections
from rason.engine.detectors.ships import Ships, least_length_m
from rason.engine.errors import Cancelled, Refusal, TooCoarse
from rason.engine.scene import ArrayScene, Scene
from rason.engine.zones import Zone

SEA = np.array([0.10, 0.18, 0.20])
HULL = np.array([0.55, 0.35, 0.30])


def picture(rows, columns, gsd_m, ships=(), noise=0.01, seed=3):
    """Sea with hulls (x, y, length, beam, azimuth in metres and degrees; y up from the lower edge)."""
    rng = np.random.default_rng(seed)
    data = SEA[:, None, None] + rng.normal(0, noise, (3, rows, columns))
    y, x = ((rows - np.arange(rows) - 0.5) * gsd_m)[:, None], ((np.arange(columns) + 0.5) * gsd_m)[None]
    for cx, cy, length, beam, azimuth in ships:
        east, north = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
        along, across = (x - cx) * east + (y - cy) * north, (x - cx) * north - (y - cy) * east
        bow = np.clip((length / 2 - along) / beam, 0, 1)  # the last beam's length tapers
        data[:, (np.abs(along) <= length / 2) & (np.abs(across) <= beam / 2 * np.sqrt(bow))] = HULL[:, None]
    return ArrayScene(data.astype(np.float32), gsd_m, y0=rows * gsd_m)


def whole(scene, kind="water"):
    return Zone("z", kind, box(*scene.bounds))


def test_line_zone_is_refused():
    with pytest.raises(Refusal, match="line"):
        Ships().detect(picture(50, 50, 3.0), Zone("t", "track", LineString([(0, 0), (9, 9)])))


def test_too_coarse_is_refused():
    with pytest.raises(TooCoarse, match="ship"):
        Ships().detect(picture(50, 50, 20.0), whole(picture(50, 50, 20.0)))


@pytest.mark.parametrize("kind", ["water", "berth", "area"])
def test_nothing_observed_or_outside_gives_nothing(kind):
    scene = ArrayScene(np.zeros((3, 60, 60), np.float32), 3.0, y0=180.0, valid=np.zeros((60, 60), bool))
    found = Ships().detect(scene, whole(scene, kind))
    assert len(found.detections) == 0 and found.measures == {"m": 0.0} and "no water" in found.warnings[0]
    far = Zone("z", kind, box(9000, 9000, 9100, 9100))
    for gsd_m in (0.6, 3.0):
        assert len(Ships().detect(picture(60, 60, gsd_m), far).detections) == 0


@pytest.mark.parametrize("kind", ["water", "berth", "area"])
@pytest.mark.parametrize("side", [1, 3, 20])
@pytest.mark.parametrize("gsd_m", [0.3, 0.5, 3.0, 10.0])
def test_tiny_zones_are_no_trouble(kind, side, gsd_m):
    scene = picture(side, side, gsd_m)
    assert len(Ships().detect(scene, whole(scene, kind)).detections) == 0


def test_blown_up_pixels_are_averaged_back():
    coarse = picture(300, 300, 3.0, [(450, 400, 180, 30, 30)])
    fine = ArrayScene(coarse.data.repeat(4, 1).repeat(4, 2), 0.75, y0=900.0, effective_gsd=3.0)
    ships = Ships().detect(fine, whole(fine)).detections
    assert len(ships) == 1 and ships.length_m[0] == pytest.approx(180, abs=15)


@pytest.mark.parametrize("gsd_m,kind", [(0.6, "water"), (3.0, "water"), (3.0, "area"), (10.0, "water")])
def test_empty_sea_is_empty(gsd_m, kind):
    scene = picture(300, 300, gsd_m)
    found = Ships().detect(scene, whole(scene, kind))
    assert len(found.detections) == 0 and found.counted and "shorter than" in found.warnings[0]


@pytest.mark.parametrize("kind", ["water", "area"])
@pytest.mark.parametrize("azimuth", [0.0, 30.0, 90.0, 135.0])
def test_one_ship_is_measured(azimuth, kind):
    scene = picture(300, 300, 3.0, [(450, 400, 180, 30, azimuth)])
    ships = Ships().detect(scene, whole(scene, kind)).detections
    assert len(ships) == 1
    assert np.hypot(ships.x[0] - 450, ships.y[0] - 400) < 8
    assert ships.length_m[0] == pytest.approx(180, abs=15) and ships.width_m[0] == pytest.approx(30, abs=8)
    assert abs((ships.azimuth_deg[0] - azimuth + 90) % 180 - 90) < 5
    assert ships.class_name[0] == "ship" and ships.p[0] > 0.6 and ships.note[0] == ""


def test_measure_is_total_length():
    scene = picture(300, 300, 3.0, [(250, 300, 150, 25, 0), (600, 500, 100, 20, 60)])
    found = Ships().detect(scene, whole(scene))
    assert len(found.detections) == 2 and found.measures["m"] == pytest.approx(found.detections.length_m.sum())


def test_only_the_zones_ships_count_and_the_berthed_one_says_so():
    scene = picture(300, 300, 3.0, [(220, 400, 150, 30, 0), (700, 400, 150, 30, 0)])
    quay = Polygon([(204, 0), (500, 0), (500, 900), (204, 900)])  # along the left ship's side
    ships = Ships().detect(scene, Zone("q", "berth", quay)).detections
    assert len(ships) == 1 and ships.x[0] < 300 and ships.note[0] == "at berth"


def test_small_craft_below_the_gsds_length_are_left_out():
    assert [least_length_m(g) for g in (0.3, 3.0, 10.0)] == [10, 40, 60]
    scene = picture(300, 300, 3.0, [(450, 400, 25, 8, 0)])
    assert len(Ships().detect(scene, whole(scene)).detections) == 0


def test_soft_cloud_is_not_a_ship():
    scene = picture(300, 300, 3.0)
    r, c = np.mgrid[:300, :300] - 150
    scene.data[:] += 0.8 * np.exp(-((r / 25) ** 2) - (c / 60) ** 2)
    assert len(Ships().detect(scene, whole(scene)).detections) == 0


def test_glint_is_not_ships():
    scene = picture(400, 400, 0.6, noise=0.02)
    rng = np.random.default_rng(4)
    scene.data[:, rng.random((400, 400)) < 0.03] = 1.0
    assert len(Ships().detect(scene, whole(scene)).detections) <= 1


def test_tiles_give_what_one_piece_gives(monkeypatch):
    ships = [(300, 200, 200, 30, 20), (620, 410, 150, 25, 80), (700, 200, 120, 20, 140), (330, 550, 250, 35, 60)]
    scene = picture(230, 300, 3.0, ships)
    once = Ships().detect(scene, whole(scene)).detections
    monkeypatch.setattr("rason.engine.detectors.ships.TILE_PX", 90)
    seen = []
    tiled = Ships().detect(scene, whole(scene), seen.append).detections
    assert len(once) == len(tiled) == 4
    order = [np.argmin(np.hypot(tiled.x - x, tiled.y - y)) for x, y in zip(once.x, once.y)]
    assert np.abs(tiled.x[order] - once.x).max() < 6 and np.abs(tiled.length_m[order] - once.length_m).max() < 20
    assert len(seen) > 12 and seen == sorted(seen) and seen[-1] == 1.0


def test_wake_is_not_more_ships():
    scene = picture(300, 300, 3.0, [(450, 200, 100, 20, 0)])
    rows = np.arange(300)
    for low, high in ((100, 118), (130, 150), (165, 190)):  # broken foam astern
        part = (rows >= low) & (rows < high)
        scene.data[:, part, 147:153] += 0.12
    ships = Ships().detect(scene, whole(scene)).detections
    assert len(ships) == 1 and abs(ships.y[0] - 200) < 10


def test_fine_scene_is_read_only_where_something_floats():
    class Counted(ArrayScene):
        def read(self, bounds, gsd_m=None):
            got = super().read(bounds, gsd_m)
            read.append((gsd_m, got.valid.size))
            return got

    read = []
    boats = [(90, 80, 40, 8, 30), (520, 400, 60, 12, 100), (517, 300, 15, 4, 0)]
    plain = picture(900, 1200, 0.5, boats)
    scene = Counted(plain.data, 0.5, y0=plain.y0)
    ships = Ships().detect(scene, whole(scene)).detections
    assert len(ships) == 3
    assert sum(size for gsd_m, size in read if gsd_m < 1) < 0.6 * 900 * 1200
    read.clear()
    assert len(Ships().detect(Counted(picture(900, 1200, 0.5).data, 0.5, y0=450.0), whole(scene)).detections) == 0
    assert all(gsd_m > 1 for gsd_m, _ in read)


def test_cancel_is_passed_on():
    def stop(fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        Ships().detect(picture(100, 100, 3.0), whole(picture(100, 100, 3.0)), stop)


def test_grey_and_pan_scenes_work():
    colour = picture(300, 300, 3.0, [(450, 400, 180, 30, 45)])
    scene = ArrayScene(colour.data.mean(0, keepdims=True), 3.0, ("pan",), y0=900.0)
    assert len(Ships().detect(scene, whole(scene)).detections) == 1


def test_real_roadstead_at_three_metres(imagery):
    """Scene 2, open water off the piers: six large and small anchored ships, no islands."""
    scene = Scene.open(str(imagery / "d-ships-planet3m" / "scene_2.tif"))
    west, _, _, north = scene.bounds
    zone = Zone("roads", "water", box(west + 600 * 3, north - 1580 * 3, west + 1530 * 3, north - 1120 * 3))
    ships = Ships().detect(scene, zone).detections
    assert 3 <= len(ships) <= 6 and ships.length_m.max() > 150


def test_the_wake_tells_the_heading_and_without_one_there_is_none():
    scene = picture(300, 300, 3.0)
    scene.data[:, 200:230, 148:154] = HULL[:, None, None]  # a barge
    assert np.isnan(Ships().detect(scene, whole(scene)).detections.heading_deg[0])
    for low, high in ((150, 165), (175, 195)):  # foam to the north
        scene.data[:, low:high, 149:153] += 0.12
    ships = Ships().detect(scene, whole(scene)).detections
    assert len(ships) == 1 and abs(ships.heading_deg[0] - 180) < 6 and ships.length_m[0] == pytest.approx(90, abs=9)


def test_what_is_excluded_is_not_looked_at():
    scene = picture(300, 300, 3.0, [(220, 400, 150, 30, 0), (700, 400, 150, 30, 0)])
    ships = Ships(without=box(500, 0, 900, 900)).detect(scene, whole(scene)).detections
    assert len(ships) == 1 and ships.x[0] < 300
    for kind in ("water", "berth", "area"):
        with pytest.raises(Refusal, match="EXCLUDE covers all of zone z"):
            Ships(without=box(-1, -1, 901, 901)).detect(scene, whole(scene, kind))


def test_an_area_whose_land_cannot_be_told_says_so():
    """Once a zone, with the cure; not where near infrared parts land from water, nor in drawn water."""
    scene = picture(200, 300, 3.0, [(600, 300, 150, 25, 0)])
    shore = np.concatenate([scene.data, np.full((1, 200, 300), 0.05, np.float32)])
    shore[3, :, :100] = 0.7
    shore[3] += np.random.default_rng(2).normal(0, 0.01, (200, 300))
    parted = ArrayScene(shore, 3.0, ("red", "green", "blue", "nir"), scene.x0, scene.y0)
    for look, kind, said in ((scene, "area", 1), (parted, "area", 0), (scene, "water", 0), (scene, "berth", 0)):
        warnings = Ships().detect(look, whole(look, kind)).warnings
        assert sum("EXCLUDE" in text and "land" in text for text in warnings) == said, kind


def test_what_stood_there_before_is_flagged_not_dropped():
    scene = picture(300, 300, 3.0, [(220, 400, 150, 30, 0), (700, 400, 150, 30, 0)])
    before = Detections.make([221, 700], [402, 400], [148, 60], [30, 12], [1, 0], "ship")
    ships = Ships(earlier=before, days=("2023-05-01", "2023-05-01")).detect(scene, whole(scene)).detections
    west, east = ships.note[np.argsort(ships.x)]
    assert len(ships) == 2 and "stands there on 2023-05-01 too" in west and "stands" not in east
