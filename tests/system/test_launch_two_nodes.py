"""What test_launch_two_hosts.py does with the reference application on bare hosts, with a small project on engines: launched on two
hosts, killed at some effects of every step; then the host with the data is lost, and comes back from the backup."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shipway.domain.errors import EngineError
from tests.nodes import Nodes
from tests.own_names import resolving
from tests.system.launched import STEPS, documented, killed_at_every_step, records
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(600)]

PORT = 8825
NAME = "shop.example"
URL = f"http://{NAME}:{PORT}"
PRIVATE = "10.77.8.1"
LAUNCH = ("launch", "staging")


class Pair(Tiny):
    """On two nodes, with backups in a folder."""

    def __init__(self, folder: Path, nodes: Nodes) -> None:
        super().__init__(folder, database=True, port=PORT)
        self.nodes, self.identity, store = nodes, folder / "identity", folder / "backups"
        store.mkdir()
        self.env["PATH"] = f"{nodes.bin}:{self.env['PATH']}"
        addresses = {name: [nodes.address(name)] for name in nodes.names}
        self.own_names = resolving(folder / "names", {**addresses, NAME: [nodes.address(name) for name in nodes.names]})
        recipient = self.shipway("backup", "--new-key", str(self.identity)).output.splitlines()[0]
        self.plan["environments"]["staging"] |= {
            "url": URL,
            "hosts": [{"host": "ssh://node1", "address": PRIVATE}, "ssh://node2"],
            "backups": {"to": str(store), "recipients": [recipient]},
        }

    def _completed(self, args: Sequence[str], *, merged: bool) -> subprocess.CompletedProcess[str]:
        if args[0] != "shipway":
            return super()._completed(args, merged=merged)
        return super()._completed([*self.own_names, *args], merged=merged)

    def answers(self) -> list[str]:
        """What visitors get from each host."""
        return [self.nodes.ask(name, URL) for name in self.nodes.names]

    def equip(self, name: str) -> None:
        """What a host needs that has no way out, and the address that only the hosts reach."""
        self.nodes.load(name, "caddy:2", "traefik:v3", "postgres:15")
        self.nodes.ssh(name, f"ip addr replace {PRIVATE.rstrip('1')}{name[-1]}/24 dev eth0")

    def query(self, text: str) -> str:
        """What the database answers, on the first host."""
        user = self.app.replace("-", "_")
        return self.nodes.ssh("node1", f'docker exec {self.app}_staging_db psql -U {user} -At -c "{text}"').strip()

    def containers_on(self, name: str) -> list[str]:
        """Ids and names."""
        command = f"docker ps --no-trunc --filter label=shipway.app={self.app} --format '{{{{.ID}}}} {{{{.Names}}}}'"
        return sorted(self.nodes.ssh(name, command).splitlines())


@pytest.fixture(scope="module")
def pair(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    project = Pair(tmp_path_factory.mktemp("pair"), nodes)
    for name in nodes.names:
        project.equip(name)
    project.create()
    project.protect()
    project.change("one")
    yield project
    project.destroy()


def test_killed_at_every_step_it_opens_both_hosts_at_the_end(pair: Pair) -> None:
    def look(step: str, opening: bool) -> None:
        seen = pair.answers()
        assert "one" not in seen or opening, f"visitors are let in, killed in {step}: {seen}"
        if step in ("system test", "backup"):
            assert seen == ["HTTP status 503"] * 2, step

    died = killed_at_every_step(pair, "staging", [*pair.own_names, "shipway", *LAUNCH], look, growth=4)
    assert set(died) >= STEPS, died
    assert pair.answers() == ["one", "one"]
    assert "nothing to do" in pair.shipway(*LAUNCH).output
    assert {item.outcome for item in records(pair, "staging")} == {"pending", "succeeded"}


def test_both_hosts_were_visited(pair: Pair) -> None:
    tested = pair.json("system-test", "staging", "--last")
    outcomes = {item["name"]: item["outcome"] for item in tested["results"]}
    expected = [f"public address {pair.nodes.address(name)} (ssh://{name})" for name in pair.nodes.names]
    expected += [f"{what} of ssh://{name}" for name in pair.nodes.names for what in ("closed ports",)]
    expected += [f"host ssh://{name}" for name in pair.nodes.names]
    assert {name: outcomes.get(name) for name in expected} == dict.fromkeys(expected, "passed"), outcomes


def test_an_edge_of_the_second_host_that_is_down_fails_the_system_test_by_name(pair: Pair) -> None:
    edge = pair.nodes.ssh("node2", f"docker ps --quiet --filter publish={PORT}").strip()
    pair.nodes.ssh("node2", f"docker stop {edge}")
    done = pair.shipway("system-test", "staging", check=False)
    assert done.code != 0
    assert "host ssh://node2" in done.output, done.output
    assert "ssh://node2: its edge is down" in done.output, done.output
    assert f"port {PORT} of ssh://node2 doesn't answer at {pair.nodes.address('node2')}" in done.output, done.output
    assert "host ssh://node1" not in "".join(line for line in done.output.splitlines() if "✗" in line)
    pair.nodes.ssh("node2", f"docker start {edge}")
    pair.shipway("doctor", "staging", "--fix", check=False)
    assert "passed" in pair.shipway("system-test", "staging").output


def test_maintenance_of_the_hosts_that_can_be_reached(pair: Pair) -> None:
    """The other one is named, and corrected when it is back."""
    with pair.nodes.killed("node2"):
        done = pair.shipway("maintenance", "on", "staging", check=False)
        assert done.code == EngineError.exit_code, done.output
        assert "on 1 of 2 hosts" in done.output, done.output
        assert "not on ssh://node2" in done.output, done.output
        assert pair.nodes.ask("node1", URL) == "HTTP status 503"
    pair.shipway("doctor", "staging", "--fix")
    assert pair.answers() == ["HTTP status 503"] * 2
    pair.shipway("maintenance", "off", "staging")
    assert pair.answers() == ["one", "one"]


def test_the_host_with_the_data_is_lost_and_comes_back_from_the_backup(pair: Pair) -> None:
    """By the documented commands but the first two: the nodes keep their key, and need no preparation."""
    pair.query("INSERT INTO pets VALUES ('kept')")
    assert "verified" in pair.shipway("backup", "staging").output
    stayed = pair.containers_on("node2")
    pair.nodes.installed_again("node1")
    pair.equip("node1")
    assert pair.containers_on("node1") == []

    names = {"production": "staging", "backup.key": str(pair.identity), "v1.4.0": "staging"}
    forget, prepare, deploy, restore = (words[1:] for words in documented(names))
    assert (forget[0], prepare[:2], deploy[0], restore[0]) == ("-R", ["host", "prepare"], "deploy", "restore")
    pair.shipway(*deploy)
    assert pair.answers() == ["one", "one"]
    assert pair.query("SELECT count(*) FROM pets") == "0"
    pair.shipway(*restore)
    assert pair.query("SELECT name FROM pets") == "kept"
    assert pair.containers_on("node2") == stayed, "the other host was left as it was"
    assert "no drift" in pair.shipway("doctor", "staging").output
    assert "nothing to do" in pair.shipway(*LAUNCH).output
