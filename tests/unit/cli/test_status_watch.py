"""`shipway status --watch`: a line for each change, until Ctrl-C."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.environments import KnownApp
from shipway.actions.operations.adjust import restart
from shipway.actions.upkeep.status import EnvironmentStatus
from shipway.cli import cli
from shipway.cli import status as command
from shipway.context import Context
from shipway.domain.container import ContainerInfo
from shipway.domain.errors import EngineError
from shipway.testing.faults import Death, Killed
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

Look = Callable[[KnownApp], list[EnvironmentStatus]]


def watched(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, look: Look, *options: str) -> list[str]:
    """The lines of the command, which looks by `look` until that is interrupted."""

    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield world.controller()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shipway.app.open_context", opened)
    monkeypatch.setattr(command, "_read", look)
    done = CliRunner().invoke(cli, ["--home", str(tmp_path), "status", "--watch", "--app", "shop", *options])
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


@pytest.mark.parametrize("options", [("--json",), ()])
def test_only_changes_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]) -> None:
    world = World.deployed(tmp_path, STAGING, 1)
    second = world.release(2)
    looks = 0
    read = command._read

    def look(known: KnownApp) -> list[EnvironmentStatus]:
        nonlocal looks
        looks += 1
        if looks == 3:
            deploy(world.controller(), DeployRequest(second, STAGING))
        if looks == 5:
            raise KeyboardInterrupt
        return read(known)

    printed = watched(world, monkeypatch, tmp_path, look, *options)
    if options:
        lines = [json.loads(line) for line in printed]
        assert [line["staging"]["current"]["release"] for line in lines] == [1, 2]
    else:
        shown = [line.split()[1] for line in printed if line.startswith("    release ")]
        assert shown == ["1", "2"]


@pytest.mark.parametrize("after", [False, True])
def test_what_a_dead_process_left_is_shown_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    world = World.deployed(tmp_path, STAGING, 1)
    with suppress(Killed):
        restart(world.controller(dies=Death(4, after=after)), "shop", "staging")
    assert [item.kind for item in world.ledger.pending("shop", "staging")] == ["restart"]
    lease = world.ledger.lease("shop/staging")
    assert lease is not None
    world.ledger.free(lease)  # as it is once its process is known to be dead

    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield world.controller()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shipway.app.open_context", opened)

    def shown() -> str:
        return CliRunner().invoke(cli, ["--home", str(tmp_path), "status", "--app", "shop"]).output

    assert "the restart of release 1 is unfinished: the process of controller-" in shown()
    assert "`shipway doctor staging --fix` completes it or rolls it back" in shown()
    with exclusive_access(world.controller(), "shop", "staging", "clean-up"):
        pass
    assert "is unfinished" not in shown()
    assert "the last restart failed: release 1: " in shown()


def test_an_engine_that_restarts_does_not_end_watching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.deployed(tmp_path, STAGING, 1)
    looks, read, real = 0, command._read, world.runtime.list

    def away(*given: object, **more: object) -> list[ContainerInfo]:
        raise EngineError("nothing answers")

    def look(known: KnownApp) -> list[EnvironmentStatus]:
        nonlocal looks
        looks += 1
        if looks == 4:
            raise KeyboardInterrupt
        monkeypatch.setattr(world.runtime, "list", away if looks == 2 else real)
        monkeypatch.setattr(world.runtime, "ping", away if looks == 2 else lambda: None)
        return read(known)

    printed = watched(world, monkeypatch, tmp_path, look, "--json")
    lines = [json.loads(line)["staging"] for line in printed]
    assert [bool(line["away"]) for line in lines] == [False, True, False]
