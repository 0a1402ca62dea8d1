"""What is counted on real imagery. The bounds say where a change would be a fall; docs/ACCURACY.md has the figures."""

import numpy as np
import pytest
from shapely.geometry import Polygon, box

# The water beside the quay of d-port-train, up to the quay line.
PORT_WATER = Polygon([(606000, 4660000), (606107.1, 4660000), (606107.1, 4659754), (606000, 4659790)])


@pytest.fixture(scope="module")
def yard(tally_real, imagery):
    """d-rail-yard: 21 track lines without the contract's fields."""
    return tally_real("d-rail-yard/yard.tif", str(imagery / "d-rail-yard" / "rail_tracks.geojson"), "freight_car")


def test_rail_yard(yard, features):
    truth = [facts["vehicles"] for facts, _ in features("d-rail-yard/rail_tracks.geojson")]
    assert len(yard.counts) == len(truth) == 21
    total = yard.results["TOTAL_FREIGHT_CAR"]
    assert abs(total - sum(truth)) <= 0.15 * sum(truth)
    assert yard.results["TOTAL_FREIGHT_CAR_LOW"] <= sum(truth) <= yard.results["TOTAL_FREIGHT_CAR_HIGH"]


def test_empty_tracks_of_the_yard_stay_empty(yard, features):
    lines = [(facts, line) for facts, line in features("d-rail-yard/rail_tracks.geojson") if facts["empty"]]
    clear = [line for facts, line in lines if facts["track"] not in ("T18", "T21", "T29")]  # these end in a cut wagon
    centres = [row["geometry"].centroid for row in yard.detections]
    assert not [c for c in centres for line in clear if line.distance(c) < 1.0]


@pytest.fixture(scope="module")
def port(tally_real, features):
    """d-port-train: all three classes in one run, polygons and a track line in one layer."""
    zones = [(facts["area"], "yard", area) for facts, area in features("d-port-train/container_areas_by_eye.geojson")]
    zones = [zone for zone in zones if zone[0] != "open water"]
    zones += [("T1", "", line) for _, line in features("d-port-train/rail_tracks_by_eye.geojson")]
    zones += [("water", "berth", PORT_WATER)]
    return tally_real("d-port-train/t_0616.tif", zones, ["freight_car", "container", "ship"])


def test_port_with_a_train_a_ship_and_containers(port):
    assert abs(port.counts["T1", "freight_car"]["estimate"] - 20) <= 4
    assert abs(port.counts["K1", "container"]["estimate"] - 24) <= 5
    assert port.counts["bare apron", "container"]["estimate"] == 0
    assert 1 <= port.counts["water", "ship"]["estimate"] <= 3
    assert {row["class"] for row in port.detections} == {"freight_car", "container", "ship"}


def test_the_ship_lies_where_it_lies(port, features):
    (_, truth), = features("d-port-train/t_0616_boxes.geojson")  # fmt: skip
    ships = [row["geometry"] for row in port.detections if row["class"] == "ship"]
    overlap = max(ship.intersection(truth).area / ship.union(truth).area for ship in ships)
    assert overlap > 0.5


def test_the_unit_train_is_measured(port):
    row = next(row for row in port.tally if row["zone_id"] == "T1" and row["unit"] == "m")
    assert row["low"] <= 262 <= row["high"], "20 wagons of 13.1 m"


def test_container_yard(tally_real, features):
    zones = [(facts["area"], "yard", area) for facts, area in features("d-container-yard/t_0638_areas2.geojson")]
    found = tally_real("d-container-yard/t_0638.tif", zones, "container")
    truth = {"white rows 1-5": 31, "mixed block": 53, "white column, second count": 73}
    error = sum(abs(found.counts[zone, "container"]["estimate"] - number) for zone, number in truth.items())
    assert error <= 0.30 * sum(truth.values())
    # two of the three zones overlap: the total counts their boxes once
    assert found.results["TOTAL_CONTAINER"] < sum(found.counts[zone, "container"]["estimate"] for zone in truth)


def test_nothing_is_counted_on_bare_ground_and_river(tally_real, features):
    zones = [(facts["area"], "yard", area) for facts, area in features("d-container-yard/t_0635_areas.geojson")]
    found = tally_real("d-container-yard/t_0635.tif", zones, "container")
    assert found.counts["river", "container"]["estimate"] == 0
    assert found.counts["crane pads and sand", "container"]["estimate"] <= 2
    assert abs(found.counts["loose stacks", "container"]["estimate"] - 36) <= 9


