"""Traefik as the edge: shared by all apps of an engine, with one route file per owner, switched by renaming."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

from shipway.domain.container import ContainerInfo, Publish
from shipway.domain.errors import EdgeError, ShipwayError
from shipway.domain.log import stamp
from shipway.domain.routes import hosts
from shipway.domain.traffic import Traffic
from shipway.drivers.credentials import Keyring
from shipway.drivers.edge import counters, dynamic, route_files
from shipway.drivers.edge import page as maintenance_page
from shipway.drivers.edge.container import LABEL_TOKEN, EdgeContainers, published, resolvers, trusted_proxies
from shipway.drivers.edge.control import STARTING, Control, as_edge_error
from shipway.drivers.edge.effect import Asker
from shipway.drivers.edge.program import ROUTES
from shipway.drivers.edge.visit import Gate
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.shared import exclusive
from shipway.ports import Dial
from shipway.system.tars import of_files

Asked = tuple[tuple[Publish, ...], Mapping[str, Sequence[str]], Mapping[str, object] | None]  # arguments of `ensure`


class TraefikEdge:
    """The Edge of one engine. Its routes are in a volume, independent of its containers.

    deadline: seconds until a switch must be in effect. dial: connects from the engine's machine.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        name: str = "shipway-edge",
        deadline: float = 30.0,
        dial: Dial = socket.create_connection,
        keys: Keyring | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        self._cancelled = cancelled
        self._name = name
        self._deadline = deadline
        self._dial = dial
        self._engine = engine.address
        self._runtime = DockerRuntime(engine)
        self._containers = EdgeContainers(engine, name, keys=keys)
        self._gate = Gate(engine, dial, deadline)
        self._lock = threading.Lock()
        self._asked: list[Asked] = []  # of this process: a switch may need it again

    def ports(self) -> Sequence[int]:
        with as_edge_error():
            members = [item for item in self._containers.members() if item.running]
            return sorted({port.host_port for item in members for port in published(item.labels)})

    def down(self) -> Sequence[str]:
        with as_edge_error():
            return [item.name for item in self._containers.members() if not item.running]

    def ensure(
        self, ports: Sequence[Publish], networks: Mapping[str, Sequence[str]], url: Mapping[str, object] | None = None
    ) -> None:
        asked = (tuple(ports), networks, url)
        self._asked = [asked, *(item for item in self._asked if item[0] != asked[0])]
        with exclusive(self._name, self._engine, self._cancelled), as_edge_error():
            self._agrees(ports, url)
            started = self._containers.ensure(ports, networks, url)
            if started:
                self._settle(started)

    def pending(self, ports: Sequence[Publish], url: Mapping[str, object] | None = None) -> str | None:
        with as_edge_error():
            self._agrees(ports, url)
            found = self._containers.pending(ports, url)
            if found is None:
                return None
            why, member = found
            numbers = {port.host_port for port in published(member.labels)}
            tables = route_files.tables(self._files()).items()
            there = {owner: table for owner, table in tables if dynamic.public(table).port in numbers}
            return dynamic.interruption(why, there)

    def _agrees(self, ports: Sequence[Publish], url: Mapping[str, object] | None) -> None:
        """EdgeError if others on these ports trust other proxies: an entry point has a single list."""
        if url is None:
            return
        mine = url.get("trusted", [])
        held = {
            port.host_port
            for item in self._containers.members()
            if trusted_proxies(item.labels) != mine
            for port in published(item.labels)
        }
        numbers = held.intersection(port.host_port for port in ports)
        if numbers:
            dynamic.refuse_other_proxies(url, numbers, route_files.tables(self._files()))

    def trim(self, ports: Sequence[Publish] | None = None) -> None:
        with exclusive(self._name, self._engine, self._cancelled), as_edge_error():
            files = self._files()
            places = [dynamic.public(table) for table in route_files.tables(files).values()]
            urls = map(maintenance_page.url_of, files.values())
            places += [dynamic.address(url) for url in urls if url and "host" in url]
            needed = {number for where in places for number in where.ports}
            self._containers.trim(needed, None if ports is None else {port.host_port for port in ports})

    @contextmanager
    def visit(self, owner: str, url: Mapping[str, object], network: str, labels: Mapping[str, str]) -> Iterator[str]:
        with as_edge_error(), ExitStack() as stack:
            where = dynamic.address(url)
            member = self._member(where)
            mark = dynamic.mark(route_files.checked_owner(owner))
            names = [name for name in hosts(url) if not name.startswith("*")]
            gate = stack.enter_context(self._gate.open(member.name, where, mark, network, labels, names))
            stack.callback(self._admit, owner, [])
            self._admit(owner, [gate.address])
            end = stack.pop_all()
        try:
            yield gate.container
        except BaseException:  # an error in the block takes precedence over those of the clean-up
            with suppress(ShipwayError):
                end.close()
            raise
        with as_edge_error():
            end.close()

    def _admit(self, owner: str, sources: Sequence[str]) -> None:
        """Exempt these addresses from the maintenance page and from `access`, if there are any."""
        files = self._files()
        text = files.get(route_files.page_file(route_files.checked_owner(owner)), "")
        url, page = maintenance_page.url_of(text), maintenance_page.page_of(text)
        if url is not None and page is not None:
            self._show(owner, url, page, sources)
        table = route_files.tables(files).get(owner)
        if table is None or "access" not in table:
            return
        where = dynamic.public(table)
        member = self._member(where)
        with self._control() as control, self._asker() as asker:
            text = dynamic.render(owner, table, resolvers(member.labels), sources)
            control.write(route_files.route_file(owner), text)
            seen = asker.until(asker.routed(owner, table, self._port(member, where), sources))
        if seen:
            raise EdgeError(f"the edge did not admit the checks of {owner} within {self._deadline:g} s: {seen}")

    def authority(self) -> str | None:
        with as_edge_error():
            if not self._running():
                return None
            with self._control() as control:
                return control.authority() if any(map(route_files.is_certificate, control.files())) else None

    def routes(self, owner: str) -> Mapping[str, object] | None:
        with as_edge_error():
            return route_files.tables(self._files()).get(route_files.checked_owner(owner))

    def taken(self, owner: str, table: Mapping[str, object]) -> tuple[str, str] | None:
        with as_edge_error():
            return dynamic.conflict(route_files.checked_owner(owner), table, route_files.tables(self._files()))

    def switch(self, owner: str, table: Mapping[str, object]) -> None:
        with self._lock, as_edge_error():
            where = dynamic.public(table)
            member = self._serving(where)
            text = dynamic.render(route_files.checked_owner(owner), table, resolvers(member.labels))
            port = self._port(member, where)
            with self._control() as control, self._asker(member) as asker:
                with exclusive(
                    f"{self._name}-routes", self._engine, self._cancelled
                ):  # of two that claim an address, only one succeeds
                    files = control.files()
                    tables = route_files.tables(files)
                    dynamic.refuse_conflict(owner, table, tables)
                    for each in dynamic.certified(table):
                        if each.internal:
                            control.certify(each.host)
                    control.write(route_files.route_file(owner), text)
                before = tables.get(owner)
                seen = asker.until(asker.routed(owner, table, port), *asker.reached(owner, table, port))
                if dynamic.names_differ(before, table):  # later on it must not block a rollback
                    for each in dynamic.certified(table):
                        seen = seen or asker.has_certificate(control, each, port, dynamic.own_certificate(table))
                if seen is None:
                    self._forget(before, control)
                    if (before or {}).get("access") != table.get("access"):
                        self._renew_page(owner, files)
                    return
                if before is None:
                    control.delete(route_files.route_file(owner))
                    asker.until(asker.shows_nothing(where, dynamic.mark(owner), port))
                    self._forget(table, control)
                else:
                    there = dynamic.public(before)
                    holder = self._member(there)
                    control.write(
                        route_files.route_file(owner), dynamic.render(owner, before, resolvers(holder.labels))
                    )
                    asker.until(asker.routed(owner, before, self._port(holder, there)))
            raise EdgeError(
                f"the edge did not apply the routes of {owner} within {self._deadline:g} s: {seen}",
                hint=f"the previous routes are restored; see `docker logs {member.name}`",
            )

    def _serving(self, where: dynamic.Public) -> ContainerInfo:
        """The container that listens there. Its port may have been released since this process requested it."""
        asked = next((item for item in self._asked if any(port.host_port == where.port for port in item[0])), None)
        if asked is not None and self._member_or_none(where) is None:
            self.ensure(*asked)
        return self._member(where)

    def remove(self, owner: str) -> None:
        with self._lock, as_edge_error():
            files = self._files()
            table = route_files.tables(files).get(route_files.checked_owner(owner))
            if table is not None:
                where = dynamic.public(table)
                self._drop(route_files.route_file(owner), where, dynamic.mark(owner), f"the routes of {owner}")
                if self._running():
                    with self._control() as control:
                        self._forget(table, control)
            self._end_page(owner, files)  # last: what it hid is never visible

    def maintain(self, owner: str, url: Mapping[str, object], page: str | None, access: Any = None) -> None:
        with self._lock, as_edge_error():
            if page is None:
                return self._end_page(route_files.checked_owner(owner), self._files())
            self._show(owner, url, page, access=access)

    def _renew_page(self, owner: str, files: Mapping[str, str]) -> None:
        """Show the page, if there is one, to those whom the routes of now let in."""
        text = files.get(route_files.page_file(owner), "")
        url, page = maintenance_page.url_of(text), maintenance_page.page_of(text)
        if url is not None and page is not None:
            self._show(owner, url, page)

    def _show(
        self, owner: str, url: Mapping[str, Any], page: str, sources: Sequence[str] = (), access: Any = None
    ) -> None:
        where = dynamic.address(url)
        port = self._port(self._member(where), where)
        with self._control() as control, self._asker() as asker:
            files = control.files()
            rules = route_files.tables(files).get(route_files.checked_owner(owner), {"access": access}).get("access")
            before = files.get(route_files.page_file(owner), "")
            control.write(route_files.page_file(owner), maintenance_page.render(owner, url, page, sources, rules))
            wanted = maintenance_page.version_of(url, page, sources, rules)
            seen = asker.until(asker.shows(where, maintenance_page.mark_of(owner), wanted, port))
            if seen:
                if before:  # it still hides what it hid
                    control.write(route_files.page_file(owner), before)
                else:
                    control.delete(route_files.page_file(owner))
                raise EdgeError(
                    f"the edge did not show the maintenance page of {owner} within {self._deadline:g} s: {seen}"
                )

    def _end_page(self, owner: str, files: Mapping[str, str]) -> None:
        url = maintenance_page.url_of(files.get(route_files.page_file(owner), ""))
        if url is not None:
            where = dynamic.address(url)
            self._drop(
                route_files.page_file(owner), where, maintenance_page.mark_of(owner), f"the maintenance page of {owner}"
            )

    def maintained(self, owner: str) -> bool:
        with as_edge_error():
            return bool(self._files().get(route_files.page_file(route_files.checked_owner(owner))))

    def asked(self, owner: str, since: float) -> bool:
        with as_edge_error():
            logs = (self._runtime.log(item.name, since=stamp(since)) for item in self._running())
            return maintenance_page.was_shown(route_files.checked_owner(owner), logs)

    def probe(self, owner: str, release: int) -> str | None:
        with as_edge_error(), self._control() as control:
            table = route_files.tables(control.files()).get(route_files.checked_owner(owner))
            if table is None:
                return f"{owner} has no routes"
            where = dynamic.public(table)
            member = self._member(where)
            with self._asker(member) as asker:
                return asker.probe(owner, table, release, self._port(member, where))

    def traffic(self, owner: str) -> Mapping[int, Traffic]:
        total: dict[int, Traffic] = {}
        with as_edge_error():
            if not self._running():
                raise self._is_down()
            for member in self._running():
                with self._control(member) as control:
                    found = counters.traffic(control.metrics(), route_files.checked_owner(owner))
                    for release, counted in found.items():
                        total[release] = total[release] + counted if release in total else counted
        return total

    def _settle(self, started: Sequence[ContainerInfo]) -> None:
        """Wait until new containers listen, and route by all tables for their ports."""
        for found in started:
            current = self._runtime.find(found.name)
            if current is None or not current.running:
                raise EdgeError("the edge isn't ready: it has exited", hint=f"see `docker logs {found.name}`")
            with self._control(current) as control, self._asker() as asker:
                there = map(asker.listens, published(current.labels))
                seen = asker.until(control.answers, *there, patience=STARTING)
                files = {} if seen else control.files()
                for owner, table in route_files.tables(files).items():
                    port = route_files.port_of(current, dynamic.public(table))
                    if port and not seen:
                        text = dynamic.render(owner, table, resolvers(current.labels))
                        if files[route_files.route_file(owner)] != text:  # written by an older Shipway
                            control.write(route_files.route_file(owner), text)
                        seen = asker.until(asker.routed(owner, table, port))
            if seen:
                raise EdgeError(f"the edge isn't ready: {seen}", hint=f"see `docker logs {found.name}`")

    def _asker(self, member: ContainerInfo | None = None) -> Asker:
        """member: the container whose private paths are requested."""
        return Asker(self._dial, self._deadline, member.labels.get(LABEL_TOKEN, "") if member else "")

    def _control(self, member: ContainerInfo | None = None) -> Control:
        """The control port of one container; by default of any running one, since they share their files."""
        found = member or next(iter(self._running()), None)
        if found is None:
            raise self._is_down()
        return Control(
            self._dial, found.addresses.get(self._containers.home(found.name), ""), found.labels.get(LABEL_TOKEN, "")
        )

    def _running(self) -> list[ContainerInfo]:
        return [item for item in self._containers.members() if item.running]

    def _is_down(self) -> EdgeError:
        names = " ".join(item.name for item in self._containers.members()) or self._name
        return EdgeError("the edge isn't running", hint=f"deploy again, or: docker start {names}")

    def _member_or_none(self, where: dynamic.Public) -> ContainerInfo | None:
        members = [item for item in self._running() if route_files.port_of(item, where)]
        preferred = {(port.host_port, port.address) for item in self._asked for port in item[0]}
        exact = (
            item for item in members if preferred & {(port.host_port, port.address) for port in published(item.labels)}
        )
        return next(exact, members[0] if members else None)

    def _member(self, where: dynamic.Public) -> ContainerInfo:
        """The container that listens on a public address."""
        found = self._member_or_none(where)
        if found is None:
            raise EdgeError(f"the edge doesn't listen on port {where.port}") if self._running() else self._is_down()
        return found

    def _port(self, member: ContainerInfo, where: dynamic.Public) -> Publish:
        port = route_files.port_of(member, where)
        if port is None:
            raise EdgeError(f"the edge doesn't listen on port {where.port}")
        return port

    def _files(self) -> dict[str, str]:
        """All route files, also of a stopped edge; empty without one."""
        members = self._containers.members()
        if not members:
            return {}
        if any(item.running and LABEL_TOKEN in item.labels for item in members):
            with self._control() as control:
                return control.files()
        return route_files.stopped(partial(self._runtime.get, members[0].name))

    def _forget(self, table: Mapping[str, Any] | None, control: Control) -> None:
        """Remove the certificates of a former table that no current one uses."""
        former = {each.host for each in dynamic.certified(table) if each.internal} if table else set()
        if former:
            tables = route_files.tables(control.files()).values()
            former -= {each.host for item in tables for each in dynamic.certified(item)}
        for host in sorted(former):
            control.delete(f"{route_files.CERTIFICATE}{host}.yml")

    def _drop(self, file: str, where: dynamic.Public, mark: str, what: str) -> None:
        """Remove a file; if the edge runs, its mark is gone when this returns."""
        members = self._containers.members()
        if not members:
            return
        if not self._running():
            empty = of_files({file: b""})  # a stopped container can't run commands, but a file in it can be emptied
            return self._runtime.put(members[0].name, ROUTES, iter([empty]))
        seen, holder = None, self._member_or_none(where)
        with self._control() as control, self._asker() as asker:
            control.delete(file)
            if holder is not None:
                seen = asker.until(asker.shows_nothing(where, mark, self._port(holder, where)))
        if seen:
            raise EdgeError(f"the edge did not remove {what} within {self._deadline:g} s: {seen}")
