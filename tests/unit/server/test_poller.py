"""Repositories are asked side by side: one that hangs keeps neither the others nor the end waiting."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from shipway.actions.runs.polling import add_poll
from shipway.server import poller
from shipway.server.poller import Poller
from tests.unit.system.repositories import git, neutral, repository
from tests.unit.world import World

pytestmark = [pytest.mark.usefixtures("neutral"), pytest.mark.counterpart]
__all__ = ["neutral"]


@pytest.mark.parametrize("hanging", [1, 3])
def test_one_that_hangs_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hanging: int) -> None:
    """It is asked by SSH, whose program never answers. As many others as are asked at once, and one more."""
    started, hang = tmp_path / "started", tmp_path / "hang"
    hang.write_text(f"#!/bin/sh\necho $$ >>{started}\nexec sleep 3600\n")
    hang.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(hang))
    monkeypatch.setattr(poller, "AT_ONCE", hanging + 1)
    monkeypatch.setattr(poller, "LOOK", 0.05)
    ctx = World(tmp_path).controller()
    work = repository(tmp_path / "work")
    for number in range(hanging):
        add_poll(ctx, f"a{number}", f"ssh://git@forge.example/{number}.git", 10.0)
    for name in ("b", "c"):
        add_poll(ctx, name, f"file://{work}", 10.0)
    ctx.ledger._db.query("UPDATE polls SET asked = 0")  # type: ignore[attr-defined]
    over = threading.Event()
    thread = threading.Thread(target=Poller(ctx).run, args=(over,))
    thread.start()
    try:
        for _ in range(1200):
            known = {item.name: item.refs for item in ctx.ledger.polls()}
            begun = started.read_text().split() if started.exists() else []
            if known["b"] and known["c"] and len(begun) == hanging:
                break
            over.wait(0.05)
        head = git(work, "rev-parse", "HEAD").strip()
        assert known["b"] is not None
        assert head in known["b"].values()
        assert known["c"] == known["b"]
    finally:
        over.set()
        thread.join(60)
    assert not thread.is_alive()
    assert len(begun) == hanging
    for process in begun:
        for _ in range(600):  # it was ended, which a busy machine does later
            if _is_dead(process):
                break
            threading.Event().wait(0.05)
        assert _is_dead(process), Path(f"/proc/{process}/stat").read_text()
    assert all(not item.problem for item in ctx.ledger.polls()), "that it was ended is no problem of the repository"


def _is_dead(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    return ") Z" in Path(f"/proc/{process}/stat").read_text()
