"""Mask secret values in all output: terminal, logs, ledger, reports."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from shipway.system.plain import plain

SHORTEST = 4  # characters; shorter values would mask half of every line
LONG = 12  # characters of a value's beginning at the end of a line, from which it is masked without knowing the rest
PIECE = 1 << 19  # characters searched at a time
BROKEN = 1024  # maximum characters of a line that may start a secret continued in the next line


class Redactor:
    """Replaces known secret values, in all their `spellings`, by their name in guillemets. Safe to share between
    threads."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._guard = threading.Lock()
        self._values: set[tuple[str, str]] = set()
        self._names: dict[str, str] = {}  # by spelling
        self._indexes = [_Index(12, 6), _Index(8, 4), _Index(SHORTEST, SHORTEST)]
        self._ends = set[str]()  # any four characters in a row of those below, once many lines were masked
        self._new: list[str] = []  # what is not in it yet
        self._longest = 0
        self._starts: dict[str, list[str]] = {}
        self.add(values)

    def add(self, values: Mapping[str, str]) -> None:
        """Add values by name."""
        with self._guard:
            for name, value in values.items():
                if (name, value) not in self._values:
                    from shipway.system.spellings import spellings  # rarely needed

                    self._values.add((name, value))
                    self._learn(name, spellings(value, SHORTEST))

    def _learn(self, name: str, forms: Iterable[str]) -> None:
        for form in forms:
            if form in self._names:
                continue
            self._names[form] = name
            self._longest = max(self._longest, len(form))
            next(index for index in self._indexes if len(form) >= index.least).add(form)
            if len(form) < LONG:
                continue
            self._starts.setdefault(form[:4], []).append(form)
            self._new.append(form[:BROKEN])

    def _may_begin(self, texts: list[str]) -> bool:
        """Whether at the end of one of these lines may be a part of a longer spelling."""
        if self._new:
            with self._guard:
                for form in self._new:
                    self._ends.update(map("".join, zip(form, form[1:], form[2:], form[3:], strict=False)))
                self._new.clear()
        return any(text[-4:] in self._ends or text[-1:].isspace() for text in texts)

    def line(self, text: str) -> str:
        """Mask one line, and remove control characters."""
        return Lines(self).line(text)

    def text(self, text: str) -> str:
        """The same for multiple lines, including secrets that are broken over several lines."""
        text = plain(text)
        if not self._names:
            return text
        lines = Lines(self)
        return "\n".join([lines.line(line) for line in text.split("\n")])

    def data(self, value: Any) -> Any:
        """Mask all texts in JSON values. Keeps short single words: they are states, modes or names."""
        if isinstance(value, str):
            return value if value.isalpha() and len(value) < LONG else self.text(value)
        if isinstance(value, Mapping):
            return {key: self.data(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return [self.data(item) for item in value]
        return value

    def mask(self, text: str) -> str:
        """Mask known values in one piece, and keep all else: for text that may have control characters."""
        if not self._names:
            return text
        found = self._find(text)
        if not found:
            return text
        done, parts = 0, []
        for begin, length in sorted(found, key=lambda item: (item[0], -item[1])):
            if begin >= done:
                parts.append(text[done:begin] + self._mark(text[begin : begin + length]))
                done = begin + length
        return "".join(parts) + text[done:]

    def finds_nothing(self, texts: list[str]) -> bool:
        """Whether these lines have no secret, no beginning of one at a line's end, and no control character."""
        whole = "\n".join(texts)
        if plain(whole) is not whole:
            return False
        return not self._names or not (self._may_begin(texts) or self._find(whole))

    def _find(self, text: str) -> list[tuple[int, int]]:
        """(begin, length) of all spellings in a text; a long one is searched in pieces, so that memory stays
        bounded."""
        found: list[tuple[int, int]] = []
        for begin in range(0, max(len(text), 1), PIECE):
            part = text[begin : begin + PIECE + self._longest] if len(text) > PIECE else text
            found += [(begin + at, length) for index in self._indexes for at, length in index.find(part)]
        return found

    def _mark(self, form: str) -> str:
        return f"«{self._names[form]}»"

    def begun(self, text: str) -> list[tuple[str, int]]:
        """Spellings that may have begun at the end of this line, each with the number of characters there, most
        first."""
        starts = self._starts
        return [
            (form, len(text) - at)
            for at in range(max(0, len(text) - BROKEN), len(text) - 3 if starts else 0)
            if text[at : at + 4] in starts
            for form in starts[text[at : at + 4]]
            if len(form) > len(text) - at and form.startswith(text[at:])
        ]


class Lines:
    """Consecutive lines: remembers what began in the previous one."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._open: list[tuple[str, int]] = []

    def line(self, text: str) -> str:
        """Mask the next line."""
        text = plain(text)
        body = text.strip()
        head = self._goes_on(body) if self._open and body else None
        if head is not None:
            return text[: len(text) - len(text.lstrip())] + head
        masked = self._redactor.mask(text)
        self._open = self._redactor.begun(masked.rstrip())
        for form, count in self._open[:1]:
            if count >= LONG:
                return masked.rstrip()[:-count] + self._redactor._mark(form)
        return masked

    def lines(self, texts: list[str]) -> list[str]:
        """Mask the next lines, many at a time: those without a secret cost almost nothing."""
        if not self._open and self._redactor.finds_nothing(texts):
            return texts
        return [self.line(text) for text in texts]

    def _goes_on(self, body: str) -> str | None:
        """The masked line if it continues what began before."""
        within = [
            (form, done + len(body))
            for form, done in self._open
            if len(form) > done + len(body) and form.startswith(body, done)
        ]
        ending = [(form, done) for form, done in self._open if body.startswith(form[done:])]
        if ending:
            form, done = max(ending, key=lambda item: len(item[0]))
            self._open = []
            return self._redactor._mark(form) + Lines(self._redactor).line(body[len(form) - done :])
        self._open = within
        return self._redactor._mark(within[0][0]) if within and within[0][1] >= LONG else None


class _Index:
    """Finds texts of at least this many characters by parts of them, without checking every position of a line."""

    def __init__(self, least: int, piece: int) -> None:
        self.least = least
        self._piece, self._step = piece, least - piece + 1
        self._pieces: dict[str, list[tuple[str, int]]] = {}

    def add(self, form: str) -> None:
        for at in range(self._step):
            self._pieces.setdefault(form[at : at + self._piece], []).append((form, at))

    def find(self, text: str) -> list[tuple[int, int]]:
        """(begin, length) of all occurrences in the text."""
        pieces, size = self._pieces, self._piece
        places = range(0, len(text) - size + 1, self._step)
        if not pieces or pieces.keys().isdisjoint([text[at : at + size] for at in places]):
            return []
        return [
            (at - before, len(form))
            for at in places
            for form, before in pieces.get(text[at : at + size], ())
            if at >= before and text.startswith(form, at - before)
        ]


@cache
def of_process() -> Redactor:
    """The redactor for all output of this process."""
    return Redactor({})


def shortened(text: str, most: int) -> str:
    """The beginning of a text from outside. Masked before it is cut: a part of a value could not be found later."""
    return of_process().text(text)[:most]


def without(output: str, text: str, most: int | None = None) -> str:
    """A text, or its beginning, in which neither known secrets nor this output of a program are: its secret, though it
    failed."""
    return of_process().text(Redactor({"output": output.strip()}).text(text))[:most]
