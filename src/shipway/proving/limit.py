"""A limit to how long something may work in a scratch database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shipway.domain.errors import ProofError
from shipway.ports import ScratchDatabase


@contextmanager
def limited(database: ScratchDatabase, seconds: float | None) -> Iterator[None]:
    """TimeoutError, with what the sessions were at, where the block takes longer, whatever it ended with: all sessions in
    the database are ended then, and again each second until the block gives up, for a tool that connects anew."""
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
                pass  # the server may be busy or gone; the next second tells
            done.wait(1.0)

    watcher = threading.Thread(target=wait, daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        done.set()
        watcher.join()  # who ended the sessions has still to tell what they were at
        if late.is_set():
            raise TimeoutError(*doing[:1]) from error
        raise
    finally:
        done.set()
        watcher.join()
    if late.is_set():
        raise TimeoutError(*doing[:1])
