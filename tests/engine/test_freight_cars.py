"""Freight cars: refusals and edges first, then simple synthetic rakes, then the real yard (weights were fitted there)."""

import json

import numpy as np
import pytest
from shapely.geometry import LineString, MultiLineString, box, shape

from rason.engine.detectors.freight_cars import DOUBLE_NOTE, FreightCars, scorer_for, shipped_weights
from rason.engine.errors import Cancelled, Refusal, TooCoarse
from rason.engine.scene import ArrayScene
from rason.engine.zones import Zone

LENGTH_M, GAP_M = 12.0, 1.4


def rake(starts, *, gsd=0.25, size_m=300.0, seed=0, empty=False, shadows=True, valid=None, effective=None):
    """A west-east track at y = 0 from x = 0 on grey ballast, sun in the south; wagons of mixed colours from the given x on."""
    rng = np.random.default_rng(seed)
    columns, rows = int(size_m / gsd), int(40 / gsd)
    x = (np.arange(columns) + 0.5) * gsd
    y = 20 - (np.arange(rows)[:, None] + 0.5) * gsd
    image = np.full((3, rows, columns), 0.55) + rng.normal(0, 0.03, (1, rows, columns))
    image -= 0.15 * ((np.abs(np.abs(y) - 0.75) < 0.12) & (x > -1))
    for start in [] if empty else starts:
        along = (x >= start) & (x < start + LENGTH_M)
        if shadows:
            image[:, (y > 1.45) * (y < 4.2) * along] = 0.08
        image[:, (np.abs(y) < 1.45) * along] = rng.uniform(0.3, 0.9, 3)[:, None]
    return ArrayScene(image.astype(np.float32), gsd, x0=0.0, y0=20.0, valid=valid, effective_gsd=effective)


def track(first=1.0, last=299.0):
    return Zone("T1", "track", LineString([(first, 0), (last, 0)]))


STARTS = [60 + k * (LENGTH_M + GAP_M) for k in range(8)]
MIDDLES = np.array(STARTS) + LENGTH_M / 2


def test_a_polygon_is_refused():
    with pytest.raises(Refusal, match="Z1 is not a line"):
        FreightCars().detect(rake([]), Zone("Z1", "yard", box(0, 0, 10, 10)))


def test_a_coarse_scene_gives_metres_or_is_refused():
    scene = rake(STARTS, effective=2.0)
    found = FreightCars().detect(scene, track())
    assert not found.counted
    assert len(found.detections) == 0
    assert found.measures["m"] > 50
    with pytest.raises(TooCoarse, match="freight_car"):
        FreightCars().detect(rake(STARTS, effective=10.0), track())


def test_an_empty_track_stays_empty():
    found = FreightCars().detect(rake(STARTS, empty=True), track())
    assert found.counted
    assert len(found.detections) == 0
    assert found.measures == {"m": 0.0, "share": 0.0}
    assert found.warnings == ()


def single_track(ground, seed, kinds=(), azimuth_deg=150, elevation_deg=45):
    """A simulated track in the open, 300 m long, on its own bed of ballast; freight cars from x = 90 m on."""
    from rason.engine.simulate import rail
    from rason.engine.simulate.layout import Layout
    from rason.engine.simulate.render import render

    line = np.array([[0.0, 0.0], [300.0, 0.0]])
    cars = rail.train(line, 90.0, kinds, np.random.default_rng(seed))
    layout = Layout(tracks=(line,), things=tuple(cars), ground=ground)
    seen = render(
        layout,
        (0, -25, 300, 25),
        gsd_m=0.35,
        sun_azimuth_deg=azimuth_deg,
        sun_elevation_deg=elevation_deg,
        seed=seed,
    )
    return seen.as_scene()


@pytest.mark.parametrize("seed", [1, 2, 3, 5])
@pytest.mark.parametrize("ground", ["soil", "grass", "concrete"])
def test_an_empty_track_on_its_own_bed_is_empty(ground, seed):
    """Synthetic. The bed differs from what lies beside it all along the track, as wagons do."""
    found = FreightCars().detect(single_track(ground, seed, azimuth_deg=120 + 30 * seed), track(40.0, 260.0))
    assert len(found.detections) == 0
    assert found.measures["share"] == 0.0


