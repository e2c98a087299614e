"""Visits to every address that DNS gives and to every host, against servers on this machine. Its loopback has many addresses: each
stands for a host."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.launches import addresses, each_host, launching, public
from shipway.actions.launches.testing import UnderTest
from shipway.domain.errors import EngineError
from shipway.domain.host_location import HostLocation
from shipway.domain.launch import Launch
from shipway.domain.names import route_owner
from shipway.domain.plan import Environment, Host
from shipway.domain.system_test import FAILED, NOT_TESTED, PASSED, Result
from shipway.system.visitor import Visitor
from tests.unit.domain import samples
from tests.unit.world import World

ONE, TWO = "127.0.0.2", "127.0.0.3"  # addresses of the hosts
NAME = "shop.example"
OWNER = route_owner("shop", "staging")
FIRST, SECOND = "ssh://one", "ssh://two"


def answer(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


SITE, PAGE = answer("200 OK", b"shop"), answer("503 Closed", b"Opening soon")


@contextmanager
def serving(address: str, port: int, text: bytes, most: int = 1000) -> Iterator[int]:
    """Answers each request with the same, at most so many. port: 0 for a free one."""
    answered = count(1)

    def serve(found: socket.socket) -> None:
        with suppress(OSError), found:
            while b"\r\n\r\n" in found.recv(4096) and next(answered) <= most:
                found.sendall(text)

    def accept(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server((address, port)) as listening:
        threading.Thread(target=accept, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


class Pair:
    """An environment on two hosts, whose release runs there. `names`: what DNS gives; `inside`: what each edge answers on its own
    host."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = World(folder, ("local", FIRST, SECOND))
        self.names = {NAME: [ONE, TWO]}
        self.places = {FIRST: HostLocation(ONE), SECOND: HostLocation(TWO)}
        self.port = 0
        self.inside = {FIRST: SITE, SECOND: SITE}
        monkeypatch.setattr(launching, "resolved", self.resolved)
        monkeypatch.setattr(addresses, "resolved", self.resolved)
        monkeypatch.setattr(each_host, "visiting", self.visiting)
        for name in (FIRST, SECOND):
            self.edge(name).tables[OWNER] = {"release": 1, "url": {}, "routes": []}

    def resolved(self, name: str) -> list[str]:
        return [name] if name.startswith("127.") else self.names.get(name, [])

    def edge(self, host: str) -> Any:
        return self.world.engines[host].edge

    @contextmanager
    def visiting(self, test: UnderTest) -> Iterator[UnderTest]:
        yield replace(test, inside=Visitor(test.ctx.machine.dial))

    def test(self, **more: Any) -> UnderTest:
        """On the first host; a dial from a host reaches what its edge answers there."""
        controller = self.world.controller()

        def connect(name: str) -> Any:
            machine = controller.connect(name)

            def dial(where: tuple[str, int], timeout: float) -> socket.socket:
                own, other = socket.socketpair()
                text = self.inside[name]

                def reply() -> None:
                    with suppress(OSError), other:
                        while b"\r\n\r\n" in other.recv(4096):
                            other.sendall(text)

                threading.Thread(target=reply, daemon=True).start()
                return own

            return replace(machine, dial=dial)

        ctx = replace(controller, connect=connect, locate=self.places.__getitem__, cancelled=threading.Event())
        where = Environment("staging", f"http://{NAME}:{self.port}", hosts=(Host(FIRST), Host(SECOND)), **more)
        return UnderTest(ctx.on(FIRST), samples.release(), where, samples.settings(), None, [Launch()])


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    made = Pair(tmp_path, monkeypatch)
    yield made
    made.world.close()


@contextmanager
def up(pair: Pair, one: bytes | None, two: bytes | None) -> Iterator[None]:
    """What each host answers to visitors on the port; None: nothing listens."""
    with ExitStack() as stack:
        for address, text in ((ONE, one), (TWO, two)):
            if text is not None:
                pair.port = stack.enter_context(serving(address, pair.port, text))
        yield


