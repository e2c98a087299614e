"""The composition root: reads the settings, creates drivers from the table, and passes them to the actions."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from shipway import services
from shipway.actions.environment.ownership import require_machine
from shipway.actions.people.acting import acting
from shipway.actions.people.commanded import require_app, require_command
from shipway.actions.provisioning.outputs import with_outputs
from shipway.context import Context, Machine
from shipway.domain.errors import KeyMissing, PlanError, RepositoryError, ShipwayError, StoreError, UsageError
from shipway.domain.identity import HINT
from shipway.domain.people import Identity
from shipway.domain.plan import Environment, Plan
from shipway.domain.value import dataclass
from shipway.drivers import Lazy, driver
from shipway.invoked import PARTS, claim, commanded, recorded_command, root
from shipway.store import is_shared, open_ledger
from shipway.system.actor import DELEGATION, PROOFS, Claim
from shipway.system.machine import machine_id
from shipway.system.signals import cancel_on_signals
from shipway.system.unbreakable import UnbreakableReporter

if TYPE_CHECKING:
    from shipway.domain.backups import Backups
    from shipway.domain.database import Database
    from shipway.domain.workload import EnvironmentSpec
    from shipway.drivers.secrets.ledger import LedgerSecrets
    from shipway.ports import (
        BackupStore,
        Ledger,
        Platform,
        ProjectSource,
        Reporter,
    )
    from shipway.system.git import Repository


@dataclass(frozen=True)
class Rendered:
    """An environment as a platform gets it. secrets: names of those that must exist; left_out: what the text can't say."""

    text: str
    namespace: str
    secrets: tuple[str, ...]
    left_out: tuple[str, ...]


TELLING = 10.0  # seconds at the end of a command to tell others what it did


@contextmanager
def open_context(
    home: Path, reporter: Reporter, *, actor: str | None = None, adopting: bool = False, shared: bool = True
) -> Iterator[Context]:
    """The context with all ports, which are closed at the end. Ctrl-C, SIGTERM and SIGHUP set `cancelled` and raise
    KeyboardInterrupt once. adopting: also accept a ledger copied from another machine. shared: whether SHIPWAY_LEDGER may
    name another ledger than the home folder's; where it may not, the audit doesn't record the command."""
    address = _ledger_address(home) if shared else home / "ledger.db"
    with services.open_services(home, address, reporter.note, _terminate) as opened:
        if not adopting and not is_shared(address):
            require_machine(opened.ledger, machine_id(home), str(address))
        cancel_on_signals(opened.cancelled)
        who, proven = _acting(opened, reporter, actor, shared)
        context = replace(opened.context(reporter, who, _repository), proven=proven)
        if "SHIPWAY_TEST_DIE" in os.environ:  # tests of Shipway itself
            from shipway.testing.faults import from_environment

            context = from_environment(context)
        with recorded_command(opened.ledger, home, context.actor, proven) if shared else nullcontext():
            if shared:
                _require(opened, reporter, who, proven)
            try:
                yield context
            except StoreError:
                raise
            except BaseException:
                _tell(context)
                raise
            else:
                _tell(context)
    if isinstance(context.reporter, UnbreakableReporter) and isinstance(context.reporter.error, OSError):
        raise context.reporter.error  # the action is complete, but not its report


def _acting(
    opened: services.Services, reporter: Reporter, actor: str | None, shared: bool = True
) -> tuple[str, Identity | None]:
    """Who acts, and the identity if it is proven. actor: of Shipway itself, or what the command line says. UsageError if that
    claims to be a part of Shipway."""
    command = commanded(opened.home) if shared else None
    itself = actor is not None and not isinstance(actor, Claim)
    said = actor if isinstance(actor, Claim) else claim()
    if itself and not (command and command.row.needed(command.given) and _proves(said)):
        return str(actor), None
    ctx = opened.context(reporter, "reader", _repository)
    who, proven = acting(ctx, said, os.environ)
    if who in PARTS:  # some of their commands are not recorded
        raise UsageError(f"{who} is a name of Shipway's own processes, not of a person", hint=HINT)
    return (str(actor) if itself else who), proven