@pytest.mark.parametrize("ground", ["soil", "grass", "concrete"])
def test_a_rake_on_its_own_bed_is_counted(ground):
    """Synthetic."""
    kinds = ["gondola", "gondola", "box", "tank", "hopper", "gondola"]
    found = FreightCars().detect(single_track(ground, 4, kinds), track(40.0, 260.0))
    assert abs(len(found.detections) - len(kinds)) <= 1


def close_tracks(kinds, spacing_m=5.0, elevation_deg=20, seed=2):
    """Two simulated tracks beside each other, the sun in the south, low; cars on the southern one alone, which lies at y = 0."""
    from rason.engine.simulate import rail
    from rason.engine.simulate.layout import Layout
    from rason.engine.simulate.render import render

    south = np.array([[0.0, 0.0], [300.0, 0.0]])
    cars = rail.train(south, 90.0, kinds, np.random.default_rng(seed))
    layout = Layout(tracks=(south, south + [0.0, spacing_m]), things=tuple(cars), ground="soil")
    seen = render(layout, (0, -25, 300, 30), gsd_m=0.35, sun_azimuth_deg=180, sun_elevation_deg=elevation_deg, seed=seed)
    return seen.as_scene()


KINDS = ["gondola", "gondola", "box", "tank", "hopper", "gondola", "gondola", "box"]


@pytest.mark.parametrize("spacing_m", [4.6, 5.5])
def test_a_neighbours_shadow_on_a_bare_bed_is_no_wagon(spacing_m):
    """Synthetic. Whether or not the neighbour's track is drawn."""
    scene = close_tracks(KINDS, spacing_m)
    occupied = Zone("S", "track", LineString([(40, 0), (260, 0)]))
    empty = Zone("N", "track", LineString([(40, spacing_m), (260, spacing_m)]))
    together = FreightCars().detect_together(scene, [occupied, empty])
    assert abs(len(together[0].detections) - len(KINDS)) <= 1
    assert len(together[1].detections) == 0
    assert len(FreightCars().detect(scene, empty).detections) == 0


def test_one_found_a_track_in_order():
    scene = rake(STARTS)
    there, nowhere = track(), Zone("T2", "track", LineString([(10, 12), (290, 12)]))
    first, second = FreightCars().detect_together(scene, [there, nowhere])
    assert (len(first.detections), len(second.detections)) == (8, 0)
    assert FreightCars().detect_together(scene, []) == []


def test_positions_run_from_the_first_vertex():
    forth = FreightCars().detect(rake(STARTS), track(10.0, 290.0)).detections
    np.testing.assert_allclose(np.sort(forth.position_m), np.sort(forth.x) - 10, atol=0.2)
    back = FreightCars().detect(rake(STARTS), Zone("T1", "track", LineString([(290, 0), (10, 0)]))).detections
    np.testing.assert_allclose(np.sort(290 - back.position_m), np.sort(back.x), atol=0.2)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (LineString([(0, 0), (np.nan, 0)]), "coordinates that are not numbers"),
        (box(0, 0, 10, 10), "not a line"),
    ],
)
def test_what_is_no_track_is_refused(line, words):
    with pytest.raises(Refusal, match=words):
        FreightCars().detect_together(rake([]), [Zone("T1", "track", line)])


def test_a_line_without_length_gives_nothing_and_says_so():
    found = FreightCars().detect(rake([]), Zone("T1", "track", LineString([(50, 0), (50, 0), (50, 0)])))
    assert (len(found.detections), found.measures) == (0, {})
    assert "has no length" in found.warnings[0]


def test_a_track_that_crosses_itself_is_said():
    loop = Zone("T1", "track", LineString([(10, 0), (200, 0), (200, 15), (100, 15), (100, -15)]))
    assert "crosses itself" in FreightCars().detect(rake(STARTS), loop).warnings[0]


def test_a_track_drawn_twice_is_said_and_counted_once_in_a_total():
    from rason.engine.counting import objects_once

    zones = [track(), Zone("T2", "track", LineString([(50, 0.4), (290, 0.4)]))]
    found = FreightCars().detect_together(rake(STARTS), zones)
    assert "T2 lies on track T1 for 240 m" in " ".join(found[1].warnings)
    assert len(objects_once([part.detections for part in found], zones)) == 8


