"""The composition root: reads the settings, creates drivers from the table, and passes them to the actions."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.actions.environment.ownership import owned, require_machine
from shipway.actions.provisioning.outputs import with_outputs
from shipway.context import Context, Machine
from shipway.domain.errors import KeyMissing, SecretError, ShipwayError, StoreError
from shipway.domain.plan import LOCAL, Database, Plan
from shipway.drivers import DRIVERS, Lazy, driver
from shipway.drivers.accessories import KINDS
from shipway.drivers.consoles import CONSOLES
from shipway.store import is_shared, open_ledger
from shipway.system.actor import actor_of
from shipway.system.listed import listed_folders
from shipway.system.machine import machine_id
from shipway.system.masked import KnownSecrets, MaskedLedger, MaskedReporter
from shipway.system.redact import Redactor, of_process
from shipway.system.signals import cancel_on_signals
from shipway.system.unbreakable import UnbreakableReporter

if TYPE_CHECKING:
    from shipway.domain.backups import Backups
    from shipway.domain.infra import InfraPlace
    from shipway.domain.own_tables import OwnTablesCache
    from shipway.domain.provisioned import Dns, Infra
    from shipway.domain.routing import Tls
    from shipway.domain.secret_source import SecretSource
    from shipway.drivers.credentials import Keyring
    from shipway.drivers.secrets.ledger import LedgerSecrets
    from shipway.hosts import Hosts
    from shipway.ports import (
        BackupStore,
        CdnAccess,
        CdnProvider,
        CertificateAuthority,
        DatabaseServer,
        DatabaseTool,
        DnsProvider,
        InfraTool,
        Ledger,
        Linter,
        OneOff,
        OnLine,
        ProjectSource,
        Registry,
        Reporter,
        SecretLedger,
        SecretProvider,
        Secrets,
    )
    from shipway.system.git import Repository
    from shipway.system.probe import Probe

EMBEDDED_REGISTRY_PORT = 5055
HOSTED = "CI"  # variable of hosted jobs, whose processes end with them


@contextmanager
def open_context(
    home: Path, reporter: Reporter, *, actor: str | None = None, adopting: bool = False, shared: bool = True
) -> Iterator[Context]:
    """The context with all ports, which are closed at the end. Ctrl-C, SIGTERM and SIGHUP set `cancelled` and raise
    KeyboardInterrupt once. adopting: also accept a ledger copied from another machine. shared: whether SHIPWAY_LEDGER may
    name another ledger than the home folder's."""
    address = _ledger_address(home) if shared else home / "ledger.db"
    redactor, cancelled = of_process(), threading.Event()
    redactor.add({name: os.environ.get(name, "") for name in ("SHIPWAY_LEDGER", "SHIPWAY_KEY")})
    with ExitStack() as ending:
        ledger: Any = MaskedLedger(ending.enter_context(closing(open_ledger(address))), redactor)
        if not adopting and not is_shared(address):
            require_machine(ledger, machine_id(home), str(address))
        cancel_on_signals(cancelled)
        engine = driver("runtime", "engine")()
        keys: Any = Lazy(lambda: _keyring(engine, cancelled))
        secrets: Any = KnownSecrets(Lazy(lambda: _secrets(home, ledger, reporter.note)), redactor)
        who = actor_of(actor)

        def guarded(machine: Machine) -> Machine:
            return owned(machine, ledger, who, time.time)

        hosts: Any = Lazy(lambda: _hosts(keys, cancelled, ending, guarded))
        context = Context(
            home=home, actor=who, ledger=ledger, secrets=secrets, machine=guarded(_machine(engine, keys, cancelled)),
            connect=lambda host: hosts.connect(host), locate=lambda host: hosts.locate(host),
            registry=lambda plan: _registry(plan, engine, keys, secrets, redactor, cancelled),
            tool=_tool, kinds=KINDS, consoles=CONSOLES, servers=_servers(), clock=time.time,
            reporter=MaskedReporter(reporter, redactor), repository=_repository, redactor=redactor, cancelled=cancelled,
            interrupt=_terminate, linter=_linter, unknown_revision=_unknown_revision, background=not os.environ.get(HOSTED),
            provider=lambda source, scope, content: _provider(home, source, scope, content),
            retire_later=lambda app, environment: _retire_later(home, app, environment), folders=listed_folders(),
            host_setup=lambda host, login, password: driver("host_setup", "ssh")(host, login, password),
            dns=_dns, lookup=lambda: driver("lookup", "dns")(), authority=_authority, infra=partial(_infra, cancelled),
            cdn=_cdn,
            backup_store=_backup_store,
        )  # fmt: skip
        if "SHIPWAY_TEST_DIE" in os.environ:  # tests of Shipway itself
            from shipway.testing.faults import from_environment

            context = from_environment(context)
        yield context
    if isinstance(context.reporter, UnbreakableReporter) and isinstance(context.reporter.error, OSError):
        raise context.reporter.error  # the action is complete, but not its report


