"""The console of the framework that a service is written with."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shipway.actions.environment.accessory_rules import config_of
from shipway.actions.environment.jobs import never_started
from shipway.actions.environment.serving import serving
from shipway.actions.operations.command import Person, execute
from shipway.actions.operations.sources import require_name
from shipway.context import Context
from shipway.domain import names
from shipway.domain.console import Console
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import UsageError
from shipway.domain.plan import Environment, Plan
from shipway.domain.release import Release
from shipway.domain.volumes import variables_of
from shipway.steps.starting import beginning


def console(ctx: Context, app: str, environment: str, service: str | None, person: Person) -> int:
    """Run it in a new container of the service; None: of the first one that has a console, beginning with the one that
    has the migrations. Returns its exit code. UsageError if no console is found."""
    _, release, where = serving(ctx, app, environment)
    if service is not None:
        require_name(release.plan, service)
        if service not in release.plan.services:
            raise UsageError(f"{service} is an accessory", hint=f"shipway db {environment} {service}")
    candidates = [service] if service else _ordered(release.plan)
    here = ctx.on(where.hosts[0].name)
    for name in candidates:
        found = _console(here, release, where, name)
        if found is not None:
            ctx.reporter.note(f"{found.framework} of {name}: {' '.join(found.command)}")
            return execute(ctx, app, environment, name, found.command, person)
    files = ", ".join(item.files[0] for item in ctx.consoles)
    raise UsageError(
        f"no console was found: the working directory of {_images(candidates)} has none of {files}",
        hint=f"run its command: shipway exec {environment} {candidates[0]} -- COMMAND",
    )


def _images(services: Sequence[str]) -> str:
    return f"the image of {services[0]}" if len(services) == 1 else f"the images of {', '.join(services)}"


def _ordered(plan: Plan) -> list[str]:
    first = [plan.database.service] if plan.database else []
    return list(dict.fromkeys([*first, *plan.services]))


def _console(ctx: Context, release: Release, environment: Environment, service: str) -> Console | None:
    image, plan = release.images[service], release.plan
    if ctx.images.inspect(image) is None:
        ctx.registry(plan).ensure()
        ctx.images.pull(image, lambda line: None)
    variables = {*variables_of(config_of(ctx, image)), *plan.services[service].environment, *environment.environment}
    spec = ContainerSpec(
        name=f"{plan.app}_{environment.name}_console", image=image,
        labels=names.labels(plan.app, environment.name, "job", service),
    )  # fmt: skip
    with never_started(ctx, spec) as container:
        for item in ctx.consoles:
            if item.variable in variables or any(_has(ctx, container, file, item.pattern) for file in item.files):
                return item
    return None


def _has(ctx: Context, container: str, file: str, pattern: str) -> bool:
    content = beginning(ctx, container, f"./{file}")
    return content is not None and re.search(pattern, content.decode(errors="replace")) is not None
