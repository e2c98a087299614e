"""Processes that are killed at a point of their work."""

from __future__ import annotations

import signal

from examples.project import Done
from tests.system.tiny import Tiny


def ordered(project: Tiny, order: str, *args: str) -> Done:
    """A command that is told to die, or with 0 to count."""
    project.env["SHIPWAY_TEST_DIE"] = order
    try:
        done = project.shipway(*args, check=False)
    finally:
        del project.env["SHIPWAY_TEST_DIE"]
    # A point may be beyond its end: how often a lease is renewed depends on the time that it takes.
    assert done.code in ((0,) if order == "0" else (-signal.SIGKILL, 0)), done.output
    return done
