"""The changelog: an entry is inserted, and every other byte stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.domain.changelog import entry_of, headings, insert, prepared
from shipway.domain.conventional import VersionCommit, changes
from shipway.domain.version import Tag, Version
from tests.unit.domain.test_conventional import commits

DATE = "2026-12-01"
TAG = Tag("v", Version.parse("1.3.0"))
CONVENTIONAL = changes(commits("fix(web): totals <b>", "chore: tools", "feat!: a cart"))
PLAIN = changes(commits("Second", "First"))
GROUPS = "### Added\n- **Breaking:** a cart\n\n### Fixed\n- web: totals \\<b>"
LINES = st.sampled_from([
    "# Changelog", "", " ", "text", "## [Unreleased]", "## Unreleased", "### Added", "- item", "## [1.2.0] - 2026-01-01", "## v1.1.0",
    "## 1.0.0 (2025-01-01)", "## Notes", "```", "~~~~", "<!-- hidden", "-->", "<!-- ## [9.9.9] -->", "[1.2.0]: https://x/compare/v1.1.0...v1.2.0",
    "[home]: https://x", "    ## [8.8.8]", "\ttab", "ü ✓", "\x0b\x0c\u2028",
])  # fmt: skip
TEXTS = st.builds(lambda lines, newline, end: newline.join(lines) + end, st.lists(LINES, max_size=25), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\n"]))  # fmt: skip


def subsequence(text: str, longer: str) -> bool:
    """Whether the longer one is the text with one part inserted."""
    begin = next(
        (i for i, (one, other) in enumerate(zip(text, longer, strict=False)) if one != other),
        min(len(text), len(longer)),
    )
    more = len(longer) - len(text)
    return any(longer[:at] + longer[at + more :] == text for at in range(begin + 1))


@given(TEXTS, st.sampled_from([CONVENTIONAL, PLAIN]))
def test_an_inserted_entry_keeps_every_other_byte(text: str, found: list[VersionCommit]) -> None:
    try:
        made = insert(text, TAG, DATE, found)
    except ValueError:
        made = None
    if made is None:
        assert entry_of(f"{text}\n## [7.7.7]\n", Version(7, 7, 7)) is None, "all code and comments are closed"
        return
    assert subsequence(text, made)
    assert entry_of(made, TAG.version)
    assert [item.version for item in headings(made) if item.version != TAG.version] == [
        item.version for item in headings(text)
    ]
    assert [item.version for item in headings(made)].count(TAG.version) == 1
    with pytest.raises(ValueError, match="it has an entry"):
        insert(made, TAG, DATE, found)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    try:
        made = insert(text, TAG, DATE, PLAIN)
    except ValueError:
        return
    assert subsequence(text, made)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        pytest.param("", f"## [1.3.0] - {DATE}\n\n{GROUPS}\n", id="an empty file"),
        pytest.param(
            "# Changelog\n\n## [Unreleased]\n\n### Added\n- mine\n\n## [1.2.0] - 2026-01-01\n- old\n",
            f"# Changelog\n\n## [Unreleased]\n\n## [1.3.0] - {DATE}\n\n### Added\n- mine\n\n## [1.2.0] - 2026-01-01\n- old\n",
            id="the unreleased changes become it",
        ),
        pytest.param(
            "# Changelog\n\n## Unreleased\n\n<!-- nothing yet -->\n\n## 1.2.0 - 2026-01-01\n",
            f"# Changelog\n\n## Unreleased\n\n<!-- nothing yet -->\n\n## 1.3.0 - {DATE}\n\n{GROUPS}\n\n## 1.2.0 - 2026-01-01\n",
            id="nothing unreleased was written",
        ),
        pytest.param(
            "# Changes\r\n\r\n## v1.2.0 (2026-01-01)\r\n- old",
            f"# Changes\r\n\r\n## v1.3.0 ({DATE})\r\n\r\n" + GROUPS.replace("\n", "\r\n") + "\r\n\r\n## v1.2.0 (2026-01-01)\r\n- old",
            id="as the last heading is written",
        ),
        pytest.param("# C\n\n## [1.2.0]\n", f"# C\n\n## [1.3.0]\n\n{GROUPS}\n\n## [1.2.0]\n", id="without dates"),
        pytest.param(
            "## [Unreleased]\n- x\n\n[Unreleased]: https://x/compare/v1.2.0...HEAD\n[1.2.0]: https://x/v1.2.0\n",
            f"## [Unreleased]\n\n## [1.3.0] - {DATE}\n- x\n\n[Unreleased]: https://x/compare/v1.3.0...HEAD\n"
            "[1.3.0]: https://x/compare/v1.2.0...v1.3.0\n[1.2.0]: https://x/v1.2.0\n",
            id="links",
        ),
    ],
)  # fmt: skip
def test_an_entry(text: str, made: str) -> None:
    assert insert(text, TAG, DATE, CONVENTIONAL) == made


def test_without_conventional_commits_all_are_listed_oldest_first() -> None:
    assert insert("", TAG, DATE, PLAIN) == f"## [1.3.0] - {DATE}\n\n- First\n- Second\n"


def test_a_version_in_code_or_a_comment_is_no_entry() -> None:
    text = "```\n## [1.3.0]\n```\n<!--\n## [1.3.0]\n-->\n## [1.2.0] - 2026-01-01\n- old\n\n[1.2.0]: https://x\n"
    assert entry_of(text, TAG.version) is None
    assert entry_of(text, Version.parse("1.2.0")) == "- old"


def test_the_version_that_was_prepared() -> None:
    text = "## [2.0.0] [YANKED]\n## [1.4.0] - 2026-02-01\n## [1.3.0] - 2026-01-01\n"
    assert prepared(text, Version.parse("1.3.0")) == Version.parse("1.4.0")
    assert prepared(text, Version.parse("1.4.0")) is None
    assert prepared("", None) is None