def test_a_track_that_leaves_the_scene():
    found = FreightCars().detect(rake(STARTS), Zone("T1", "track", LineString([(150, 0), (450, 0)])))
    assert "50 % of it was not observed" in " ".join(found.warnings)
    assert ((found.detections.x > 150) & (found.detections.x < 300)).all() and len(found.detections) >= 1


def test_a_line_beside_its_rails_is_said_and_not_moved():
    scene = single_track("soil", 4, KINDS)
    for north in (-1.25, 1.25):
        beside = Zone("T1", "track", LineString([(40, north), (260, north)]))
        found = FreightCars().detect(scene, beside)
        point = "north" if north > 0 else "south"
        assert any(f"m {point} of its rails: move it" in text for text in found.warnings), found.warnings
        np.testing.assert_allclose(found.detections.y, north, atol=0.1)
    assert not any("rails" in text for text in FreightCars().detect(scene, track(40.0, 260.0)).warnings)


def test_tank_cars_and_no_others_are_told_as_tank_cars():
    """Synthetic."""
    kinds = ["locomotive"] + ["tank"] * 6 + ["gondola"] * 4
    found = FreightCars().detect(single_track("soil", 6, kinds), track(40.0, 297.0))
    cars = found.detections.select(np.argsort(found.detections.x))
    tanks = (cars.x > 90 + 17.55) & (cars.x < 90 + 17.55 + 6 * 12.02)
    assert (cars.type_name[tanks] == "tank").sum() >= 4 and not (cars.type_name[~tanks] == "tank").any()
    assert (cars.type_p[cars.type_name != ""] >= 0.5).all() and np.isnan(cars.type_p[cars.type_name == ""]).all()
    assert cars.type_name[0] == "locomotive" and any("include 1 locomotive" in text for text in found.warnings)


def test_nothing_seen_gives_no_measure():
    found = FreightCars().detect(rake([]), Zone("T1", "track", LineString([(5000, 0), (5100, 0)])))
    assert len(found.detections) == 0
    assert found.measures == {}
    assert "100 % of it was not observed" in found.warnings[0]


def test_a_very_short_track():
    found = FreightCars().detect(rake([]), track(50.0, 50.1))
    assert len(found.detections) == 0


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("gsd", [0.25, 0.5])
def test_a_rake_is_counted_wagon_by_wagon(gsd, reverse):
    zone = Zone("T1", "track", LineString([(299, 0), (1, 0)])) if reverse else track()
    found = FreightCars().detect(rake(STARTS, gsd=gsd), zone).detections
    x = np.sort(found.x)
    assert len(x) == len(STARTS)
    np.testing.assert_allclose(x, MIDDLES, atol=2.0)  # the ends of a rake are found less sharply than its joints
    np.testing.assert_allclose(found.y, 0, atol=0.1)
    np.testing.assert_allclose(found.azimuth_deg, 90, atol=0.5)
    np.testing.assert_allclose(found.length_m, LENGTH_M, atol=4.0)
    assert set(found.class_name) == {"freight_car"}
    assert ((found.p > 0) & (found.p <= 1)).all()


def test_pixels_finer_than_the_detail_change_little():
    found = FreightCars().detect(rake(STARTS, effective=0.9), track())
    assert abs(len(found.detections) - 8) <= 1
    assert len(FreightCars().detect(rake(STARTS, empty=True, effective=0.9), track()).detections) == 0


def test_a_single_band_is_enough():
    colour = rake(STARTS)
    grey = ArrayScene(colour.data.mean(0, keepdims=True), 0.25, ("pan",), y0=20.0)
    assert abs(len(FreightCars().detect(grey, track()).detections) - 8) <= 1


def test_the_shades_side_is_found_and_can_be_given():
    scene = rake(STARTS)
    known, found, wrong = (FreightCars(shade_azimuth_deg=a).detect(scene, track()).detections for a in (0.0, None, 180.0))
    np.testing.assert_array_equal(known.x, found.x)
    assert len(wrong) != len(found) or not np.array_equal(wrong.p, found.p)


