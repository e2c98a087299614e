"""What a process of Shipway has once: the ledger, the secrets, connections to hosts. Each piece of its work gets a context."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from shipway.actions.environment.ownership import owned
from shipway.context import Context, Machine
from shipway.domain.errors import RepositoryError, SecretError
from shipway.domain.plan import LOCAL, Database, Plan
from shipway.domain.platform import in_cluster
from shipway.domain.value import dataclass
from shipway.drivers import DRIVERS, Lazy, driver
from shipway.drivers.accessories import KINDS
from shipway.drivers.consoles import CONSOLES
from shipway.system.listed import listed_folders
from shipway.system.masked import KnownSecrets, MaskedLedger, MaskedReporter
from shipway.system.redact import Redactor, of_process

if TYPE_CHECKING:
    from shipway.clusters import Clusters
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
        Dial,
        DnsProvider,
        Forge,
        ForgeAccess,
        InfraTool,
        Linter,
        Notifier,
        NotifierAccess,
        OneOff,
        OnLine,
        Registry,
        Reporter,
        SbomTool,
        SecretLedger,
        SecretProvider,
        Secrets,
    )
    from shipway.system.git import Repository
    from shipway.system.probe import Probe

EMBEDDED_REGISTRY_PORT = 5055
HOSTED = "CI"  # variable of hosted jobs, which remove what a process that outlives the command would still read


def no_folder() -> Repository:
    """The repository of a process that works in no folder. RepositoryError."""
    raise RepositoryError("this process works in no repository")


@dataclass(frozen=True)
class Services:
    """Shared by all contexts of a process; safe to use from several threads."""

    home: Path
    ledger: Any  # of ports.Ledger, without secrets in what it keeps
    secrets: Any
    engine: Any  # of this machine
    keys: Any  # to registries
    redactor: Redactor
    cancelled: threading.Event  # ends all work of the process
    interrupt: Callable[[], None] | None  # does it as a signal would; None: by `cancelled`
    ending: ExitStack

    def context(
        self, reporter: Reporter, actor: str, repository: Callable[[], Repository] = no_folder
    ) -> Context:  # fmt: skip
        """The context of one piece of work, for this person. repository: the one it works in."""

        def guarded(machine: Machine) -> Machine:
            return owned(machine, self.ledger, actor, time.time)

        def connect(host: str) -> Machine:
            if not in_cluster(host):
                return cast(Machine, hosts.connect(host))
            there = guarded(clusters.machine(host, machine(self.engine, keys, cancelled, hosts)))
            there.runtime.ping()
            return there

        home, keys, cancelled = self.home, self.keys, self.cancelled
        background = not os.environ.get(HOSTED)
        clusters: Any = Lazy(_clusters)
        hosts: Any = Lazy(lambda: _hosts(keys, cancelled, self.ending, guarded, self.engine))
        return Context(
            home=home, actor=actor, ledger=self.ledger, secrets=self.secrets,
            machine=guarded(machine(self.engine, keys, cancelled, hosts)),
            connect=connect, cluster=lambda *asked: clusters.cluster(*asked), locate=lambda host: hosts.locate(host),
            registry=lambda plan: _registry(plan, self.engine, keys, self.secrets, self.redactor, cancelled),
            tool=_tool, kinds=KINDS, consoles=CONSOLES, servers=_servers(), clock=time.time,
            reporter=MaskedReporter(reporter, self.redactor), repository=repository, redactor=self.redactor,
            cancelled=cancelled, interrupt=self.interrupt, linter=_linter, unknown_revision=_unknown_revision,
            background=background,
            provider=lambda source, scope, content: _provider(home, source, scope, content),
            retire_later=partial(_retire_later, home) if background else _next_deployment, folders=listed_folders(),
            host_setup=lambda host, login, password: driver("host_setup", "ssh")(host, login, password),
            dns=_dns, lookup=lambda: driver("lookup", "dns")(), authority=_authority, infra=partial(_infra, cancelled),
            cdn=_cdn, backup_store=backup_store, forge=_forge, notifier=_notifier, sbom=_sbom(self.engine, cancelled),
        )  # fmt: skip


@contextmanager
def open_services(
    home: Path, address: str | Path, note: Callable[[str], None], interrupt: Callable[[], None] | None = None
) -> Iterator[Services]:
    """The services on the ledger of that address, which are closed at the end. note: for remarks about secrets."""
    from shipway.store import open_ledger

    redactor, cancelled = of_process(), threading.Event()
    redactor.add({name: os.environ.get(name, "") for name in ("SHIPWAY_LEDGER", "SHIPWAY_KEY")})
    with ExitStack() as ending:
        ledger: Any = MaskedLedger(ending.enter_context(closing(open_ledger(address))), redactor)
        engine = driver("runtime", "engine")()
        keys: Any = Lazy(lambda: keyring(engine, cancelled))
        secrets: Any = KnownSecrets(Lazy(lambda: ledger_secrets(home, ledger, note)), redactor)
        yield Services(home, ledger, secrets, engine, keys, redactor, cancelled, interrupt, ending)


def machine(engine: object, keys: Any, cancelled: threading.Event, hosts: Hosts | None = None) -> Machine:
    """This machine. hosts: the others, which may be nodes of its Swarm."""
    images: Any = Lazy(lambda: driver("images", "docker")(engine, keys, cancelled=cancelled))
    edge: Any = Lazy(lambda: driver("edge", "traefik")(engine, keys=keys, cancelled=cancelled))
    if hosts is None:
        return Machine(LOCAL, driver("runtime", "docker")(engine), images, edge, _probe, _probe_tcp)

    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        if "%" not in address[0]:
            return socket.create_connection(address, timeout)
        return hosts.dialing(socket.create_connection)(address, timeout)

    runtime = driver("runtime", "swarm")(
        engine, LOCAL, lambda name: hosts.runtime(name), lambda reference: images.credentials(reference)
    )
    return Machine(LOCAL, runtime, images, edge, partial(_probe, dial=dial), partial(_probe_tcp, dial=dial), dial)


def ledger_secrets(home: Path, ledger: SecretLedger, note: Callable[[str], None] = lambda text: None) -> LedgerSecrets:
    """The ledger's secrets. note: for remarks about them."""
    from shipway.drivers.secrets.key import VARIABLE, Keys

    keys = Keys(home / "key", os.environ.get(VARIABLE, ""))
    secrets: LedgerSecrets = driver("secrets", "ledger")(ledger, keys, home / "secrets", note)
    return secrets