def seen(found: Any) -> dict[str, str]:
    return {item.name: item.outcome for item in found}


def failed(found: Any) -> Result:
    (one,) = [item for item in found if item.outcome == FAILED]
    return one  # type: ignore[no-any-return]


def test_every_address_that_dns_gives_is_visited(pair: Pair) -> None:
    with up(pair, SITE, SITE):
        expected = {f"public address {ONE} ({FIRST})": PASSED, f"public address {TWO} ({SECOND})": PASSED}
        assert seen(addresses.public_address(pair.test())) == expected


def test_a_closed_port_of_the_second_host_names_it(pair: Pair) -> None:
    with up(pair, SITE, None):
        found = failed(addresses.public_address(pair.test()))
    assert found.name == f"public address {TWO} ({SECOND})"
    assert f"port {pair.port} of {SECOND} doesn't answer at {TWO}" in found.detail
    assert f"open the port in the firewall of {SECOND}" in found.hint


@pytest.mark.parametrize("status", ["404 Not Found", "500 No", "302 Found", "502 Bad Gateway"])
def test_another_program_on_the_second_host_is_seen(pair: Pair, status: str) -> None:
    with up(pair, SITE, answer(status, b"It works!")):
        found = failed(addresses.public_address(pair.test()))
    assert SECOND in found.name
    assert "something other than the edge" in found.hint


def test_an_edge_that_is_not_the_hosts_is_seen_by_its_mark(pair: Pair) -> None:
    """It serves a page with the same status: another environment's, or a release of before."""
    marked = answer("200 OK", b"shop").replace(b"Content", b"X-Shipway-Routes: 1a\r\nContent")
    pair.inside = {FIRST: marked, SECOND: marked}
    with up(pair, marked, SITE):
        found = failed(addresses.public_address(pair.test()))
    assert f"it is not the edge of {SECOND}" in found.detail


def test_an_address_that_no_longer_answers_fails_by_name(pair: Pair) -> None:
    with up(pair, SITE, None), serving(TWO, pair.port, SITE, most=1):
        found = failed(addresses.public_address(pair.test()))
    assert found.name.startswith(f"public address {TWO}")
    assert f"doesn't answer at {TWO}" in found.detail


@pytest.mark.parametrize("other", [SITE, answer("503 No", b"nothing here")])
def test_before_the_opening_each_address_shows_the_page(pair: Pair, other: bytes) -> None:
    for name in (FIRST, SECOND):
        pair.edge(name).pages[OWNER] = ((NAME,), 80, "Opening soon")
        pair.inside[name] = PAGE
    with up(pair, PAGE, PAGE):
        assert set(seen(addresses.public_address(pair.test())).values()) == {PASSED}
    pair.port = 0
    with up(pair, PAGE, other):
        found = failed(addresses.public_address(pair.test()))
    assert SECOND in found.name
    assert "not with the page that visitors should see" in found.detail


def test_a_name_that_does_not_resolve(pair: Pair) -> None:
    pair.names = {}
    assert failed(addresses.public_address(pair.test())).detail == f"{NAME} doesn't resolve"


def test_behind_a_proxy_only_its_answer_counts(pair: Pair) -> None:
    """It may refuse whom it doesn't know; the hosts let in only the proxy."""
    pair.names = {NAME: ["127.0.0.9"]}
    with serving("127.0.0.9", 0, answer("403 No", b"who are you?")) as pair.port:
        assert seen(addresses.public_address(pair.test())) == {"public address": PASSED}
        found = each_host.each_host(pair.test())
    assert seen(found) == {
        f"host {FIRST}": PASSED, f"port {pair.port} of {FIRST}": NOT_TESTED,
        f"host {SECOND}": PASSED, f"port {pair.port} of {SECOND}": NOT_TESTED,
    }  # fmt: skip


def test_each_host_is_looked_at(pair: Pair) -> None:
    with up(pair, SITE, SITE):
        assert seen(each_host.each_host(pair.test())) == {f"host {FIRST}": PASSED, f"host {SECOND}": PASSED}


