"""What is launched is behind a page until it is opened: on each host, by each command, at each moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy, execute
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.launches import steps
from shipway.actions.upkeep.destroy import destroy
from shipway.domain.errors import DeployFailed, StepFailed
from shipway.domain.rules import InForce, RuleSet
from shipway.system.git import Repository
from shipway.testing.faults import Death, Killed
from shipway.testing.memory import Behaviour
from tests.unit.actions.deployments.host_deployment import parse_plan
from tests.unit.actions.launches.place import HOST, PORT, Place, change, place, seen_at, states, two

__all__ = ["place", "two"]


def test_it_stays_closed_until_the_system_test_passes(place: Place) -> None:
    place.passes = False
    with pytest.raises(DeployFailed, match="1 failed") as caught:
        place.launch()
    assert "shipway launch staging" in caught.value.hint
    assert place.seen(place.world) == "page"
    assert place.world.edge.request(HOST, PORT, "/", inside=True)[0] == 1, "the test gets past it"
    place.passes = True
    done = states(place.launch())
    assert (done["deployment"], done["system test"], done["open"]) == ("done", "succeeded", "succeeded")
    assert place.seen(place.world) == "site"


@pytest.mark.parametrize(
    "url", [f'"url": "http://new.localhost:{PORT}"', f'"aliases": ["new.localhost"], "url": "http://{HOST}:{PORT}"']
)
def test_a_corrected_name_is_behind_the_page_too_at_each_moment(
    place: Place, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.passes = False
    with pytest.raises(DeployFailed, match="1 failed"):
        place.launch()
    change(place, f'"url": "http://{HOST}:{PORT}"', url)
    edge, seen = place.world.edge, set[str]()

    def watched(method: Callable[..., None]) -> Callable[..., None]:
        def call(*given: object) -> None:
            method(*given)
            seen.update((seen_at(place.world, HOST), seen_at(place.world, "new.localhost")))

        return call

    with monkeypatch.context() as patch:
        for name in ("maintain", "switch"):
            patch.setattr(edge, name, watched(getattr(edge, name)))
        with pytest.raises(DeployFailed, match="1 failed"):
            place.launch()
    assert "page" in seen
    assert "site" not in seen
    assert seen_at(place.world, "new.localhost") == "page"
    place.passes = True
    place.launch()
    assert seen_at(place.world, "new.localhost") == "site"


def test_its_page_keeps_out_whom_access_keeps_out_from_the_first_moment(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(place, '"on": {', '"access": {"allow": ["198.51.100.0/24"]}, "on": {')
    edge, seen = place.world.edge, list[int]()

    def watched(method: Callable[..., None]) -> Callable[..., None]:
        def call(*given: object) -> None:
            method(*given)
            seen.append(edge.ask(HOST, PORT, "/").status)

        return call

    for name in ("maintain", "switch"):
        monkeypatch.setattr(edge, name, watched(getattr(edge, name)))
    place.launch()
    assert seen == [403, 403, 403], "the page, the routes, and the end of the page"


def test_what_was_deployed_since_the_test_stays_closed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a push, while the first backup was taken."""

    def meanwhile(step: object) -> str:
        release = replace(place.world.ledger.releases("shop")[0], number=0, run=2, digest="", tree="another")
        again = place.world.ledger.add_release(release)
        environment = again.plan.environments["staging"]
        deploy(place.world.controller(), DeployRequest(again, replace(environment, environment={"A": "b"})))
        return "taken"

    monkeypatch.setattr(steps.FirstBackup, "needed", lambda step: "there is none")
    monkeypatch.setattr(steps.FirstBackup, "run", meanwhile)
    with pytest.raises(DeployFailed, match="it did not run for this deployment") as caught:
        place.launch()
    assert caught.value.hint == "shipway launch staging"
    assert place.seen(place.world) == "page"


def test_a_further_host_is_behind_the_page_too(two: Place) -> None:
    change(two, '["local", "ssh://b"]', '["local"]')
    two.passes = False
    with pytest.raises(DeployFailed, match="1 failed"):
        two.launch()
    two.text = (two.path / "shipway.yaml").read_text()
    change(two, '["local"]', '["local", "ssh://b"]')
    with pytest.raises(DeployFailed, match="1 failed"):
        two.launch()
    assert [two.seen(two.world, host) for host in ("local", "ssh://b")] == ["page", "page"]


