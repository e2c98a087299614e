"""How much of this machine's processor the program wants."""

from __future__ import annotations

import os
from contextlib import suppress

LOW = 10  # niceness


def lower() -> int:
    """Leave the processor to others who want it: for this thread, and for those that it begins. Gives the niceness before."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(LOW, usual))
    return usual


def restore(usual: int) -> None:
    """As before again, where this user may ask for that."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, usual)
