"""The composition root: reads the settings, builds drivers from the table, and passes them to the actions."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.actions.environment.ownership import owned, require_machine
from shipway.context import Context, Machine
from shipway.domain.errors import Interrupted, PlanError, RepositoryError, StoreError
from shipway.domain.identity import author_identity, identity
from shipway.domain.plan import LOCAL, Database, Environment, Plan
from shipway.drivers import Lazy, driver
from shipway.ports import Reporter
from shipway.store import is_shared, open_ledger
from shipway.system.login import login
from shipway.system.machine import machine_id
from shipway.system.masked import KnownSecrets, MaskedLedger, MaskedReporter
from shipway.system.redact import Redactor, of_process
from shipway.system.unbreakable import UnbreakableReporter

if TYPE_CHECKING:
    from shipway.drivers.credentials import Keyring
    from shipway.drivers.database.sql_folder import Migration
    from shipway.drivers.secrets.ledger import LedgerSecrets
    from shipway.hosts import Hosts
    from shipway.ports import DatabaseTool, Ledger, Linter, OneOff, Registry, Scratch, ScratchDatabase, Secrets
    from shipway.proving.verify import Fill
    from shipway.system.git import Repository
    from shipway.system.http import Probe

PLAN = "shipway.yaml"
EMBEDDED_REGISTRY_PORT = 5055
HOSTED = "CI"  # variable of hosted jobs, whose processes end with them
ABORTED = """
aborted: what this command began stays as it is now; containers of both releases may run, and a step may still go on
the next shipway command for this environment completes the deployment or rolls it back; `shipway doctor` shows what is left
"""


@contextmanager
def open_context(
    home: Path, reporter: Reporter, *, actor: str | None = None, adopting: bool = False
) -> Iterator[Context]:
    """The context with all ports, which are closed at the end. Ctrl-C, SIGTERM and SIGHUP set `cancelled` and raise
    KeyboardInterrupt once. adopting: also accept a ledger copied from another machine."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(
            f"{home} can't be made: {error.strerror}", hint="say --home FOLDER, or set SHIPWAY_HOME"
        ) from error
    redactor = of_process()
    redactor.add({name: os.environ.get(name, "") for name in ("SHIPWAY_LEDGER", "SHIPWAY_KEY")})
    address = os.environ.get("SHIPWAY_LEDGER") or home / "ledger.db"
    ledger: Any = MaskedLedger(open_ledger(address), redactor)
    if not adopting and not is_shared(address):
        require_machine(ledger, machine_id(home), str(address))
    cancelled = threading.Event()
    _on_signals(cancelled)
    engine = driver("runtime", "engine")()
    keys: Any = Lazy(lambda: _keyring(engine, cancelled))
    secrets: Any = KnownSecrets(Lazy(lambda: _secrets(home, ledger, reporter.note)), redactor)
    who = _actor(actor)

    def guarded(machine: Machine) -> Machine:
        return owned(machine, ledger, who, time.time)

    images: Any = Lazy(lambda: driver("images", "docker")(engine, keys, cancelled=cancelled))
    edge: Any = Lazy(lambda: driver("edge", "traefik")(engine, keys=keys, cancelled=cancelled))
    here = guarded(Machine(LOCAL, driver("runtime", "docker")(engine), images, edge, _probe, _probe_tcp))
    ending = ExitStack()
    ending.callback(ledger.close)
    hosts: Any = Lazy(lambda: _hosts(keys, cancelled, ending, guarded))
    context = Context(
        home=home, actor=who, ledger=ledger, secrets=secrets, machine=here,
        connect=lambda host: hosts.connect(host), registry=lambda plan: _registry(plan, engine, keys, secrets, redactor, cancelled),
        tool=_tool, scratch=lambda url: driver("scratch", "postgres")(url), clock=time.time, reporter=MaskedReporter(reporter, redactor), repository=_repository, redactor=redactor, cancelled=cancelled,
        linter=_linter, background=not os.environ.get(HOSTED), retire_later=lambda app, environment: _retire_later(home, app, environment),
    )  # fmt: skip
    if "SHIPWAY_TEST_DIE" in os.environ:  # tests of Shipway itself
        from shipway.testing.faults import from_environment

        context = from_environment(context)
    with ending:
        yield context
    if isinstance(context.reporter, UnbreakableReporter) and isinstance(context.reporter.error, OSError):
        raise context.reporter.error  # the action is complete, but not its report


