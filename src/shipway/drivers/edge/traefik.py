"""Traefik as the edge: one container for all apps of an engine, one file of routes an owner, switched by a rename."""

from __future__ import annotations

import io
import re
import tarfile
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from shipway.domain.container import Publish
from shipway.domain.errors import EdgeError, EngineError
from shipway.drivers.edge import dynamic, effect
from shipway.drivers.edge.container import ROUTES, EdgeContainer, published
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.shared import exclusive

# $1 the final file, $2 a name beside it that Traefik doesn't read, $3 the content
WRITE = 'printf %s "$3" > "$2" && mv "$2" "$1" || { rm -f "$2"; exit 1; }'


class TraefikEdge:
    """The Edge of one engine. Its routes live in a volume: they outlast the container.

    deadline: seconds that a switch may take until it is in effect.
    """

    def __init__(self, engine: Engine, *, name: str = "shipway-edge", deadline: float = 10.0) -> None:
        self._deadline = deadline
        self._runtime = DockerRuntime(engine)
        self._container = EdgeContainer(engine, name)
        self._lock = threading.Lock()

    @property
    def container(self) -> str:
        return self._container.name

    def ensure(self, ports: Sequence[Publish], networks: Mapping[str, Sequence[str]]) -> None:
        with exclusive(self.container), _as_edge_error():
            try:
                started = self._container.ensure(ports, networks)
            except EdgeError:
                self._settle(missing_is_fine=True)  # it may have been put back
                raise
            if started:
                self._settle()

    def routes(self, owner: str) -> Mapping[str, object] | None:
        with _as_edge_error():
            return self._tables(_file(owner)).get(owner)

    def switch(self, owner: str, table: Mapping[str, object]) -> None:
        with self._lock, _as_edge_error():
            text, port = dynamic.render(owner, table), self._port(table)
            tables = self._tables()
            taken = dynamic.conflict(owner, table, tables)
            if taken:
                raise EdgeError(taken, hint="give this environment a url of its own")
            self._write(owner, text)
            seen = self._until(effect.routed(owner, table, port), effect.reached(table, port))
            if seen is None:
                return
            before = tables.get(owner)
            if before is None:
                self._delete(owner, table, port)
            else:
                self._write(owner, dynamic.render(owner, before))
                self._until(effect.routed(owner, before, self._port(before)))
            raise EdgeError(
                f"the edge did not take the routes of {owner} within {self._deadline:g} s: {seen}",
                hint=f"what was routed before is again; see `docker logs {self.container}`",
            )

    def remove(self, owner: str) -> None:
        with self._lock, _as_edge_error():
            table = self._tables(_file(owner)).get(owner)
            if table is None:
                return
            found = self._runtime.find(self.container)
            if found is None or not found.running:
                return self._blank(owner)
            seen = self._delete(owner, table, self._port(table))
            if seen:
                raise EdgeError(f"the edge did not drop the routes of {owner} within {self._deadline:g} s: {seen}")

    def _settle(self, *, missing_is_fine: bool = False) -> None:
        """Wait until an edge that was just started listens, and routes by all tables."""
        found = self._runtime.find(self.container)
        if missing_is_fine and (found is None or not found.running):
            return
        ports = {port.host_port: port for port in published(found.labels if found else {})}
        questions = [effect.listens(port) for port in ports.values()]
        for owner, table in self._tables().items():
            port = ports.get(dynamic.public(table).port)
            if port:
                questions.append(effect.routed(owner, table, port))
        seen = self._until(*questions)
        if seen:
            raise EdgeError(f"the edge isn't ready: {seen}", hint=f"see `docker logs {self.container}`")

    def _until(self, *questions: effect.Question) -> str | None:
        return effect.until(*questions, deadline=self._deadline)

    def _port(self, table: Mapping[str, Any]) -> Publish:
        found = self._runtime.find(self.container)
        if found is None or not found.running:
            raise EdgeError("the edge isn't running", hint=f"deploy again, or: docker start {self.container}")
        number = dynamic.public(table).port
        for port in published(found.labels):
            if port.host_port == number:
                return port
        raise EdgeError(f"the edge doesn't listen on port {number}")

    def _tables(self, file: str = "") -> dict[str, dict[str, Any]]:
        """All tables by owner, or that of one file; none where there is no edge."""
        if self._runtime.find(self.container) is None:
            return {}
        try:
            archive = b"".join(self._runtime.get(self.container, f"{ROUTES}/{file}"))
        except FileNotFoundError:
            return {}
        found = {}
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.name.endswith(".yml") else None
                table = dynamic.parse(content.read().decode()) if content else None
                if table is not None:
                    found[member.name.rpartition("/")[2].removesuffix(".yml")] = table
        return found

    def _write(self, owner: str, text: str) -> None:
        target, beside = f"{ROUTES}/{_file(owner)}", f"{ROUTES}/.{uuid.uuid4().hex}"
        self._run(["sh", "-c", WRITE, "sh", target, beside, text])

    def _delete(self, owner: str, table: Mapping[str, Any], port: Publish) -> str | None:
        """None once it is in effect, else what is seen instead."""
        self._run(["rm", "-f", f"{ROUTES}/{_file(owner)}"])
        return self._until(effect.not_routed(owner, table, port))

    def _run(self, command: Sequence[str]) -> None:
        code, output = self._runtime.execute(self.container, command)
        if code != 0:
            raise EdgeError(f"the edge's routes can't be written: {output.strip() or f'exit code {code}'}")

    def _blank(self, owner: str) -> None:
        """Nothing runs in a stopped container, but a file of it can be made empty."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(tarfile.TarInfo(_file(owner)))
        self._runtime.put(self.container, ROUTES, iter([buffer.getvalue()]))


def _file(owner: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", owner):
        raise EdgeError(f"{owner!r} can't own routes: its name must be letters, digits, `_`, `.` and `-`")
    return f"{owner}.yml"


@contextmanager
def _as_edge_error() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise EdgeError(f"the edge: {error.message}", hint=error.hint) from error
