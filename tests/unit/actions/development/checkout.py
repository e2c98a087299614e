"""A checkout of an app that is developed on this machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shipway.actions.development import checkouts
from shipway.actions.development.labels import apart
from shipway.actions.development.session import Session
from shipway.domain.plan import Database, Plan
from shipway.system.git import Repository
from tests.unit.domain import samples
from tests.unit.system.repositories import repository
from tests.unit.world import World

FILES = {
    "shipway.yaml": "app: shop\n", "frontend/Dockerfile": "FROM a\n", "backend/Dockerfile": "FROM a\n", "backend/app.py": "1\n",
    "backend/migrations/0001.py": "1\n",
}  # fmt: skip
PLAN = dataclasses.replace(samples.PLAN, database=Database("db", "backend", "memory", "0001"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path_of(tmp_path, "world"), waits=True)
    yield made
    made.close()


def tmp_path_of(path: Path, name: str) -> Path:
    (path / name).mkdir()
    return path / name


@pytest.fixture
def opened(world: World, tmp_path: Path) -> Callable[..., Session]:
    root = repository(tmp_path / "work", FILES)

    def session(plan: Plan = PLAN, *only: str) -> Session:
        folder, state = checkouts.enter(tmp_path, "shop", root, "shipway.yaml")
        ctx = world.controller()
        ctx = dataclasses.replace(ctx, home=folder, machine=apart(ctx.machine))
        return Session(ctx, state, plan, Repository.find(root), only)

    return session
