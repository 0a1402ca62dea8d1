"""Pieces of one work on two cores: numpy and GDAL let go of the interpreter while they compute."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

from .errors import Cancelled

WORKERS = 2  # more would only wait for each other: between the arrays there is Python
LOOK_S = 0.2  # the caller is asked this often whether to go on

Result = TypeVar("Result")
Piece = Callable[[Callable[[float], None]], Result]


def side_by_side(pieces: Iterable[Piece[Result]], look: Callable[[], None]) -> Iterator[Result]:
    """Results of pieces of work, in order; two pieces run at once.

    pieces: each is called in a thread of its own with a progress that raises Cancelled once nobody waits for it any more. They are
    made in the caller's thread, one when the last but one before it is done and its result was taken, so that they may build on it:
    what comes out does not depend on the machine. look: called in the caller's thread while it waits; may raise Cancelled.
    """
    over = Event()

    def go_on(fraction: float) -> None:
        if over.is_set():
            raise Cancelled

    running: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(WORKERS) as threads:
        try:
            for piece in pieces:
                running.append(threads.submit(piece, go_on))
                if len(running) == WORKERS:
                    yield _result(running.popleft(), look)
            while running:
                yield _result(running.popleft(), look)
        finally:
            over.set()


def _result(coming: Future[Result], look: Callable[[], None]) -> Result:
    look()
    while not wait([coming], LOOK_S).done:
        look()
    return coming.result()
