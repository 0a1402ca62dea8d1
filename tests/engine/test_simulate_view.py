"""The slanting look, beams, clouds and JPEG of the simulator."""

import numpy as np
import pytest

from rason.engine.errors import Refusal
from rason.engine.simulate import canvas, port, rail, render, ships
from rason.engine.simulate.jpeg import through_jpeg
from rason.engine.simulate.layout import Area, Beam, Cloud, Layout, Thing, rectangle
from rason.engine.simulate.sensor import Sensor
from rason.engine.simulate.view import View, look

QUIET = Sensor(noise=0.0, haze=0.0)
BOUNDS = (-25.0, -25.0, 25.0, 25.0)


@pytest.fixture(autouse=True)
def small_texture(monkeypatch):
    monkeypatch.setattr(canvas, "PERIOD", 256)


def shot(layout, bounds=BOUNDS, **changes):
    given = {"gsd_m": 0.5, "sun_azimuth_deg": 180.0, "sun_elevation_deg": 60.0, "seed": 1, "sensor": QUIET}
    return render.render(layout, bounds, **{**given, **changes})


def box(x=0.0, y=0.0, tiers=2, azimuth=90.0, paint=(0.55, 0.55, 0.55)):
    return port.container(x, y, azimuth, port.FORTY_M, tiers, paint)


# lean


@pytest.mark.parametrize("azimuth", [0.0, 90.0, 205.0, 315.0])
@pytest.mark.parametrize("off_nadir", [10.0, 25.0])
def test_a_top_leans_away_from_the_sensor_by_height_times_tangent(azimuth, off_nadir):
    view = View(off_nadir, azimuth)
    seen = shot(Layout(things=(box(tiers=3),)), view=view)
    bright = seen.data.mean(axis=0) > 185
    rows, columns = np.nonzero(bright)
    centre = np.array([BOUNDS[0] + (columns.mean() + 0.5) * 0.5, BOUNDS[3] - (rows.mean() + 0.5) * 0.5])
    lean = 3 * port.TIER_M * np.tan(np.radians(off_nadir))
    expected = -lean * np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
    assert np.hypot(*(centre - expected)) < 0.35
    top = seen.apparent()
    assert (top.x[0], top.y[0]) == pytest.approx(tuple(expected), abs=1e-6)
    assert seen.truth.x[0] == 0.0  # the truth stays where it stands


def brute_look(height, cell_m, view):
    """For each cell the first surface that a ray from the sensor meets, step by step from above."""
    rows, columns = np.indices(height.shape)
    slope, azimuth = view.slope / cell_m, np.radians(view.azimuth_deg)
    cells, open_ = np.arange(height.size).reshape(height.shape).copy(), np.ones(height.shape, bool)
    for k in range(int(np.ceil(height.max() * slope)) + 1, 0, -1):
        r, c = rows - int(np.rint(k * np.cos(azimuth))), columns + int(np.rint(k * np.sin(azimuth)))
        inside = (r >= 0) & (r < height.shape[0]) & (c >= 0) & (c < height.shape[1])
        met = open_ & inside
        met[met] = np.rint(height[r[met], c[met]] * slope) >= k
        cells[met] = r[met] * height.shape[1] + c[met]
        open_ &= ~met
    return cells


@pytest.mark.parametrize("view", [View(25.0, 0.0), View(30.0, 130.0), View(12.0, 271.0)])
def test_look_agrees_with_rays_one_by_one(view):
    height = np.zeros((40, 44), np.float32)
    height[12:20, 15:28], height[22:26, 10:30], height[24, 20] = 5.0, 2.5, 9.0
    seen, slow = look(height, 0.5, view), brute_look(height, 0.5, view)
    inner = np.s_[8:-8, 8:-8]  # rays from outside are unknown to both in their own way
    assert np.array_equal(seen.cells[inner], slow[inner])
    assert seen.walls.any() and not seen.walls.all()


def test_straight_down_nothing_leans():
    height = np.full((5, 6), 3.0, np.float32)
    seen = look(height, 0.5, View())
    assert np.array_equal(seen.cells, np.arange(30).reshape(5, 6)) and not seen.walls.any()


def test_too_slanting_is_refused():
    with pytest.raises(Refusal, match="off nadir"):
        shot(Layout(), view=View(60.0, 0.0))