def test_one_host_is_no_case_for_this(pair: Pair) -> None:
    test = pair.test()
    assert each_host.each_host(replace(test, environment=replace(test.environment, hosts=(Host(FIRST),)))) == []


def test_a_host_without_a_record_is_visited_at_its_own_address(pair: Pair) -> None:
    pair.names = {NAME: [ONE]}
    with up(pair, SITE, SITE):
        found = each_host.each_host(pair.test())
    assert set(seen(found).values()) == {PASSED}
    assert found[-1].detail.endswith("no public name leads there")
    pair.port = 0
    with up(pair, SITE, None):
        found = each_host.each_host(pair.test())
    assert failed(found).name == f"port {pair.port} of {SECOND}"


def test_a_host_behind_a_jump_host_is_not_claimed(pair: Pair) -> None:
    pair.names = {NAME: [ONE]}
    pair.places[SECOND] = HostLocation("10.0.0.9", 22, "the jump host gate")
    with up(pair, SITE, None):
        found = each_host.each_host(pair.test())
    assert seen(found)[f"port {pair.port} of {SECOND}"] == NOT_TESTED
    assert "through the jump host gate" in found[-1].detail


def test_a_host_that_is_away_fails_by_name(pair: Pair) -> None:
    test = pair.test()
    pair.world.engines[SECOND].away = True
    found = failed(each_host.each_host(test))
    assert (found.name, found.detail) == (f"host {SECOND}", f"{SECOND}: {SECOND} can't be reached")
    assert found.hint
    services = public._running(test, Host(SECOND))
    assert services == set()


def test_an_edge_with_another_release_or_none(pair: Pair) -> None:
    pair.edge(SECOND).tables[OWNER]["release"] = 7
    with up(pair, SITE, SITE):
        found = failed(each_host.each_host(pair.test()))
        assert f"{SECOND}: its edge serves release 7, not release 1" in found.detail
        assert found.hint == "shipway doctor staging --fix"
        del pair.edge(SECOND).tables[OWNER]
        assert "serves nothing of the environment" in failed(each_host.each_host(pair.test())).detail
        pair.edge(SECOND).stopped.append("shipway_edge")
        assert "its edge is down (shipway_edge)" in failed(each_host.each_host(pair.test())).detail


def test_a_page_on_one_host_only(pair: Pair) -> None:
    pair.edge(FIRST).pages[OWNER] = ((NAME,), 80, "Opening soon")
    with up(pair, PAGE, SITE):
        found = failed(each_host.each_host(pair.test()))
    assert found.name == f"host {SECOND}"
    assert f"visitors see the release there, and a page on {FIRST}" in found.detail


def test_what_fails_past_the_page_of_the_second_host_names_it(pair: Pair) -> None:
    pair.inside[SECOND] = answer("500 No", b"broken")
    with up(pair, SITE, pair.inside[SECOND]):
        found = [item for item in each_host.each_host(pair.test()) if item.outcome == FAILED]
    assert found
    assert all(item.name.endswith(f" on {SECOND}") for item in found), found


def test_a_gate_that_does_not_open_fails_that_host(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def broken(test: UnderTest) -> Iterator[UnderTest]:
        raise EngineError("no image")
        yield test

    monkeypatch.setattr(each_host, "visiting", broken)
    with up(pair, SITE, SITE):
        assert failed(each_host.each_host(pair.test())).detail == f"{SECOND}: no image"


def test_a_worker_must_run_on_every_host(pair: Pair) -> None:
    """That it runs on one of them is not enough."""
    test = pair.test()
    plan = replace(
        test.release.plan, services={"worker": replace(samples.PLAN.services["backend"], name="worker", route=None)}
    )
    test = replace(test, release=replace(test.release, plan=plan))
    assert json.dumps(seen(public.services(test))) == json.dumps({"service worker": FAILED})
    assert f"doesn't run on {FIRST}, {SECOND}" in public.services(test)[0].detail
