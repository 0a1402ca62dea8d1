import threading
import time

import pytest

from rason.engine.errors import Cancelled
from rason.engine.side_by_side import side_by_side


def nothing():
    pass


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_results_come_in_order_whatever_takes_longest(count):
    def piece(k):
        return lambda progress: time.sleep(0.01 * (count - k)) or k

    assert list(side_by_side((piece(k) for k in range(count)), nothing)) == list(range(count))


def test_two_pieces_run_at_once():
    together = threading.Barrier(2, timeout=10)  # breaks where one waits for the other to end
    assert sorted(side_by_side([lambda progress: together.wait() for _ in range(4)], nothing)) == [0, 0, 1, 1]


def test_a_piece_may_build_on_the_results_before_the_last():
    known, taken = [], []

    def pieces():
        for k in range(6):
            known.append(list(taken))
            yield lambda progress, k=k: k

    for result in side_by_side(pieces(), nothing):
        taken.append(result)
    assert known == [[], [], [0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]


def test_a_stop_ends_what_still_runs_and_starts_nothing_more():
    stopped, started = [], []

    def long(progress):
        started.append(1)
        try:
            while True:
                progress(0.5)
                time.sleep(0.005)
        except Cancelled:
            stopped.append(1)
            raise

    def look():
        if len(started) == 2:
            raise Cancelled

    begin = time.perf_counter()
    with pytest.raises(Cancelled):
        list(side_by_side([long] * 5, look))
    assert len(started) == len(stopped) == 2
    assert time.perf_counter() - begin < 5


def test_what_goes_wrong_in_a_piece_is_raised_where_it_is_waited_for():
    def bad(progress):
        raise ValueError("seven")

    with pytest.raises(ValueError, match="seven"):
        list(side_by_side([lambda progress: 1, bad, lambda progress: 2], nothing))
