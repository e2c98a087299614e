"""Keep secrets out of what people and files see."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

SHORTEST = 4  # characters: replacing shorter values would garble ordinary output


class Secret:
    """A value that shows itself only when asked by `reveal()`: not in repr, str, format, f-strings or tracebacks."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return "…"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is never pickled: pass its name and read it where it is needed")


class Redactor:
    """Replaces secret values in lines of output by «NAME», also where they are URL-quoted, in base64 or in JSON.

    Values shorter than SHORTEST characters are left alone. Of a value with several lines each line is replaced.
    Safe to use from several threads while values are added.
    """

    def __init__(self, values: Mapping[str, str | Secret]) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}  # what is replaced: by which name
        self._pattern: re.Pattern[str] | None = None
        self.add(values)

    def add(self, values: Mapping[str, str | Secret]) -> None:
        """Know more values."""
        with self._lock:
            names = dict(self._names)
            for name, value in values.items():
                for form in _forms(value.reveal() if isinstance(value, Secret) else value):
                    names.setdefault(form, name)
            if names == self._names:
                return
            # Longest first: a value that contains another one must not leave a rest of itself behind.
            ordered = sorted(names, key=len, reverse=True)
            pattern = re.compile("|".join(map(re.escape, ordered)))
            self._names = names  # before the pattern: whoever reads the new pattern finds all of its names
            self._pattern = pattern

    def line(self, text: str) -> str:
        """The text without secrets."""
        pattern = self._pattern
        return text if pattern is None else pattern.sub(self._replace, text)

    def _replace(self, match: re.Match[str]) -> str:
        return f"«{self._names[match.group()]}»"


def _forms(value: str) -> Iterator[str]:
    """All spellings of a value that output may hold."""
    for part in {value, value.strip(), *(line.strip() for line in value.splitlines())}:
        if len(part) < SHORTEST:
            continue
        yield part
        yield quote(part)
        yield quote(part, safe="")
        yield quote_plus(part)
        yield json.dumps(part)[1:-1]
        yield json.dumps(part, ensure_ascii=False)[1:-1]
        for text in _base64(part.encode()):
            yield text
            yield text.replace("+", "-").replace("/", "_")


def _base64(data: bytes) -> Iterator[str]:
    """By itself, and inside of something longer (user:password): there it may begin at any of three offsets."""
    yield base64.b64encode(data).decode()
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + data).decode()
        first = -(-offset * 8 // 6)  # characters that hold bits of what stands before are not the value's own
        last = (offset + len(data)) * 8 // 6
        if last - first >= SHORTEST:
            yield text[first:last]