# visible fraction


def test_what_stands_free_is_all_visible():
    for view in (View(), View(28.0, 70.0)):
        seen = shot(Layout(things=(box(), box(y=12.0))), view=view)
        assert seen.truth_visible == pytest.approx([1.0, 1.0], abs=0.02)


@pytest.mark.parametrize("off_nadir", [10.0, 20.0, 30.0])
def test_a_low_box_behind_a_high_one_is_hidden_as_geometry_says(off_nadir):
    # the sensor stands south, so the 4-high box leans north over its 1-high neighbour
    gap = 0.4
    low = box(y=port.WIDTH_M + gap, tiers=1)
    seen = shot(Layout(things=(box(tiers=4), low)), view=View(off_nadir, 180.0), gsd_m=0.3, cell_m=0.1)
    over = 3 * port.TIER_M * np.tan(np.radians(off_nadir)) - gap  # how far the high top's edge passes the low one's
    assert seen.truth_visible[0] == pytest.approx(1.0, abs=0.02)
    assert seen.truth_visible[1] == pytest.approx(1.0 - np.clip(over / port.WIDTH_M, 0.0, 1.0), abs=0.06)


@pytest.mark.parametrize("view", [View(), View(24.0, 33.0)])
def test_visible_fraction_agrees_with_painting_one_by_one(view):
    """Count, on the fine grid and thing by thing, the cells of each top that no other thing covers."""
    rng = np.random.default_rng(4)
    things = [box(*rng.uniform(-9, 9, 2), int(rng.integers(1, 5)), float(rng.uniform(0, 180))) for _ in range(9)]
    seen = shot(Layout(things=tuple(things)), view=view, cell_m=0.125)
    cell = 0.125
    x = np.arange(-25, 25, cell) + cell / 2
    heights = np.zeros((len(things), x.size, x.size), np.float32)
    for number, thing in enumerate(things):
        angle = np.radians(thing.azimuth_deg)
        dx, dy = x[None, :] - thing.x, -x[:, None] - thing.y
        u, v = dx * np.sin(angle) + dy * np.cos(angle), dx * np.cos(angle) - dy * np.sin(angle)
        heights[number] = ((abs(u) < thing.length_m / 2) & (abs(v) < thing.width_m / 2)) * thing.height_m
    order = sorted(range(len(things)), key=lambda k: things[k].height_m)
    stands = np.zeros(heights.shape[1:], int)
    for k in order:
        stands[heights[k] > 0] = k + 1
    surface = heights.max(axis=0)
    cells = brute_look(surface, cell, view) if view.slope else np.arange(surface.size).reshape(surface.shape)
    for k, thing in enumerate(things):
        row, column = np.nonzero(heights[k] > 0)
        steps = np.rint(thing.height_m * view.slope / cell)
        r = row + int(np.rint(steps * np.cos(np.radians(view.azimuth_deg))))
        c = column - int(np.rint(steps * np.sin(np.radians(view.azimuth_deg))))
        shown = (cells[r, c] == row * x.size + column) & (stands[row, column] == k + 1)
        assert seen.truth_visible[k] == pytest.approx(shown.mean(), abs=0.04), k
    assert seen.truth_visible.min() < 0.8  # something is hidden here


def test_visible_fraction_does_not_know_tiles(monkeypatch):
    things = tuple(box(x, y, 1 + (k % 4)) for k, (x, y) in enumerate(np.random.default_rng(2).uniform(-16, 16, (14, 2))))
    whole = shot(Layout(things=things), view=View(25.0, 40.0))
    monkeypatch.setattr(render, "TILE_CELLS", 96)
    parts = shot(Layout(things=things), view=View(25.0, 40.0))
    assert np.allclose(whole.truth_visible, parts.truth_visible, atol=1e-9)
    assert (np.abs(whole.data.astype(int) - parts.data) > 2).mean() < 0.002


