"""Files of variables: what is written is read again, and a line that is none is told with its number."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.domain.dotenv import lenient, parse, render


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=value", "value"),
        ("export KEY=value", "value"),
        ("  KEY = two words  # a comment", "two words"),
        ("KEY=a#b", "a#b"),
        ("KEY=# only a comment", ""),
        ("KEY=", ""),
        ("KEY='lit $X \\n' # c", "lit $X \\n"),
        ('KEY="a\\nb \\"q\\" \\$X \\q"', 'a\nb "q" $X \\q'),
        ('KEY="two\nlines"', "two\nlines"),
        ("KEY='-----BEGIN\nkey\n-----END'", "-----BEGIN\nkey\n-----END"),
        ("KEY=value\r\n", "value"),
        ("\ufeffKEY=value", "value"),
        ("KEY=postgres://u:p@h/d?x=1", "postgres://u:p@h/d?x=1"),
        ("export=value", None),
    ],
)
def test_a_line(line: str, value: str | None) -> None:
    found = parse(f"# first\n\n{line}\nNEXT=1" if not line.startswith("\ufeff") else f"{line}\nNEXT=1")
    assert found.problems == ()
    assert {item.name: item.value for item in found.found} == {"KEY" if value is not None else "export": value if value is not None else "value", "NEXT": "1"}  # fmt: skip


def test_references_are_told_and_kept() -> None:
    found = parse('A=${B}/x\nC=\'$B\'\nD="\\$B"\nE="$B"\nF=5$\n').found
    assert {item.name: item.reference for item in found} == {"A": True, "C": False, "D": False, "E": True, "F": False}
    assert found[0].value == "${B}/x"


def test_all_problems_together_and_the_rest_is_read() -> None:
    found = parse("A=1\nno equals\n=2\n1B=3\nA=4\nC='x' y\nD='never\nE=5\n")
    assert found.problems == (
        "line 2: there is no `=` after no",
        "line 3: it begins with no name: write NAME=value",
        "line 4: it begins with no name: write NAME=value",
        "line 5: A is set again, after line 1",
        "line 6: there is text after its closing quote",
        "line 7: its quote ' is never closed",
    )
    assert [(item.name, item.line) for item in found.found] == [("A", 1), ("E", 8)]


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,5}", fullmatch=True), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))  # fmt: skip
def test_what_is_written_is_read(values: dict[str, str]) -> None:
    found = parse("".join(f"{render(name, value)}\n" for name, value in values.items()))
    assert found.problems == ()
    assert {item.name: item.value for item in found.found} == values


@pytest.mark.parametrize("value", ["a\0b", "\udcff"])
def test_bytes_are_no_line(value: str) -> None:
    with pytest.raises(ValueError, match="KEY is not text"):
        render("KEY", value)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_to_its_end(text: str) -> None:
    parse(text)


@settings(deadline=None)
@given(st.text())
def test_a_lenient_reader_reads_what_a_strict_one_does(text: str) -> None:
    strict = {item.name: item.value for item in parse(text).found}
    first: dict[str, str] = {}
    for item in lenient(text):
        first.setdefault(item.name, item.value)
    assert {name: first.get(name) for name in strict} == strict


def test_a_wrong_line_is_read_as_it_stands() -> None:
    found = lenient("no equals\n=2\nA.b-C=1\nB='x' y # z\nC=\"never\nD=4\nD=5\n")
    assert [(item.name, item.value, item.line) for item in found] == [
        ("A.b-C", "1", 3), ("B", "'x' y # z", 4), ("C", '"never', 5), ("D", "4", 6), ("D", "5", 7),
    ]  # fmt: skip
