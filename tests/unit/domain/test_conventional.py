"""Conventional commits: the level that they ask for."""

from __future__ import annotations

import pytest

from shipway.domain.authors import Written
from shipway.domain.conventional import change, changes, level, proposed, uses
from shipway.domain.version import Version


def commits(*messages: str, parents: int = 1) -> list[Written]:
    """Newest first, each with a hash of its own."""
    return [
        Written(f"{number:040x}", "", parents, "Ada", "ada@example.org", text)
        for number, text in enumerate(messages, 1)
    ]


@pytest.mark.parametrize(
    ("message", "type", "scope", "text", "breaking"),
    [
        ("feat: a cart", "feat", "", "a cart", False),
        ("Fix(web/ui)!: totals", "fix", "web/ui", "totals", True),
        ("chore: x\n\nwhy\n\nBREAKING CHANGE: gone", "chore", "", "x", True),
        ("feat: x\n\nBREAKING-CHANGE: gone", "feat", "", "x", True),
        ("feat: x\n\nnot a BREAKING CHANGE: here", "feat", "", "x", False),
        ("note: a hint", "", "", "note: a hint", False),
        ("feat:no space", "", "", "feat:no space", False),
        ("Merge: fix", "", "", "Merge: fix", False),
        ("fix: \x1b[31mred\x07\r\n", "fix", "", "[31mred", False),
    ],
)
def test_a_message_is_read(message: str, type: str, scope: str, text: str, breaking: bool) -> None:
    found = change(commits(message)[0])
    assert (found.type, found.scope, found.text, found.breaking) == (type, scope, text, breaking)


@pytest.mark.parametrize(
    ("before", "messages", "found"),
    [
        (None, ("feat: a",), "0.1.0"),
        ("1.2.3", ("a", "b"), "1.2.4"),
        ("1.2.3", ("fix: a", "feat: b"), "1.3.0"),
        ("1.2.3", ("docs: a",), "1.2.4"),
        ("1.2.3", ("fix!: a", "feat: b"), "2.0.0"),
        ("0.2.3", ("fix!: a",), "0.3.0"),
        ("1.2.3", ("feat: a", "b", "c"), "1.2.4"),  # one of three: not used here
        ("1.3.0-rc.1", ("feat: a",), "1.3.0"),
        ("1.3.1-rc.1", ("feat: a",), "1.4.0"),
        ("1.3.0-rc.1", ("feat!: a",), "2.0.0"),
        ("0.3.0-rc.1", ("feat!: a",), "0.3.0"),
        ("2.0.0-rc.1", ("feat!: a",), "2.0.0"),
    ],
)
def test_the_version_that_is_proposed(before: str | None, messages: tuple[str, ...], found: str) -> None:
    assert str(proposed(Version.parse(before) if before else None, changes(commits(*messages)))) == found


def test_what_was_reverted_counts_for_nothing() -> None:
    last, feature, fix = commits(
        "revert: feat: a\n\nThis reverts commit 0000000000000000000000000000000000000002.", "feat: a", "fix: b"
    )
    assert [item.subject for item in changes([last, feature, fix])] == ["fix: b"]
    # What reverts the revert brings the feature back.
    again = Written("f" * 40, "", 1, "Ada", "ada@example.org", f"Again\n\nThis reverts commit {last.revision}.")
    found = changes([again, last, feature, fix])
    assert level(found) == "minor"
    # A revert of an older version's commit is a change.
    assert len(changes(commits("Revert x\n\nThis reverts commit abcdef0123."))) == 1


def test_merges_say_nothing() -> None:
    assert changes(commits("feat: a", parents=2)) == []
    assert not uses([])
