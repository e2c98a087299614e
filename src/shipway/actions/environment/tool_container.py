"""One container for all commands of a migration tool, for the duration of an operation: starting one for each takes longer
than most commands."""

from __future__ import annotations

import dataclasses
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, ContainerSpec
from shipway.domain.errors import Interrupted, NotRunnable, ShipwayError
from shipway.ports import OneOff
from shipway.steps.container import TIMED_OUT, capture
from shipway.system.durations import human

TIMEOUT = 1800.0  # seconds of a command
LIFE = "86400"  # seconds until the container ends by itself if its process died
LOOK = 0.5  # seconds between checks of `cancelled` while a command runs


@contextmanager
def tool_containers(ctx: Context) -> Iterator[Context]:
    """A context in which the commands of one specification share a container, which is removed at the end. It is a job
    like any other: if this process dies, the next operation removes it."""
    shared = _Shared()
    try:
        yield dataclasses.replace(ctx, one_off=shared.runner)
    finally:
        shared.close()


def one_off(ctx: Context, spec: ContainerSpec) -> OneOff:
    """Runs commands in the shared container of `tool_containers`; elsewhere in a container each."""
    return ctx.one_off(ctx, spec) if ctx.one_off else alone(ctx, spec)


def alone(ctx: Context, spec: ContainerSpec) -> OneOff:
    """Runs each command in a container of its own."""

    def run(command: Sequence[str]) -> tuple[int, str]:
        ctx.images.pull(spec.image, lambda line: None)  # the host may not have the image yet
        argv = dataclasses.replace(spec, entrypoint=(command[0],), command=tuple(command[1:]))
        return capture(ctx, argv, timeout=TIMEOUT)

    return run


@dataclasses.dataclass
class _Started:
    ctx: Context
    spec: ContainerSpec
    name: str


class _Shared:
    """Containers by host and specification. An image without `sleep` gets a container for each command."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._started: list[_Started] = []
        self._unable: set[str] = set()  # images

    def runner(self, ctx: Context, spec: ContainerSpec) -> OneOff:
        single = alone(ctx, spec)

        if not ctx.machine.executes:
            return single

        def run(command: Sequence[str]) -> tuple[int, str]:
            with self._guard:
                container = None if spec.image in self._unable else self._container(ctx, spec)
            if container is None:
                return single(command)
            try:
                return _execute(ctx, container.name, command)
            except _Late:
                self._remove(container)
                return TIMED_OUT, f"it still ran after {human(TIMEOUT)}, and was stopped"
            except BaseException:  # the command may still run
                self._remove(container)
                raise

        return run

    def close(self) -> None:
        """Remove all. A container that can't be removed now is removed by the next operation."""
        for container in [*self._started]:
            with suppress(ShipwayError):
                self._remove(container)

    def _container(self, ctx: Context, spec: ContainerSpec) -> _Started | None:
        """The running container with all its networks, which a revert may have removed; a new one if there is none."""
        known = next(
            (item for item in self._started if item.ctx.machine.name == ctx.machine.name and item.spec == spec), None
        )
        if known is not None:
            info = ctx.runtime.find(known.name)
            if info is not None and info.running and info.addresses.keys() >= spec.networks.keys():
                return known
            self._remove(known)
        ctx.images.pull(spec.image, lambda line: None)  # the host may not have the image yet
        name = names.bounded(spec.name, f"_{uuid.uuid4().hex[:8]}")
        labels = {**spec.labels, LABEL_CONFIG: name}
        made = _Started(ctx, spec, name)
        self._started.append(made)
        ctx.runtime.create(dataclasses.replace(spec, name=name, labels=labels, entrypoint=("sleep",), command=(LIFE,)))
        try:
            ctx.runtime.start(name)
        except NotRunnable:
            self._remove(made)
            self._unable.add(spec.image)
            return None
        return made

    def _remove(self, container: _Started) -> None:
        container.ctx.runtime.remove(container.name)
        if container in self._started:
            self._started.remove(container)


class _Late(Exception):
    pass


def _execute(ctx: Context, container: str, command: Sequence[str]) -> tuple[int, str]:
    """Exit code and redacted output. Interrupted once the operation is cancelled, _Late after TIMEOUT."""
    answer: list[tuple[int, str] | Exception] = []

    def work() -> None:
        try:
            answer.append(ctx.runtime.execute(container, command, timeout=TIMEOUT))
        except Exception as error:
            answer.append(error)

    thread = threading.Thread(target=work, daemon=True)
    deadline = ctx.clock() + TIMEOUT
    thread.start()
    while thread.is_alive():
        thread.join(LOOK)
        if ctx.cancelled.is_set():
            raise Interrupted("interrupted")
        if thread.is_alive() and ctx.clock() > deadline:
            raise _Late
    if isinstance(answer[0], Exception):
        raise answer[0]
    code, output = answer[0]
    return code, ctx.redactor.text("\n".join(output.splitlines()))
