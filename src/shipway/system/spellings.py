"""The spellings of a secret value in the output of programs."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

LARGE = 8 << 10  # characters
LINE = 8  # characters of a value's line; a shorter one may be any word
PASSWORD = 256  # characters of a value that may be the password of an address
PART = 6  # characters of a password within a value


def spellings(value: str, shortest: int) -> set[str]:
    """The value itself, its lines, and secrets within it; quoted for URLs, forms, JSON, shells and HTML; in base64 at
    any offset, and in hex. Nothing of fewer characters than `shortest`."""
    if len(value) > LARGE:
        return _of_large(value)
    found: set[str] = set()
    lines = {line.strip() for line in value.splitlines()} - {value.strip()}
    parts = {value, value.strip(), *(line for line in lines if len(line) >= LINE), *_passwords(value)}
    in_addresses = {_url(part, "") for part in parts if len(part) <= PASSWORD}  # which are encoded as a whole
    for part in parts | in_addresses:
        if len(part) >= shortest:
            found.update(_quoted(part))
            for data in (part.encode(errors="surrogateescape"), part.encode("utf-16-le", "surrogatepass")):
                found.update((data.hex(), data.hex().upper(), *_base64(data)))
    found.update(_base64(value.encode(errors="surrogateescape")) if len(value) >= shortest else ())
    return {form for form in found if len(form) >= shortest}


def _of_large(value: str) -> set[str]:
    """For keyrings and certificates: their lines unchanged, and the whole as programs encode bytes."""
    data = value.encode(errors="surrogateescape")
    found = {line.strip() for line in value.splitlines()} | {
        json.dumps(value)[1:-1],
        data.hex(),
        data.hex().upper(),
        *_base64(data),
    }
    return {form for form in found if len(form) >= LINE}


def _passwords(value: str) -> Iterator[str]:
    """The password of an address, or of a pair such as user:password."""
    try:
        password = urlsplit(value.strip()).password or ""
    except ValueError:
        password = ""
    pair = re.fullmatch(r"[^\s:/@]+:([^\s/][^\s]*)", value.strip())
    for part in (password, unquote(password), pair[1] if pair else ""):
        if len(part) >= PART:
            yield part


def _quoted(value: str) -> Iterator[str]:
    yield value
    for url in (_url(value, "/"), _url(value, ""), _url(value, "!'()*~"), quote_plus(value, errors="surrogateescape")):
        yield url
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), url)
    for text in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]):
        yield text
        yield text.replace("/", "\\/")
        yield text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("'", "\\u0027")
    yield shlex.quote(value).removeprefix("'").removesuffix("'")
    yield value.replace("'", "'\\''")
    yield value.replace("\\", "\\\\").replace("'", "\\'")
    yield re.sub(r'([\\"$`])', r"\\\1", value)
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)
    for page in _in_html(value):
        yield from (
            page,
            page.replace("&#x27;", "&#39;"),
            page.replace("&#x27;", "&apos;"),
            page.replace("&#x27;", "'"),
        )
        yield page.replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def _url(value: str, safe: str) -> str:
    return quote(value, safe=safe, errors="surrogateescape")


def _base64(data: bytes) -> Iterator[str]:
    """Base64 within a longer text, at each of the three offsets; at the end with its padding."""
    for offset, begin in ((0, 0), (1, 2), (2, 3)):
        padded = base64.b64encode(bytes(offset) + data).decode()[begin:]
        inside = padded[: (offset + len(data)) * 8 // 6 - begin]
        for text in (padded, inside):
            yield text
            yield text.replace("+", "-").replace("/", "_")


def _in_html(value: str) -> tuple[str, str]:
    """In text, and in attributes. The standard library's module imports a table of all entities, which takes longer."""
    text = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text, text.replace('"', "&quot;").replace("'", "&#x27;")
