"""Two kinds of work that exclude each other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from shipway.system.turns import Turns


def test_work_of_one_kind_goes_on_side_by_side() -> None:
    turns, both = Turns(), threading.Barrier(2)

    def work(_: int) -> None:
        with turns.of(True):
            both.wait(10)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))


def test_kinds_never_overlap_and_both_get_their_turn() -> None:
    turns, guard = Turns(), threading.Lock()
    active = {True: 0, False: 0}

    def work(number: int) -> None:
        kind = number % 3 == 0
        with turns.of(kind):
            with guard:
                active[kind] += 1
                assert not active[not kind]
            threading.Event().wait(0.001)
            with guard:
                active[kind] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
