"""Ships in simulated radar scenes, and what is no backscatter."""

from dataclasses import replace

import numpy as np
import pytest
from shapely.geometry import LineString, Point, box

from rason.engine.bands import given_roles, polarisation
from rason.engine.detections import Detections
from rason.engine.detectors import detector
from rason.engine.detectors.ambiguity import Ambiguity, from_metadata
from rason.engine.detectors.ships_sar import BERTH_CLASS, ShipsSar
from rason.engine.errors import Cancelled, Refusal, TooCoarse
from rason.engine.scene import ArrayScene
from rason.engine.simulate import sar
from rason.engine.zones import Zone

BOUNDS = (0.0, 0.0, 5000.0, 8000.0)
SHIPS = Detections.make(
    [1000, 2500, 4000, 3000, 1500], [6500, 6800, 6000, 4500, 3000], [180, 90, 250, 60, 140], [28, 15, 40, 11, 22],
    [20, 75, 130, 0, 90], "ship", score=[8.0, 6.0, 12.0, 4.0, 8.0],
)  # fmt: skip
ZONE = Zone("sea", "water", box(*BOUNDS))


@pytest.fixture(scope="module")
def rendered():
    return sar.render(SHIPS, BOUNDS, 10.0, sea=sar.Sea(sea_db=-20.0), ghost_m=2500.0, seed=4)


@pytest.fixture(scope="module")
def scene(rendered):
    return ArrayScene(rendered.data, 10.0, ("vv", "vh"), 0.0, 8000.0)


def hits(found, truth):
    distance = np.hypot(found.x[:, None] - truth.x, found.y[:, None] - truth.y)
    return distance < truth.length_m / 2 + 20


def test_every_ship_once_with_its_size(scene):
    found = ShipsSar("intensity").detect(scene, ZONE)
    on = hits(found.detections, SHIPS)
    assert (on.sum(0) == 1).all()
    mine = found.detections.select(on.argmax(0))
    assert np.abs(mine.length_m - SHIPS.length_m).max() < 35
    long = SHIPS.length_m > 100
    turned = np.abs((mine.azimuth_deg - SHIPS.azimuth_deg + 90) % 180 - 90)
    assert turned[long].max() < 12
    assert found.measures["m"] == pytest.approx(found.detections.length_m.sum())
    assert (mine.p > 0.9).all()


def test_p_tells_specks_of_clutter_from_ships_and_the_score_does_not_hang_on_pfa(scene, rendered):
    low, usual = (ShipsSar("intensity", pfa=pfa).detect(scene, ZONE).detections for pfa in (1e-4, 2e-8))
    ship = hits(low, SHIPS).any(1)
    ghost = np.hypot(low.x[:, None] - rendered.ghosts[:, 0], low.y[:, None] - rendered.ghosts[:, 1]).min(1) < 300
    speck = ~ship & ~ghost
    assert speck.sum() >= 10, "at such a threshold the sea itself gives targets, else this shows nothing"
    assert low.p[speck].mean() < 0.15 < 0.9 < low.p[ship].max()
    assert (low.score[speck] < 0).all() and (usual.score >= 0).all()
    for k in range(len(SHIPS)):
        assert low.score[hits(low, SHIPS)[:, k]].max() == pytest.approx(
            usual.score[hits(usual, SHIPS)[:, k]].max(), abs=1e-6
        )


def test_ghosts_are_flagged_and_ships_are_not(scene, rendered):
    near = Ambiguity(2500.0, (0.0,))
    found = ShipsSar("intensity", ambiguity=near).detect(scene, ZONE).detections
    ship = hits(found, SHIPS).any(1)
    ghost = (np.hypot(found.x[:, None] - rendered.ghosts[:, 0], found.y[:, None] - rendered.ghosts[:, 1]) < 200).any(1)
    assert (ghost & ~ship).sum() >= 1, "the brightest ships must leave ghosts, else this shows nothing"
    flagged = np.array(["azimuth ghost" in note for note in found.note])
    assert (flagged == (ghost & ~ship)).all()
    assert (found.p[flagged] < 0.3).all()
    assert any("azimuth ghosts" in text for text in ShipsSar("intensity", ambiguity=near).detect(scene, ZONE).warnings)


