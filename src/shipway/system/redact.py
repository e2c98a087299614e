"""Take secret values out of lines of output."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

SHORTEST = 4  # characters; shorter values would take out half of every line


class Redactor:
    """Replaces known secret values, also URL-quoted and in base64, by their name in guillemets."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._names: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self.add(values)

    def add(self, values: Mapping[str, str]) -> None:
        """Know these too: name to value."""
        for name, value in values.items():
            for form in _forms(value):
                if len(form) >= SHORTEST:
                    self._names.setdefault(form, name)
        if self._names:
            longest_first = sorted(self._names, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def line(self, text: str) -> str:
        """The line without secrets."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: f"«{self._names[match.group()]}»", text)


def _forms(value: str) -> Iterator[str]:
    """How a value may be spelled in a line: as it is, line by line, quoted for URLs, forms and JSON, in base64."""
    for part in (value, value.strip(), *value.splitlines()):
        yield from (part, quote(part), quote(part, safe=""), quote_plus(part), json.dumps(part)[1:-1])
    yield base64.b64encode(value.encode()).decode()
