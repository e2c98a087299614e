"""A launch on hosts that come from infrastructure, which it plans."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from shipway.actions.launches import steps
from shipway.actions.launches.launch import launch
from shipway.actions.launches.launching import Launching, LaunchRequest
from shipway.actions.launches.provision import Infrastructure
from shipway.actions.projects.in_force import read_rules
from shipway.actions.provisioning.in_force import Governed
from shipway.actions.provisioning.infra import apply_infra, plan_infra
from shipway.actions.provisioning.outputs import with_outputs
from shipway.domain.errors import DeployFailed, GateRefused, UsageError
from shipway.domain.infra import Output
from shipway.domain.plan import Plan
from shipway.system.git import Repository
from shipway.testing.memory_infra import MemoryInfra
from tests.unit.actions.deployments.host_deployment import parse_plan
from tests.unit.actions.launches.place import Place, place, seeds, states, two
from tests.unit.system.test_git import git

__all__ = ["place", "two"]


class OnInfrastructure:
    """`place` with hosts that come from its infrastructure, in memory."""

    def __init__(self, place: Place, settings: dict[str, Any] | None = None) -> None:
        self.place = place
        self.infra = MemoryInfra({"server.web": "one"}, {"hosts": Output(["local"]), "bucket": Output("a-bucket")})
        given = {"outputs": {"hosts": "hosts"}, **(settings or {})}
        text = json.loads(place.text)
        del text["environments"]["staging"]["hosts"]
        text["environments"]["staging"] |= {"hosts": given["hosts"]} if "hosts" in given else {}
        text["environments"]["staging"]["infra"] = {"tool": "terraform", "folder": "infra", "outputs": given["outputs"]}
        (place.path / "shipway.yaml").write_text(json.dumps(text))
        (place.path / "infra").mkdir()
        (place.path / "infra/main.tf").write_text("")
        git(place.path, "add", ".")
        git(place.path, "commit", "--quiet", "--message", "infrastructure")
        git(place.path, "branch", "--force", "main", "HEAD")
        self.ctx = replace(place.world.controller(), infra=lambda settings, folder: self.infra)

    def parse(self, given: str, file: str, exists: object) -> Plan:
        return with_outputs(self.ctx, parse_plan(given, file, exists))

    def governed(self) -> Governed:
        plan, repository = (
            self.parse((self.place.path / "shipway.yaml").read_text(), "shipway.yaml", None),
            Repository(self.place.path),
        )
        revision = repository.commit("main").revision
        return Governed(self.ctx, plan, plan.environments["staging"], "main", revision, "staging", lambda: repository)

    def request(self) -> LaunchRequest:
        repository, plan = Repository(self.place.path), self.governed().plan

        def rules(record: bool) -> Any:
            return read_rules(self.ctx, repository, plan, self.parse, record=record)

        commit = repository.commit("HEAD")
        return LaunchRequest(
            plan, "staging", repository, commit, "refs/heads/staging", rules, any_address=True, governed=self.governed
        )


def test_hosts_come_from_infrastructure_that_the_launch_plans(place: Place) -> None:
    """A release that was built before them is built again."""
    own = OnInfrastructure(place)
    with pytest.raises(UsageError, match=r"waits for approval:\n\+ server\.web") as caught:
        launch(own.ctx, own.request())
    early = own.request()
    build: Any = steps.build
    build(own.ctx, early.repository, early.commit, early.plan)
    apply_infra(own.governed(), caught.value.hint.split("apply ")[1].split(";")[0])
    with pytest.raises(GateRefused, match=r"- release 1 was built before the infrastructure changed\n") as refused:
        Launching(own.ctx, own.request()).order()
    assert refused.value.hint == "shipway run staging; then: shipway deploy staging staging"
    done = states(launch(own.ctx, own.request()))
    assert (done["release"], done["open"]) == ("succeeded", "succeeded")
    assert place.seen(place.world) == "site"


def test_infrastructure_that_was_destroyed_after_the_launch_is_planned_again(two: Place) -> None:
    own = OnInfrastructure(two)
    apply_infra(own.governed(), plan_infra(own.governed()).digest)
    assert states(launch(own.ctx, own.request()))["open"] == "succeeded"
    assert set(states(launch(own.ctx, own.request())).values()) == {"done"}
    two.world.now += 1
    apply_infra(own.governed(), plan_infra(own.governed(), destroy=True).digest, confirmed="staging")
    two.world.now += 1
    assert Infrastructure(Launching(own.ctx, own.request())).needed() == "it was destroyed after the launch"
    with pytest.raises(UsageError, match=r"waits for approval:\n\+ server\.web") as caught:
        launch(own.ctx, own.request())
    own.infra.results["hosts"] = Output(["ssh://b"])
    apply_infra(own.governed(), caught.value.hint.split("apply ")[1].split(";")[0])
    two.passes = False
    with pytest.raises(DeployFailed, match="1 failed"):
        launch(own.ctx, own.request())
    assert two.seen(two.world, "ssh://b") == "page", "the new hosts are not tested yet"
    two.passes = True
    done = states(launch(own.ctx, own.request()))
    assert (done["infrastructure"], done["system test"], done["open"]) == ("done", "succeeded", "succeeded")
    assert two.seen(two.world, "ssh://b") == "site"
    assert seeds(two.world) == ["pending", "succeeded"] * 2
    assert set(states(launch(own.ctx, own.request())).values()) == {"done"}


def test_infrastructure_without_hosts_leaves_the_rest_launched(place: Place) -> None:
    own = OnInfrastructure(place, {"outputs": {"BUCKET": "bucket"}, "hosts": ["local"]})
    apply_infra(own.governed(), plan_infra(own.governed()).digest)
    launch(own.ctx, own.request())
    place.world.now += 1
    apply_infra(own.governed(), plan_infra(own.governed(), destroy=True).digest, confirmed="staging")
    with pytest.raises(UsageError, match="waits for approval"):
        launch(own.ctx, own.request())
    assert place.seen(place.world) == "site"
    apply_infra(own.governed(), plan_infra(own.governed()).digest)
    assert set(states(launch(own.ctx, own.request())).values()) == {"done"}
    assert seeds(place.world) == ["pending", "succeeded"]


def test_a_launch_that_took_the_hosts_asks_for_another_one(place: Place) -> None:
    own = OnInfrastructure(place)
    own.infra.state, own.infra.outputs_now = dict(own.infra.code), dict(own.infra.results)  # applied elsewhere
    with pytest.raises(UsageError, match="its hosts are known only now") as caught:
        launch(own.ctx, own.request())
    assert caught.value.hint == "launch again: shipway launch staging"
    assert states(launch(own.ctx, own.request()))["open"] == "succeeded"
