"""Start one instance of a service alone, for a program that migrates its database when it starts."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable

from shipway.actions.environment.service_job import service_job
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, ContainerSpec
from shipway.domain.desired import Settings, argv
from shipway.domain.errors import DeployFailed, MigrationFailed
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.ports import OnLine
from shipway.steps.health import wait_healthy

LINES = 200  # of its output, once it is healthy


def lone_start(
    ctx: Context, release: Release, environment: Environment, settings: Settings,
    limited: Callable[[ContainerSpec], ContainerSpec],
) -> Callable[[OnLine], None]:  # fmt: skip
    """Return what starts it as a deployment would, with `limited` sessions, but without requests; waits until it is
    healthy, at most `statement_timeout`, and stops it. MigrationFailed with its last lines otherwise."""
    database = release.plan.database
    assert database is not None
    service = release.plan.services[database.service]
    assert service.health is not None
    health = dataclasses.replace(service.health, timeout=max(service.health.timeout, database.statement_timeout))

    def start(on_line: OnLine) -> None:
        job = limited(service_job(release, environment, settings, service.name, {}, volumes=True))
        unique = names.bounded(f"{job.name}_start", f"_{uuid.uuid4().hex[:8]}")
        spec = dataclasses.replace(
            job, name=unique, labels={**job.labels, LABEL_CONFIG: unique}, command=argv(service.command),
            entrypoint=argv(service.entrypoint), cpus=service.resources.cpus, memory=service.resources.memory,
        )  # fmt: skip
        ctx.images.pull(spec.image, lambda line: None)
        container = ctx.runtime.create(spec)
        try:
            ctx.runtime.start(container)
            wait_healthy(ctx, [(unique, health, service.port)], headers=environment.forwarded)
            for line in list(ctx.runtime.logs(container))[-LINES:]:
                on_line(ctx.redactor.line(line))
            ctx.runtime.stop(container, service.stop)
        except DeployFailed as error:
            raise MigrationFailed(
                f"{service.name} migrates when it starts, and its start failed: {error.message}",
                hint="what it changed before that stays; the previous release goes on serving. Fix the program and release again",
            ) from error
        finally:
            ctx.runtime.remove(container)

    return start
