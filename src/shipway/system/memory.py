"""The memory of this machine."""

from __future__ import annotations

import os
from functools import cache

SHARE = 0.8  # share that one step may take


@cache
def most_memory() -> int:
    """Bytes for a container without a limit of its own: it must not crash the services beside it."""
    return max(int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * SHARE), 512 << 20)
