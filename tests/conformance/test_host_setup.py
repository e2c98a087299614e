"""Preparations of hosts: in memory, and of a bare Debian in namespaces of this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from shipway.domain.errors import EngineError
from shipway.domain.host_setup import FirewallState, HostKey, HostLogin, HostState, decide
from shipway.drivers.host_setup.ssh import SshHostSetup
from shipway.testing.host_setup import HostLab, HostSetupSuite, goal_for, settled
from shipway.testing.memory_host_setup import BARE, MemoryHost, MemoryHostSetup
from tests.bare_hosts import BareHosts, running_bare_hosts
from tests.nodes import GUEST, Nodes

BROKEN = {  # by part: a shell command
    "engine": "rm /etc/docker/daemon.json",
    "user": "gpasswd -d deploy docker; chmod 666 /home/deploy/.ssh/authorized_keys",
    "upgrades": "rm /etc/apt/apt.conf.d/52shipway-upgrades /etc/apt/apt.conf.d/20auto-upgrades",
    "time": "systemctl disable systemd-timesyncd",
    "firewall": "nft add rule inet shipway input tcp dport 9999 accept",
    "ssh": "rm /etc/ssh/sshd_config.d/10-shipway.conf; service ssh reload",
    "record": "rm /etc/shipway/host.json",
}


class MemoryLab:
    def __init__(self) -> None:
        self.host, self.known = MemoryHost(), list[str]()

    def connect(self) -> MemoryHostSetup:
        return MemoryHostSetup(self.host, self.known)

    def reinstall(self) -> None:
        number = self.host.key.fingerprint.count("I")
        self.host.state, self.host.key = BARE, replace(self.host.key, fingerprint=f"SHA256:{'I' * (number + 1)}")

    def forget(self) -> None:
        self.known.clear()

    @contextmanager
    def cut(self) -> Iterator[None]:
        self.host.reachable = False
        yield
        self.host.reachable = True

    def drift(self, part: str) -> None:
        state = self.host.state
        changed: dict[str, HostState] = {
            "engine": replace(state, settings={}),
            "user": replace(state, user=replace(state.user, uses_engine=False, safe=False)),
            "upgrades": replace(state, upgrades=False),
            "time": replace(state, time=False),
            "firewall": replace(state, firewall=replace(state.firewall, intact=False)),
            "ssh": replace(state, ssh=BARE.ssh),
            "record": replace(state, recorded=None),
        }
        self.host.state = changed[part]


class TestMemory(HostSetupSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def lab(cls) -> HostLab:
        return MemoryLab()


class BareLab:
    """A Debian behind a real SSH server."""

    def __init__(self, hosts: BareHosts) -> None:
        self.hosts = hosts

    def connect(self) -> SshHostSetup:
        return SshHostSetup("ssh://host1", "root", confirm_timeout=40)

    def reinstall(self) -> None:
        self.hosts.installed_again("host1")

    def forget(self) -> None:
        self.hosts.known_hosts.unlink(missing_ok=True)

    def cut(self) -> AbstractContextManager[None]:
        return self.hosts.cut()

    def drift(self, part: str) -> None:
        self.hosts.run("host1", BROKEN[part])


@pytest.mark.full
@pytest.mark.hosts
@pytest.mark.engine
@pytest.mark.timeout(900)
class TestDebian(HostSetupSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def lab(cls) -> Iterator[HostLab]:
        with running_bare_hosts(1) as hosts:
            yield BareLab(hosts)

    @pytest.mark.parametrize("part", ["firewall", "ssh"])
    def test_what_a_killed_process_has_on_trial_is_reverted_by_the_host(
        self, lab: BareLab, part: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lab.drift(part)
        setup = SshHostSetup("ssh://host1", "root", confirm_timeout=5)
        goal = goal_for(setup)
        before = settled(setup.observe("deploy"))
        run = setup._run

        def killed(name: str, *args: Any) -> None:
            if name == f"{part}-confirm":
                raise KeyboardInterrupt
            run(name, *args)

        monkeypatch.setattr(setup, "_run", killed)
        with pytest.raises(KeyboardInterrupt):
            setup.apply(part, goal)
        seen = (
            "nft list table inet shipway"
            if part == "firewall"
            else "cat /etc/ssh/sshd_config.d/10-shipway.conf || true"
        )
        on_trial = lab.hosts.run("host1", seen)
        for _ in range(100):
            if lab.hosts.run("host1", seen) != on_trial:
                break
            time.sleep(0.5)
        assert settled(setup.observe("deploy")) == before
        monkeypatch.undo()
        setup.apply(part, goal)
        assert decide(goal, setup.observe("deploy")).prepared
        setup.close()

    def test_sudo_may_ask_for_a_password(self, lab: BareLab) -> None:
        add = "useradd -m -G sudo -s /bin/bash grace; echo grace:correct-horse | chpasswd; cp -r /root/.ssh /home/grace; chown -R grace /home/grace"
        lab.hosts.run("host1", add)
        root = lab.connect()
        expected = settled(root.observe("deploy"))
        goal = goal_for(root)
        root.close()
        for login in ("grace", "admin", "root"):  # only the first one is asked
            setup = SshHostSetup("ssh://host1", login, "correct-horse")
            assert settled(setup.observe("deploy")) == expected
            setup.apply("record", goal)
            setup.close()
        for password in ("", "wrong"):
            setup = SshHostSetup("ssh://host1", "grace", password)
            with pytest.raises(EngineError, match="can't act as root") as caught:
                setup.observe("deploy")
            assert "--ask-password" in caught.value.hint
            setup.close()


@pytest.mark.hosts
@pytest.mark.engine
class TestPreparedByOthers:
    """A host with an engine, made without Shipway: cheap enough for every run of the tests."""

    def test_it_is_examined(self, nodes: Nodes) -> None:
        setup = SshHostSetup("ssh://node1", "root")
        assert setup.offered_key().known
        assert setup.login() == HostLogin("root", ((nodes.folder / "key.pub").read_text().strip(),))
        found = setup.observe("root")
        setup.close()
        assert found.system.startswith("debian ")
        assert found.engine
        assert (found.user.exists, found.user.uses_engine) == (True, True)
        assert found.ssh_ports == ("22/tcp",)
        assert found.firewall.ports is None
        assert found.disk_free > 0

    def test_an_unknown_key_is_shown_and_stored_once_trusted(self, nodes: Nodes) -> None:
        with nodes.knowing(None):
            setup = SshHostSetup("ssh://node1", "root")
            key = setup.offered_key()
            assert (key.known, key.kind) == (False, "ED25519")
            assert nodes.known_hosts.read_text() == ""
            with pytest.raises(EngineError, match="offers another key now"):
                setup.trust(HostKey("SHA256:other", "ED25519"))
            nodes.known_hosts.write_text("other ssh-ed25519 AAAA")  # without a line end, as an editor may leave it
            setup.trust(key)
            assert setup.offered_key() == HostKey(key.fingerprint, key.kind, known=True)
            assert nodes.known_hosts.read_text().splitlines()[0] == "other ssh-ed25519 AAAA"
            setup.close()

    def test_a_login_without_rights(self, nodes: Nodes) -> None:
        setup = SshHostSetup("ssh://node1", GUEST)
        with pytest.raises(EngineError, match="can't act as root") as caught:
            setup.observe("deploy")
        assert "--login root" in caught.value.hint
        setup.close()


def test_the_memory_of_a_bare_host_is_bare() -> None:
    assert BARE.firewall == FirewallState()
