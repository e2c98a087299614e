"""Run a command of a person in an environment: in a new container of a service, or in one that runs."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from shipway.actions.environment.known_secrets import know_secrets
from shipway.actions.environment.observe import settings
from shipway.actions.environment.service_job import service_job
from shipway.actions.environment.serving import serving
from shipway.actions.operations.sources import Source, require_container, require_name, sources
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, LABEL_OWNER, LABEL_RELEASE, LABEL_ROLE, ContainerSpec
from shipway.domain.errors import EngineError, NotRunnable, ShipwayError, UsageError
from shipway.domain.operation import EXEC, Operation
from shipway.domain.plan import Plan
from shipway.domain.release import Release
from shipway.domain.value import dataclass
from shipway.ports import Session, Terminal
from shipway.system.login import login
from shipway.system.parallel import attempt_all

# Exit codes that are recorded for a command that didn't end by itself, as shells return them.
FAILED = 125  # an error of Shipway or the engine
NOT_RUN = 127  # the command can't be executed
INTERRUPTED = 130
DISCONNECTED = 141  # the reader of its output is gone
GRACE = 10.0  # seconds from SIGTERM to SIGKILL for a command that is interrupted


@dataclass(frozen=True)
class Person:
    """Who runs a command, and where its input comes from."""

    terminal: Terminal
    kind: str = EXEC  # see domain.operation


def execute(
    ctx: Context,
    app: str,
    environment: str,
    service: str,
    command: Sequence[str],
    person: Person,
    *,
    into: bool = False,
) -> int:
    """Run it with image, variables, secrets and networks of the service in the release that runs there: in a container of
    its own, which is removed; or `into` a running one of the service or accessory. Returns its exit code. It holds no
    lock: a deployment doesn't wait for it."""
    now, release, where = serving(ctx, app, environment)
    require_name(release.plan, service)
    require_container(release.plan, service, "container")
    own = settings(ctx, release, where, like=now)
    if into:
        found = _running(ctx, release, environment, service)
        with _recorded(ctx, release, environment, service, shlex.join(command), person) as record:
            return record(_run_inside(ctx.on(found.host), found, command, person.terminal))
    if service not in release.plan.services:
        raise UsageError(
            f"{service} is an accessory: a new container of it would have none of its data",
            hint=f"shipway exec {environment} {service} --into -- {shlex.join(command)}; or: shipway db {environment}",
        )
    resources = release.plan.services[service].resources
    job = service_job(release, where, own, service, {}, volumes=True)
    job = dataclasses.replace(
        job, entrypoint=(command[0],), command=tuple(command[1:]), cpus=resources.cpus, memory=resources.memory,
        networks=_networks(release.plan, job.networks),
    )  # fmt: skip
    return run_alone(ctx.on(where.hosts[0].name), release, environment, service, job, shlex.join(command), person)


def run_alone(
    ctx: Context, release: Release, environment: str, service: str, job: ContainerSpec, detail: str, person: Person
) -> int:
    """Run a job's command in a container of its own on this host, with the person's input and output. detail: recorded as
    the command."""
    tty = person.terminal.tty
    unique = names.bounded(f"{release.app}_{environment}_{service}", f"_session_{uuid.uuid4().hex[:8]}")
    labels = {
        **job.labels, LABEL_ROLE: "session", LABEL_RELEASE: str(release.number), LABEL_CONFIG: unique,
        LABEL_OWNER: ctx.owner,
    }  # fmt: skip
    spec = dataclasses.replace(
        job,
        name=unique,
        labels=labels,
        attached=True,
        tty=tty,
        init=True,
        env={**job.env, **_variables(person.terminal)},
    )
    with _recorded(ctx, release, environment, service, detail, person) as record:
        if ctx.images.inspect(spec.image) is None:
            ctx.registry(release.plan).ensure()
            ctx.images.pull(spec.image, lambda line: ctx.reporter.line("pull", line))
        return record(run_new(ctx, spec, person.terminal))


