"""Commits of a repository elsewhere that can't be fetched at the moment: a forge does not tell of them twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.actions.runs.queue import work_on
from shipway.domain.errors import RepositoryError
from shipway.domain.release import FAILED
from shipway.testing.ledger.queue import pushed
from tests.unit.domain.samples import PLAN
from tests.unit.world import World


@pytest.mark.parametrize("failures", [1, 3, 9])
def test_a_fetch_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    ctx = World(tmp_path).controller()
    tried = list[str]()

    def mirror(home: Path, address: str) -> Path:
        tried.append(address)
        if len(tried) <= failures:
            raise RepositoryError("the forge is away")
        return tmp_path

    monkeypatch.setattr("shipway.actions.runs.queue.mirror", mirror)
    monkeypatch.setattr("shipway.actions.runs.queue.PAUSES", (0.0, 0.0, 0.0), raising=False)
    ctx.ledger.enqueue(pushed("a", place=""))
    claimed = ctx.ledger.claim_push("w", ("",), 60)
    assert claimed is not None
    outcome = work_on(ctx, claimed, lambda *given: PLAN, lambda ctx, error: None)
    assert len(tried) == min(failures + 1, 4)
    found = ctx.ledger.push(claimed.id)
    assert found is not None
    assert (outcome == FAILED and "the forge is away" in found.note) == (failures > 3)
