"""Looks at a public address, against servers on this machine."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.actions.launches import launching, public
from shipway.actions.launches.testing import UnderTest, address, bounded
from shipway.domain.errors import DeployFailed, Interrupted
from shipway.domain.host_location import HostLocation
from shipway.domain.launch import Launch, Load
from shipway.domain.plan import Environment, Host
from shipway.domain.routing import Access
from shipway.domain.system_test import FAILED, NOT_TESTED, PASSED, Result
from shipway.system.visitor import Visitor
from tests.unit.domain import samples
from tests.unit.system.test_visitor import here, server
from tests.unit.world import World


def answer(body: bytes, *headers: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in headers)
    return f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def test(tmp_path: Path) -> UnderTest:
    ctx = replace(World(tmp_path).controller(), cancelled=threading.Event())
    return UnderTest(ctx, samples.release(), samples.STAGING, samples.settings(), None, [Launch()], Visitor(here))


def at(test: UnderTest, port: int, **more: object) -> UnderTest:
    where = Environment("staging", f"http://shop.localhost:{port}", **more)  # type: ignore[arg-type]
    return replace(test, environment=where)


def outcomes(found: object) -> dict[str, str]:
    return {item.name: item.outcome for item in found}  # type: ignore[attr-defined]


def test_secrets_and_private_files_are_found(test: UnderTest) -> None:
    secret = test.settings.secrets["KEY"]
    with server(answer=answer(f"SECRET_KEY={secret}\n".encode())) as port:
        found = public.private_paths(at(test, port))
    assert outcomes(found) == {"private paths": FAILED, "secrets in responses": FAILED}
    assert "/.env" in found[0].detail
    assert "KEY" in found[1].detail
    assert secret not in f"{found}"
    with server(answer=answer(b"<!doctype html><p>My app")) as port:
        assert set(outcomes(public.private_paths(at(test, port))).values()) == {PASSED}


def test_search_engines(test: UnderTest) -> None:
    with server(answer=answer(b"x", "X-Robots-Tag: noindex")) as port:
        assert public.search_engines(at(test, port))[0].outcome == NOT_TESTED
        both = replace(at(test, port), asked=[Launch(index=False), Launch(index=True)])
        assert sorted(item.outcome for item in public.search_engines(both)) == [FAILED, PASSED]
    with server(answer=answer(b"x")) as port:
        closed = replace(at(test, port, access=Access("USERS")), asked=[Launch(index=False)])
        assert public.search_engines(closed)[0].outcome == PASSED


def test_headers_are_those_that_are_asked_for(test: UnderTest) -> None:
    with server(answer=answer(b"x", "X-A: 1")) as port:
        assert public.headers(at(test, port))[0].outcome == NOT_TESTED
        asked = replace(at(test, port), asked=[Launch(headers=("X-A",)), Launch(headers=("X-B",))])
        assert outcomes(public.headers(asked)) == {"header X-A": PASSED, "header X-B": FAILED}


def test_ports_of_other_hosts(test: UnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    where = replace(samples.STAGING, hosts=(Host("local", "10.0.0.1"), Host("ssh://ops@far.example")))
    monkeypatch.setattr(public, "_answers", lambda host, port: (host, port) == ("192.0.2.1", 5432))
    monkeypatch.setattr(launching, "resolved", {"far.example": ["192.0.2.1"]}.__getitem__)
    found = public.closed_ports(replace(test, environment=where))
    assert [item.outcome for item in found] == [NOT_TESTED, FAILED]
    assert "5432 (db)" in found[1].detail
    monkeypatch.setattr(launching, "resolved", lambda name: [])
    unknown = public.closed_ports(replace(test, environment=where))[1]
    assert (unknown.outcome, unknown.detail) == (
        NOT_TESTED, "far.example, the address of ssh://ops@far.example, doesn't resolve here",
    )  # fmt: skip


def test_ports_of_a_host_that_only_ssh_knows(test: UnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the address in its configuration; behind a jump host that may be another machine."""
    places = {"ssh://near": HostLocation("192.0.2.1"), "ssh://far": HostLocation("10.0.0.9", 22, "the jump host gate")}
    asked = set[str]()

    def answers(host: str, port: int) -> bool:
        asked.add(host)
        return False

    monkeypatch.setattr(public, "_answers", answers)
    monkeypatch.setattr(launching, "resolved", lambda name: [name])
    where = replace(samples.STAGING, hosts=(Host("ssh://near"), Host("ssh://far")))
    found = public.closed_ports(replace(test, ctx=replace(test.ctx, locate=places.__getitem__), environment=where))
    assert [item.outcome for item in found] == [PASSED, NOT_TESTED]
    assert "ssh connects to ssh://far through the jump host gate" in found[1].detail
    assert asked == {"192.0.2.1"}


def test_ports_are_asked_side_by_side(test: UnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall lets each of them wait: one after the other, ten hosts would take minutes."""
    hosts = [Host(f"ssh://web{number}.example") for number in range(3)]
    together = threading.Barrier(3 * 2, timeout=60)  # both ports of the engine on each host, at the least

    def dropped(host: str, port: int) -> bool:
        if port in public.ENGINE:
            together.wait()
        return False

    monkeypatch.setattr(public, "_answers", dropped)
    monkeypatch.setattr(launching, "resolved", lambda name: ["192.0.2.1"])
    found = public.closed_ports(replace(test, environment=replace(samples.STAGING, hosts=tuple(hosts))))
    assert [item.outcome for item in found] == [PASSED] * 3


def test_a_load(test: UnderTest) -> None:
    with server(answer=answer(b"x")) as port:
        assert public.load(at(test, port))[0].outcome == NOT_TESTED
        asked = replace(at(test, port), asked=[Launch(load=Load(50.0, 0.2))])
        assert [item.outcome for item in public.load(asked)] == [PASSED]


def test_what_hangs_fails_or_is_cut_off_with_a_reason(test: UnderTest) -> None:
    def fails() -> list[Result]:
        raise DeployFailed("no", hint="do this")

    def breaks() -> list[Result]:
        raise KeyError("x")

    never = threading.Event()
    hangs = bounded(test.ctx, "a", lambda: [Result("a", PASSED)] if never.wait(60) else [], 0.1)
    never.set()
    assert (hangs[0].outcome, hangs[0].detail) == (FAILED, "it did not end within 0.1 s")
    assert bounded(test.ctx, "a", fails, 5.0)[0].hint == "do this"
    assert "KeyError" in bounded(test.ctx, "a", breaks, 5.0)[0].detail
    test.ctx.cancelled.set()
    with pytest.raises(Interrupted):
        bounded(test.ctx, "a", lambda: [Result("a", PASSED)] if threading.Event().wait(60) else [], 60.0)


def test_addresses() -> None:
    where = Environment("live", "https://shop.example")
    assert address(where, "/a") == "https://shop.example/a"
    assert address(where, "/a", scheme="http") == "http://shop.example/a"
    assert address(samples.STAGING, host="x.example") == "http://x.example:8080/"
