"""Images that are at fault: what can't be executed, and what would not run the plan's command."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.domain.errors import DeployFailed, EngineError, NotRunnable
from shipway.domain.release import Release
from shipway.steps.container import NOT_RUN, capture
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

OCI = 'OCI runtime create failed: runc create failed: unable to start container process: exec: "./start.sh": permission denied: unknown'


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Nothing is deployed."""
    return World(tmp_path)


def test_what_can_not_be_executed_is_a_bad_release_and_no_lost_engine(world: World) -> None:
    world.runtime.fail("start", at=2, error=NotRunnable(OCI))  # the first is the database
    with pytest.raises(DeployFailed, match=r"can't be started: \./start\.sh isn't executable") as failed:
        deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    assert failed.value.exit_code == 13
    assert "chmod" in failed.value.hint
    assert world.ledger.deployments("shop", "staging")[0].detail.startswith(("frontend", "backend"))


def test_what_a_log_says_is_explained_by_the_file(world: World) -> None:
    world.runtime.behave(
        "*_frontend_*",
        Behaviour(
            ("exec ./start.sh: no such file or directory",),
            exit_code=1,
            files={"/app/start.sh": b"#!/bin/sh\r\nrun\r\n"},
        ),
    )
    with pytest.raises(DeployFailed, match="CRLF") as failed:
        deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    assert "gitattributes" in failed.value.hint


def test_a_step_whose_image_has_no_shell_has_failed_with_127(world: World) -> None:
    ctx = world.controller()
    release = world.release(1)
    world.have(*release.images.values())
    world.runtime.fail("start", error=NotRunnable('exec: "sh": executable file not found in $PATH: unknown'))
    spec = dataclasses.replace(next(iter(_specs(world, release))), name="step")
    code, output = capture(ctx, spec, timeout=5)
    assert code == NOT_RUN
    assert output.startswith("sh isn't in the image; ")
    assert not [name for name in world.runtime.containers if name.startswith("step")]


def test_a_port_that_is_taken_says_how_to_choose_another(world: World) -> None:
    two = dataclasses.replace(
        STAGING,
        hosts=(
            dataclasses.replace(STAGING.hosts[0], address="10.0.0.1"),
            dataclasses.replace(STAGING.hosts[0], name="ssh://b"),
        ),
    )
    both = World(world.controller().home / "both", [host.name for host in two.hosts])
    both.runtime.fail("start", error=EngineError("Bind for 10.0.0.1:20001 failed: port is already allocated"))
    with pytest.raises(EngineError) as failed:
        deploy(both.controller(), DeployRequest(both.release(1, environment=two), two))
    assert "`published:`" in failed.value.hint


@pytest.mark.parametrize(
    ("entrypoint", "script", "warned"),
    [
        (["/bin/sh", "-c", "echo hello; exec serve"], b"", True),
        (["/bin/sh", "-c", 'exec "$@"', "--"], b"", False),
        (["./entry.sh"], b"#!/bin/sh\nexec serve\n", True),
        (["./entry.sh"], b'#!/bin/sh\nexec "$@"\n', False),
        (["/usr/bin/tini", "--", "./x"], b"\x7fELF", False),
        (None, b"", False),
    ],
)
def test_an_entrypoint_that_swallows_the_command(
    world: World, entrypoint: list[str] | None, script: bytes, warned: bool
) -> None:
    release = world.release(1)
    world.images.configs[release.images["worker"]] = {"Entrypoint": entrypoint}
    files = {"/app/entry.sh": script, "/usr/bin/tini": script}
    world.runtime.behave("shipway_entrypoint_*", Behaviour(files=files))
    deploy(world.controller(), DeployRequest(release, STAGING))
    assert any("`command: work --fast" in note and "`entrypoint:`" in note for note in world.notes) is warned
    world.notes.clear()
    again = world.release(2)
    world.images.configs[again.images["worker"]] = {"Entrypoint": entrypoint}
    deploy(world.controller(), DeployRequest(again, STAGING))
    assert not any("`entrypoint:`" in note for note in world.notes)  # once is enough


def _specs(world: World, release: Release) -> list:  # type: ignore[type-arg]
    from shipway.actions.environment.observe import settings
    from shipway.domain.desired import render_desired

    return list(render_desired(release, STAGING, settings(world.controller(), release, STAGING)).web)
