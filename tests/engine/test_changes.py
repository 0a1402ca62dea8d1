import numpy as np
import pytest

from rason.engine.changes import changes
from rason.engine.detections import Detections
from rason.engine.words import APPEARED, DISAPPEARED, MOVED, NOT_OBSERVABLE, STAYED


def boxes(x, zone="a", kind="container", length=6.0):
    return Detections.make(x, np.zeros(len(x)), length, 2.4, 90, kind, zone_id=zone)


NONE = Detections.empty()


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (NONE, NONE, []),
        (NONE, boxes([0]), [APPEARED]),
        (boxes([0]), NONE, [DISAPPEARED]),
        (boxes([0]), boxes([0.3]), [STAYED]),
        (boxes([0, 50]), boxes([50, 100]), [STAYED, APPEARED, DISAPPEARED]),
        (boxes([0], kind="container"), boxes([0], kind="ship"), [APPEARED, DISAPPEARED]),
    ],
)
def test_words(first, second, words):
    found = changes(first, second)
    assert found.change.tolist() == words and len(found.detections) == len(words) == len(found.match_id)


def test_a_match_beyond_the_registration_error_has_moved():
    found = changes(boxes([0], length=100), boxes([1.0], length=100), sigma_m=0.2)
    assert found.change.tolist() == [MOVED] and found.match_id.tolist() == ["1"]


def test_what_one_scene_did_not_show_is_no_change():
    found = changes(boxes([0]), boxes([50]), unseen_first=["a"], unseen_second=["a"])
    assert found.change.tolist() == [NOT_OBSERVABLE, NOT_OBSERVABLE]
    assert found.epoch.tolist() == [2, 1]


def test_points_match_within_a_few_metres():
    found = changes(boxes([0, 30], length=0), boxes([3, 60], length=0), sigma_m=1.0)
    assert found.change.tolist() == [STAYED, APPEARED, DISAPPEARED]


def test_every_object_is_in_exactly_once():
    rng = np.random.default_rng(0)
    first, second = boxes(rng.uniform(0, 500, 40)), boxes(rng.uniform(0, 500, 50))
    found = changes(first, second)
    stayed = np.isin(found.change, [STAYED, MOVED]).sum()
    assert (found.change == APPEARED).sum() == 50 - stayed and (found.change == DISAPPEARED).sum() == 40 - stayed
