"""A password in the URL of a repository: git gets it as a setting, since all users of a machine can read arguments."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

from shipway.system.redact import of_process

Settings = Sequence[tuple[str, str]]


def without_password(url: str) -> tuple[str, Settings]:
    """The URL as it may stand among arguments, and the settings by which git sends the password that it had."""
    parts = urlsplit(url) if "://" in url else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.password:
        return url, ()
    password = unquote(parts.password)
    of_process().add({"repository password": password})
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    login = base64.b64encode(f"{unquote(parts.username or '')}:{password}".encode()).decode()
    return bare, [(f"http.{bare}.extraHeader", f"Authorization: Basic {login}")]


def as_variables(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Variables for git with these settings, after those that the environment has."""
    first = environment.get("GIT_CONFIG_COUNT", "")
    begin = int(first) if first.isdigit() else 0
    entries = {"GIT_CONFIG_COUNT": str(begin + len(settings))} if settings else {}
    for index, (key, value) in enumerate(settings, begin):
        entries |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return {**environment, **entries}
