"""An operator at 3 a.m.: every command works from an empty folder with --app, and a run or deployment is cancelled from
there, in whatever process it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from examples.project import GRACE, Done
from shipway.domain.errors import Interrupted, PlanError, UsageError
from tests import prepared
from tests.system.conftest import Make
from tests.system.test_dead_runs import nothing_is_left
from tests.system.tiny import DATABASE, Tiny, visitors

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


class Operator:
    """Has the home with the ledger, and no checkout."""

    def __init__(self, project: Tiny, folder: Path) -> None:
        self.project, self.folder = project, folder

    def __call__(self, *args: str, check: bool = True, text: str = "") -> Done:
        done = prepared.run(args, self.folder, self.project.env, merged=True, text=text)
        assert not (check and done.returncode), done.stdout
        return Done(done.returncode, done.stdout)

    def app(self, *args: str, check: bool = True, text: str = "") -> Done:
        return self(*args, "--app", self.project.app, check=check, text=text)


def test_a_night_without_a_checkout(make: Make, tmp_path: Path) -> None:
    project = make()
    project.plan["services"]["web"]["secrets"] = ["KEY"]
    project.protect()
    project.change("one")
    operator = Operator(project, tmp_path)
    done = project.shipway("run", "staging", check=False)
    assert "shipway secret set staging KEY" in done.output
    (tmp_path / "old.env").write_text("export KEY='of the old server'\nDEBUG=1\n")
    refused = operator("status", check=False)
    assert refused.code == PlanError.exit_code
    assert f"pass --app NAME: the ledger knows {project.app}" in refused.output
    assert f"{project.app} " in operator("apps").output

    assert "set for staging: KEY" in operator.app("secret", "import", "staging", "old.env").output
    missing = operator.app("secret", "list", "production", "--missing", check=False)
    assert (missing.code, "KEY" in missing.output) == (5, True)
    assert operator.app("run", check=False).code == UsageError.exit_code  # HEAD of what?
    operator.app("run", "staging")
    assert project.answer() == "one"
    second = project.change("two")
    operator.app("run", "staging")
    assert project.answer() == "two"
    assert "the deploy of release 2 succeeded" in operator.app("wait", "staging", "--release", "r2").output
    assert "approved release 2" in operator("--as", GRACE, "approve", "production", "r2", "--app", project.app).output

    assert "release 2" in operator.app("status").output
    shown = operator.app("config", "staging").output
    assert 'KEY: "******** (version 1)"' in shown
    assert "old server" not in shown
    printed = prepared.run(
        ("diff", "r1", "staging", "--json", "--app", project.app), operator.folder, project.env, merged=False
    )
    compared = json.loads(printed.stdout)
    assert compared["commits"]["second"][0].endswith("Version two")
    assert compared["revisions"][1] == second

    with visitors(project) as answers:
        operator.app("rollback", "staging", "--reason", "it is 3 a.m.")
    assert set(answers) <= {"one", "two"}
    assert project.answer() == "one"
    assert "it is 3 a.m." in operator.app("history", "--reason").output
    operator.app("maintenance", "on", "staging")
    assert project.answer().startswith("HTTP status 503")
    operator.app("maintenance", "off", "staging")
    operator.app("deploy", "staging", "r2", "--resume")
    assert project.answer() == "two"
    assert "no drift" in operator.app("doctor", "staging").output
    operator.app("secret", "copy", "--from", "staging", "production", "--values")
    operator.app("destroy", "staging", "--force")
    assert project.containers() == {}


def test_a_run_is_cancelled_from_anywhere(bare: Tiny, tmp_path: Path) -> None:
    operator = Operator(bare, tmp_path)
    bare.plan |= {"accessories": DATABASE["accessories"]}
    bare.pipeline(unit={"run": "echo begun; sleep 60; sleep 60", "image": "postgres:15", "with": ["db"]})
    bare.git("branch", "--force", "main", "staging")
    running = bare.start("run", "main")
    running.until("│ begun")
    assert "run 1" in operator.app("cancel").output
    done = operator.app("cancel", "1", "--reason", "the wrong branch")
    assert "run 1 was cancelled" in done.output
    ended = running.end(seconds=20)
    assert ended.code == Interrupted.exit_code, ended.output
    assert ": the wrong branch" in ended.output
    assert "Traceback" not in ended.output
    nothing_is_left(bare)
    again = operator.app("cancel", "1", check=False)
    assert (again.code, "run 1 has ended: cancelled" in again.output) == (UsageError.exit_code, True)
    assert operator.app("wait", "1", check=False).code == Interrupted.exit_code


@pytest.mark.full  # the unit tests kill one at many points
def test_a_killed_run_is_cleaned_up_from_anywhere(bare: Tiny, tmp_path: Path) -> None:
    operator = Operator(bare, tmp_path)
    bare.pipeline(unit={"run": "echo begun again; sleep 60; sleep 60"})
    bare.git("branch", "--force", "main", "staging")
    running = bare.start("run", "main")
    running.until("│ begun again")
    running.kill()
    ledger = bare.ledger()
    number = ledger.runs(bare.app, 1)[0].number
    ledger.close()
    assert f"run {number} was cancelled" in operator.app("cancel", str(number)).output
    nothing_is_left(bare)


def test_a_deployment_is_cancelled_and_rolled_back(served: Tiny, tmp_path: Path) -> None:
    operator, before = Operator(served, tmp_path), served.footprint()
    revision = served.git("rev-parse", "HEAD").output.strip()
    served.plan["services"]["web"]["health"]["timeout"] = "60s"
    served.change("sick", health=503)
    with visitors(served) as answers:
        running = served.start("run", "staging")
        running.until("▸ start")
        done = operator("--as", GRACE, "cancel", "staging", "--reason", "it is sick", "--app", served.app)
    served.undo(revision)
    assert f"is over: cancelled, cancelled by {GRACE}: it is sick" in done.output
    ended = running.end(seconds=20)
    assert ended.code == Interrupted.exit_code, ended.output
    assert set(answers) == {"one"}
    newest = served.deployments("staging")[0]
    assert (newest["outcome"], newest["detail"]) == ("cancelled", f"cancelled by {GRACE}: it is sick")
    assert {**served.footprint(), "releases": None} == {**before, "releases": None}
    assert "nothing is in progress on staging" in operator.app("cancel", "staging", check=False).output
    assert "nothing to do" in served.shipway("deploy", "staging").output  # the lock is free


def test_a_failed_run_is_repeated_with_only_what_failed(bare: Tiny, tmp_path: Path) -> None:
    operator = Operator(bare, tmp_path)
    bare.pipeline(
        lint={"run": "echo linted"},
        unit={"run": "cat /proc/sys/kernel/random/uuid; exit 3", "needs": ["lint"]},
    )
    bare.git("branch", "--force", "main", "staging")
    first = operator.app("run", "main", check=False)
    assert "step unit" in first.output
    ledger = bare.ledger()
    number = ledger.runs(bare.app, 1)[0].number
    ledger.close()
    logs = bare.home / "logs" / bare.app
    log = (logs / str(number) / "unit.log").read_text()
    again = operator.app("run", "--retry", check=False)
    assert f"repeating run {number}" in again.output
    assert "lint         skipped unchanged since it passed" in again.output
    assert (logs / str(number) / "unit.log").read_text() == log
    assert (logs / str(number + 1) / "unit.log").exists()
    only = operator.app("run", "main", "--step", "lint")
    assert "unit" not in only.output.replace("only lint", "")


def test_a_failed_step_keeps_its_container_for_a_shell(bare: Tiny) -> None:
    bare.pipeline(unit={"run": "echo what it made > made; exit 3"})
    bare.git("branch", "--force", "main", "staging")
    running = bare.start("run", "main", "--step", "unit", "--debug")
    running.until("its container stays until Ctrl-C here")
    shell = re.search(r"exited with 3; .* A shell in it: docker exec --interactive --tty (\w+) sh", running.output)
    assert shell
    found = bare.command("docker", "exec", shell[1], "sh", "-c", "cat made", check=True)
    assert found.output == "what it made\n"
    running.press_ctrl_c()
    done = running.end(seconds=20)
    assert done.code == Interrupted.exit_code, done.output
    assert "Traceback" not in done.output
    nothing_is_left(bare)
