"""The plan: what a team wrote in `shipway.yaml`, parsed once into frozen, typed objects.

All durations are seconds (float), all memory sizes bytes (int). Names are the keys of the file. Mappings are never changed."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any
from urllib.parse import urlsplit

from shipway.domain.backups import Backups
from shipway.domain.build import BuildSource as BuildSource
from shipway.domain.cdn import Cdn
from shipway.domain.database import ALWAYS as ALWAYS
from shipway.domain.database import FILE_KIND as FILE_KIND
from shipway.domain.database import NEVER as NEVER
from shipway.domain.database import ON_START as ON_START
from shipway.domain.database import UNPROVEN as UNPROVEN
from shipway.domain.database import Database as Database
from shipway.domain.database import DatabaseCommands as DatabaseCommands
from shipway.domain.database import DatabaseFile
from shipway.domain.database import Snapshots as Snapshots
from shipway.domain.develop import Develop
from shipway.domain.gating import Approvals as Approvals
from shipway.domain.gating import Freeze, Hotfix, Requirements
from shipway.domain.launch import Launch
from shipway.domain.mounts import Volume
from shipway.domain.platform import SWARM, ClusterSettings
from shipway.domain.previews import Previews
from shipway.domain.provisioned import Dns as Dns
from shipway.domain.provisioned import Infra as Infra
from shipway.domain.registry_access import RegistryAccess
from shipway.domain.routing import Access, EdgeSettings, Routing, Tls, is_local
from shipway.domain.secret_source import SecretSource
from shipway.domain.strategy import Strategy, Watch
from shipway.domain.tasks import Schedule, Seed, Task
from shipway.domain.value import dataclass

STANDBY = 900.0  # seconds, unless a plan sets it
PLAN_FILE = "shipway.yaml"  # name of a plan file
LOCAL = "local"  # the machine that the command runs on


@dataclass(frozen=True)
class Health:
    """When a service is ready: a plan sets exactly one of path (HTTP GET, 200-299), tcp or command.

    Known accessories have both tcp and command: the port is checked first, since that is cheaper.
    """

    path: str | None = None
    tcp: bool = False
    command: str | None = None  # run in the container by `sh -c`; exit code 0 is healthy
    timeout: float = 60.0  # from the container's start to its first healthy answer
    interval: float = 0.1
    headers: Mapping[str, str] = field(default_factory=dict)  # of the request to `path`


@dataclass(frozen=True)
class Resources:
    """Limits of one container; None is unlimited."""

    cpus: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Security:
    """What a container of a service or a step may do."""

    no_new_privileges: bool = True  # sudo, su and the like gain no privileges
    pids: int = 4096  # processes and threads
    capabilities: tuple[str, ...] = ()  # beside the engine's defaults, which lose NET_RAW

    def looser_than(self, other: Security) -> list[str]:
        """Keys of the plan that allow more here than in the other."""
        found = ["no-new-privileges"] if other.no_new_privileges and not self.no_new_privileges else []
        found += ["pids"] if self.pids > other.pids else []
        return found + (["capabilities"] if set(self.capabilities) - set(other.capabilities) else [])


@dataclass(frozen=True)
class Service:
    """What the team builds and runs: frontend, backend, worker. Exactly one of build and image is set."""

    name: str
    build: BuildSource | None = None
    image: str | None = None
    command: str | None = None  # split by shell rules, run without a shell; None is the image's own
    port: int | None = None  # port that the container listens on
    route: str | None = None  # public path prefix, such as / or /api; needs port and health
    health: Health | None = None
    replicas: int = 1
    resources: Resources = Resources()
    drain: float = 30.0  # of a service with a port: how long open requests may take before SIGTERM
    stop: float = 10.0  # from SIGTERM to SIGKILL
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    security: Security = Security()
    secret_files: tuple[str, ...] = ()  # the subset that it reads from files; the variable NAME_FILE has the path
    assets: str | None = None  # folder of its image whose files the previous and the next release serve too
    entrypoint: str | None = None  # split like command; None is the image's own; if set, the image's CMD is ignored
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    routing: Routing = field(default_factory=Routing)  # the other keys of `route`
    files: Mapping[str, str] = field(default_factory=dict)  # path in its container: file of the repository
    optional_secrets: tuple[str, ...] = ()  # the subset that may be unset: then the service gets no variable or file
    develop: Develop | None = None  # how `shipway dev` runs it

    @staticmethod
    def from_record(data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Convert an older record with a single value: there `drain` was the time from SIGTERM to SIGKILL."""
        return data if "stop" in data else {**data, "stop": data["drain"]}


