"""Where Terraform's code, and the data of its last `init`, say that the state is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

STATE = "terraform.tfstate"
BLOCK = re.compile(r"\bterraform\s*\{")
BACKEND = re.compile(r"\bbackend\s*(\"\"|[\w-]+)\s*\{|\bcloud\s*\{")
HEREDOC = re.compile(r"<<-?([\w-]+)[ \t]*\r?\n")
TEMPLATE = ("${", "%{")


def has_backend(files: Iterable[Path]) -> bool:
    """Whether a `terraform` block of these files has a `backend` or `cloud` block."""
    return any(_has_backend(path.read_text(encoding="utf-8", errors="replace"), path.suffix) for path in files)


def last_backend(data: Path) -> tuple[str, str] | None:
    """Kind and path of the backend that the last `init` recorded; None: there was none."""
    found = _object(_text(data / STATE)).get("backend")
    if not isinstance(found, dict) or not found.get("type"):
        return None
    config = found.get("config")
    return str(found["type"]), str(config.get("path") or "") if isinstance(config, dict) else ""


def lineage(text: str) -> str:
    """The lineage of a state that knows resources; "" if it knows none."""
    found = _object(text)
    return str(found.get("lineage") or "") if found.get("resources") else ""


def lineage_of(state: Path) -> str:
    """Of the state in a file; "" also without one."""
    return lineage(_text(state))


def _has_backend(text: str, suffix: str) -> bool:
    if suffix == ".json":
        settings = _object(text).get("terraform")
        blocks = settings if isinstance(settings, list) else [settings]
        return any(isinstance(item, dict) and ("backend" in item or "cloud" in item) for item in blocks)
    code = plain(text)
    return any(BACKEND.search(_top(code, found.end())) for found in BLOCK.finditer(code))


def plain(text: str) -> str:
    """HCL without comments and heredocs, and with empty strings."""
    kept, at = list[str](), 0
    while at < len(text):
        if text[at] == "#" or text.startswith("//", at):
            at = _after(text, "\n", at, keep=True)
        elif text.startswith("/*", at):
            at = _after(text, "*/", at + 2)
        elif text[at] == '"':
            kept.append('""')
            at = _end_of_string(text, at + 1)
        elif found := HEREDOC.match(text, at):
            end = re.compile(rf"^[ \t]*{re.escape(found[1])}[ \t]*\r?$", re.MULTILINE).search(text, found.end())
            at = end.end() if end else len(text)
            kept.append('""')
        else:
            kept.append(text[at])
            at += 1
    return "".join(kept)


def _end_of_string(text: str, at: int) -> int:
    """The index after a string's closing quote; its templates may have strings too."""
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 2
        elif text.startswith(("$${", "%%{"), at):
            at += 3
        elif text.startswith(TEMPLATE, at):
            at = _end_of_template(text, at + 2)
        else:
            at += 1
    return at + 1


def _end_of_template(text: str, at: int) -> int:
    depth = 1
    while at < len(text) and depth:
        if text[at] == '"':
            at = _end_of_string(text, at + 1)
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return at


def _after(text: str, mark: str, at: int, *, keep: bool = False) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found + (0 if keep else len(mark))


def _top(code: str, at: int) -> str:
    """The rest of a block, without what is in blocks within it."""
    kept, depth = list[str](), 1
    for letter in code[at:]:
        depth -= letter == "}"
        if not depth:
            break
        if depth == 1:
            kept.append(letter)
        depth += letter == "{"
    return "".join(kept)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
