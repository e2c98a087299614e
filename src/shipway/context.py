"""The context object that every action takes: ports, settings and reporter."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from shipway.domain.errors import SecretError, UsageError
from shipway.domain.host_location import HostLocation, named
from shipway.domain.plan import Accessory, Database, Environment, Plan
from shipway.domain.value import dataclass
from shipway.system.alive import this_process
from shipway.system.unbreakable import UnbreakableReporter

if TYPE_CHECKING:  # keeps imports of every command cheap
    from shipway.domain.accessory import AccessoryKind, Kinds
    from shipway.domain.backups import Backups
    from shipway.domain.console import Console
    from shipway.domain.container import ContainerSpec
    from shipway.domain.infra import InfraPlace
    from shipway.domain.own_tables import OwnTablesCache
    from shipway.domain.people import Identity
    from shipway.domain.platform import ClusterSettings
    from shipway.domain.provisioned import Dns, Infra
    from shipway.domain.renaming import Names
    from shipway.domain.routing import Tls
    from shipway.domain.secret_source import SecretSource
    from shipway.ports import (
        BackupStore,
        CdnAccess,
        CdnProvider,
        CertificateAuthority,
        Cluster,
        DatabaseServer,
        DatabaseTool,
        Dial,
        DnsLookup,
        DnsProvider,
        Edge,
        Forge,
        ForgeAccess,
        HostSetup,
        Images,
        InfraTool,
        Ledger,
        Linter,
        Notifier,
        NotifierAccess,
        OneOff,
        OnLine,
        Registry,
        Reporter,
        Runtime,
        SbomTool,
        SecretProvider,
        Secrets,
    )
    from shipway.system.git import Repository
    from shipway.system.probe import Probe
    from shipway.system.redact import Redactor


class ToolFactory(Protocol):
    """Creates the driver of the plan's migration tool. `run` runs commands in the release's image, `client` in the
    database's own, and `files` returns the files of a folder of the release's image. `cache` is shared by the tools of an
    image. kind: of the database's accessory. Only for a program that migrates when it starts: `image`, its reference, and `start`, which starts it alone."""

    def __call__(
        self, database: Database, *, run: OneOff, client: OneOff, files: Callable[[str], dict[str, bytes]],
        cache: OwnTablesCache | None = None, kind: str, start: Callable[[OnLine], None] | None = None, image: str = "",
    ) -> DatabaseTool: ...  # fmt: skip


def no_provider(source: SecretSource, scope: str, content: bytes | None) -> SecretProvider:
    """For contexts that fetch nothing."""
    raise SecretError(f"{source.text} can't be read here")


def _no_cluster(app: str, environment: str, settings: ClusterSettings) -> Cluster:
    raise UsageError("no cluster is known here")


def _no_store(settings: Backups, credentials: tuple[str, str]) -> BackupStore:
    raise UsageError("there are no backups here")


@dataclass(frozen=True)
class Machine:
    """A host with its engine, its edge, and probes that reach its containers."""

    name: str  # as in the plan
    runtime: Runtime
    images: Images
    edge: Edge
    probe: Callable[..., Probe]  # as system.probe.probe
    probe_tcp: Callable[..., Probe]
    dial: Dial = socket.create_connection  # from the engine's machine
    executes: bool = True  # whether commands can be run inside a running container


