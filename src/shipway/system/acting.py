"""Who acts: of a process, or of one request that it answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from shipway.domain.audit import Acting
from shipway.system.login import login

REQUEST = "SHIPWAY_REQUEST"  # number of the request, in the audit, that a process does for the server
_request: ContextVar[Acting | None] = ContextVar("acting", default=None)
_process: list[Acting] = []  # the innermost is the last


def acting() -> Acting:
    """Who acts now, also in the threads of the process."""
    found = _request.get()
    if found is not None:
        return found
    return _process[-1] if _process else Acting(origin=login())


@contextmanager
def acting_in_process(who: Acting) -> Iterator[None]:
    """All that this process does meanwhile, in all its threads, but for requests of others."""
    _process.append(who)
    try:
        yield
    finally:
        _process.remove(who)


@contextmanager
def acting_in_request(who: Acting) -> Iterator[None]:
    """What this task or thread does meanwhile."""
    before = _request.set(who)
    try:
        yield
    finally:
        _request.reset(before)
