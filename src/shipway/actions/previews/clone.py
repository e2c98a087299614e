"""Fill a new preview's database with another environment's data: from its newest snapshot, masked on a scratch server that no
other container reaches, so that nothing unmasked ever comes near the preview."""

from __future__ import annotations

import uuid

from shipway.actions.backups.content import carrier, file_from, file_into
from shipway.actions.database.client import FOLDER, DatabaseClient, database_client
from shipway.actions.database.swap import new_name, old_name
from shipway.actions.deployments.host import HostDeployment
from shipway.actions.deployments.plan import DeployRequest, decide
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.observe import settings
from shipway.actions.snapshots.snapshot import shell_of, snapshots
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_NAME, LABEL_ROLE, ContainerSpec
from shipway.domain.errors import GateRefused, ProofError, SnapshotFailed, UsageError
from shipway.domain.plan import Plan
from shipway.domain.previews import Previews
from shipway.domain.release import Deployment, Release
from shipway.domain.size import readable
from shipway.domain.snapshot import Snapshot
from shipway.domain.value import dataclass
from shipway.ports import ScratchDatabase
from shipway.proving.sandbox import Sandbox, open_sandbox
from shipway.proving.server import Server, start

MASKED = "masked.dump"


@dataclass(frozen=True)
class _Source:
    """The environment that is cloned, and its newest snapshot."""

    now: Deployment
    release: Release
    snapshot: Snapshot


def masks_of(rules: Plan, previews: Previews) -> tuple[str, ...]:
    """All that must be applied before anybody sees the data. rules: the protected plan. GateRefused without any."""
    found = (*rules.prove.mask, *previews.mask)
    if not found:
        raise GateRefused(
            f"the data of {previews.data} is never cloned without a mask",
            hint="`previews: {mask: …}` or `prove: {mask: …}` in the plan of the protected branch",
        )
    return found


def clone(ctx: Context, order: DeployRequest, rules: Plan, previews: Previews) -> None:
    """Start the accessories of the preview, which has no release yet, with the masked data in its database. UsageError if there
    is no snapshot of it that fits. What a process that died has left is replaced."""
    masks, found = masks_of(rules, previews), _source(ctx, order.release, previews.data)
    app, where = order.release.app, order.environment
    with exclusive_access(ctx, app, where.name, f"clone of {previews.data}", wait=order.wait) as own:
        if own.ledger.current(app, where.name) is not None:
            return  # it has its data
        own.reporter.note(
            f"the data is that of snapshot {found.snapshot.number} of {previews.data}, {readable(found.snapshot.size)}, masked"
        )
        decision = decide(own, order)
        for part in decision.parts:
            HostDeployment(own, decision, part).accessories()
        shell = database_client(own.on(where.hosts[0].name), order.release, where, settings(own, order.release, where))
        assert shell is not None  # the source has a database of the same kind
        file = f"{uuid.uuid4().hex}.dump"
        size, digest = _masked(ctx, found, masks, rules.prove.timeout, shell, file)
        with own.part("load", readable(size)):
            shell.run("sweep")
            shell.run("load", file, digest, new_name(0))
            shell.run("swap", new_name(0), old_name(0))
            shell.run("sweep")
        shell.ctx.runtime.remove_volume(names.snapshots(app, where.name, shell.accessory.name))


def _source(ctx: Context, release: Release, environment: str) -> _Source:
    """Each snapshot was restored as a test when it was taken."""
    now = ctx.ledger.current(release.app, environment)
    there = ctx.ledger.release(release.app, now.release) if now else None
    known = snapshots(ctx, release.app, environment)
    if now is None or there is None or not known:
        raise UsageError(
            f"{environment} has no snapshot to clone",
            hint=f"take one: shipway snapshot {environment}; or change `previews: data` in the protected plan",
        )
    mine, theirs = release.migrated, there.migrated
    if mine is None or theirs is None or mine.kind != theirs.kind or not (mine.in_container and theirs.in_container):
        raise UsageError(
            f"the database of {environment} can't be cloned: it is of another kind, or in no container of the environment",
            hint="`data: seed` or `data: empty` in the protected plan",
        )
    return _Source(now, there, known[0])


def _masked(
    ctx: Context, found: _Source, masks: tuple[str, ...], timeout: float, shell: DatabaseClient, file: str
) -> tuple[int, str]:  # fmt: skip
    """Write a file with the masked data into the preview's volume of snapshots; returns its size and sha256."""
    release, taken = found.release, found.snapshot
    where = release.plan.environments[taken.environment]
    theirs = shell_of(ctx, found.now, release, where)
    accessory = release.migrated
    assert accessory is not None
    with open_sandbox(ctx, release.app) as sandbox:
        with ctx.part("scratch server", accessory.image):
            server = start(sandbox, release.app, accessory, accessory.image)
            database = server.scratch.create()
            client = _client(sandbox, server, taken)
        with ctx.part("restore", f"snapshot {taken.number}"):
            _copied(theirs, taken.file, taken.size, client, taken.file)
            client.run("load", taken.file, taken.digest, database.name)
        with ctx.part("mask", "; ".join(masks)):
            _mask(database, masks, timeout)
        with ctx.part("dump", "the masked data"):
            made = _client(sandbox, server, taken, database).run("take", MASKED).taken
            if made is None:
                raise SnapshotFailed("the masked data was not written")
            _copied(client, MASKED, made[0], shell, file)
    return made


def _client(
    sandbox: Sandbox, server: Server, taken: Snapshot, database: ScratchDatabase | None = None
) -> DatabaseClient:
    """A client of a database of the scratch server, with a volume that is removed with the sandbox."""
    ctx = sandbox.ctx
    accessory = server.settled(database.name) if database else server.accessory
    login = ctx.kind(accessory).login_of(accessory, sandbox.app, server.container, server.password)
    running = ctx.runtime.find(server.container)
    spec = ContainerSpec(
        name=names.bounded(f"{sandbox.app}_proof_{sandbox.name}_clone"),
        image=running.image if running else accessory.image,
        labels={**sandbox.labels, LABEL_ROLE: "proof", LABEL_NAME: "clone"},
        env=server.driver.client(login),
        networks={server.network: ()},
        volumes={names.bounded(f"{sandbox.app}_proof_{sandbox.name}_clone", names.VOLUME): FOLDER},
    )
    return DatabaseClient(ctx, taken.app, taken.environment, accessory, server.driver, spec, None)


def _copied(source: DatabaseClient, file: str, size: int, target: DatabaseClient, name: str) -> None:
    """Copy a file from one volume of snapshots to another, on any host."""
    with carrier(source) as here, carrier(target) as there:
        file_into(target, there, name, size, file_from(source, here, file))


def _mask(database: ScratchDatabase, masks: tuple[str, ...], timeout: float) -> None:
    for rule in masks:
        try:
            database.execute(rule, timeout=timeout)
        except ProofError as error:
            raise ProofError(
                f"the mask `{rule}` failed on the copy: {error.message}",
                hint="correct it in the plan of the protected branch",
            ) from error
