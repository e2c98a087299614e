"""The newest revision is asked for where settings find the variables that they read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shipway.actions.environment.jobs import head_revision
from shipway.domain.container import ContainerSpec
from shipway.testing.memory import Behaviour
from tests.unit.world import World


@dataclasses.dataclass(frozen=True)
class Asking:
    """A tool whose settings need a container to be asked."""

    run: Callable[[Sequence[str]], tuple[int, str]]

    def head(self) -> str:
        return self.run(["python", "manage.py", "heads"])[1]


def test_the_plans_variables_are_there(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.runtime.behave("shop_schema_*", Behaviour(("0007",), exit_code=0))
    seen: list[ContainerSpec] = []
    create: Callable[[ContainerSpec], str] = world.runtime.create

    def created(spec: ContainerSpec) -> str:
        seen.append(spec)
        return create(spec)

    world.runtime.create = created  # type: ignore[method-assign]

    def tool(database: Any, *, run: Any, client: Any, files: Any, kind: str) -> Any:
        return Asking(run)

    release = world.release(1)
    images: Mapping[str, str] = release.images
    assert head_revision(dataclasses.replace(world.controller(), tool=tool), release.plan, images, {}) == "0007"
    (spec,) = seen
    assert spec.env["KEY"] == "placeholder"
    assert spec.env["DATABASE_URL"] == "postgresql://shop:placeholder@nowhere.invalid:5432/shop"
    assert dict(spec.networks) == {}
