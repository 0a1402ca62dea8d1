"""What came and went, less what the errors of both counts make up."""

import numpy as np
import pytest

from rason.engine.calibration import CALIBRATED, Calibration, Trust
from rason.engine.tally import tally, tally_by_hand
from rason.engine.turnover import turnovers
from rason.engine.words import APPEARED, DISAPPEARED, MOVED, STAYED

SIZE = 4000
RNG = np.random.default_rng(1)
TP = RNG.binomial(150, RNG.beta(16, 3, 30))
KNOWN = Calibration("container", TP, 150 - TP, np.zeros(30), np.zeros(30), np.ones(30))
TRUST = Trust(0.0, CALIBRATED)


def turnover(counts, calibration=KNOWN, trust=TRUST):
    kept = counts.get(STAYED, 0) + counts.get(MOVED, 0)
    detected = kept + counts.get(DISAPPEARED, 0), kept + counts.get(APPEARED, 0)
    rows = [tally(["z"], [d], [0.0], calibration, trust=trust).rows() for d in detected]
    return turnovers(*rows, {("z", "container"): counts}, [calibration], size=SIZE)[0]


def test_standing_objects_make_the_turnover_of_the_formula():
    """N objects that all stay, found with recall r: r²N matched, r(1 - r)N appear, as many disappear (no doubles here)."""
    r, n = TP.sum() / 150 / 30, 1000
    kept, apart = round(r * r * n), round(r * (1 - r) * n)
    result = turnover({STAYED: kept, APPEARED: apart, DISAPPEARED: apart})
    for estimate, low, high in (result.appeared_by_error, result.disappeared_by_error):
        assert estimate == pytest.approx(apart, rel=0.12) and low < apart < high
    assert result.came[1] == result.went[1] == 0  # errors alone explain it


def test_more_than_errors_make_has_come():
    result = turnover({STAYED: 40, APPEARED: 60, DISAPPEARED: 7})
    estimate, low, high = result.came
    assert 0 < low < estimate < high and 45 < estimate < 70
    assert result.went[1] == 0 and "at least" in result.sentence("containers")


def test_nothing_appeared_but_one_may_have_been_missed():
    result = turnover({STAYED: 5})
    assert result.came[:2] == (0, 0) and result.came[2] >= 1 and result.appeared_by_error[2] >= 1


def test_without_labels_more_is_put_down_to_errors():
    none = Calibration.none("container")
    counts = {STAYED: 80, APPEARED: 30, DISAPPEARED: 30}
    rough, known = turnover(counts, none, none.trust()), turnover(counts)
    assert rough.appeared_by_error[2] > known.appeared_by_error[2]


def test_hand_counts_and_rows_that_are_no_counts():
    rows = [tally_by_hand(["z", "hidden"], [20, 4], "truck", visible=[1.0, 0.2]).rows() for _ in range(2)]
    found = turnovers(*rows, {("z", "truck"): {STAYED: 18, APPEARED: 2, DISAPPEARED: 2}}, size=SIZE)
    assert [t.zone_id for t in found] == ["z"] and found[0].came[1] == 0
    assert {"appeared", "came_low", "went_high", "appeared_by_error", "not_observable"} <= found[0].row().keys()
