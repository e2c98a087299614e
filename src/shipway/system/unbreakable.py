"""A reporter whose failure can't fail an action: its output may be closed."""

from __future__ import annotations

from typing import Any


class UnbreakableReporter:
    """Forwards each report to another reporter (see `ports.Reporter`) and suppresses its errors; `error` is the first
    one.

    Interrupts are not suppressed. Every context wraps its reporter in one.
    """

    def __init__(self, reporter: Any) -> None:
        self._reporter = reporter
        self.error: Exception | None = None

    def heading(self, text: str) -> None:
        """Report a new stage."""
        self._report("heading", text)

    def begin(self, name: str, detail: str = "") -> None:
        """Report the start of a part."""
        self._report("begin", name, detail)

    def line(self, name: str, text: str) -> None:
        """Report a line of output."""
        self._report("line", name, text)

    def end(self, name: str, outcome: str, seconds: float | None = None, detail: str = "") -> None:
        """Report the end of a part."""
        self._report("end", name, outcome, seconds, detail)

    def note(self, text: str) -> None:
        """Report a message."""
        self._report("note", text)

    def _report(self, method: str, *values: object) -> None:
        try:
            getattr(self._reporter, method)(*values)
        except Exception as error:  # any error: the action continues
            self.error = self.error or error