@contextmanager
def open_secrets(home: Path) -> Iterator[LedgerSecrets]:
    """Only the ledger's secrets."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    ledger = open_ledger(os.environ.get("SHIPWAY_LEDGER") or home / "ledger.db")
    try:
        yield _secrets(home, ledger)
    finally:
        ledger.close()


def load_plan(home: Path) -> Plan:
    """The plan of the working directory, from it or a parent folder. PlanError if there is none."""
    from shipway.planfile import load_cached

    return load_cached(find_plan(), home / "cache")


def find_plan() -> Path:
    """Path of the plan file that applies to the working directory. PlanError if there is none."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / PLAN).is_file():
            return folder / PLAN
    raise PlanError(f"there is no {PLAN} here or in a folder above {here}", hint="`shipway init` writes one")


def parse_plan(text: str, file: str, exists: Callable[[str], bool]) -> Plan:
    """Parse a plan from a commit."""
    from shipway.planfile import parse

    return parse(text, file, files=exists)


def _secrets(home: Path, ledger: Ledger, note: Callable[[str], None] = lambda text: None) -> LedgerSecrets:
    from shipway.drivers.secrets.key import VARIABLE, Keys

    keys = Keys(home / "key", os.environ.get(VARIABLE, ""))
    secrets: LedgerSecrets = driver("secrets", "ledger")(ledger, keys, home / "secrets", note)
    return secrets


def _keyring(engine: object, cancelled: threading.Event) -> Keyring:
    from shipway.drivers.registry.access import keyring

    return keyring({f"127.0.0.1:{EMBEDDED_REGISTRY_PORT}": lambda: _embedded(engine, None, cancelled).credentials()})


def _embedded(engine: object, keys: Keyring | None, cancelled: threading.Event) -> Any:
    return driver("registry", "embedded")(engine, port=EMBEDDED_REGISTRY_PORT, keys=keys, cancelled=cancelled)


def image_config(name: str) -> Mapping[str, object] | None:
    """Configuration of an image on this machine's engine; None without the image or the engine."""
    from shipway.domain.errors import ShipwayError

    try:
        found = driver("images", "docker")(driver("runtime", "engine")(), {}).inspect(name)
    except ShipwayError:
        return None
    config = (found or {}).get("Config")
    return config if isinstance(config, dict) else None


def address_taken(plan: Plan, environment: Environment) -> str | None:
    """Message about another environment that this machine's engine already serves at the address; None without one, or
    without an engine."""
    from shipway.actions.environment.public_address import taken
    from shipway.domain.desired import public_table
    from shipway.domain.errors import ShipwayError
    from shipway.domain.names import route_owner

    table = public_table(plan, environment)
    if table is None or LOCAL not in [host.name for host in environment.hosts]:
        return None
    engine = driver("runtime", "engine")()
    try:
        found = taken(
            driver("edge", "traefik")(engine),
            driver("runtime", "docker")(engine),
            route_owner(plan.app, environment.name),
            table,
        )
    except ShipwayError:
        return None
    return found[0] if found else None


def _hosts(
    keys: Keyring, cancelled: threading.Event, ending: ExitStack, guarded: Callable[[Machine], Machine]
) -> Hosts:
    from shipway.hosts import Hosts

    hosts = Hosts(keys, cancelled, guarded)
    ending.callback(hosts.close)
    return hosts


def _registry(
    plan: Plan, engine: object, keys: Keyring, secrets: Secrets, redactor: Redactor, cancelled: threading.Event
) -> Registry:
    if plan.registry is None:
        embedded: Registry = _embedded(engine, keys, cancelled)
        return embedded
    from shipway.drivers.registry.access import access

    credentials = access(plan.app, plan.registry, keys, secrets)
    if credentials.secret():
        redactor.add({"registry password": credentials.secret()})
    remote: Registry = driver("registry", "remote")(plan.registry.address, credentials)
    return remote


def _tool(database: Database, *, run: OneOff, client: OneOff, files: Callable[[str], dict[str, bytes]]) -> DatabaseTool:
    """Create the driver with those arguments that its constructor names."""
    import inspect

    known = {
        "run": run, "client": client, "files": files, "folder": database.folder, "commands": database.commands,
    }  # fmt: skip
    make = driver("database", database.tool)
    tool: DatabaseTool = make(**{name: known[name] for name in inspect.signature(make).parameters})
    return tool


def _linter() -> Linter | None:
    squawk = driver("lint", "squawk")()
    return squawk if squawk.installed else None


