"""The health check of a Compose service as the plan's."""

from __future__ import annotations

import re
import shlex
from typing import Any

from shipway.domain.value import dataclass

_URL = re.compile(
    r"(?P<scheme>https?)://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\$\{?HOSTNAME\}?|(?P<host>[\w-]+))"
    r"(?::(?P<port>\d+|\$\{?\w+(?::?-\d+)?\}?))?(?P<path>/[^\s\"'`|;&<>\])}?,]*)?"
)
_BARE = re.compile(
    r"\b(?:wget|curl)\b.*?\s(?:localhost|127\.0\.0\.1)(?::(?P<port>\d+))?(?P<path>/[^\s\"'`|;&?]*)?(?=[\s\"'|;&?]|$)"
)
_TCP = re.compile(r"\bnc\s+(?:-\w+\s+)*(?:localhost|127\.0\.0\.1)\s+(\d+)|/dev/tcp/(?:localhost|127\.0\.0\.1)/(\d+)")
_FOLLOWS = re.compile(r"\bcurl\b.*\s(--location|-[a-zA-Z]*L[a-zA-Z]*)(\s|$)")
_CONDITION = re.compile(r"grep|jq|\|\s*\w+|-X\s*POST|--data|\s-d\s|-H\s|--header|-u\s")
_STRICT = re.compile(r"\bcurl\b.*\s(--fail\S*|-[a-zA-Z]*f[a-zA-Z]*)(\s|$)")
_FAILS = re.compile(r"\s*\|\|\s*(exit\s+1|false)\s*;?\s*$")


@dataclass(frozen=True)
class Check:
    """One of path and command is set, or `tcp`. port: that it asks."""

    path: str = ""
    command: str = ""
    tcp: bool = False
    port: int | None = None


def read(test: Any, variables: dict[str, str], name: str = "") -> Check | None:
    """Read `healthcheck.test`. variables: of the service, for `$PORT`. name: of the service, as a host. None without a
    check."""
    words = test if isinstance(test, list) else ["CMD-SHELL", test] if test else []
    if len(words) < 2 or words[0] == "NONE":
        return None
    shell = words[0] == "CMD-SHELL"
    command = str(words[1]) if shell else shlex.join(str(word) for word in words[1:])
    if not command.strip() or len(command) > 4096:
        return Check(command=command) if command.strip() else None
    match = _URL.search(command)
    host = match["host"] if match else None
    usable = match and match["scheme"] == "http" and (host is None or host == name)
    match = match if usable else _BARE.search(command)
    if match is None:
        tcp = _TCP.search(command)
        return Check(tcp=True, port=int(tcp[1] or tcp[2])) if tcp else Check(command=_FAILS.sub("", command))
    port = _number(match["port"] or "", variables)
    path = match["path"] or "/"
    if path == "/" and re.search(r"\bcurl\b", command) and not _STRICT.search(command):
        return Check(tcp=True, port=port)  # any answer was good
    if _FOLLOWS.search(command) or _CONDITION.search(_FAILS.sub("", command)) or "$" in path:
        return Check(command=_FAILS.sub("", command), port=port)
    return Check(path=path, port=port if match["port"] else 80)


def _number(port: str, variables: dict[str, str]) -> int | None:
    variable = re.fullmatch(r"\$\{?(\w+)(?::?-(\d+))?\}?", port)
    text = variables.get(variable[1], variable[2] or "") if variable else port
    return int(text) if text.isdigit() and 0 < int(text[:6]) < 65536 else None