@pytest.mark.every_point
def test_two_hosts_open_both_whenever_it_is_killed(two: Place) -> None:
    hosts = ("local", "ssh://b")
    counting = Death(0, after=False)
    two.launch(two.world.copy(two.folder / "count"), dies=counting)
    for at in range(counting.effects - 12, counting.effects + 1):
        world = two.world.copy(two.folder / f"world-{at}")
        with pytest.raises(Killed):
            two.launch(world, dies=Death(at, after=False))
        world.now += 60.0
        two.launch(world)
        assert [two.seen(world, host) for host in hosts] == ["site", "site"], at
        world.close()


def test_another_command_deploys_behind_the_page_too(place: Place) -> None:
    """As a push does, after the deployment of a launch was taken back."""
    place.world.runtime.behave("*_job_*", Behaviour(exit_code=1))
    with pytest.raises(StepFailed):
        place.launch()
    place.world.runtime.behave("*_job_*", Behaviour(exit_code=0))
    (release,) = place.world.ledger.releases("shop")
    deploy(place.world.controller(), DeployRequest(release, release.plan.environments["staging"]))
    assert place.seen(place.world) == "page"
    place.launch()
    assert place.seen(place.world) == "site"
    destroy(place.world.controller(), release.plan, release.plan.environments["staging"], volumes=True)
    deploy(place.world.controller(), DeployRequest(release, release.plan.environments["staging"]))
    assert place.seen(place.world) == "site", "destroyed since: nobody launches it"


SETTINGS = {"launch": {"index": False}}


def pushed(place: Place, launch_settings: dict[str, Any], *, rules: dict[str, Any] | None = None) -> None:
    """Deploy a release as a push does, without a launch, by rules that may differ."""
    text = json.loads(place.text)
    text["environments"]["staging"] |= launch_settings
    commit = replace(Repository(place.path).commit("HEAD"), tree=f"tree{len(place.world.ledger.releases('shop'))}")
    place.plan = parse_plan(json.dumps(text), "shipway.yaml", None)
    build: Any = steps.build
    build(place.world.controller(), None, commit, place.plan)
    (release,) = place.world.ledger.releases_of("shop", commit.tree)
    protected = json.loads(place.text)
    protected["environments"]["staging"] |= rules if rules is not None else launch_settings
    rule_set = RuleSet("main", "protected", "staging", parse_plan(json.dumps(protected), "shipway.yaml", None))
    order = DeployRequest(release, place.plan.environments["staging"], in_force=InForce("staging", rule_set))
    execute(place.world.controller(), order)


@pytest.mark.parametrize(("own", "rules"), [(SETTINGS, SETTINGS), (SETTINGS, {}), ({}, SETTINGS)])
def test_what_is_to_be_launched_is_deployed_behind_the_page_by_a_push_too(
    place: Place, own: dict[str, Any], rules: dict[str, Any]
) -> None:
    """Also by a commit that drops the settings: those of the rules count."""
    pushed(place, own, rules=rules)
    assert place.seen(place.world) == "page"
    assert "shipway launch staging tests and opens it" in "\n".join(place.world.notes)
    (record,) = [item for item in place.world.ledger.launch_records("shop", "staging") if item.step != "seed"]
    assert (record.step, record.outcome) == ("deployment", "pending")
    pushed(place, own, rules=rules)
    assert place.seen(place.world) == "page", "the next push opens it as little"


def test_a_launch_opens_what_a_push_deployed(place: Place) -> None:
    change(place, '"url"', '"launch": {"index": false}, "url"')
    place.text = (place.path / "shipway.yaml").read_text()
    pushed(place, {})
    assert place.seen(place.world) == "page"
    assert states(place.launch())["open"] == "succeeded"
    assert place.seen(place.world) == "site"
    pushed(place, {})
    assert place.seen(place.world) == "site", "it is launched: pushes deploy as usual"


def test_what_already_serves_gets_no_page(place: Place) -> None:
    pushed(place, {})
    assert place.seen(place.world) == "site"
    pushed(place, SETTINGS)
    assert place.seen(place.world) == "site"
    release = place.world.ledger.releases("shop")[0]
    destroy(place.world.controller(), release.plan, release.plan.environments["staging"], volumes=True)
    pushed(place, SETTINGS)
    assert place.seen(place.world) == "page", "after a destroy it is to be launched again"
