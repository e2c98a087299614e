"""Bodies of webhooks with other values, and what must hold for whatever is made of them."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from shipway.domain.forge import Event, Hosted, Person
from shipway.domain.refs import valid_name, valid_ref
from shipway.testing.forge import SECRET

STRANGE = [
    None, True, 0, -1, 1.5, float("nan"), 10**30, "", " ", "x", "\ud800", "a\x00b", "-x", "../..", "refs/heads/../x", "0" * 40, "1" * 40,
    "1" * 39, "refs/tags/v1", "refs/notes/x", [], {}, [None], [[]], {"id": None}, "https://a b", "http://[x/", "https://-x/y", "https://a:b@c:99999/", "ssh://-x/y", "git@-x:y", "x" * 5000, {"name": {"name": []}},
]  # fmt: skip


def signed(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The headers with the signature of another body."""
    right = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    changed = {
        "X-Hub-Signature-256": f"sha256={right}",
        "X-Hub-Signature": f"sha256={right}",
        "X-Gitea-Signature": right,
        "X-Memory-Signature": right,
    }
    return {name: changed.get(name, value) for name, value in headers.items()}


def check(event: Event, name: str) -> None:
    """What an event has is what its class says."""
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        if isinstance(value, Hosted | Person):
            texts = [getattr(value, item.name) for item in dataclasses.fields(value)]
        else:
            texts = [value] if isinstance(value, str) else []
        if isinstance(value, Hosted) and name != "memory":
            for address in (value.https, value.ssh):
                assert not address or re.fullmatch(r"(https?://|ssh://|[\w.+][\w.+-]*@)(?!-)[!-~]+", address)
        if name != "memory":
            assert all(re.search(r"[\x00-\x1f\x7f\ud800-\udfff\u202e]", text) is None for text in texts), event
        if field.name in ("branch", "base", "tag") and value:
            assert valid_name(value)
        if field.name == "ref" and name != "memory":
            assert valid_ref(value)
        if field.name in ("before", "after", "commit", "head") and value and name != "memory":
            assert re.fullmatch("[0-9a-f]{12,64}", value)
        if field.name == "number" and name != "memory":
            assert value > 0


def as_json(found: Any) -> bytes:
    return json.dumps(found).encode()


def places(found: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values."""
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [path, *(item for key, value in inner for item in places(value, (*path, key)))]


def replaced(found: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    key, *rest = path
    copy = dict(found) if isinstance(found, dict) else list(found)
    copy[key] = replaced(found[key], tuple(rest), value)
    return copy
