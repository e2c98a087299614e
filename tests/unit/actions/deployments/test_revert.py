"""What a failing deployment undoes: each step runs whatever the others raised, and what wasn't wholly undone stays pending."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.domain.errors import DeployFailed, EngineError, ShipwayError
from shipway.domain.proof import NO_EVIDENCE, RESTORED
from shipway.domain.release import FAILED, PENDING, SUCCEEDED, Deployment
from shipway.system.parallel import attempt_all
from shipway.testing.faults import Fault, broken_pipe, with_reporter
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves."""
    return World.deployed(tmp_path, STAGING, 1)


def newest(world: World) -> Deployment:
    return world.ledger.deployments("shop", "staging")[0]


def test_a_stop_that_times_out_in_a_rollback_does_not_skip_the_revert(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = world.release(2, "0002")
    deploy(world.controller(), DeployRequest(two, STAGING))
    one = world.ledger.release("shop", 1)
    assert one is not None
    world.proven(two, one, old=NO_EVIDENCE, way=RESTORED)
    stop = world.runtime.stop

    def silent(name: str, grace: float) -> None:
        if "_2-" in name:
            raise EngineError("Docker was silent for too long")
        stop(name, grace)

    monkeypatch.setattr(world.runtime, "stop", silent)
    with pytest.raises(EngineError, match="Docker was silent for too long"):
        rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert (world.serving(), world.database.applied) == ({1}, ["0001"])
    assert (newest(world).outcome, newest(world).schema) == (SUCCEEDED, "0001")
    assert "Docker was silent" in newest(world).detail


def test_when_both_fail_both_are_told_and_the_ledger_has_the_schema_that_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = world.release(2, "0003")
    deploy(world.controller(), DeployRequest(three, STAGING))
    one = world.ledger.release("shop", 1)
    assert one is not None
    world.proven(three, one, old=NO_EVIDENCE, way=RESTORED)

    def silent(name: str, grace: float) -> None:
        raise EngineError("Docker was silent for too long")

    monkeypatch.setattr(world.runtime, "stop", silent)
    world.database.fail("revert", at=2, error=ShipwayError("the second script fails"))
    with pytest.raises(EngineError, match=r"Docker was silent for too long; and .*the second script fails"):
        rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert (world.serving(), world.database.applied) == ({1}, ["0001", "0002"])
    assert (newest(world).outcome, newest(world).schema) == (SUCCEEDED, "0002")


@pytest.mark.parametrize("error", [TypeError("a bug"), MemoryError(), SystemExit(3), EngineError("once")])
def test_an_error_of_any_class_in_one_step_skips_no_other(world: World, error: BaseException) -> None:
    world.runtime.behave("shop_staging_backend_2-*", Behaviour(healthy=False))
    world.runtime.fail("remove", error=error)  # what started is removed first
    with pytest.raises(DeployFailed):
        deploy(world.controller(), DeployRequest(world.release(2, "0002"), STAGING))
    assert (newest(world).outcome, world.database.applied) == (PENDING, ["0001"])
    assert any(
        "the deployment stays pending: the next command completes it or rolls it back" in note for note in world.notes
    )
    with exclusive_access(world.controller(), "shop", "staging", "the next command"):
        pass
    assert (newest(world).outcome, world.serving()) == (FAILED, {1})
    assert not [name for name in world.state()["containers"] if "_2-" in name]  # type: ignore[attr-defined]


def test_a_reader_that_goes_breaks_nothing(world: World) -> None:
    gone = Fault(1, broken_pipe, for_good=True)
    deploy(with_reporter(world.controller(), gone), DeployRequest(world.release(2, "0002"), STAGING))
    assert gone.calls > 10
    assert (newest(world).outcome, world.serving(), world.database.applied) == (SUCCEEDED, {2}, ["0001", "0002"])


def test_all_steps_are_attempted_and_an_interrupt_ends_them() -> None:
    done: list[Any] = []

    def fails(error: BaseException) -> Any:
        def step() -> None:
            done.append(error)
            raise error

        return step

    with pytest.raises(EngineError, match=r"^one; and two$"):
        attempt_all(fails(EngineError("one")), fails(ValueError("two")), lambda: done.append("three"))
    assert done[2:] == ["three"]
    with pytest.raises(KeyboardInterrupt):
        attempt_all(fails(EngineError("one")), fails(KeyboardInterrupt()), lambda: done.append("not reached"))
    assert "not reached" not in done


def test_what_is_taken_back_is_said_with_its_reason(world: World) -> None:
    world.runtime.behave("*_2-*", Behaviour(exit_code=1))
    with pytest.raises(DeployFailed, match="it exited with code 1"):
        deploy(world.controller(), DeployRequest(world.release(2), STAGING))
    (said,) = [note for note in world.notes if note.startswith("rolling back")]
    assert "it exited with code 1" in said
    assert "DeployFailed" not in said
    assert "release 1 is serving" in world.notes
