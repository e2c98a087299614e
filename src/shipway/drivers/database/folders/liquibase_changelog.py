"""The files that a master changelog of Liquibase includes, in XML, YAML or JSON, in their order."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from shipway.domain.value import dataclass
from shipway.drivers.database.folders.files import Files, Unreadable
from shipway.drivers.database.migration import Skipped

_KINDS = {"xml": "XML", "yaml": "YAML", "yml": "YAML", "json": "JSON"}
_MARK = re.compile(r"databaseChangeLog", re.IGNORECASE)
_INCLUDES = ("include", "includeAll")
_PREFERRED = re.compile(r"(?:^|[/._-])(?:master|root|main|index)\b|^(?:db[._-])?changelog\.\w+$", re.IGNORECASE)


@dataclass(frozen=True)
class Listed:
    """The SQL files by name, and what is skipped between them; `used`: the changelogs."""

    items: tuple[str | Skipped, ...]
    used: frozenset[str] = frozenset()
    master: bool = False


@dataclass(frozen=True)
class _Item:
    kind: str  # include, includeAll, changeSet
    target: str = ""
    relative: bool = False


def listed(files: Files) -> Listed:
    """What the master changelog includes; all SQL files by name if there is none."""
    root = master(files)
    if root is None:
        return Listed(tuple(name for name in files if name.endswith(".sql")))
    used: dict[str, None] = {}
    found = tuple(_expand(files, root, used))
    return Listed(found, frozenset(files.names[name] for name in used), master=True)


def master(files: Files) -> str | None:
    """The changelog that no other one includes; if there are several, the one that is named like it."""
    logs = [name for name in files if is_changelog(files, name)]
    included = {
        target
        for name in logs
        for item in _items(files, name)
        for target in _targets(files, name, item)
        if target != name
    }
    roots = [name for name in logs if name not in included] or logs
    preferred = [name for name in roots if _PREFERRED.search(name)]
    return next(iter(preferred or roots), None)


def is_changelog(files: Files, name: str) -> bool:
    if name.rpartition(".")[2] not in _KINDS:
        return False
    try:
        return _MARK.search(files.text(name)[:4096]) is not None
    except Unreadable:
        return False


def _expand(files: Files, name: str, used: dict[str, None]) -> Iterator[str | Skipped]:
    """Depth first; a file that is included again, or includes itself, is taken once."""
    stack: list[Iterator[str | Skipped | tuple[str]]] = [_steps(files, name)]
    used[name] = None
    while stack:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
        elif isinstance(step, Skipped):
            yield step
        elif isinstance(step, tuple):
            if step[0] not in used:
                used[step[0]] = None
                stack.append(_steps(files, step[0]))
        elif step not in used:
            used[step] = None
            yield step


def _steps(files: Files, name: str) -> Iterator[str | Skipped | tuple[str]]:
    """SQL files, further changelogs (in a tuple), and what is skipped."""
    kind = _KINDS[name.rpartition(".")[2]]
    for item in _items(files, name):
        if item.kind == "changeSet":
            yield Skipped(item.target or files.names[name], files.names[name], f"written in {kind}")
            continue
        targets = _targets(files, name, item)
        if not targets:
            yield Skipped(
                item.target, files.names[name], f"is included by {files.names[name]}, but there is no such file"
            )
        for target in targets:
            if target.endswith(".sql"):
                yield target
            elif target.rpartition(".")[2] in _KINDS:
                yield (target,)


def _targets(files: Files, name: str, item: _Item) -> list[str]:
    """The files of an include. The folder that paths begin in is unknown: they match by their last parts."""
    if item.kind == "changeSet" or not item.target:
        return []
    target = item.target.removeprefix("classpath:").replace("\\", "/").lstrip("/")
    if item.relative:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    target = posixpath.normpath(target)
    if item.kind == "include":
        if target in files:
            return [target]
        fitting = [other for other in files if target.endswith(f"/{other}") or other.endswith(f"/{target}")]
        return sorted(fitting, key=len, reverse=True)[:1]
    folders = {posixpath.dirname(other) for other in files}
    parents = {folder[:at] for folder in folders for at in range(len(folder)) if folder[at] == "/"}
    fitting = [
        folder
        for folder in {*folders, *parents, ""}
        if folder == target
        or target.endswith(f"/{folder}")
        or folder.endswith(f"/{target}")
        or (target == "." and not folder)
    ]
    if not fitting:
        own = posixpath.basename(str(files.root.absolute()))
        fitting = [""] if target == own or target.endswith(f"/{own}") else []
    if not fitting:
        return []
    folder = max(fitting, key=len)
    inside = [other for other in files if not folder or other.startswith(f"{folder}/")]
    return [other for other in inside if other != name and other.rpartition(".")[2] in {"sql", *_KINDS}]


def _items(files: Files, name: str) -> list[_Item]:
    """Empty if the changelog can't be parsed."""
    try:
        text = files.text(name)
        return list(_from_xml(text) if name.endswith(".xml") else _from_data(_data(name, text)))
    except (Unreadable, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return []


def _from_xml(text: str) -> Iterator[_Item]:
    if "<!ENTITY" in text or "<!DOCTYPE" in text:
        raise ValueError("entities are not expanded")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error
    for element in root:
        kind = str(element.tag).rpartition("}")[2]
        yield from _item(kind, dict(element.attrib))


def _data(name: str, text: str) -> Any:
    if name.endswith(".json"):
        return json.loads(text)
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, KeyError, IndexError, AssertionError) as error:
        raise ValueError(str(error)) from error


def _from_data(data: Any) -> Iterator[_Item]:
    for entry in data["databaseChangeLog"]:
        for kind, values in entry.items():
            if isinstance(values, dict):
                yield from _item(str(kind), {str(key): str(value) for key, value in values.items()})


def _item(kind: str, values: dict[str, str]) -> Iterator[_Item]:
    if kind in _INCLUDES:
        relative = values.get("relativeToChangelogFile", "").lower() == "true"
        yield _Item(kind, values.get("file") or values.get("path") or "", relative)
    elif kind == "changeSet":
        yield _Item(kind, ":".join(value for value in (values.get("author"), values.get("id")) if value))
