"""Take secret values out of lines of output."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from urllib.parse import quote

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
            if len(value) < SHORTEST:
                continue
            for form in (value, quote(value, safe=""), base64.b64encode(value.encode()).decode()):
                self._names.setdefault(form, name)
        if self._names:
            longest_first = sorted(self._names, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def line(self, text: str) -> str:
        """The line without secrets."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: f"«{self._names[match.group()]}»", text)
