"""Run one container to its end, for pipeline steps, migrations, seeds and checks. It is always removed."""

from __future__ import annotations

import dataclasses
import threading
import uuid
from collections.abc import Callable

from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, LABEL_OWNER, ContainerSpec
from shipway.domain.errors import Interrupted, NotRunnable, ShipwayError, StepFailed
from shipway.ports import OnLine
from shipway.steps.starting import explanation
from shipway.system.redact import Lines

TIMED_OUT = 124  # as timeout(1) returns
NOT_RUN = 127  # as a shell returns: its command can't be executed
POLL = 5.0  # seconds between checks of `cancelled` while a container runs
STALLED = 30.0  # seconds without a line until the rest of an exited container's output counts as lost
CAPTURED = 64 << 20  # characters of captured output


class Enough(Exception):
    """Raised by a consumer of lines that wants no more. The container continues."""


def run_container(
    ctx: Context,
    spec: ContainerSpec,
    *,
    on_line: OnLine,
    timeout: float,
    before: Callable[[str], None] | None = None,
    after: Callable[[str], None] | None = None,
    keep: bool = False,
) -> int:
    """Create under a unique name, start, follow, wait, remove. Returns the exit code, or TIMED_OUT after `timeout`
    seconds.

    A command that can't be executed returns NOT_RUN. before(container) runs between create and start, after(container)
    when it has exited, with any code. Lines reach on_line redacted, as they arrive. keep: the caller removes the
    container after it has exited.
    """
    unique = names.bounded(spec.name, f"_{uuid.uuid4().hex[:8]}")
    labels = {**spec.labels, **owner_label(ctx), LABEL_CONFIG: unique}
    container = ctx.runtime.create(dataclasses.replace(spec, name=unique, labels=labels))
    try:
        if before:
            before(container)
        try:
            ctx.runtime.start(container)
        except NotRunnable as error:
            why = explanation(ctx, container, error.message)
            on_line(ctx.redactor.line(f"{why[0]}; {why[1]}" if why else error.message))
            ctx.runtime.remove(container)
            return NOT_RUN
        return follow_container(ctx, container, on_line=on_line, timeout=timeout, after=after, keep=keep)
    except BaseException:
        ctx.runtime.remove(container)
        raise


def owner_label(ctx: Context) -> dict[str, str]:
    """Label of a container that is created without the environment's lock: whoever holds that ends the jobs that it
    finds, but none of a process that still works."""
    return {} if ctx.exclusive else {LABEL_OWNER: ctx.owner}


def follow_container(
    ctx: Context,
    container: str,
    *,
    on_line: OnLine,
    timeout: float,
    after: Callable[[str], None] | None = None,
    keep: bool = False,
) -> int:
    """Follow a container that any process started, from its first line: wait, remove, and return as `run_container`
    does."""
    try:
        follower = _Follower(ctx, container, on_line)
        code = _wait(ctx, container, timeout)
        if code == TIMED_OUT:
            ctx.runtime.stop(container, 0)
        follower.finish()
        if after:
            after(container)
    except BaseException:
        ctx.runtime.remove(container)
        raise
    if not keep:
        ctx.runtime.remove(container)
    return code


def capture(ctx: Context, spec: ContainerSpec, *, timeout: float) -> tuple[int, str]:
    """Like `run_container`, but returns the output instead of streaming it. StepFailed if it is too large."""
    lines: list[str] = []
    size = 0

    def collect(line: str) -> None:
        nonlocal size
        size += len(line) + 1
        if size > CAPTURED:
            raise Enough
        lines.append(line)

    code = run_container(ctx, spec, on_line=collect, timeout=timeout)
    if size > CAPTURED:
        raise StepFailed(f"the output of `{' '.join(spec.command or ())[:80]}` is larger than {CAPTURED >> 20} MB")
    return code, "\n".join(lines)


def _wait(ctx: Context, container: str, timeout: float) -> int:
    deadline = ctx.clock() + timeout
    while True:
        if ctx.cancelled.is_set():
            raise Interrupted("interrupted")
        left = deadline - ctx.clock()
        try:
            return ctx.runtime.wait(container, max(0.0, min(POLL, left)))
        except TimeoutError:
            if left <= POLL:
                return TIMED_OUT


class _Follower:
    """Forwards a container's output line by line, redacted, in its own thread."""

    def __init__(self, ctx: Context, container: str, on_line: OnLine) -> None:
        self._ctx, self._container, self._on_line = ctx, container, on_line
        self._lines = 0
        self._left = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the rest while output arrives. Errors in handling a line are raised here."""
        seen, quiet = self._lines, 0.0
        while self._thread.is_alive() and quiet < STALLED and not self._ctx.cancelled.is_set():
            self._thread.join(1.0)
            quiet = quiet + 1.0 if self._lines == seen else 0.0
            seen = self._lines
        if self._thread.is_alive() and not self._ctx.cancelled.is_set():
            self._left = True
            self._on_line(f"(the output is incomplete: the Docker Engine sent no more of it for {STALLED:g} s)")
        if self._failure:
            raise self._failure

    def _run(self) -> None:
        try:
            masked = Lines(self._ctx.redactor)
            for line in self._ctx.runtime.logs(self._container, follow=True):
                if self._left:
                    return
                self._on_line(masked.line(line))
                self._lines += 1
        except Enough:
            pass
        except ShipwayError as error:
            if not self._left and not self._ctx.cancelled.is_set():
                self._on_line(f"(the output is incomplete: {error})")
        except Exception as error:
            self._failure = error
