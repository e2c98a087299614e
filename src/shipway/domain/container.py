"""What a container should be: the words between deciding and the drivers. No engine is named here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.domain.plan import Security

# Labels on everything that Shipway makes on an engine; nothing without LABEL_APP is ever touched.
LABEL_APP = "shipway.app"
LABEL_LEDGER = "shipway.ledger"  # identity of the ledger that it belongs to; in no digest, so that it replaces nothing
LABEL_ENVIRONMENT = "shipway.environment"
LABEL_ROLE = "shipway.role"  # service, accessory, step, job, edge, registry
LABEL_NAME = "shipway.name"  # of the service, accessory or step
LABEL_RELEASE = "shipway.release"  # number
LABEL_MADE_BY = "shipway.made-by"  # of an accessory: number of the release whose deployment made its container
LABEL_CONFIG = "shipway.config"  # digest of the whole specification
LABEL_RUN = "shipway.run"
LABEL_PROOF = "shipway.proof"  # name of the proof that it belongs to, see proving.ground
LABEL_KEY = "shipway.key"  # of a step's container: digest over all that its result depends on
LABEL_ATTEMPT = "shipway.attempt"  # likewise: from 0
LABEL_LOG = "shipway.log"  # likewise: where its output begins in the step's log, in bytes
LABEL_PORT = "shipway.port"  # where a service listens
LABEL_DRAIN = "shipway.drain"  # seconds that open requests may take before it is told to stop; of older versions, as LABEL_STOP
LABEL_STOP = "shipway.stop"  # seconds from SIGTERM to SIGKILL
LOOP = 60.0  # seconds without a restart after which a container counts as steady; the engine waits at most as long
LABEL_STANDBY_AUTO = "shipway.standby.auto"  # it does so only where free memory covers it
LABEL_STANDBY = "shipway.standby"  # seconds that it stays up, out of rotation, when another release takes over


@dataclass(frozen=True)
class Publish:
    """A port of the container on an address of the host; host_port 0 lets the engine choose."""

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
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # by absolute path: only the container's user may read them
    networks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # network name: aliases
    network_of: str | None = None  # share the network namespace of this container instead
    hosts: Mapping[str, str] = field(default_factory=dict)  # extra lines of /etc/hosts: name to address
    volumes: Mapping[str, str] = field(default_factory=dict)  # volume name: path in the container
    publish: tuple[Publish, ...] = ()
    workdir: str | None = None
    cpus: float | None = None
    memory: int | None = None  # bytes
    low_priority: bool = False  # gets little of the processor while others want it, until `Runtime.prioritize`
    swap: bool = True  # it may swap as much as it has memory
    security: Security | None = None  # None: as the engine has it
    restart: bool = False  # the engine starts it again when it exits or the engine restarts
    stop_grace: float = 10.0  # seconds from SIGTERM to SIGKILL
    log: int | None = None  # bytes of output that the engine keeps; None: the last 30 MB
    init: bool = False  # a tiny init as PID 1 that reaps and forwards signals


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
    exit_code: int | None = None  # of one that exited or is started again, where the engine tells
    volumes: Mapping[str, str] = field(default_factory=dict)  # path in the container: name of the volume mounted there
    restarts: int = 0  # how often the engine restarted it after an exit; 0 in a listing, which doesn't tell
    started: float = 0.0  # of its last start, seconds since the epoch; 0 in a listing

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def active(self) -> bool:
        """Whether it runs, or will run again without further notice: a crash loop still takes jobs and requests."""
        return self.state in ("running", "restarting", "paused")

    def crash_looping(self, now: float) -> bool:
        """Whether the engine keeps restarting it: it waits for the next restart, or the last one is less than LOOP old."""
        return self.state == "restarting" or (self.restarts > 0 and now - self.started < LOOP)

@dataclass(frozen=True)
class EngineObject:
    """A container, network or volume with labels."""

    kind: str  # container, network or volume
    id: str  # of a volume: its name
    name: str
    labels: Mapping[str, str]
    created: float = 0.0  # seconds since the epoch; 0 where the engine doesn't tell


def owner_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """What of a container's labels is also true of its volumes."""
    shared = (LABEL_APP, LABEL_LEDGER, LABEL_ENVIRONMENT, LABEL_ROLE, LABEL_NAME, LABEL_RUN)
    return {name: labels[name] for name in shared if name in labels}
