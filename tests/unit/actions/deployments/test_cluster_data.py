"""A cluster keeps data that a release did not bring, and what it fails to change in the release that serves is undone."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest, decide
from shipway.actions.operations.adjust import scale
from shipway.actions.operations.rotate import rotate
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.destroy import destroy
from shipway.domain.errors import DeployFailed, UsageError
from shipway.domain.release import RESTART, SUCCEEDED
from shipway.testing.memory_cluster import MemoryCluster
from tests.unit.actions.deployments.test_cluster import STAGING, ClusterWorld, world

__all__ = ["world"]


def test_a_first_release_that_fails_leaves_no_data_that_it_made(world: ClusterWorld) -> None:
    world.cluster.troubles[1] = "no node has a place for it"
    with pytest.raises(DeployFailed, match="no node"):
        world.deploy(1)
    assert world.cluster.observe().releases == ()
    assert world.cluster.kept == (False, False)


def test_data_that_was_there_survives_a_first_release_that_fails(world: ClusterWorld) -> None:
    world.deploy(1)
    (world._folder / "other").mkdir()
    other = ClusterWorld(world._folder / "other")
    other.cluster = world.cluster
    other.secrets(other.ledger).set("shop/staging", "KEY", "secret-key")
    other.cluster.troubles[1] = "CrashLoopBackOff"
    with pytest.raises(DeployFailed):
        other.deploy(1)
    assert other.cluster.kept == (True, True)


def test_files_that_destroy_has_kept_survive_a_first_release_that_fails(world: ClusterWorld) -> None:
    world.deploy(1)
    destroy(world.controller(), world.ledger.release("shop", 1).plan, STAGING)  # type: ignore[union-attr]
    assert world.cluster.observe().volumes == ("files",)
    world.cluster.troubles[2] = "CrashLoopBackOff"
    with pytest.raises(DeployFailed):
        world.deploy(2)
    assert world.cluster.observe().volumes == ("files",)
    assert world.cluster.observe().stored == ()  # the database that the release brought
    assert "the data of files is kept in claims" in "\n".join(world.notes)


def test_data_without_its_accessory_survives_a_first_release_that_fails(world: ClusterWorld) -> None:
    """As where the first deployment before was rolled back by the process after one that died."""
    world.deploy(1)
    world.cluster.destroy(stores=False, volumes=False)
    (world._folder / "other").mkdir()
    other = ClusterWorld(world._folder / "other")
    other.cluster = world.cluster
    other.secrets(other.ledger).set("shop/staging", "KEY", "secret-key")
    other.cluster.troubles[1] = "CrashLoopBackOff"
    with pytest.raises(DeployFailed):
        other.deploy(1)
    state = other.cluster.observe()
    assert (state.accessories, state.stored, state.volumes) == ((), ("db",), ("files",))


def test_a_secret_is_rotated(world: ClusterWorld) -> None:
    world.deploy(1)
    world.secrets(world.ledger).set("shop/staging", "KEY", "another")
    same = DeployRequest(world.ledger.release("shop", 1), STAGING)  # type: ignore[arg-type]
    replaced = decide(world.controller(), same).parts[0].changeset.of("container", "replace")
    assert [item.cause for item in replaced] == ["KEY changed; its pods are replaced one by one"]
    rotate(world.controller(), "shop", "staging")
    assert {ref.version: value for ref, value in world.cluster.secrets.items() if ref.name == "KEY"}[2] == "another"
    assert world.cluster.observe().serves(1)
    assert world.outcomes()[0] == (RESTART, 1, SUCCEEDED)


def test_what_fails_to_change_the_release_that_serves_is_undone(world: ClusterWorld) -> None:
    world.deploy(1)
    world.cluster.troubles[1] = "no node has a place for it"
    with pytest.raises(DeployFailed):
        scale(world.controller(), "shop", "staging", {"worker": 3})
    replicas = {item.service: item.replicas for item in world.cluster.observe().standing}
    assert replicas == {"frontend": 1, "backend": 1, "worker": 1}
    world.secrets(world.ledger).set("shop/staging", "KEY", "wrong")
    with pytest.raises(DeployFailed):
        rotate(world.controller(), "shop", "staging")
    assert {ref.version for ref in world.cluster.started(1).secrets if ref.name == "KEY"} == {1}
    del world.cluster.troubles[1]
    scale(world.controller(), "shop", "staging", {"worker": 3})
    assert {item.service: item.replicas for item in world.cluster.observe().standing}["worker"] == 3


@pytest.mark.parametrize("back", [False, True])
def test_another_cluster_is_not_filled_with_a_release_that_runs_elsewhere(world: ClusterWorld, back: bool) -> None:
    """As where somebody has changed the current context of kubeconfig."""
    world.deploy(1)
    world.deploy(2)
    right, world.cluster = world.cluster, MemoryCluster()

    def change(**more: Any) -> None:
        request = RollbackRequest(reason="slow", force=bool(more))
        rollback(world.controller(), "shop", "staging", request) if back else world.deploy(3, **more)

    with pytest.raises(
        UsageError, match="the current context of kubeconfig leads to memory, which has nothing"
    ) as said:
        change()
    assert "--force" in said.value.hint
    assert world.cluster.calls == []
    change(force=True)
    assert world.cluster.observe().serves(1 if back else 4)
    assert right.observe().serves(2)


def test_a_database_that_does_not_start_in_its_new_image_gets_the_old_one_back(world: ClusterWorld) -> None:
    """Also where the release that serves would not notice."""
    world.deploy(1)
    world.cluster.ill = {"postgres:16"}
    newer = world.release(2, "0001", STAGING, image="postgres:16")
    with pytest.raises(DeployFailed, match="postgres:16"):
        deploy(world.controller(), DeployRequest(newer, STAGING, force=True))
    assert world.cluster.images == ["postgres:15"]
    assert world.cluster.observe().serves(1)
    assert world.cluster.calls[-1] == "accessories_healthy"  # and it is waited for; nothing else is changed
