"""Run one container to its end: for pipeline steps, migrations, seeds and checks. It is always taken away."""

from __future__ import annotations

import dataclasses
import threading
import uuid
from collections.abc import Callable, Iterator

from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, ContainerSpec
from shipway.domain.errors import Interrupted, NotRunnable, ShipwayError
from shipway.ports import OnLine
from shipway.steps.starting import explanation
from shipway.system.redact import Lines

TIMED_OUT = 124  # as timeout(1)
NOT_RUN = 127  # as a shell: its command can't be executed
POLL = 5.0  # seconds between looks at `cancelled` while a container runs


def run_container(
    ctx: Context,
    spec: ContainerSpec,
    *,
    on_line: OnLine,
    timeout: float,
    before: Callable[[str], None] | None = None,
    after: Callable[[str], None] | None = None,
    leave: bool = False,
) -> int:
    """Create under a unique name, start, follow, wait, remove. Returns the exit code, TIMED_OUT after `timeout` seconds.

    A command that can't be executed ends with NOT_RUN. before(container) runs between create and start, after(container) when it has exited, whatever its code.
    Lines reach on_line redacted, as they come. leave: when it has exited, somebody else takes the container away.
    """
    unique = names.bounded(spec.name, f"_{uuid.uuid4().hex[:8]}")
    container = ctx.runtime.create(
        dataclasses.replace(spec, name=unique, labels={**spec.labels, LABEL_CONFIG: unique})
    )
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
        return follow_container(ctx, container, on_line=on_line, timeout=timeout, after=after, leave=leave)
    except BaseException:
        ctx.runtime.remove(container)
        raise


def follow_container(
    ctx: Context,
    container: str,
    *,
    on_line: OnLine,
    timeout: float,
    after: Callable[[str], None] | None = None,
    leave: bool = False,
) -> int:
    """The rest of it, for one that was started, by whatever process. Lines are given from its first one."""
    try:
        follower = threading.Thread(target=_follow, args=(ctx, container, on_line), daemon=True)
        follower.start()
        code = _wait(ctx, container, timeout)
        if code == TIMED_OUT:
            ctx.runtime.stop(container, 0)
        follower.join(10)
        if after:
            after(container)
    except BaseException:
        ctx.runtime.remove(container)
        raise
    if not leave:
        ctx.runtime.remove(container)
    return code


def capture(ctx: Context, spec: ContainerSpec, *, timeout: float) -> tuple[int, str]:
    """Like `run_container`, with the output returned instead of streamed."""
    lines: list[str] = []
    code = run_container(ctx, spec, on_line=lines.append, timeout=timeout)
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


def _follow(ctx: Context, container: str, on_line: OnLine) -> None:
    try:
        for line in _lines(ctx, container):
            on_line(line)
    except ShipwayError as error:
        on_line(f"(the log ended early: {error})")


def _lines(ctx: Context, container: str) -> Iterator[str]:
    masked = Lines(ctx.redactor)
    return (masked.line(line) for line in ctx.runtime.logs(container, follow=True))
