"""What a forge sends: signed, of bounded size and depth, and each value checked before anything uses it."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from shipway.domain.errors import Forged, ForgeError, Unreadable
from shipway.domain.forge import Hosted, Ignored
from shipway.domain.refs import HEADS, valid_name, valid_ref
from shipway.system.plain import plain

MOST = 25 << 20  # bytes of a body; GitHub sends no larger one
DEPTH = 64  # of objects and lists in each other; forges need about six
TITLE, NAME, URL = 300, 100, 2000  # characters that are kept of a text

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_ALIKE = bytes.maketrans(b"{}", b"[]")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT = re.compile(r"[0-9a-f]{12,64}")
_PART = r"(?!-|\.{1,2}(?:/|$))[\w.-]+"
_FULL_NAME = re.compile(rf"{_PART}(?:/{_PART})+", re.ASCII)
_WEB = re.compile(r"https?://(?!-)[!-~]+")  # no host that a command would take for an option
_SSH = re.compile(r"ssh://(?!-)(?:[\w.+-]+@(?!-))?[\w.\[][!-~]+|[\w.+][\w.+-]*@(?!-)[\w.-]+:(?!-)[!-~]+", re.ASCII)


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with names in lower case."""
    return {name.lower(): value for name, value in headers.items()}


def signed(key: bytes, content: bytes) -> str:
    """The HMAC with SHA-256, in hexadecimal digits."""
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def encoded(text: str) -> bytes:
    """The bytes of a header or secret, whatever its characters are."""
    return text.encode("utf-8", "surrogatepass")


def same(one: str, other: str) -> bool:
    """Whether they are equal. How long it takes tells neither where they differ nor how long they are."""
    return hmac.compare_digest(hashlib.sha256(encoded(one)).digest(), hashlib.sha256(encoded(other)).digest())


def require_signature(body: bytes, secret: str, *signatures: str | None) -> None:
    """Forged unless one of the hexadecimal signatures is that of the body. None: there is no such header."""
    expected = signed(encoded(secret), body)
    right = [same(item, expected) for item in signatures if item is not None]
    if not secret.strip() or not any(right):
        raise Forged


def hub(header: str | None) -> str | None:
    """The digits of a header of the form `sha256=DIGITS`."""
    return header.removeprefix("sha256=") if header is not None and header.startswith("sha256=") else None


def delivery_id(header: str | None, body: bytes) -> str:
    """The forge's id of a request, or the digest of its body if it has none that can be one."""
    return header if header and re.fullmatch(r"[!-~]{1,100}", header) else digest(body)


def digest(body: bytes) -> str:
    """Of a body, as it was signed."""
    return hashlib.sha256(body).hexdigest()


def ignored(kind: str) -> Ignored:
    """An event of this name, which is from a header or a body."""
    return Ignored(" ".join(plain(kind).split())[:NAME])


def parsed(headers: Mapping[str, str], body: bytes) -> Fields:
    """The object in a body: JSON, or a form whose field `payload` has it, which GitHub and Gitea send if asked to."""
    if len(body) > MOST:
        raise Unreadable(f"the webhook's body has {len(body)} bytes, more than {MOST}")
    try:
        if headers.get("content-type", "").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            fields = parse_qsl(
                body.decode(), keep_blank_values=True, max_num_fields=10, encoding="utf-8", errors="strict"
            )
            body = dict(fields).get("payload", "").encode()
        _require_flat(body)
        found = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise Unreadable("the webhook's body is no JSON") from error
    return Fields(found)


def _require_flat(body: bytes) -> None:
    brackets = _STRING.sub(b"", body).translate(_ALIKE, _OTHERS)
    for _ in range(DEPTH):
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise Unreadable(f"the webhook's JSON is deeper than {DEPTH}, or its brackets don't match")