def _require(opened: services.Services, reporter: Reporter, who: str, proven: Identity | None) -> None:
    """NotAllowed if who acts may not do the command of this process."""
    command = commanded(opened.home)
    if command is None:
        return
    if DELEGATION in os.environ:
        require_app(command)
    ctx = opened.context(reporter, who, _repository)
    require_command(ctx, proven, command, partial(describing, ctx, folder=DELEGATION not in os.environ))


def _proves(said: Claim | None) -> bool:
    """Whether somebody proves who they are to this process."""
    return bool(said and said.token) or any(os.environ.get(name) for name in PROOFS)


def describing(ctx: Context, app: str, environment: str, *, folder: bool = False) -> list[Environment]:
    """The environment as each plan that counts describes it: that of the release which runs there, and the protected one; of an
    app that isn't registered yet, the plan of this folder, if it may say that. None: no plan is known to have it."""
    from shipway.actions.projects.in_force import running_rules

    running = running_rules(ctx, app, environment)
    found = [running.plan] if running else []
    with suppress(PlanError, RepositoryError):
        if ctx.ledger.registration(app) is not None:
            found.append(driver("project", "ledger")(app, ctx.ledger, ctx.home, plan_parser(ctx)).plan())
        elif folder and not found:
            here = _project_here(ctx.home, ctx, getattr(root(), "plan", None)).plan()
            found += [here] if here.app == app else []
    return [plan.environments[environment] for plan in found if plan and environment in plan.environments]


@contextmanager
def open_development(folder: Path, reporter: Reporter, *, actor: str | None = None) -> Iterator[Context]:
    """The context of one checkout on a developer's machine: with a ledger of its own for runs and secrets, and with an engine
    on which it neither sees nor touches anything of an environment."""
    from shipway.actions.development.labels import apart

    with open_context(folder, reporter, actor=actor, shared=False) as ctx:
        yield replace(ctx, machine=apart(ctx.machine), background=False, retire_later=lambda app, environment: None)


@contextmanager
def open_secrets(home: Path, reporter: Reporter, actor: str | None = None) -> Iterator[LedgerSecrets]:
    """Only the ledger's secrets."""
    with services.open_services(home, _ledger_address(home), lambda text: None) as opened:
        who, proven = _acting(opened, reporter, actor)
        with recorded_command(opened.ledger, home, who, proven):
            _require(opened, reporter, who, proven)
            yield services.ledger_secrets(home, opened.ledger)


def this_machine() -> Machine:
    """This machine without a ledger, for read-only access."""
    engine, cancelled = driver("runtime", "engine")(), threading.Event()
    return services.machine(engine, Lazy(lambda: services.keyring(engine, cancelled)), cancelled)


def load_plan(home: Path, path: Path | None = None) -> Plan:
    """The plan at a path, else of the working directory: from it or a parent folder, or the only one in a folder of it.
    PlanError if there is none, or several."""
    from shipway.planfile import find, load_cached

    return load_cached(path or find(Path.cwd()), home / "cache")


def project_source(home: Path, ctx: Context, name: str | None, plan: Path | None = None) -> ProjectSource:
    """Where the app of that name is found: in the working tree or the bare repository here, else in the ledger. None: the
    app of this folder; PlanError if it has none, or several. plan: the path of its plan, if the user gave one."""
    name = ctx.names.app(name) if name else None
    if name and DELEGATION in os.environ:  # at a server, no folder says what a plan is
        return cast(
            "ProjectSource", driver("project", "ledger")(name, ctx.ledger, home, plan_parser(ctx), ctx.reporter.note)
        )
    try:
        here = _project_here(home, ctx, plan)
        if name in (None, here.name):
            return here
    except PlanError as error:  # another app needs no plan here
        if name is None or plan is not None:
            apps = ", ".join(map(ctx.names.shown, ctx.ledger.apps()))
            if apps and "--app" not in error.hint:
                error.hint += f"; or pass --app NAME: the ledger knows {apps}"
            raise
    found: ProjectSource = driver("project", "ledger")(name, ctx.ledger, home, plan_parser(ctx), ctx.reporter.note)
    return found


