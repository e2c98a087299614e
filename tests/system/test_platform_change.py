"""An environment moves from separate hosts to a Swarm of the same machines, with its data, by the commands that the refusal
names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nodes import Nodes
from tests.system.conftest import Make
from tests.system.swarms import URL, answers, let_reach, placed_on, swarm_of
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def swarm() -> Iterator[Nodes]:
    with swarm_of(2, "postgres:15") as nodes:
        yield nodes


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "identity"


@pytest.fixture(scope="module")
def shop(swarm: Nodes, make: Make, identity: Path, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Version one serves on each of the machines, with one row."""
    project = make(database=True)
    let_reach(project, swarm)
    recipient = project.shipway("backup", "--new-key", str(identity)).output.splitlines()[0]
    project.plan["environments"]["staging"] |= {
        "url": URL,
        "hosts": [{"host": "ssh://node1", "address": swarm.address("node1")}, "ssh://node2"],
        "backups": {"to": str(tmp_path_factory.mktemp("backups")), "recipients": [recipient]},
    }
    project.protect()
    project.change("one")
    project.shipway("run", "staging")
    query(swarm, project, "INSERT INTO pets VALUES ('kept')")
    return project


def query(nodes: Nodes, project: Tiny, text: str) -> str:
    """What the database answers, on the first host."""
    user = project.app.replace("-", "_")
    return nodes.ssh("node1", f'docker exec {project.app}_staging_db psql -U {user} -At -c "{text}"').strip()


def test_the_refusal_names_the_way_and_the_way_keeps_the_data(shop: Tiny, swarm: Nodes, identity: Path) -> None:
    del shop.plan["environments"]["staging"]["hosts"]
    shop.plan["environments"]["staging"] |= placed_on(swarm)
    shop.protect()
    shop.change("two")
    refused = shop.shipway("run", "staging", check=False)
    assert refused.code == 2, refused.output
    assert "rejected: staging runs on separate hosts, and would run in a Swarm" in refused.output
    assert "nor does its data (db)" in refused.output
    assert answers(swarm) == ["one"] * 2, "nothing has changed"
    assert query(swarm, shop, "SELECT name FROM pets") == "kept"

    commands = [command.split() for command in re.findall(r"`shipway ([^`]+)`", refused.output)]
    backup, destroy, closed, restore, opened = commands
    for command in (backup, destroy, ["run", "staging"], closed):
        shop.shipway(*command)
    assert query(swarm, shop, "SELECT name FROM pets") == "", "it has begun anew"
    shop.shipway(*(str(identity) if word == "FILE" else word for word in restore))
    assert query(swarm, shop, "SELECT name FROM pets") == "kept"
    assert answers(swarm) == ["HTTP status 503"] * 2
    shop.shipway(*opened)
    assert answers(swarm) == ["two"] * 2
    assert len(swarm.ssh("node1", f"docker service ls --quiet --filter name={shop.app}").split()) == 1
    assert "no drift" in shop.shipway("doctor", "staging").output
