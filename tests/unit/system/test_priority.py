"""The priority of the program."""

from __future__ import annotations

import os
from threading import Thread

from shipway.system import priority


def test_lower_and_as_before() -> None:
    seen: list[int] = []

    def work() -> None:
        usual = priority.lower()
        seen.append(os.getpriority(os.PRIO_PROCESS, 0) - max(usual, priority.LOW))
        begun = Thread(target=lambda: seen.append(os.getpriority(os.PRIO_PROCESS, 0) - max(usual, priority.LOW)))
        begun.start()
        begun.join()
        priority.restore(usual)

    before = os.getpriority(os.PRIO_PROCESS, 0)
    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [0, 0]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
