"""Send requests at a steady rate, whatever the responses take, and measure each from the moment it was due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from shipway.domain.value import dataclass

LATE = 30.0  # seconds after the last request was due, for responses
WORKERS = 64  # requests at a time, at most
BEHIND = 1.0  # seconds that a request is sent late, from which on this machine counts as too slow


@dataclass(frozen=True)
class Measured:
    """seconds: of each request, in the order of their ends; errors: of those that failed; behind: whether this machine
    sent a request long after it was due although it waited for no response."""

    seconds: tuple[float, ...]
    errors: tuple[str, ...]
    behind: bool


def drive(request: Callable[[], Callable[[], str]], rate: float, duration: float, *, stop: threading.Event) -> Measured:
    """Send rate × duration requests. request: makes a sender with a connection of its own, which returns an error or "".
    stop: ends it early."""
    total = max(1, round(rate * duration))
    begin = time.monotonic() + 0.05
    guard = threading.Lock()
    at, seconds, errors, late = 0, list[float](), list[str](), 0.0

    def work() -> None:
        nonlocal at, late
        send = request()
        while not stop.is_set():
            with guard:
                number, at = at, at + 1
            if number >= total:
                return
            due = begin + number / rate
            wait = due - time.monotonic()
            if wait > 0 and stop.wait(wait):
                return
            begun = time.monotonic()
            try:
                error = send()
            except OSError as problem:
                error = str(problem) or type(problem).__name__
            ended = time.monotonic()
            with guard:
                seconds.append(ended - due)
                late = max(late, begun - due) if wait > 0 else late  # it waited for nothing but its turn
                if error:
                    errors.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(WORKERS, total))]
    for thread in threads:
        thread.start()
    deadline = begin + duration + LATE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    stuck = sum(thread.is_alive() for thread in threads)
    with guard:
        more = ("no response in time",) * stuck
        return Measured((*seconds, *([LATE] * stuck)), (*errors, *more), late > BEHIND and not stuck)
