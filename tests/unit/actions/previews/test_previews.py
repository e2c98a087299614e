"""Previews in memory: what is wanted comes about, and a commit decides nothing about it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.actions.deployments.admission import admitted
from shipway.actions.previews.bring_about import bring_about, due
from shipway.actions.previews.clone import masks_of
from shipway.actions.previews.sleeping import PAGE
from shipway.actions.previews.view import seen
from shipway.actions.previews.wishes import extend, want_closed
from shipway.actions.proofs.prove import find_release
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.insights import last_environment
from shipway.domain.errors import GateRefused, PreviewFull, SecretError, UsageError
from shipway.domain.plan import Host, Plan, Proving
from shipway.domain.platform import SWARM
from shipway.domain.preview import CLOSED, OPEN, Preview, derived, environment_name, number_of
from shipway.domain.previews import Previews
from shipway.domain.queue import Push
from shipway.system.git import Repository
from tests.unit.actions.deployments.host_deployment import parse_plan
from tests.unit.actions.previews.place import ADDRESS, Place, place, plan
from tests.unit.domain.test_rules_kinds import FULL as WHOLE
from tests.unit.system.test_git import git

__all__ = ["place"]


def test_it_is_made_updated_and_closed(place: Place) -> None:
    first = place.made()
    assert (first.state, first.release, place.serves()) == ("ready", 1, 1)
    assert first.ends > place.ctx.ledger.now() + 6.9 * 86400
    assert [item.url for item in seen(place.ctx, "shop")] == ["http://pr-7.shop.example"]
    place.do(place.want(place.commit("two")))
    assert (place.known().release, place.serves()) == (2, 2)
    assert due(place.ctx) == []
    place.do(want_closed(place.ctx, place.known(), "done"))
    assert not any(place.left().values()), place.left()
    assert [item.kind for item in place.ctx.ledger.deployments("shop", "pr-7")] == ["destroy", "deploy", "deploy"]
    with pytest.raises(UsageError, match="no preview of pull request 7"):
        place.known()


def test_a_push_ends_the_hold_after_a_rollback(place: Place) -> None:
    place.made()
    place.do(place.want(place.commit("two")))
    rollback(place.world.controller(), "shop", "pr-7", RollbackRequest())
    assert place.serves() == 1
    place.do(place.want(place.commit("three")))
    assert (place.known().state, place.serves()) == ("ready", 3)


def test_a_release_of_a_preview_is_none_of_another_environment(place: Place) -> None:
    place.made()
    [release] = place.ctx.ledger.releases("shop")
    assert list(release.plan.environments) == ["pr-7"]
    with pytest.raises(UsageError, match="has no release"):
        find_release(place.ctx, "shop", None)
    with pytest.raises(UsageError, match="nothing of shop was deployed yet"):
        last_environment(place.ctx, "shop")
    with pytest.raises(GateRefused, match="no release was built from the tree"):
        place_admitted(place)


def place_admitted(place: Place) -> None:
    git(place.path, "branch", "--force", "staging", "feature")
    book = place.book()
    admitted(place.ctx, place.repository.commit(place.head), "shop", book, book.of(place.ctx, "staging"))


def test_the_protected_plan_decides(place: Place) -> None:
    """Its name, its end and its secrets; and a reach beyond the environment that it copies is refused."""
    place.ctx.secrets.set("shop/staging", "KEY", "staging-key")
    place.do(place.want(place.commit("greedy", plan(domain="pr-{number}.evil.example", keep="99d", secrets=["KEY"]))))
    assert (place.serves(), place.serves("pr-7.evil.example")) == (1, None)
    assert place.known().ends < place.ctx.ledger.now() + 8 * 86400
    assert place.ctx.secrets.get("shop/pr-7", "KEY") not in (None, "staging-key")
    with pytest.raises(GateRefused, match="hosts ssh://elsewhere"):
        place.do(place.want(place.commit("elsewhere", plan(like={"hosts": ["ssh://elsewhere"]}))))
    assert (place.known().state, place.serves()) == ("failed", 1)
    assert "hosts ssh://elsewhere" in place.known().problem
    wide = json.loads(plan())
    wide["services"]["web"]["security"] = {"capabilities": ["SYS_PTRACE"]}
    with pytest.raises(GateRefused, match="security web"):
        place.do(place.want(place.commit("wide", json.dumps(wide))))
    with pytest.raises(GateRefused, match="access"):  # by which it would get the secret
        place.do(place.want(place.commit("users", plan(like={"access": {"users": "KEY"}, "secrets": []}))))
    assert place.ctx.secrets.get("shop/pr-7", "KEY") != "staging-key"
    place.do(place.want(place.commit("good", plan())))
    assert (place.known().state, place.known().problem) == ("ready", "")


def test_secrets_are_copied_only_if_the_protected_plan_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    place = Place(tmp_path, plan(secrets=["KEY"]))
    place.ctx.secrets.remove("shop/staging", "KEY")
    with pytest.raises(SecretError, match="staging lacks 1 secret that previews get: KEY"):
        place.made()
    place.ctx.secrets.set("shop/staging", "KEY", "staging-key")
    place.made()
    assert place.ctx.secrets.get("shop/pr-7", "KEY") == "staging-key"
    place.ctx.secrets.set("shop/staging", "KEY", "a newer staging-key")  # it was rotated since
    git(place.path, "switch", "--quiet", "main")
    place.commit("no more", plan())
    git(place.path, "switch", "--quiet", "feature")
    place.do(place.want(place.commit("again")))
    assert place.ctx.secrets.get("shop/pr-7", "KEY") not in (None, "staging-key")
    place.world.close()


def test_who_told_of_a_pull_request_knows_no_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    without = json.loads(plan())
    del without["previews"]
    place = Place(tmp_path, json.dumps(without))
    place.do(place.want(place.commit("own", plan())))
    assert place.ctx.ledger.previews() == []
    assert place.ctx.ledger.releases("shop") == []
    place.world.close()


def test_a_commit_that_is_gone_or_of_another_app(place: Place) -> None:
    with pytest.raises(GateRefused, match="is not in the repository"):
        place.do(place.want("b" * 40))
    assert due(place.ctx) == []
    other = json.loads(plan()) | {"app": "pets"}
    with pytest.raises(GateRefused, match="is of the app pets"):
        place.do(place.want(place.commit("other", json.dumps(other))))


def test_it_ends_unless_a_push_or_a_person_renews_it(place: Place) -> None:
    ends = place.made().ends
    extend(place.ctx, place.known(), 30 * 86400.0)
    place.world.now = ends + 5
    assert due(place.ctx) == []
    place.world.now = place.known().ends + 5
    place.tick()
    assert not any(place.left().values())


def test_the_one_that_slept_longest_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    place = Place(tmp_path, plan(most=2))
    place.made(1)
    place.made(2)
    with pytest.raises(PreviewFull, match="2 previews may stand at a time, and none of these sleeps: pr-1, pr-2"):
        place.made(3)
    assert place.known(3).state == "creating"
    place.world.now += 3700
    place.tick()  # sends them to sleep; and then there is room
    place.tick()
    assert [item.number for item in place.ctx.ledger.previews()] == [2, 3]
    assert (place.serves("pr-1.shop.example"), place.serves("pr-3.shop.example")) == (None, place.known(3).release)
    place.world.close()


def test_it_sleeps_and_the_next_request_wakes_it(place: Place) -> None:
    place.made()
    place.world.now += 3000
    place.serves()
    place.world.now += 3000
    place.tick()
    assert place.known().state == "ready", "somebody has asked for it since"
    place.world.now += 3700
    place.tick()
    assert place.known().state == "asleep"
    [web] = place.world.runtime.containers.values()
    assert not web.info.running
    place.tick()
    assert place.known().state == "asleep"
    assert place.world.edge.request(*ADDRESS, "/") == (None, PAGE)
    place.tick()
    assert (place.known().state, place.serves()) == ("ready", 1)
    place.world.now += 3700
    place.tick()
    place.do(place.known(), force=True)
    assert (place.known().state, place.serves()) == ("ready", 1)
    place.world.now += 3700
    place.tick()
    place.do(place.want(place.commit("two")))
    assert (place.known().state, place.serves()) == ("ready", 2)
    place.world.now += 3700
    place.tick()
    place.do(want_closed(place.ctx, place.known(), "done"))
    assert not any(place.left().values())


def test_it_waits_for_the_run_of_its_push(place: Place) -> None:
    place.want()
    push = Push("key", str(place.path), "", "refs/heads/feature", "0" * 40, place.head, "", "a test", "", 1.0)
    added = place.ctx.ledger.enqueue(push)
    assert due(place.ctx) == []
    place.ctx.ledger.claim_push("here", ("here", ""), 60.0)
    claimed = place.ctx.ledger.push(added.id)
    assert claimed is not None
    place.ctx.ledger.end_push(claimed, "succeeded", "")
    assert [item.number for item in due(place.ctx)] == [7]


def test_a_newer_push_and_the_end_of_the_pull_request_come_first(place: Place) -> None:
    """What was wanted when it began is not deployed if something newer is wanted by then."""
    first, newer = place.want(), place.commit("newer")
    fetched = 0

    def opened(preview: Preview) -> Repository:
        nonlocal fetched
        fetched += 1
        if fetched == 1:
            place.want(newer)
        return place.repository

    bring_about(place.world.controller(), first, opened, parse_plan)
    assert place.known().done == newer
    [served] = place.ctx.ledger.deployments("shop", "pr-7")
    found = place.ctx.ledger.release("shop", served.release)
    assert found is not None
    assert found.revision == newer

    def closing(preview: Preview) -> Repository:
        want_closed(place.ctx, place.known(), "closed")
        return place.repository

    bring_about(place.world.controller(), place.want(place.commit("last")), closing, parse_plan)
    assert not any(place.left().values())


# what is derived


def test_nothing_of_the_other_environment_is_reached(place: Place) -> None:
    previews = replace(WHOLE.previews or Previews("", ""), like="production", domain="pr-{number}.example")
    made = derived(WHOLE, previews, 12)
    assert list(made.environments) == ["pr-12"]
    [where] = made.environments.values()
    assert where.url == "https://pr-12.example"
    nothing = (None, (), {}, False, 0.0)
    for key in (
        "after",
        "aliases",
        "domains",
        "redirects",
        "dns",
        "infra",
        "cdn",
        "secrets_from",
        "backups",
        "schedules",
        "freeze",
        "prove",
    ):
        assert getattr(where, key) in nothing, key
    assert where.approvals.count == 0
    assert all(volume.folder is None for item in made.services.values() for volume in item.volumes.values())
    assert all(item.external is None and item.published is None for item in made.accessories.values())
    assert all(item.prove is None for item in made.pipeline.values())
    assert made.previews is None
    assert where.seed is None, "the clone is in its place"
    hosts = (Host("ssh://one"), Host("ssh://two"))
    swarm = replace(WHOLE.environments[previews.like], platform=SWARM, hosts=hosts)
    alone = derived(replace(WHOLE, environments={previews.like: swarm}), previews, 12).environments["pr-12"]
    assert (alone.platform, [host.name for host in alone.hosts]) == ("", ["ssh://one"])  # not all nodes are its hosts
    kept = derived(WHOLE, replace(previews, data="seed"), 12).environments["pr-12"]
    assert kept.seed == WHOLE.environments["production"].seed


def test_names() -> None:
    assert environment_name(12) == "pr-12"
    assert [number_of(name) for name in ("pr-12", "pr-0", "pr-x", "staging", "pr-012")] == [12, None, None, None, None]


def test_no_data_without_a_mask() -> None:
    bare = Plan("shop", {})
    with pytest.raises(GateRefused, match="never cloned without a mask"):
        masks_of(bare, Previews("staging", "pr-{number}.x", data="production"))
    both = masks_of(
        replace(bare, prove=Proving(mask=("first",))), Previews("s", "d", data="production", mask=("then",))
    )
    assert both == ("first", "then")


def test_states() -> None:
    made = Preview("shop", 7, "feature", "a", OPEN, "ada", 0.0)
    assert made.state == "creating"
    assert replace(made, done="a").state == "ready"
    assert replace(made, done="a", asleep=True).state == "asleep"
    assert replace(made, done="a", problem="x").state == "failed"
    assert replace(made, done="a", wanted=CLOSED).state == "closing"
