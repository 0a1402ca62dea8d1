"""How high stacks may be: shadows and sides on simulated blocks of known height, and when nothing is said."""

import numpy as np
import pytest

from rason.engine.detections import Detections
from rason.engine.detectors.stack_heights import MOST_TIERS, stack_heights
from rason.engine.detectors.stack_light import COMPUTED, Light
from rason.engine.detectors.stacks import Stacks, bounds_of
from rason.engine.scene import ArrayScene
from rason.engine.simulate.layout import Area, Layout, rectangle
from rason.engine.simulate.port import container
from rason.engine.simulate.render import render
from rason.engine.simulate.view import View
from rason.engine.zones import Zone

RED, WHITE = (0.35, 0.05, 0.04), (0.5, 0.5, 0.48)
SUN = Light(40.0, 160.0)


def yard(stacks, light, gsd_m=0.3):
    """Scene and tops as they appear of 40 ft stacks (x, y, tiers) that lie east-west."""
    things = tuple(container(x, y, 90.0, 12.192, tiers, RED if k % 2 else WHITE) for k, (x, y, tiers) in enumerate(stacks))
    place = Layout((Area(rectangle(np.zeros(2), 200.0, 200.0, 0.0), "concrete"),), things=things)
    seen = render(
        place, (-45.0, -45.0, 45.0, 45.0), gsd_m=gsd_m, sun_azimuth_deg=light.sun_azimuth_deg,
        sun_elevation_deg=light.sun_elevation_deg, view=View(light.off_nadir_deg or 0.0, light.view_azimuth_deg or 0.0), seed=1,
    )  # fmt: skip
    return seen.as_scene(), seen.apparent(), seen.truth_tiers


