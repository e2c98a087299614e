"""Containers and volumes on a Docker Engine; its networks are in `networks`."""

from __future__ import annotations

import builtins
import math
import os
import posixpath
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shipway.domain.container import ContainerInfo, ContainerSpec, EngineObject, Usage, owner_labels
from shipway.domain.errors import EngineError, NotRunnable
from shipway.domain.mounts import is_folder
from shipway.domain.start_failure import refusal_in
from shipway.drivers.runtime import translate
from shipway.drivers.runtime.commands import COMMANDS
from shipway.drivers.runtime.engine import Engine, EngineRefused, EngineTimeout, segment
from shipway.drivers.runtime.networks import EngineNetworks
from shipway.drivers.runtime.shells import Shells
from shipway.drivers.runtime.streams import Seen, bounded, frames, lines

if TYPE_CHECKING:
    from shipway.domain.config_file import ConfigFile
    from shipway.domain.disk import DiskUsage
    from shipway.domain.log import LogLine
    from shipway.ports import Session

STARTED = 60.0  # seconds for the engine to start a container
REMOVAL = 20.0  # seconds for the engine to complete a removal in progress


class DockerRuntime(EngineNetworks):
    """The Runtime of one engine. Stateless except for the engine's address, and open shells: share it between threads."""

    commands = COMMANDS

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._shells = Shells(engine)

    def ping(self) -> str:
        return str(self._engine.call("GET", "/version", timeout=10)["Version"])

    def list(self, labels: Mapping[str, str]) -> builtins.list[ContainerInfo]:
        query = {"all": 1, **translate.carrying(labels)}
        return [translate.listed(item) for item in self._engine.call("GET", "/containers/json", query=query)]

    def objects(self, labels: Mapping[str, str]) -> builtins.list[EngineObject]:
        query = translate.carrying(labels)
        networks = self._engine.call("GET", "/networks", query=query)
        volumes = self._engine.call("GET", "/volumes", query=query)["Volumes"] or []
        return [
            *(EngineObject("container", item.id, item.name, item.labels, item.created) for item in self.list(labels)),
            *(translate.network(item) for item in networks),
            *(translate.volume(item) for item in volumes),
        ]

    def variables(self, container: str) -> Mapping[str, str]:
        found = self._inspect(container)
        pairs = (item.partition("=") for item in (found["Config"]["Env"] or [] if found else []))
        return {name: value for name, _, value in pairs}

    def find(self, container: str) -> ContainerInfo | None:
        found = self._inspect(container)
        return translate.inspected(found) if found else None

    def create(self, spec: ContainerSpec) -> str:
        labels = owner_labels(spec.labels)
        volumes = {name: path for name, path in spec.volumes.items() if not is_folder(name)}
        fresh = [path for name, path in volumes.items() if not self.has_volume(name)]
        for volume in volumes:
            self._engine.call("POST", "/volumes/create", body={"Name": volume, "Labels": labels})
        identity, new = self._create(spec)
        try:
            if fresh and new:
                self._give_volumes(identity, fresh)
            if spec.files or spec.configs:
                self._give_files(identity, spec)
            if spec.setup:
                self._give_setup(identity, spec.setup)
            for network, aliases in list(spec.networks.items())[int(new) :]:
                if new:  # it doesn't run, and is in its first network
                    self._join(network, {"Id": identity, "Name": f"/{spec.name}"}, aliases)
                else:
                    self.connect(network, identity, aliases)
        except BaseException:
            if new:
                self.remove(identity)
            raise
        return identity

    def _give_files(self, container: str, spec: ContainerSpec) -> None:
        """Before its first start: also if its creator was killed before that."""
        found = self._inspect(container)
        if found and found["State"]["Status"] == "created":
            from shipway.system.owner import owner  # keeps imports of every command cheap
            from shipway.system.tars import of_files

            for path, file in spec.configs.items():
                self._lay(container, path, file)
            if spec.files:
                whose = owner(found["Config"]["User"], lambda path: self.get(container, path))
                self.put(container, "/", iter([of_files(spec.files, mode=0o400, owner=whose, folders=True)]))

    def _lay(self, container: str, path: str, file: ConfigFile) -> None:
        """Write a file that is root's; missing folders are created, and existing ones stay as they are."""
        from shipway.system.tars import of_files

        folder, rest = posixpath.split(path)
        while True:
            archive = of_files({rest: file.data}, mode=file.mode, folders=True)
            query = {"path": folder, "noOverwriteDirNonDir": "1"}
            target = f"/containers/{segment(container)}/archive"
            with self._engine.open("PUT", target, query=query, body=iter([archive]), fine=(404,)) as reply:
                reply.read()
            if reply.status != 404:
                return
            if folder == "/":
                raise EngineError(f"{path} can't be written in container {container}")
            folder, name = posixpath.split(folder)
            rest = f"{name}/{rest}"

    def _give_setup(self, container: str, files: Mapping[str, str]) -> None:
        from shipway.system.tars import of_files  # keeps imports of every command cheap

        content = {path: text.encode() for path, text in files.items()}
        self.put(container, "/", iter([of_files(content, mode=0o444)]))

    def _give_volumes(self, container: str, paths: Sequence[str]) -> None:
        """Let the container's user write to new volumes where its image has no folder: they would be root's."""
        found = self._inspect(container)
        if not found or found["Config"]["User"] in ("", "root", "0"):
            return
        from shipway.system.owner import ROOT, owner  # keeps imports of every command cheap
        from shipway.system.tars import folder_of, folder_owner

        whose = owner(found["Config"]["User"], lambda path: self.get(container, path))
        for path in paths:
            if folder_owner(self.get(container, path)) == ROOT and whose != ROOT:
                self.put(container, "/", iter([folder_of(path, whose)]))

    def _create(self, spec: ContainerSpec) -> tuple[str, bool]:
        """Id, and whether it is new."""
        body = translate.create_body(spec)
        deadline = time.monotonic() + REMOVAL
        while True:
            try:
                made = self._engine.call("POST", "/containers/create", query={"name": spec.name}, body=body)
                return str(made["Id"]), True
            except EngineRefused as error:
                if error.status == 404 and "image" in error.message.lower():
                    raise EngineError(
                        f"image {spec.image} of container {spec.name} is missing on the Docker Engine",
                        hint=f"docker pull {spec.image}",
                    ) from error
                if refusal_in(error.message):
                    raise NotRunnable(error.message) from error
                if error.status != 409:
                    raise EngineError(f"container {spec.name} can't be created: {error.message}") from error
            found = self._inspect(spec.name)
            if found and found["State"]["Status"] != "removing":
                return translate.kept(found, spec), False
            if time.monotonic() > deadline:
                raise EngineError(f"the Docker Engine does not finish removing the old container {spec.name}")
            time.sleep(0.1)

    def start(self, container: str) -> None:
        try:
            self._start(container)
        except EngineRefused as error:
            if refusal_in(error.message):
                raise NotRunnable(error.message) from error
            if not re.search("network .* not found", error.message) or not self.rejoin(container):
                raise
            self._start(container)

    def _start(self, container: str) -> None:
        with self._addresses.of(True):
            try:
                self._engine.call("POST", f"/containers/{segment(container)}/start", timeout=STARTED, fine=(304,))
            except EngineTimeout as error:
                raise EngineError(
                    f"the Docker Engine at {self._engine.address} did not start container {container} within {STARTED:g} s",
                    hint=f"it hangs there, perhaps in a network of it: docker inspect {container}",
                ) from error

    def prioritize(self, container: str) -> None:
        path = f"/containers/{segment(container)}/update"
        self._engine.call("POST", path, body={"CpuShares": translate.SHARES}, fine=(404,))

    def stop(self, container: str, grace: float) -> None:
        seconds = math.ceil(grace)
        path = f"/containers/{segment(container)}/stop"
        self._engine.call("POST", path, query={"t": seconds}, timeout=seconds + 60, fine=(304, 404))

    def remove(self, container: str, *, volumes: bool = True) -> None:
        path = f"/containers/{segment(container)}"
        self._shells.close(container)
        self._engine.call("DELETE", path, query={"force": 1, "v": int(volumes)}, fine=(404, 409))
        deadline = time.monotonic() + REMOVAL
        while self._inspect(container) is not None:  # another process is removing it
            if time.monotonic() > deadline:
                raise EngineError(f"the Docker Engine does not finish removing container {container}")
            time.sleep(0.1)

    def wait(self, container: str, timeout: float) -> int:
        path = f"/containers/{segment(container)}/wait"
        try:
            return int(self._engine.call("POST", path, timeout=max(timeout, 0.05))["StatusCode"])
        except EngineTimeout:
            raise TimeoutError(f"container {container} still runs after {timeout:g} seconds") from None

    def logs(self, container: str, *, follow: bool = False, tail: int | None = None) -> Iterator[str]:
        yield from lines(self._output(container, follow, "all" if tail is None else str(tail)))

    def _output(self, container: str, follow: bool, tail: str) -> Iterator[tuple[int, bytes]]:
        seen = Seen()
        for stream, stamp, data in self._stamped(container, {"follow": int(follow), "tail": tail}):
            seen.add(stream, stamp)
            yield stream, data
        if not follow:
            return
        # Engines before 23 end the stream as soon as the container exits, even with output left to read.
        try:
            for stream, stamp, data in self._stamped(container, {"since": seen.since()} if seen else {"tail": tail}):
                if not seen.take(stream, stamp):
                    yield stream, data
        except EngineRefused as error:
            if error.status not in (404, 409):  # it was removed meanwhile
                raise

    def _stamped(self, container: str, query: Mapping[str, object]) -> Iterator[tuple[int, bytes, bytes]]:
        """(stream, timestamp, bytes) of each message."""
        query = {"stdout": 1, "stderr": 1, "timestamps": 1, **query}
        timeout = None if query.get("follow") else 60.0
        with self._engine.open("GET", f"/containers/{segment(container)}/logs", query=query, timeout=timeout) as reply:
            for stream, message in frames(reply.chunks()):
                stamp, _, data = message.partition(b" ")
                yield stream, stamp, data

    def log(
        self, container: str, *, since: str | None = None, follow: bool = False, tail: int | None = None
    ) -> Iterator[builtins.list[LogLine]]:
        from shipway.drivers.runtime import log  # rarely needed

        return log.read(self._engine, container, since=since, follow=follow, tail=tail)

    def execute(
        self, container: str, command: Sequence[str], *, timeout: float = 600.0,
        environment: Mapping[str, str] | None = None, kept: bool = False,
    ) -> tuple[int, str]:  # fmt: skip
        own = environment or {}
        if kept and (found := self._shells.run(container, command, own, timeout)):
            return found
        given = [f"{name}={value}" for name, value in own.items()]
        body = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command), "Env": given}
        made = self._engine.call("POST", f"/containers/{segment(container)}/exec", body=body)["Id"]
        path = f"/exec/{made}"
        try:
            with self._engine.open(
                "POST", f"{path}/start", body={"Detach": False, "Tty": False}, timeout=timeout
            ) as reply:
                output = bounded((data for _, data in frames(reply.chunks())), command[0]).decode(errors="replace")
        except EngineRefused as error:
            output = error.message  # such as a missing command: it has its own exit code
        code = self._engine.call("GET", f"{path}/json")["ExitCode"]
        if code is None:
            raise EngineError(f"container {container} can't run {command[0]}: {output}")
        return int(code), output

    def attach(self, container: str, *, tty: bool) -> Session:
        from shipway.drivers.runtime import session  # rarely needed

        return session.attach(self._engine, container, tty=tty)

    def session(
        self, container: str, command: Sequence[str], *, tty: bool, environment: Mapping[str, str] | None = None
    ) -> Session:
        from shipway.drivers.runtime import session

        return session.execute(self._engine, container, command, tty=tty, environment=environment or {})

    def connections(self, container: str, port: int) -> int | None:
        from shipway.drivers.runtime import sockets  # rarely needed

        found = self._inspect(container)
        if found is None or not found["State"]["Running"] or found["State"]["Restarting"]:
            return 0
        return sockets.connections(self._engine, self, found, port)

    def put(self, container: str, path: str, archive: Iterator[bytes]) -> None:
        target = f"/containers/{segment(container)}/archive"
        with self._engine.open("PUT", target, query={"path": path}, body=iter(archive), timeout=600) as reply:
            reply.read()

    def get(self, container: str, path: str) -> Iterator[bytes]:
        opened = self._engine.open(
            "GET", f"/containers/{segment(container)}/archive", query={"path": path}, timeout=600
        )
        try:
            reply = opened.__enter__()  # now, so that the call itself reports a missing file
        except EngineRefused as error:
            if error.status == 404 and "no such container" not in error.message.lower():
                raise FileNotFoundError(f"{path} doesn't exist in container {container}") from error
            raise
        return _closing(opened, reply.chunks())

    def rename(self, container: str, name: str) -> None:
        self._engine.call("POST", f"/containers/{segment(container)}/rename", query={"name": name})

    def has_volume(self, name: str) -> bool:
        return self._engine.call("GET", f"/volumes/{segment(name)}", fine=(404,)) is not None

    def remove_volume(self, name: str) -> None:
        self._engine.call("DELETE", f"/volumes/{segment(name)}", fine=(404,))

    def down(self, away: Sequence[str], hosts: Sequence[str]) -> frozenset[str]:
        return frozenset()

    def claim(self, labels: Mapping[str, str], hosts: Sequence[str]) -> bool:
        return False

    def remove_leftovers(self, labels: Mapping[str, str]) -> None:
        """An engine keeps nothing beside its containers."""

    def free_space(self) -> int | None:
        from shipway.drivers.runtime import space  # rarely needed

        return space.free_space(self._engine, self)

    def processors(self) -> int:
        here = os.cpu_count() if self._engine.is_local else None
        return here or int(self._engine.call("GET", "/info")["NCPU"])

    def memory(self) -> tuple[int, int] | None:
        from shipway.drivers.runtime import usage

        return usage.memory(self._engine, self)

    def usage_of(self, container: str) -> Usage | None:
        from shipway.drivers.runtime import usage

        return usage.usage(self._engine, container)

    def disk_usage(self) -> DiskUsage:
        from shipway.drivers.runtime import space

        return space.disk_usage(self._engine)


def _closing(opened: Any, chunks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    finally:
        opened.__exit__(None, None, None)
