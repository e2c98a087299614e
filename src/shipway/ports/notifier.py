"""Tells people."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from shipway.domain.value import dataclass

if TYPE_CHECKING:
    from shipway.domain.outbox import Notice


class Notifier(Protocol):
    """One receiver. Raises NotifyError, whose text never has the URL or a part of it. Not idempotent: people are told twice."""

    def check(self) -> None:
        """NotifyError if it can never work as it is set up. Sends nothing."""

    def send(self, notice: Notice) -> None:
        """Within the access's time."""


@dataclass(frozen=True)
class NotifierAccess:
    """What a driver needs."""

    url: str = field(default="", repr=False)  # of Apprise
    command: tuple[str, ...] = ()
    timeout: float = 15.0  # seconds for the whole
