"""Search for secret values in everything that a project leaves, in the spellings in which programs print them.

Written apart from the redactor, so that what that one forgets is found here.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
MIDDLE = 12  # bytes of base64 text that must be there: the rest depends on what stands before and behind


def spellings(value: bytes) -> dict[str, bytes]:
    """Each spelling by its name. value: at least 16 bytes, so that no spelling is found by chance."""
    text = value.decode()
    found = {
        "raw": value,
        "hex": value.hex().encode(),
        "HEX": value.hex().upper().encode(),
        "percent": urllib.parse.quote(text, safe="").encode(),
        "percent, each byte": "".join(f"%{byte:02X}" for byte in value).encode(),
        "form": urllib.parse.quote_plus(text).encode(),
        "JSON": json.dumps(text)[1:-1].encode(),
        "JSON, UTF-8": json.dumps(text, ensure_ascii=False)[1:-1].encode(),
        "shell": shlex.quote(text).strip("'").encode(),
        "HTML": html.escape(text).encode(),
        "UTF-16 LE": text.encode("utf-16-le"),
        "UTF-16 BE": text.encode("utf-16-be"),
    }
    for offset in range(3):
        padded = b"\0" * offset + value
        standard = base64.b64encode(padded)
        url = base64.urlsafe_b64encode(padded)
        start, end = (offset * 8 + 5) // 6, (len(padded) * 8) // 6  # characters that the value alone decides
        assert end - start >= MIDDLE
        found[f"base64 at {offset}"], found[f"base64url at {offset}"] = standard[start:end], url[start:end]
    return found


def leaks(values: Mapping[str, str], things: Iterator[tuple[str, bytes]]) -> list[str]:
    """Where a value stands: `NAME as SPELLING in THING`."""
    known = [(name, how, form) for name, value in values.items() for how, form in spellings(value.encode()).items()]
    found = []
    for thing, content in things:
        plain = COLOUR.sub(b"", content)  # what a terminal shows in one piece may be written in several
        found += [f"{name} as {how} in {thing}" for name, how, form in known if form in content or form in plain]
    return found


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All files below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(folder)), path.read_bytes()
