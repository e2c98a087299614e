"""What is done beside a running checkout: its state, its end, its logs, a reset, a shell, the database's client and steps."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from shipway.actions.development import checkouts, database
from shipway.actions.development.session import Session, Show, container_of
from shipway.actions.environment.accessory_rules import serving_image
from shipway.actions.environment.service_job import service_job
from shipway.actions.operations.command import run_new
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_CONFIG, LABEL_ENVIRONMENT, LABEL_NAME, LABEL_ROLE, ContainerSpec
from shipway.domain.development import Checkout, DevelopmentStatus, Part
from shipway.domain.errors import LeaseHeld, ShipwayError, StepFailed, TimedOut, UsageError
from shipway.domain.plan import Plan, Security
from shipway.ports import Terminal
from shipway.steps.cache import ROLE
from shipway.steps.database_server import file_mount
from shipway.system.parallel import attempt_all
from shipway.system.redact import Lines

ENDING = 120.0  # seconds that a running `shipway dev` gets to stop
RESETTING = 1800.0
LOOK = 0.2
SHELL = "command -v bash >/dev/null 2>&1 && exec bash; exec sh"


def status(ctx: Context, checkout: Checkout, plan: Plan) -> DevelopmentStatus:
    """What runs of a checkout."""
    labels = {LABEL_APP: checkout.app, LABEL_ENVIRONMENT: checkout.environment}
    found = {(item.labels.get(LABEL_ROLE), item.labels.get(LABEL_NAME)): item for item in ctx.runtime.list(labels)}
    parts = []
    for kind, listed in (("service", plan.services), ("accessory", plan.accessories)):
        for name in listed:
            item = found.get((kind, name))
            container = item.name if item else ""
            parts.append(
                Part(name, kind, item.state if item else "missing", container, item.exit_code if item else None)
            )
    return DevelopmentStatus(
        checkout.app, checkout.environment, checkout.url, checkouts.running(ctx.home), tuple(parts)
    )


def down(ctx: Context, checkout: Checkout, *, volumes: bool) -> list[str]:
    """Stop a running `shipway dev`, and remove the checkout's containers, networks and routes; with `volumes` also its data
    and its secrets. Returns the names of what was removed. LeaseHeld if the running process doesn't end."""
    process = checkouts.running(ctx.home)
    if process is not None:
        ctx.reporter.note(f"stopping `shipway dev` (process {process})")
        os.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + ENDING
        while checkouts.running(ctx.home) == process and time.monotonic() < deadline:
            time.sleep(LOOK)
    with checkouts.held(ctx.home):
        labels = {LABEL_APP: checkout.app, LABEL_ENVIRONMENT: checkout.environment}
        found = ctx.runtime.objects(labels)
        kinds = ("container", "network", "volume") if volumes else ("container", "network")
        listed = [item for kind in kinds for item in found if item.kind == kind]
        if volumes:
            caches = {LABEL_APP: checkout.app, LABEL_ROLE: ROLE, LABEL_NAME: checkout.environment}
            listed += [item for item in ctx.runtime.objects(caches) if item.kind == "volume"]
        remove: dict[str, Callable[[str], None]] = {
            "container": partial(ctx.runtime.remove, volumes=volumes), "network": ctx.runtime.remove_network,
            "volume": ctx.runtime.remove_volume,
        }  # fmt: skip
        attempt_all(
            lambda: ctx.edge.remove(names.route_owner(checkout.app, checkout.environment)),
            *(partial(remove[item.kind], item.id) for item in listed),
        )
        if volumes:
            scope = names.scope(checkout.app, checkout.environment)
            for name in list(ctx.secrets.names(scope)):
                ctx.secrets.remove(scope, name)
            state = checkouts.read(ctx.home)
            if state is not None:
                checkouts.save(ctx.home, dataclasses.replace(state, migrated="", seeded=""))
    return [f"{item.kind} {item.name}" for item in listed]


def reset(session: Session) -> None:
    """Recreate the database, migrate and seed: here, or by the running `shipway dev`, which starts its services again."""
    home = session.ctx.home
    process = checkouts.running(home)
    if process is None:
        with checkouts.held(home):
            session.prepare()
            session.stop_services(remove=True)
            database.reset(session)
        return
    session.ctx.reporter.note(f"`shipway dev` (process {process}) resets the database")
    asked = home / checkouts.REQUEST
    asked.write_text("reset", encoding="utf-8")
    deadline = time.monotonic() + RESETTING
    while (answer := asked.read_text(encoding="utf-8")) == "reset":
        if checkouts.running(home) is None:
            asked.unlink(missing_ok=True)
            raise LeaseHeld(f"process {process} ended before it reset the database", hint="again: shipway dev reset")
        if time.monotonic() > deadline:
            raise TimedOut(f"process {process} did not reset the database within {RESETTING:g} s")
        session.ctx.cancelled.wait(LOOK)
    asked.unlink(missing_ok=True)
    if answer != "done":
        raise StepFailed(answer.removeprefix("failed: "))


