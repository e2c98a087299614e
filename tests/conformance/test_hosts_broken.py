"""Hosts by SSH of which something breaks: tunnels, controllers, engines, the host itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shipway.context import Machine
from shipway.domain.container import LABEL_APP
from shipway.domain.errors import EngineError
from shipway.drivers.hosts.ssh import SshHost
from shipway.testing.runtime_lab import SLEEPS
from tests.conformance.labs import DockerLab
from tests.conformance.tunnels import NAME, connect, host, node, nothing_left, remote
from tests.nodes import Nodes

__all__ = ["connect", "host", "node", "nothing_left", "remote"]

pytestmark = [pytest.mark.hosts, pytest.mark.engine]
CONTROLLER = """
import threading, time
from shipway.drivers.credentials import Keyring
from shipway.hosts import Hosts
print(Hosts(Keyring(), threading.Event()).connect("ssh://node1").runtime.ping(), flush=True)
time.sleep(600)
"""


def kill_tunnels(node: Nodes) -> None:
    sessions = node.sessions()
    for session in sessions:
        os.kill(session, signal.SIGKILL)
    while any(running(session) for session in sessions):  # a process that dies still takes connections for a moment
        time.sleep(0.01)


def running(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def test_a_tunnel_that_was_killed_is_opened_again(node: Nodes, remote: DockerLab) -> None:
    assert remote.runtime.ping()
    remote.runtime.create(remote.spec("a", SLEEPS))
    for _ in range(2):
        kill_tunnels(node)
        assert [item.name for item in remote.runtime.list({LABEL_APP: remote.app})] == [remote.name("a")]
    assert len(node.sessions()) == 1


def test_a_call_under_way_fails_when_the_tunnel_breaks(node: Nodes, remote: DockerLab) -> None:
    name = remote.run("a", "sleep 300")
    killer = threading.Timer(0.5, kill_tunnels, [node])
    killer.start()
    with pytest.raises(EngineError, match=f"connection to Docker at {NAME} was lost"):
        remote.runtime.wait(name, 60)
    killer.join()
    assert remote.runtime.find(name)


def test_ctrl_c_leaves_the_tunnel_for_taking_back(node: Nodes, host: SshHost) -> None:
    host.engine().close()
    assert all(os.getpgid(session) != os.getpgid(0) for session in node.sessions())


def test_a_controller_that_is_killed_leaves_nothing(node: Nodes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "TMPDIR": folder}
        controller = subprocess.Popen([sys.executable, "-c", CONTROLLER], env=env, stdout=subprocess.PIPE)
        assert controller.stdout is not None
        assert controller.stdout.readline()
        assert node.sessions()
        assert os.listdir(folder)
        controller.kill()
        controller.communicate()
        deadline = time.monotonic() + 20
        while node.sessions() or os.listdir(folder):
            assert time.monotonic() < deadline, [node.sessions(), os.listdir(folder)]
            time.sleep(0.05)


def test_a_long_path_for_temporary_files(host: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ("long" * 20)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("long" * 20)))
    host.engine().close()


def test_an_engine_that_is_stopped(node: Nodes, connect: Callable[[str], Machine]) -> None:
    machine = connect(NAME)
    with node.without_engine("node1"):
        with pytest.raises(EngineError, match=f"Docker at {NAME} was lost") as broke:
            machine.runtime.ping()
        assert f"docker -H {NAME} version" in broke.value.hint
        host = SshHost(NAME)
        with pytest.raises(EngineError, match=f"Docker isn't running on {NAME}") as caught:
            host.engine()
        assert "systemctl start docker" in caught.value.hint
    assert machine.runtime.ping()  # by the very same Machine


def test_a_host_that_dies_and_comes_back(node: Nodes, connect: Callable[[str], Machine]) -> None:
    machine = connect(NAME)
    assert machine.runtime.ping()
    with node.killed("node1"):
        with pytest.raises(EngineError, match=rf"{NAME}.*(was lost|does not answer)"):
            machine.runtime.ping()
        with pytest.raises(EngineError, match=f"can't reach host {NAME}: it does not answer"):
            machine.probe_tcp("127.0.0.1", 22, 2.0)
    assert machine.runtime.ping()
    assert connect("ssh://node2").runtime.ping()