def _project_here(home: Path, ctx: Context, plan: Path | None) -> ProjectSource:
    """The bare repository or the working tree that is the working directory. PlanError if it is none with a plan."""
    is_bare = all((Path.cwd() / name).exists() for name in ("HEAD", "objects", "refs"))
    found: ProjectSource = (
        driver("project", "bare")(_repository(), ctx.ledger, plan_parser(ctx), plan.as_posix() if plan else "")
        if is_bare
        else driver("project", "work-tree")(
            plan.parent if plan else Path.cwd(), with_outputs(ctx, ctx.names.plan(load_plan(home, plan)))
        )
    )
    return found


def recorded_repository(ctx: Context, app: str) -> Repository:
    """The registered repository of an app, or its mirror, whatever the working directory is. RepositoryError if it is
    unreachable."""
    from shipway.system.git import Repository

    source: ProjectSource = driver("project", "ledger")(app, ctx.ledger, ctx.home, plan_parser(ctx), ctx.reporter.note)
    return Repository(source.clone())


def plan_parser(ctx: Context) -> Callable[[str, str, Callable[[str], bool]], Plan]:
    """Parses plans from commits, with the first names of renamed apps and environments, and with the hosts that their
    infrastructure gave."""
    return lambda text, file, exists: with_outputs(ctx, ctx.names.plan(parse_plan(text, file, exists)))


@contextmanager
def existing_ledger(home: Path) -> Iterator[Ledger | None]:
    """The ledger, for what can be done without it too: None if there is none, or if it can't be opened."""
    address = os.environ.get("SHIPWAY_LEDGER") or home / "ledger.db"
    try:
        found = open_ledger(address) if isinstance(address, str) or address.exists() else None
    except ShipwayError:
        found = None
    with closing(found) if found else nullcontext():
        yield found


def parse_plan(text: str, file: str, exists: Callable[[str], bool]) -> Plan:
    """Parse a plan from a commit; file: its path there. exists: of a path relative to the plan's folder."""
    from shipway.planfile import parse

    return parse(text, file, files=exists)


def _ledger_address(home: Path) -> str | Path:
    """The ledger's address; creates the home folder. StoreError if that isn't possible."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(
            f"{home} can't be created: {error.strerror}", hint="pass --home FOLDER, or set SHIPWAY_HOME"
        ) from error
    return os.environ.get("SHIPWAY_LEDGER") or home / "ledger.db"


def backup_store(settings: Backups) -> BackupStore:
    """The store of the ledger's backups, where there is no ledger yet."""
    return services.backup_store(settings, ("", ""))


def key_of_secrets(home: Path) -> str | None:
    """The key of the ledger's secrets, for its backup; None if it has none."""
    with closing(open_ledger(_ledger_address(home))) as ledger:
        secrets = services.ledger_secrets(home, ledger)
        try:
            return secrets.key().text
        except KeyMissing:
            return None


def _tell(ctx: Context) -> None:
    """Deliver what this command has caused, where no server on this machine does it."""
    if ctx.cancelled.is_set():
        return
    with suppress(Exception):  # what it was for matters more
        if ctx.ledger.news(1):
            from shipway.actions.messages.receivers import deliver_at_end
            from shipway.actions.runs.queue import is_served

            if not is_served(ctx):
                deliver_at_end(ctx, TELLING)


def _terminate() -> None:
    """Stop this process's command like SIGTERM does: it cleans up first."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGTERM)  # the main thread itself: another one could not wake it up


def _repository() -> Repository:
    from shipway.system.git import Repository

    return Repository.find(Path.cwd())


def migration_command(database: Database) -> str | None:
    """The command of its migration tool in the release's image; None if it has none there."""
    from shipway.drivers.database.in_image import command_of

    return command_of(database)


def rendered(
    form: str, spec: EnvironmentSpec, *, namespace: str, ingress_class: str | None, gateway: str | None, storage: str
) -> Rendered:  # fmt: skip
    """An environment for a platform."""
    found: Platform = driver("platform", form)(namespace, ingress_class=ingress_class, gateway=gateway, storage=storage)
    return Rendered(
        found.render(spec), found.namespace, tuple(found.secrets(spec)), (*spec.left_out, *found.unsaid(spec))
    )


def rights(form: str, app: str, environment: str, namespace: str, gateway: str | None) -> str:
    """What whoever deploys this environment to a platform must be allowed to do there, as a text that grants it."""
    found: Platform = driver("platform", form)(namespace, gateway=gateway)
    return found.rights(app, environment)