def _retire_later(home: Path, app: str, environment: str) -> None:
    """Start a process that outlives this one. If it dies, the next command does its work."""
    import subprocess
    import sys

    # Linux gives each session the same share of the processor, whatever the priority of its processes: see `autogroup`
    # in sched(7).
    gently = 'echo 19 2>/dev/null >/proc/self/autogroup; exec nice -n 19 "$@"'
    command = [sys.executable, "-m", "shipway", "--home", str(home), "retire", environment, "--app", app, "--when-due"]
    args = ["sh", "-c", gently, "sh", *command]
    nothing = subprocess.DEVNULL
    subprocess.Popen(args, cwd="/", stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)


@dataclass(frozen=True)
class BareProof:
    """What a proof of a folder of migrations needs, without a plan."""

    scratch: Scratch
    tool_at: Callable[[ScratchDatabase, str | None], DatabaseTool]
    revisions: list[str]  # oldest first, at least one
    fill: Fill | None  # None if rows can't be generated
    lint: Callable[[], Mapping[str, Sequence[str]]] | None = None  # warnings by revision; None without a linter for it


SERVERS = {"postgresql": "postgres", "postgres": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}


def open_folder(folder: Path, layout: str, url: str, timeout: float) -> BareProof:
    """Open a folder of migrations, and the server at `url` for the proof. ProofError if the folder can't be read."""
    from shipway.domain.errors import ProofError
    from shipway.proving.rows import fill
    from shipway.system.locks import private_folder

    kind = SERVERS.get(url.partition(":")[0])
    if kind is None:
        raise ProofError(
            f"no such database is known: {url.partition(':')[0]}",
            hint="such as postgresql://user:password@host:port/name",
        )
    # SQLite has no server to create databases on.
    scratch: Scratch = driver("scratch", kind)(private_folder() / "scratch" if kind == "sqlite" else url)
    late = timeout + 1.0  # sessions that can't be terminated externally end by themselves
    rows = fill if kind == "postgres" else None
    if layout == "alembic":
        from shipway.drivers.database.alembic_here import alembic_here, alembic_revisions

        revisions = alembic_revisions(folder, scratch, late)
        return BareProof(scratch, lambda database, at: alembic_here(folder, database, late), revisions, rows)
    migrations = _sql_migrations(folder, None if layout == "sql" else layout)
    make = driver("database", "bare")
    revisions = [item.version for item in migrations]

    def lint() -> Mapping[str, Sequence[str]]:
        found = driver("lint", "squawk")().lint({item.up.path: item.up.text for item in migrations})
        return {
            item.version: [f"{item.up.path}:{line}: {words}" for line, words in found.get(item.up.path, ())]
            for item in migrations
        }

    return BareProof(
        scratch,
        lambda database, at: make(database, migrations, at, late),
        revisions,
        rows,
        lint if kind == "postgres" else None,
    )


def _sql_migrations(folder: Path, layout: str | None) -> list[Migration]:
    from shipway.actions.proofs.folder import read_folder
    from shipway.domain.errors import MigrationFailed, ProofError
    from shipway.drivers.database.sql_folder import load

    try:
        migrations = load(str(folder), read_folder(folder, layout), layout)
    except MigrationFailed as error:
        raise ProofError(error.message, hint=error.hint) from error
    if not migrations:
        raise ProofError(
            f"there are no migrations in {folder}", hint="--migrations names the folder that the .sql files are in"
        )
    return migrations


def _repository() -> Repository:
    from shipway.system.git import Repository

    return Repository.find(Path.cwd())


def _probe(host: str, port: int, path: str, timeout: float, headers: Mapping[str, str] | None = None) -> Probe:
    from shipway.system.http import probe

    return probe(host, port, path, timeout, headers)


def _probe_tcp(host: str, port: int, timeout: float) -> Probe:
    from shipway.system.http import probe_tcp

    return probe_tcp(host, port, timeout)


def _actor(given: str | None) -> str:
    """The actor: as given, from SHIPWAY_ACTOR, from git, or the user of this machine. UsageError if it is no valid
    name."""
    named = given if given is not None else os.environ.get("SHIPWAY_ACTOR") or _git_user()
    return author_identity(login()) if named is None else identity(named)


def _git_user() -> str | None:
    try:
        return _repository().user()
    except RepositoryError:
        return None


def _on_signals(cancelled: threading.Event) -> None:
    told = False

    def interrupt(signum: int, frame: object) -> None:
        # Only once: a signal of a closing terminal or a CI service must not interrupt the rollback, which clears
        # `cancelled`. A second Ctrl-C means that the user doesn't want to wait for it.
        nonlocal told
        if not told:
            told = True
            cancelled.set()
            raise KeyboardInterrupt
        if signum == signal.SIGINT:
            os.write(2, ABORTED.encode())
            os._exit(Interrupted.exit_code)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, interrupt)
