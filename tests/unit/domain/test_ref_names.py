"""Names of branches and tags, compared with git's own rules."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from shipway.domain.refs import LONGEST, valid_name, valid_ref

GOOD = ["main", "feature/a#1", "v1.2.3-rc.1", "a.b", "é/ü", "a@b", "x{y}", "a-b_c", "🚢", "refs/pull/1/head", "a/-b"]
BAD = [
    "", "-x", "--upload-pack=x", "@", "HEAD", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a\nb", "a\x7f",
    "a@{1}", "/a", "a/", "a//b", "a.lock", "a.lock/b", ".a", "a/.b", "a.", "x" * (LONGEST + 1), "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_names_that_git_takes(name: str) -> None:
    assert valid_name(name)
    assert valid_ref(f"refs/heads/{name}")
    assert valid_ref(f"refs/tags/{name}")
    assert accepted(name)


@pytest.mark.parametrize("name", BAD)
def test_names_that_are_refused(name: str) -> None:
    assert not valid_name(name)


@pytest.mark.parametrize("ref", ["main", "refs/heads", "refs/heads/", "refs/notes/a", "refs/headsx/a", "refs//heads/a"])
def test_refs_that_are_no_branch_or_tag(ref: str) -> None:
    assert not valid_ref(ref)


@settings(max_examples=60, deadline=None)
@given(some.text(alphabet="ab-./@{}~^:?*[\\ \tHEADlock", min_size=1, max_size=8))
@example("a.lock")
def test_what_is_taken_is_taken_by_git(name: str) -> None:
    """The other way round, git takes some names that Shipway doesn't: those that a command would take for something else."""
    git = accepted(name)
    assert git or not valid_name(name)
    assert valid_name(name) or not git or name.startswith("-") or name in ("@", "HEAD")


def accepted(name: str) -> bool:
    done = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False, capture_output=True)
    return done.returncode == 0
