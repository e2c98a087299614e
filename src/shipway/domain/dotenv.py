"""Variables as lines of a file: NAME=value, with quotes as shells and Compose read them. Pure.

`parse` is for files whose values count: each line that is none is a problem. `lenient` is for files that are only looked
at. Both read the same lines as the same values.
"""

from __future__ import annotations

import re

from shipway.domain.value import dataclass

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ANY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")  # Compose passes on others too
BARE = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")  # values that need no quotes anywhere
REFERENCE = re.compile(r"(?<!\\)\$(\{[A-Za-z_]|[A-Za-z_])")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "`": "`"}


@dataclass(frozen=True)
class Variable:
    """One of a file."""

    name: str
    value: str
    line: int  # from 1
    reference: bool = False  # it names another variable, which is not replaced


@dataclass(frozen=True)
class Variables:
    """All of a file, and why other lines are none. A name is there once."""

    found: tuple[Variable, ...]
    problems: tuple[str, ...]


def parse(text: str) -> Variables:
    """Read them. `export` before a name is accepted. Nothing is interpolated: `$` stays."""
    reader = _Reader(text.removeprefix("\ufeff"))
    found: dict[str, Variable] = {}
    problems: list[str] = []
    while not reader.ended():
        line = reader.line
        try:
            item = reader.variable()
        except ValueError as error:
            problems.append(f"line {line}: {error}")
            reader.skip_line()
            continue
        if item is None:
            continue
        if item.name in found:
            problems.append(f"line {item.line}: {item.name} is set again, after line {found[item.name].line}")
        else:
            found[item.name] = item
    return Variables(tuple(found.values()), tuple(problems))


def lenient(text: str) -> tuple[Variable, ...]:
    """All that can be read as a variable, in the order of the lines: of a line that is wrong behind its `=`, the rest as
    it stands. A name may be there more than once; the last one counts."""
    reader = _Reader(text.removeprefix("\ufeff"), ANY_NAME)
    found = list[Variable]()
    while not reader.ended():
        start, line = reader.at, reader.line
        try:
            item = reader.variable()
        except ValueError:
            item = reader.as_it_stands(start, line)
        found += [item] if item is not None else []
    return tuple(found)


def render(name: str, value: str) -> str:
    """The line that `parse` reads as this value. ValueError if a line can't hold it: bytes that are not UTF-8, or NUL."""
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{name} is not text")
    if BARE.fullmatch(value):
        return f"{name}={value}"
    if "'" not in value and "\r" not in value:
        return f"{name}='{value}'"
    for character, letter in (("\\", "\\"), ('"', '"'), ("$", "$"), ("`", "`"), ("\n", "n"), ("\r", "r")):
        value = value.replace(character, f"\\{letter}")
    return f'{name}="{value}"'


class _Reader:
    """Reads one variable after the other."""

    def __init__(self, text: str, names: re.Pattern[str] = NAME) -> None:
        self._text, self._at, self._names = text, 0, names
        self.line = 1

    @property
    def at(self) -> int:
        return self._at

    def ended(self) -> bool:
        return self._at >= len(self._text)

    def as_it_stands(self, start: int, line: int) -> Variable | None:
        """The variable of a wrong line that began there, without quotes or comments; None if it is none."""
        self._at = start
        found = re.match(rf"\s*(?:export\s+)?({self._names.pattern})\s*=(.*)", self._rest())
        return Variable(found[1], found[2].strip(), line) if found else None

    def skip_line(self) -> None:
        """To the next line."""
        self._rest()

    def variable(self) -> Variable | None:
        """The next line's; None if it is blank or a comment. ValueError says what is wrong."""
        line = self.line
        self._blanks()
        if self._peek() in ("", "\n", "\r", "#"):
            self._rest()
            return None
        name = self._name()
        if name == "export" and self._peek() in (" ", "\t"):
            self._blanks()
            name = self._name()
        self._blanks()
        if self._peek() != "=":
            raise ValueError(f"there is no `=` after {name}")
        self._at += 1
        self._blanks()
        quote = self._peek()
        if quote == "'":
            return Variable(name, self._single(), line)
        if quote == '"':
            raw, value = self._double()
            return Variable(name, value, line, bool(REFERENCE.search(raw)))
        value = re.split(r"(?:^|\s)#", self._rest(), maxsplit=1)[0].strip()
        return Variable(name, value, line, bool(REFERENCE.search(value)))

    def _name(self) -> str:
        found = self._names.match(self._text, self._at)
        if found is None:
            raise ValueError("it begins with no name: write NAME=value")
        self._at = found.end()
        return found[0]

    def _single(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise ValueError("its quote ' is never closed")
        value = self._text[self._at + 1 : end]
        self._close(end + 1)
        return value

    def _double(self) -> tuple[str, str]:
        at, made = self._at + 1, []
        while at < len(self._text) and self._text[at] != '"':
            following = self._text[at + 1 : at + 2]
            if self._text[at] == "\\" and following in ESCAPES and following:
                made.append(ESCAPES[following])
                at += 2
            else:
                made.append(self._text[at])
                at += 1
        if at >= len(self._text):
            raise ValueError('its quote " is never closed')
        raw = self._text[self._at + 1 : at]
        self._close(at + 1)
        return raw, "".join(made)

    def _close(self, end: int) -> None:
        """Behind a closing quote, only a comment may follow. The position moves only if the line is valid."""
        rest = self._text[end:].partition("\n")[0].strip()
        if rest and not rest.startswith("#"):
            raise ValueError("there is text after its closing quote")
        self.line += self._text.count("\n", self._at, end)
        self._at = end
        self._rest()

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _blanks(self) -> None:
        while self._peek() in (" ", "\t"):
            self._at += 1

    def _rest(self) -> str:
        """The rest of the line, which is passed."""
        end = self._text.find("\n", self._at)
        end = len(self._text) if end < 0 else end
        rest = self._text[self._at : end]
        self._at = end + 1
        self.line += 1
        return rest
