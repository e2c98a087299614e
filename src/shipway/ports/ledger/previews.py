"""Previews of pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.preview import Preview


class PreviewLedger(Protocol):
    """Those that are wanted, or not closed yet. Raises StoreError. Times are by the ledger's clock."""

    def want_preview(self, preview: Preview) -> Preview:
        """Record a wish: what `preview` says of branch, head, wanted, actor and reason. What was done of earlier ones stays, but
        the problem of another head, and `done` where something else was wanted. An empty branch stays as it is known. Returns
        it with its `seq`."""

    def previews(self, app: str | None = None) -> list[Preview]:
        """By app and number; None: of all apps."""

    def record_preview(self, preview: Preview) -> bool:
        """Record what was done: done, release, problem, ends, sleep, used, requests and asleep. False: there is a newer wish."""

    def see_preview(self, preview: Preview, at: float) -> None:
        """Record that one that sleeps was looked at then, as `used`; nothing if more was recorded since it was read."""

    def forget_preview(self, preview: Preview) -> bool:
        """It was closed, and nothing is left of it. False: there is a newer wish."""
