"""Count the tests of a JUnit XML report while streaming it: in bounded memory, without entities, with all nested
suites."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from xml.parsers import expat

from shipway.domain.value import dataclass

DEEPEST = 200  # nested elements
NAMES = ("tests", "failures", "errors", "skipped")
BAD = {"failure": "failures", "error": "errors", "skipped": "skipped"}  # outcomes of a test


class Unreadable(Exception):
    """It is not a JUnit report; the message has the reason."""


@dataclass(frozen=True)
class Counts:
    """Numbers of tests by outcome."""

    tests: int = 0
    failures: int = 0
    errors: int = 0
    skipped: int = 0

    @property
    def failed(self) -> int:
        return self.failures + self.errors

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in NAMES))


def counts(chunks: Iterable[bytes]) -> Counts:
    """Counts of a whole report. A suite's own numbers count if it has no nested suite, or if its tests add up to
    fewer."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Unreadable(str(error)) from error
    return reader.total


class _Suite:
    def __init__(self, claimed: Mapping[str, int]) -> None:
        self.claimed = claimed
        self.seen = dict.fromkeys(NAMES, 0)
        self.has_suites = False

    def total(self) -> Counts:
        return Counts(
            *(self.seen[name] if self.has_suites else max(self.seen[name], self.claimed[name]) for name in NAMES)
        )


class _Reader:
    def __init__(self) -> None:
        self.total = Counts()
        self._open: list[str] = []
        self._suites: list[_Suite] = []
        self._outcomes: set[str] = set()  # of the current test

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if not self._open and name not in ("testsuite", "testsuites"):
            raise Unreadable(f"it begins with <{name[:40]}>, not with <testsuite>")
        if len(self._open) >= DEEPEST:
            raise Unreadable(f"more than {DEEPEST} nested elements")
        self._open.append(name)
        if name in ("testsuite", "testsuites"):
            if self._suites:
                self._suites[-1].has_suites = True
            self._suites.append(_Suite({key: _number(attributes, key) for key in NAMES}))
        elif name == "testcase":
            self._outcomes = set()
        elif name in BAD and len(self._open) > 1 and self._open[-2] == "testcase":
            self._outcomes.add(BAD[name])

    def end(self, tag: str) -> None:
        name = self._open.pop()
        if name in ("testsuite", "testsuites"):
            self.total += self._suites.pop().total()
        elif name == "testcase" and self._suites:
            seen = self._suites[-1].seen
            seen["tests"] += 1
            for how in self._outcomes:
                seen[how] += 1

    def doctype(self, name: str, *_: object) -> None:
        raise Unreadable("it has a DOCTYPE, which is not supported")


def _number(attributes: Mapping[str, str], name: str) -> int:
    text = attributes.get(name) or "0"
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < 1e12:  # also false for nan
        raise Unreadable(f'{name}="{text[:40]}" is not a number of tests')
    return math.ceil(number)
