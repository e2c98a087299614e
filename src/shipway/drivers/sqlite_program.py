"""The program that works on an SQLite file in a container: any image with Python has what it needs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PATH = Path(__file__).with_name("server") / "inside" / "sqlite_program.py"


def program(operation: str, *words: str) -> tuple[str, ...]:
    """The command (argv) of an operation."""
    return ("python3", "-c", _text(), operation, *words)


@cache
def _text() -> str:
    return _PATH.read_text(encoding="utf-8")
