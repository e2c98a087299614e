"""A time limit for work in a scratch database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shipway.domain.errors import ProofError
from shipway.ports import ScratchDatabase


@contextmanager
def limited(database: ScratchDatabase, seconds: float | None) -> Iterator[None]:
    """TimeoutError with the sessions' activity if the block takes longer, whatever its own result. All sessions of the
    database are then terminated, and again every second until the block ends, in case a tool reconnects."""
    done, late = threading.Event(), threading.Event()
    doing: list[str] = []

    def wait() -> None:
        if done.wait(seconds):
            return
        late.set()
        while not done.is_set():
            try:
                doing.extend(database.interrupt())
            except ProofError:
                pass  # the server may be busy or gone; retried after a second
            done.wait(1.0)

    watcher = threading.Thread(target=wait, daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        done.set()
        watcher.join()  # the watcher still has to report the sessions' activity
        if late.is_set():
            raise TimeoutError(*doing[:1]) from error
        raise
    finally:
        done.set()
        watcher.join()
    if late.is_set():
        raise TimeoutError(*doing[:1])
