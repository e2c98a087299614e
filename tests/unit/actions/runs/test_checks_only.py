"""A run of checks alone, as of a pull request, has no secrets: it goes on without the registry's credentials."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.runs.run import _registry
from shipway.domain.errors import SecretError
from shipway.domain.plan import Plan
from shipway.domain.registry_access import RegistryAccess
from tests.unit.domain.samples import PLAN
from tests.unit.world import World

WITH = dataclasses.replace(PLAN, registry=RegistryAccess("registry.example/shop", "ci", "PASSWORD"))


def registry(plan: Plan) -> Any:
    if plan.registry and plan.registry.password:
        raise SecretError("the registry's PASSWORD is not set")
    return plan.registry


def test_checks_go_on_without_credentials(tmp_path: Path) -> None:
    world = World(tmp_path)
    ctx = dataclasses.replace(world.controller(), registry=registry)
    found: Any = _registry(ctx, WITH, None)
    assert found == RegistryAccess("registry.example/shop")
    assert world.notes == ["checks only, without the registry's credentials: the registry's PASSWORD is not set"]


def test_a_release_needs_them(tmp_path: Path) -> None:
    ctx = dataclasses.replace(World(tmp_path).controller(), registry=registry)
    with pytest.raises(SecretError):
        _registry(ctx, WITH, "staging")


def test_another_failure_is_none_of_the_registry(tmp_path: Path) -> None:
    def fails(plan: Plan) -> Any:
        raise SecretError("SHIPWAY_REGISTRY_AUTH can't be read")

    ctx = dataclasses.replace(World(tmp_path).controller(), registry=fails)
    with pytest.raises(SecretError, match="can't be read"):
        _registry(ctx, PLAN, None)