def rows(*tiers):
    """Single stacks far apart, one above the other."""
    return [(-20.0 + 20.0 * (k % 3), -30.0 + 30.0 * (k // 3), n) for k, n in enumerate(tiers)]


@pytest.mark.parametrize("gsd_m", [0.3, 0.5])
@pytest.mark.parametrize("elevation", [20.0, 45.0, 60.0])
def test_a_shadow_bounds_the_tiers(gsd_m, elevation):
    light = Light(elevation, 160.0)
    scene, boxes, true = yard(rows(1, 2, 3, 1, 2, 3), light, gsd_m)
    tiers = stack_heights(scene, boxes, light)
    assert tiers.why == "" and tiers.measured.all()
    assert (tiers.low <= true).all() and (true <= tiers.high).all() and (tiers.low < tiers.high).all()
    assert np.median(tiers.high - tiers.low) <= (1 if elevation < 60 else 3)


def test_stacks_behind_the_edge_are_bounded_from_above_only():
    block = [(x, 2.8 * k, n) for x in (-6.5, 6.5) for k, n in enumerate((2, 3, 3, 2, 2))]
    sun = Light(40.0, 180.0)  # in the south: the northern row throws its shadow on the ground
    scene, boxes, true = yard(block, sun)
    tiers = stack_heights(scene, boxes, sun)
    edge, inner = boxes.y > 10.0, (boxes.y > 1.0) & (boxes.y < 10.0)
    assert (true <= tiers.high).all() and tiers.measured[edge].all() and (tiers.low[edge] <= 2).all()
    assert not tiers.measured[inner].any() and (tiers.low[inner] == 1).all()  # the middle of the block inherits no height
    assert tiers.high[inner].min() >= tiers.high[edge].max()


def test_an_aisle_shorter_than_the_shadow_gives_a_lower_bound_only():
    stacks = [(-20.0 + 20.0 * k, y, 4) for k in range(3) for y in (0.0, 8.0, 16.0)]
    light = Light(25.0, 180.0)
    scene, boxes, true = yard(stacks, light)
    tiers = stack_heights(scene, boxes, light)
    first = boxes.y < 12.0
    assert np.isnan(tiers.high[first]).any() and (np.nan_to_num(tiers.low, nan=1) <= true).all()
    assert (tiers.low[~first] >= 3).all() and (tiers.high[~first] >= 4).all()


def test_a_leaning_side_bounds_the_tiers_where_no_shadow_is_of_use():
    light = Light(75.0, 160.0, 28.0, 190.0)
    scene, boxes, true = yard(rows(1, 2, 3, 1, 2, 3), light)
    tiers = stack_heights(scene, boxes, light)
    assert tiers.why == "" and tiers.measured.sum() >= 3
    told = tiers.measured
    assert (tiers.low <= true)[told].all() and (true <= tiers.high)[told].all()


@pytest.mark.parametrize(
    "light, gsd_m, why",
    [
        (Light(), 0.3, "not known"),
        (Light(None, 160.0), 0.3, "SUN_ELEVATION"),
        (Light(6.0, 160.0), 0.3, "run from block to block"),
        (Light(80.0, 160.0), 0.3, "too short"),
        (Light(-3.0, 160.0), 0.3, "below the horizon"),
        (Light(65.0, 160.0), 1.5, "tiers only"),
        (Light(80.0, 160.0, 3.0, 90.0), 0.3, "lean is good to"),
    ],
)
def test_why_nothing_is_said(light, gsd_m, why):
    scene = ArrayScene(np.full((3, 90, 90), 0.5, np.float32), gsd_m)
    tiers = stack_heights(scene, Detections.make([13.0], -13.0, 12.2, 2.44, 90.0, "container"), light)
    assert why in tiers.why and np.isnan(tiers.low).all() and np.isnan(tiers.high).all()


@pytest.mark.parametrize("azimuth", [340.0, 250.0])
def test_shadows_that_lie_elsewhere_than_the_sun_says_are_noticed(azimuth):
    scene, boxes, _ = yard(rows(3, 3, 3, 3, 3, 3), SUN)
    assert "do not lie as the sun's azimuth says" in stack_heights(scene, boxes, Light(40.0, azimuth)).why


def test_an_evenly_dark_picture_says_nothing():
    scene = ArrayScene(np.full((3, 300, 300), 0.5, np.float32), 0.3, x0=-45.0, y0=45.0)
    _, boxes, _ = yard(rows(2, 2, 2, 2), SUN)
    assert stack_heights(scene, boxes, SUN).why


def test_no_boxes():
    assert len(stack_heights(ArrayScene(np.zeros((3, 9, 9), np.float32), 0.3), Detections.empty(), SUN).low) == 0


def test_what_a_scene_says_of_its_light():
    class Told(ArrayScene):
        metadata = {"USER": {"SUN_ELEVATION": "31"}, "": {"SUN_ELEVATION": "50", "OFF_NADIR": "12", "VIEW_AZIMUTH": "80"},
                    COMPUTED: {"elevation": "33", "azimuth": "171"}}  # fmt: skip

    assert Light.of(Told(np.zeros((3, 9, 9)), 0.3)) == Light(31.0, 171.0, 12.0, 80.0)
    assert Light.of(ArrayScene(np.zeros((3, 9, 9)), 0.3)) == Light()


def test_the_detector_gives_ranges_and_says_that_they_are_bounds():
    from shapely.geometry import box

    scene, boxes, true = yard([(x, y, 2) for x in (-7.0, 7.0) for y in (0.0, 2.8, 5.6)], SUN)
    zone = Zone("z", "yard", box(-18, -5, 18, 12))
    found = Stacks(light=SUN).detect(scene, zone)
    low, high = bounds_of(found.detections.tiers_low, found.detections.tiers_high)
    assert low <= true.sum() <= high and f"between {low} and {high} boxes, a bound and no count" in found.note
    assert any(found.note in text for text in found.warnings)
    dark = Stacks().detect_together(scene, [zone, Zone("y", "yard", zone.geometry)])
    said = [text for part in dark for text in part.warnings if "height of stacks" in text]
    assert len(said) == 1 and np.isnan(dark[0].detections.tiers_high).all()  # the scene's light: said once


def test_cancelling():
    scene, boxes, _ = yard(rows(2, 2, 2, 2), SUN)

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stack_heights(scene, boxes, SUN, stop)


def test_unknown_ends_count_as_one_and_as_the_most():
    assert bounds_of(np.array([2.0, np.nan]), np.array([3.0, np.nan])) == (3, 3 + MOST_TIERS)
