"""Which rules are in force: the protected branch, what stands in for it, and rules that a person has accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.actions.deployments.admission import still_in_force
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.projects.accept_rules import accept_rules
from shipway.actions.projects.register import register_again
from shipway.domain.errors import GateRefused, RepositoryError, UsageError
from shipway.domain.release import FAILED, SUCCEEDED, Deployment, Release
from shipway.system.git import Repository
from tests.unit.actions.deployments.host_deployment import PRODUCTION, STAGING, HostDeployment, place, text
from tests.unit.system.test_git import git

__all__ = ["place"]


@pytest.mark.parametrize(
    ("branches", "protected"),
    [
        (["main", "develop"], "main"), (["develop", "master"], "master"), (["feature", "trunk"], "trunk"), (["only"], "only"),
        (["feature", "other"], None),
    ],
)  # fmt: skip
def test_the_protected_branch_is_never_just_the_one_checked_out(
    place: HostDeployment, branches: list[str], protected: str | None
) -> None:
    git(place.path, "switch", "--quiet", "--create", branches[0]) if branches[0] != "main" else git(
        place.path, "switch", "--quiet", "main"
    )
    for name in branches[1:]:
        git(place.path, "branch", "--force", name)
    for name in {"main", "staging"} - set(branches):
        git(place.path, "branch", "--quiet", "--delete", "--force", name)
    if protected is None:
        with pytest.raises(RepositoryError, match=r"the protected branch of .* is unknown"):
            place.book()
    else:
        assert place.book().registration.branch == protected


def test_the_first_plan_stands_in_until_the_branch_has_one(place: HostDeployment) -> None:
    git(place.path, "switch", "--quiet", "main")
    git(place.path, "rm", "--quiet", "shipway.yaml")
    git(place.path, "commit", "--quiet", "--message", "none")
    git(place.path, "switch", "--quiet", "staging")
    first = place.book()
    assert first.plan == place.plan()
    assert "main has no shipway.yaml yet: until then, the rules of this first plan are in force" in place.world.notes
    place.commit("evil", text(staging={**STAGING, "on": {"branch": "evil"}}, production=PRODUCTION))
    assert place.book().plan == first.plan, "a later plan of a branch doesn't replace it"
    git(place.path, "branch", "--force", "main", "staging")
    assert place.book().source.startswith("main at ")
    git(
        place.path,
        "branch",
        "--force",
        "main",
        git(place.path, "commit-tree", "-m", "gone", git(place.path, "mktree").strip()).strip(),
    )
    gone = place.book()
    assert (gone.plan, gone.problem) == (None, "main has no shipway.yaml")


def test_an_app_of_an_older_ledger_is_registered_by_the_repository_of_its_releases(
    place: HostDeployment, tmp_path: Path
) -> None:
    place.runs(place.commit("A"))
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    (other / "shipway.yaml").write_text(text(staging=STAGING))
    git(other, "add", ".")
    git(other, "commit", "--quiet", "--message", "other")
    with pytest.raises(GateRefused, match="has none of their commits"):
        place.book(Repository(other))
    assert place.ctx.ledger.registration("shop") is None
    found = place.book()
    assert found.registration.address == str(place.path)
    running = found.of(place.ctx, "staging").running
    assert running is not None
    assert running.source == "release 1, which runs there"
    with pytest.raises(GateRefused, match=f"shop is bound to shipway.yaml of {place.path}, but this is"):
        place.book(Repository(other))
    with pytest.raises(UsageError, match="needs a reason"):
        register_again(place.ctx, Repository(other), place.plan(), None, " ")
    assert register_again(place.ctx, Repository(other), place.plan(), None, "moved").address == str(other)


def test_a_commit_can_not_name_another_app_to_be_without_rules(place: HostDeployment) -> None:
    place.commit("evil", text(staging=STAGING, production=PRODUCTION).replace('"shop"', '"fresh"'))
    with pytest.raises(GateRefused, match=f"has `app: fresh`, but the plan on main of {place.path} has `app: shop`"):
        place.book()
    assert place.ctx.ledger.registration("fresh") is None
    git(place.path, "branch", "--force", "main", "staging")
    assert place.book().registration.app == "fresh"
    git(place.path, "branch", "--force", "main", "main@{1}")
    assert place.book().problem == "its shipway.yaml has `app: shop`"


def test_the_baseline_is_the_commit_before_the_plan(place: HostDeployment) -> None:
    assert place.book().registration.baseline == "", "the plan came with the first commit"
    git(place.path, "switch", "--quiet", "--orphan", "old")
    place.commit("years")
    before = place.commit("of work")
    place.commit("a plan", text(staging=STAGING))
    place.commit("more")
    assert register_again(place.ctx, place.repository, place.plan(), "old", "again").baseline == before


def test_accepted_rules_lift_a_plan_that_can_not_be_read(place: HostDeployment) -> None:
    git(place.path, "switch", "--quiet", "main")
    place.commit("broken", "app: [")
    git(place.path, "switch", "--quiet", "staging")
    book = place.book()
    assert book.problem.startswith("its shipway.yaml is not valid")
    assert book.of(place.ctx, "staging").protected.rules is None
    with pytest.raises(UsageError, match="need a reason"):
        accept_rules(place.ctx, book, place.plan(), "staging", "")
    accept_rules(place.ctx, book, place.plan(), "staging", "broken on main")
    assert place.book().of(place.ctx, "staging").protected.rules == place.plan().environments["staging"]
    assert place.book().of(place.ctx, "production").protected.rules is None, "for one environment"
    git(place.path, "branch", "--force", "main", "staging")
    assert place.book().of(place.ctx, "staging").protected.source.startswith("main at ")
    git(place.path, "branch", "--force", "main", "main@{1}")
    assert place.book().of(place.ctx, "staging").protected.rules is None, "it doesn't count again"


def test_accepted_rules_end_with_the_next_release_and_a_rollback_does_not_restore_them(place: HostDeployment) -> None:
    free = {"on": {"branch": "main"}, "url": "http://localhost:8080"}
    git(place.path, "switch", "--quiet", "main")
    strict = text(production={**free, "approvals": {"count": 5}})
    first = place.runs(place.commit("A", strict), environment="production")
    place.commit("the team is smaller", text(production=free))

    def counts() -> set[int]:
        return {environment.approvals.count for _, environment in place.book().of(place.ctx, "production").environments}

    def again(release: Release, kind: str) -> None:
        record = Deployment(0, "shop", "production", release.number, kind, "ada", "", place.ctx.clock())
        place.ctx.ledger.end_deployment(
            place.ctx.ledger.begin_deployment(record), SUCCEEDED, place.ctx.clock(), None, ""
        )

    def order(release: Release) -> DeployRequest:
        return DeployRequest(
            release, release.plan.environments["production"], in_force=place.book().of(place.ctx, "production")
        )

    assert counts() == {0, 5}
    accept_rules(place.ctx, place.book(), place.plan(), "production", "the team is smaller")
    assert counts() == {0}
    again(first, "deploy")
    place.runs(place.commit("fails"), FAILED, "production")
    assert counts() == {0}, "the same release still runs"
    waiting = order(first)
    still_in_force(place.ctx, waiting)
    second = place.runs(place.commit("B", strict), environment="production")
    place.commit("smaller", text(production=free))
    assert counts() == {0, 5}, "the rules of B"
    again(first, "rollback")
    assert counts() == {0, 5}
    with pytest.raises(GateRefused, match="a release with other rules was deployed"):
        still_in_force(place.ctx, waiting)
    accept_rules(place.ctx, place.book(), place.plan(), "production", "still smaller")
    assert counts() == {0}
    again(second, "deploy")
    again(first, "destroy")
    assert counts() == {0}, "nothing runs"
    again(first, "deploy")
    assert counts() == {0, 5}
