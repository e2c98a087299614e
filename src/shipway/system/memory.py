"""The memory of this machine."""

from __future__ import annotations

import os
from functools import cache

SHARE = 0.8  # of it that one step may take


@cache
def most_memory() -> int:
    """Bytes that a container may take which says nothing of its own: it must not end what serves beside it."""
    return max(int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * SHARE), 512 << 20)
