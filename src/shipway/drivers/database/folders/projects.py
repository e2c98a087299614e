"""The dialect of a project of Alembic or Django, as the text of its settings names it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_MARKS = {
    "sqlite": re.compile(r"\bsqlite(?:\+\w+)?:///|\bdb\.backends\.sqlite3\b"),
    "mysql": re.compile(r"\b(?:mysql|mariadb)(?:\+\w+)?://[\w{%$]|\bdb\.backends\.mysql\b"),
    "postgres": re.compile(
        r"\bpostgres(?:ql)?(?:\+\w+)?://[\w{%$]|\bdb\.backends\.postgresql\b|\bbackends\.postgis\b|\bPG(?:HOST|DATABASE)\b"
    ),
}
_COMMENT = re.compile(r"^\s*[#;].*$", re.MULTILINE)
_LOCATION = re.compile(r"^\s*script_location\s*[=:]\s*(\S+)", re.MULTILINE)
_SETTINGS = re.compile(r"""DJANGO_SETTINGS_MODULE["']\s*(?:,|\]\s*=)\s*["']([\w.]+)["']""")


def project_dialect(folder: Path, layout: str) -> str | None:
    """The only one that the settings name; None if they name none or several. `folder` has alembic.ini or manage.py."""
    texts = _alembic(folder) if layout == "alembic" else _django(folder)
    whole = "\n".join(_COMMENT.sub("", text) for text in texts)
    found = [name for name, mark in _MARKS.items() if mark.search(whole)]
    return found[0] if len(found) == 1 else None


def _alembic(folder: Path) -> Iterator[str]:
    settings = _text(folder / "alembic.ini")
    yield settings
    match = _LOCATION.search(settings)
    yield _text(folder / (match[1].replace("%(here)s", ".") if match else ".") / "env.py")


def _django(folder: Path) -> Iterator[str]:
    """Of the module that manage.py names; if it is a package, or one of several in a folder, of all modules there."""
    match = _SETTINGS.search(_text(folder / "manage.py"))
    if match is None:
        return
    module = folder.joinpath(*match[1].split("."))
    if module.is_dir() or module.parent.name == "settings":
        for file in sorted((module if module.is_dir() else module.parent).glob("*.py")):
            yield _text(file)
    else:
        yield _text(module.with_suffix(".py"))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
