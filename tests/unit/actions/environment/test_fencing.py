"""A controller that is paused while another one takes over can change nothing when it wakes up."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from shipway import ports
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.locks import READS, TTL
from shipway.context import Context
from shipway.domain.errors import ShipwayError
from shipway.domain.release import FAILED
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


class Pausing:
    """A runtime of a controller that sleeps at its `at`-th look at a container, while something else happens."""

    def __init__(self, runtime: Any, at: int, meanwhile: Any) -> None:
        self._runtime, self._left, self._meanwhile = runtime, at, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def find(self, container: str) -> Any:
        found = self._runtime.find(container)
        self._left -= 1
        if self._left == 0:
            self._meanwhile()
        return found


@pytest.mark.parametrize("at", [1, 4, 8])
def test_a_paused_controller_wakes_up_too_late(tmp_path: Path, at: int) -> None:
    world = World.deployed(tmp_path, STAGING, 1)
    paused, other = world.release(2), world.release(3)

    def meanwhile() -> None:
        world.now += TTL + 1
        deploy(world.controller(), DeployRequest(other, STAGING))
        after.append(world.state())

    after: list[object] = []
    ctx = world.controller()
    ctx = with_runtime(ctx, Pausing(ctx.runtime, at, meanwhile))
    with pytest.raises(ShipwayError, match="lock of shop/staging was lost"):
        deploy(ctx, DeployRequest(paused, STAGING))
    assert after == [world.state()]
    assert world.serving() == {3}
    settled = {item.release: item.outcome for item in world.ledger.deployments("shop", "staging")}
    assert settled[2] == FAILED


def with_runtime(ctx: Context, runtime: Any) -> Context:
    return dataclasses.replace(ctx, machine=dataclasses.replace(ctx.machine, runtime=runtime))


LEDGER = {
    ports.RunLedger: "begin_run begin_step end_run end_step",
    ports.ReleaseLedger: "add_evidence add_release restore_release",
    ports.DeploymentLedger: "add_snapshot begin_deployment end_deployment",
    ports.ScheduleLedger: "begin_scheduled claim_scheduled end_scheduled",
    ports.DecisionLedger: "accept_rules add_approval add_waiver register",
    ports.SecretLedger: "add_secret add_secret_origin replace_property set_once",
    ports.LeaseLedger: "acquire free renew",
    ports.OwnershipLedger: "add_adoptions replace_property set_once",
    ports.OperationLedger: "begin_operation end_operation",
    ports.RenamingLedger: "rename",
    ports.LaunchLedger: "add_launch_record",
    ports.PurgeLedger: "begin_purge decide_purge save_purge",
    ports.BackupLedger: "begin_backup copy_to record_backup",
    ports.EventLedger: "forget_events",
    ports.PeopleLedger: "add_grant add_person add_token remove_grant remove_person replace_hash revoke_token set_password use_token",
    ports.SignInLedger: "add_link add_session begin_attempt end_attempt end_session see_session set_totp use_code use_link use_recovery_code",
    ports.WebhookLedger: "add_received add_webhook forget_received remove_webhook",
    ports.PollLedger: "add_poll remove_poll claim_poll record_poll fail_poll",
    ports.PreviewLedger: "want_preview record_preview see_preview forget_preview",
    ports.WaitingLedger: "add_hold add_waiting begin_waiting end_waiting judge_waiting",
    ports.OutboxLedger: "add_notification claim_message drop end_message forget_messages forget_news put_off remove_forge_token remove_notification set_forge_token tell wake",
    ports.QueueLedger: "enqueue claim_push end_push forget_pushes",
    ports.ProvisionLedger: "begin_provision end_provision",
    ports.AuditLedger: "add_entry",
    ports.InsightLedger: "",
    ports.ProvenanceLedger: "add_image_build add_image_sbom add_image_signature add_signing_key revoke_signing_key",
    ports.SingleTestLedger: "add_tests",
}
CHANGES = {
    ports.Runtime: "attach claim connect create disconnect ensure_network execute prioritize put remove remove_leftovers remove_network remove_volume rename session set_aliases start stop",
    ports.Cluster: "destroy prepare remove remove_job rest run_job share start switch",
    ports.Edge: "ensure maintain remove switch trim visit",
    **LEDGER,
    ports.Ledger: " ".join(["reserve", *LEDGER.values()]),
}


@pytest.mark.parametrize("port", CHANGES, ids=lambda port: port.__name__)
def test_each_method_changes_something_or_is_a_read(port: type) -> None:
    methods = {name for name in dir(port) if not name.startswith("_")}
    changes = set(CHANGES[port].split())
    assert not changes & READS, "it would be done under a lease that was lost"
    assert methods - READS == changes, "say whether it changes something: here, or in READS"
