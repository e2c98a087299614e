"""Which revisions an environment takes, and which releases count as validated."""

from __future__ import annotations

import pytest

from shipway.domain import gate
from shipway.domain.release import FAILED
from tests.unit.domain.samples import PRODUCTION, deployment, release

REVISION = "abcdef123456" + "0" * 28


@pytest.mark.parametrize(
    ("tags", "branches", "reasons"),
    [
        (("v1.0.0",), ("main",), []),
        ((), ("main",), ["production accepts only revisions with a tag like 'v*'; abcdef123456 has no tag"]),
        (("nightly",), ("main",), ["production accepts only revisions with a tag like 'v*'; abcdef123456 has the tags nightly"]),
        (("v1",), ("feature",), ["production accepts only revisions on branch 'main'; abcdef123456 is on feature"]),
        ((), (), [
            "production accepts only revisions with a tag like 'v*'; abcdef123456 has no tag",
            "production accepts only revisions on branch 'main'; abcdef123456 is on no branch",
        ]),
    ],
)  # fmt: skip
def test_where_a_revision_comes_from(tags: tuple[str, ...], branches: tuple[str, ...], reasons: list[str]) -> None:
    assert gate.refused_source(PRODUCTION, gate.Candidate(REVISION, tags, branches)) == reasons


def test_validation_counts_only_successes_of_that_release() -> None:
    deployments = [deployment(3, 2), deployment(2, 1, FAILED), deployment(1, 1, environment="production")]
    assert not gate.validated(release(1), deployments, "staging")
    assert gate.validated(release(2), deployments, "staging")
