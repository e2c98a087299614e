"""A Swarm of three nodes: it places the services, Shipway deploys and rolls back, and what a node loses comes back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pytest

from tests.nodes import Nodes
from tests.system.conftest import Make
from tests.system.swarms import URL, answers, project_on, swarm
from tests.system.tiny import Tiny

__all__ = ["swarm"]

pytestmark = [pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(900)]

PATIENCE = 90.0  # seconds for the Swarm to notice that a node is lost, and to start its tasks elsewhere


@pytest.fixture(scope="module")
def shop(swarm: Nodes, make: Make) -> Tiny:
    """Version one with three replicas."""
    project = project_on(swarm, make, replicas=3)
    project.protect()
    project.change("one")
    project.shipway("run", "staging")
    return project


def counted(heard: Mapping[str, Sequence[str]]) -> Counter[str]:
    """How often each answer came, from all hosts."""
    return Counter(answer for found in heard.values() for answer in found)


def tasks(nodes: Nodes, shop: Tiny) -> dict[str, int]:
    """Running tasks by node, as the engines see them: the Swarm itself counts those of a lost node."""
    found: dict[str, int] = {}
    for name in nodes.names:
        try:
            text = nodes.ssh(name, "docker ps --filter label=shipway.task --format '{{.Names}}'")
        except AssertionError:
            continue  # it is lost
        found[name] = sum(line.startswith(shop.app) for line in text.split())
    return found


def eventually(holds: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + PATIENCE
        time.sleep(0.5)
    return time.monotonic() - began


def test_every_node_serves_what_the_swarm_has_placed(shop: Tiny, swarm: Nodes) -> None:
    assert answers(swarm) == ["one"] * 3
    assert tasks(swarm, shop) == dict.fromkeys(swarm.names, 1)
    status = shop.status("staging")
    assert (status["services"], status["away"]) == ({"web": [3, 3]}, [])
    assert "no drift" in shop.shipway("doctor", "staging").output
    assert "I am one" in shop.shipway("logs", "staging").output


def test_a_release_and_a_rollback_lose_no_request(shop: Tiny, swarm: Nodes) -> None:
    shop.change("two")
    with swarm.visitors(URL) as answered:
        began = time.monotonic()
        shop.shipway("run", "staging")
        deployed = time.monotonic() - began
        assert answers(swarm) == ["two"] * 3
        began = time.monotonic()
        shop.shipway("rollback", "staging")
        back = time.monotonic() - began
        assert answers(swarm) == ["one"] * 3
    heard = counted(answered)
    print(f"\nrun {deployed:.1f} s, rollback {back:.1f} s; answers: {dict(heard)}")
    assert set(heard) == {"one", "two"}


def test_a_drained_node_and_a_killed_one(shop: Tiny, swarm: Nodes) -> None:
    with swarm.visitors(URL) as answered:
        swarm.ssh("node1", "docker node update --availability drain node3")
        moved = eventually(lambda: tasks(swarm, shop).get("node3") == 0 and sum(tasks(swarm, shop).values()) >= 3)
    heard = counted(answered)
    print(f"\na node drained: its tasks run elsewhere after {moved:.1f} s; answers: {dict(heard)}")
    swarm.ssh("node1", "docker node update --availability active node3")
    assert set(heard) == {"one"}
    asking = ("node1", "node3")
    with swarm.visitors(URL, *asking) as answered, swarm.killed("node2"):
        moved = eventually(lambda: sum(tasks(swarm, shop).values()) >= 3)
        time.sleep(2)
    heard = counted(answered)
    lost = heard.total() - heard["one"]
    print(
        f"a node killed: its tasks run elsewhere after {moved:.1f} s; {lost} of {heard.total()} requests lost: {dict(heard)}"
    )
    assert answers(swarm)[0] == "one"
    assert lost <= len(asking), "each visitor has at most one request under way there"


def test_a_deployment_goes_on_without_a_node_that_is_down(shop: Tiny, swarm: Nodes) -> None:
    """The same release, deployed again when the node is back, gives it what it missed."""
    shop.shipway("resume", "staging", check=False)  # there was a rollback
    asking = ("node1", "node2")
    with swarm.killed("node3"):
        shop.change("away")
        with swarm.visitors(URL, *asking) as answered:
            began = time.monotonic()
            done = shop.shipway("run", "staging")
            deployed = time.monotonic() - began
            assert "ssh://node3 is left out, since it is down" in done.output
            assert [swarm.ask(name, URL) for name in asking] == ["away"] * 2
            assert sum(tasks(swarm, shop).values()) >= 3
            began = time.monotonic()
            shop.shipway("rollback", "staging")
            back = time.monotonic() - began
        assert [swarm.ask(name, URL) for name in asking] == ["one"] * 2
        shop.shipway("deploy", "staging", "staging", "--resume")
        assert [swarm.ask(name, URL) for name in asking] == ["away"] * 2
    heard = counted(answered)
    print(f"\nwithout a node: run {deployed:.1f} s, rollback {back:.1f} s; answers: {dict(heard)}")
    eventually(lambda: swarm.ssh("node1", "docker node ls --format '{{.Status}}'").split() == ["Ready"] * 3)
    assert "ssh://node3  / → web: requests are led elsewhere" in shop.shipway("doctor", "staging", check=False).output
    shop.shipway("deploy", "staging", "staging")
    assert answers(swarm) == ["away"] * 3
    assert "no drift" in shop.shipway("doctor", "staging").output


def test_a_platform_does_not_change_while_a_release_runs(shop: Tiny, swarm: Nodes) -> None:
    shop.plan["environments"]["staging"]["platform"] = "docker"
    shop.protect()
    shop.change("three")
    done = shop.shipway("run", "staging", check=False)
    shop.plan["environments"]["staging"]["platform"] = "swarm"
    shop.protect()
    assert "rejected: staging runs in a Swarm, and would run on separate hosts" in done.output
    assert answers(swarm)[0] == "away"


def test_a_node_that_is_no_host_is_refused(shop: Tiny, swarm: Nodes) -> None:
    hosts = shop.plan["environments"]["staging"]["hosts"]
    shop.plan["environments"]["staging"]["hosts"] = hosts[:2]
    shop.protect()
    shop.change("four")
    done = shop.shipway("run", "staging", check=False)
    shop.plan["environments"]["staging"]["hosts"] = hosts
    shop.protect()
    assert "no host of the environment is the Swarm's node node3" in done.output


def services(nodes: Nodes, name: str) -> list[str]:
    """As this manager sees them."""
    return sorted(nodes.ssh(name, "docker service ls --format '{{.Name}}'").split())


def test_another_manager_is_first(shop: Tiny, swarm: Nodes) -> None:
    """It finds what was created through the one that was first, keeps it for a rollback, and removes nothing of others."""
    swarm.ssh("node1", "docker node promote node2 node3")
    eventually(
        lambda: swarm.ssh("node1", "docker node ls --format '{{.ManagerStatus}}'").split().count("Reachable") == 2
    )
    swarm.ssh("node1", "docker service create --detach --name other --replicas 0 caddy:2")
    before, hosts = answers(swarm)[0], shop.plan["environments"]["staging"]["hosts"]
    shop.plan["environments"]["staging"]["hosts"] = [hosts[1], hosts[0], hosts[2]]
    shop.protect()
    shop.change("five")
    with swarm.visitors(URL) as answered:
        shop.shipway("run", "staging")
        assert answers(swarm) == ["five"] * 3
        shop.shipway("rollback", "staging")
        assert answers(swarm) == [before] * 3
        shop.shipway("deploy", "staging", "staging", "--resume")
        assert answers(swarm) == ["five"] * 3
    assert set(counted(answered)) == {before, "five"}
    assert "no drift" in shop.shipway("doctor", "staging").output


def test_destroy_without_the_first_host_leaves_what_is_there(shop: Tiny, swarm: Nodes) -> None:
    """Another manager removes the services; the lost one is cleared when it is back."""
    with swarm.killed("node2"):
        eventually(lambda: "Ready" in swarm.ssh("node1", "docker node ls --format '{{.Status}}'"))
        done = shop.shipway("destroy", "staging", "--force", check=False)
        assert "staging is destroyed, but not on ssh://node2" in done.output
        assert services(swarm, "node1") == ["other"]
    eventually(lambda: swarm.ssh("node1", "docker node ls --format '{{.Status}}'").split() == ["Ready"] * 3)
    # The Swarm may count the edge of the lost node as in the network for ever.
    again = shop.shipway("destroy", "staging", "--force", check=False)
    assert again.code == 0 or "is in use by task" in again.output, again.output
    assert "five" not in answers(swarm)
    assert services(swarm, "node1") == ["other"], "nothing else is touched"
    swarm.ssh("node1", "docker service rm other")
    for name in swarm.names:
        assert shop.app not in swarm.ssh(name, "docker ps --all")
