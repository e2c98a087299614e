"""Release rules, rollback targets, the graph, records."""

from __future__ import annotations

import dataclasses
import json

import pytest

from shipway.domain import approvals, gate, graph, history
from shipway.domain.authors import Authors
from shipway.domain.container import ContainerSpec
from shipway.domain.plan import Approvals, Plan
from shipway.domain.record import from_data, to_data
from shipway.domain.release import FAILED, Approval, Release
from tests.unit.domain.samples import PLAN, PRODUCTION, STAGING, deployment, release, settings, wanted

REVISION = "abcdef123456" + "0" * 28


@pytest.mark.parametrize(
    ("tags", "branches", "reasons"),
    [
        (("v1.0.0",), ("main",), []),
        ((), ("main",), ["production takes only revisions with a tag like 'v*'; abcdef123456: it has no tag"]),
        (("nightly",), ("main",), ["production takes only revisions with a tag like 'v*'; abcdef123456: its tags are nightly"]),
        (("v1",), ("feature",), ["production takes only revisions on branch 'main'; abcdef123456: it is on feature"]),
        ((), (), [
            "production takes only revisions with a tag like 'v*'; abcdef123456: it has no tag",
            "production takes only revisions on branch 'main'; abcdef123456: it is on no branch",
        ]),
    ],
)  # fmt: skip
def test_where_a_revision_comes_from(tags: tuple[str, ...], branches: tuple[str, ...], reasons: list[str]) -> None:
    assert gate.refused_source(PRODUCTION, gate.Candidate(REVISION, tags, branches)) == reasons


def approval(actor: str, *, digest: str = "", at: float = 0.0) -> Approval:
    return Approval("shop", "production", 1, digest or release().digest, actor, "", at)


def missing(given: list[Approval], rule: Approvals = PRODUCTION.approvals) -> list[str]:
    authors = Authors()
    authors.name("Ada", "Ada@example.org", "author", "1" * 40)
    return approvals.missing(rule, release(), [approvals.claimed(item) for item in given], authors, now=0.0)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([approval("eve@example.org")], ""),
        (
            [],
            "needs 1 approval by someone other than its authors and has 0; its authors: ada@example.org (author of 111111111111)",
        ),
        ([approval("ADA+x@example.org")], "ADA+x@example.org is an author of it and does not count"),
        ([approval("eve@example.org", digest="sha256:other")], "eve@example.org approved other digests"),
        ([approval("eve@example.org", at=-101.0)], "the approval of eve@example.org has expired"),
    ],
)
def test_approvals(given: list[Approval], reason: str) -> None:
    reasons = missing(given)
    assert (reason in reasons[0]) if reason else reasons == []


@pytest.mark.parametrize("other", ["Eve@x", " eve@x ", "eve+1@x", "Eve <eve@x>"])
def test_the_same_person_counts_once(other: str) -> None:
    assert missing([approval("eve@x"), approval(other)], Approvals(2))
    assert not missing([approval("eve@x"), approval("bob@x")], Approvals(2))


def test_an_approval_is_bound_to_images_and_plan() -> None:
    assert release().digest == release(schema="0002").digest
    assert release().digest != release(backend="registry/other@sha256:1").digest
    changed = dataclasses.replace(PLAN, environments={"staging": STAGING})
    assert release().digest != dataclasses.replace(release(), plan=changed, digest="").digest


def test_validation_counts_only_successes_of_that_release() -> None:
    deployments = [deployment(3, 2), deployment(2, 1, FAILED), deployment(1, 1, environment="production")]
    assert not gate.validated(release(1), deployments, "staging")
    assert gate.validated(release(2), deployments, "staging")


@pytest.mark.parametrize(
    ("deployments", "target"),
    [
        ([], None),
        ([(1, 1)], None),
        ([(2, 3), (1, 1)], 1),
        ([(3, 1), (2, 3), (1, 1)], None),  # a rollback to 1 was the last thing: nothing older is left
        ([(4, 4), (3, 1), (2, 3), (1, 1)], 1),  # not to 3, which somebody went back from
        ([(5, 3), (4, 2), (3, 3), (2, 2), (1, 1)], 2),
        ([(4, 2), (3, 3), (2, 2), (1, 1)], 1),
        ([(3, 3), (2, 2, FAILED), (1, 1)], 1),
        ([(3, 3, FAILED), (2, 2), (1, 1)], 1),
    ],
)
def test_where_a_bare_rollback_goes(deployments: list[tuple[int, ...]], target: int | None) -> None:
    found = history.rollback_target([deployment(*item) for item in deployments])
    assert (found.release if found else None) == target


NEEDS = {
    "lint": (),
    "unit": (),
    "it": ("unit",),
    "assets": (),
    "images": ("lint", "it", "assets"),
    "proof": ("images",),
}


def test_what_may_start() -> None:
    assert graph.runnable(NEEDS, (), ()) == ["lint", "unit", "assets"]
    assert graph.runnable(NEEDS, ("unit",), ("unit", "lint", "assets")) == ["it"]
    assert graph.runnable(NEEDS, ("lint", "unit", "assets", "it"), ("lint", "unit", "assets", "it")) == ["images"]


def test_a_failing_step_stops_what_needs_it_and_nothing_else() -> None:
    assert graph.blocked(NEEDS, {"unit"}) == {"it": "unit", "images": "unit", "proof": "unit"}
    assert graph.blocked(NEEDS, set()) == {}
    assert graph.upstream(NEEDS, "proof") == ["lint", "unit", "it", "assets", "images"]


def test_records_survive_json() -> None:
    assert from_data(Plan, json.loads(json.dumps(to_data(PLAN)))) == PLAN
    assert from_data(Release, json.loads(json.dumps(to_data(release())))) == release()


def test_a_record_of_a_newer_version_is_read() -> None:
    assert from_data(Plan, {**to_data(PLAN), "added_later": 1}) == PLAN


def test_commands_are_split_by_shell_rules_and_drain_is_kept() -> None:
    worker = wanted().workers[0]
    assert worker.command == ("work", "--fast", "two words")
    assert worker.stop_grace == 30


def test_services_get_the_urls_of_accessories_and_only_their_own_secrets() -> None:
    frontend, backend = wanted().web
    assert backend.env["DATABASE_URL"] == "postgresql://shop:db-password@db:5432/shop"
    assert backend.env["KEY"] == "secret-1"
    assert "KEY" not in frontend.env


def test_secrets_hide_themselves() -> None:
    shown = f"{wanted()!r}{settings()!r}"
    assert "secret-1" not in shown
    assert "db-password" not in shown


def test_names_of_two_environments_never_meet() -> None:
    def names(specs: tuple[ContainerSpec, ...]) -> set[str]:
        return {spec.name for spec in specs}

    one, two = wanted(1), wanted(1, PRODUCTION)
    assert not names(one.services + one.accessories) & names(two.services + two.accessories)
    assert one.publish[0].address == "127.0.0.1"
    assert two.publish[0].address == "0.0.0.0"