def test_a_bright_source_on_land_makes_ghosts_too(rendered):
    data = rendered.data.copy()
    data[:, :60] = 5e4
    ghost = Detections.make([2000], [5000], 60, 20, 0, "ship", score=3.0)
    scene = ArrayScene(np.maximum(data, sar.render(ghost, BOUNDS, 10.0, seed=1).data), 10.0, ("vv", "vh"), 0.0, 8000.0)
    water = Zone("sea", "water", box(0, 0, 5000, 7000))
    found = ShipsSar("intensity", ambiguity=Ambiguity(2500.0, (0.0,))).detect(scene, water).detections
    at = np.hypot(found.x - 2000, found.y - 5000).argmin()
    assert "on land" in found.note[at]


@pytest.mark.parametrize("values", ["intensity", "amplitude", "db"])
def test_scales_give_the_same_ships(rendered, values):
    data = np.stack([sar.stored(band, values) for band in rendered.data]).astype(np.float32)
    found = ShipsSar(values).detect(ArrayScene(data, 10.0, ("vv", "vh"), 0.0, 8000.0), ZONE)
    assert hits(found.detections, SHIPS).any(0).all()


def test_empty_sea_gives_nothing():
    empty = sar.render(Detections.empty(), (0.0, 0.0, 10000.0, 10000.0), 10.0, sea=sar.Sea(nu=3.0), bands=("vv",), seed=11)
    zone = Zone("sea", "water", box(0, 0, 10000, 10000))
    assert len(ShipsSar("intensity").detect(ArrayScene(empty.data, 10.0, ("vv",), 0.0, 10000.0), zone).detections) == 0


def test_negative_values_are_db_and_nothing_else_is_certain(rendered):
    db = 10 * np.log10(np.maximum(rendered.data, 1e-9))
    assert ShipsSar().check(ArrayScene(db, 10.0, ("vv", "vh"), 0.0, 8000.0), [ZONE]).values == "db"
    with pytest.raises(Refusal, match="VALUES=amplitude"):
        ShipsSar().check(ArrayScene(rendered.data, 10.0, ("vv", "vh"), 0.0, 8000.0), [ZONE])


@pytest.mark.parametrize(
    ("values", "change", "words"),
    [
        ("amplitude", lambda x: 10 * np.log10(x), "negative.*VALUES=db"),
        ("intensity", lambda x: 10 * np.log10(x) + 60, "hardly any speckle.*VALUES=db"),
        ("db", lambda x: np.sqrt(x) * 1000, "no dB"),
        ("intensity", lambda x: x[::-1], "vh is brighter.*BANDS"),
    ],
)
def test_what_is_no_backscatter_is_refused_in_one_line(rendered, values, change, words):
    scene = ArrayScene(change(rendered.data).astype(np.float32), 10.0, ("vv", "vh"), 0.0, 8000.0)
    with pytest.raises(Refusal, match=words) as error:
        ShipsSar(values).detect(scene, ZONE)
    assert "\n" not in str(error.value)


def test_a_few_negative_values_are_said_and_taken_as_nothing(rendered):
    data = rendered.data.copy()
    data[:, ::40, ::40] = -1e-4
    found = ShipsSar("intensity").detect(ArrayScene(data, 10.0, ("vv", "vh"), 0.0, 8000.0), ZONE)
    assert any("negative" in text for text in found.warnings) and hits(found.detections, SHIPS).any(0).all()


def test_an_optical_picture_is_refused(rendered):
    picture = ArrayScene(rendered.data[:1], 10.0, ("grey",), 0.0, 8000.0)
    with pytest.raises(Refusal, match="BANDS"):
        ShipsSar("amplitude").detect(picture, ZONE)
    rng = np.random.default_rng(1)
    smooth = (120 + rng.normal(0, 2, rendered.data.shape)).astype(np.float32)
    with pytest.raises(Refusal, match="no radar picture"):
        ShipsSar("amplitude").detect(ArrayScene(smooth, 10.0, ("vv", "vh"), 0.0, 8000.0), ZONE)


