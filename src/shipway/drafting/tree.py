"""The files of a repository, listed once. Their texts are read when somebody asks for them."""

from __future__ import annotations

import os
import posixpath
import re
from collections import deque
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from shipway.drafting.files import lenient, plain
from shipway.planfile.bounds import TooMuch
from shipway.planfile.document import Unreadable, compose

MOST_FILES = 50_000
_DEPTH = 10
_TEXT = 256 * 1024  # bytes read of one file
# Folders of other people's code and of generated files.
_SKIPPED = {
    "node_modules", "bower_components", "vendor", "venv", "env", "virtualenv", "site-packages", "__pycache__", "dist", "target",
    "coverage", "third_party",
}  # fmt: skip
_HIDDEN = {".devcontainer", ".github", ".docker", ".config", ".circleci"}


class Tree:
    """Paths are relative to the root, with `/`; `.` is the root. Links to folders are not followed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cut = False  # whether there are more files than are listed
        self.files: list[str] = []  # the upper ones first, by name in a folder
        self._texts: dict[str, str] = {}
        self.clues: dict[str, list[tuple[str, str]]] = {}  # by folder: path and text of the files that `clues` reads
        waiting = deque([("", 0)])
        while waiting:
            folder, depth = waiting.popleft()
            for entry in _entries(root / folder):
                path = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    if depth < _DEPTH and _wanted(entry.name):
                        waiting.append((f"{path}/", depth + 1))
                elif not self._readable(entry):
                    continue
                elif len(self.files) == MOST_FILES:
                    self.cut = True
                    return
                else:
                    self.files.append(path)

    def _readable(self, entry: os.DirEntry[str]) -> bool:
        """Whether it is a file of this repository; not a pipe, a device, or a link to elsewhere."""
        try:
            if not entry.is_symlink():
                return entry.is_file()
            return entry.is_file() and Path(entry.path).resolve().is_relative_to(self.root.resolve())
        except OSError:
            return False

    @cached_property
    def _known(self) -> set[str]:
        return set(self.files)

    @cached_property
    def folders(self) -> list[str]:
        """All folders with a file in them or below, the root first."""
        found = {"."}
        for path in self.files:
            folder = posixpath.dirname(path)
            while folder and folder not in found:
                found.add(folder)
                folder = posixpath.dirname(folder)
        return sorted(found, key=lambda name: (0 if name == "." else name.count("/") + 1, name))

    @cached_property
    def _known_folders(self) -> set[str]:
        return set(self.folders)

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.files:
            folder, _, name = path.rpartition("/")
            found.setdefault(folder or ".", []).append(name)
        return found

    def has(self, path: str) -> bool:
        """Whether there is this file or folder."""
        path = posixpath.normpath(path)
        return path in self._known or path in self._known_folders

    def is_file(self, path: str) -> bool:
        """Whether there is this file."""
        return posixpath.normpath(path) in self._known

    def names(self, folder: str) -> list[str]:
        """Names of the files directly in a folder."""
        return self._by_folder.get(folder, [])

    def below(self, folder: str) -> list[str]:
        """Paths of all files in a folder and below it."""
        return self.files if folder == "." else self._below.get(folder, [])

    @cached_property
    def _below(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.files:
            end = path.rfind("/")
            while end > 0:
                found.setdefault(path[:end], []).append(path)
                end = path.rfind("/", 0, end)
        return found

    def named(self, *names: str) -> list[str]:
        """Paths of the files with one of these names."""
        return [path for path in self.files if path.endswith(names) and posixpath.basename(path) in names]

    def matches(self, pattern: str) -> bool:
        """Whether any path, or a folder of one, matches; `*` stays within one name."""
        pattern = posixpath.normpath(pattern)
        if not re.search(r"[*?\[]", pattern):
            return self.has(pattern)
        parts = pattern.split("/")
        candidates = (path.split("/")[: len(parts)] for path in self.files)
        return any(len(found) == len(parts) and all(map(fnmatchcase, found, parts)) for found in candidates)

    def first(self, folder: str, *names: str) -> str | None:
        """Path of the first of these names that is a file in the folder."""
        return next((join(folder, name) for name in names if self.is_file(join(folder, name))), None)

    def text(self, path: str | None) -> str:
        """The beginning of a file; empty without one."""
        if path is None or posixpath.normpath(path) not in self._known:
            return ""
        path = posixpath.normpath(path)
        if path not in self._texts:
            self._texts[path] = lenient(self.root / path, _TEXT)
        return self._texts[path]

    def yaml(self, path: str) -> Any:
        """The content of a YAML file as dicts, lists and strings; None if it can't be read."""
        try:
            return plain(compose(self.text(path)))
        except (Unreadable, TooMuch):
            return None

    def toml(self, path: str) -> dict[str, Any]:
        """The content of a TOML file; empty if it can't be read."""
        import tomllib

        try:
            return tomllib.loads(self.text(path))
        except (ValueError, RecursionError):
            return {}

    def json(self, path: str) -> Any:
        """The content of a JSON file, with or without comments and trailing commas; None if it can't be read."""
        import json

        text = self.text(path)
        for candidate in (text, _strict(text)):
            try:
                return json.loads(candidate)
            except (ValueError, RecursionError):
                continue
        return None


def join(folder: str, name: str) -> str:
    """The path of a name in a folder."""
    return posixpath.normpath(posixpath.join(folder, name))


def above(folder: str) -> Iterator[str]:
    """The folder, and those that contain it up to the root."""
    while folder not in ("", "."):
        yield folder
        folder = posixpath.dirname(folder)
    yield "."


def within(path: str, folder: str) -> str | None:
    """The path relative to a folder; None outside of it."""
    if folder == ".":
        return path
    if path == folder:
        return "."
    return path[len(folder) + 1 :] if path.startswith(f"{folder}/") else None


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, a single text as a list, else nothing."""
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def text_of(value: Any) -> str | None:
    """A text or a number as text in one line; None for anything else, and for a blank one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        return None
    return " ".join(str(value).split()) or None


def number_of(value: Any, most: int = 65535) -> int | None:
    """A whole number from 1 to `most`; None for anything else."""
    found = text_of(value) or ""
    return int(found) if found.isascii() and found.isdigit() and len(found) < 10 and 0 < int(found) <= most else None


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def _wanted(name: str) -> bool:
    return name not in _SKIPPED and (not name.startswith(".") or name in _HIDDEN)


def _strict(text: str) -> str:
    without = re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda match: match[1] or "", text, flags=re.DOTALL)
    return re.sub(r",(\s*[}\]])", r"\1", without)
