"""One stage of a proof: a tool runs in a scratch database, monitored and with a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import field, replace

from shipway.domain.errors import MigrationFailed
from shipway.domain.own_tables import OwnTables
from shipway.domain.proof import Stage
from shipway.domain.value import dataclass
from shipway.ports import OnLine, Scratch, ScratchDatabase
from shipway.proving.limit import limited
from shipway.system.durations import human

SUCCEEDED, FAILED = "succeeded", "failed"
_TAIL = 20


def ignore(line: str) -> None:
    """An OnLine that discards lines."""


@dataclass(frozen=True)
class Terms:
    """Settings of all stages of a proof."""

    scratch: Scratch
    timeout: float | None = None  # seconds for each
    on_line: OnLine = ignore
    watched: bool = True  # monitor locks, on a second connection
    begun: float = field(default_factory=time.monotonic)


def run(
    name: str, database: ScratchDatabase, work: Callable[[OnLine], None], terms: Terms, own: OwnTables
) -> tuple[Stage, MigrationFailed | None]:
    """The stage, and the tool's failure. A timeout is a failure. Locks on the tool's own migration history are omitted."""
    lines: list[str] = []

    def take(line: str) -> None:
        lines.append(line)
        terms.on_line(line)

    failure: MigrationFailed | None = None
    begun = time.monotonic()
    with database.watch() if terms.watched else nullcontext() as watched:
        begun = time.monotonic()
        try:
            with limited(database, terms.timeout):
                work(take)
        except MigrationFailed as error:
            failure = error
        except TimeoutError as error:
            doing = f" ({error})" if str(error) else ""
            failure = MigrationFailed(f"it timed out after {human(terms.timeout or 0)} and was interrupted{doing}")
        seconds = time.monotonic() - begun
    stage = Stage(
        name, begun - terms.begun, seconds, FAILED if failure else SUCCEEDED,
        output=tuple(lines[-_TAIL:]) if failure else (), notices=tuple(terms.scratch.notices(lines)),
    )  # fmt: skip
    if watched is not None:
        locks = tuple(lock for lock in watched.locks if not own.is_history(lock.relation))
        stage = replace(stage, locks=locks, rewrites=tuple(watched.rewrites))
    return stage, failure
