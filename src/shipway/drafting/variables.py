"""Environment variables of a compose file: plain values and secrets."""

from __future__ import annotations

import re
from typing import Any

from shipway.planfile.values import VARIABLE_PATTERN

_SECRET = re.compile(
    r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|PRIVATE|(^|_)(API_?)?KEY$|(^|_)(DSN|PWD|PASS)$", re.IGNORECASE
)
_VARIABLE = re.compile(r"\$\{(\w+)(?::?([-?+])([^}]*))?\}|\$(\w+)")


def entries(raw: Any) -> dict[str, str | None]:
    """A mapping, or a list of NAME=value; None where the value comes from the shell."""
    if isinstance(raw, dict):
        return {name: None if value is None else str(value) for name, value in raw.items()}
    found: dict[str, str | None] = {}
    for item in raw if isinstance(raw, list) else []:
        name, equals, value = str(item).partition("=")
        found[name] = value if equals else None
    return found


def split(found: dict[str, str | None]) -> tuple[dict[str, str], list[str], list[str]]:
    """Values for the plan, names of secrets (their values are never copied), and notes."""
    values: dict[str, str] = {}
    secrets: list[str] = []
    todo: list[str] = []
    for name, raw in found.items():
        value = None if raw is None else _resolved(raw)
        if not re.search(VARIABLE_PATTERN, name):
            todo.append(f"the variable {name} has a name that a plan can't have")
        elif _SECRET.search(name):
            secrets.append(name)
        elif value is None:
            todo.append(f"{name}: under `environment:`, or under `secrets:`; its value came from the shell")
        else:
            values[name] = value
    return values, secrets, todo


def _resolved(value: str) -> str | None:
    """With variables replaced by their defaults; None if one has no default."""
    missing = False

    def default(match: re.Match[str]) -> str:
        nonlocal missing
        missing = missing or match[2] != "-"
        return match[3] or ""

    result = _VARIABLE.sub(default, value.replace("$$", "\0")).replace("\0", "$")
    return None if missing else result


def is_secret(name: str) -> bool:
    """Whether a variable's name says that its value is confidential."""
    return _SECRET.search(name) is not None


def usable(raw: dict[str, Any]) -> dict[str, str]:
    """The variables with a valid name and a value in one line, without those that are confidential by their name."""
    found: dict[str, str] = {}
    for name, value in raw.items():
        text = (
            str(value).lower()
            if isinstance(value, bool)
            else str(value)
            if isinstance(value, (str, int, float))
            else None
        )
        if text is not None and re.search(VARIABLE_PATTERN, name) and "\n" not in text:
            found[name] = text
    return found
