import time

import numpy as np
import pytest
from shapely.geometry import Polygon, box

from rason.engine.detections import Detections
from rason.engine.merging import merge
from rason.engine.rectangles import corners, minimum_rectangle

WIDTH_M = 2.44


def block(n, azimuth, gap_m, rng):
    """n packed containers, 20 and 40 feet mixed: rows of one width, side by side and end to end."""
    columns = max(1, round(np.sqrt(n / 4)))
    length = rng.choice([6.06, 12.19], (columns, -(-n // columns)))
    v = (np.cumsum(length + gap_m, axis=0) - length / 2).ravel()
    u = np.broadcast_to(np.arange(length.shape[1]) * (WIDTH_M + gap_m), length.shape).ravel()
    a = np.radians(azimuth)
    x, y = u * np.cos(a) + v * np.sin(a), v * np.cos(a) - u * np.sin(a)
    return np.column_stack([x, y, length.ravel(), np.full(x.shape, WIDTH_M), np.full(x.shape, azimuth)])[:n]


def seen_in_tiles(truth, rng, tile_m=42.0, overlap_m=19.2, jitter_m=0.0, partial=False):
    """What perfect detectors in overlapping tiles report: rectangles, scores, tile numbers and the true object's number."""
    ring = corners(*truth.T)
    low, high = ring.min(1), ring.max(1)
    rows, number = [], 0
    for west in np.arange(low[:, 0].min() - 5.3, high[:, 0].max(), tile_m - overlap_m):
        for south in np.arange(low[:, 1].min() - 7.1, high[:, 1].max(), tile_m - overlap_m):
            frame = np.array([west, south])
            whole = (low >= frame).all(1) & (high <= frame + tile_m).all(1)
            touched = (high > frame).all(1) & (low < frame + tile_m).all(1)
            for k in np.flatnonzero(whole):
                shift = rng.normal(0, jitter_m, 2) if jitter_m else [0, 0]
                rows.append([*(truth[k, :2] + shift), *truth[k, 2:], 0.9 + rng.uniform(-0.02, 0.02), number, k])
            for k in np.flatnonzero(touched & ~whole) if partial else []:
                part = Polygon(ring[k]).intersection(box(*frame, *(frame + tile_m)))
                if part.area > 0.25 * truth[k, 2] * truth[k, 3]:
                    rows.append([*minimum_rectangle(part.exterior.coords), 0.6, number, k])
            number += 1
    rows = np.array(rows)
    found = Detections.make(*rows[:, :5].T, "container", score=rows[:, 5])
    return found, rows[:, 6].astype(int), rows[:, 7].astype(int)


def test_nothing_and_one():
    assert len(merge(Detections.empty(), [])) == 0
    assert merge(Detections.make(0, 0, 12, 2, 0, "container"), [3]).tolist() == [0]


@pytest.mark.parametrize("azimuth", range(0, 91, 5))
def test_exactly_every_packed_rectangle_remains(azimuth):
    rng = np.random.default_rng(1)
    truth = block(100, azimuth, 0.2, rng)
    found, tile, true = seen_in_tiles(truth, rng)
    assert len(found) > 100
    kept = merge(found, tile)
    assert sorted(true[kept]) == list(range(100))


@pytest.mark.parametrize("gap_m", [0.1, 0.2, 0.4])
@pytest.mark.parametrize("seed", [1, 2])
def test_cut_parts_go_and_jittered_neighbours_stay(gap_m, seed):
    rng = np.random.default_rng(seed)
    for azimuth in range(0, 91, 10):
        truth = block(100, azimuth, gap_m, rng)
        found, tile, true = seen_in_tiles(truth, rng, jitter_m=0.3, partial=True)
        kept = merge(found, tile)
        assert len(np.unique(true[kept])) >= 99
        assert len(kept) - len(np.unique(true[kept])) <= 1
        assert (found.length_m[kept] < 0.75 * truth[true[kept], 2]).sum() <= 1  # no cut part where the whole was seen


def test_one_tile_never_merges_what_it_saw_apart():
    found = Detections.make([0, 1.0, 0, 0.05], 0, 12, 2.4, 0, "container", score=[0.5, 0.6, 0.7, 0.8])
    assert merge(found.select([0, 1]), [7, 7]).tolist() == [0, 1]
    assert merge(found.select([0, 1]), [7, 8]).tolist() == [1]
    assert merge(found.select([2, 3]), [7, 7]).tolist() == [1]  # practically the same rectangle


def test_classes_stay_apart_unless_told_to():
    found = Detections.make(0, 0, 12, 2.4, 0, "container").select([0, 0]).with_(class_name=["container", "freight_car"])
    assert merge(found, [0, 1]).tolist() == [0, 1]
    assert len(merge(found, [0, 1], across_classes=True)) == 1


def test_whole_before_cut_whatever_the_scores():
    found = Detections.make([0, 0], [0, 3], [12, 6], 2.4, 0, "container", score=[0.2, 0.9])
    assert merge(found, [0, 1]).tolist() == [0]


def test_order_of_the_input_does_not_matter():
    rng = np.random.default_rng(5)
    found, tile, true = seen_in_tiles(block(100, 33, 0.2, rng), rng, jitter_m=0.3, partial=True)
    kept = merge(found, tile)
    order = rng.permutation(len(found))
    again = order[merge(found.select(order), tile[order])]
    assert sorted(true[again]) == sorted(true[kept])
    assert np.allclose(np.sort(found.length_m[again]), np.sort(found.length_m[kept]))


def test_ten_thousand_are_quick_even_beside_a_giant():
    rng = np.random.default_rng(2)
    truth = np.vstack([block(8000, 30, 0.2, rng), [[0, 0, 900, 300, 10]]])
    ring_tile = np.floor(truth[:, :2] / 150).astype(int)
    tile = ring_tile[:, 0] * 1000 + ring_tile[:, 1]
    again = rng.choice(8000, 2000, replace=False)
    found = Detections.make(*np.vstack([truth, truth[again]]).T, "container")
    start = time.perf_counter()
    kept = merge(found, np.r_[tile, np.full(len(again), -1)])
    assert time.perf_counter() - start < 3  # bench/merging.py measures; this only catches a quadratic merger
    # What lies in the giant and in other tiles is one of its "parts", one a tile at most: that many may go.
    assert 8000 - len(np.unique(tile)) <= len(kept) <= 8001