@dataclass(frozen=True)
class Accessory:
    """A database or cache that the services use, one per environment. An external one runs elsewhere: Shipway starts
    nothing for it, and `image` has the programs of its server."""

    name: str
    image: str  # empty: unknown, only of an external one
    kind: str  # names its AccessoryKind, which decides default port, health and URL
    provides: str | None = None  # environment variable that passes its URL to services and steps
    url: str | None = None  # template of that URL for kind other: {host} and {port} are replaced
    port: int | None = None
    volume: str | None = None  # path in the container, stored in a named volume
    health: Health | None = None  # None: by kind
    environment: Mapping[str, str] = field(default_factory=dict)
    command: str | None = None
    entrypoint: str | None = None
    secrets: tuple[str, ...] = ()  # variables of its own container
    published: int | None = None  # port of the first host for the environment's other hosts; None: from the name
    forms: Mapping[str, str] = field(
        default_factory=dict
    )  # key `provides` as a mapping: variable and text with {parts}
    external: str | None = None  # secret with the address of one that runs elsewhere; the variable has the same name
    version: str | None = None  # of its server
    file: DatabaseFile | None = None  # of a database without a server, see `Plan.migrated`; `image` has what reads it

    @property
    def in_container(self) -> bool:
        """Whether a container of the environment serves it."""
        return not self.external and self.file is None

    def as_container(self) -> Accessory:
        """What a proof or a step starts in place of an external one."""
        return replace(self, external=None, version=None)


@dataclass(frozen=True)
class StepImage:
    """The image that a step runs in: a name to pull, or a build of this repository. Exactly one is set."""

    name: str | None = None
    build: BuildSource | None = None


@dataclass(frozen=True)
class Step:
    """A node of the pipeline: `run` with `image`, or `build` (services to build and push), or `prove`."""

    name: str
    run: str | None = None  # by `sh -c`
    image: StepImage | None = None
    build: tuple[str, ...] = ()
    prove: str | None = None  # an environment: proves the rollback from the images just built to its release
    needs: tuple[str, ...] = ()
    accessories: tuple[str, ...] = ()  # key `with`: new containers, healthy before the step starts
    inputs: tuple[str, ...] = ()  # paths or globs from the repository's root; empty: the whole source of the step
    outputs: tuple[str, ...] = ()  # paths relative to the step's working directory
    reports: tuple[str, ...] = ()  # JUnit XML files, relative to the step's working directory
    timeout: float = 1800.0
    retries: int = 0
    env: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = Resources()  # memory None: four fifths of the machine's
    security: Security = Security()
    caches: tuple[str, ...] = ()  # key `cache`: folders of its container that outlive it; ~ is its user's home


@dataclass(frozen=True)
class Check:
    """A command that tests a running environment; $URL is the environment's address."""

    name: str
    image: StepImage
    run: str
    timeout: float = 300.0
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trigger:
    """When an environment is deployed automatically. Only branches: on each push to one of them. tag with branches: on
    a matching tag whose commit is on one of them. manual: only by `shipway deploy`. See `domain.refs` for patterns."""

    branch: str | None = None  # the first of `branches`, in older records
    tag: str | None = None  # pattern of tags
    manual: bool = False
    branches: tuple[str, ...] = ()  # names and patterns
    except_tags: tuple[str, ...] = ()  # patterns of excluded tags
    versions: str | None = None  # range of semantic versions for the tag

    def __post_init__(self) -> None:
        if self.branch and not self.branches:  # an older record with a single branch
            object.__setattr__(self, "branches", (self.branch,))
        if self.branches and not self.branch:
            object.__setattr__(self, "branch", self.branches[0])


