"""Drained containers: they stop once their open requests have completed or their `drain` time is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_NAME, LABEL_STANDBY_AUTO, ContainerInfo, ContainerSpec
from shipway.domain.count import counted
from shipway.domain.draining import QUIET, drain_of, port_of, stop_of
from shipway.domain.errors import Interrupted
from shipway.domain.observed import release_of
from shipway.domain.release import Evidence
from shipway.domain.size import readable
from shipway.system.parallel import side_by_side

POLL = 0.5  # seconds between two checks of open connections
CUT = "drain"  # kind of the evidence that connections were closed early


def open_connections(ctx: Context, container: ContainerInfo) -> int | None:
    """Connections from others to the container's port; None if unknown."""
    port = port_of(container)
    if port is None or not container.active:
        return 0
    return ctx.runtime.connections(container.name, port)


def drained(ctx: Context, container: ContainerInfo, since: float) -> bool:
    """Whether it may be stopped; since: when it got its last new request."""
    now = ctx.clock()
    if now >= since + drain_of(container) or not container.active:
        return True
    return now >= since + QUIET and open_connections(ctx, container) == 0


def wait_drained(
    ctx: Context, containers: Sequence[ContainerInfo], since: float, *, at_most: float | None = None
) -> list[ContainerInfo]:
    """Wait until each is drained, or `at_most` seconds from `since`; returns those that aren't."""
    waiting = list(containers)
    while True:
        waiting = [
            item
            for item, done in zip(waiting, side_by_side(lambda item: drained(ctx, item, since), waiting), strict=True)
            if not done
        ]
        if not waiting or (at_most is not None and ctx.clock() >= since + at_most):
            return waiting
        ctx.cancelled.wait(POLL)
        if ctx.cancelled.is_set():
            raise Interrupted("interrupted while requests were drained")


def standby_fits(ctx: Context, containers: Sequence[ContainerInfo]) -> tuple[bool, str]:
    """Whether these may stay on standby, and why. Unless the plan sets it, the available memory must cover their usage,
    so that the next release fits beside them."""
    if not any(LABEL_STANDBY_AUTO in item.labels for item in containers):
        return True, "as set in the plan"
    memory = ctx.runtime.memory()
    used = side_by_side(lambda item: ctx.runtime.usage_of(item.name), containers)
    if memory is None or None in used:
        return False, "the Docker Engine doesn't report the available memory"
    needed, (available, total) = sum(item.memory for item in used if item), memory
    return (
        available >= needed,
        f"it uses {readable(needed)}, and {readable(available)} of {readable(total)} are available",
    )


def enter_rotation(ctx: Context, rotation: str, spec: ContainerSpec | ContainerInfo, *, inside: bool) -> None:
    """Attach a container to the edge's network, and by its service's name to the other services' network."""
    aliases = (spec.labels[LABEL_NAME],)
    if not inside or not ctx.runtime.set_aliases(rotation, spec.name, aliases):
        ctx.runtime.connect(rotation, spec.name, aliases)


def drain_and_stop(ctx: Context, container: ContainerInfo, app: str, environment: str, *, remove: bool) -> None:
    """Let a container finish its work, and stop it; without `remove` it is kept for a rollback. Connections that it
    closes early are counted, in the output and in the ledger."""
    cut = open_connections(ctx, container) or 0
    ctx.runtime.stop(container.name, stop_of(container))
    if cut:
        _record(
            ctx,
            container,
            environment,
            f"stopped with {counted(cut, 'open connection')}, after a drain of up to {drain_of(container):g} s",
            app,
        )
    if remove:
        ctx.runtime.remove(container.name)
    else:
        ctx.runtime.disconnect(names.rotation_network(app, environment), container.name)


def _record(ctx: Context, container: ContainerInfo, environment: str, what: str, app: str) -> None:
    ctx.reporter.note(f"{container.name}: {what}")
    ctx.ledger.add_evidence(
        Evidence(app, release_of(container) or 0, environment, CUT, container.name, False, what, ctx.clock())
    )


def each(work: Callable[[ContainerInfo], object], items: Sequence[ContainerInfo], *, most: int = 32) -> None:
    """Process all items in parallel."""
    side_by_side(work, items, most=most)
