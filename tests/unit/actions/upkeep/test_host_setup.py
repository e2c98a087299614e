"""Preparations of hosts that fail anywhere, on hosts in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.actions.upkeep.host_setup import PreparedHost, chosen_by, examined, hosts_of, prepare
from shipway.context import Context
from shipway.domain.errors import EngineError, UsageError
from shipway.domain.host_setup import HostKey
from shipway.domain.plan import Environment, Host
from shipway.testing.memory_host_setup import BARE, MemoryHost, MemoryHostSetup
from tests.unit.world import World

PARTS = ["packages", "user", "upgrades", "time", "swap", "firewall", "ssh", "record"]


class Fleet:
    """Bare hosts by their names, and a context that reaches them."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.hosts = {name: MemoryHost() for name in names}
        self.known: dict[str, list[str]] = {name: [] for name in names}
        self.opened: list[MemoryHostSetup] = []
        self.connected: list[str] = []
        world = World(folder)
        ctx = world.controller()
        self.ctx: Context = replace(ctx, host_setup=self._open, connect=self._connect)
        self.machine = ctx.machine

    def _open(self, name: str, login: str, password: str) -> MemoryHostSetup:
        self.opened.append(MemoryHostSetup(self.hosts[name], self.known[name]))
        return self.opened[-1]

    def _connect(self, name: str) -> object:
        self.connected.append(name)
        return self.machine

    @contextmanager
    def examined(self, trust: Callable[[str, HostKey], bool] = lambda name, key: True) -> Iterator[list[PreparedHost]]:
        with examined(self.ctx, list(self.hosts), "root", {}, trust) as found:
            yield found
        assert all(setup.closed for setup in self.opened)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path, "ssh://deploy@a", "ssh://deploy@b")


def test_all_hosts_are_prepared_and_a_second_time_nothing_is(fleet: Fleet) -> None:
    with fleet.examined() as hosts:
        assert all(item.plan.prepared for item in prepare(fleet.ctx, hosts))
    assert sorted(fleet.connected) == ["ssh://deploy@a", "ssh://deploy@b"], "deployments can log in"
    with fleet.examined() as hosts:
        assert all(item.plan.prepared for item in hosts)
        prepare(fleet.ctx, hosts)
    # The engine's settings are missing after its package is there.
    assert [sorted(host.applied) for host in fleet.hosts.values()] == [sorted([*PARTS, "engine"])] * 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("part", [*PARTS, "engine"])
def test_a_failure_anywhere_is_finished_by_the_next_call(tmp_path: Path, part: str, when: str) -> None:
    fleet = Fleet(tmp_path, "ssh://deploy@a", "ssh://deploy@b")
    host = fleet.hosts["ssh://deploy@a"]
    host.failing = {part: when}
    with fleet.examined() as hosts, pytest.raises(EngineError, match=f"{part} failed"):
        prepare(fleet.ctx, hosts)
    assert "record" in fleet.hosts["ssh://deploy@b"].applied, "the other host is prepared"
    host.failing, host.applied = {}, []
    with fleet.examined() as hosts:
        assert all(item.plan.prepared for item in prepare(fleet.ctx, hosts))
    if (part, when) != ("record", "after"):
        assert host.applied, "it goes on where it was"
    if when == "after" and part != "packages":
        assert part not in host.applied


def test_an_untrusted_host_is_not_touched(fleet: Fleet) -> None:
    refused = pytest.raises(EngineError, match=r"ssh://deploy@b is not trusted: its ED25519 key is SHA256:first")
    with refused as caught, fleet.examined(lambda name, key: name.endswith("a")):
        pass
    assert "--accept-key" in caught.value.hint
    assert fleet.known["ssh://deploy@b"] == []


def test_a_problem_that_blocks_stops_all_hosts(fleet: Fleet) -> None:
    fleet.hosts["ssh://deploy@b"].state = replace(BARE, system="fedora 41")
    with fleet.examined() as hosts, pytest.raises(EngineError, match="ssh://deploy@b: fedora 41 is not supported"):
        prepare(fleet.ctx, hosts)
    assert not any(host.applied for host in fleet.hosts.values())


def test_what_does_not_stay_is_an_error(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        __import__("shipway.testing.memory_host_setup", fromlist=["_EFFECTS"])._EFFECTS,
        "time",
        lambda state, goal: state,
    )
    with fleet.examined() as hosts, pytest.raises(EngineError, match="still differs after it was prepared: time"):
        prepare(fleet.ctx, hosts)


def test_no_new_connection(fleet: Fleet) -> None:
    fleet.hosts["ssh://deploy@a"].reachable = False
    with fleet.examined() as hosts, pytest.raises(EngineError, match="firewall part was not confirmed"):
        prepare(fleet.ctx, hosts)
    assert fleet.hosts["ssh://deploy@a"].state.firewall.ports is None


def test_what_an_environment_chooses() -> None:
    hosts = (Host("ssh://a", "10.0.0.1"), Host("ssh://b"), Host())
    environment = Environment("staging", "https://shop.example:8443", hosts=hosts)
    assert hosts_of(environment) == ["ssh://a", "ssh://b"]
    assert chosen_by(environment) == {"more_ports": ("80/tcp", "8443/tcp", "8443/udp"), "more_private": ("10.0.0.1",)}
    assert chosen_by(Environment("staging", "http://shop.example:8080"))["more_ports"] == ("8080/tcp",)
    with pytest.raises(UsageError, match="runs on this machine only"):
        hosts_of(Environment("staging", "http://shop.example:8080"))