def _provider(home: Path, source: SecretSource, scope: str, content: bytes | None) -> SecretProvider:
    from shipway.drivers.secret_provider.operator import Operator

    made: SecretProvider = driver("secret_provider", source.kind)(source, Operator(home, scope, os.environ, content))
    return made


def keyring(engine: object, cancelled: threading.Event) -> Keyring:
    """Credentials of the registries that this machine knows, and of its own."""
    from shipway.drivers.registry.access import keyring as known

    return known({f"127.0.0.1:{EMBEDDED_REGISTRY_PORT}": lambda: _embedded(engine, None, cancelled).credentials()})


def _embedded(engine: object, keys: Keyring | None, cancelled: threading.Event) -> Any:
    return driver("registry", "embedded")(engine, port=EMBEDDED_REGISTRY_PORT, keys=keys, cancelled=cancelled)


def _clusters() -> Clusters:
    from shipway.clusters import Clusters

    return Clusters()


def _hosts(
    keys: Keyring, cancelled: threading.Event, ending: ExitStack, guarded: Callable[[Machine], Machine], engine: object
) -> Hosts:
    from shipway.hosts import Hosts

    hosts = Hosts(keys, cancelled, guarded, engine)
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


def _forge(kind: str, access: ForgeAccess) -> Forge:
    made: Forge = driver("forge", kind)(access)
    return made


def _sbom(engine: Any, cancelled: threading.Event) -> Callable[[], SbomTool | None] | None:
    if os.environ.get("SHIPWAY_SYFT") == "off":
        return None

    def installed() -> SbomTool | None:
        from shipway.drivers.sbom.syft import found

        program = found()
        return driver("sbom", "syft")(program, engine.variables(), cancelled) if program else None

    return installed


def _notifier(kind: str, access: NotifierAccess) -> Notifier:
    made: Notifier = driver("notifier", kind)(access)
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


def backup_store(settings: Backups, credentials: tuple[str, str]) -> BackupStore:
    """The store of backups, by the settings, and id and access key."""
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


def _linter() -> Linter | None:
    squawk = driver("lint", "squawk")()
    return squawk if squawk.installed else None


def _unknown_revision(output: str) -> tuple[str, str] | None:
    from shipway.drivers.unknown_revisions import unknown_revision

    return unknown_revision(output)


def _retire_later(home: Path, app: str, environment: str) -> None:
    from shipway.system.background import start_in_background

    start_in_background("--home", str(home), "retire", environment, "--app", app, "--when-due")


def _next_deployment(app: str, environment: str) -> None:
    """No process: the next deployment stops what is due."""


def _probe(
    host: str, port: int, path: str, timeout: float, headers: Mapping[str, str] | None = None, *,
    dial: Dial = socket.create_connection,
) -> Probe:  # fmt: skip
    from shipway.system.probe import probe

    return probe(host, port, path, timeout, headers, dial=dial)


def _probe_tcp(host: str, port: int, timeout: float, *, dial: Dial = socket.create_connection) -> Probe:
    from shipway.system.probe import probe_tcp

    return probe_tcp(host, port, timeout, dial=dial)
