"""One instance of a program that migrates when it starts: alone, with limits for its sessions, and always removed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.environment.jobs import database_tool
from shipway.actions.environment.observe import settings
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import MigrationFailed
from shipway.domain.plan import Database
from shipway.domain.release import Release
from shipway.ports import DatabaseTool
from shipway.services import _tool
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.deployed(tmp_path, STAGING, 1)


def migrating(world: World) -> tuple[DatabaseTool, list[ContainerSpec]]:
    """The tool of a release whose program migrates, and what is created from now on."""
    release: Release = world.release(2)
    database = Database("db", "backend", "on-start", lock_timeout=0.5, statement_timeout=60.0)
    release = dataclasses.replace(release, plan=dataclasses.replace(release.plan, database=database))
    world.have(*release.images.values())
    ctx = dataclasses.replace(world.controller(), tool=_tool)
    tool = database_tool(ctx, release, STAGING, settings(ctx, release, STAGING))
    assert tool is not None
    created: list[ContainerSpec] = []
    real = world.runtime.create
    world.runtime.create = lambda spec: created.append(spec) or real(spec)  # type: ignore[method-assign, func-returns-value]
    return tool, created


def test_it_runs_as_the_service_would_and_is_removed(world: World) -> None:
    world.runtime.behave("*_job_start*", Behaviour(("migrated",)))
    before = set(world.runtime.containers)
    tool, created = migrating(world)
    lines: list[str] = []
    tool.up(lines.append)
    (start,) = (spec for spec in created if "_job_start" in spec.name)
    assert start.image.endswith(f"backend@sha256:{2:064d}")
    assert start.env["KEY"] == "secret-key"
    assert start.env["PGOPTIONS"] == "-c lock_timeout=500 -c statement_timeout=60000"
    assert start.labels["shipway.role"] == "job", "the next command removes it, if this process dies"
    assert "migrated" in lines
    assert set(world.runtime.containers) == before


def test_one_that_does_not_become_healthy_is_removed_and_says_why(world: World) -> None:
    world.runtime.behave("*_job_start*", Behaviour(("syntax error at line 1",), healthy=False, exit_code=1))
    before = set(world.runtime.containers)
    tool, created = migrating(world)
    with pytest.raises(MigrationFailed, match="its start failed") as caught:
        tool.up(print)
    assert "syntax error at line 1" in caught.value.message
    assert set(world.runtime.containers) == before
    assert not any(
        "shipway_on_start" in " ".join(spec.command or ()) and "INSERT" in " ".join(spec.command or ())
        for spec in created
    )
