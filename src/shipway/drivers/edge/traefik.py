"""Traefik as the edge: one container for all apps of an engine, one file of routes an owner, switched by a rename."""

from __future__ import annotations

import io
import re
import socket
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from shipway.domain.container import ContainerInfo, Publish
from shipway.domain.errors import EdgeError, EngineError
from shipway.domain.traffic import Traffic
from shipway.drivers.credentials import Keyring
from shipway.drivers.edge import counters, dynamic
from shipway.drivers.edge.connection import Dial
from shipway.drivers.edge.container import LABEL_TOKEN, EdgeContainer, published
from shipway.drivers.edge.control import Control
from shipway.drivers.edge.effect import Asker
from shipway.drivers.edge.program import ROUTES
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.shared import exclusive

ACME = 60.0  # seconds that a certificate may take beyond the deadline
CERTIFICATE = "_certificate."  # how files begin that the plugin makes for a host


class TraefikEdge:
    """The Edge of one engine. Its routes live in a volume: they outlast the container.

    deadline: seconds that a switch may take until it is in effect. dial: connects to what the engine's machine sees.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        name: str = "shipway-edge",
        deadline: float = 10.0,
        dial: Dial = socket.create_connection,
        keys: Keyring | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        self._cancelled = cancelled
        self._deadline = deadline
        self._dial = dial
        self._engine = engine.address
        self._runtime = DockerRuntime(engine)
        self._container = EdgeContainer(engine, name, here=dial is socket.create_connection, keys=keys)
        self._lock = threading.Lock()

    @property
    def container(self) -> str:
        return self._container.name

    def ensure(
        self, ports: Sequence[Publish], networks: Mapping[str, Sequence[str]], tls: Mapping[str, object] | None = None
    ) -> None:
        with exclusive(self.container, self._engine, self._cancelled), _as_edge_error():
            try:
                started = self._container.ensure(ports, networks, tls)
            except EdgeError:
                self._settle(missing_is_fine=True)  # it may have been put back
                raise
            if started:
                self._settle()

    def pending(self, ports: Sequence[Publish], tls: Mapping[str, object] | None = None) -> str | None:
        with _as_edge_error():
            why = self._container.pending(ports, tls)
            return None if why is None else dynamic.interruption(why, _tables(self._files()))

    def authority(self) -> str | None:
        with _as_edge_error():
            found = self._runtime.find(self.container)
            if found is None or not found.running or LABEL_TOKEN not in found.labels:
                return None
            with self._control(found) as control:
                return control.authority() if any(map(_is_certificate, control.files())) else None

    def routes(self, owner: str) -> Mapping[str, object] | None:
        with _as_edge_error():
            return _tables(self._files()).get(_owner(owner))

    def switch(self, owner: str, table: Mapping[str, object]) -> None:
        with self._lock, _as_edge_error():
            text, found = dynamic.render(_owner(owner), table), self._running()
            port = _port(found, dynamic.public(table))
            with self._control(found) as control, self._asker() as asker:
                tables = _tables(control.files())
                taken = dynamic.conflict(owner, table, tables)
                if taken:
                    raise EdgeError(taken, hint="give this environment a url of its own")
                before, where = tables.get(owner), dynamic.public(table)
                if where.internal:
                    control.certify(where.host)
                control.write(_file(owner), text)
                seen = asker.until(asker.routed(owner, table, port), *asker.reached(owner, table, port))
                if seen is None and where.tls is not None and (before is None or before["url"] != table["url"]):
                    seen = self._certified(control, asker, where, port)  # later on it must not hinder a rollback
                if seen is None:
                    return
                if before is None:
                    control.delete(_file(owner))
                    asker.until(asker.shows_nothing(where, dynamic.mark(owner), port))
                    self._forget(where)
                else:
                    control.write(_file(owner), dynamic.render(owner, before))
                    asker.until(asker.routed(owner, before, _port(found, dynamic.public(before))))
            raise EdgeError(
                f"the edge did not take the routes of {owner} within {self._deadline:g} s: {seen}",
                hint=f"what was routed before is again; see `docker logs {self.container}`",
            )

    def remove(self, owner: str) -> None:
        with self._lock, _as_edge_error():
            files = self._files()
            self._end_page(_owner(owner), files)
            table = _tables(files).get(owner)
            if table is not None:
                where = dynamic.public(table)
                self._drop(_file(owner), where, dynamic.mark(owner), f"the routes of {owner}")
                self._forget(where)

    def _certified(self, control: Control, asker: Asker, where: dynamic.Public, port: Publish) -> str | None:
        """None as soon as there is a certificate that browsers accept, else what is seen."""
        if where.internal:
            return asker.until(asker.certified(where, port, control.authority()))
        trust = where.tls["acme"].get("trust") if where.tls else None
        if trust:
            return asker.until(asker.issued(where, port), patience=ACME)
        return asker.until(asker.certified(where, port, None), patience=ACME)

    def maintain(self, owner: str, url: Mapping[str, object], page: str | None) -> None:
        with self._lock, _as_edge_error():
            if page is None:
                return self._end_page(_owner(owner), self._files())
            where, found = dynamic.address(url), self._running()
            # A name of *.localhost leads to the edge itself, but not always by the loopback address.
            own = sorted(filter(None, found.addresses.values()))
            text = dynamic.render_page(_owner(owner), url, page, own)
            with self._control(found) as control, self._asker() as asker:
                port = _port(found, where)
                control.write(_page_file(owner), text)
                wanted = dynamic.page_version(url, page)
                seen = asker.until(asker.shows(where, dynamic.page_mark(owner), wanted, port))
                if seen:
                    control.delete(_page_file(owner))
                    raise EdgeError(f"the edge did not take the page of {owner} within {self._deadline:g} s: {seen}")

    def _end_page(self, owner: str, files: Mapping[str, str]) -> None:
        url = dynamic.page_url(files.get(_page_file(owner), ""))
        if url is not None:
            where = dynamic.address(url)
            self._drop(_page_file(owner), where, dynamic.page_mark(owner), f"the maintenance page of {owner}")

    def maintained(self, owner: str) -> bool:
        with _as_edge_error():
            return bool(self._files().get(_page_file(_owner(owner))))

    def probe(self, owner: str, release: int) -> str | None:
        with _as_edge_error():
            found = self._running()
            with self._control(found) as control, self._asker() as asker:
                table = _tables(control.files()).get(_owner(owner))
                if table is None:
                    return f"{owner} has no routes"
                return asker.probe(owner, table, release, _port(found, dynamic.public(table)))

    def traffic(self, owner: str) -> Mapping[int, Traffic]:
        with _as_edge_error(), self._control(self._running()) as control:
            return counters.traffic(control.metrics(), _owner(owner))

    def _settle(self, *, missing_is_fine: bool = False) -> None:
        """Wait until an edge that was just started listens, and routes by all tables."""
        found = self._runtime.find(self.container)
        if found is None or not found.running:
            if missing_is_fine:
                return
            raise EdgeError("the edge isn't ready: it has ended", hint=f"see `docker logs {self.container}`")
        with self._control(found) as control, self._asker() as asker:
            seen = asker.until(control.answers, *map(asker.listens, published(found.labels)))
            files = {} if seen else control.files()
            for owner, table in _tables(files).items():
                port = _port_or_none(found, dynamic.public(table))
                if port and not seen:
                    text = dynamic.render(owner, table)
                    if files[_file(owner)] != text:  # an older Shipway wrote it
                        control.write(_file(owner), text)
                    seen = asker.until(asker.routed(owner, table, port))
        if seen:
            raise EdgeError(f"the edge isn't ready: {seen}", hint=f"see `docker logs {self.container}`")

    def _asker(self) -> Asker:
        return Asker(self._dial, self._deadline)

    def _control(self, found: ContainerInfo) -> Control:
        return Control(self._dial, found.addresses.get(self._container.home, ""), found.labels.get(LABEL_TOKEN, ""))

    def _running(self) -> ContainerInfo:
        found = self._runtime.find(self.container)
        if found is None or not found.running:
            raise EdgeError("the edge isn't running", hint=f"deploy again, or: docker start {self.container}")
        return found

    def _files(self) -> dict[str, str]:
        """All files of routes, also of an edge that doesn't run; none where there is no edge."""
        found = self._runtime.find(self.container)
        if found is None:
            return {}
        if found.running and LABEL_TOKEN in found.labels:
            with self._control(found) as control:
                return control.files()
        try:
            content = b"".join(self._runtime.get(self.container, f"{ROUTES}/"))
        except FileNotFoundError:
            return {}
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            members = {member.name.rpartition("/")[2]: tar.extractfile(member) for member in tar if member.isfile()}
            return {name: file.read().decode() for name, file in members.items() if file and name.endswith(".yml")}

    def _forget(self, where: dynamic.Public) -> None:
        """Take the certificate away that no other environment uses."""
        found = self._runtime.find(self.container)
        if where.internal and found is not None and found.running:
            with self._control(found) as control:
                if all(dynamic.public(table).host != where.host for table in _tables(control.files()).values()):
                    control.delete(f"{CERTIFICATE}{where.host}.yml")

    def _drop(self, file: str, where: dynamic.Public, mark: str, what: str) -> None:
        """Take a file away; where the edge runs, its mark is gone when this returns."""
        found = self._runtime.find(self.container)
        if found is None or not found.running:
            buffer = io.BytesIO()  # nothing runs in a stopped container, but a file of it can be made empty
            with tarfile.open(fileobj=buffer, mode="w") as tar:
                tar.addfile(tarfile.TarInfo(file))
            return self._runtime.put(self.container, ROUTES, iter([buffer.getvalue()]))
        with self._control(found) as control, self._asker() as asker:
            control.delete(file)
            seen = asker.until(asker.shows_nothing(where, mark, _port(found, where)))
        if seen:
            raise EdgeError(f"the edge did not drop {what} within {self._deadline:g} s: {seen}")


def _is_certificate(file: str) -> bool:
    return file.startswith(CERTIFICATE)


def _tables(files: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """All tables by owner."""
    parsed = {name.removesuffix(".yml"): dynamic.parse(text) for name, text in files.items() if not name.startswith("_")}
    return {owner: table for owner, table in parsed.items() if table is not None}


def _port(found: ContainerInfo, where: dynamic.Public) -> Publish:
    port = _port_or_none(found, where)
    if port is None:
        raise EdgeError(f"the edge doesn't listen on port {where.port}")
    return port


def _port_or_none(found: ContainerInfo, where: dynamic.Public) -> Publish | None:
    return next((port for port in published(found.labels) if port.host_port == where.port), None)


def _owner(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise EdgeError(f"{name!r} can't own routes: its name must be letters, digits, `_`, `.` and `-`")
    return name


def _file(owner: str) -> str:
    return f"{owner}.yml"


def _page_file(owner: str) -> str:
    """No owner's name begins with an underscore."""
    return f"_maintenance.{owner}.yml"


@contextmanager
def _as_edge_error() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise EdgeError(f"the edge: {error.message}", hint=error.hint) from error
