"""The gate between a push and an environment, over a real git and a world in memory: what gives way, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shipway.actions.deployments.admission import admitted, refused_before, still_in_force
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.projects.accept_rules import accept_rules
from shipway.actions.runs.run import what_deploys
from shipway.domain.errors import GateRefused
from shipway.domain.plan import Approvals
from shipway.domain.release import FAILED, SUCCEEDED, SUPERSEDED, Approval, Deployment
from shipway.domain.rules import InForce, RuleSet
from tests.unit.actions.deployments.host_deployment import PRODUCTION, STAGING, HostDeployment, place, text
from tests.unit.domain import samples
from tests.unit.system.test_git import git

__all__ = ["place"]


def test_an_older_commit_gives_way_and_nothing_else_does(place: HostDeployment) -> None:
    first, second = place.commit("A"), place.commit("B")
    place.runs(second, FAILED)
    assert place.superseded(first) == "", "where B failed, A still deploys"
    place.runs(second)
    assert place.superseded(first) == f"staging has newer commits, and release 2 of {second[:12]} already runs there"
    assert place.superseded(second) == ""
    git(place.path, "revert", "--no-edit", "HEAD")
    assert place.superseded("HEAD") == "", "a revert is a newer commit"
    git(place.path, "reset", "--quiet", "--hard", first)
    assert place.superseded(first) == "", "a forced push back"


def test_a_tag_must_still_point_to_the_commit(place: HostDeployment) -> None:
    first, second = place.commit("A"), place.commit("B")
    git(place.path, "tag", "v1", first)
    assert place.superseded(first, "refs/tags/v1") == ""
    git(place.path, "tag", "--force", "v1", second)
    with pytest.raises(GateRefused, match=f"the tag v1 now points to {second[:12]}"):
        place.superseded(first, "refs/tags/v1")
    git(place.path, "tag", "--delete", "v1")
    with pytest.raises(GateRefused, match="the tag v1 was deleted"):
        place.superseded(first, "refs/tags/v1")


def test_what_gives_way_is_recorded_and_changes_nothing(place: HostDeployment) -> None:
    world = place.world
    order = DeployRequest(world.release(1), samples.STAGING, superseded=lambda ctx: "a newer one runs")
    before = world.state()
    assert deploy(world.controller(), order) is None
    assert world.state() == before
    (found,) = world.ledger.deployments("shop", "staging")
    assert (found.outcome, found.detail) == (SUPERSEDED, "a newer one runs")
    assert "staging: release 1 is superseded and was not deployed: a newer one runs" in world.notes


def test_rules_that_changed_while_it_waited_are_met_or_it_is_refused(place: HostDeployment) -> None:
    release = place.runs(place.commit("A"))
    rules = InForce("staging", RuleSet("main", "protected", "staging", release.plan))
    order = DeployRequest(release, release.plan.environments["staging"], in_force=rules)
    still_in_force(place.ctx, order)
    strict = replace(release.plan.environments["staging"], approvals=Approvals(2))
    other = replace(
        rules, protected=replace(rules.protected, plan=replace(release.plan, environments={"staging": strict}))
    )
    with pytest.raises(GateRefused, match="a release with other rules was deployed"):
        still_in_force(place.ctx, replace(order, in_force=other))


def test_an_approval_is_of_what_the_deployment_changes_when_it_begins(place: HostDeployment) -> None:
    asked = {"on": {"branch": "main"}, "url": "http://localhost:8080", "approvals": {"count": 1, "not": "author"}}
    git(place.path, "switch", "--quiet", "main")
    first = place.runs(place.commit("zero again", text(production=asked)), environment="production")
    git(place.path, "commit", "--quiet", "--allow-empty", "--message", "by eve", "--author", "Eve <eve@example.org>")
    (place.path / "name").write_text("eve's")
    git(place.path, "commit", "--quiet", "--all", "--amend", "--no-edit")
    place.runs(git(place.path, "rev-parse", "HEAD").strip(), environment="production")
    last = place.runs(place.commit("last"), FAILED)
    place.ctx.ledger.add_approval(
        Approval("shop", "production", last.number, last.digest, "eve@example.org", "", place.ctx.clock())
    )
    book, commit = place.book(), place.repository.commit("HEAD")
    order = admitted(place.ctx, commit, "shop", book, book.of(place.ctx, "production"), "refs/heads/main")
    still_in_force(place.ctx, order)
    record = Deployment(0, "shop", "production", first.number, "rollback", "ada", "", place.ctx.clock())
    place.ctx.ledger.end_deployment(place.ctx.ledger.begin_deployment(record), SUCCEEDED, place.ctx.clock(), None, "")
    with pytest.raises(
        GateRefused, match=r"the approval of eve@example\.org, an author of the release, does not count"
    ):
        still_in_force(place.ctx, order)


def test_rules_that_all_wait_for_a_branch_come_before_rules_of_which_some_do(place: HostDeployment) -> None:
    on = {"on": {"branch": "main"}, "url": "http://localhost:8080"}
    git(place.path, "switch", "--quiet", "main")
    place.runs(place.commit("before", text(production=on, staging=STAGING)), environment="production")
    place.commit("after", text(production=PRODUCTION, staging={**STAGING, "on": {"branch": "main"}}))
    found = place.book().triggered(place.ctx, place.plan(), "refs/heads/main")
    assert found is not None
    assert found.environment == "staging", "production's release that runs waits for it, the protected branch doesn't"


def test_nothing_is_built_for_what_would_be_refused(place: HostDeployment) -> None:
    evil = place.commit("evil", text(staging={**STAGING, "hosts": ["ssh://evil.example"]}, production=PRODUCTION))
    book = place.book()
    found = book.triggered(place.ctx, place.plan(), "refs/heads/staging")
    assert found is not None
    with pytest.raises(GateRefused) as caught:
        refused_before(book, found, place.repository.commit(evil), place.plan(), "refs/heads/staging")
    assert "hosts ssh://evil.example: not in the rules in force" in caught.value.message
    assert "hosts  ssh://evil.example" in caught.value.message
    assert "shipway rules accept staging staging --reason TEXT" in caught.value.hint


def test_a_commit_without_the_database_does_not_escape_its_proof(place: HostDeployment) -> None:
    database = {"db": {"image": "postgres:15", "provides": "DATABASE_URL", "volume": "/var/lib/postgresql/data"}}
    proven = {**json.loads(text(staging=STAGING, production=PRODUCTION)), "accessories": database}
    proven["database"] = {"accessory": "db", "service": "web", "tool": "sql", "folder": "migrations"}
    git(place.path, "switch", "--quiet", "main")
    place.runs(place.commit("proven", json.dumps(proven)), environment="production")
    revision = place.commit("dropped", text(staging=STAGING, production=PRODUCTION))
    git(place.path, "tag", "v2")
    place.runs(revision)
    commit = place.repository.commit(revision)

    def admit() -> DeployRequest:
        book = place.book()
        return admitted(place.ctx, commit, "shop", book, book.of(place.ctx, "production"), "refs/tags/v2")

    with pytest.raises(GateRefused) as caught:
        admit()
    assert "but this plan has no `database` (a rule of release 1, which runs there)" in caught.value.message
    assert "prove  off          required on db, by sql of web, folder migrations" in caught.value.message
    assert "shipway rules accept production v2 --reason TEXT" in caught.value.hint
    accept_rules(place.ctx, place.book(), place.plan(), "production", "no rows are kept any more")
    assert admit().release.number == 2


def test_validation_in_every_environment_that_a_rule_set_names(place: HostDeployment) -> None:
    revision = place.commit("A")
    git(place.path, "branch", "--force", "main", revision)
    git(place.path, "tag", "v1")
    place.runs(revision, FAILED)
    book, commit = place.book(), place.repository.commit(revision)
    with pytest.raises(GateRefused, match="was not validated on staging") as refused:
        admitted(place.ctx, commit, "shop", book, book.of(place.ctx, "production"), "refs/tags/v1")
    assert refused.value.hint == "shipway deploy staging v1; then: shipway deploy production v1"
    assert refused.value.message.endswith("not validated on staging")
    place.runs(revision)
    order = admitted(place.ctx, commit, "shop", book, book.of(place.ctx, "production"), "refs/tags/v1")
    assert (order.release.number, order.version) == (2, "v1")


def test_what_a_refused_commit_lacks_is_named_as_commands(place: HostDeployment) -> None:
    def hint(revision: str, ref: str = "refs/heads/main") -> str:
        book, commit = place.book(), place.repository.commit(revision)
        with pytest.raises(GateRefused) as refused:
            admitted(place.ctx, commit, "shop", book, book.of(place.ctx, "production"), ref)
        return f"{refused.value.message.splitlines()[-1].strip()}: {refused.value.hint}"

    git(place.path, "switch", "--quiet", "main")
    good = place.commit("A")
    assert hint(good).endswith(
        ": shipway run main; then: shipway deploy staging main; then: shipway release; then: shipway deploy production TAG"
    )
    git(place.path, "tag", "v1")
    built = ": shipway run staging, once staging has this commit; then: shipway deploy production v1"
    assert hint(good, "refs/tags/v1").endswith(built)  # the run of the tag itself builds nothing
    git(place.path, "tag", "--delete", "v1")
    place.runs(good)
    assert hint(good).endswith("has no tag: shipway release; then: shipway deploy production TAG")
    place.runs(newer := place.commit("B"), FAILED)
    assert hint(newer) == (
        f"- release 2 has this tree but was not validated on staging; release 1 of {good[:12]} was: "
        "shipway deploy staging main; then: shipway release; then: shipway deploy production TAG"
    )


def test_a_branch_that_deploys_nothing_is_told_what_does(place: HostDeployment) -> None:
    assert (
        what_deploys(place.plan(), "refs/heads/main")
        == "main deploys no environment; triggers: staging (branch staging), production (tag 'v*', branch main)"
    )