def test_a_cloud_hides_and_shades():
    cloud = Cloud(0.0, 0.0, 12.0, 30.0)
    seen = shot(Layout(things=(box(), box(0.0, 22.0)), clouds=(cloud,)), sun_elevation_deg=45.0, sun_azimuth_deg=270.0)
    clear = shot(Layout(things=(box(), box(0.0, 22.0))), sun_elevation_deg=45.0, sun_azimuth_deg=270.0)
    assert seen.truth_visible[0] < 0.4 and seen.truth_visible[1] > 0.9
    assert clear.cloud is None and seen.cloud[50, 50] and not seen.cloud[2, 2]
    outside = shot(Layout(clouds=(Cloud(-40.0, 0.0, 12.0, 40.0),)), sun_elevation_deg=45.0, sun_azimuth_deg=270.0)
    assert outside.data[:, 45:55, 45:55].mean() < 0.75 * outside.data[:, :8, 45:55].mean()  # its shadow falls to the east


# beams


@pytest.mark.parametrize("elevation", [30.0, 50.0])
def test_a_beam_throws_its_own_shadow_not_a_wall(elevation):
    beam = Beam(0.0, 0.0, 90.0, 40.0, 1.0, 8.0, (0.2, 0.2, 0.2))
    layout = Layout(ground="roof", beams=(beam,))
    seen = shot(layout, sun_elevation_deg=elevation).data.mean(axis=0)[:, 50]
    lit = np.median(seen)
    shadow_row = int((25.0 - 8.0 / np.tan(np.radians(elevation))) / 0.5)
    between = int((25.0 - 4.0 / np.tan(np.radians(elevation))) / 0.5)
    assert seen[shadow_row - 1 : shadow_row + 2].min() < 0.7 * lit
    assert seen[between] > 0.85 * lit


def test_a_beam_leans():
    beam = Beam(0.0, 0.0, 90.0, 40.0, 1.0, 12.0, (0.6, 0.6, 0.6))
    seen = shot(Layout(beams=(beam,)), view=View(25.0, 180.0)).data.mean(axis=0)[:, 40:60].mean(axis=1)
    assert abs(25.0 - (np.argmax(seen) + 0.5) * 0.5 - 12.0 * np.tan(np.radians(25.0))) < 0.6


def test_portals_span_the_tracks():
    track = np.array([[0.0, 0.0], [200.0, 0.0]])
    masts, girders = rail.portals(track, (3.0, 8.0), 50.0, np.random.default_rng(0))
    assert len(masts) == 2 * len(girders) >= 6 and all(beam.length_m == 11.0 for beam in girders)
    assert sorted({round(mast.y, 6) for mast in masts}) == [-8.0, 3.0]


# sensor


def test_jpeg_is_what_gdal_writes():
    gdal = pytest.importorskip("osgeo.gdal")
    picture = shot(Layout(things=(box(paint=(0.3, 0.05, 0.05)), box(3.0, 9.0, 3, 40.0, (0.05, 0.1, 0.3))))).data
    _, rows, columns = picture.shape
    source = gdal.GetDriverByName("MEM").Create("", columns, rows, 3, gdal.GDT_Byte)
    source.WriteArray(picture)
    for quality in (50, 75):  # at 90 and above rounding to whole numbers weighs as much
        gdal.GetDriverByName("JPEG").CreateCopy("/vsimem/a.jpg", source, options=[f"QUALITY={quality}"])
        written, ours = gdal.Open("/vsimem/a.jpg").ReadAsArray().astype(int), through_jpeg(picture, quality).astype(int)
        loss = np.abs(written - picture).mean()
        assert loss > 0.5 and np.abs(ours - picture).mean() == pytest.approx(loss, rel=0.15)
        assert np.abs(ours - written).mean() < 0.5 * loss
    gdal.Unlink("/vsimem/a.jpg")


def test_jpeg_gets_worse_with_less_quality_and_keeps_the_shape():
    picture = np.random.default_rng(0).integers(0, 256, (3, 37, 21)).astype(np.uint8)
    losses = [np.abs(through_jpeg(picture, q).astype(int) - picture).mean() for q in (95, 70, 30)]
    assert losses == sorted(losses) and through_jpeg(picture, 50).shape == picture.shape


def test_sharpened_colour_is_coarser_than_brightness():
    fine = np.full((3, 80, 80), 0.1, np.float32)
    fine[0, :, 40:] = 0.4
    plain, merged = (Sensor(sharpened=s).pixels(fine, 2) for s in (False, True))
    assert plain.shape == (3, 34, 34) and merged.shape == (3, 22, 22)
    ratio = [seen[0, 10] / seen.mean(axis=0)[10] for seen in (plain, merged)]
    spread = [np.count_nonzero((r > r.min() * 1.05) & (r < r.max() / 1.05)) for r in ratio]
    assert spread[1] > spread[0]
    assert Sensor(sharpened=True).pixels(np.full((3, 60, 60), 0.2, np.float32), 2) == pytest.approx(0.2)


