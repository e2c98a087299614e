"""The plan: what a team wrote in `shipway.yaml`, parsed once into frozen, typed objects.

All durations are seconds (float), all memory sizes bytes (int). Names are the keys of the file.
Mappings keep the order of the file and are never changed after parsing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

STANDBY = 900.0  # seconds, where a plan doesn't say otherwise
PLAN_FILE = "shipway.yaml"  # in the root of the repository
LOCAL = "local"  # the machine that the command runs on


@dataclass(frozen=True)
class BuildSource:
    """An image that Shipway builds: a folder of the repository with a Dockerfile in it."""

    folder: str
    dockerfile: str = "Dockerfile"  # relative to the folder
    target: str | None = None  # a stage of the Dockerfile; None is the last one
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """How a service shows that it is ready: in a plan exactly one of path (HTTP GET, 200-299), tcp or command is set.

    Of accessories that Shipway knows, both tcp and command: a look at the port is cheaper, and comes first.
    """

    path: str | None = None
    tcp: bool = False
    command: str | None = None  # run in the container by `sh -c`; exit code 0 is healthy
    timeout: float = 60.0  # from the container's start to the first healthy answer
    interval: float = 0.1
    headers: Mapping[str, str] = field(default_factory=dict)  # of the request to `path`, beside those of the public address


@dataclass(frozen=True)
class Resources:
    """Limits of one container; None is unlimited."""

    cpus: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Security:
    """What a container of a service or a step may do."""

    no_new_privileges: bool = True  # sudo, su and the like get no more rights
    pids: int = 4096  # processes and threads
    capabilities: tuple[str, ...] = ()  # beside those that an engine gives by itself, of which NET_RAW is taken out

    def looser_than(self, other: Security) -> list[str]:
        """Its keys, as in a plan, that allow what the other doesn't."""
        found = ["no-new-privileges"] if other.no_new_privileges and not self.no_new_privileges else []
        found += ["pids"] if self.pids > other.pids else []
        return found + (["capabilities"] if set(self.capabilities) - set(other.capabilities) else [])


@dataclass(frozen=True)
class Service:
    """What the team builds and runs: frontend, backend, worker. Exactly one of build and image is set."""

    name: str
    build: BuildSource | None = None
    image: str | None = None
    command: str | None = None  # split by shell rules, no shell; None is the image's own
    port: int | None = None  # where the container listens
    route: str | None = None  # public path prefix, such as / or /api; needs port and health
    health: Health | None = None
    replicas: int = 1
    resources: Resources = Resources()
    drain: float = 30.0  # of one that listens on a port: how long open requests may take before it is told to stop
    stop: float = 10.0  # from SIGTERM to SIGKILL
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    security: Security = Security()
    secret_files: tuple[str, ...] = ()  # those of them that it reads from a file; the variable NAME_FILE has the path
    assets: str | None = None  # folder in its image whose files the releases before and after serve too
    entrypoint: str | None = None  # split likewise; None is the image's own; with one, the image's own command doesn't count

    @staticmethod
    def from_record(data: Mapping[str, Any]) -> Mapping[str, Any]:
        """A record that was kept before there were two values: `drain` was the time from SIGTERM to SIGKILL."""
        return data if "stop" in data else {**data, "stop": data["drain"]}


@dataclass(frozen=True)
class Accessory:
    """What the services use: a database, a cache. Runs beside them, one an environment."""

    name: str
    image: str
    kind: str  # postgres, mysql, redis or other: decides default port, health and URL
    provides: str | None = None  # environment variable that carries its URL into services and steps
    url: str | None = None  # template of that URL where kind is other: {host} and {port} are replaced
    port: int | None = None
    volume: str | None = None  # path in the container that is kept in a named volume
    health: Health | None = None  # None: by kind
    environment: Mapping[str, str] = field(default_factory=dict)
    command: str | None = None
    entrypoint: str | None = None
    secrets: tuple[str, ...] = ()  # variables of its own container
    published: int | None = None  # port of the first host where the environment's other hosts reach it; None: by its name


UNPROVEN, ALWAYS, NEVER = "unproven", "always", "never"


@dataclass(frozen=True)
class Snapshots:
    """When the database is copied before migrations, and how many copies stay."""

    when: str = UNPROVEN  # where no proof says that the way down restores it
    keep: int = 5


@dataclass(frozen=True)
class DatabaseCommands:
    """What any migration tool is run by: shell commands in the image. `{to}` in them stands for a revision."""

    list: str  # prints all revisions of the image, oldest first; without a database
    current: str  # prints the newest applied revision, or all of them
    up: str
    down: str
    script: str | None = None  # prints what reverts the revision `{to}`; without a database
    base: str = ""  # what stands for no revision


