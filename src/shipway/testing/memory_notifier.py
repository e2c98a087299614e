"""A receiver of notifications in memory."""

from __future__ import annotations

from shipway.domain.outbox import Notice
from shipway.testing.memory_calls import Recorder


class MemoryNotifier(Recorder):
    """Implements ports.Notifier."""

    def __init__(self) -> None:
        super().__init__()
        self.notices: list[Notice] = []

    def check(self) -> None:
        """It always works."""
        with self._call("check"):
            pass

    def send(self, notice: Notice) -> None:
        """Keep it."""
        with self._call("send", notice.event):
            self.notices.append(notice)
