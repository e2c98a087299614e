"""What is shown of launches: generated passwords, where an unfinished one is, and the last system test."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from click.testing import Result as Result_

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.cli import cli
from shipway.cli.json_outputs import schema
from shipway.cli.launch import _shown
from shipway.context import Context
from shipway.domain.errors import DeployFailed
from shipway.domain.launch import LaunchRecord
from shipway.domain.record import to_data
from shipway.domain.release import Evidence
from shipway.domain.system_test import FAILED, KIND, PASSED, Result, SystemTest
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


def test_a_password_is_shown_on_a_terminal_only(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _shown("ADMIN_PASSWORD", "very-random-value", "staging")
    assert capfd.readouterr().out == (
        "ADMIN_PASSWORD was generated; `shipway secret export staging ADMIN_PASSWORD` prints it\n"
    )
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _shown("ADMIN_PASSWORD", "very-random-value", "staging")
    assert "very-random-value" in capfd.readouterr().out


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Release 1 serves, and the system test of its launch failed."""
    made = World(tmp_path / "world")

    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield made.controller()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shipway.app.open_context", opened)
    deploy(made.controller(), DeployRequest(made.release(1), STAGING))
    failed = LaunchRecord("shop", "staging", "system test", "failed", 1, "1 passed, 1 failed", "ada", made.clock())
    made.ledger.add_launch_record(failed)
    results = (Result("service web", PASSED, "200"), Result("load", FAILED, "too slow", "more replicas"))
    test = SystemTest("shop", "staging", STAGING.url, 1, "v1", made.clock(), 1.0, results)
    data = json.dumps(to_data(test))
    made.ledger.add_evidence(Evidence("shop", 1, "staging", KIND, test.headline, False, data, made.clock()))
    yield made
    made.close()


def shipway(*args: str) -> Result_:
    return CliRunner().invoke(cli, [*args, "--app", "shop"])


def test_status_says_where_an_unfinished_launch_is(world: World) -> None:
    assert (
        "the launch is unfinished, at system test: 1 passed, 1 failed; `shipway launch staging` goes on"
        in shipway("status").output
    )
    opened = LaunchRecord("shop", "staging", "open", "succeeded", 1, "", "ada", world.clock())
    world.ledger.add_launch_record(opened)
    assert "the launch" not in shipway("status").output


def test_status_says_which_certificate_expires(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    soon = world.clock() + 5 * 86400
    monkeypatch.setattr("shipway.actions.upkeep.status.expiries", lambda ctx, where: {"shop.example": soon})
    assert "the certificate of shop.example expires in 5 days" in shipway("status").output
    monkeypatch.setattr("shipway.actions.upkeep.status.expiries", lambda ctx, where: {"shop.example": soon + 1e7})
    assert "expires" not in shipway("status").output


def test_the_last_system_test_is_shown_and_fails(world: World, tmp_path: Path) -> None:
    done = shipway("system-test", "staging", "--last", "--html", str(tmp_path / "report.html"))
    assert isinstance(done.exception, DeployFailed)
    assert "✗ load" in done.output
    assert "→ more replicas" in done.output
    assert "too slow" in (tmp_path / "report.html").read_text()
    found = json.loads(shipway("system-test", "staging", "--last", "--json").stdout)
    jsonschema.validate(found, schema("system-test"))
    assert found["results"][1]["outcome"] == "failed"
