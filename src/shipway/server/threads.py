"""Threads of their own for what many ask at once or takes long, so that the sign-in and webhooks always find one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")


class Threads:
    """At most so many at once; others wait, without a thread."""

    def __init__(self, count: int) -> None:
        self._turn = CapacityLimiter(count)

    async def run(self, work: Callable[..., T], *given: Any) -> T:
        """What the work returns."""
        return await to_thread.run_sync(work, *given, limiter=self._turn)
