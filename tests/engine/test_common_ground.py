"""Two epochs on the ground that both could see."""

import numpy as np
import pytest
from osgeo import gdal, osr
from shapely.geometry import box

from rason.engine.calibration import CALIBRATED, Calibration, Trust
from rason.engine.class_raster import ClassRaster
from rason.engine.common_ground import common_mask, fractions, on_common_ground
from rason.engine.compare import compare
from rason.engine.detections import Detections
from rason.engine.errors import Refusal
from rason.engine.georeference import Frame
from rason.engine.tally import measure_row, tally, tally_by_hand
from rason.engine.zones import Zone

REFERENCE = osr.SpatialReference()
REFERENCE.ImportFromEPSG(32652)
FRAME = Frame(REFERENCE.ExportToWkt(), REFERENCE.ExportToWkt())
YARD = Zone("yard", "yard", box(0, 0, 100, 100))
TP = np.random.default_rng(1).binomial(150, 0.9, 12)
KNOWN = Calibration("container", TP, 150 - TP, np.zeros(12), np.zeros(12), np.ones(12))


def raster(path, hidden, value=2):
    """Clear but for ``hidden`` (columns of metres), 1 m pixels over -10 to 110."""
    data = np.ones((120, 120), np.uint8)
    data[:, [c + 10 for c in hidden]] = value
    file = gdal.GetDriverByName("GTiff").Create(str(path), 120, 120, 1, gdal.GDT_Byte)
    file.SetGeoTransform((-10, 1, 0, 110, 0, -1))
    file.SetProjection(FRAME.wkt)
    file.GetRasterBand(1).WriteArray(data)
    file = None
    return ClassRaster.open(str(path), name="VISIBILITY_1")


@pytest.fixture
def mask(tmp_path):
    return common_mask(
        [raster(tmp_path / "1.tif", range(30)), raster(tmp_path / "2.tif", range(60, 100))], FRAME, [YARD.geometry]
    )


OBJECTS = Detections.make(np.arange(5.0, 100, 10), np.full(10, 50.0), 6, 2.4, 90, "container", zone_id="yard")


def test_the_intersection_is_less_than_either(mask):
    assert fractions(mask, [YARD])["yard"] == pytest.approx(0.3, abs=0.01)


def test_only_objects_that_both_could_see_are_counted(mask):
    row = tally(["yard"], [10], [1.0], KNOWN, visible=0.7, trust=Trust(0.0, CALIBRATED)).rows()[0]
    rows = [
        row,
        measure_row("yard", "container", 1000.0, "m2", visible=0.7),
        {**row, "unit": "TEU", "detected": 15, "calibration": ""},
    ]
    count, area, teu = on_common_ground(rows, OBJECTS, mask, [YARD], [KNOWN])
    assert count["detected"] == 3 and count["exposure"] == pytest.approx(0.3, abs=0.01) and count["visible_fraction"] == 1
    assert count["low"] <= count["estimate"] <= count["high"] < row["estimate"]
    assert area["estimate"] == pytest.approx(rows[1]["estimate"] * 0.7 * 0.3, rel=0.02)  # 3 of the 10 that the 70 % showed
    assert teu["estimate"] == pytest.approx(row["estimate"] * 0.7 * 0.3, abs=1)


def test_hand_counts_unknown_calibrations_and_unseen_zones(mask):
    by_hand = tally_by_hand(["yard"], [10], "container").rows()[0]
    unseen = {**by_hand, "estimate": None, "detected": None}
    unknown = {**tally(["yard"], [10], [1.0], KNOWN).rows()[0], "calibration": "another"}
    elsewhere = {**by_hand, "zone_id": "elsewhere"}
    a, b, c, d = on_common_ground([by_hand, unseen, unknown, elsewhere], OBJECTS, mask, [YARD], [KNOWN])
    assert (a["estimate"], b["estimate"], d["estimate"]) == (3, None, 10) and c["detected"] is None
    assert c["estimate"] == pytest.approx(unknown["estimate"] * 0.3, abs=1)


def test_the_sentence_says_what_both_show(mask):
    rows = [tally_by_hand(["yard"], [10], "container", visible=share).rows() for share in (0.7, 0.6)]
    moved = [on_common_ground(r, OBJECTS, mask, [YARD]) for r in rows]
    c = compare(*moved, common_visible=fractions(mask, [YARD]), on_common=True, size=4000)[0]
    assert c.common_visible_fraction == pytest.approx(0.3, abs=0.01) and "30 % of it that both scenes show" in c.sentence(
        "a", "b"
    )
    none = compare(*rows, common_visible={"yard": 0.0}, on_common=True, size=4000)[0]
    assert none.verdict == "not observed"


def test_other_rasters_are_refused(tmp_path):
    with pytest.raises(Refusal, match="no raster of rason:visibility"):
        common_mask([raster(tmp_path / "x.tif", range(30), 200)], FRAME, [YARD.geometry])
