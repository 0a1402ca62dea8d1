"""Two sightings of a train."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rason.engine.detections import Detections
from rason.engine.errors import Refusal
from rason.engine.report_picture import Picture
from rason.engine.trains import (
    CONSISTENT,
    GAP,
    NO_MORE_THAN_CHANCE,
    NOT_TOLD,
    Train,
    _align,
    _totals,
    colours,
    compare_trains,
)
from rason.engine.trains_picture import chips, columns_of, picture

LENGTHS = {"tank": 12.0, "gondola": 13.9, "box": 14.7, "container flat": 19.6, "hopper": 14.7}


def kinds(seed, n=24):
    return np.random.default_rng(seed).choice(list(LENGTHS), n)


def sighting(names, seed, noise=0.5, told=True):
    rng = np.random.default_rng(seed)
    return Train.make([LENGTHS[k] + rng.normal(0, noise) for k in names], names.astype(object) if told else "", 0.9)


def test_the_same_train_seen_again_is_consistent():
    first = kinds(1)
    found = compare_trains(sighting(first, 2), sighting(np.delete(first, [5, 11]), 3), orders=200)
    assert found.verdict == CONSISTENT and not found.reversed and len(found.pairs) >= 21
    assert found.similarity > found.chance and found.p_value < 0.01
    text = found.sentence("1 May", "9 May")
    assert "consistent with" in text and "made up alike" in text and " is the same" not in text


def test_running_the_other_way():
    names = kinds(1)
    found = compare_trains(sighting(names, 2), sighting(names[::-1], 3), orders=200)
    assert found.verdict == CONSISTENT and found.reversed and "other way" in found.sentence("a", "b")
    assert np.mean(found.pairs.sum(1) == 23) > 0.9  # first with last


def test_another_train_of_the_same_yard_is_not():
    verdicts = [compare_trains(sighting(kinds(i), 2), sighting(kinds(i + 50), 3), orders=200).verdict for i in range(8)]
    assert verdicts.count(NO_MORE_THAN_CHANCE) >= 7


@pytest.mark.parametrize(("names", "why"), [(np.array(["tank"] * 30), "too alike"), (kinds(1, 7), "at least 8 wagons")])
def test_where_the_evidence_does_not_carry_it_nothing_is_told(names, why):
    found = compare_trains(sighting(names, 2), sighting(names, 3), orders=200)
    assert found.verdict == NOT_TOLD and why in found.reason and "cannot be told" in found.sentence("a", "b")


def test_blocks_in_the_same_order_are_no_sign_of_the_same_train():
    """Two blocks can only stand in two orders: half of all trains made up so look alike."""
    names = np.repeat(["tank", "container flat"], 12)
    assert compare_trains(sighting(names, 2), sighting(names, 3), orders=200).verdict != CONSISTENT


def test_no_wagons():
    with pytest.raises(Refusal, match="no wagons"):
        compare_trains(sighting(kinds(1), 1), Train.make([]))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 2**31))
def test_the_alignment_is_the_best(n, m, seed):
    """Against the recursion written out."""
    scores = np.random.default_rng(seed).normal(0, 2, (n, m))

    def best(i, j):
        if i == 0 or j == 0:
            return GAP * (i + j)
        return max(best(i - 1, j - 1) + scores[i - 1, j - 1], best(i - 1, j) + GAP, best(i, j - 1) + GAP)

    total, pairs = _align(scores)
    assert total == pytest.approx(best(n, m)) == pytest.approx(_totals(scores[None])[0, n, m])
    assert (np.diff(pairs, axis=0) > 0).all()
    assert total == pytest.approx(scores[pairs[:, 0], pairs[:, 1]].sum() + GAP * (n + m - 2 * len(pairs)))


@given(st.integers(0, 8), st.integers(0, 8), st.integers(0, 2**31), st.booleans())
@settings(max_examples=25, deadline=None)
def test_every_wagon_stands_in_one_column(n, m, seed, turned):
    rng = np.random.default_rng(seed)
    k = rng.integers(0, min(n, m) + 1)
    a, b = (np.sort(rng.choice(size, k, replace=False)) if k else np.zeros(0, int) for size in (n, m))
    pairs = np.column_stack([a, b[::-1] if turned else b])
    columns = columns_of(pairs, n, m, turned)
    assert sorted(i for i, _ in columns if i is not None) == list(range(n))
    assert sorted(j for _, j in columns if j is not None) == list(range(m))
    assert [c for c in columns if None not in c] == [tuple(pair) for pair in pairs.tolist()]


class Stripes:
    """A scene whose red grows to the east."""

    gsd_m, roles = 0.5, ("red", "green", "blue")

    def read(self, bounds, gsd_m=None):
        from rason.engine.patch import Patch

        west, south, east, north = bounds
        shape = int(np.ceil((north - south) / 0.5)), int(np.ceil((east - west) / 0.5))
        x = west + (np.arange(shape[1]) + 0.5) * 0.5
        data = np.full((3, *shape), 0.4, np.float32)
        data[0] = 0.2 + x / 500
        return Patch(data, np.ones(shape, bool), west, north, 0.5, self.roles)


def test_colours_and_pictures_of_wagons():
    wagons = Detections.make(np.arange(10.0, 200, 16), np.full(12, 50.0), 14, 3, 90, "freight_car")
    tints = colours(Stripes(), wagons)
    assert (np.diff(tints[:, 1]) > 0).all() and np.allclose(tints[:, 2], 0, atol=1e-5)
    straight, turned = (chips(Stripes(), wagons, way) for way in (False, True))
    assert straight[0].shape == (30, 84, 3) and straight[0][0, 0, 0] < straight[0][0, -1, 0]
    assert turned[0][0, 0, 0] > turned[0][0, -1, 0]
    drawn = picture([(0, 0), (1, None), (None, 1)], (wagons, wagons), (straight, [None] * 12), "t", "n")
    assert isinstance(drawn, Picture) and drawn.mark == ["stayed", "stayed", "disappeared", "appeared"]
    assert "north" not in drawn.figure().lower() and "<svg" in drawn.figure()


def test_a_similarity_just_beyond_chance_does_not_read_as_equal_to_it():
    from dataclasses import replace

    train = Train.make(np.full(8, 12.0) + np.arange(8), kinds(1, 8))
    found = replace(compare_trains(train, train, orders=50), verdict=CONSISTENT, similarity=1.048, chance=1.046)
    assert "similarity 1.048" in found.sentence("a", "b") and "stay below 1.046" in found.sentence("a", "b")
