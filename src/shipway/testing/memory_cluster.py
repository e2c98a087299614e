"""A cluster in memory, which fails on script."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Event

from shipway.domain.cluster import ClusterState, Standing
from shipway.domain.errors import ClusterError, DeployFailed, Interrupted
from shipway.domain.workload import CommandSpec, EnvironmentSpec, SecretRef


class MemoryCluster:
    """Implements ports.Cluster. troubles: why a release never becomes healthy. refused: services whose address can't be set.
    lacks: what it can't do. dies_at: the call before which the process dies; calls counts them by name. Commands of jobs are
    `echo TEXT`, `fail` (exit code 1), and `exit N`, with `;` between them; $NAME is a variable."""

    def __init__(self) -> None:
        self.troubles: dict[int, str] = {}
        self.refused: set[str] = set()
        self.lacks: tuple[str, ...] = ()
        self.secrets: dict[SecretRef, str] = {}
        self.calls: list[str] = []
        self.ran: list[str] = []  # commands of jobs, each once
        self.dies_at: str | None = None
        self.images: list[str] = []  # of the accessories
        self.ill: set[str] = set()  # images of accessories that never become healthy
        self.switched: list[int] = []  # releases that were switched to
        self.shares: list[tuple[int, float]] = []  # releases that got one, in their order
        self.troubles_at_share: dict[int, str] = {}  # why a release can't get one
        self.kept = (True, True)  # whether `destroy` kept the data of accessories, and files of services
        self._standing: dict[tuple[str, int], Standing] = {}
        self._specs: dict[int, EnvironmentSpec] = {}
        self._serving: dict[str, int] = {}
        self._sharing: tuple[int, ...] = ()
        self._jobs: dict[str, tuple[int, list[str]]] = {}
        self._stores: tuple[str, ...] = ()
        self._stored: tuple[str, ...] = ()  # accessories with data, and volumes of services
        self._volumes: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Its name."""
        return "memory"

    def _call(self, name: str) -> None:
        if self.dies_at == name:
            self.dies_at = None
            raise KeyboardInterrupt
        self.calls.append(name)

    def started(self, release: int) -> EnvironmentSpec:
        """The release as it was started last."""
        return self._specs[release]

    def lose(self, service: str, release: int) -> None:
        """Somebody else removes it."""
        del self._standing[service, release]

    def stand(self, service: str, release: int, replicas: int, *, ready: int | None = None) -> None:
        """Somebody else gives it so many replicas. ready: all of them."""
        self._standing[service, release] = Standing(service, release, replicas, replicas if ready is None else ready)

    def lead(self, service: str, release: int) -> None:
        """Somebody else leads its address elsewhere."""
        self._serving[service] = release

    def observe(self) -> ClusterState:
        """What was called for."""
        standing = tuple(self._standing.values())
        jobs, kept = tuple(self._jobs), (self._stores, self._stored, self._volumes)
        return ClusterState(standing, dict(self._serving), jobs, *kept, self._sharing)

    def unsaid(self, spec: EnvironmentSpec) -> Sequence[str]:
        """By script."""
        return self.lacks

    def prepare(self, spec: EnvironmentSpec, values: Mapping[SecretRef, str], *, force: bool = False) -> None:
        """Keep the secrets."""
        self._call("prepare")
        self.secrets |= {ref: values[ref] for ref in spec.secrets}
        self._stores = tuple(item.name for item in spec.stores)
        self._stored = tuple(dict.fromkeys([*self._stored, *(item.name for item in spec.stores if item.volume)]))
        self._volumes = tuple(
            dict.fromkeys([*self._volumes, *(name for item in spec.workloads for name in item.volumes)])
        )
        self.images = [item.image for item in spec.stores]

    def start(self, spec: EnvironmentSpec, *, force: bool = False) -> None:
        """All of it stands."""
        self._call("start")
        self._specs[spec.release] = spec
        for item in spec.workloads:
            before = self._standing.get((item.service, spec.release))
            kept = min(before.ready, item.replicas) if before else 0  # pods stay until others take their place
            ready = kept if spec.release in self.troubles else item.replicas
            self._standing[item.service, spec.release] = Standing(item.service, spec.release, item.replicas, ready)

    def healthy(self, spec: EnvironmentSpec, timeout: float, cancelled: Event) -> None:
        """At once, or never."""
        self._call("healthy")
        if cancelled.is_set():
            raise Interrupted("interrupted while the release was not healthy yet")
        if spec.release in self.troubles:
            raise DeployFailed(f"release {spec.release} did not become healthy: {self.troubles[spec.release]}")

    def accessories_healthy(self, spec: EnvironmentSpec, timeout: float, cancelled: Event) -> None:
        """At once."""
        self._call("accessories_healthy")
        if ill := [item for item in spec.stores if item.image in self.ill]:
            raise DeployFailed(f"{ill[0].name} did not become healthy: {ill[0].image} doesn't start")

    def run_job(
        self, spec: EnvironmentSpec, command: CommandSpec, name: str, told: Callable[[str], None], cancelled: Event
    ) -> int:  # fmt: skip
        """At once."""
        self._call(f"run_job {command.name}")
        if spec.release in self.troubles:
            raise DeployFailed(f"{name} can't start: {self.troubles[spec.release]}")
        if name not in self._jobs:
            self.ran.append(command.run)
            self._jobs[name] = self._run(command)
        code, lines = self._jobs[name]
        for line in lines:
            told(line)
        return code

    def _run(self, command: CommandSpec) -> tuple[int, list[str]]:
        lines: list[str] = []
        for part in command.run.split("; "):
            word, _, rest = part.partition(" ")
            if word == "echo":
                for name, value in command.workload.variables.items():
                    text = "".join(item if isinstance(item, str) else self.secrets[item] for item in value)
                    rest = rest.replace(f"${name}", text)
                lines.append(rest)
            elif word in ("fail", "exit"):
                return int(rest or "1"), lines
        return 0, lines

    def remove_job(self, name: str) -> None:
        """Forget it."""
        self._call("remove_job")
        self._jobs.pop(name, None)

    def switch(self, spec: EnvironmentSpec, *, force: bool = False) -> None:
        """All or none."""
        self._call("switch")
        led = {item.service: spec.release for item in spec.workloads if item.port}
        stuck = sorted(led.keys() & self.refused) if not force else []
        if stuck:
            raise ClusterError(
                f"Service {stuck[0]} has fields that others have set to other values",
                conflict=True,
                hint="see who does that",
            )
        self._serving, self._sharing = led, ()
        self.switched.append(spec.release)
        self._call("switched")

    def share(self, old: EnvironmentSpec, new: EnvironmentSpec, share: float, *, force: bool = False) -> None:
        """Kept in `shares`."""
        self._call("share")
        self._sharing = (new.release,)
        if new.release in self.troubles_at_share:
            raise ClusterError(f"HTTPRoute public: {self.troubles_at_share[new.release]}")
        self.shares.append((new.release, share))
        self._call("shared")

    def rest(self, release: int, *, web: bool) -> None:
        """Without replicas."""
        self._call("rest")
        if release in self._sharing:
            raise ClusterError(f"release {release} has a share of the requests, and can't rest")
        for (service, number), item in self._standing.items():
            if number == release:
                if self._serving.get(service) == release:
                    raise ClusterError(f"release {release} of {service} has requests, and can't rest")
                has_address = any(each.service == service and each.port for each in self._specs[release].workloads)
                if not web or not has_address:
                    self._standing[service, number] = replace(item, replicas=0, ready=0)

    def remove(self, release: int) -> None:
        """All that it has."""
        self._call("remove")
        led = [service for service, served in self._serving.items() if served == release]
        if release in self._sharing:
            raise ClusterError(f"release {release} has a share of the requests, and can't be removed")
        if led:
            raise ClusterError(f"release {release} has the requests of {', '.join(led)}, and can't be removed")
        self._standing = {key: item for key, item in self._standing.items() if key[1] != release}

    def logs(self, service: str, release: int, lines: int) -> str:
        """That it started."""
        return f"{service} of release {release} started\n" if (service, release) in self._standing else ""

    def destroy(self, *, stores: bool = True, volumes: bool = True) -> None:
        """All of it."""
        self._call("destroy")
        self.kept = (not stores, not volumes)
        self._stored, self._volumes = () if stores else self._stored, () if volumes else self._volumes
        self._standing, self._serving, self._jobs, self._stores = {}, {}, {}, ()
        self._sharing = ()
        self.secrets.clear()

    def answer(self, service: str) -> str | None:
        """What a request to a service gets: its variable TEXT."""
        release = self._serving.get(service)
        if release is None:
            return None
        (workload,) = [item for item in self._specs[release].workloads if item.service == service]
        return "".join(str(part) for part in workload.variables["TEXT"])
