"""Which approvals count: of whom, for what, and for how long."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.domain import approvals
from shipway.domain.authors import Authors
from shipway.domain.plan import Approvals
from shipway.domain.release import Approval
from tests.unit.domain.samples import PLAN, PRODUCTION, STAGING, release


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
        (
            [approval("ADA+x@example.org")],
            "the approval of ADA+x@example.org, an author of the release, does not count",
        ),
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
