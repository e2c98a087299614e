"""The pipeline: what fails stops what needs it, what is unchanged is skipped, and each step has its own surroundings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shipway.domain.errors import StepFailed
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from tests.matrix import FULL
from tests.system.tiny import DATABASE, IMAGE, Tiny

pytestmark = [pytest.mark.engine, pytest.mark.share(2 / 3)]


def outcomes(project: Tiny) -> dict[str, str]:
    """Steps of the newest run by name, with their outcome in the ledger."""
    ledger = project.ledger()
    run = ledger.runs(project.app, 1)[0].number
    found = {step.name: step.outcome for step in ledger.steps(run)}
    ledger.close()
    return found


def nothing_is_left(project: Tiny) -> None:
    assert project.containers() == {}
    assert project.networks() == []
    assert project.footprint()["pending runs"] == []
    assert project.footprint()["scratch"] == []


def test_a_failing_step_stops_what_needs_it_and_nothing_else(bare: Tiny) -> None:
    bare.pipeline(
        bad={"run": "echo about to fail; exit 3"},
        after={"run": "echo never", "needs": ["bad"]},
        later={"run": "echo never", "needs": ["after"]},
        good={"run": "sleep 1; echo I am well"},
        next={"run": "echo me too", "needs": ["good"]},
    )
    done = bare.shipway("run", "staging", check=False)
    assert done.code == StepFailed.exit_code, done.output
    assert outcomes(bare) == {"bad": "failed", "good": "succeeded", "next": "succeeded"}
    assert "│ about to fail" in done.output
    assert "step bad: `echo about to fail; exit 3` exited with 3" in done.output
    assert "needs bad, which failed" in done.output
    assert "│ me too" in done.output
    assert "never" not in done.output
    log = next(line.partition("full output: ")[2] for line in done.output.splitlines() if "full output: " in line)
    assert "about to fail" in Path(log).read_text()
    assert bare.deployments() == []
    nothing_is_left(bare)


def test_two_failing_steps_are_both_told(bare: Tiny) -> None:
    bare.pipeline(bad={"run": "exit 3"}, worse={"run": "exit 4"})
    done = bare.shipway("run", "staging", check=False)
    assert done.code == StepFailed.exit_code, done.output
    assert "2 steps failed" in done.output
    assert "`exit 3` exited with 3" in done.output
    assert "`exit 4` exited with 4" in done.output


def test_a_step_is_stopped_at_its_time_out(bare: Tiny) -> None:
    bare.pipeline(slow={"run": "echo sleeping; sleep 60", "timeout": "1s"})
    done = bare.shipway("run", "staging", check=False)
    assert done.code == StepFailed.exit_code, done.output
    assert "step slow: it timed out after 1 s" in done.output
    assert "`timeout:` of step slow" in done.output
    nothing_is_left(bare)


def test_a_step_is_tried_again_as_often_as_the_plan_says(bare: Tiny) -> None:
    bare.pipeline(flaky={"run": "echo trying; exit 1", "retries": 2})
    done = bare.shipway("run", "staging", check=False)
    assert done.code == StepFailed.exit_code, done.output
    assert done.output.count("│ trying\n") == 3
    assert "retrying (2 left)" in done.output
    assert "retrying (1 left)" in done.output
    nothing_is_left(bare)


def test_an_unchanged_step_is_skipped_and_says_so_and_a_changed_one_is_not(bare: Tiny) -> None:
    bare.pipeline(
        narrow={"run": "cat web/Dockerfile", "inputs": ["web/Dockerfile"]},
        wide={"run": "cat web/name"},
        failing={"run": "exit 1"},
    )
    bare.shipway("run", "staging", check=False)
    bare.shipway("run", "staging", check=False)
    assert outcomes(bare) == {"narrow": "skipped", "wide": "skipped", "failing": "failed"}
    bare.change("two")
    done = bare.shipway("run", "staging", check=False)
    assert outcomes(bare) == {"narrow": "skipped", "wide": "succeeded", "failing": "failed"}
    assert "narrow       skipped" in done.output
    assert "unchanged since it passed" in done.output
    assert "│ two" in done.output


def test_a_step_sees_the_commit_and_not_the_working_tree(bare: Tiny) -> None:
    bare.pipeline(look={"run": "ls; cat web/name; exit 1"})
    bare.write({"web/name": "not committed", "stray": "not committed"})
    done = bare.shipway("run", "staging", check=False)
    bare.git("clean", "--quiet", "--force")
    bare.git("checkout", "--quiet", "--", ".")
    assert "│ web" in done.output
    assert "│ one" in done.output
    assert "stray" not in done.output
    assert "not committed" not in done.output


def test_a_step_sees_what_its_key_covers_and_editing_the_plan_runs_none_again(bare: Tiny) -> None:
    steps = {
        "narrow": {"run": "find . -type f", "inputs": ["web/name", "shipway.yaml"]},
        "folder": {"run": "find . -type f", "inputs": ["web"]},
        "wide": {"run": "find . -type f"},
        "built": {"run": "find . -type f", "image": {"build": "web"}},
    }
    bare.pipeline(**steps)
    bare.git("branch", "--force", "main", "staging")
    done = bare.shipway("run", "main")
    seen = {name: set(re.findall(rf"  {name} +│ \./(\S+)", done.output)) for name in steps}
    assert seen == {
        "narrow": {"web/name", "shipway.yaml"},
        "folder": {"web/name", "web/Dockerfile", "web/Caddyfile"},
        "wide": {"web/name", "web/Dockerfile", "web/Caddyfile"},
        "built": {"name", "Dockerfile", "Caddyfile"},
    }
    bare.pipeline(**steps, more={"run": "true"})
    bare.git("branch", "--force", "main", "staging")
    bare.shipway("run", "main")
    assert outcomes(bare) == {
        "narrow": "succeeded",
        "folder": "skipped",
        "wide": "skipped",
        "built": "skipped",
        "more": "succeeded",
    }


def test_an_image_with_a_user_of_its_own_writes_reports_and_outputs(bare: Tiny) -> None:
    made = {
        "test.Dockerfile": f"FROM {IMAGE}\nRUN echo 'app:x:4321:99::/:/bin/sh' >> /etc/passwd && mkdir -p /app/results\nWORKDIR /app\nCOPY name .\nUSER app\n"
    }
    bare.write({f"web/{name}": text for name, text in made.items()})
    write = "id -u; mkdir -p out/deep results && echo '<testsuite tests=\"2\"/>' > results/a.xml && echo made > out/deep/file && ln out/deep/file out/hard"
    built = {"image": {"build": {"folder": "web", "dockerfile": "test.Dockerfile"}}}
    bare.pipeline(
        make={**built, "run": write, "reports": ["results"], "outputs": ["out"]},
        use={**built, "run": "cat out/hard && echo more >> out/deep/file", "needs": ["make"]},
    )
    bare.git("branch", "--force", "main", "staging")
    done = bare.shipway("run", "main")
    assert "│ 4321" in done.output
    assert "2 tests, 0 failed" in done.output
    assert "use          │ made" in done.output


def test_a_long_output_is_kept_whole(bare: Tiny) -> None:
    lines = 1_000_000 if FULL else 60_000
    bare.pipeline(much={"run": f"seq {lines} | sed 's/$/ of the output of a step that has much to say/'"})
    bare.git("branch", "--force", "main", "staging")
    bare.shipway("--quiet", "run", "main")
    ledger = bare.ledger()
    number = ledger.runs(bare.app, 1)[0].number
    ledger.close()
    kept = (bare.home / "logs" / bare.app / str(number) / "much.log").read_text().splitlines()
    numbers = [int(line.partition(" ")[0]) for line in kept if line[:1].isdigit() and " of the output" in line]
    assert numbers == list(range(1, lines + 1))


def test_a_step_that_takes_too_much_is_ended_alone(bare: Tiny) -> None:
    bare.pipeline(
        forks={
            "run": "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null; for i in $(seq 60); do sleep 9 & done; wait",
            "security": {"pids": 20},
        },
        eats={"run": "x=0123456789abcdef; while true; do x=$x$x; done", "resources": {"memory": "32M"}},
        sniffs={"run": "grep CapBnd /proc/self/status; grep NoNewPrivs /proc/self/status"},
    )
    done = bare.shipway("run", "staging", check=False)
    assert outcomes(bare) == {"forks": "failed", "eats": "failed", "sniffs": "succeeded"}
    assert "forks        │ 20" in done.output
    assert (
        "can't fork" in done.output or "Resource temporarily unavailable" in done.output or "Cannot fork" in done.output
    )
    assert "exited with 137" in done.output
    assert re.search(r"NoNewPrivs:\s+1", done.output)
    bounding = re.search(r"CapBnd:\s+([0-9a-f]+)", done.output)
    assert bounding
    assert not int(bounding[1], 16) & 1 << 13  # CAP_NET_RAW
    nothing_is_left(bare)


def test_outputs_reach_what_needs_them(bare: Tiny) -> None:
    bare.pipeline(
        make={"run": "mkdir -p web/made && echo of this run > web/made/file", "outputs": ["web/made"]},
        use={"run": "cat web/made/file; exit 1", "needs": ["make"]},
        alone={"run": "test ! -e web/made"},
    )
    done = bare.shipway("run", "staging", check=False)
    assert "│ of this run" in done.output
    assert outcomes(bare) == {"make": "succeeded", "use": "failed", "alone": "succeeded"}


def test_two_steps_side_by_side_have_a_database_each(bare: Tiny) -> None:
    bare.plan |= {"accessories": DATABASE["accessories"]}
    fill = "psql $DATABASE_URL -c 'CREATE TABLE mine (x int)' && sleep 3"  # fails where the other's table is there
    step = {"image": "postgres:15", "with": ["db"]}
    bare.pipeline(left={**step, "run": fill}, right={**step, "run": fill})
    bare.git("branch", "--force", "main", "staging")
    running = bare.start("run", "main")
    running.until("│ CREATE TABLE")
    names = list(bare.containers(role="accessory"))
    done = running.end()
    assert done.code == 0, done.output
    assert done.output.count("│ CREATE TABLE") == 2
    assert {name.split("_")[2] for name in names} == {"left", "right"}
    ledger = bare.ledger()
    left, right = ledger.steps(ledger.runs(bare.app, 1)[0].number)
    ledger.close()
    assert left.finished is not None
    assert right.started < left.finished  # at the same time, not in turn
    nothing_is_left(bare)
    assert bare.volumes() == []


def test_a_step_is_told_its_place_in_the_trace_where_traces_are_sent(bare: Tiny) -> None:
    """The endpoint is away: the run passes as without it, and is unchanged for later ones."""
    bare.pipeline(told={"run": 'echo "it is in ${TRACEPARENT:-no trace}"'})
    bare.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
    done = bare.shipway("run", "staging")
    assert re.search(r"│ it is in 00-[0-9a-f]{32}-[0-9a-f]{16}-01", done.output), done.output
    del bare.env["OTEL_EXPORTER_OTLP_ENDPOINT"]
    bare.shipway("run", "staging")
    assert outcomes(bare)["told"] == "skipped"


def test_the_tests_of_a_run_are_listed_and_one_that_passed_when_it_was_retried_is_flaky(bare: Tiny) -> None:
    case = '<testcase name="test_price" classname="Units" time="0.5">'
    bare.write({
        "bad.xml": f'<testsuite>{case}<failure message="1 != 2">a &lt;trace&gt;</failure></testcase></testsuite>',
        "good.xml": f"<testsuite>{case}</testcase></testsuite>",
    })  # fmt: skip
    again = "[ -e /state/tried ] && cp good.xml junit.xml && exit 0; touch /state/tried"
    step = {"run": f"{again}; cp bad.xml junit.xml; exit 1", "reports": ["junit.xml"], "cache": ["/state"]}
    bare.pipeline(unit={**step, "retries": 1})
    bare.shipway("run", "staging")
    found = bare.shipway("tests").output
    for seen in ("1 flaky", "test_price", "1 != 2", "    a <trace>"):
        assert seen in found, found
    bare.pipeline(unit={**step, "run": "cp bad.xml junit.xml; exit 1"})
    assert "(1 test, 1 failed)" in bare.shipway("run", "staging", check=False).output
    assert "1 failed" in bare.shipway("tests").output
    for name in [name for name in bare.volumes() if name.endswith(".cache")]:
        DockerRuntime(Engine()).remove_volume(name)
