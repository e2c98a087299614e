"""`shipway secret` in a folder with a plan."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shipway.cli import Globals
from shipway.cli.secret import secret
from shipway.domain.errors import ShipwayError


def home_of(plan: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of Ada's, in a folder that has the plan and is the working directory."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SHIPWAY_ACTOR", "ada@example.org")
    (folder / "shipway.yaml").write_text(plan)
    return folder / "home"


def run_secret(home: Path, *words: str, value: bytes = b"") -> Result:
    """A command below `shipway secret` that succeeds. ShipwayError where it doesn't."""
    done = CliRunner().invoke(secret, words, input=value, obj=Globals(str(home), None, False))
    if isinstance(done.exception, ShipwayError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done