@dataclass(frozen=True)
class Context:
    """Ports and settings of one host. Created by the composition root (`shipway.app`), and by tests."""

    home: Path
    actor: str  # e-mail address of the acting person or machine
    ledger: Ledger
    secrets: Secrets
    machine: Machine
    connect: Callable[[str], Machine]  # to a host by its name in the plan; EngineError if it is unreachable
    registry: Callable[[Plan], Registry]
    tool: ToolFactory
    kinds: Kinds  # of accessories
    servers: Mapping[str, DatabaseServer]  # by kind of accessory: those whose databases can be under migrations
    clock: Callable[[], float]
    reporter: Reporter
    repository: Callable[[], Repository]  # of the working directory; RepositoryError if there is none
    redactor: Redactor
    linter: Callable[[], Linter | None] = lambda: None  # of SQL scripts, if installed
    unknown_revision: Callable[[str], tuple[str, str] | None] = lambda output: (
        None
    )  # the migration tool and the revision
    # that it refuses, by a container's output
    # Of a source, for a scope (app/environment), with the content of its file in the release.
    provider: Callable[[SecretSource, str, bytes | None], SecretProvider] = no_provider
    consoles: Sequence[Console] = ()
    folders: tuple[str, ...] = ()  # folders of the hosts that services may mount, listed by whoever operates them
    background: bool = True  # whether a background process outlives the command; not so in a hosted job
    retire_later: Callable[[str, str], None] = lambda app, environment: None  # see actions.upkeep.retire
    cancelled: threading.Event = field(default_factory=threading.Event)
    interrupt: Callable[[], None] | None = None  # stop the work in progress as a signal does; None: set `cancelled`
    interruption: Callable[[], str] = lambda: "interrupted"  # why it was, for the history
    exclusive: bool = False  # whether this process holds the lock of the environment that it works on
    parallel: int = max(2, os.cpu_count() or 2)
    cdn: Callable[[CdnAccess], CdnProvider] | None = None  # None: CDNs are never purged, as in a proof
    backup_store: Callable[[Backups, tuple[str, str]], BackupStore] = (
        _no_store  # by the settings, and id and access key
    )
    one_off: Callable[[Context, ContainerSpec], OneOff] | None = None  # see actions.environment.tool_container
    host_setup: Callable[[str, str, str], HostSetup] | None = None  # by a host's name, a login, and its sudo's password
    # Providers of records and of infrastructure: by the plan's settings and the values of their secrets.
    dns: Callable[[Dns, Mapping[str, str]], DnsProvider] | None = None
    lookup: Callable[[], DnsLookup] | None = None
    authority: Callable[[Tls], CertificateAuthority] | None = None
    infra: Callable[[Infra, InfraPlace], InfraTool] | None = None
    # Who is asked and told, by the kind of forge or notification. None: none, as in a proof.
    forge: Callable[[str, ForgeAccess], Forge] | None = None
    sbom: Callable[[], SbomTool | None] | None = (
        None  # lists the software of images, if it is installed; None: not wanted
    )
    notifier: Callable[[str, NotifierAccess], Notifier] | None = None
    proven: Identity | None = None  # the actor, if a token or the server has proven it
    cluster: Callable[[str, str, ClusterSettings], Cluster] = _no_cluster  # of an app's environment
    locate: Callable[[str], HostLocation] = named  # a host by its name in the plan; EngineError if that isn't known

    def __post_init__(self) -> None:
        """Wrap the reporter, so that a failing report can't fail the action."""
        if not isinstance(self.reporter, UnbreakableReporter):
            object.__setattr__(self, "reporter", UnbreakableReporter(self.reporter))

    def on(self, host: str) -> Context:
        """The context of that host. EngineError if it is unreachable."""
        return self if host == self.machine.name else replace(self, machine=self.connect(host))

    def kind(self, accessory: Accessory) -> AccessoryKind:
        """What Shipway knows about accessories of this kind."""
        return self.kinds[accessory.kind]

    @property
    def runtime(self) -> Runtime:
        """The runtime of this host."""
        return self.machine.runtime

    @property
    def images(self) -> Images:
        """The images of this host."""
        return self.machine.images

    @property
    def edge(self) -> Edge:
        """The edge of this host."""
        return self.machine.edge

    @property
    def names(self) -> Names:
        """The names of renamed apps and environments, as recorded now."""
        from shipway.domain.renaming import Names

        return Names(self.ledger.renamings())

    @property
    def owner(self) -> str:
        """The owner of locks: the actor and the process, see `system.alive`."""
        return f"{self.actor} {this_process()}"

    def sees(self, app: str, environment: str, permission: str = "see") -> bool:
        """Whether the actor may see it; one who is not proven has the home folder, and sees all."""
        return self.proven is None or self.proven.may(permission, app, environment)

    @contextmanager
    def part(self, name: str, detail: str = "") -> Iterator[None]:
        """Report a named part with its duration and outcome."""
        started = self.clock()
        self.reporter.begin(name, detail)
        try:
            yield
        except BaseException:
            self.reporter.end(name, "failed", self.clock() - started)
            raise
        self.reporter.end(name, "succeeded", self.clock() - started)


def environment_of(plan: Plan, name: str) -> Environment:
    """The environment of that name. UsageError if the plan lacks it."""
    if name not in plan.environments:
        known = ", ".join(plan.environments) or "none"
        raise UsageError(f"the plan of {plan.app} has no environment {name!r}", hint=f"it has: {known}")
    return plan.environments[name]
