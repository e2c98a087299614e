"""`shipway launch` on the real engine: from nothing to open, closed until the system test has passed, killed and resumed."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import DeployFailed, EdgeError, StepFailed
from tests.system.conftest import Make
from tests.system.tiny import IMAGE, NOT_THERE, Tiny

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

CLOSED = ("HTTP status 503", *NOT_THERE)
SEED = {"service": "web", "run": "echo seeded; cat seed-fails 2>/dev/null && exit 1; true", "each": "environment"}
PYTHON = "python:3.11-slim-bookworm"
NOINDEX = {"path": "/", "headers": {"X-Robots-Tag": "noindex"}}


def ready(make: Make, port: int, **launch: Any) -> Tiny:
    """A project whose staging asks for much, and meets it. Never deployed."""
    project = make(port=port)
    project.plan["services"]["web"]["route"] = NOINDEX
    project.plan["checks"] = {"front": {"image": IMAGE, "run": 'wget -q -O - "$URL" && [ ! -e broken ]'}}
    project.plan["prove"] = {
        "scenarios": {"write": {"service": "web", "run": 'wget -q -O - "$URL/healthz"', "kind": "write"}}
    }
    project.plan["environments"]["staging"] |= {
        "checks": ["front"], "seed": SEED,
        "launch": {"index": False, "scenarios": ["write"], "load": {"rate": 20, "duration": "2s"}, **launch},
    }  # fmt: skip
    project.protect()
    project.change("one")
    return project


def closed(project: Tiny) -> bool:
    """Whether a visitor gets anything but the site."""
    return project.answer().startswith(CLOSED)


def seeds(project: Tiny) -> list[str]:
    ledger = project.ledger()
    found = [item.outcome for item in ledger.launch_records(project.app, "staging") if item.step == "seed"]
    ledger.close()
    return found


def test_from_nothing_to_open_and_nothing_the_second_time(make: Make, tmp_path: Path) -> None:
    project = ready(make, 8782)
    before = project.footprint()
    seen = project.shipway("launch", "staging", "--dry-run").output
    assert f"{project.app}_staging_web" in seen
    assert "needs 127.0.0.1:8782 on local" in seen
    assert project.footprint() == before
    first = project.shipway("launch", "staging").output
    assert f"staging is open: {project.staging}" in first
    assert project.answer() == "one"
    assert seeds(project) == ["pending", "succeeded"]

    footprint, deployments = project.footprint(), project.deployments()
    again = project.shipway("launch", "staging")
    assert "nothing to do" in again.output
    assert {item["state"] for item in project.json("launch", "staging")["steps"]} == {"done"}
    assert (project.footprint(), project.deployments()) == (footprint, deployments)

    page = tmp_path / "report.html"
    data = project.json("system-test", "staging", "--last", "--html", str(page))
    outcomes = {item["name"]: item["outcome"] for item in data["results"]}
    assert outcomes["check front"] == outcomes["write write"] == outcomes["service web"] == "passed"
    assert outcomes["search engines"] == outcomes["load 20/s for 2 s"] == "passed"
    assert outcomes["TLS"] == outcomes["rollback"] == "not tested"
    assert "<h1>" in page.read_text()

    # Once an environment: a deployment doesn't run it again, a person does.
    project.change("two")
    project.shipway("run", "staging")
    assert seeds(project) == ["pending", "succeeded"]
    assert "has run" in project.shipway("seed", "staging").output
    assert seeds(project) == ["pending", "succeeded"] * 2


def test_it_stays_closed_until_what_failed_is_fixed(make: Make) -> None:
    project = ready(make, 8783)
    project.plan["services"]["web"]["route"] = "/"  # no header: search engines are not kept out
    project.change("one", files={"web/seed-fails": "half of it\n"})
    failed = project.shipway("launch", "staging", check=False)
    assert failed.code == StepFailed.exit_code, failed.output
    assert seeds(project) == ["pending", "failed"]
    assert closed(project)

    (project.clone / "web/seed-fails").unlink()
    project.change("two")
    failed = project.shipway("launch", "staging", check=False)
    assert failed.code == DeployFailed.exit_code, failed.output
    assert "nothing keeps them out" in failed.output
    assert "shipway launch staging" in failed.output
    assert seeds(project)[-1] == "succeeded"
    assert project.answer().startswith("HTTP status 503")
    assert "Opening soon" in project.answer()
    assert project.shipway("system-test", "staging", check=False).code == DeployFailed.exit_code
    assert project.answer().startswith("HTTP status 503")

    project.plan["services"]["web"]["route"] = NOINDEX
    project.change("three")
    project.shipway("launch", "staging")
    assert project.answer() == "three"


def test_killed_again_and_again_it_goes_on(make: Make) -> None:
    project = ready(make, 8784, load={"rate": 10, "duration": "1s"})
    points = (2, 5, 8, 12, 16, 20, 25, 30, 36, 44, 60, 90)
    died = 0
    for at, moment in zip(points, ("before", "after") * len(points), strict=False):
        project.env["SHIPWAY_TEST_DIE"] = f"{at},{moment}"
        done = project.shipway("launch", "staging", check=False)
        del project.env["SHIPWAY_TEST_DIE"]
        if done.code == 0:
            break
        assert done.code == -signal.SIGKILL, done.output
        died += 1
        ledger = project.ledger()
        steps = [item.step for item in ledger.launch_records(project.app, "staging")]
        ledger.close()
        assert closed(project) or "open" in steps, f"killed at {at}, {moment}"
    assert died >= 5
    project.shipway("launch", "staging")
    assert project.answer() == "one"
    assert len(project.containers()) == 1
    assert "nothing to do" in project.shipway("launch", "staging").output


def test_a_port_of_another_program(make: Make) -> None:
    import socket

    project = ready(make, 8785)
    with socket.create_server(("127.0.0.1", 8785)):
        refused = project.shipway("launch", "staging", check=False)
    assert refused.code == EdgeError.exit_code
    assert "another program listens on port 8785" in refused.output
    assert not project.containers()


@pytest.mark.machine  # its check has another image
def test_https_with_the_local_authority(make: Make) -> None:
    project = ready(make, 8786)
    project.staging = f"https://staging.{project.app}.localhost:8787"
    fetch = "import os, urllib.request as web; web.urlopen(os.environ['URL'])"
    project.plan["checks"]["front"] = {"image": PYTHON, "run": f'python -c "{fetch}"'}
    project.plan["environments"]["staging"]["url"] = project.staging
    project.plan["environments"]["staging"]["launch"]["headers"] = ["X-Robots-Tag"]
    project.protect()
    project.change("one")
    project.shipway("launch", "staging")
    data = project.json("system-test", "staging", "--last")
    outcomes = {item["name"]: item["outcome"] for item in data["results"]}
    name = project.staging.removeprefix("https://").partition(":")[0]
    assert outcomes[f"certificate of {name}"] == outcomes["modern TLS"] == outcomes["header X-Robots-Tag"] == "passed"
    assert outcomes["TLSv1.1 refused"] in ("passed", "not tested")
    assert list(project.status("staging")["certificates"]) == [name]
