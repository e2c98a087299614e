"""Every Runtime: the contract, and what only a real engine can show."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shipway.domain.container import LABEL_APP, LABEL_NAME, Publish
from shipway.domain.errors import EngineError
from shipway.domain.plan import Security
from shipway.drivers.runtime import sockets, space
from shipway.drivers.runtime.translate import LOW_SHARES, SHARES
from shipway.testing.runtime import RuntimeContract
from shipway.testing.runtime_lab import SLEEPS, Program
from tests.conformance.labs import DockerLab, MemoryLab, make_spec
from tests.matrix import FULL


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class TestMemoryRuntime(RuntimeContract):
    @pytest.fixture
    def lab(self) -> MemoryLab:
        return MemoryLab()


@pytest.mark.engine
class TestDockerRuntime(RuntimeContract):
    @pytest.fixture
    def lab(self) -> Iterator[DockerLab]:
        lab = DockerLab()
        yield lab
        lab.close()

    def test_what_starts_stays_below_what_serves(self, lab: DockerLab) -> None:
        name = lab.run("a", "sleep 100", low_priority=True)
        assert lab.inspect(name)["HostConfig"]["CpuShares"] == LOW_SHARES
        lab.runtime.prioritize(name)
        assert lab.inspect(name)["HostConfig"]["CpuShares"] == SHARES

    @pytest.mark.parametrize("here", [True, False], ids=["by the process", "through a container"])
    def test_connections_of_others_to_a_port(
        self, lab: DockerLab, monkeypatch: pytest.MonkeyPatch, *, here: bool
    ) -> None:
        if not here:
            monkeypatch.setattr(sockets, "is_here", lambda address: False)
        network = lab.name("net")
        lab.runtime.ensure_network(network, {LABEL_APP: lab.app})
        shell = "redis-server --port 6379 --protected-mode no & sleep 1; (redis-cli subscribe own &) ; wait"
        name = lab.run("a", shell, networks={network: ()})
        (address,) = (lab.runtime.find(name) or pytest.fail("gone")).addresses.values()
        eventually(lambda: "1" in lab.runtime.execute(name, ["sh", "-c", "redis-cli pubsub numsub own | tail -1"])[1])
        assert lab.runtime.connections(name, 6379) == 0  # its own ones are not of others
        with socket.create_connection((address, 6379), 60), socket.create_connection((address, 6379), 60):
            assert lab.runtime.connections(name, 6379) == 2
            assert lab.runtime.connections(name, 6380) == 0
        eventually(lambda: lab.runtime.connections(name, 6379) == 0)

    def test_open_connections_survive_a_change_of_names(self, lab: DockerLab) -> None:
        network = lab.name("net")
        lab.runtime.ensure_network(network, {LABEL_APP: lab.app}, pinned=True)
        name = lab.run("a", "redis-server --port 6379 --protected-mode no", networks={network: ("old",)})
        asker = lab.run("b", "sleep 100", networks={network: ()})

        def known(alias: str) -> bool:
            return (
                lab.runtime.execute(asker, ["env", "RES_OPTIONS=timeout:1 attempts:1", "getent", "hosts", alias])[0]
                == 0
            )

        (address,) = (lab.runtime.find(name) or pytest.fail("gone")).addresses.values()
        with socket.create_connection((address, 6379), 60) as connection:
            for aliases in (("new",), (), ("old",)):
                assert lab.runtime.set_aliases(network, name, aliases)
                assert [alias for alias in ("old", "new") if known(alias)] == list(aliases)
                connection.sendall(b"PING\r\n")
                assert connection.recv(100) == b"+PONG\r\n"

    def test_what_opens_connections_while_its_name_changes_does_not_hang(self, lab: DockerLab) -> None:
        """As a request of the previous release that asks its database."""
        network = lab.name("net")
        lab.runtime.ensure_network(network, {LABEL_APP: lab.app}, pinned=True)
        lab.runtime.ensure_network(lab.name("other"), {LABEL_APP: lab.app})  # by which it would reach out meanwhile
        server = lab.run("a", "redis-server --port 6379 --protected-mode no", networks={network: ()})
        (address,) = (lab.runtime.find(server) or pytest.fail("gone")).addresses.values()
        asking = f"while :; do timeout 30 redis-cli -h {address} ping || echo hangs; done"
        asker = lab.run("b", asking, networks={network: ("old",), lab.name("other"): ()})
        eventually(lambda: "PONG" in list(lab.runtime.logs(asker)))
        for number in range(10):
            assert lab.runtime.set_aliases(network, asker, (f"name{number}",))
        answered = len(list(lab.runtime.logs(asker)))
        eventually(lambda: len(list(lab.runtime.logs(asker))) > answered, seconds=60)  # what hangs says so after 30
        assert set(lab.runtime.logs(asker)) == {"PONG"}

    def test_one_that_was_left_paused_goes_on(self, lab: DockerLab) -> None:
        network = lab.name("net")
        lab.runtime.ensure_network(network, {LABEL_APP: lab.app}, pinned=True)
        name = lab.run("a", "sleep 100", networks={network: ("old",)})
        lab.engine.call("POST", f"/containers/{name}/pause")
        assert lab.runtime.set_aliases(network, name, ("old",))
        # On a busy machine the engine shows it as paused once more, when the event of the pause arrives late.
        eventually(lambda: (lab.runtime.find(name) or pytest.fail("gone")).state == "running")
        assert lab.runtime.execute(name, ["echo", "awake"])[0] == 0

    def test_an_address_is_not_taken_while_a_name_changes(self, lab: DockerLab) -> None:
        network = lab.name("net")
        lab.runtime.ensure_network(network, {LABEL_APP: lab.app}, pinned=True)
        name = lab.run("a", "sleep 100", networks={network: ("old",)})
        before = lab.runtime.find(name)
        for number in range(4):
            lab.runtime.create(make_spec(lab.app, f"b{number}", "sleep 100", networks={network: ()}))
        with ThreadPoolExecutor(5) as pool:
            starting = [pool.submit(lab.runtime.start, lab.name(f"b{number}")) for number in range(4)]
            for aliases in (("new",), (), ("old",)):
                assert lab.runtime.set_aliases(network, name, aliases)
            for each in starting:
                each.result()
        after = lab.runtime.find(name)
        assert before is not None
        assert after is not None
        assert after.addresses == before.addresses

    def test_an_address_is_not_taken_while_its_container_is_stopped(self, lab: DockerLab) -> None:
        """As after a restart of the engine, which starts its containers in any order."""
        network = lab.name("net")
        lab.runtime.ensure_network(network, {LABEL_APP: lab.app}, pinned=True)
        name = lab.run("a", "sleep 100")
        lab.runtime.connect(network, name, ("old",))
        assert lab.runtime.set_aliases(network, name, ("new",))
        before = lab.runtime.find(name)
        lab.runtime.stop(name, 0)
        for number in range(3):
            lab.run(f"b{number}", "sleep 100", networks={network: ()})
            lab.runtime.connect(network, lab.run(f"c{number}", "sleep 100"))
        lab.runtime.start(name)
        after = lab.runtime.find(name)
        assert before is not None
        assert after is not None
        assert after.addresses[network] == before.addresses[network]

    def test_long_lines_of_both_streams_stay_whole(self, lab: DockerLab) -> None:
        shell = "i=0; while [ $i -lt 5 ]; do printf '%0100000d\\n' 1; printf '%0100000d\\n' 2 >&2; i=$((i+1)); done"
        name = lab.run("a", shell)
        lines = list(lab.runtime.logs(name, follow=True))
        assert sorted(line[-1] for line in lines) == ["1"] * 5 + ["2"] * 5
        assert {len(line) for line in lines} == {100000}

    def test_what_was_written_just_before_the_end_is_not_lost(self, lab: DockerLab) -> None:
        for number in range(5):
            name = lab.run(f"a{number}", "echo begin; sleep 0.1; echo last words; printf unfinished; exit 1")
            assert list(lab.runtime.logs(name, follow=True)) == ["begin", "last words", "unfinished"]

    def test_progress_and_broken_text(self, lab: DockerLab) -> None:
        name = lab.run(
            "a", r"printf '10%%\r50%%\r100%%\n'; printf 'windows\r\n'; printf 'a\377b\n'; echo; printf 'end'"
        )
        assert list(lab.runtime.logs(name, follow=True)) == ["100%", "windows", "a\ufffdb", "", "end"]

    def test_lines_come_while_it_runs(self, lab: DockerLab) -> None:
        name = lab.run("a", "echo early; sleep 300")
        lines = lab.runtime.logs(name, follow=True)
        assert next(lines) == "early"
        lab.runtime.remove(name)
        assert list(lines) == []

    def test_limits_environment_and_labels_reach_the_engine(self, lab: DockerLab) -> None:
        spec = lab.spec(
            "a",
            SLEEPS,
            env={"NAME": "value with = and 'quotes'"},
            cpus=0.5,
            memory=64 << 20,
            restart=True,
            init=True,
            workdir="/tmp",
            stop_grace=2.5,
            hosts={"somewhere": "10.9.8.7"},
            entrypoint=("sh", "-c", "exec sleep 300"),
            command=(),
            security=Security(),
        )
        lab.runtime.create(spec)
        lab.runtime.start(spec.name)
        found = lab.inspect(spec.name)
        host = found["HostConfig"]
        assert (host["NanoCpus"], host["Memory"], host["Init"]) == (500_000_000, 64 << 20, True)
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
        assert found["Config"]["StopTimeout"] == 3
        assert found["Config"]["Labels"].items() >= spec.labels.items()
        assert lab.runtime.execute(spec.name, ["sh", "-c", "echo $NAME; pwd"]) == (
            0,
            "value with = and 'quotes'\n/tmp\n",
        )
        assert "10.9.8.7\tsomewhere" in lab.runtime.execute(spec.name, ["cat", "/etc/hosts"])[1]
        assert "value" not in repr(spec)

    def test_only_services_lose_the_right_to_gain_privileges(self, lab: DockerLab) -> None:
        lab.runtime.create(lab.spec("a", SLEEPS))
        assert not lab.inspect(lab.name("a"))["HostConfig"]["SecurityOpt"]

    def test_volumes_carry_the_labels_of_their_owner(self, lab: DockerLab) -> None:
        lab.runtime.create(lab.spec("a", SLEEPS, volumes={lab.name("volume"): "/data"}))
        found = lab.engine.call("GET", f"/volumes/{lab.name('volume')}")
        assert found["Labels"] == {"shipway.app": lab.app, "shipway.name": "a"}

    def test_published_ports(self, lab: DockerLab) -> None:
        port = lab.port()
        spec = lab.spec("a", SLEEPS, publish=(Publish(6379, port), Publish(6380, 0)))
        lab.runtime.create(spec)
        lab.runtime.start(spec.name)
        found = lab.inspect(spec.name)["NetworkSettings"]["Ports"]
        assert found["6379/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(port)}]
        assert int(found["6380/tcp"][0]["HostPort"]) > 0
        other = lab.spec("b", SLEEPS, publish=(Publish(6379, port),))
        lab.runtime.create(other)
        with pytest.raises(EngineError, match=str(port)):
            lab.runtime.start(other.name)

    def test_aliases_lead_to_the_container(self, lab: DockerLab) -> None:
        network = lab.name("net")
        lab.runtime.ensure_network(network, {})
        for suffix, aliases in (("a", ("db",)), ("b", ())):
            spec = lab.spec(suffix, SLEEPS, networks={network: aliases})
            lab.runtime.create(spec)
            lab.runtime.start(spec.name)
        lab.runtime.connect(network, lab.name("a"), ["database"])  # one more name for what is attached
        for host in ("db", "database", lab.name("a")):
            assert lab.runtime.execute(lab.name("b"), ["getent", "hosts", host])[0] == 0, host

    def test_a_shared_network_namespace(self, lab: DockerLab) -> None:
        lab.run("a", "exec redis-server --port 7777")
        lab.run("b", "sleep 300", network_of=lab.name("a"))
        deadline = time.monotonic() + 10
        while lab.runtime.execute(lab.name("b"), ["redis-cli", "-p", "7777", "ping"]) != (0, "PONG\n"):
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def test_a_command_that_is_not_there(self, lab: DockerLab) -> None:
        name = lab.run("a", "sleep 300")
        code, output = lab.runtime.execute(name, ["nosuchcommand"])
        assert code in (126, 127)
        assert "nosuchcommand" in output

    @pytest.mark.parametrize("kept", [False, True])
    def test_commands_give_both_streams_and_their_code(self, lab: DockerLab, *, kept: bool) -> None:
        name = lab.run("a", "sleep 300")

        def run(*command: str) -> tuple[int, str]:
            return lab.runtime.execute(name, command, kept=kept)

        assert run("sh", "-c", "echo out; sleep 1; echo err >&2; exit 5") == (5, "out\nerr\n")
        assert run("env", "A=a b'c\"\n$d", "sh", "-c", 'printf %s "$A"') == (0, "a b'c\"\n$d")  # without an end of line
        assert run("cat") == (0, "")  # there is no input
        assert run("exit", "3")[0] in (126, 127)  # a shell's own commands are none
        assert run("sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x") == (0, "x" * 3_000_000)
        with ThreadPoolExecutor(5) as pool:
            asked = [pool.submit(run, "sh", "-c", f"sleep 0.1; echo {number}") for number in range(5)]
        assert [each.result() for each in asked] == [(0, f"{number}\n") for number in range(5)]
        assert run("sh", "-c", "echo before; kill -9 -1; sleep 1")[0] == 137

    def test_a_shell_that_is_kept(self, lab: DockerLab) -> None:
        name = lab.run("a", "sleep 300")
        (_, first), (_, second) = (lab.runtime.execute(name, ["sh", "-c", "echo $PPID"], kept=True) for _ in range(2))
        assert first == second
        with pytest.raises(EngineError, match="in time"):
            lab.runtime.execute(name, ["sleep", "100"], kept=True, timeout=0.2)
        assert lab.runtime.execute(name, ["echo", "pong"], kept=True) == (0, "pong\n")
        missing = DockerLab()  # no shell is open there
        assert lab.runtime.execute(name, ["rm", "/bin/sh"], kept=True) == (0, "")
        assert missing.runtime.execute(name, ["echo", "pong"], kept=True) == (0, "pong\n")

    def test_a_network_that_only_stopped_containers_know_can_go(self, lab: DockerLab) -> None:
        network = lab.name("net")
        lab.runtime.ensure_network(network, {})
        lab.runtime.create(lab.spec("a", Program(exit_code=0), networks={network: ()}))
        lab.runtime.remove_network(network)
        with pytest.raises(EngineError):
            lab.runtime.start(lab.name("a"))

    def test_free_space_is_the_same_through_a_container(self, lab: DockerLab) -> None:
        here = lab.runtime.free_space()
        through = space.through_a_container(lab.engine, lab.runtime)
        assert here is not None
        assert through is not None
        assert abs(here - through) < here / 10
        assert lab.runtime.list({LABEL_NAME: "free-space"}) == []

    def test_a_tunnel_is_seen_through(self, lab: DockerLab, tmp_path: Path) -> None:
        """Who listens there is this process and not the engine: its folders may be on another machine."""
        with socket.socket(socket.AF_UNIX) as tunnel:
            tunnel.bind(str(tmp_path / "docker.sock"))
            tunnel.listen()
            assert not space.is_here(f"unix://{tmp_path}/docker.sock")
        assert not space.is_here("tcp://127.0.0.1:2375")

    def test_only_unused_anonymous_volumes_are_removable(self, lab: DockerLab) -> None:
        kept = lab.spec("a", SLEEPS, volumes={lab.name("named"): "/named"})
        lab.runtime.create(kept)
        lab.runtime.remove(kept.name)
        orphan = str(lab.engine.call("POST", "/volumes/create", body={})["Name"])
        used = str(lab.engine.call("POST", "/volumes/create", body={})["Name"])
        lab.runtime.create(lab.spec("b", SLEEPS, volumes={used: "/used"}))
        try:
            found = lab.runtime.disk_usage().orphans
            assert orphan in found
            assert not {lab.name("named"), used}.intersection(found)
        finally:
            lab.runtime.remove(lab.name("b"))
            for volume in (orphan, used):
                lab.runtime.remove_volume(volume)


@pytest.mark.machine
@pytest.mark.engine
def test_many_networks_fit_onto_an_engine() -> None:
    """The engine's default pools end after about 30."""
    lab = DockerLab()
    names = [lab.name(f"many{number}") for number in range(120 if FULL else 40)]
    try:
        for name in names:
            lab.runtime.ensure_network(name, {LABEL_APP: lab.app})
        found = [lab.engine.call("GET", f"/networks/{name}")["IPAM"]["Config"][0]["Subnet"] for name in names]
        assert len(set(found)) == len(names)
        assert all(subnet.endswith("/25") for subnet in found)
    finally:
        for name in names:
            lab.runtime.remove_network(name)
        lab.close()
