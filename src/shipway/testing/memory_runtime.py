"""An in-memory Runtime whose containers behave as a test says."""

from __future__ import annotations

import builtins
import dataclasses
import fnmatch
import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from shipway.domain import mounts as service_mounts
from shipway.domain.container import (
    LABEL_CONFIG,
    LABEL_LEDGER,
    LABEL_NAME,
    ContainerInfo,
    ContainerSpec,
    EngineObject,
    Usage,
    owner_labels,
)
from shipway.domain.disk import DiskUsage
from shipway.domain.errors import EngineError
from shipway.domain.log import LogLine, stamp
from shipway.drivers.runtime.commands import COMMANDS
from shipway.ports import Images
from shipway.system.probe import Probe
from shipway.testing.memory_calls import Recorder
from shipway.testing.memory_container import Behaviour, Container
from shipway.testing.memory_files import Files, below, is_folder, pack, unpack
from shipway.testing.memory_nodes import MemoryNodes
from shipway.testing.memory_session import MemorySession

FOLDERS = ("/", "/tmp")  # in every image
KILLED = 137


class MemoryRuntime(MemoryNodes, Recorder):
    """Scripted by `behave`; `fail` and `calls` as in Recorder. images: only these can be run. `free` and `usage`:
    reported about the disk."""

    commands = COMMANDS

    def __init__(self, images: Images | None = None) -> None:
        super().__init__()
        self.containers: dict[str, Container] = {}
        self.networks: dict[str, dict[str, tuple[str, ...]]] = {}  # name: container name: aliases
        self.volumes: dict[str, Files] = {}
        self.labels: dict[tuple[str, str], Mapping[str, str]] = {}  # of networks and volumes, by kind and name
        self.free: int | None = 1 << 40
        self.usage = DiskUsage()
        self.available = 1 << 31  # bytes of memory; each container uses 64 MiB
        self.open: dict[str, int | None] = {}  # connections by container
        self.asked: list[dict[str, str]] = []  # headers of the probes
        self._images = images
        self._behaviours: list[tuple[str, Behaviour]] = []
        self._made = 0

    def behave(self, pattern: str, behaviour: Behaviour) -> None:
        """Set the behaviour of future containers whose name, LABEL_NAME or image matches the pattern; the last one
        wins."""
        self._behaviours.insert(0, (pattern, behaviour))

    def ping(self) -> str:
        with self._call("ping"):
            return "memory"

    def list(self, labels: Mapping[str, str]) -> builtins.list[ContainerInfo]:
        with self._call("list", *(f"{name}={value}" for name, value in labels.items())):
            return [item.info for item in self.containers.values() if _carries(item.info.labels, labels)]

    def objects(self, labels: Mapping[str, str]) -> builtins.list[EngineObject]:
        with self._call("objects", *(f"{name}={value}" for name, value in labels.items())):
            infos = [item.info for item in self.containers.values()]
            found = [EngineObject("container", item.id, item.name, item.labels, item.created) for item in infos]
            names = [("network", name) for name in self.networks] + [("volume", name) for name in self.volumes]
            found += [EngineObject(kind, name, name, self.labels.get((kind, name), {})) for kind, name in names]
            return [item for item in found if _carries(item.labels, labels)]

    def variables(self, container: str) -> Mapping[str, str]:
        with self._call("variables", self._name(container)):
            found = self._get(container)
            return dict(found.spec.env) if found else {}

    def find(self, container: str) -> ContainerInfo | None:
        with self._call("find", container):
            found = self._get(container)
            if found and found.behaviour.loops and found.info.active:
                found.looks += 1
                if found.looks > 2:
                    again = "restarting" if found.looks % 2 else "running"
                    found.info = dataclasses.replace(found.info, state=again, restarts=found.looks - 2)
            return found.info if found else None

    def create(self, spec: ContainerSpec) -> str:
        with self._call("create", spec.name):
            found = self.containers.get(spec.name)
            if found:
                if found.info.labels.get(LABEL_LEDGER, spec.labels.get(LABEL_LEDGER)) != spec.labels.get(LABEL_LEDGER):
                    raise EngineError(f"the name {spec.name} is used by a container of another ledger")
                if LABEL_CONFIG not in spec.labels or found.info.labels.get(LABEL_CONFIG) != spec.labels[LABEL_CONFIG]:
                    raise EngineError(f"the name {spec.name} is used by a container with another configuration")
                return found.info.id
            image = self._images.inspect(spec.image) if self._images else {"Id": spec.image}
            if image is None:
                raise EngineError(f"image {spec.image} of container {spec.name} is missing on the Docker Engine")
            self._made += 1
            identity = hashlib.sha256(f"{spec.name} {self._made}".encode()).hexdigest()
            mounts = {path: name for name, path in spec.volumes.items() if not service_mounts.is_folder(name)}
            mounts |= {
                path: hashlib.sha256(f"{identity} {path}".encode()).hexdigest()
                for path in _declared(image)
                if path not in mounts
            }
            info = ContainerInfo(
                identity,
                spec.name,
                dict(spec.labels),
                "created",
                str(image["Id"]),
                {},
                float(self._made),
                volumes=mounts,
            )
            behaviour = self._behaviour(spec)
            laid = {path: file.data for path, file in spec.configs.items()}
            laid |= {path: text.encode() for path, text in spec.setup.items()}
            self.containers[spec.name] = Container(spec, info, behaviour, {**behaviour.files, **laid, **spec.files})
            for volume in mounts.values():
                if volume in spec.volumes and volume not in self.volumes:
                    self.labels["volume", volume] = owner_labels(spec.labels)
                self.volumes.setdefault(volume, {})
            for network, aliases in spec.networks.items():
                if network in self.networks:
                    self.networks[network][spec.name] = tuple(aliases)
            return identity

    def start(self, container: str) -> None:
        with self._call("start", self._name(container)):
            found = self._need(container)
            if found.info.running:
                return
            missing = [network for network in found.spec.networks if network not in self.networks]
            if missing:
                raise EngineError(f"network {missing[0]} not found")
            for network, aliases in found.spec.networks.items():  # again, if it was created again
                self.networks[network].setdefault(found.info.name, tuple(aliases))
            code = found.behaviour.exit_code
            self._set(found, "running" if code is None else "exited", code)

    def prioritize(self, container: str) -> None:
        with self._call("prioritize", self._name(container)):
            found = self._get(container)
            if found:
                found.spec = dataclasses.replace(found.spec, low_priority=False)

    def stop(self, container: str, grace: float) -> None:
        with self._call("stop", self._name(container)):
            found = self._get(container)
            if found and found.info.active:
                self._set(found, "exited", KILLED if found.behaviour.stubborn else found.behaviour.stop_code)

    def rename(self, container: str, name: str) -> None:
        with self._call("rename", self._name(container), name):
            found = self._need(container)
            if name in self.containers:
                raise EngineError(f"the name {name} is taken")
            old = found.info.name
            found.info = dataclasses.replace(found.info, name=name)
            self.containers[name] = self.containers.pop(old)
            for attached in self.networks.values():
                if old in attached:
                    attached[name] = attached.pop(old)

    def remove(self, container: str, *, volumes: bool = True) -> None:
        with self._call("remove", self._name(container)):
            found = self._get(container)
            if found:
                del self.containers[found.info.name]
                for attached in self.networks.values():
                    attached.pop(found.info.name, None)
                used = {name for item in self.containers.values() for name in item.mounts.values()}
                for volume in found.mounts.values():
                    if volumes and volume not in used and re.fullmatch("[0-9a-f]{64}", volume):
                        self.volumes.pop(volume, None)

    def wait(self, container: str, timeout: float) -> int:
        with self._call("wait", self._name(container)):
            found = self._need(container)
            if found.info.running:
                raise TimeoutError(f"container {container} still runs after {timeout:g} seconds")
            return found.info.exit_code or 0

    def logs(self, container: str, *, follow: bool = False, tail: int | None = None) -> Iterator[str]:
        with self._call("logs", self._name(container)):
            found = self._need(container)
            lines = found.behaviour.lines if found.info.state != "created" else ()
            return iter(lines if tail is None else lines[max(0, len(lines) - tail) :])

    def log(
        self, container: str, *, since: str | None = None, follow: bool = False, tail: int | None = None
    ) -> Iterator[builtins.list[LogLine]]:
        found = self._need(container)
        lines = list(self.logs(container, tail=tail))
        first = found.info.created * 1000 + len(found.behaviour.lines) - len(lines)  # a line a millisecond
        batch = [(stamp((first + index) / 1000), line) for index, line in enumerate(lines)]
        return iter([kept] if (kept := [line for line in batch if since is None or line[0] > since]) else [])

    def execute(self, container: str, command: Sequence[str], **given: object) -> tuple[int, str]:
        with self._call("execute", self._name(container), *command):
            found = self._need(container)
            if not found.info.running:
                raise EngineError(f"container {container} is not running")
            return found.behaviour.answers.get(" ".join(command), (0 if found.behaviour.healthy else 1, ""))

    def attach(self, container: str, *, tty: bool) -> MemorySession:
        with self._call("attach", self._name(container), *(["tty"] if tty else [])):
            found = self._need(container)
            behaviour = found.behaviour
            return MemorySession(
                behaviour.lines, behaviour.exit_code or 0, echo=behaviour.echo, end=lambda: self._forget(found)
            )

    def session(
        self, container: str, command: Sequence[str], *, tty: bool, environment: Mapping[str, str] | None = None
    ) -> MemorySession:
        with self._call("session", self._name(container), *command):
            code, output = self.execute(container, command)
            return MemorySession(output.splitlines(), code, end=lambda: None)

    def _forget(self, found: Container) -> None:
        if found.spec.attached:
            self.containers.pop(found.info.name, None)

    def connections(self, container: str, port: int) -> int | None:
        with self._call("connections", self._name(container)):
            found = self._get(container)
            return self.open.get(found.info.name, 0) if found and found.info.running else 0

    def put(self, container: str, path: str, archive: Iterator[bytes]) -> None:
        with self._call("put", self._name(container), path):
            found = self._need(container)
            known = (*FOLDERS, *found.mounts, *((found.spec.workdir,) if found.spec.workdir else ()))
            files = self._files(found)
            if path not in known and not is_folder(files, path):
                raise EngineError(f"there is no folder {path} in container {container}")
            for name, content in unpack(archive).items():
                self._write(found, posixpath.join(path, name), content)

    def get(self, container: str, path: str) -> Iterator[bytes]:
        with self._call("get", self._name(container), path):
            files = below(self._files(self._need(container)), path)
            if not files:
                raise FileNotFoundError(f"{path} doesn't exist in container {container}")
            return pack(files)

    def ensure_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool = False, pinned: bool = False, wide: bool = False
    ) -> None:
        with self._call("ensure_network", name):
            if name not in self.networks:
                self.labels["network", name] = dict(labels)
            self.networks.setdefault(name, {})

    def remove_network(self, name: str) -> None:
        with self._call("remove_network", name):
            self.networks.pop(name, None)
            for item in self.containers.values():
                self._set(item, item.info.state, item.info.exit_code)

    def connect(self, network: str, container: str, aliases: Sequence[str] = ()) -> None:
        with self._call("connect", network, self._name(container)):
            found = self._need(container)
            if network not in self.networks:
                raise EngineError(f"network {network} not found")
            known = self.networks[network].get(found.info.name, ())
            self.networks[network][found.info.name] = tuple(sorted({*known, *aliases}))
            self._set(found, found.info.state, found.info.exit_code)

    def set_aliases(self, network: str, container: str, aliases: Sequence[str]) -> bool:
        with self._call("set_aliases", network, self._name(container), *aliases):
            found = self._get(container)
            if found is None or found.info.name not in self.networks.get(network, {}):
                return False
            self.networks[network][found.info.name] = tuple(aliases)
            return True

    def disconnect(self, network: str, container: str) -> None:
        with self._call("disconnect", network, self._name(container)):
            found = self._get(container)
            if found and self.networks.get(network, {}).pop(found.info.name, None) is not None:
                self._set(found, found.info.state, found.info.exit_code)

    def has_volume(self, name: str) -> bool:
        with self._call("has_volume", name):
            return name in self.volumes

    def remove_volume(self, name: str) -> None:
        with self._call("remove_volume", name):
            users = [item.info.name for item in self.containers.values() if name in item.mounts.values()]
            if users:
                raise EngineError(f"volume {name} is in use by {users[0]}")
            self.volumes.pop(name, None)

    def free_space(self) -> int | None:
        with self._call("free_space"):
            return self.free

    def processors(self) -> int:
        with self._call("processors"):
            return 2

    def memory(self) -> tuple[int, int] | None:
        with self._call("memory"):
            return self.available, 1 << 32

    def usage_of(self, container: str) -> Usage | None:
        with self._call("usage_of", self._name(container)):
            found = self._get(container)
            return Usage(1 << 26, 0.5) if found and found.info.running else None

    def disk_usage(self) -> DiskUsage:
        with self._call("disk_usage"):
            return self.usage

    def probe(self, host: str, port: int, path: str, timeout: float, headers: Mapping[str, str] | None = None) -> Probe:
        """Like `system.probe.probe`, for the container with the address."""
        with self._guard:
            self.asked.append(dict(headers or {}))
            healthy = self._answers(host)
            return Probe(healthy, 200 if healthy else 503, "200" if healthy else "503: not healthy")

    def probe_tcp(self, host: str, port: int, timeout: float) -> Probe:
        """Like `system.probe.probe_tcp`."""
        with self._guard:
            healthy = self._answers(host)
            return Probe(healthy, None, "it listens" if healthy else "connection refused")

    def _answers(self, address: str) -> bool:
        found = [item for item in self.containers.values() if address in item.info.addresses.values()]
        return any(item.info.running and item.behaviour.healthy for item in found)

    def _behaviour(self, spec: ContainerSpec) -> Behaviour:
        names = (spec.name, spec.labels.get(LABEL_NAME, ""), spec.image)
        fitting = (it for pattern, it in self._behaviours if any(fnmatch.fnmatchcase(name, pattern) for name in names))
        return next(fitting, Behaviour())

    def _get(self, container: str) -> Container | None:
        known = list(self.containers.values())  # others may change it meanwhile: this also runs for the record
        return next((item for item in known if container in (item.info.name, item.info.id)), None)

    def _name(self, container: str) -> str:
        """Name for `calls`: an id tells a reader nothing."""
        found = self._get(container)
        return found.info.name if found else container

    def _need(self, container: str) -> Container:
        found = self._get(container)
        if found is None:
            raise EngineError(f"No such container: {container}")
        return found

    def _set(self, item: Container, state: str, code: int | None) -> None:
        number = int(item.info.created)
        attached = [name for name, members in self.networks.items() if item.info.name in members]
        addresses = {
            name: f"10.{self._index(name)}.{number // 250}.{number % 250 + 1}" if state == "running" else ""
            for name in attached
        }
        item.info = dataclasses.replace(item.info, state=state, exit_code=code, addresses=addresses)

    def _index(self, network: str) -> int:
        return list(self.networks).index(network)

    def _files(self, item: Container) -> Files:
        """The container's own files, and those of its volumes at their mount paths."""
        found = dict(item.files)
        for path, volume in item.mounts.items():
            found |= {f"{path.rstrip('/')}/{name}": content for name, content in self.volumes[volume].items()}
        return found

    def _write(self, item: Container, path: str, content: bytes) -> None:
        for mounted, volume in item.mounts.items():
            if path.startswith(mounted.rstrip("/") + "/"):
                self.volumes[volume][path.removeprefix(mounted.rstrip("/") + "/")] = content
                return
        item.files[path] = content


def _declared(image: Mapping[str, object]) -> Iterator[str]:
    """Paths of the image's volumes."""
    config = image.get("Config")
    yield from (config.get("Volumes") or ()) if isinstance(config, dict) else ()


def _carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(name in labels and value in ("", labels[name]) for name, value in wanted.items())
