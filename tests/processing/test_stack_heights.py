"""Bounds on the height of stacks, as a user gets them."""

import pytest


@pytest.fixture
def yard(place, make_zones, tmp_path):
    """Scene and zone: 1 to 3 tiers under a sun 45° high in 150°."""
    zones = make_zones(tmp_path / "yard.gpkg", [(place.shapes["yard"], {"zone_id": "yard", "kind": "yard"})])
    return {"INPUT": place.scene, "ZONES": zones}


SUN = {"SUN_ELEVATION": 45, "SUN_AZIMUTH": 150}


def test_detections_carry_ranges(run, yard):
    rows = list(run("rason:detectcontainers", **yard, **SUN, OUTPUT="memory:")["OUTPUT"].getFeatures())
    ranges = [(row["tiers_low"], row["tiers_high"]) for row in rows if row["tiers_high"]]
    assert ranges and all(1 <= low < high for low, high in ranges)
    assert "a bound and no count" in run.feedback.textLog()


def test_the_tally_says_that_it_is_a_bound(run, yard):
    results = run("rason:tallyscene", **yard, **SUN, CLASSES=["container"], DETECTIONS="memory:", TALLY="memory:")
    rows = {row["unit"]: row for row in results["TALLY"].getFeatures()}
    assert "a bound and no count" in rows["objects"]["note"]
    assert rows["objects"]["estimate"] <= results["TOTAL_CONTAINER_HIGH"]  # visible tops, whatever may be under them


def test_without_sun_it_is_said_why(run, yard):
    rows = run("rason:detectcontainers", **yard, EPOCH="2023-07-18", OUTPUT="memory:")["OUTPUT"].getFeatures()
    assert not any(row["tiers_high"] for row in rows)
    assert "No bounds on the height of stacks, because the sun's height and azimuth are not known" in run.feedback.textLog()


def test_the_sun_of_the_epoch_is_computed(run, yard):
    run("rason:detectcontainers", **yard, EPOCH="2023-07-18T16:00:00Z", OUTPUT="memory:")  # one in the night there
    assert "the sun is below the horizon at this place and time" in run.feedback.textLog()


@pytest.mark.parametrize(
    "wrong, why",
    [
        ({"SUN_ELEVATION": -5}, "SUN_ELEVATION: -5 .* above the horizon"),
        ({"SUN_ELEVATION": 95}, "SUN_ELEVATION: 95"),
        ({"SUN_AZIMUTH": 400}, "SUN_AZIMUTH: 400 .*0 to 360"),
        ({"OFF_NADIR": 85}, "OFF_NADIR: 85"),
        ({"VIEW_AZIMUTH": -1}, "VIEW_AZIMUTH: -1"),
    ],
)
def test_bad_angles_are_refused(refused, yard, wrong, why):
    refused(why, "rason:detectcontainers", **yard, **wrong, OUTPUT="memory:")
