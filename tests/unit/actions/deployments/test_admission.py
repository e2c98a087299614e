"""The gate between a push and an environment, over a real git and a world in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from shipway.actions.deployments.admission import admitted, refused_before, still_in_force, superseded_by
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.projects.accept_rules import accept_rules
from shipway.actions.projects.in_force import Rulebook, read_rules
from shipway.actions.projects.register import register_again
from shipway.actions.runs.run import what_deploys
from shipway.context import Context
from shipway.domain.errors import GateRefused, RepositoryError, UsageError
from shipway.domain.plan import Approvals, Plan
from shipway.domain.release import FAILED, SUCCEEDED, SUPERSEDED, Approval, Deployment, Release
from shipway.domain.rules import InForce, RuleSet
from shipway.planfile import parse
from shipway.system.git import Repository
from tests.unit.domain import samples
from tests.unit.system.repositories import committed, copied, new_model
from tests.unit.system.test_git import git
from tests.unit.world import World

STAGING = {"on": {"branch": "staging"}, "url": "http://staging.localhost:8080"}
PRODUCTION = {"on": {"tag": "v*", "branch": "main"}, "after": "staging", "url": "http://localhost:8080"}


def text(**environments: object) -> str:
    return json.dumps({"app": "shop", "services": {"web": {"image": "caddy:2"}}, "environments": environments})


@cache
def parsed(given: str, file: str = "shipway.yaml") -> Plan:
    """Each text once: most tests have the same few."""
    return parse(given, file, files=lambda path: True)


def parse_plan(given: str, file: str, exists: object) -> Plan:
    return parsed(given, file)


def commit(path: Path, name: str, plan: str | None = None) -> str:
    if plan is not None:
        (path / "shipway.yaml").write_text(plan)
    (path / "name").write_text(name)
    git(path, "add", ".")
    git(path, "commit", "--quiet", "--allow-empty", "--message", name)
    return committed(path)


class HostDeployment:
    """A repository without a remote, on main with a plan of staging and production, and a ledger."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder / "world")
        self.path = copied(self.model(), folder / "work")
        self.repository = Repository(self.path)
        self.ctx: Context = self.world.controller()

    @staticmethod
    @cache
    def model() -> Path:
        """What the repository begins as."""
        made = new_model()
        git(made, "init", "--quiet")
        commit(made, "zero", text(staging=STAGING, production=PRODUCTION))
        git(made, "switch", "--quiet", "--create", "staging")
        return made

    def commit(self, name: str, plan: str | None = None) -> str:
        return commit(self.path, name, plan)

    def plan(self, revision: str = "HEAD") -> Plan:
        return parsed(git(self.path, "show", f"{revision}:shipway.yaml"))

    def book(self, repository: Repository | None = None) -> Rulebook:
        return read_rules(self.ctx, repository or self.repository, self.plan(), parse_plan)

    def runs(self, revision: str, outcome: str = SUCCEEDED, environment: str = "staging") -> Release:
        """A release of the revision was deployed there."""
        tree = git(self.path, "rev-parse", f"{revision}^{{tree}}").strip()
        made = replace(samples.release(), revision=revision, tree=tree, plan=self.plan(revision), digest="")
        made = self.ctx.ledger.add_release(made)
        record = Deployment(0, "shop", environment, made.number, "deploy", "ada", "", self.ctx.clock())
        self.ctx.ledger.end_deployment(self.ctx.ledger.begin_deployment(record), outcome, self.ctx.clock(), None, "")
        return made

    def superseded(self, revision: str, ref: str = "refs/heads/staging") -> str:
        book = self.book()
        commit = self.repository.commit(revision)
        return superseded_by(book, book.of(self.ctx, "staging"), commit, ref, "shop")(self.ctx)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostDeployment]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = HostDeployment(tmp_path)
    yield made
    made.world.close()


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
    def hint(revision: str) -> str:
        book, commit = place.book(), place.repository.commit(revision)
        with pytest.raises(GateRefused) as refused:
            admitted(place.ctx, commit, "shop", book, book.of(place.ctx, "production"), "refs/heads/main")
        return f"{refused.value.message.splitlines()[-1].strip()}: {refused.value.hint}"

    git(place.path, "switch", "--quiet", "main")
    good = place.commit("A")
    assert hint(good).endswith(
        ": shipway run main; then: shipway deploy staging main; then: shipway release; then: shipway deploy production TAG"
    )
    place.runs(good)
    assert hint(good).endswith("has no tag: shipway release; then: shipway deploy production TAG")
    place.runs(newer := place.commit("B"), FAILED)
    assert hint(newer) == (
        f"- release 2 has this tree but was not validated on staging; release 1 of {good[:12]} was: "
        "shipway deploy staging main; then: shipway release; then: shipway deploy production TAG"
    )


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


def test_a_branch_that_deploys_nothing_is_told_what_does(place: HostDeployment) -> None:
    assert (
        what_deploys(place.plan(), "refs/heads/main")
        == "main deploys no environment; triggers: staging (branch staging), production (tag 'v*', branch main)"
    )
