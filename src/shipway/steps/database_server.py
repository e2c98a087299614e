"""Ask a database server: in its own container, or from a new container for an external one and for a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import ContainerSpec
from shipway.domain.plan import Accessory
from shipway.steps.container import capture

TIMEOUT = 120.0


def file_mount(app: str, environment: str, accessory: Accessory) -> dict[str, str]:
    """The mount of the environment's volume with the file of a database without a server; else none."""
    return {names.volume(app, environment, accessory.file.volume): accessory.file.folder} if accessory.file else {}


def ask(
    ctx: Context, app: str, environment: str, accessory: Accessory, password: str, command: Sequence[str], *,
    labels: Mapping[str, str] | None = None,
) -> tuple[int, str]:  # fmt: skip
    """Run a command of `ports.DatabaseServer` for which it names the server's container; returns exit code and output.
    ctx: of its host. password: of an external one, its address. labels: of a new container, also for one in a cluster."""
    container = names.accessory(app, environment, accessory.name)
    if accessory.in_container and ctx.machine.executes:
        return ctx.runtime.execute(container, command)
    login = ctx.kind(accessory).login_of(accessory, app, accessory.name, password)
    ctx.images.pull(accessory.image, lambda line: None)
    spec = ContainerSpec(
        name=f"{app}_{environment}_job_ask", image=accessory.image, entrypoint=tuple(command[:1]), command=tuple(command[1:]),
        labels=labels or names.labels(app, environment, "job", accessory.name),
        env=ctx.servers[accessory.kind].client(login), networks={names.network(app, environment): ()},
        volumes=file_mount(app, environment, accessory),
    )  # fmt: skip
    return capture(ctx, spec, timeout=TIMEOUT)
