"""A restore brings back all volumes that the snapshot has, also those that the release's own snapshots exclude."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.snapshots.restore import outlook, restore_snapshot
from shipway.domain.container import ContainerSpec
from shipway.domain.mounts import Volume
from shipway.domain.release import RESTORE, SUCCEEDED, Deployment
from shipway.domain.snapshot import Archive, Snapshot
from shipway.testing.memory import Behaviour
from tests.unit.domain import samples
from tests.unit.world import World

VOLUMES = {"media": Volume("media", "/media", snapshot=False), "cache": Volume("cache", "/cache", snapshot=False)}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    release = made.release(1)
    backend = dataclasses.replace(release.plan.services["backend"], volumes=VOLUMES)
    plan = dataclasses.replace(release.plan, services={**release.plan.services, "backend": backend})
    release = made.ledger.add_release(
        dataclasses.replace(release, number=0, revision="f" * 40, tree="other", digest="", plan=plan)
    )
    deploy(made.controller(), DeployRequest(release, samples.STAGING))
    made.ledger.add_snapshot(
        Snapshot(
            "shop", "staging", 0, release.number, "0001", made.now, "ada", "backup x", "x.dump", 70, "sum", {"public.pets": 3},
            {"media": Archive(10, "archive-sum", 2)},
        )
    )  # fmt: skip
    yield made
    made.close()


@pytest.fixture
def jobs(world: World, monkeypatch: pytest.MonkeyPatch) -> list[ContainerSpec]:
    """Containers that handle files of volumes."""
    found: list[ContainerSpec] = []
    create = world.runtime.create

    def kept(spec: ContainerSpec) -> str:
        if any(path.startswith("/volumes/") for path in spec.volumes.values()):
            found.append(spec)
        return create(spec)

    monkeypatch.setattr(world.runtime, "create", kept)
    return found


def of(spec: ContainerSpec) -> tuple[str, list[str]]:
    """The operation and its volumes."""
    mounts = (path for path in spec.volumes.values() if path.startswith("/volumes/"))
    return spec.command[2] if spec.command else "", sorted(path.rpartition("/")[2] for path in mounts)


def test_files_of_a_volume_that_snapshots_exclude_come_back(world: World, jobs: list[ContainerSpec]) -> None:
    assert outlook(world.controller(), "shop", "staging", 1).volumes == (
        "media: all files are replaced by the 2 of the snapshot",
    )
    restore_snapshot(world.controller(), "shop", "staging", 1, "")
    assert [of(spec) for spec in jobs[:4]] == [(what, ["media"]) for what in ("take", "load", "swap", "sweep")]
    assert jobs[1].command is not None
    assert jobs[1].command[-2:] == ("media", "archive-sum")


def test_the_next_process_completes_them(world: World, jobs: list[ContainerSpec]) -> None:
    dead = world.ledger.begin_deployment(
        Deployment(0, "shop", "staging", 2, RESTORE, "ada", "", world.now, goal="0001")
    )
    world.runtime.behave("*_job_snapshot*", Behaviour((f"shipway-there shipway_before_{dead}",), exit_code=0))
    with exclusive_access(world.controller(), "shop", "staging", "a test"):
        pass
    done = next(item for item in world.ledger.deployments("shop", "staging") if item.id == dead)
    assert done.outcome == SUCCEEDED
    assert [of(spec) for spec in jobs][:2] == [("swap", ["cache", "media"]), ("sweep", ["cache", "media"])]
