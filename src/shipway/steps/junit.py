"""Count the tests of a JUnit XML report while streaming it, and hand over each: in bounded memory, without entities, with all
nested suites."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from xml.parsers import expat

from shipway.domain.single_test import FAILED, FLAKY, PASSED, SKIPPED
from shipway.domain.value import dataclass

DEEPEST = 200  # nested elements
TAIL = 32 << 10  # characters of an output, its end
NAMES = ("tests", "failures", "errors", "skipped")
BAD = {"failure": "failures", "error": "errors", "skipped": "skipped"}  # outcomes of a test
REPEATED = ("flakyFailure", "flakyError")  # of a test that passed when it was repeated
CAUSES = ("failure", "error", *REPEATED)  # elements that say why
OUTPUTS = ("system-out", "system-err")
SUITES = ("testsuite", "testsuites")
SAYS_NOTHING = ("test",)  # names of classes: what node:test says of every test


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


@dataclass(frozen=True)
class RawTest:
    """A test as it is in a report: foreign text, which is neither cut nor masked. trace, output: their ends."""

    name: str
    suite: str
    file: str
    outcome: str
    seconds: float
    message: str
    trace: str
    output: str


def counts(chunks: Iterable[bytes], on_test: Callable[[RawTest], None] | None = None) -> Counts:
    """Counts of a whole report. A suite's own numbers count if it has no nested suite, or if its tests add up to
    fewer. on_test: gets each test, until the report turns out not to be one."""
    reader = _Reader(on_test)
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    if on_test is not None:
        parser.buffer_text = True
        parser.CharacterDataHandler = reader.text
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: of an encoding
        raise Unreadable(str(error)) from error
    return reader.total


class _Suite:
    def __init__(self, attributes: Mapping[str, str]) -> None:
        self.claimed = {key: _number(attributes, key) for key in NAMES}
        self.name, self.file = attributes.get("name") or "", attributes.get("file") or ""
        self.seen = dict.fromkeys(NAMES, 0)
        self.has_suites = False

    def total(self) -> Counts:
        return Counts(
            *(self.seen[name] if self.has_suites else max(self.seen[name], self.claimed[name]) for name in NAMES)
        )


class _End:
    """The end of a long text."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        self._parts.append(text)
        self._size += len(text)
        if self._size > 2 * TAIL:
            self._parts = ["".join(self._parts)[-TAIL:]]
            self._size = TAIL

    def __str__(self) -> str:
        return "".join(self._parts)[-TAIL:]


class _Reader:
    def __init__(self, on_test: Callable[[RawTest], None] | None) -> None:
        self.total = Counts()
        self._on_test = on_test
        self._open: list[str] = []
        self._suites: list[_Suite] = []
        self._outcomes: set[str] = set()  # of the current test
        self._repeated = False
        self._test: Mapping[str, str] = {}
        self._message = ""
        self._trace, self._output = _End(), _End()
        self._into: _End | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if not self._open and name not in SUITES:
            raise Unreadable(f"it begins with <{name[:40]}>, not with <testsuite>")
        if len(self._open) >= DEEPEST:
            raise Unreadable(f"more than {DEEPEST} nested elements")
        above = self._open[-1] if self._open else ""
        self._open.append(name)
        if name in SUITES:
            if self._suites:
                self._suites[-1].has_suites = True
            self._suites.append(_Suite(attributes))
        elif name == "testcase":
            self._outcomes, self._repeated, self._test, self._message = set(), False, attributes, ""
            self._trace, self._output, self._into = _End(), _End(), None
        elif above == "testcase":
            self._inside(name, attributes)

    def _inside(self, name: str, attributes: Mapping[str, str]) -> None:
        """A part of a test."""
        if name in BAD:
            self._outcomes.add(BAD[name])
        self._repeated = self._repeated or name in REPEATED
        if name in BAD or name in REPEATED:
            self._message = self._message or attributes.get("message") or ""
        self._into = self._trace if name in CAUSES else self._output if name in OUTPUTS else None

    def text(self, text: str) -> None:
        if self._into is not None:
            self._into.add(text)

    def end(self, tag: str) -> None:
        name = self._open.pop()
        if name in SUITES:
            self.total += self._suites.pop().total()
        elif name == "testcase" and self._suites:
            seen = self._suites[-1].seen
            seen["tests"] += 1
            for how in self._outcomes:
                seen[how] += 1
            if self._on_test is not None:
                self._on_test(self._whole())
            self._into = None
        elif self._open and self._open[-1] == "testcase":
            self._into = None

    def _whole(self) -> RawTest:
        given, suite = self._test, self._suites[-1]
        of_class = given.get("classname") or ""
        failed = self._outcomes & {"failures", "errors"}
        outcome = FAILED if failed else FLAKY if self._repeated else SKIPPED if self._outcomes else PASSED
        return RawTest(
            given.get("name") or "", suite.name if of_class in ("", *SAYS_NOTHING) else of_class,
            given.get("file") or suite.file, outcome, _seconds(given.get("time") or ""), self._message,
            str(self._trace), str(self._output),
        )  # fmt: skip

    def doctype(self, name: str, *_: object) -> None:
        raise Unreadable("it has a DOCTYPE, which is not supported")


def _seconds(text: str) -> float:
    """0 if it is none."""
    try:
        found = float(text.replace(",", ""))
    except ValueError:
        return 0.0
    return found if 0 <= found < 1e9 else 0.0


def _number(attributes: Mapping[str, str], name: str) -> int:
    text = attributes.get(name) or "0"
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < 1e12:  # also false for nan
        raise Unreadable(f'{name}="{text[:40]}" is not a number of tests')
    return math.ceil(number)
