"""Commands of migration tools in the containers of a proof."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.container import ContainerSpec
from shipway.domain.plan import Accessory
from shipway.proving.sandbox import open_sandbox
from shipway.proving.server import Server
from shipway.proving.tool_containers import ToolContainers
from shipway.testing.memory import Behaviour
from tests.unit.world import World

HUSH = "hush-hush"


@pytest.mark.parametrize("image", ["tool:1", "postgres:15"])
def test_no_value_is_part_of_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: str) -> None:
    """Other users of the machine can read the commands of all processes."""
    world = World(tmp_path)
    world.have("tool:1")
    world.runtime.behave("*", Behaviour())
    got: list[tuple[Sequence[str], Mapping[str, str]]] = []

    def execute(container: str, command: Sequence[str], **given: Any) -> tuple[int, str]:
        got.append((command, given["environment"]))
        return 0, ""

    monkeypatch.setattr(world.runtime, "execute", execute)
    with open_sandbox(world.controller(), "shop") as sandbox:
        world.runtime.ensure_network("net", {})
        database = Accessory("db", "postgres:15", "postgres")
        server: Any = Server(sandbox, database, HUSH, "server", "net", None, None, None)  # type: ignore[arg-type]
        spec = ContainerSpec("job", image, {}, env={"PGPASSWORD": HUSH, "MODE": "1"})
        tools = ToolContainers(server, 1.0)
        tools.runner(spec)(["psql", "-c", "select 1"])
        tools.runner(dataclasses.replace(spec, env={"PGPASSWORD": f"{HUSH}2", "MODE": "1"}))(["psql"])
    assert [command for command, _ in got] == [["psql", "-c", "select 1"], ["psql"]]
    assert got[1][1]["PGPASSWORD"] == f"{HUSH}2"
    world.close()
