"""`shipway worker`."""

from __future__ import annotations

from pathlib import Path

from shipway.cli.worker import report
from shipway.domain.errors import UsageError
from tests.unit.world import World


def test_an_error_is_kept_without_marks_of_colours(tmp_path: Path) -> None:
    """What another process prints knows nothing of this one's."""
    world = World(tmp_path)
    report(world.controller(), UsageError("there is no plan", hint="write one"))
    assert world.notes == ["error: there is no plan", "hint: write one"]