class Fields:
    """An object of a payload, or of an answer. Each reading checks, and raises `wrong` with the field's name."""

    def __init__(self, found: Any, name: str = "", wrong: Callable[[str], ForgeError] = Unreadable) -> None:
        if not isinstance(found, dict):
            raise wrong(f"`{name or 'the body'}` is no object")
        self._found, self._name, self._error = found, name, wrong

    def __contains__(self, key: str) -> bool:
        return self._found.get(key) is not None

    def of(self, key: str) -> Fields:
        """The object of that name."""
        return Fields(self._found.get(key), self._path(key), self._error)

    def maybe(self, *keys: str) -> Fields:
        """The object at the end of a path, empty if there is none."""
        found: Any = self._found
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return Fields(found if isinstance(found, dict) else {}, self._path(".".join(keys)), self._error)

    def each(self, key: str) -> list[Fields]:
        """The objects of a list."""
        found = self._found.get(key)
        if not isinstance(found, list):
            raise self._wrong(key, "list")
        return [Fields(item, self._path(key), self._error) for item in found]

    def text(self, key: str) -> str:
        """A text."""
        found = self._found.get(key)
        if not isinstance(found, str):
            raise self._wrong(key, "text")
        return found

    def word(self, key: str) -> str:
        """A text that is compared with known ones only; empty if it is something else."""
        found = self._found.get(key)
        return found if isinstance(found, str) else ""

    def shown(self, key: str, most: int = NAME) -> str:
        """A text for people, on one line, without what a terminal would obey; empty if there is none."""
        return " ".join(plain(self.word(key)).split())[:most]

    def number(self, key: str) -> int:
        """A positive number."""
        found = self._found.get(key)
        if not isinstance(found, int) or isinstance(found, bool) or not 0 < found < 1 << 53:
            raise self._wrong(key, "number")
        return found

    def id(self, key: str = "id") -> str:
        """An id of a person: a number or a short text; empty if there is none."""
        found = self._found.get(key)
        if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 1 << 53:
            return str(found)
        return found if isinstance(found, str) and re.fullmatch(r"[!-~]{1,100}", found) else ""

    def flag(self, key: str) -> bool:
        """Whether it is true."""
        return self._found.get(key) is True

    def commit(self, key: str, *, short: bool = False) -> str:
        """A commit's id: in full, or at least its first 12 digits."""
        found = self.text(key)
        if not (_SHORT if short else _COMMIT).fullmatch(found) or not found.strip("0"):
            raise self._wrong(key, "id of a commit")
        return found

    def maybe_commit(self, key: str, *, short: bool = False) -> str | None:
        """A commit's id; None if there is none, or only zeros."""
        return None if key not in self or not self.text(key).strip("0") else self.commit(key, short=short)

    def ref(self, key: str) -> str:
        """The full name of a branch or tag; empty if it is one of another kind, such as `refs/notes/x`."""
        found = self.text(key)
        if not valid_ref(found):
            if found.startswith("refs/") and not found.startswith((HEADS, "refs/tags/")):
                return ""
            raise self._wrong(key, "full name of a branch or tag")
        return found

    def name(self, key: str) -> str:
        """The name of a branch or tag."""
        found = self.text(key)
        if not valid_name(found):
            raise self._wrong(key, "name of a branch or tag")
        return found

    def maybe_name(self, key: str) -> str:
        """The name of a branch or tag; empty if there is none."""
        return self.name(key) if key in self else ""

    def full_name(self, key: str) -> str:
        """The full name of a repository."""
        found = self.text(key)
        if len(found) > NAME * 5 or not _FULL_NAME.fullmatch(found):
            raise self._wrong(key, "full name of a repository")
        return found

    def url(self, key: str) -> str:
        """The address of a page; empty if it is none."""
        found = self.word(key)
        return found if len(found) <= URL and _WEB.fullmatch(found) else ""

    def hosted(self, name: str, https: str, ssh: str) -> Hosted:
        """The repository whose full name and addresses are in these fields."""
        at = self.word(ssh)
        return Hosted(self.full_name(name), self.url(https), at if len(at) <= URL and _SSH.fullmatch(at) else "")

    def _path(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def _wrong(self, key: str, what: str) -> ForgeError:
        return self._error(f"`{self._path(key)}` is no {what}" if key in self else f"`{self._path(key)}` is missing")