def _networks(plan: Plan, networks: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """Without the network in which services find each other if none listens: each network takes the engine a tenth of a
    second."""
    listens = any(item.port for item in plan.services.values())
    return networks if listens else dict(list(networks.items())[:1])


def _variables(terminal: Terminal) -> Mapping[str, str]:
    return {"TERM": terminal.kind} if terminal.tty else {}


def run_new(ctx: Context, spec: ContainerSpec, terminal: Terminal) -> int:
    """The engine removes the container when it ends. If this process is killed, a command without a terminal finds the end
    of its input; a shell on a terminal stays until the next command that changes the environment."""
    ctx.runtime.create(spec)
    try:
        with contextlib.closing(ctx.runtime.attach(spec.name, tty=spec.tty)) as session:
            try:
                ctx.runtime.start(spec.name)
            except NotRunnable as error:
                from shipway.steps.starting import explanation  # rarely needed

                why = explanation(ctx, spec.name, error.message)
                ctx.reporter.note(f"{why[0]}; {why[1]}" if why else error.message)
                ctx.runtime.remove(spec.name)
                return NOT_RUN
            return _converse(session, terminal)
    except BaseException:
        _end(ctx, spec.name)
        raise


def _end(ctx: Context, container: str) -> None:
    """What fails now is said, and doesn't hide why the command ended."""

    def told(error: BaseException) -> None:
        ctx.reporter.note(f"{container} may remain; the next command that changes the environment removes it: {error}")

    with contextlib.suppress(EngineError):
        attempt_all(partial(ctx.runtime.stop, container, GRACE), partial(ctx.runtime.remove, container), on_error=told)


def _run_inside(ctx: Context, found: Source, command: Sequence[str], terminal: Terminal) -> int:
    session = ctx.runtime.session(found.info.id, command, tty=terminal.tty, environment=_variables(terminal))
    with contextlib.closing(session):
        try:
            return _converse(session, terminal)
        except KeyboardInterrupt:
            ctx.reporter.note(f"the command may still run in {found.info.name}: the Docker Engine can't end it")
            raise


def _converse(session: Session, terminal: Terminal) -> int:
    terminal.converse(session)
    return session.exit_code()


def _running(ctx: Context, release: Release, environment: str, name: str) -> Source:
    """The first running container of a service or accessory, of the current release. UsageError if there is none."""
    where = release.plan.environments[environment]

    def skip(host: str, error: EngineError) -> None:
        ctx.reporter.note(f"{host} is skipped: {error.message}")

    for item in sources(ctx, release.app, where, unreachable=skip):
        if (
            item.service == name
            and item.role != "session"
            and item.info.running
            and item.release in (None, release.number)
        ):
            return item
    raise UsageError(
        f"no container of {name} runs in {environment}",
        hint=f"shipway status; or without --into: shipway exec {environment} {name} -- …",
    )


@contextlib.contextmanager
def _recorded(
    ctx: Context, release: Release, environment: str, service: str, detail: str, person: Person
) -> Iterator[Callable[[int], int]]:
    """Record the command before it runs, and its exit code, which the block passes through."""
    know_secrets(ctx, release.app, environment)  # also those that no deployment has yet, or anymore
    record = Operation(
        0, release.app, environment, release.number, person.kind, service, ctx.actor, login(), ctx.redactor.text(detail),
        ctx.clock(),
    )  # fmt: skip
    number = ctx.ledger.begin_operation(record)

    def ended(code: int) -> int:
        ctx.ledger.end_operation(number, ctx.clock(), code)
        return code

    try:
        yield ended
    except BaseException as error:
        codes = {KeyboardInterrupt: INTERRUPTED, BrokenPipeError: DISCONNECTED}
        with contextlib.suppress(ShipwayError):  # the error itself matters more
            ended(codes.get(type(error), FAILED))
        raise
