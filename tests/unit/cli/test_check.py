"""`shipway check` as a user sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shipway.cli import cli
from shipway.domain.errors import PlanError
from tests.unit.system.repositories import repository

VALID = "app: a\nservices: {web: {image: nginx:1}}\npipeline: {lint: {image: python:3, run: ruff}}\n"
WARNING = VALID + "accessories: {idle: {image: redis:7}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--home", "home", "check", *arguments])


def test_a_valid_plan(folder: Path) -> None:
    (folder / "shipway.yaml").write_text(VALID)
    done = run()
    assert (done.exit_code, done.output) == (0, "shipway.yaml is valid: 1 service, 0 environments, 1 step\n")


def test_warnings_do_not_fail(folder: Path) -> None:
    (folder / "shipway.yaml").write_text(WARNING)
    done = run()
    assert done.exit_code == 0
    assert "shipway.yaml:4:15: warning: accessories.idle: is not used\n    expected: " in done.output
    assert done.output.endswith("1 step (1 warning)\n")


def test_errors_fail_with_the_code_of_plan_errors(folder: Path) -> None:
    (folder / "shipway.yaml").write_text("app: A\nservices: {web: {image: nginx:1, prot: 1}}\nunknown: 1\n")
    done = run()
    assert done.exit_code == PlanError.exit_code
    assert done.output.count(": error: ") == 3
    assert done.output.endswith("docs/plan.md describes every key; see there: app, services\n3 errors\n")


def test_the_plan_above_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "shipway.yaml").write_text("app: A\n")
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert "shipway.yaml:1:6: error: app" in run().output


def test_another_file(folder: Path) -> None:
    (folder / "other.yaml").write_text(VALID)
    assert run("--file", "other.yaml").output.startswith("other.yaml is valid")


def test_no_plan(folder: Path) -> None:
    done = run()
    assert isinstance(done.exception, PlanError)
    assert "shipway init" in done.exception.hint


def test_json(folder: Path) -> None:
    (folder / "shipway.yaml").write_text(WARNING)
    told = json.loads(run("--json").output)
    assert told["valid"] is True
    assert [(item["severity"], item["line"], item["path"], item["doc"]) for item in told["problems"]] == [
        ("warning", 4, "accessories.idle", "docs/plan.md#accessories")
    ]


def test_the_schema(folder: Path) -> None:
    assert json.loads(run("--schema").output)["title"].startswith("Shipway plan")


def test_plans_below_the_root_of_their_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "mono", {"apps/shop/shipway.yaml": VALID, "node_modules/x/shipway.yaml": VALID})
    monkeypatch.chdir(root / "apps/shop")
    assert run().exit_code == 0
    monkeypatch.chdir(root)
    assert run().exit_code == 0, "it is the only one"
    (root / "apps/blog").mkdir()
    (root / "apps/blog/shipway.yaml").write_text("app: blog\n")
    assert run("--plan", "apps/shop/shipway.yaml").exit_code == 0
    error = run().exception
    assert isinstance(error, PlanError)
    assert error.message == f"there are 2 plans in {root}:\n  apps/blog/shipway.yaml\n  apps/shop/shipway.yaml"
    assert "pass --plan PATH" in error.hint