def test_without_shadows_it_counts_and_says_so():
    found = FreightCars().detect(rake(STARTS, shadows=False), track())
    assert abs(len(found.detections) - 8) <= 1
    assert "no shadows beside the wagons" in found.warnings[-1]


def test_occupied_metres_and_share():
    measures = FreightCars().detect(rake(STARTS), track()).measures
    assert measures["m"] == pytest.approx(8 * LENGTH_M, rel=0.08)
    assert measures["share"] == pytest.approx(8 * LENGTH_M / 298, rel=0.08)


def test_a_line_in_two_parts_counts_each_wagon_once():
    middle = 0.5 * (STARTS[3] + LENGTH_M + STARTS[4]) - 4  # inside the fourth wagon
    apart = Zone("T1", "track", MultiLineString([[(1, 0), (middle, 0)], [(middle + 0.01, 0), (299, 0)]]))
    assert len(FreightCars().detect(rake(STARTS), apart).detections) == 8
    ends_inside = track(MIDDLES[1] + 2, MIDDLES[6] - 2)
    assert len(FreightCars().detect(rake(STARTS), ends_inside).detections) == 4


def test_a_wagon_cut_by_the_pictures_edge_is_said_and_not_counted():
    found = FreightCars().detect(rake([*STARTS, 293.0]), track(1.0, 299.9))
    assert len(found.detections) == 8
    assert "1 wagon cut by the edge" in found.warnings[-1]


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_wagon_that_an_edge_cuts_aslant_is_said_and_not_counted(side, reverse):
    """The second wagon stands from 73.4 to 85.4 m; the edge takes it from 81 m on its one side, from 89 m on the other."""
    x, y = (np.arange(1200) + 0.5) * 0.25, 20 - (np.arange(160)[:, None] + 0.5) * 0.25
    scene = rake(STARTS, valid=x + side * 2.5 * y < 85.0)
    line = LineString([(150, 0), (1, 0)]) if reverse else LineString([(1, 0), (150, 0)])
    found = FreightCars().detect(scene, Zone("T1", "track", line))
    assert len(found.detections) == 1
    assert "cut by the edge" in " ".join(found.warnings)


def test_what_is_not_observed_is_said():
    valid = np.ones((160, 1200), bool)
    valid[:, 800:] = False
    found = FreightCars().detect(rake([], valid=valid), track(0.0, 300.0))
    assert "33 % of it was not observed" in found.warnings[0]


def test_a_wagon_twice_as_long_as_its_neighbours_is_noted():
    from rason.engine.detectors.freight_cars import _notes

    notes = _notes(np.array([12.0, 12.5, 24.0, 12.0]), np.full(4, 0.9))
    assert list(notes) == ["", "", DOUBLE_NOTE, ""]


def test_cancel_stops():
    def stop(fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        FreightCars().detect(rake(STARTS), track(), stop)


def test_scorers_cover_every_gsd_and_say_where_they_come_from():
    assert "swisstopo" in shipped_weights()["fitted_on"]
    for shadows in (True, False):
        assert scorer_for(0.3, shadows).up_to_m < scorer_for(1.0, shadows).up_to_m < scorer_for(4.0, shadows).up_to_m


def yard_scene(folder):
    from osgeo import gdal

    source = gdal.Open(str(folder / "yard.tif"))
    data, corner = source.ReadAsArray().astype(np.float32), source.GetGeoTransform()
    low, high = np.percentile(data, [0.5, 99.5])
    return ArrayScene((data - low) / (high - low), corner[1], x0=corner[0], y0=corner[3])


def test_the_yards_empty_tracks_are_empty_and_a_full_one_is_counted(imagery):
    """In-sample (the weights are fitted on this yard): a guard against breakage; ACCURACY.md has the honest figures."""
    folder = imagery / "d-rail-yard"
    scene = yard_scene(folder)
    counts = {}
    for feature in json.loads((folder / "rail_tracks.geojson").read_text())["features"]:
        name = feature["properties"]["track"]
        if name[0] == "E" or name == "T22":
            counts[name] = len(FreightCars().detect(scene, Zone(name, "track", shape(feature["geometry"]))).detections)
    assert counts.pop("T22") == 6
    assert set(counts.values()) == {0}
