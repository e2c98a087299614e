"""One-off containers for migrations, seeds and checks, which are always removed."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shipway.actions.environment.lone_start import lone_start
from shipway.actions.environment.patient_tool import PatientTool
from shipway.actions.environment.service_job import service_job
from shipway.actions.environment.tool_container import one_off
from shipway.context import Context
from shipway.domain import names
from shipway.domain.accessory import PLACEHOLDER
from shipway.domain.container import LABEL_CONFIG, ContainerSpec
from shipway.domain.desired import Settings, stand_ins
from shipway.domain.errors import UsageError
from shipway.domain.own_tables import OwnTablesCache
from shipway.domain.plan import Database, Environment, Plan
from shipway.domain.release import Release
from shipway.ports import DatabaseServer, DatabaseTool, OneOff, OnLine
from shipway.steps.container import owner_label
from shipway.steps.database_server import ask
from shipway.system.tars import TooLarge, reading_stream

LARGEST = 256 << 20  # bytes of a folder that is read as a whole


Files = Callable[[str], dict[str, bytes]]  # returns the files of an image's folder, by path below it


def database_tool(
    ctx: Context, release: Release, environment: Environment, settings: Settings,
    *, runner: Callable[[ContainerSpec], OneOff] | None = None, files: Callable[[Files], Files] | None = None,
    cache: OwnTablesCache | None = None, start: Callable[[OnLine], None] | None = None, volume: str = "",
) -> DatabaseTool | None:  # fmt: skip
    """The migration tool of a release, bound to an environment's database; None if the plan has none.

    runner: runs commands, instead of containers of `tool_containers`. files: wraps the reader of the image's files. cache: shared
    by the tools of the release. start: of a program that migrates when it starts, instead of one in the environment. volume:
    with the file of a database without a server, instead of the environment's.
    """
    plan, database = release.plan, release.plan.database
    if database is None:
        return None
    accessory = release.migrated
    assert accessory is not None
    job = service_job(release, environment, settings, database.service, {})
    if accessory.file:
        source = volume or names.volume(plan.app, environment.name, accessory.file.volume)
        job = dataclasses.replace(job, volumes={source: accessory.file.folder})
    password = settings.passwords.get(accessory.name, "")
    login = ctx.kind(accessory).login_of(accessory, plan.app, accessory.name, password)
    server = ctx.servers[accessory.kind]
    client = dataclasses.replace(job, image=accessory.image, env=server.client(login))
    if runner is None:  # a proof's database has no other sessions
        job, client = (_limited(spec, server, database) for spec in (job, client))

    def own_files(folder: str) -> dict[str, bytes]:
        return image_files(ctx, job, folder)

    tool = ctx.tool(
        database,
        run=runner(job) if runner else one_off(ctx, job),
        client=runner(client) if runner else one_off(ctx, client),
        files=files(own_files) if files else own_files,
        cache=cache,
        kind=accessory.kind,
        **_on_start(ctx, release, environment, settings, start),
    )
    if runner is not None:
        return tool
    return PatientTool(
        ctx, tool, server, database,
        lambda command: ask(ctx, plan.app, environment.name, accessory, password, command),
        lambda: [
            address for item in ctx.runtime.list(job.labels) if item.running for address in item.addresses.values()
        ],
    )  # fmt: skip


def _on_start(
    ctx: Context, release: Release, environment: Environment, settings: Settings, start: Callable[[OnLine], None] | None
) -> dict[str, Any]:
    """What only the tool of a program that migrates when it starts needs."""
    database = release.plan.database
    assert database is not None
    if not database.on_start:
        return {}
    accessory = release.migrated
    assert accessory is not None
    server = ctx.servers[accessory.kind]
    alone = lone_start(ctx, release, environment, settings, lambda spec: _limited(spec, server, database))
    return {"image": release.images[database.service], "start": start or alone}


def _limited(spec: ContainerSpec, server: DatabaseServer, database: Database) -> ContainerSpec:
    """With the plan's limits for its sessions."""
    return dataclasses.replace(
        spec, env=server.limits(database.lock_timeout, database.statement_timeout, spec.env)
    )  # fmt: skip


def files_of(
    ctx: Context, release: Release, environment: Environment, settings: Settings, folder: str
) -> dict[str, bytes]:
    """The files of a folder of the image that has the release's migrations."""
    database = release.plan.database
    assert database is not None
    return image_files(ctx, service_job(release, environment, settings, database.service, {}), folder)


def head_revision(ctx: Context, plan: Plan, images: Mapping[str, str], labels: Mapping[str, str]) -> str | None:
    """Newest schema revision in the images; asks the tool without a database, in containers with these labels.

    Tools import a project's settings, which read variables: they get the plan's, see `stand_ins`.
    """
    database = plan.database
    if database is None:
        return None
    env = stand_ins(plan, database.service, ctx.kinds)
    chosen = plan.services[database.service]
    files = {env[f"{name}_FILE"]: PLACEHOLDER.encode() for name in chosen.secret_files}
    job = ContainerSpec(name=f"{plan.app}_schema", image=images[database.service], labels=labels, env=env, files=files)
    accessory = plan.migrated(images)
    assert accessory is not None
    run, kind = one_off(ctx, job), accessory.kind
    extra: dict[str, Any] = {"image": job.image} if database.on_start else {}
    tool = ctx.tool(database, run=run, client=run, files=lambda path: image_files(ctx, job, path), kind=kind, **extra)
    return tool.head()


def image_files(ctx: Context, spec: ContainerSpec, folder: str) -> dict[str, bytes]:
    """The files of a folder of an image (relative to its WORKDIR), by path below that folder."""
    ctx.images.pull(spec.image, lambda line: None)
    found = ctx.images.inspect(spec.image)
    config = found.get("Config") if found else None
    workdir = str(config.get("WorkingDir") or "/") if isinstance(config, dict) else "/"
    path = folder if folder.startswith("/") else f"{workdir.rstrip('/')}/{folder}"
    with never_started(ctx, spec) as container:
        try:
            return dict(_unpack(ctx.runtime.get(container, path)))
        except TooLarge:
            why = f"the image's folder {path} has more than {LARGEST >> 20} MB: too much for migrations"
            raise UsageError(
                why, hint="set `database: {folder: …}` in the plan to the folder with the migrations alone"
            ) from None
        except FileNotFoundError:
            hint = "set `database: {folder: …}` in the plan"
            raise UsageError(f"the image has no folder {path}", hint=hint) from None


@contextmanager
def never_started(ctx: Context, spec: ContainerSpec) -> Iterator[str]:
    """A container to copy an image's files from."""
    unique = names.bounded(spec.name, f"_{uuid.uuid4().hex[:8]}")
    labels = {**spec.labels, **owner_label(ctx), LABEL_CONFIG: unique}
    container = ctx.runtime.create(dataclasses.replace(spec, name=unique, networks={}, labels=labels))
    try:
        yield container
    finally:
        ctx.runtime.remove(container)


def _unpack(archive: Iterator[bytes]) -> Iterator[tuple[str, bytes]]:
    with reading_stream(archive, LARGEST) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name.partition("/")[2], content.read()
