"""What a run may read and leave, by where its commit is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.runs.run import _level
from shipway.domain.release import Commit
from shipway.steps.run import OTHER, PROTECTED
from tests.unit.actions.projects.test_plans import SHOP, Monorepo, text
from tests.unit.system.repositories import git, neutral

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
CACHED = {"unit": {"image": "python:3", "run": "pytest", "cache": ["~/.cache/pip"]}}


@pytest.fixture
def mono(tmp_path: Path) -> Iterator[Monorepo]:
    made = Monorepo(tmp_path)
    yield made
    made.world.close()


def level(mono: Monorepo, revision: str, environment: str | None = None) -> str:
    return _level(mono.book(), mono.plan(), Commit(revision, "tree", "ada", "subject"), environment)


def test_a_commit_that_only_a_merge_brought(mono: Monorepo) -> None:
    base = mono.write({SHOP: text("shop", pipeline=CACHED)})
    git(mono.path, "switch", "--quiet", "--create", "feature")
    evil = mono.write({"apps/shop/web/Dockerfile": "FROM evil\n"}, "mallory@example.org")
    clean = mono.write({"apps/shop/web/Dockerfile": "FROM x\n", "README": "harmless\n"}, "mallory@example.org")
    git(mono.path, "switch", "--quiet", "main")
    assert (level(mono, base), level(mono, clean)) == (PROTECTED, OTHER)
    git(mono.path, "merge", "--quiet", "--no-ff", "--message", "merge", "feature")
    assert level(mono, git(mono.path, "rev-parse", "main").strip()) == PROTECTED
    assert level(mono, base) == PROTECTED
    assert level(mono, evil) == OTHER, "it was reviewed as a part of what the branch changes, never as it is"
    assert level(mono, evil, "staging") == "environment-staging", "the rules in force deploy it there"