def test_flat_light_lowers_contrast():
    rng, steps = np.random.default_rng(0), np.stack([np.full((8, 8), v, np.float32) for v in (0.05, 0.15, 0.4)])
    spans = [np.ptp(Sensor(noise=0.0, haze=0.0, contrast=c).digits(steps, rng).astype(int)) for c in (1.0, 0.6)]
    assert spans[1] < 0.8 * spans[0]


# types


@pytest.mark.parametrize("kind", sorted(rail.WAGONS))
@pytest.mark.parametrize("sizes", [rail.WAGONS, rail.LONGER])
def test_every_wagon_says_its_type(kind, sizes):
    things = rail.train(np.array([[0.0, 0.0], [80.0, 0.0]]), 1.0, [kind] * 2, np.random.default_rng(0), 1.0, sizes=sizes)
    truth = shot(Layout(things=tuple(things)), (0.0, -5.0, 70.0, 5.0)).truth
    assert list(truth.type_name) == [kind, kind] and (truth.length_m == sizes[kind][0]).all()
    assert set(truth.class_name) == {rail.CLASS_OF.get(kind, "freight_car")}


def test_what_rides_on_a_container_flat_fits_on_it():
    for sizes in (rail.WAGONS, rail.LONGER):
        for seed in range(8):
            flat = rail.wagon(
                "container flat", 0, 0, 0, np.random.default_rng(seed), size=sizes["container flat"], loaded=True
            )
            ends = [abs(u) + length / 2 for u, length in rail.BOXES_ON[flat.note.split(", ")[1]]]
            assert max(ends) < flat.length_m / 2


def test_trailers_chassis_and_heaps_are_no_containers():
    rng = np.random.default_rng(1)
    things = [
        port.trailer(0, -15, 90, rng, cab=True, loaded=True),
        port.trailer(0, -8, 90, rng, cab=False, loaded=False),
        port.covered_stack(0, 2, 90, rng),
        port.coal_pile(0, 15, 90, 30.0, 12.0),
    ]
    seen = shot(Layout(things=tuple(things)))
    assert sorted(seen.truth.class_name) == ["chassis", "coal_pile", "covered_stack", "truck"]
    assert "trailer with box" in seen.truth.type_name and (seen.truth_tiers == 0).all()


def test_container_truth_has_size_and_tiers():
    long = port.container(0.0, 0.0, 90.0, port.FORTY_FIVE_M, 2, (0.3, 0.1, 0.1))
    seen = shot(Layout(things=(long, box(y=9.0, tiers=4))))
    assert list(seen.truth.type_name) == ["45 ft", "40 ft"] and list(seen.truth_tiers) == [2, 4]
    assert seen.truth_height_m == pytest.approx([2 * port.TIER_M, 4 * port.TIER_M])


def test_vessels_have_types_and_headings():
    things = [ships.ship(0, y, 200.0, 40.0, np.random.default_rng(0), kind) for y, kind in ((-18, "barge"), (14, "tanker"))]
    water = (Area(rectangle(np.zeros(2), 90.0, 90.0, 0.0), "water", ships.WATER_LEVEL_M),)
    truth = shot(Layout(water, things=tuple(things))).truth
    assert list(truth.type_name) == ["barge", "tanker"] and (truth.heading_deg == 200.0).all()


def test_glint_brightens_water():
    water = (Area(rectangle(np.zeros(2), 90.0, 90.0, 0.0), "water", ships.WATER_LEVEL_M),)
    glint = Thing("glint", 0.0, 0.0, 30.0, 40.0, 20.0, ships.WATER_LEVEL_M, (1.0, 1.0, 1.0))
    plain, bright = shot(Layout(water)).data, shot(Layout(water, things=(glint,))).data
    assert bright[:, 45:55, 45:55].mean() > 1.3 * plain[:, 45:55, 45:55].mean()
    assert np.array_equal(bright[:, :8, :8], plain[:, :8, :8])
