"""Reports of tests: what they add up to, whoever wrote them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from shipway.steps.junit import Counts, Unreadable, counts

CASE = '<testcase name="a"/>'
FAILED = '<testcase name="b"><failure message="x"/><system-out>y</system-out></testcase>'


def count(text: str | bytes) -> Counts:
    data = text.encode() if isinstance(text, str) else text
    return counts(iter([data[:7], data[7:]]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<testsuite tests="3"/>', Counts(3)),
        ('<testsuite tests="3.0" failures="1.0" skipped=""/>', Counts(3, 1)),
        (f'<testsuite tests="2" failures="1">{CASE}{FAILED}</testsuite>', Counts(2, 1)),
        (f"<testsuite>{CASE}{FAILED}</testsuite>", Counts(2, 1)),
        (f'<testsuite tests="2" errors="2">{CASE}{FAILED}</testsuite>', Counts(2, 1, 2)),  # the worse one counts
        (f'<testsuites tests="4"><testsuite tests="2">{CASE}{CASE}</testsuite><testsuite tests="2"/></testsuites>', Counts(4)),
        (f'<testsuites><testsuite tests="3"><testsuite tests="1">{CASE}</testsuite><testsuite tests="2">{CASE}{FAILED}</testsuite></testsuite></testsuites>', Counts(3, 1)),
        (f'<testsuite tests="2"><testsuite tests="1">{CASE}</testsuite>{CASE}</testsuite>', Counts(2)),
        ('<testsuites tests="5" failures="1"/>', Counts(5, 1)),
        ('<testsuite tests="1"><testcase name="a"><skipped/></testcase></testsuite>', Counts(1, 0, 0, 1)),
        ('<ns:testsuite xmlns:ns="urn:x"><ns:testcase/><ns:testcase><ns:error/></ns:testcase></ns:testsuite>', Counts(2, 0, 1)),
        (b'\xef\xbb\xbf<?xml version="1.0" encoding="ISO-8859-1"?><testsuite tests="1" name="\xe9"/>'[3:], Counts(1)),
    ],
)  # fmt: skip
def test_numbers_add_up(text: str | bytes, expected: Counts) -> None:
    assert count(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no element found"),
        ("<testsuite>", "no element found"),
        ("no xml", "syntax error"),
        ("<html></html>", "begins with <html>"),
        ('<testsuite tests="many"/>', 'tests="many" is not a number'),
        ('<testsuite tests="-1"/>', "not a number of tests"),
        ('<testsuite tests="1e400"/>', "not a number of tests"),
        ('<testsuite tests="nan"/>', "not a number of tests"),
        ('<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite tests="1">&b;</testsuite>', "DOCTYPE"),
        ('<!DOCTYPE t SYSTEM "file:///etc/passwd"><testsuite/>', "DOCTYPE"),
        ("<testsuite>" * 300, "more than 200 nested elements"),
        ('<testsuite tests="1" tests="2"/>', "duplicate attribute"),
        ("<testsuite>\x00</testsuite>", "not well-formed"),
    ],
)
def test_what_is_no_report_is_said_to_be_none(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        count(text)


def test_a_large_one_takes_no_memory() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'<testsuite tests="20000">'
        for _ in range(20000):
            yield b'<testcase name="a"><system-out>' + b"x" * 1000 + b"</system-out></testcase>"
        yield b"</testsuite>"

    tracemalloc.start()
    assert counts(chunks()) == Counts(20000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
