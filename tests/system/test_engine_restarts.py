"""The Docker Engine itself is restarted, in good order or by SIGKILL: what served serves again, and the next command
finishes or takes back what was begun."""

from __future__ import annotations

import signal
import time

import pytest

from shipway.domain.errors import DriftFound, EngineError
from tests.nodes import Nodes
from tests.system.conftest import Make
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(900)]

URL = "http://restarts.example:8080"
DOCKERFILE = """\
FROM caddy:2
WORKDIR /app
COPY . .
CMD ["sh", "-c", "sleep 1; exec caddy run --config Caddyfile --adapter caddyfile"]
"""


@pytest.fixture(scope="module")
def site(make: Make, nodes: Nodes) -> Tiny:
    """On node1 release 2 serves with two replicas and a worker, release 1 is on standby."""
    nodes.load("node1", "caddy:2", "traefik:v3")
    project = make()
    project.env["PATH"] = f"{nodes.bin}:{project.env['PATH']}"
    project.plan["services"]["web"] |= {"replicas": 2, "drain": "1s", "health": {"path": "/healthz", "timeout": "60s"}}
    project.plan["services"]["worker"] = {"build": "web", "command": "sleep 3600", "drain": "1s"}
    project.plan["checks"] = {"smoke": {"image": "caddy:2", "run": "echo looking; sleep 3"}}
    project.plan["environments"]["staging"] |= {
        "url": URL, "hosts": ["ssh://node1"], "standby": "1h", "checks": ["smoke"],
    }  # fmt: skip
    project.protect()
    for name in ("one", "two"):
        project.change(name, files={"web/Dockerfile": DOCKERFILE})
        project.shipway("run", "staging")
    return project


def serves(nodes: Nodes, name: str) -> None:
    """Wait until it answers so."""
    deadline = time.monotonic() + 60
    while (found := nodes.ask("node1", URL)) != name:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def containers(nodes: Nodes, label: str) -> list[str]:
    return sorted(
        nodes.ssh(
            "node1", f"docker ps --all --filter label={label} --format '{{{{.Names}}}} {{{{.State}}}}'"
        ).splitlines()
    )


def test_in_good_order_while_an_environment_serves(nodes: Nodes, site: Tiny) -> None:
    before = containers(nodes, f"shipway.app={site.app}")
    assert len(before) == 6
    with nodes.without_engine("node1"):
        down = site.shipway("doctor", "staging", check=False)
        assert down.code == DriftFound.exit_code, down.output
        assert "Docker isn't running on ssh://node1" in down.output
    serves(nodes, "two")  # by itself
    assert containers(nodes, f"shipway.app={site.app}") == before
    assert site.shipway("doctor", "staging").code == 0


def test_by_sigkill_while_an_environment_serves(nodes: Nodes, site: Tiny) -> None:
    """Some engines (Docker 20.10) then end what they find running, and don't start it again."""
    before = containers(nodes, "shipway.role=service")
    with nodes.without_engine("node1", signal.SIGKILL):
        pass
    site.shipway("doctor", "staging", "--fix", "--wait", "30")
    serves(nodes, "two")
    names = [line.split()[0] for line in containers(nodes, "shipway.role=service")]
    assert names == [line.split()[0] for line in before]  # what stood by may be down: a rollback starts it again
    assert site.shipway("doctor", "staging").code == 0


@pytest.mark.parametrize(
    ("moment", "number"),
    [("▸ start", signal.SIGKILL), pytest.param("│ looking", signal.SIGTERM, marks=pytest.mark.full)],
)
def test_in_the_middle_of_a_deployment(nodes: Nodes, site: Tiny, moment: str, number: signal.Signals) -> None:
    old, new = nodes.ask("node1", URL), f"{moment[2:]} {number.name}"
    site.change(new)
    running = site.start("run", "staging")
    running.until(moment)
    with nodes.without_engine("node1", number):
        done = running.end(seconds=120)
    assert done.code == EngineError.exit_code, done.output
    assert "Traceback" not in done.output
    assert "the deployment stays pending: the next command completes it or rolls it back" in done.output
    then = site.shipway("retire", "staging", "--wait", "30", check=False)  # its own caretaker may be at it
    assert then.code == 0, then.output
    last = site.deployments("staging")[0]
    assert last["outcome"] in ("succeeded", "failed"), "it is finished or taken back"
    serves(nodes, new if last["outcome"] == "succeeded" else old)
    assert site.shipway("doctor", "staging").code == 0
    assert containers(nodes, f"shipway.app={site.app} --filter label=shipway.role=job") == []
    assert site.leases() == []
    site.shipway("run", "staging")
    assert nodes.ask("node1", URL) == new
