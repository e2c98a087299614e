"""Patterns of branches and tags, and ranges of semantic versions."""

from __future__ import annotations

import pytest

from shipway.domain import refs
from shipway.domain.plan import Trigger
from shipway.domain.record import from_data, to_data

GITFLOW = Trigger(branches=("develop", "release/*", "hotfix/*"))
VERSIONS = Trigger(tag="v*", branches=("main",), except_tags=("*-rc*", "*-beta*"))


@pytest.mark.parametrize(
    ("trigger", "ref", "fits"),
    [
        (GITFLOW, "refs/heads/develop", True),
        (GITFLOW, "refs/heads/release/1.2", True),
        (GITFLOW, "refs/heads/release/1.2/evil", False),
        (GITFLOW, "refs/heads/feature/release/1.2", False),
        (GITFLOW, "refs/heads/developx", False),
        (GITFLOW, "refs/tags/develop", False),
        (GITFLOW, "refs/remotes/origin/develop", False),
        (GITFLOW, "develop", False),
        (Trigger(branches=("release/**",)), "refs/heads/release/1.2/second", True),
        (Trigger(branches=("v?.x",)), "refs/heads/v1.x", True),
        (Trigger(branches=("a.b",)), "refs/heads/aXb", False),
        (VERSIONS, "refs/tags/v1.0.0", True),
        (VERSIONS, "refs/tags/v1.0.0-rc1", False),
        (VERSIONS, "refs/tags/nightly", False),
        (VERSIONS, "refs/heads/main", False),
        (Trigger(tag="v*", branches=("main",), versions="^1.2"), "refs/tags/v1.9.0", True),
        (Trigger(tag="v*", branches=("main",), versions="^1.2"), "refs/tags/v2.0.0", False),
        (Trigger(manual=True), "refs/heads/main", False),
    ],
)
def test_which_pushes_a_trigger_waits_for(trigger: Trigger, ref: str, fits: bool) -> None:
    assert refs.fits(trigger, ref) is fits


@pytest.mark.parametrize(
    ("given", "inside", "outside"),
    [
        (">=1.2 <3", ["1.2.0", "v2.9.9", "2.0.0+build.7"], ["1.1.9", "3.0.0", "2.0.0-rc.1", "3.0.0-rc.1"]),
        ("^1.4", ["1.4.0", "1.99.0"], ["1.3.9", "2.0.0", "2.0.0-rc.1"]),
        ("^0.3.1", ["0.3.1", "0.3.9"], ["0.4.0", "0.3.0"]),
        ("~2.1.3", ["2.1.3", "2.1.9"], ["2.2.0", "2.1.2"]),
        ("~2", ["2.0.0", "2.9.0"], ["3.0.0"]),
        ("1.2", ["1.2.0", "1.2.7"], ["1.3.0", "1.1.0"]),
        ("=1.2.3", ["1.2.3"], ["1.2.4"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
        ("<=1.2", ["1.2.9"], ["1.3.0"]),
        (">1.2.3 <=1.3.0", ["1.2.4", "1.3.0"], ["1.2.3", "1.3.1"]),
        ("<2 || >=3.1", ["1.0.0", "3.1.0"], ["2.5.0", "3.0.9"]),
        (">=2.0.0-rc.2", ["2.0.0-rc.10", "2.0.0", "3.0.0"], ["2.0.0-rc.1", "2.0.0-beta", "2.1.0-rc.5"]),
    ],
)
def test_ranges(given: str, inside: list[str], outside: list[str]) -> None:
    assert [tag for tag in inside + outside if refs.in_range(given, tag)] == inside


@pytest.mark.parametrize("text", ["", "latest", ">= 1", "1.x", ">=1.2 || ", "1.2.3.4", "^^1", ">" + "9" * 5000])
def test_what_is_no_range_is_refused_and_ends(text: str) -> None:
    with pytest.raises(ValueError, match="is not a valid version bound"):
        refs.parse_range(text)


@pytest.mark.parametrize("tag", ["1.2", "v1.2.3.4", "release-1.2.3", "v1.2.3-", "", "v" + "9" * 5000 + ".0.0"])
def test_what_is_no_version_is_in_no_range(tag: str) -> None:
    assert not refs.in_range(">=0", tag)


def test_the_newest_of_several_tags_is_no_matter_of_the_alphabet() -> None:
    assert refs.newest(["v1.9.0", "v1.10.0", "v1.10.0-rc.1"]) == "v1.10.0"
    assert refs.newest(["nightly", "v0.1.0"]) == "v0.1.0"
    assert refs.newest([]) is None


def test_a_trigger_of_an_older_record_keeps_its_branch() -> None:
    old = {"branch": "main", "tag": "v*", "manual": False}
    assert from_data(Trigger, old) == Trigger(branches=("main",), tag="v*")
    assert from_data(Trigger, to_data(GITFLOW)) == GITFLOW
    assert GITFLOW.branch == "develop"
