"""Pieces of a strangeness map: rectangles, rings, and the choice between one large and several small."""

import numpy as np
import pytest

from rason.engine.detectors.component_tree import Pieces, best_set, cut

LEVELS, RADII = (5.0, 10.0, 20.0), (0.0, 1.0, 2.0)


def disc_free(rows=80, columns=80):
    return np.zeros((rows, columns), np.float32), np.ones((rows, columns), bool)


def pieces_of(strange, observable, **options):
    return cut(strange, strange >= 5, observable, LEVELS, RADII, **{"least_area": 10, "least_length": 5, **options})


def test_nothing_gives_no_pieces():
    strange, observable = disc_free()
    found = pieces_of(strange, observable)
    assert len(found) == 0 and found.fill.shape == (0,)
    assert len(best_set(found, np.zeros(0))) == 0


def test_speck_is_dropped():
    strange, observable = disc_free()
    strange[40, 40:43] = 30
    assert len(pieces_of(strange, observable)) == 0


@pytest.mark.parametrize("angle_deg", [0, 30, 45, 75, 90, 120])
def test_rectangle_is_measured_at_any_angle(angle_deg):
    strange, observable = disc_free()
    r, c = np.mgrid[:80, :80] - 39.5
    angle = np.radians(angle_deg)
    along, across = c * np.cos(angle) + r * np.sin(angle), r * np.cos(angle) - c * np.sin(angle)
    strange[(np.abs(along) <= 20) & (np.abs(across) <= 5)] = 30
    found = pieces_of(strange, observable)
    best = np.argmax(found.fill * (found.length > 30))
    assert found.row[best] == pytest.approx(39.5, abs=1) and found.column[best] == pytest.approx(39.5, abs=1)
    assert found.length[best] == pytest.approx(40, abs=2.5) and found.width[best] == pytest.approx(10, abs=2.5)
    turn = np.degrees(found.angle[best]) - angle_deg
    assert abs((turn + 90) % 180 - 90) < 5
    assert found.fill[best] > 0.8 and found.water[best] > 0.95 and found.lopsided[best] < 0.02


def test_ring_knows_the_edge_of_what_is_observable():
    strange, observable = disc_free()
    observable[:, :30] = False
    strange[30:60, 30:40] = 30
    found = pieces_of(strange, observable)
    assert found.outside.max() > 0.3 and found.water.max() < 0.75


def test_fading_tail_is_lopsided():
    strange, observable = disc_free()
    strange[38:42, 10:60] = np.linspace(6, 60, 50)
    found = pieces_of(strange, observable)
    assert found.lopsided[np.argmax(found.length)] > 0.1


def two_bars(bridge):
    strange, observable = disc_free()
    strange[20:60, 20:30] = strange[20:60, 34:44] = 30
    strange[38:41, 30:34] = bridge
    return pieces_of(strange, observable)


def test_two_hulls_joined_by_a_weak_bridge_are_two():
    found = two_bars(bridge=7)
    assert found.length.max() > 40 and found.width.max() > 20  # the pair exists as a piece
    kept = best_set(found, found.area * (found.fill - 0.5))
    assert len(kept) == 2
    assert sorted(np.round(found.column[kept])) == pytest.approx([24.5, 38.5], abs=1.5)


def test_value_decides_between_whole_and_parts():
    found = two_bars(bridge=7)
    whole = np.argmax(found.width)
    value = np.ones(len(found))
    value[whole] = 10.0
    assert list(best_set(found, value)) == [whole]
    assert len(best_set(found, -value)) == 0


def test_select_concatenate_and_move():
    found = two_bars(bridge=7)
    twice = Pieces.concatenate([found, Pieces.empty(), found.moved(10, 20)])
    assert len(twice) == 2 * len(found)
    assert np.allclose(twice.row[len(found) :] - found.row, 10) and np.allclose(
        twice.column[len(found) :] - found.column, 20
    )
