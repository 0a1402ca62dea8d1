"""What a scene says of its taking, and what a calibration makes of it."""

from types import SimpleNamespace

import numpy as np
import pytest
from osgeo import gdal, osr

from rason.engine.calibration import Calibration
from rason.engine.conditions import Conditions, from_metadata, michelson, outside, ranges, sensor_name
from rason.engine.scene import ArrayScene, Scene


@pytest.mark.parametrize(
    "metadata, said",
    [
        (  # Maxar, as GDAL reads an IMD file
            {"IMD": {"IMAGE_1.meanSunEl": "41.7", "IMAGE_1.meanSunAz": "158.2", "IMAGE_1.meanOffNadirViewAngle": "17.4",
                     "IMAGE_1.minSunEl": "1.0"}, "IMAGERY": {"SATELLITEID": "WV02"}},
            (41.7, 158.2, 17.4, "WorldView-2"),
        ),
        ({"IMD": {"IMAGE.MEANSUNEL": "30", "IMAGE.SATID": '"GE01"'}}, (30.0, None, None, "GeoEye-1")),
        ({"": {"NITF_USE00A_SUN_EL": "+33.1", "NITF_USE00A_SUN_AZ": "170"}}, (33.1, 170.0, None, "")),
        (  # Landsat
            {"": {"L1_METADATA_FILE.IMAGE_ATTRIBUTES.SUN_ELEVATION": "52.25", "PRODUCT_CONTENTS.SPACECRAFT_ID": "LANDSAT_8"}},
            (52.25, None, None, "Landsat 8"),
        ),
        ({"": {"sun_elevation": "20.5", "view_angle": "-4.1", "instrument": "PSB.SD"}}, (20.5, None, 4.1, "PlanetScope")),
        (  # a Planet XML, copied into tags
            {"": {"opt:illuminationElevationAngle": "61", "ps:spaceCraftViewAngle": "3.2"}}, (61.0, None, 3.2, ""),
        ),
        ({"": {"view:sun_elevation": "44", "view:off_nadir": "9", "platform": "sentinel-2b"}}, (44.0, None, 9.0, "Sentinel-2")),
        ({"": {"DATATAKE_1_SPACECRAFT_NAME": "Sentinel-2A", "MEAN_SUN_ZENITH_ANGLE": "35.5"}}, (54.5, None, None, "Sentinel-2")),
        # placeholders, and an angle that is not the one at the satellite
        ({"": {"SUN_ELEVATION": "-9999", "OFF_NADIR": "n/a", "INCIDENCE_ANGLE": "22", "SENSOR": "unknown"}}, (None, None, None, "")),
        ({}, (None, None, None, "")),
    ],
)  # fmt: skip
def test_common_spellings(metadata, said):
    taken = Conditions(**from_metadata(metadata))
    assert (taken.sun_elevation_deg, taken.sun_azimuth_deg, taken.off_nadir_deg, taken.sensor) == said


def test_a_file_with_an_imd_says_its_sun(tmp_path):
    path = tmp_path / "scene.tif"
    file = gdal.GetDriverByName("GTiff").Create(str(path), 64, 64, 1, gdal.GDT_Byte)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32652)
    file.SetProjection(reference.ExportToWkt())
    file.SetGeoTransform((5e5, 0.5, 0, 4.7e6, 0, -0.5))
    file.GetRasterBand(1).WriteArray(np.tile(np.linspace(50, 150, 64), (64, 1)).astype(np.uint8))
    file = None
    (tmp_path / "scene.IMD").write_text(
        'version = "R";\nBEGIN_GROUP = IMAGE_1\n\tsatId = "WV03";\n\tmeanSunEl = 38.4;\n\tmeanOffNadirViewAngle = 12.5;\n'
        "END_GROUP = IMAGE_1\nEND;\n"
    )
    taken = Conditions.of(Scene.open(str(path)))
    assert (taken.sun_elevation_deg, taken.off_nadir_deg, taken.sensor) == (38.4, 12.5, "WorldView-3")
    assert taken.contrast == pytest.approx(0.5, abs=0.02)  # (150 - 50) / (150 + 50)
    assert set(taken.known()) == {"effective_gsd_m", "sun_elevation_deg", "off_nadir_deg", "contrast", "sensor"}


def test_an_array_knows_its_detail_alone():
    assert Conditions.of(ArrayScene(np.zeros((3, 4, 4)), 0.5)).known() == {"effective_gsd_m": 0.5}


def test_haze_lowers_the_contrast():
    clear, hazy = michelson([10], [100], ["pan"]), michelson([60], [70], ["pan"])
    assert 0 < hazy < clear < 1
    assert michelson([0], [0], ["pan"]) is None


@pytest.mark.parametrize("text", ["0", "  ", "None", "[]", "unknown"])
def test_no_sensor(text):
    assert sensor_name(text) == ""


def test_other_sensors_keep_their_name():
    assert sensor_name("KOMPSAT3A") == "KOMPSAT3A" and sensor_name("S2B_MSI") == "Sentinel-2"


def labelled(**more):
    scenes = np.ones(6) * 50
    sites = tuple(f"site {i}" for i in range(6))
    return Calibration("ship", scenes, scenes / 10, scenes * 0, scenes * 0, scenes, site=sites, **more)


INSIDE = {"effective_gsd_m": 0.5, "sun_elevation_deg": 40.0, "off_nadir_deg": 10.0, "contrast": 0.8, "sensor": "WorldView-2"}


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("effective_gsd_m", 1.0, "detail 1 m is outside the calibrated 0.4 to 0.625 m"),
        ("sun_elevation_deg", 12.0, "sun height 12°"),
        ("off_nadir_deg", 35.0, "off-nadir angle 35°"),
        ("contrast", 0.3, "contrast 0.3 is outside"),
        ("sensor", "SkySat", "sensor SkySat is none of the calibrated ones (WorldView-2)"),
    ],
)
def test_each_condition_outside_widens_and_is_named(name, value, words):
    spans, sensors = ranges([Conditions(**INSIDE), Conditions(**{**INSIDE, "sun_elevation_deg": 55.0})])
    calibration = labelled(conditions=spans, sensors=sensors)
    inside = calibration.trust(**INSIDE)
    assert (inside.site_sd, inside.basis, inside.note()) == (0.0, "calibrated", "")
    out = calibration.trust(**{**INSIDE, name: value})
    assert out.site_sd >= 0.20 and out.basis == "uncalibrated" and words in out.note()


def test_what_is_not_known_is_said_and_not_guessed():
    spans, sensors = ranges([Conditions(0.5, 40.0), Conditions(0.5, None)])
    assert "sun_elevation_deg" not in spans and sensors == ()
    trust = labelled(conditions=spans).trust(effective_gsd_m=0.5)
    assert trust.basis == "calibrated" and trust.site_sd == 0.0
    assert (
        trust.note() == "not known, so not compared with the labelled scenes: sun height, off-nadir angle, contrast, sensor"
    )


def test_no_scene_has_no_range():
    assert ranges([]) == ({}, ())
    assert outside("contrast", 0.5, (0.4, 0.6)) == ""


def test_a_scene_like_thing_without_metadata_is_fine():
    scene = SimpleNamespace(effective_gsd_m=1.0, stretch=([0.1], [0.8]), roles=("grey",))
    assert Conditions.of(scene).contrast == pytest.approx(0.8)