@dataclass(frozen=True)
class Database:
    """Which accessory is under migrations, which service's image has them, and by which tool."""

    accessory: str
    service: str
    tool: str  # a name of the table of drivers
    folder: str | None = None  # in the image, relative to its WORKDIR: the migrations, or where the tool is run
    commands: DatabaseCommands | None = None  # of the tool `command`
    snapshot: Snapshots = Snapshots()
    contract: str | None = None  # pattern of names of migrations that wait for the release after the one that brings them


@dataclass(frozen=True)
class StepImage:
    """The image a step runs in: a name to pull, or a build of this repository. Exactly one is set."""

    name: str | None = None
    build: BuildSource | None = None


@dataclass(frozen=True)
class Step:
    """A node of the pipeline. It has either `run` and `image`, or `build` (names of services to build and push), or `prove`."""

    name: str
    run: str | None = None  # by `sh -c`
    image: StepImage | None = None
    build: tuple[str, ...] = ()
    prove: str | None = None  # an environment: the way from what runs there to the images just built, and back
    needs: tuple[str, ...] = ()
    accessories: tuple[str, ...] = ()  # key `with`: fresh ones, healthy before the step starts
    inputs: tuple[str, ...] = ()  # paths or globs from the repository's root; empty: the whole source of the step
    outputs: tuple[str, ...] = ()  # paths relative to the step's working directory
    reports: tuple[str, ...] = ()  # JUnit XML files, likewise
    timeout: float = 1800.0
    retries: int = 0
    env: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = Resources()  # memory: None is four fifths of what the machine has
    security: Security = Security()


@dataclass(frozen=True)
class Check:
    """A command that tests a running environment; gets its address as $URL."""

    name: str
    image: StepImage
    run: str
    timeout: float = 300.0
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trigger:
    """When an environment is deployed automatically. branches alone: each push to one of them. tag, with branches: a
    matching tag on a commit of one of them. manual: only `shipway deploy`. See `domain.refs` for the patterns."""

    branch: str | None = None  # the first of `branches`
    tag: str | None = None  # pattern of tags
    manual: bool = False
    branches: tuple[str, ...] = ()  # names and patterns
    except_tags: tuple[str, ...] = ()  # patterns of tags that don't count
    versions: str | None = None  # range of semantic versions that the tag must be in

    def __post_init__(self) -> None:
        if self.branch and not self.branches:  # of a record that was kept before there were several
            object.__setattr__(self, "branches", (self.branch,))
        if self.branches and not self.branch:
            object.__setattr__(self, "branch", self.branches[0])


@dataclass(frozen=True)
class Approvals:
    """How many people must approve, and who may not."""

    count: int = 0
    not_author: bool = False
    expire: float | None = None  # seconds after which an approval no longer counts
    signed: bool = False  # only approvals with an SSH signature count
    signers: str = ".shipway/allowed_signers"  # file of the repository with the keys, as ssh-keygen reads it


@dataclass(frozen=True)
class Seed:
    """Idempotent command that fills a new environment; runs after the migrations of each deployment."""

    service: str
    run: str
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exercise:
    """A command that uses the application as people do, in a proof: in a container of the service's image, beside the running
    services. The default service is at $URL, each at http://NAME:PORT."""

    name: str
    service: str
    run: str  # by `sh -c`
    kind: str = "read"  # or write, or job: something that a worker does, which the command waits for


@dataclass(frozen=True)
class Proving:
    """How a release's way back is proven."""

    mode: str = "schema"  # how the proof's database is filled: schema (not at all), data (from the target), rows (generated)
    mask: tuple[str, ...] = ()  # SQL that takes out of the proof's database what must not be in it
    timeout: float = 600.0  # of each part: the dump, a migration, an exercise
    exercise: Mapping[str, Exercise] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()  # that must be set for proofs; all others that aren't are generated


@dataclass(frozen=True)
class Host:
    """A machine with a Docker Engine. Every host of an environment runs all of its services behind an edge of its own;
    the first one also runs its accessories."""

    name: str = LOCAL  # or ssh://[user@]name[:port]
    address: str | None = None  # where the environment's other hosts reach its accessories: an address, no public one


@dataclass(frozen=True)
class Strategy:
    """How a release takes over. blue-green: all at once. rolling: some replicas at a time, for little memory. canary: a
    growing share of the requests, as long as they do well."""

    kind: str = "blue-green"
    batch: int = 1  # rolling: replicas of a service that are replaced at a time, on each host
    steps: tuple[float, ...] = (0.05, 0.25, 0.5)  # canary: shares of the requests, rising, below 1
    hold: float = 60.0  # canary: seconds for each share