@dataclass(frozen=True)
class Scenario:
    """A scenario: a command that uses the application as users do, in a proof. It runs in a container of the service's
    image, beside the running services. The default service is at $URL, each service at http://NAME:PORT."""

    name: str
    service: str
    run: str  # by `sh -c`
    kind: str = "read"  # or write, or job: work of a worker, which the command waits for


@dataclass(frozen=True)
class Proving:
    """How a release's rollback is proven."""

    mode: str = "schema"  # content of the proof's database: schema (empty), data (of the target), rows (generated)
    mask: tuple[str, ...] = ()  # SQL that removes sensitive data from the proof's database
    timeout: float = 600.0  # of each part: the dump, a migration, a scenario
    exercise: Mapping[str, Scenario] = field(default_factory=dict)  # key `scenarios`
    secrets: tuple[str, ...] = ()  # secrets that must be set for proofs; all others are generated if unset
    traffic: int = 0  # of the target's most frequent statements, repeated while the up migrations run


@dataclass(frozen=True)
class Host:
    """A machine with a Docker Engine. Each host of an environment runs all its services behind its own edge; the first
    one also runs the accessories."""

    name: str = LOCAL  # or ssh://[user@]name[:port]
    address: str | None = None  # private address of the accessories, for other hosts


@dataclass(frozen=True)
class Environment:
    """A place where releases run: staging, production."""

    name: str
    url: str
    trigger: Trigger = Trigger(manual=True)
    after: str | None = None  # the environment where the same release must be validated first
    approvals: Approvals = Approvals()
    hosts: tuple[Host, ...] = (Host(),)
    replicas: Mapping[str, int] = field(default_factory=dict)  # by service, on each host
    environment: Mapping[str, str] = field(default_factory=dict)  # for every service
    seed: Seed | None = None
    before_switch: tuple[Task, ...] = ()  # after the seed, before a new container starts
    after_deploy: tuple[Task, ...] = ()  # once the release serves, and its checks have passed
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    standby: float = 0.0  # how long the previous release stays on standby, so that a rollback is a single switch
    standby_auto: bool = False  # set if the plan doesn't set `standby`: only if free memory suffices
    strategy: Strategy = field(default_factory=Strategy)
    watch: Watch = field(default_factory=Watch)
    retain: int = 5  # number of previous releases whose images are kept on the hosts
    tls: Tls | None = None  # None: chosen by the host name
    edge: EdgeSettings = field(default_factory=EdgeSettings)
    prove: bool | None = None  # whether a release needs a rollback proof; None: if `after` is set
    secrets: tuple[str, ...] = ()  # for every service, as variables
    aliases: tuple[str, ...] = ()  # further host names that serve the same as the url's
    domains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by service: its route's only host names
    redirects: tuple[str, ...] = ()  # host names that redirect to the url
    access: Access = field(default_factory=Access)
    optional_secrets: tuple[str, ...] = ()  # the subset of `secrets` that may be unset
    dns: Dns | None = None
    infra: Infra | None = None
    cdn: Cdn | None = None  # in front of it
    secrets_from: tuple[SecretSource, ...] = ()  # providers; names that none has are in the ledger
    backups: Backups | None = None
    launch: Launch = field(default_factory=Launch)
    freeze: tuple[Freeze, ...] = ()  # times without deployments
    require: Requirements = Requirements()
    hotfix: Hotfix = Hotfix()
    platform: str = ""  # SWARM: the hosts are its nodes; KUBERNETES: it has none; empty: each host runs all services
    cluster: ClusterSettings = ClusterSettings()  # of KUBERNETES

    def __post_init__(self) -> None:
        if not self.hosts:  # an older record with a single host
            object.__setattr__(self, "hosts", (Host(),))

    @property
    def placed(self) -> bool:
        """Whether a platform places its services on its hosts, as one; else each host runs all services."""
        return self.platform == SWARM

    @property
    def certificate(self) -> Mapping[str, object] | None:
        """`tls` of a route table: how the edge obtains the certificate; None without https."""
        if self.scheme != "https":
            return None
        return {"own": True} if self.by_dns else (self.tls or Tls(internal=is_local(self.domain))).at_edge

    @property
    def by_dns(self) -> bool:
        """Whether Shipway obtains its certificate by DNS-01: the plan says so, or a wildcard leaves no other way."""
        tls, wildcard = self.tls or Tls(internal=is_local(self.domain)), "*" in "".join(self.certified_names)
        chosen = tls.challenge is not None or (wildcard and self.dns is not None)
        return self.scheme == "https" and chosen and not (tls.internal or tls.certificate)

    @property
    def certified_names(self) -> tuple[str, ...]:
        """All host names that need a certificate."""
        return tuple(dict.fromkeys((*self.public_names, *self.redirects)))

    @property
    def forwarded(self) -> dict[str, str]:
        """Headers of a request to the public address, as the edge forwards it."""
        usual = self.port == (443 if self.scheme == "https" else 80)
        host = self.domain if usual else f"{self.domain}:{self.port}"
        forwarded = {"Host": host, "Port": str(self.port), "Proto": self.scheme}
        return {"Host": host, **{f"X-Forwarded-{name}": value for name, value in forwarded.items()}}

    @property
    def scheme(self) -> str:
        """URL scheme of the public address: http or https."""
        return urlsplit(self.url).scheme or "http"

    @property
    def domain(self) -> str:
        """Host name of the public address."""
        return urlsplit(self.url).hostname or "localhost"

    @property
    def public_names(self) -> tuple[str, ...]:
        """All host names that serve something, the url's first."""
        further = (name for found in self.domains.values() for name in found)
        return tuple(dict.fromkeys((self.domain, *self.aliases, *further)))

    @property
    def exact_names(self) -> tuple[str, ...]:
        """Those without wildcards."""
        return tuple(name for name in self.public_names if not name.startswith("*"))

    @property
    def port(self) -> int:
        """Public port."""
        return urlsplit(self.url).port or (443 if self.scheme == "https" else 80)


