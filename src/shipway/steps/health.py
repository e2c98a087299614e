"""Our own probes, from the moment that a container starts; Docker's health interval would cost seconds."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from shipway.context import Context
from shipway.domain.container import ContainerInfo
from shipway.domain.errors import DeployFailed, EngineError, Interrupted
from shipway.domain.plan import Health
from shipway.system.http import AGENT

LOG_LINES = 20
LOG_WIDTH = 300  # characters; an access log in JSON has lines of a thousand
LOG_SEARCHED = 1000  # last lines that are looked through for those that aren't about our own probes
STEADY = 0.5  # seconds that a container without a health check must stay up


def wait_healthy(ctx: Context, waiting: Sequence[tuple[str, Health | None, int | None]]) -> None:
    """Wait for all of (container name, health, port) side by side.

    Raises DeployFailed for the first that exits or isn't healthy in time, with its last log lines.
    """
    if not waiting:
        return
    with ThreadPoolExecutor(len(waiting)) as pool:
        for future in [pool.submit(_wait_one, ctx, *item) for item in waiting]:
            future.result()


def look(ctx: Context, names: Sequence[str]) -> None:
    """DeployFailed for the first of these containers that doesn't run."""
    for name in names:
        _running(ctx, name)


def _running(ctx: Context, name: str) -> ContainerInfo:
    container = ctx.runtime.find(name)
    if container is None or container.state in ("exited", "dead", "restarting"):
        raise _failed(ctx, name, "it exited" + _code(container))
    return container


def _wait_one(ctx: Context, name: str, health: Health | None, port: int | None) -> None:
    started = ctx.clock()
    deadline = started + (health.timeout if health else STEADY)
    while True:
        if ctx.cancelled.is_set():
            raise Interrupted("interrupted while waiting for health")
        container = _running(ctx, name)
        late = ctx.clock() >= deadline
        if health is None:
            if late:
                return
        else:
            healthy, seen = _probe(ctx, container, health, port)
            if healthy:
                return
            if late:
                raise _failed(ctx, name, f"not healthy within {health.timeout:g} s: {seen}")
        ctx.cancelled.wait(health.interval if health else 0.1)


def _code(container: ContainerInfo | None) -> str:
    return "" if container is None or container.exit_code is None else f" with code {container.exit_code}"


def _probe(ctx: Context, container: ContainerInfo, health: Health, port: int | None) -> tuple[bool, str]:
    if health.path or health.tcp:
        healthy, seen = _reach(ctx, container, health.path, port)
        if not healthy or not health.command:
            return healthy, seen
    try:
        code, output = ctx.runtime.execute(container.name, ["sh", "-c", health.command or "true"])
    except EngineError as error:  # it has ended since it was looked at: the next look tells how
        return False, str(error)
    return code == 0, f"`{health.command}` exits with {code}: {output.strip()[-200:]}"


def _reach(ctx: Context, container: ContainerInfo, path: str | None, port: int | None) -> tuple[bool, str]:
    address = next((item for item in container.addresses.values() if item), None)
    if address is None or port is None:
        return False, "it has no address yet"
    if path:
        probe = ctx.machine.probe(address, port, path, 2.0)
        return probe.ok, f"GET {path}: {probe.detail}"
    probe = ctx.machine.probe_tcp(address, port, 2.0)
    return probe.ok, f"port {port}: {probe.detail}"


def _failed(ctx: Context, name: str, why: str) -> DeployFailed:
    log = "".join(f"\n  {name} │ {line}" for line in _last_lines(ctx, name)) or "\n  (it wrote nothing)"
    return DeployFailed(f"{name}: {why}\nits last lines:{log}")


def _last_lines(ctx: Context, name: str) -> list[str]:
    """What it said of itself: a line for each of our probes would push that out of sight."""
    found = list(ctx.runtime.logs(name, tail=LOG_SEARCHED)) if ctx.runtime.find(name) else []
    lines = [ctx.redactor.line(line) for line in found if AGENT not in line][-LOG_LINES:]
    lines = [line if len(line) <= LOG_WIDTH else f"{line[:LOG_WIDTH]} …" for line in lines]
    probes = sum(AGENT in line for line in found)
    return [*lines, f"({probes} lines about Shipway's own probes left out)"] if probes else lines
