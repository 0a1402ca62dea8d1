"""Which part of a quay is taken: hulls alongside, bow to it and rafted, on a quay drawn a little wrong."""

import numpy as np
import pytest
from shapely.geometry import box

from rason.engine.detectors.quay import quays
from rason.engine.detectors.ships import Ships
from rason.engine.scene import ArrayScene
from rason.engine.zones import Zone

SEA, LAND = np.array([0.10, 0.18, 0.20]), np.array([0.50, 0.47, 0.42])
ALONG, WIDE, QUAY_M = 400, 200, 60.0  # metres north, metres east, and where the land ends in the west


def harbour(hulls=(), gsd_m=1.0, land=True):
    """Water east of a quay that runs from north to south; hulls are boxes (west, south, east, north) in metres."""
    rows, columns = int(ALONG / gsd_m), int(WIDE / gsd_m)
    rng = np.random.default_rng(2)
    data = SEA[:, None, None] + rng.normal(0, 0.01, (3, rows, columns))
    if land:
        data[:, :, : int(QUAY_M / gsd_m)] = LAND[:, None, None] + rng.normal(0, 0.05, (3, rows, int(QUAY_M / gsd_m)))
    for k, (west, south, east, north) in enumerate(hulls):
        part = np.s_[:, int((ALONG - north) / gsd_m) : int((ALONG - south) / gsd_m), int(west / gsd_m) : int(east / gsd_m)]
        data[part] = np.array([0.5, 0.3 + 0.05 * (k % 3), 0.25])[:, None, None]
    return ArrayScene(data.astype(np.float32), gsd_m, y0=float(ALONG))


def berth(edge_m=QUAY_M):
    return Zone("B", "berth", box(edge_m, 20, 160, 380))


def taken(scene, zone=None):
    (quay,) = quays(scene, zone or berth(), lambda fraction: None)
    return quay


def along(quay, low, high):
    """Metres from the quay's first point, whichever end that is, of a stretch of northings."""
    return sorted(abs(v - quay.start[1]) for v in (low, high))


@pytest.mark.parametrize("gsd_m", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("wrong_m", [0.0, 2.0, -2.0])
def test_hulls_take_the_quay_whichever_way_they_lie(gsd_m, wrong_m):
    alongside, bow_in, raft = (61, 60, 77, 150), (61, 200, 121, 214), (62, 260, 90, 330)
    quay = taken(harbour([alongside, bow_in, raft], gsd_m), berth(QUAY_M + wrong_m))
    assert quay.length_m == pytest.approx(360, abs=12)
    wanted = sorted(along(quay, hull[1], hull[3]) for hull in (alongside, bow_in, raft))
    assert len(quay.taken) == 3 and np.abs(quay.taken - wanted).max() <= 8
    assert "berth occupied from" in quay.sentence() and (quay.start_side == "north" or quay.start_side == "south")


def test_an_empty_quay_is_empty_and_open_water_has_none():
    quay = taken(harbour())
    assert len(quay.taken) == 0 and quay.taken_m == 0 and quay.sentence().startswith("no berth is occupied")
    assert quays(harbour(land=False), berth(), lambda fraction: None) == []


def test_what_lies_off_the_quay_takes_nothing():
    assert taken(harbour([(100, 100, 115, 180)])).taken_m == 0


def test_an_edge_up_the_quay_is_said():
    scene = harbour([(61, 60, 77, 150)])
    assert taken(scene).up_m < 1.5 < taken(scene, berth(QUAY_M - 4)).up_m
    said = " ".join(Ships().detect(scene, berth(QUAY_M - 4)).warnings)
    assert "up the quay" in said


def test_the_detector_gives_the_occupied_length_and_says_where():
    found = Ships().detect(harbour([(61, 60, 77, 150), (62, 260, 90, 330)]), berth())
    assert found.measures["m"] == pytest.approx(160, abs=15) and found.measures["share"] == pytest.approx(
        160 / 360, abs=0.06
    )
    assert any("B: berth occupied from" in text and " and from " in text for text in found.warnings)
    open_sea = Ships().detect(harbour(land=False), berth())
    assert open_sea.measures == {"m": 0.0} and any("no quay" in text for text in open_sea.warnings)
