"""Consoles of frameworks, and how they are recognized in an image."""

from __future__ import annotations

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Console:
    """A framework's console. It is recognized by a variable, or by a file in the image's working directory, whose content
    matches the pattern."""

    framework: str
    command: tuple[str, ...]
    files: tuple[str, ...]
    pattern: str = ""
    variable: str = ""
