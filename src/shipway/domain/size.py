"""Sizes for messages."""

from __future__ import annotations


def readable(count: float) -> str:
    """'0 bytes', '12 kB', '3.4 MB', '1.2 GB': powers of 1000, as engines and `df -H` show them."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 10 * size else f"{count / size:.0f} {unit}"
    return f"{count:.0f} bytes"