@dataclass(frozen=True)
class Plan:
    """A parsed plan file. Its paths are relative to the root of the repository, wherever the file is."""

    app: str
    services: Mapping[str, Service]
    accessories: Mapping[str, Accessory] = field(default_factory=dict)
    database: Database | None = None
    registry: RegistryAccess | None = None
    pipeline: Mapping[str, Step] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    prove: Proving = Proving()
    file: str = PLAN_FILE  # its path in the repository
    inputs: tuple[str, ...] = ()  # paths or globs, beside those that the plan names; empty: the whole repository
    previews: Previews | None = None  # of pull requests

    def asks_for_proof(self, environment: Environment) -> bool:
        """Whether a release needs a rollback proof to be deployed there."""
        asked = environment.after is not None if environment.prove is None else environment.prove
        return self.database is not None and asked

    @property
    def own_accessories(self) -> Mapping[str, Accessory]:
        """Those that run in containers of the environment: all but external ones."""
        return {name: item for name, item in self.accessories.items() if not item.external}

    @property
    def externals(self) -> tuple[str, ...]:
        """Names of the secrets that are addresses of external services."""
        return tuple(dict.fromkeys(item.external for item in self.accessories.values() if item.external))

    def migrated(self, images: Mapping[str, str]) -> Accessory | None:
        """The accessory whose database is migrated; of a file, one without a container. None without a database. images: of
        the services."""
        database = self.database
        if database is None or database.file is None:
            return self.accessories.get(database.accessory) if database else None
        file = DatabaseFile(database.file, next((item.name for item in self._volumes_of(database)), ""))
        return Accessory(file.name, database.image or images.get(database.service, ""), FILE_KIND, file=file)

    def _volumes_of(self, database: Database) -> list[Volume]:
        """The volume that has the file."""
        folder = posixpath.dirname(database.file or "")
        service = self.services.get(database.service)
        return [item for item in service.volumes.values() if item.path == folder] if service else []

    @property
    def workers(self) -> tuple[Service, ...]:
        """Services without requests."""
        return tuple(service for service in self.services.values() if service.port is None)
