"""How a release takes over on a real engine and edge: some replicas at a time, by a growing share, watched."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from examples.project import get
from shipway.domain.errors import DeployFailed, Interrupted
from tests.system.conftest import Make
from tests.system.tiny import Tiny, visitors

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

SICK = """\
{
	admin off
}
:8000 {
	respond /healthz 200
	respond "out of order" 500
}
"""


@pytest.fixture
def served(make: Make) -> Iterator[Callable[..., Tiny]]:
    """Makes a project whose version one serves in staging, with further keys of that environment."""
    made: list[Tiny] = []

    def serve(**environment: object) -> Tiny:
        made.append(make())
        return _serve(made[-1], environment)

    yield serve
    for project in made:  # an engine has not many networks to give
        project.destroy()


def _serve(project: Tiny, environment: dict[str, object]) -> Tiny:
    project.plan["environments"]["staging"] |= environment
    project.change("one")
    project.shipway("run", "staging")
    return project


@contextmanager
def crowd(project: Tiny, *, threads: int = 4) -> Iterator[Counter[str]]:
    """Many visitors: what was answered, counted. Errors are answers too."""
    counted: Counter[str] = Counter()
    over = threading.Event()

    def visit() -> None:
        while not over.wait(0.005):
            status, body = get(project.staging)
            counted[body if status == 200 else str(status)] += 1

    crowd = [threading.Thread(target=visit) for _ in range(threads)]
    for each in crowd:
        each.start()
    try:
        yield counted
    finally:
        over.set()
        for each in crowd:
            each.join()


def test_rolling(served: Callable[..., Tiny]) -> None:
    project = served(strategy="rolling", replicas={"web": 3})
    project.change("two")
    with visitors(project) as answers:
        done = project.shipway("run", "staging")
    assert set(answers) == {"one", "two"}, "nobody is turned away"
    assert answers.index("two") < len(answers) - 1 - answers[::-1].index("one"), "for a while both answer"
    project.drained()
    assert sorted(project.containers(role="service").values()) == ["exited"] * 3 + ["running"] * 3
    assert done.output.count("✓ switch") == 3
    assert {project.answer() for _ in range(9)} == {"two"}


def test_rolling_that_is_interrupted_starts_again_what_it_stopped(served: Callable[..., Tiny]) -> None:
    project = served(strategy="rolling", replicas={"web": 3})
    before = project.containers(role="service")
    project.change("two")
    with visitors(project) as answers:
        running = project.start("run", "staging")
        running.until("✓ switch")  # the first of three
        running.terminate()
        done = running.end()
    assert done.code == Interrupted.exit_code
    assert set(answers) <= {"one", "two"}, "nobody is turned away"
    assert {project.answer() for _ in range(9)} == {"one"}
    assert project.containers(role="service") == before


def test_a_canary_is_promoted(served: Callable[..., Tiny]) -> None:
    project = served(strategy={"kind": "canary", "steps": ["20%"], "hold": "4s"}, watch={"requests": 30, "latency": 20})
    project.change("two")
    with crowd(project) as counted:
        done = project.shipway("run", "staging")
        now = project.answer()
    assert set(counted) == {"one", "two"}
    assert "20% of the requests for 4 s" in done.output
    assert "synthetic" not in done.output
    assert "insufficient data" not in done.output, "enough visitors came"
    assert now == "two"


def test_a_canary_whose_requests_fail_is_taken_back(served: Callable[..., Tiny]) -> None:
    project = served(strategy={"kind": "canary", "steps": ["20%"], "hold": "60s"}, watch={"requests": 30})
    before = project.containers(role="service")
    project.change("two", files={"web/Caddyfile": SICK})
    with crowd(project) as counted:
        done = project.shipway("run", "staging", check=False)
    assert done.code == DeployFailed.exit_code
    assert "release 2 is rolled back:" in done.output
    assert "requests failed, more than 1.00%" in done.output
    assert set(counted) == {"one", "500"}
    assert counted["500"] < counted["one"], "only its share was hit"
    assert project.answer() == "one"
    assert project.containers(role="service") == before


def test_without_visitors_shipway_sends_requests_itself(served: Callable[..., Tiny]) -> None:
    project = served(strategy={"kind": "canary", "steps": ["50%"], "hold": "1s"}, watch={"requests": 10})
    project.change("two")
    done = project.shipway("run", "staging")
    assert "insufficient data: 0 of 0 requests failed; 10 requests are needed to judge" in done.output
    assert project.answer() == "two"


def test_the_watch_window_rolls_back_by_itself(served: Callable[..., Tiny]) -> None:
    project = served()
    project.plan["environments"]["staging"]["watch"] = {"duration": "30s", "requests": 20}
    project.change("two", files={"web/Caddyfile": SICK})
    with crowd(project) as counted:
        done = project.shipway("run", "staging", check=False)
    assert done.code == DeployFailed.exit_code
    assert "release 2 is rolled back:" in done.output
    assert set(counted) == {"one", "500"}
    assert project.answer() == "one"
    last = project.deployments("staging")[0]
    assert last["outcome"] == "failed"
    assert "requests failed" in last["detail"]


def test_a_maintenance_page_hides_the_site_and_not_the_checks(served: Callable[..., Tiny]) -> None:
    project = served()
    project.plan["checks"] = {"smoke": {"image": "caddy:2", "run": "wget -qO- $URL | grep two"}}
    project.plan["environments"]["staging"]["checks"] = ["smoke"]
    assert "shows the maintenance page" in project.shipway("maintenance", "on", "staging").output
    assert project.answer().startswith("HTTP status 503: <!doctype html>")
    project.change("two")
    project.shipway("run", "staging")
    assert project.answer().startswith("HTTP status 503")
    assert "serves requests again" in project.shipway("maintenance", "off", "staging").output
    assert project.answer() == "two"
