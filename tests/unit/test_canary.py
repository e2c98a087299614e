"""The search for leaked secrets finds each spelling."""

from __future__ import annotations

import base64

import pytest

from tests.canary import leaks, spellings

VALUE = "pa\"ss&<wörd>'$1-7f3a9c"


@pytest.mark.parametrize("how", spellings(VALUE.encode()))
def test_each_spelling_is_found(how: str) -> None:
    content = b"before " + spellings(VALUE.encode())[how] + b" behind"
    assert f"KEY as {how} in log" in leaks({"KEY": VALUE}, iter([("log", content)]))


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
def test_base64_is_found_whatever_stands_around(before: str) -> None:
    content = base64.b64encode(f"{before}{VALUE}@host".encode())
    assert leaks({"KEY": VALUE}, iter([("log", content)]))


def test_other_text_is_no_leak() -> None:
    assert leaks({"KEY": VALUE}, iter([("log", b"the quick brown fox jumps over the lazy dog " * 100)])) == []
