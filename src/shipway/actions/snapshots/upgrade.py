"""Upgrade an environment's database server to another major version: dump and restore into a new volume, compare the
rows, and deploy the current release with the new image. The old container and volume stay unchanged until the new one
serves.

This is a deployment of a release that differs only in the accessory's image; it is pending before the services stop. If
its process dies, the next command rolls it back like any deployment: the previous services run on the old database.
"""

from __future__ import annotations

import dataclasses
from functools import partial

from shipway.actions.deployments.apply import apply
from shipway.actions.deployments.plan import Decision, DeployRequest, decide
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.deployments.revert import revert
from shipway.actions.environment.accessory_rules import COMPLETE, config_of, series_of_container
from shipway.actions.environment.locks import without_jobs
from shipway.actions.environment.observe import observe
from shipway.actions.environment.recording import recorded
from shipway.actions.environment.serving import serving
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, LABEL_ROLE, ContainerInfo, ContainerSpec
from shipway.domain.data_version import Series
from shipway.domain.draining import stop_of
from shipway.domain.errors import DeployFailed, ShipwayError, UsageError
from shipway.domain.event import DEPLOYMENT, Subject
from shipway.domain.plan import Accessory, Environment
from shipway.domain.release import DEPLOY, FAILED, Deployment, Release
from shipway.domain.schema_history import schema_revisions
from shipway.domain.value import dataclass
from shipway.domain.volumes import variables_of
from shipway.ports import DatabaseServer
from shipway.steps.container import capture
from shipway.steps.health import wait_healthy
from shipway.steps.starting import create_and_start
from shipway.system.parallel import errors_of, side_by_side

TIMEOUT = 24 * 3600.0


@dataclass(frozen=True)
class Upgraded:
    """The result of an upgrade."""

    old: Series
    new: Series
    release: Release
    tables: int  # number of tables whose rows were compared
    volume: str  # kept, with the old version's files


@dataclass(frozen=True)
class _Upgrade:
    """A possible upgrade. ctx: of the database's host."""

    ctx: Context
    server: DatabaseServer
    environment: Environment
    accessory: Accessory  # with the new image
    spec: ContainerSpec
    running: ContainerInfo
    old: Series
    new: Series

    @property
    def path(self) -> str:
        """Mount path of the volume."""
        return self.spec.volumes[self.usual]

    @property
    def usual(self) -> str:
        """The volume with the accessory's name."""
        return self.spec.name

    @property
    def volume(self) -> str:
        """The volume of the new version."""
        return names.volume_of_version(self.usual, self.new.numbers)


def upgrade(ctx: Context, app: str, environment: str, accessory: Accessory, *, wait: float = 0.0) -> Upgraded:
    """Upgrade it. accessory: as in the plan of the caller, of which only the image and the path of the volume count: the rest is
    as the rules in force let it be deployed. UsageError before any change if there is nothing to upgrade."""
    if accessory.external:
        raise UsageError(
            f"{accessory.name} is an external service: Shipway has no files of it to upgrade",
            hint="upgrade the server where it is managed, then set its new `version` in the plan and deploy",
        )
    reason = f"upgrade of {accessory.name} to {accessory.image}"
    with (
        exclusive_access(ctx, app, environment, reason, wait=wait) as own,
        without_jobs(own, app, environment, reason),
    ):
        now, release, where = serving(own, app, environment)
        present = release.plan.accessories.get(accessory.name, accessory)
        accessory = dataclasses.replace(present, image=accessory.image, kind=accessory.kind, volume=accessory.volume)
        desired = _with_image(own, release, accessory)
        order = DeployRequest(
            desired, where, DEPLOY, f"{accessory.name} upgraded to {accessory.image}", like=now, force=True
        )
        found = _prepare(own, order, release, accessory)
        order = dataclasses.replace(
            order, release=own.ledger.add_release(desired), volumes={found.spec.name: {found.volume: found.path}}
        )
        decision = decide(own, order)
        revisions = schema_revisions(own.ledger.history(app, environment))
        record = Deployment(
            id=0, app=app, environment=environment, release=order.release.number, kind=DEPLOY, actor=own.actor,
            reason=order.reason, started=own.clock(), secrets=decision.settings.versions, adjustments=decision.settings.adjustments,
        )  # fmt: skip
        number = own.ledger.begin_deployment(record)
        with recorded(own, Subject(DEPLOYMENT, app, number), reason) as kept:
            tables = _copied(kept, found, decision, now, number, revisions[-1].schema if revisions else None)
            try:
                apply(kept, decision, number)
            except BaseException:
                latest = own.ledger.latest(app, environment)
                if latest is not None and latest.outcome == FAILED:
                    lost = f"data written to the new one meanwhile is only in the volume {found.volume}, which the next upgrade replaces"
                    kept.reporter.note(f"the old database serves again; {lost}")
                raise
        return Upgraded(found.old, found.new, order.release, tables, found.running.volumes.get(found.path, found.usual))


def _with_image(ctx: Context, release: Release, accessory: Accessory) -> Release:
    """The current release with this accessory; not numbered yet."""
    plan = dataclasses.replace(release.plan, accessories={**release.plan.accessories, accessory.name: accessory})
    return dataclasses.replace(release, number=0, plan=plan, created=ctx.clock(), digest="")


