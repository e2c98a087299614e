"""Reporter: receives an action's progress."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Receives an action's progress. Safe to call from several threads."""

    def heading(self, text: str) -> None:
        """Start a new stage."""

    def begin(self, name: str, detail: str = "") -> None:
        """Start a named part."""

    def line(self, name: str, text: str) -> None:
        """Add a line of a named part's output."""

    def end(self, name: str, outcome: str, seconds: float | None = None, detail: str = "") -> None:
        """End a named part; outcome as in domain.release, or `skipped`."""

    def note(self, text: str) -> None:
        """Add a message for the user."""