def logs(
    ctx: Context, checkout: Checkout, plan: Plan, wanted: Sequence[str], show: Show, *, follow: bool, last: int
) -> None:
    """The last lines of these services and accessories (none: all services), and with `follow` those to come until Ctrl-C
    or until all have ended."""
    for name in wanted:
        if name not in plan.services and name not in plan.accessories:
            known = ", ".join((*plan.services, *plan.accessories))
            raise UsageError(f"the plan of {plan.app} has no service or accessory {name!r}", hint=f"it has: {known}")

    def read(name: str) -> None:
        accessory = name in plan.accessories
        container = (
            names.accessory(checkout.app, checkout.environment, name) if accessory else container_of(checkout, name)
        )
        if ctx.runtime.find(container) is None:
            return
        masked = Lines(ctx.redactor)
        try:
            for line in ctx.runtime.logs(container, follow=follow, tail=last):
                show(name, masked.line(line))
        except ShipwayError as error:
            show(name, f"(its output can't be read: {error.message})")

    readers = [threading.Thread(target=read, args=(name,), daemon=True) for name in wanted or tuple(plan.services)]
    for reader in readers:
        reader.start()
        if not follow:
            reader.join()
    for reader in readers:
        while reader.is_alive():
            reader.join(LOOK)


def shell(session: Session, service: str, command: Sequence[str], terminal: Terminal) -> int:
    """A shell, or a command, in the running container of a service, else in a new one that is removed. Its exit code."""
    if service not in session.plan.services:
        raise UsageError(
            f"the plan of {session.plan.app} has no service {service!r}",
            hint=f"it has: {', '.join(session.plan.services)}",
        )
    argv = [*command] if command else ["sh", "-c", SHELL]
    ctx, container = session.ctx, container_of(session.checkout, service)
    info = ctx.runtime.find(container)
    variables = {"TERM": terminal.kind} if terminal.tty else {}
    if info is not None and info.running:
        with ExitStack() as stack:
            opened = ctx.runtime.session(container, argv, tty=terminal.tty, environment=variables)
            stack.callback(opened.close)
            terminal.converse(opened)
            return opened.exit_code()
    session.prepare()
    session.build([service])
    session.start_accessories()
    release, own = session.release()
    job = service_job(release, session.own.environment, own, service, {}, volumes=True)
    job = dataclasses.replace(job, entrypoint=(argv[0],), command=tuple(argv[1:]))
    return _alone(ctx, job, terminal)


def client(session: Session, name: str | None, arguments: Sequence[str], terminal: Terminal) -> int:
    """The client of the database, or of another accessory. Its exit code."""
    session.prepare()
    session.build(())
    session.start_accessories()
    plan, ctx = session.plan, session.ctx
    accessory = plan.accessories.get(name) if name else plan.migrated(session.images)
    if accessory is None and name is None:
        accessory = next((item for item in plan.accessories.values() if ctx.kind(item).shell), None)
    if accessory is None:
        raise UsageError(f"the plan of {plan.app} has no accessory {name or 'with a client'}")
    _, own = session.release()
    app, environment = plan.app, session.checkout.environment
    shell_of = ctx.kind(accessory).shell_of(accessory, app, accessory.name, own.passwords.get(accessory.name, ""))
    if shell_of is None:
        raise UsageError(f"no client is known for {accessory.name}, which is of the kind {accessory.kind}")
    command, variables = shell_of
    job = ContainerSpec(
        name=f"{app}_{environment}_client", image=serving_image(ctx, names.accessory(app, environment, accessory.name), accessory),
        labels=names.labels(app, environment, "session", accessory.name), entrypoint=(command[0],),
        command=(*command[1:], *arguments), env=variables, security=Security(),
        networks={names.network(app, environment): ()}, volumes=file_mount(app, environment, accessory),
    )  # fmt: skip
    return _alone(ctx, job, terminal)


def _alone(ctx: Context, job: ContainerSpec, terminal: Terminal) -> int:
    unique = names.bounded(job.name, f"_{uuid.uuid4().hex[:8]}")
    variables = {"TERM": terminal.kind} if terminal.tty else {}
    spec = dataclasses.replace(
        job, name=unique, labels={**job.labels, LABEL_ROLE: "session", LABEL_CONFIG: unique}, attached=True, tty=terminal.tty,
        init=True, env={**job.env, **variables},
    )  # fmt: skip
    return run_new(ctx, spec, terminal)
