"""Desired and observed containers: the types shared by decisions and drivers, independent of any engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.config_file import ConfigFile
from shipway.domain.plan import Security
from shipway.domain.value import dataclass

# Labels on everything that Shipway creates on an engine; it never touches an object without LABEL_APP.
LABEL_APP = "shipway.app"
LABEL_DEVELOPMENT = (
    "shipway.dev"  # the app, in place of LABEL_APP, of what `shipway dev` creates: no environment has it
)
LABEL_LEDGER = "shipway.ledger"  # identity of the owning ledger; part of no digest, so it causes no replacement
LABEL_ENVIRONMENT = "shipway.environment"
LABEL_ROLE = "shipway.role"  # service, accessory, step, job, schedule, session, edge, registry
LABEL_NAME = "shipway.name"  # name of the service, accessory or step
LABEL_RELEASE = "shipway.release"  # release number
LABEL_MADE_BY = "shipway.made-by"  # of an accessory: number of the release whose deployment created its container
LABEL_CONFIG = "shipway.config"  # digest of the whole specification
LABEL_RUN = "shipway.run"
LABEL_PROOF = "shipway.proof"  # name of the proof that it belongs to, see proving.sandbox
LABEL_KEY = "shipway.key"  # of a step's container: digest over all inputs of its result
LABEL_ATTEMPT = "shipway.attempt"  # of a step's container: number of the attempt, from 0
LABEL_LOG = "shipway.log"  # of a step's container: offset in bytes at which its output begins in the step's log
LABEL_PORT = "shipway.port"  # port that a service listens on
LABEL_DRAIN = "shipway.drain"  # seconds for open requests before SIGTERM; in older versions as LABEL_STOP
LABEL_STOP = "shipway.stop"  # seconds from SIGTERM to SIGKILL
LOOP = 60.0  # seconds without a restart until a container counts as stable; the longest restart delay of the engine
LABEL_OWNER = "shipway.owner"  # of a session: the process that it belongs to, see `system.alive`
LABEL_RESTART = "shipway.restart"  # number of restarts by `shipway restart`, from 1
LABEL_STANDBY_AUTO = "shipway.standby.auto"  # standby only if free memory suffices
LABEL_STANDBY = "shipway.standby"  # seconds that it stays on standby after another release has taken over


@dataclass(frozen=True)
class Publish:
    """A container port published on an address of the host; host_port 0 lets the engine choose."""

    container_port: int
    host_port: int
    address: str = "127.0.0.1"


@dataclass(frozen=True)
class ContainerSpec:
    """Everything that the engine needs to create a container."""

    name: str
    image: str  # image id or repository@digest, present on the engine
    labels: Mapping[str, str]
    command: tuple[str, ...] | None = None  # replaces CMD; None keeps the image's
    entrypoint: tuple[str, ...] | None = None  # replaces ENTRYPOINT; None keeps the image's
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold secrets: hidden in repr
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # by absolute path: readable only by its user
    setup: Mapping[str, str] = field(default_factory=dict)  # the same, for the image itself: everybody may read them
    configs: Mapping[str, ConfigFile] = field(default_factory=dict, repr=False)  # by absolute path: root's, read-only
    networks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # network name: aliases
    nodes: tuple[
        str, ...
    ] = ()  # hosts among which the platform chooses, and chooses again; none: the host that creates it
    network_of: str | None = None  # share this container's network namespace instead
    hosts: Mapping[str, str] = field(default_factory=dict)  # extra lines of /etc/hosts: name to address
    volumes: Mapping[str, str] = field(default_factory=dict)  # volume name or folder of the host: path in the container
    publish: tuple[Publish, ...] = ()
    workdir: str | None = None
    cpus: float | None = None
    memory: int | None = None  # bytes
    low_priority: bool = False  # low CPU priority until `Runtime.prioritize`
    swap: bool = True  # allow as much swap as memory
    security: Security | None = None  # None: the engine's default
    sysctls: Mapping[str, str] = field(default_factory=dict)  # of the kernel, for its network alone
    restart: bool = False  # restarted by the engine after an exit or a restart of the engine
    stop_grace: float = 10.0  # seconds from SIGTERM to SIGKILL
    log: int | None = None  # bytes of output that the engine keeps; None: the last 30 MB
    init: bool = False  # a minimal init as PID 1 that reaps processes and forwards signals
    attached: bool = False  # `Runtime.attach` connects to it, and the engine removes it once it has exited
    tty: bool = False  # of an attached one: its input and output are a terminal


@dataclass(frozen=True)
class ContainerInfo:
    """A container as the engine reports it."""

    id: str
    name: str
    labels: Mapping[str, str]
    state: str  # created, running, restarting, paused, exited, dead
    image: str  # image id
    addresses: Mapping[str, str]  # network name: IP address, empty unless it runs
    created: float = 0.0  # seconds since the epoch
    exit_code: int | None = None  # of one that exited or was restarted, if the engine reports it
    volumes: Mapping[str, str] = field(default_factory=dict)  # path in the container: name of the volume mounted there
    restarts: int = 0  # restarts by the engine after an exit; 0 in a listing, which has no count
    started: float = 0.0  # time of its last start, seconds since the epoch; 0 in a listing
    finished: float = 0.0  # time of its last exit, also of one that was started again; 0 in a listing
    out_of_memory: bool = False  # whether the kernel ended it for that; False in a listing

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def active(self) -> bool:
        """Whether it runs or will be restarted by the engine: a crash loop still takes jobs and requests."""
        return self.state in ("running", "restarting", "paused")

    def crash_looping(self, now: float) -> bool:
        """Whether the engine keeps restarting it: it waits for its next restart, or its last one is less than LOOP
        seconds ago."""
        return self.state == "restarting" or (self.restarts > 0 and now - self.started < LOOP)


@dataclass(frozen=True)
class Usage:
    """What a container uses."""

    memory: int  # bytes, without the file cache
    processor: float  # seconds of all processors since its start


@dataclass(frozen=True)
class EngineObject:
    """A container, network or volume with labels."""

    kind: str  # container, network or volume
    id: str  # of a volume: its name
    name: str
    labels: Mapping[str, str]
    created: float = 0.0  # seconds since the epoch; 0 if the engine does not report it


def owner_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of a container that its volumes also get."""
    shared = (
        LABEL_APP,
        LABEL_DEVELOPMENT,
        LABEL_LEDGER,
        LABEL_ENVIRONMENT,
        LABEL_ROLE,
        LABEL_NAME,
        LABEL_RUN,
        LABEL_PROOF,
    )
    return {name: labels[name] for name in shared if name in labels}
