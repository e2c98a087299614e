"""Who acts: as given, else by SHIPWAY_ACTOR, else by git, else this machine's user."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shipway.domain.errors import UsageError
from shipway.system.actor import PROOFS, actor_of
from shipway.system.background import start_in_background
from shipway.system.login import login


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHIPWAY_ACTOR", raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")


def test_each_source_precedes_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert actor_of(None) == login().casefold()
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert actor_of(None) == login().casefold()
    subprocess.run(["git", "-C", tmp_path, "config", "user.email", "Git@example.org"], check=True)
    assert actor_of(None) == "git@example.org"
    monkeypatch.setenv("SHIPWAY_ACTOR", "ci+1@example.org")
    assert actor_of(None) == "ci@example.org"
    assert actor_of("Ada <Ada@Example.org>") == "ada@example.org"


def test_a_blank_name_is_an_error() -> None:
    with pytest.raises(UsageError):
        actor_of(" ")


def test_what_goes_on_in_the_background_acts_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof ends; a command that is started later would be refused with it."""
    given: list[dict[str, str]] = []
    monkeypatch.setattr("subprocess.Popen", lambda command, env, **more: given.append(env))
    for name in PROOFS:
        monkeypatch.setenv(name, "x")
    start_in_background("retire", "staging")
    assert set(PROOFS) & set(given[0]) == set()
    assert "PATH" in given[0]