@contextmanager
def open_development(folder: Path, reporter: Reporter, *, actor: str | None = None) -> Iterator[Context]:
    """The context of one checkout on a developer's machine: with a ledger of its own for runs and secrets, and with an engine
    on which it neither sees nor touches anything of an environment."""
    from shipway.actions.development.labels import apart

    with open_context(folder, reporter, actor=actor, shared=False) as ctx:
        yield replace(ctx, machine=apart(ctx.machine), background=False, retire_later=lambda app, environment: None)


@contextmanager
def open_secrets(home: Path) -> Iterator[LedgerSecrets]:
    """Only the ledger's secrets."""
    with closing(open_ledger(_ledger_address(home))) as ledger:
        yield _secrets(home, ledger)


def this_machine() -> Machine:
    """This machine without a ledger, for read-only access."""
    engine, cancelled = driver("runtime", "engine")(), threading.Event()
    return _machine(engine, Lazy(lambda: _keyring(engine, cancelled)), cancelled)


def load_plan(home: Path, path: Path | None = None) -> Plan:
    """The plan at a path, else of the working directory: from it or a parent folder, or the only one in a folder of it.
    PlanError if there is none, or several."""
    from shipway.planfile import find, load_cached

    return load_cached(path or find(Path.cwd()), home / "cache")


def project_source(home: Path, ctx: Context, name: str | None, plan: Path | None = None) -> ProjectSource:
    """Where the app of that name is found: in the working tree or the bare repository here, else in the ledger. None: the
    app of this folder; PlanError if it has none, or several. plan: the path of its plan, if the user gave one."""
    from shipway.domain.errors import PlanError

    name = ctx.names.app(name) if name else None
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


def _machine(engine: object, keys: Any, cancelled: threading.Event) -> Machine:
    images: Any = Lazy(lambda: driver("images", "docker")(engine, keys, cancelled=cancelled))
    edge: Any = Lazy(lambda: driver("edge", "traefik")(engine, keys=keys, cancelled=cancelled))
    return Machine(LOCAL, driver("runtime", "docker")(engine), images, edge, _probe, _probe_tcp)


def _secrets(home: Path, ledger: SecretLedger, note: Callable[[str], None] = lambda text: None) -> LedgerSecrets:
    from shipway.drivers.secrets.key import VARIABLE, Keys

    keys = Keys(home / "key", os.environ.get(VARIABLE, ""))
    secrets: LedgerSecrets = driver("secrets", "ledger")(ledger, keys, home / "secrets", note)
    return secrets


def _provider(home: Path, source: SecretSource, scope: str, content: bytes | None) -> SecretProvider:
    from shipway.drivers.secret_provider.operator import Operator

    made: SecretProvider = driver("secret_provider", source.kind)(source, Operator(home, scope, os.environ, content))
    return made


def _keyring(engine: object, cancelled: threading.Event) -> Keyring:
    from shipway.drivers.registry.access import keyring

    return keyring({f"127.0.0.1:{EMBEDDED_REGISTRY_PORT}": lambda: _embedded(engine, None, cancelled).credentials()})