def test_an_optical_detector_refuses_radar(scene):
    from rason.engine import counting

    with pytest.raises(Refusal, match="rason:detectshipssar"):
        counting.check(scene, {"ship": [ZONE]})


def test_a_class_that_radar_does_not_show_is_refused_by_name():
    with pytest.raises(Refusal, match="container is not looked for in radar scenes, only ship"):
        detector("container", "sar")


def test_pixels_beyond_22_m_and_lines_are_refused(scene):
    with pytest.raises(TooCoarse, match="22 m"):
        ShipsSar("intensity").detect(replace(scene, gsd_m=40.0), ZONE)
    with pytest.raises(Refusal, match="line"):
        ShipsSar("intensity").detect(scene, Zone("t", "track", LineString([(0, 0), (100, 0)])))


def test_hidden_pixels_and_excluded_places_give_nothing(rendered):
    valid = np.ones(rendered.data.shape[1:], bool)
    valid[100:200, 60:140] = False  # the first ship
    data = np.where(valid, rendered.data, np.nan)
    scene = ArrayScene(np.nan_to_num(data), 10.0, ("vv", "vh"), 0.0, 8000.0, valid)
    found = ShipsSar("intensity", without=Point(2500, 6800).buffer(300)).detect(scene, ZONE).detections
    assert hits(found, SHIPS).any(0).tolist() == [False, False, True, True, True]
    with pytest.raises(Refusal, match="EXCLUDE"):
        ShipsSar("intensity", without=box(-1, -1, 9000, 9000)).detect(scene, ZONE)


def test_berths_are_occupied_not_counted(scene):
    berth = Zone("quay", "berth", box(2300, 4400, 3700, 4600))
    water, quay = ShipsSar("intensity").detect_together(scene, [ZONE, berth])
    assert not quay.counted and set(quay.detections.class_name) == {BERTH_CLASS}
    assert quay.measures["m"] > 10 and "no count" in quay.warnings[-1]
    assert not hits(water.detections, SHIPS.select([3])).any()


def test_near_the_zones_edge_confidence_is_low(scene):
    near = ShipsSar("intensity").detect(scene, Zone("sea", "water", box(0, 4450, 5000, 8000))).detections
    at = np.hypot(near.x - 3000, near.y - 4500).argmin()
    assert "low confidence" in near.note[at] and near.p[at] < 0.6
    assert "low confidence" not in near.note[np.hypot(near.x - 2500, near.y - 6800).argmin()]


def test_cancelling_stops_it(scene):
    def stop(fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        ShipsSar("intensity").detect(scene, ZONE, stop)


def test_tiles_do_not_cut_ships(scene, monkeypatch):
    from rason.engine.detectors import ships_sar

    whole = ShipsSar("intensity").detect(scene, ZONE).detections
    monkeypatch.setattr(ships_sar, "TILE_PX", 190)
    tiled = ShipsSar("intensity").detect(scene, ZONE).detections
    assert (hits(tiled, SHIPS).sum(0) == 1).all() and abs(len(tiled) - len(whole)) <= 1


def test_names_and_metadata():
    assert polarisation("Sigma0_VV_db") == "vv" and polarisation("VH") == "vh" and polarisation("B04") == ""
    assert given_roles("vh,vv", 2) == ("vh", "vv")
    with pytest.raises(Refusal, match="twice"):
        given_roles("vv,vv", 2)
    said = {
        "": {
            "radar_frequency": "5405.000454",
            "pulse_repetition_frequency": "1717.13",
            "slant_range_to_first_pixel": "850000",
        }
    }
    assert 4500 < from_metadata(said).azimuth_m < 7500 and from_metadata({"": {}}) is None
    assert detector("ship", "sar").name == "ships_sar" and detector("ship").name == "ships"
