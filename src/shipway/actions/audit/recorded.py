"""Record an action before it begins, and how it ended."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from shipway.domain.audit import BEGAN, ENDED, FAILED, INTERRUPTED, REFUSED, SUCCEEDED, Acting, Fact
from shipway.domain.errors import GateRefused, Interrupted, NotAllowed, ShipwayError
from shipway.ports import AuditLedger

REFUSALS = (NotAllowed, GateRefused)


@contextlib.contextmanager
def recorded(
    ledger: AuditLedger, who: Acting, fact: Fact, during: Callable[[Acting], AbstractContextManager[None]]
) -> Iterator[int]:
    """Append an entry of who acts, which everything that is recorded meanwhile is part of, and at the end how it ended.
    Nothing begins if that isn't possible. during: makes it known who acts, see system.acting."""
    with during(who):
        number = ledger.add_entry(dataclasses.replace(fact, outcome=BEGAN))
    with during(dataclasses.replace(who, entry=number)):
        try:
            yield number
        except BaseException as error:
            with contextlib.suppress(ShipwayError):  # the error itself matters more
                end(ledger, number, fact, *ending(error))
            raise
        end(ledger, number, fact, SUCCEEDED, "")


def end(ledger: AuditLedger, number: int, fact: Fact, outcome: str, why: str) -> None:
    """Append how the entry of that number ended."""
    ledger.add_entry(Fact(ENDED, why, fact.app, fact.environment, outcome=outcome, part_of=number))


def ending(error: BaseException) -> tuple[str, str]:
    """How something ended that raised this, and why."""
    code = getattr(error, "exit_code", getattr(error, "code", None))
    if isinstance(error, ShipwayError):
        word = REFUSED if isinstance(error, REFUSALS) else INTERRUPTED if isinstance(error, Interrupted) else FAILED
        return word, error.message
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, ""
    if code in (0, None) and not isinstance(error, Exception | SystemExit):
        return INTERRUPTED, type(error).__name__
    if code == 0 or (isinstance(error, SystemExit) and code is None):
        return SUCCEEDED, ""
    return FAILED, f"exit code {code}" if isinstance(code, int) else type(error).__name__