@dataclass(frozen=True)
class Watch:
    """What the requests to a release are judged by: after its switch for `duration`, and in each step of a canary."""

    duration: float = 0.0  # seconds; 0: nobody watches
    errors: float = 0.01  # the share of requests that may be answered with 500 to 599
    latency: float | None = None  # canary: its 95th percentile may be that many times the old release's
    requests: int = 50  # fewer are too few to judge by: our own probes make up for them


@dataclass(frozen=True)
class Tls:
    """How the certificate of an https address is got: from the edge's own authority, else by ACME."""

    internal: bool = False
    acme: str | None = None  # e-mail address for the authority's warnings
    server: str | None = None  # ACME directory; None: Let's Encrypt's
    trust: str | None = None  # certificates (PEM) that the directory itself is trusted by; None: the usual ones


@dataclass(frozen=True)
class EdgeSettings:
    """What an environment asks of the edge before it."""

    trusted_proxies: tuple[str, ...] = ()  # addresses and ranges whose word about the client counts, such as 10.0.0.0/8


@dataclass(frozen=True)
class Environment:
    """Where releases run: staging, production."""

    name: str
    url: str
    trigger: Trigger = Trigger(manual=True)
    after: str | None = None  # the environment where the same release must have been validated
    approvals: Approvals = Approvals()
    hosts: tuple[Host, ...] = (Host(),)
    replicas: Mapping[str, int] = field(default_factory=dict)  # by service, on each host
    environment: Mapping[str, str] = field(default_factory=dict)  # for every service
    seed: Seed | None = None
    checks: tuple[str, ...] = ()
    standby: float = 0.0  # how long the release before stays up, out of rotation, so that a rollback is one switch
    standby_auto: bool = False  # only where free memory covers it: of a plan that doesn't say `standby`
    strategy: Strategy = Strategy()
    watch: Watch = Watch()
    retain: int = 5  # releases before the current one whose images stay on the hosts
    tls: Tls | None = None  # None: what fits the host name
    edge: EdgeSettings = EdgeSettings()
    prove: bool | None = None  # whether a release needs a proven way back; None: where `after` is set

    def __post_init__(self) -> None:
        if not self.hosts:  # of a record that was kept before there were others
            object.__setattr__(self, "hosts", (Host(),))

    @property
    def certificate(self) -> Mapping[str, object] | None:
        """`tls` of a table of routes: how its edge gets the certificate; None without https."""
        if self.scheme != "https":
            return None
        tls = self.tls or Tls(internal=is_local(self.domain))
        given = {"email": tls.acme, "server": tls.server, "trust": tls.trust}
        return {"internal": True} if tls.internal else {"acme": {key: value for key, value in given.items() if value}}

    @property
    def forwarded(self) -> dict[str, str]:
        """Headers of a request to the public address, as the edge passes it on."""
        usual = self.port == (443 if self.scheme == "https" else 80)
        host = self.domain if usual else f"{self.domain}:{self.port}"
        forwarded = {"Host": host, "Port": str(self.port), "Proto": self.scheme}
        return {"Host": host, **{f"X-Forwarded-{name}": value for name, value in forwarded.items()}}

    @property
    def scheme(self) -> str:
        """http or https."""
        return urlsplit(self.url).scheme or "http"

    @property
    def domain(self) -> str:
        """Host name of the public address."""
        return urlsplit(self.url).hostname or "localhost"

    @property
    def port(self) -> int:
        """Public port."""
        return urlsplit(self.url).port or (443 if self.scheme == "https" else 80)


def is_local(host: str) -> bool:
    """Whether no public authority can give a certificate for this name."""
    return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".test", ".home.arpa"))


@dataclass(frozen=True)
class RegistryAccess:
    """Where images are pushed, such as ghcr.io/acme. None in the plan: a registry that Shipway starts itself."""

    address: str
    user: str | None = None
    password: str | None = None  # name of a secret
    token: str | None = None  # name of a secret; sent as a bearer token


@dataclass(frozen=True)
class Plan:
    """The whole file."""

    app: str
    services: Mapping[str, Service]
    accessories: Mapping[str, Accessory] = field(default_factory=dict)
    database: Database | None = None
    registry: RegistryAccess | None = None
    pipeline: Mapping[str, Step] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    prove: Proving = Proving()

    def asks_for_proof(self, environment: Environment) -> bool:
        """Whether a release goes there only with a way back that was walked."""
        asked = environment.after is not None if environment.prove is None else environment.prove
        return self.database is not None and asked

    @property
    def workers(self) -> tuple[Service, ...]:
        """Services that take no requests."""
        return tuple(service for service in self.services.values() if service.port is None)