def _prepare(ctx: Context, order: DeployRequest, before: Release, accessory: Accessory) -> _Upgrade:
    here = ctx.on(order.environment.hosts[0].name)
    app, environment = before.app, order.environment.name
    name = names.accessory(app, environment, accessory.name)
    running = next(
        (item for item in observe(here, app, environment, routes=False).accessories if item.name == name), None
    )
    if accessory.name not in before.plan.accessories or running is None or not running.running:
        raise UsageError(
            f"{name} doesn't run: only a running database can be upgraded",
            hint=f"`shipway doctor {environment} --fix` starts it",
        )
    server = ctx.servers.get(accessory.kind)
    if server is None or accessory.volume is None:
        products = " or ".join(item.product for item in ctx.servers.values() if item.serves)
        raise UsageError(f"only a {products} accessory with a `volume` can be upgraded, and {accessory.name} is none")
    here.images.pull(accessory.image, lambda line: here.reporter.line("upgrade", line))
    config = config_of(here, accessory.image)
    versions = here.kind(accessory).versions
    new = here.kind(accessory).series(accessory.image, variables_of(config))
    old = series_of_container(here, accessory, running)
    if new is None or old is None:
        raise UsageError(
            f"the {server.product} version of {accessory.image} is unknown: neither its variables nor its tag state it",
            hint=f"use an image that sets {next(iter(versions.variables))}" if versions else "",
        )
    if new.product != old.product:
        raise UsageError(
            f"{name} is {old}, and {accessory.image} is {new}: only another version of the same product is an upgrade",
            hint=f"set an image of {old.product} in the plan, or add an accessory with the new one and load a dump into it",
        )
    if new.numbers <= old.numbers:
        raise UsageError(
            f"{name} is {old}, and {accessory.image} is {new}: there is nothing to upgrade",
            hint="set the newer image in the plan",
        )
    decision = decide(ctx, order, create=False)
    spec = next(item for item in decision.first.desired.accessories if item.name == name)
    folder = here.kind(accessory).data_folder(accessory, variables_of(config)) or accessory.volume
    if not (folder == accessory.volume or folder.startswith(accessory.volume.rstrip("/") + "/")):
        raise UsageError(
            f"{accessory.image} keeps its data in {folder}, but the plan's volume is {accessory.volume}",
            hint=f"set `volume: {folder}` in the plan",
        )
    return _Upgrade(here, server, order.environment, accessory, spec, running, old, new)


def _copied(
    ctx: Context, upgrade: _Upgrade, decision: Decision, now: Deployment, number: int, schema: str | None
) -> int:
    """Stop the services and copy all data; returns the number of tables. A failure restores the previous state."""
    release, environment = decision.order.release, decision.order.environment
    try:
        _stop_services(ctx, decision)
        return _copy(upgrade, decision)
    except BaseException as error:
        ctx.cancelled.clear()  # must also run after an interrupt
        detail = error.message if isinstance(error, ShipwayError) else type(error).__name__
        ctx.reporter.note(f"the upgrade failed: the services continue with {upgrade.old}")
        revert(ctx, release, environment, now)
        upgrade.ctx.runtime.remove_volume(upgrade.volume)
        ctx.ledger.end_deployment(number, FAILED, ctx.clock(), schema, detail)
        raise


def _stop_services(ctx: Context, decision: Decision) -> None:
    """Stop all writers, so that the copy is complete."""
    with ctx.part("stop", "all services, so that nothing is written meanwhile"):
        for part in decision.parts:
            with errors_of(part.host.name if len(decision.parts) > 1 else ""):
                stop = partial(_stop, ctx.on(part.host.name))
                side_by_side(stop, [item for item in part.observed.services if item.running])


def _stop(ctx: Context, item: ContainerInfo) -> None:
    ctx.runtime.stop(item.name, stop_of(item))


def _copy(upgrade: _Upgrade, decision: Decision) -> int:
    ctx, spec = upgrade.ctx, upgrade.spec
    ctx.runtime.remove_volume(upgrade.volume)  # of an interrupted upgrade
    labels = {**spec.labels, LABEL_ROLE: "job", LABEL_CONFIG: f"upgrade-{ctx.clock()}"}
    server = dataclasses.replace(
        spec, name=f"{spec.name}_job_upgrade", labels=labels, networks=dict.fromkeys(spec.networks, ()), restart=False,
        volumes={upgrade.volume: upgrade.path}, publish=(),
    )  # fmt: skip
    password = decision.settings.passwords.get(upgrade.accessory.name, "")
    kind = ctx.kind(upgrade.accessory)
    login = kind.login_of(upgrade.accessory, decision.order.release.app, "", password)
    program, *arguments = upgrade.server.command("upgrade")
    tool = ContainerSpec(
        name=f"{spec.name}_job_copy", image=spec.image, labels=labels, entrypoint=(program,), command=tuple(arguments),
        env={**upgrade.server.client(login), "OLD": spec.name, "NEW": server.name}, networks=dict.fromkeys(spec.networks, ()),
    )  # fmt: skip
    with ctx.part("copy", f"{upgrade.old} → {upgrade.new}"):
        try:
            create_and_start(ctx, server)
            wait_healthy(ctx, [(server.name, kind.health_of(upgrade.accessory), kind.port_of(upgrade.accessory))])
            code, output = capture(ctx, tool, timeout=TIMEOUT)
            lines = output.strip().splitlines()
            if code != 0:
                raise DeployFailed("the database can't be copied:\n  " + "\n  ".join(lines[-10:]))
            _mark(ctx, server.name, upgrade.path)
            ctx.runtime.stop(server.name, 60.0)
        finally:
            ctx.runtime.remove(server.name, volumes=False)
    return int(lines[-1].rpartition(" ")[2])


def _mark(ctx: Context, server: str, path: str) -> None:
    """Mark the volume as complete: only then is it ever used."""
    code, output = ctx.runtime.execute(server, ["sh", "-c", f"touch {path}/{COMPLETE} && sync"])
    if code != 0:
        raise DeployFailed(f"the copied database can't be marked as complete: {output.strip()}")
