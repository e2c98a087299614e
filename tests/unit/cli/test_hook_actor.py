"""Who pushed, for the hook: a person only if the server or a token proves it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.actions.people.manage import add_person
from shipway.actions.people.tokens import create_token
from shipway.app import open_context
from shipway.cli import cli
from shipway.cli.output import TerminalReporter
from shipway.system.login import login
from tests.unit.actions.people.team import ADA


def test_a_claimed_name_is_not_recorded_as_the_pusher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[tuple[str | None, str, int]] = []

    def run_pushed(*given: object, actor: str | None, person: str, token: int, protected: str | None) -> None:
        found.append((actor, person, token))

    monkeypatch.setattr("shipway.actions.runs.pushed.run_pushed", run_pushed)
    for name in ("SHIPWAY_TOKEN", "SHIPWAY_VIA"):
        monkeypatch.delenv(name, raising=False)
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "shop.git")], check=True)
    monkeypatch.chdir(tmp_path / "shop.git")
    home = tmp_path / "home"

    def pushed() -> tuple[str | None, str, int]:
        done = CliRunner().invoke(cli, ["--home", str(home), "hook"], input=f"{'0' * 40} {'a' * 40} refs/heads/main\n")
        assert done.exit_code == 0, done.output
        return found.pop()

    monkeypatch.setenv("SHIPWAY_ACTOR", ADA)
    assert pushed() == (ADA, "", 0)
    with open_context(home, TerminalReporter(silent=True), actor="reader") as ctx:
        add_person(ctx, None, ADA)
        token = create_token(ctx, None, ADA, "test", ["run"], 1).secret
    assert pushed() == (login().casefold(), "", 0)
    monkeypatch.setenv("SHIPWAY_VIA", "git push by HTTP")
    assert pushed() == (login().casefold(), login().casefold(), 0)  # who has no role
    monkeypatch.setenv("SHIPWAY_TOKEN", token)
    assert pushed() == (ADA, ADA, 1)
    monkeypatch.delenv("SHIPWAY_ACTOR")
    assert pushed()[0] is None
