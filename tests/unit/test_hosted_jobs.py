"""What a command leaves behind in a job of a CI platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.services import open_services
from shipway.system import background
from tests.unit.world import Notes


@pytest.mark.parametrize("hosted", [True, False])
def test_no_process_outlives_the_command_in_a_hosted_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosted: bool
) -> None:
    """The job removes the environment that Shipway is installed in: a process that still starts would write into it."""
    started: list[tuple[str, ...]] = []
    monkeypatch.setattr(background, "start_in_background", lambda *arguments: started.append(arguments))
    monkeypatch.setenv("CI", "true" if hosted else "")
    with open_services(tmp_path, tmp_path / "ledger.db", lambda text: None) as services:
        services.context(Notes([]), "ada").retire_later("shop", "staging")
    expected = ("--home", str(tmp_path), "retire", "staging", "--app", "shop", "--when-due")
    assert started == ([] if hosted else [expected])