@pytest.mark.parametrize("chip", ["t_0618", "t_0629", "t_0648", "t_0650"])
def test_ships_optical_run_end_to_end(tally_real, features, chip):
    """Berths without a drawn quay line: the hardest case, so what is asked is a result with its interval, and its size."""
    truth = [area for facts, area in features(f"d-ships-optical/{chip}_boxes.geojson") if facts["class"] != "dock"]
    west, south, east, north = np.array([area.bounds for area in truth]).T
    zone = box(west.min() - 20, south.min() - 20, east.max() + 20, north.max() + 20)
    found = tally_real(f"d-ships-optical/{chip}.tif", [("chip", "", zone)], "ship")
    row = found.counts["chip", "ship"]
    assert row["low"] <= row["estimate"] <= row["high"] and row["estimate"] <= 2 * len(truth)


@pytest.mark.parametrize(("chip", "vessels"), [("t_0606", 1), ("t_0658", 1)])
def test_nothing_in_glint_and_cloud(tally_real, imagery, chip, vessels):
    from osgeo import gdal

    x, g, _, y, _, _ = gdal.Open(str(imagery / "d-near-empty" / f"{chip}.tif")).GetGeoTransform()
    zone = box(x, y - 930 * g, x + 930 * g, y)
    found = tally_real(f"d-near-empty/{chip}.tif", [("water", "water", zone), ("yard", "yard", zone)], ["container", "ship"])
    assert found.counts["yard", "container"]["estimate"] == 0
    assert found.counts["water", "ship"]["estimate"] <= vessels + 1


def test_roofs_are_no_containers(tally_real, imagery):
    from osgeo import gdal

    x, g, _, y, _, _ = gdal.Open(str(imagery / "d-near-empty" / "t_0608.tif")).GetGeoTransform()
    zone = box(x, y - 930 * g, x + 930 * g, y)
    found = tally_real("d-near-empty/t_0608.tif", [("roofs", "yard", zone)], "container")
    assert found.counts["roofs", "container"]["estimate"] <= 10


def test_a_3_m_scene_counts_ships_and_refuses_freight_cars(tally_real, process, imagery, rows, tmp_path):
    from osgeo import gdal

    x, g, _, y, _, _ = gdal.Open(str(imagery / "d-ships-planet3m" / "scene_2.tif")).GetGeoTransform()
    zone = box(x + 100, y - 2000, x + 2500, y - 200)
    found = tally_real("d-ships-planet3m/scene_2.tif", [("roadstead", "water", zone)], "ship")
    assert found.counts["roadstead", "ship"]["estimate"] is not None
    refused = process("rason:tallyscene", INPUT=imagery / "d-s2-ships" / "casablanca_2023-04-26_B02_B03_B04_B08.tif",
                      ZONES=imagery / "d-rail-yard" / "rail_tracks.geojson", CLASSES="freight_car", EPOCH="2023-04-26T11:00:00Z",
                      DETECTIONS=tmp_path / "d.gpkg", TALLY=tmp_path / "t.gpkg").refused()  # fmt: skip
    assert "too coarse" in refused or "outside" in refused
    assert not list(tmp_path.glob("*.gpkg"))


def test_a_scene_without_time_is_refused(process, imagery, tmp_path):
    done = process("rason:tallyscene", INPUT=imagery / "d-rail-yard" / "yard.tif", ZONES=imagery / "d-rail-yard" / "rail_tracks.geojson",
                   CLASSES="freight_car", DETECTIONS=tmp_path / "d.gpkg", TALLY=tmp_path / "t.gpkg")  # fmt: skip
    assert "does not say when it was taken" in done.refused()


def test_two_epochs_of_one_real_scene_show_no_change(tally_real, process, imagery, rows, tmp_path):
    """The same picture on two days: nothing may be called changed."""
    tables = []
    for day in (1, 2):
        tables.append(tmp_path / f"t{day}.gpkg")
        done = process("rason:tallyscene", INPUT=imagery / "d-rail-yard" / "yard.tif", ZONES=imagery / "d-rail-yard" / "rail_tracks.geojson",
                       CLASSES="freight_car", EPOCH=f"2020-05-0{day}T10:00:00Z", DETECTIONS=tmp_path / f"d{day}.gpkg", TALLY=tables[-1])  # fmt: skip
        assert done.code == 0, done.log
    done = process("rason:compareepochs", TALLY_1=tables[0], TALLY_2=tables[1], DETECTIONS_1=tmp_path / "d1.gpkg",
                   DETECTIONS_2=tmp_path / "d2.gpkg", COMPARISON=tmp_path / "c.gpkg", CHANGES=tmp_path / "x.gpkg")  # fmt: skip
    assert done.code == 0, done.log
    assert (done.results["INCREASES"], done.results["DECREASES"]) == (0, 0)
    assert {row["change"] for row in rows(tmp_path / "x.gpkg")} == {"stayed"}
