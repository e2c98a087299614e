"""Redaction and durations."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from shipway.domain.errors import UsageError
from shipway.system.durations import ago, human, past
from shipway.system.redact import Redactor

SECRET = "s3cret/with?signs"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (14.26, "14.3 s"),
        (125, "2 min 5 s"),
        (900, "15 min"),
        (910, "15 min 10 s"),
        (11041, "3 h 4 min"),
        (10800, "3 h"),
    ],
)
def test_human(seconds: float, text: str) -> None:
    assert human(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "just now"), (61, "61 s ago"), (600, "10 min ago"), (7300, "2 h ago"), (200000, "2 days ago")],
)
def test_ago(seconds: float, text: str) -> None:
    assert ago(seconds) == text


@pytest.mark.parametrize(
    "form", [SECRET, quote(SECRET), quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode()]
)
def test_secrets_are_taken_out_in_every_form(form: str) -> None:
    assert Redactor({"KEY": SECRET}).line(f"url=x:{form}@host") == "url=x:«KEY»@host"


def test_a_key_of_several_lines_is_taken_out_line_by_line() -> None:
    redactor = Redactor({"KEY": "first-line\nsecond-line\n"})
    assert [redactor.line(line) for line in ("first-line", "x second-line")] == ["«KEY»", "x «KEY»"]
    assert redactor.line('"first-line\\nsecond-line\\n"') == '"«KEY»"'


def test_a_secret_that_holds_another_is_taken_out_whole() -> None:
    redactor = Redactor({"SHORT": "abcd"})
    redactor.add({"LONG": "abcd-efgh"})
    assert redactor.line("abcd-efgh abcd abc") == "«LONG» «SHORT» abc"


def test_very_short_values_do_not_blank_out_the_log() -> None:
    assert Redactor({"DEBUG": "1"}).line("1 of 10") == "1 of 10"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 1_700_000_000 - 90), ("10m", 1_700_000_000 - 600), ("1.5h", 1_700_000_000 - 5400), ("2d", 1_700_000_000 - 172_800),
        ("2023-11-14", 1_699_920_000), ("2023-11-14T10:00", 1_699_956_000), ("2023-11-14T10:00:00+02:00", 1_699_948_800),
        ("99999d", 0),
    ],
)  # fmt: skip
def test_times_in_the_past(text: str, seconds: float) -> None:
    assert past(text, 1_700_000_000) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1", "h", "1w", "-1h", "2023-13-01", "0001-01-01T00:00+23:00x"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        past(text, 1_700_000_000)
