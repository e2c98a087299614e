"""Versions in tags: their order, the next ones, and prefixes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.domain import refs
from shipway.domain.version import LEVELS, MAJOR, MINOR, PATCH, Tag, Version, chosen, newest, prefix_of, read

NUMBERS = st.integers(0, 10**9 - 1)
WORDS = st.from_regex(r"(0|[1-9][0-9]{0,5}|[0-9]{0,3}[A-Za-z-][0-9A-Za-z-]{0,5})", fullmatch=True)
PRES = st.lists(WORDS, max_size=3).map(".".join)
VERSIONS = st.builds(Version, NUMBERS, NUMBERS, NUMBERS, PRES, st.sampled_from(["", "build.1"]))
# The list of semver.org's section 11, lowest first.
ORDERED = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 2.0.0 2.1.0 2.1.1"


@given(VERSIONS)
def test_a_version_reads_what_it_writes(version: Version) -> None:
    assert Version.parse(str(version)) == version
    assert Version.read(str(version)) == version


@given(VERSIONS, VERSIONS, st.sampled_from(LEVELS))
def test_the_next_version_is_the_lowest_above_of_its_level(version: Version, other: Version, level: str) -> None:
    following = version.next(level)
    assert version < following
    assert not following.pre
    fits = {
        PATCH: not other.pre,
        MINOR: not other.pre and not other.patch,
        MAJOR: not other.pre and not other.patch and not other.minor,
    }[level]
    if fits and version.key < other.key:
        assert following.key <= other.key


@given(VERSIONS, VERSIONS)
def test_the_order_is_that_of_the_rules_for_tags(one: Version, other: Version) -> None:
    first, second = refs.version(str(one)), refs.version(str(other))
    assert first is not None
    assert second is not None
    assert (one < other) == (first < second)


def test_the_order_of_semantic_versioning() -> None:
    listed = [Version.parse(text) for text in ORDERED.split()]
    assert listed == sorted(listed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.2",
        "01.2.3",
        "1.2.3-",
        "1.2.3-01",
        "1.2.3-a..b",
        "v1.2.3",
        "1.2.3+",
        "1.2.3 ",
        "١.2.3",
        "1١.2.3",
        "1.2.3-" + "1" * 5000,
    ],
)
def test_what_is_no_semantic_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a semantic version"):
        Version.parse(text)


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("v1", "1.0.0"),
        ("v1.4", "1.4.0"),
        ("v2026.01.02", "2026.1.2"),
        ("vx", None),
        ("v1١", None),
        ("v1.0.0-" + "1" * 5000, None),
        ("1.2.3", None),
    ],
)
def test_existing_tags_are_read_leniently(tag: str, found: str | None) -> None:
    assert read(tag, "v") == (Version.parse(found) if found else None)


@pytest.mark.parametrize(
    ("pattern", "tags", "prefix"),
    [
        ("v*", [], "v"), ("v1.*", [], "v"), ("v[0-9]*", [], "v"), ("shop-v*", [], "shop-v"), ("release/*", [], "release/"),
        ("*", [], "v"), ("*", ["1.2.3"], ""), ("*", ["1.2.3", "v1.0.0"], "v"), ("[0-9]*", ["1.2.3"], ""), ("production", [], "production"),
    ],
)  # fmt: skip
def test_the_prefix_is_what_the_pattern_says(pattern: str, tags: list[str], prefix: str) -> None:
    assert prefix_of(pattern, tags) == prefix


def test_the_newest_tag_is_the_highest_version_and_not_the_last_by_name() -> None:
    assert newest(["v9.0.0", "v10.0.0", "v10.0.0-rc.1", "other", "vnext"], "v") == "v10.0.0"
    assert newest(["other"], "v") is None


@pytest.mark.parametrize(
    ("asked", "before", "found"),
    [
        (PATCH, "1.2.3", "1.2.4"), (MINOR, "1.2.3", "1.3.0"), (MAJOR, "1.2.3", "2.0.0"), (PATCH, None, "0.0.1"), (MAJOR, None, "1.0.0"),
        (PATCH, "1.3.0-rc.1", "1.3.0"), (MINOR, "1.3.0-rc.1", "1.3.0"), (MAJOR, "1.3.0-rc.1", "2.0.0"), (MAJOR, "2.0.0-rc.1", "2.0.0"),
        (MINOR, "1.3.1-rc.1", "1.4.0"), ("v1.5.0", "1.2.3", "1.5.0"), ("1.5.0-rc.1", None, "1.5.0-rc.1"),
    ],
)  # fmt: skip
def test_what_a_person_asks_for(asked: str, before: str | None, found: str) -> None:
    known = Version.parse(before) if before else None
    assert Tag("v", chosen(asked, "v", known)).name == f"v{found}"
