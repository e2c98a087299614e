"""A full disk of the machine that the command runs on is an error in words."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
from pathlib import Path

import pytest

import shipway.cli
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.domain.errors import DiskFull
from shipway.domain.release import Release
from shipway.system.locks import exclusive
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


def full(*args: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_it_has_the_exit_code(number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fills(**options: object) -> None:
        raise OSError(number, "No space left on device", "/home/ada/ledger.db")

    monkeypatch.setattr(shipway.cli.cli, "main", fills)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    with pytest.raises(SystemExit) as caught:
        shipway.cli.main()
    assert caught.value.code == DiskFull.exit_code
    assert "no space left on this machine's disk: /home/ada/ledger.db" in capsys.readouterr().err


def test_other_errors_of_the_system_are_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**options: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(shipway.cli.cli, "main", fails)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    with pytest.raises(OSError, match="Input/output"):
        shipway.cli.main()


def test_a_lock_is_taken_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwrite", full)
    with exclusive(tmp_path / "lock", "the edge"):
        assert (tmp_path / "lock").exists()


def with_assets(world: World, number: int) -> Release:
    made = world.release(number)
    services = {name: dataclasses.replace(item, assets="/assets") for name, item in made.plan.services.items()}
    return world.ledger.add_release(
        dataclasses.replace(made, number=0, plan=dataclasses.replace(made.plan, services=services), digest="")
    )


def test_a_rollback_goes_without_what_needs_new_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    first, second = with_assets(world, 1), with_assets(world, 2)
    for release in (first, second):
        deploy(world.controller(), DeployRequest(release, STAGING))
    monkeypatch.setattr("shipway.actions.deployments.host.share_assets", full)
    third = with_assets(world, 3)
    with pytest.raises(OSError, match="No space left"):
        deploy(world.controller(), DeployRequest(third, STAGING))
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert world.serving() == {first.number}
    assert any(
        "is rolled back without the other release's assets: [Errno 28] No space left on device" in note
        for note in world.notes
    )
