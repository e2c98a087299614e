"""A run whose process is killed with SIGKILL: the next one goes on with its steps, or clears them away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from shipway.domain.errors import StepFailed
from tests.system.tiny import DATABASE, Running, Tiny

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900), pytest.mark.share(2 / 3)]

BEGUN = "echo begun $(cat /proc/sys/kernel/random/uuid)"  # another one each time that a container is started


def killed(project: Tiny, *moments: str, revision: str = "main") -> str:
    """Run until all of these are seen; what was printed."""
    if revision == "main":
        project.git("branch", "--force", "main", "staging")
    running = project.start("run", revision)
    for moment in moments:
        running.until(moment)
    running.kill()
    return running.output


def run(project: Tiny) -> dict[str, Any]:
    """The newest run, with its steps by name and the lines of their logs."""
    ledger = project.ledger()
    newest = ledger.runs(project.app, 1)[0]
    steps = {step.name: step for step in ledger.steps(newest.number)}
    ledger.close()
    folder = project.home / "logs" / project.app / str(newest.number)
    logs = {
        name: (folder / f"{name}.log").read_text().splitlines() for name in steps if (folder / f"{name}.log").exists()
    }
    outcomes = {name: step.outcome for name, step in steps.items()}
    return {"number": newest.number, "outcome": newest.outcome, "steps": steps, "logs": logs, "outcomes": outcomes}


def nothing_is_left(project: Tiny) -> None:
    assert project.containers() == {}
    assert project.networks() == []
    assert project.volumes() == []
    assert project.footprint()["pending runs"] == []
    assert project.footprint()["scratch"] == []


def wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ended(project: Tiny) -> bool:
    return set(project.containers(role="step").values()) == {"exited"}


def test_a_step_under_way_is_gone_on_with_whole(bare: Tiny) -> None:
    bare.plan |= {"accessories": DATABASE["accessories"]}
    count = "i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line $i; sleep 0.1; done"
    ask = "psql -Atq $DATABASE_URL -c"
    report = """echo '<testsuite tests="3" failures="0"/>' > junit.xml"""
    bare.pipeline(
        lint={"run": BEGUN},
        unit={
            "run": f"{BEGUN}; {ask} 'CREATE TABLE mine (x int)'; {count}; {ask} 'SELECT count(*) FROM mine'; echo made > made; {report}",
            "image": "postgres:15", "with": ["db"], "outputs": ["made"], "reports": ["junit.xml"],
        },
        use={"run": "cat made; cat web/name", "needs": ["unit"]},
    )  # fmt: skip
    first = killed(bare, "✓ lint", "│ line 10")
    before = run(bare)
    assert before["outcome"] == "pending"
    container = bare.containers(role="step", name="unit")
    second = bare.shipway("run", "main")
    after = run(bare)
    assert f"run {before['number']}: process " in second.output
    assert "died; resuming it: lint passed, unit is still running\n" in second.output
    assert (after["number"], after["outcome"]) == (before["number"], "succeeded")
    assert after["outcomes"] == {"lint": "succeeded", "unit": "succeeded", "use": "succeeded"}
    assert after["steps"]["lint"] == before["steps"]["lint"]
    assert after["steps"]["unit"].started == before["steps"]["unit"].started
    assert len(container) == 1
    begun, *lines, answer = after["logs"]["unit"]
    assert begun.startswith("begun ")
    assert lines == [f"line {number}" for number in range(1, 41)]
    assert answer == "0"
    assert "│ begun" not in second.output  # neither step was started again, nor is it shown again
    shown = [
        line.partition("│ ")[2] for text in (first, second.output) for line in text.splitlines() if "│ line " in line
    ]
    assert set(lines) == set(shown)
    assert after["steps"]["unit"].result.tests == "3 tests, 0 failed"
    assert after["logs"]["use"] == ["made", "one"]
    nothing_is_left(bare)


@pytest.mark.parametrize(("code", "outcome"), [(0, "succeeded"), (3, "failed")])
def test_a_step_that_ended_while_nobody_looked(bare: Tiny, code: int, outcome: str) -> None:
    bare.pipeline(unit={"run": f"{BEGUN}; sleep 1; echo the end; exit {code}"})
    killed(bare, "│ begun")
    wait(lambda: ended(bare))
    done = bare.shipway("run", "main", check=False)
    assert "resuming it: unit has exited\n" in done.output
    assert done.code == (StepFailed.exit_code if code else 0), done.output
    after = run(bare)
    assert (after["outcome"], after["outcomes"]["unit"]) == (outcome, outcome)
    assert [line.split()[0] for line in after["logs"]["unit"]] == ["begun", "the"]
    assert done.output.count("│ the end") == 1
    nothing_is_left(bare)


def test_a_step_that_had_failed_is_not_run_again(bare: Tiny) -> None:
    bare.pipeline(
        bad={"run": f"{BEGUN}; exit 3"}, unit={"run": "echo begun; sleep 8"}, after={"run": "true", "needs": ["bad"]}
    )
    killed(bare, "✗ bad", "│ begun")
    done = bare.shipway("run", "main", check=False)
    assert (
        "resuming it: bad failed, unit is still running\n" in done.output
        or "unit is still running, bad failed\n" in done.output
    )
    assert done.code == StepFailed.exit_code, done.output
    assert f"step bad: `{BEGUN}; exit 3` exited with 3" in done.output
    assert len(run(bare)["logs"]["bad"]) == 1
    assert run(bare)["outcomes"] == {"bad": "failed", "unit": "succeeded"}
    nothing_is_left(bare)


def test_the_time_out_and_the_attempts_are_those_of_the_step(bare: Tiny) -> None:
    bare.pipeline(
        flaky={"run": "echo trying; sleep 2; exit 1", "retries": 1},
        slow={"run": "echo sleeping; sleep 60", "timeout": "6s"},
    )
    bare.git("branch", "--force", "main", "staging")
    running = bare.start("run", "main")
    running.until("│ sleeping")
    wait(lambda: running.output.count("│ trying\n") == 2)
    running.kill()
    done = bare.shipway("run", "main", check=False)
    assert done.code == StepFailed.exit_code, done.output
    assert "slow: it timed out after 6 s" in done.output
    logs = run(bare)["logs"]
    assert logs["flaky"] == ["trying", "`echo trying; sleep 2; exit 1` exited with 1; retrying (1 left)", "trying"]
    assert logs["slow"] == ["sleeping"]
    nothing_is_left(bare)


def test_a_step_whose_container_is_missing_is_restarted(bare: Tiny) -> None:
    bare.pipeline(lint={"run": "true"}, unit={"run": f"{BEGUN}; sleep 2; echo the end", "needs": ["lint"]})
    killed(bare, "│ begun")
    number = run(bare)["number"]
    for container in bare.containers(role="step", name="unit"):
        bare.command("docker", "rm", "--force", container, check=True)
    done = bare.shipway("run", "main")
    assert "resuming it: lint passed, unit is restarted\n" in done.output
    after = run(bare)
    assert (after["number"], after["outcome"]) == (number, "succeeded")
    assert [line.split()[0] for line in after["logs"]["unit"]] == ["begun", "the"]
    nothing_is_left(bare)


def test_who_takes_it_up_may_die_too(bare: Tiny) -> None:
    bare.pipeline(unit={"run": f"{BEGUN}; for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 1; done"})
    killed(bare, "│ line 1")
    killed(bare, "│ line 3")
    done = bare.shipway("run", "main")
    assert "resuming it: unit is still running\n" in done.output
    assert run(bare)["logs"]["unit"][1:] == [f"line {number}" for number in range(1, 9)]
    nothing_is_left(bare)


def test_a_run_of_another_commit_clears_it_away(bare: Tiny) -> None:
    bare.plan |= {"accessories": DATABASE["accessories"]}
    bare.pipeline(
        lint={"run": "echo checked"}, unit={"run": "echo begun; sleep 60", "image": "postgres:15", "with": ["db"]}
    )
    killed(bare, "✓ lint", "│ begun")
    dead = run(bare)["number"]
    bare.pipeline(lint={"run": "true"})
    bare.git("branch", "--force", "main", "staging")
    done = bare.shipway("run", "main")
    assert f"run {dead}: process " in done.output
    assert "died; cleaning it up\n" in done.output
    ledger = bare.ledger()
    assert [(item.number, item.outcome) for item in ledger.runs(bare.app, 2)] == [
        (dead + 1, "succeeded"),
        (dead, "cancelled"),
    ]
    assert {item.name: item.outcome for item in ledger.steps(dead)} == {"lint": "succeeded", "unit": "cancelled"}
    ledger.close()
    nothing_is_left(bare)


def test_a_run_that_lives_is_left_alone(bare: Tiny) -> None:
    bare.pipeline(unit={"run": f"{BEGUN}; sleep 3; echo the end"})
    bare.git("branch", "--force", "main", "staging")
    living = Running(bare, "run", "main")
    living.until("│ begun")
    other = bare.shipway("run", "main")
    assert "resuming it" not in other.output
    assert "cleaning it up" not in other.output
    assert other.output.count("│ begun") == 1
    assert living.end().code == 0
    ledger = bare.ledger()
    assert [item.outcome for item in ledger.runs(bare.app, 2)] == ["succeeded", "succeeded"]
    ledger.close()
    nothing_is_left(bare)


def test_a_build_is_restarted_and_the_run_continues_to_its_deployment(bare: Tiny) -> None:
    dockerfile = (bare.clone / "web/Dockerfile").read_text()
    bare.plan["pipeline"] = {"lint": {"image": "caddy:2", "run": BEGUN}}
    bare.change("built", files={"web/Dockerfile": f"{dockerfile}RUN echo building for long; sleep 3\n"})
    killed(bare, "building for long", revision="staging")
    done = bare.shipway("run", "staging")
    assert "resuming it: lint passed, images is restarted\n" in done.output
    assert run(bare)["outcomes"] == {"lint": "succeeded", "images": "succeeded"}
    assert bare.answer() == "built"
    assert bare.footprint()["scratch"] == []
    assert bare.footprint()["pending runs"] == []