def _embedded(engine: object, keys: Keyring | None, cancelled: threading.Event) -> Any:
    return driver("registry", "embedded")(engine, port=EMBEDDED_REGISTRY_PORT, keys=keys, cancelled=cancelled)


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
    address = plan.registry.address
    remote: Registry = driver("registry", "remote")(address, credentials, lambda used: keys.renew(f"{address}/", used))
    return remote


def _tool(
    database: Database, *, run: OneOff, client: OneOff, files: Callable[[str], dict[str, bytes]],
    cache: OwnTablesCache | None = None, kind: str, start: Callable[[OnLine], None] | None = None, image: str = "",
) -> DatabaseTool:  # fmt: skip
    """Create the driver with those arguments that its constructor names."""
    import inspect

    known = {
        "run": run, "client": client, "files": files, "folder": database.folder, "commands": database.commands,
        "cache": cache, "start": start, "image": image, "kind": kind,
    }  # fmt: skip
    make = driver("database", database.tool)
    tool: DatabaseTool = make(**{name: known[name] for name in inspect.signature(make).parameters})
    return tool


def _cdn(access: CdnAccess) -> CdnProvider:
    made: CdnProvider = driver("cdn", access.cdn.provider)(access)
    return made


def _servers() -> Mapping[str, DatabaseServer]:
    return {kind: Lazy(partial(_server, kind)) for kind in DRIVERS["server"]}


def _server(kind: str) -> DatabaseServer:
    made: DatabaseServer = driver("server", kind)()
    return made


def _dns(settings: Dns, secrets: Mapping[str, str]) -> DnsProvider:
    found: DnsProvider = driver("dns", "octodns")(settings.provider, settings.options, secrets)
    return found


def _authority(settings: Tls) -> CertificateAuthority:
    found: CertificateAuthority = driver("authority", "acme")(settings.server, settings.acme, settings.trust)
    return found


def _infra(cancelled: threading.Event, settings: Infra, place: InfraPlace) -> InfraTool:
    found: InfraTool = driver("infra", settings.tool)(settings, place, cancelled)
    return found


def _backup_store(settings: Backups, credentials: tuple[str, str]) -> BackupStore:
    from shipway.domain.backups import S3

    made: BackupStore
    if not settings.to.startswith(S3):
        made = driver("backups", "folder")(settings.to)
        return made
    from shipway.drivers.backups.sigv4 import Credentials

    credentials = credentials if any(credentials) else _aws_credentials()
    made = driver("backups", "s3")(settings.to, settings.endpoint, settings.region, Credentials(*credentials))
    return made


def _aws_credentials() -> tuple[str, str]:
    """Those of the environment, by the names that other programs use too: for the backups of the ledger itself."""
    given = (os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", ""))
    if not all(given):
        raise SecretError(
            "a bucket needs credentials", hint="set the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return given


def backup_store(settings: Backups) -> BackupStore:
    """The store of the ledger's backups, where there is no ledger yet."""
    return _backup_store(settings, ("", ""))


def key_of_secrets(home: Path) -> str | None:
    """The key of the ledger's secrets, for its backup; None if it has none."""
    with open_secrets(home) as secrets:
        try:
            return secrets.key().text
        except KeyMissing:
            return None


def _terminate() -> None:
    """Stop this process's command like SIGTERM does: it cleans up first."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGTERM)  # the main thread itself: another one could not wake it up


def _linter() -> Linter | None:
    squawk = driver("lint", "squawk")()
    return squawk if squawk.installed else None


def _unknown_revision(output: str) -> tuple[str, str] | None:
    from shipway.drivers.unknown_revisions import unknown_revision

    return unknown_revision(output)


def _retire_later(home: Path, app: str, environment: str) -> None:
    from shipway.system.background import start_in_background

    start_in_background("--home", str(home), "retire", environment, "--app", app, "--when-due")


def _repository() -> Repository:
    from shipway.system.git import Repository

    return Repository.find(Path.cwd())


def _probe(host: str, port: int, path: str, timeout: float, headers: Mapping[str, str] | None = None) -> Probe:
    from shipway.system.probe import probe

    return probe(host, port, path, timeout, headers)


def _probe_tcp(host: str, port: int, timeout: float) -> Probe:
    from shipway.system.probe import probe_tcp

    return probe_tcp(host, port, timeout)
