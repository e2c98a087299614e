"""The files of one folder of a repository: any of them may be missing, broken or huge."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from shipway.drafting.files import inside, lenient

SKIPPED = {"node_modules", "vendor", "venv", "env", "dist", "build", "target", "coverage", "__pycache__"}
SKIPPED |= {"test", "tests", "__tests__", "spec", "e2e", "cypress", "docs", "examples"}
FILES = 3000  # visited at most
SIZE = 128 * 1024  # bytes read of each
SAFE = re.compile(r"[\w./@+-]+")  # what may be copied into a Dockerfile


class Sources:
    """One folder (`.` is the repository's root)."""

    def __init__(self, root: Path, folder: str = ".") -> None:
        self.root, self.folder, self.here = root, folder, root / folder

    def has(self, name: str) -> bool:
        found = inside(self.root, f"{self.folder}/{name}")
        return found is not None and found.exists()

    def first(self, *names: str) -> str | None:
        """The first of these files that exists."""
        places = ((name, inside(self.root, f"{self.folder}/{name}")) for name in names)
        return next((name for name, found in places if found is not None and found.is_file()), None)

    def text(self, name: str) -> str:
        return lenient(self.here / name)

    def json(self, name: str) -> Mapping[str, Any]:
        """An object; empty if it is missing, damaged or something else."""
        try:
            return mapping(json.loads(self.text(name) or "{}"))
        except (ValueError, RecursionError):
            return {}

    def toml(self, name: str) -> Mapping[str, Any]:
        """Empty if it is missing or damaged."""
        try:
            return tomllib.loads(self.text(name))
        except (ValueError, RecursionError):
            return {}

    def above(self, name: str) -> tuple[str, str]:
        """Text of the file in this folder or else in the root, and its name to be shown."""
        if self.folder == "." or self.has(name):
            return self.text(name), name
        return lenient(self.root / name), f"/{name}"

    def tree(self, *endings: str) -> Iterator[tuple[str, str]]:
        """Path and text of the sources with these endings, those of upper folders first."""
        for name in self._names:
            if name.endswith(endings):
                yield name, lenient(self.here / name, SIZE)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        found: list[str] = []
        for at, folders, files in os.walk(self.here):
            folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
            found += [(Path(at) / name).relative_to(self.here).as_posix() for name in sorted(files)]
            if len(found) > FILES:
                break
        return tuple(sorted(filter(SAFE.fullmatch, found[:FILES]), key=lambda name: (name.count("/"), name)))

    @cached_property
    def package(self) -> Mapping[str, Any]:
        """package.json."""
        return self.json("package.json")

    @cached_property
    def composer(self) -> Mapping[str, Any]:
        """composer.json."""
        return self.json("composer.json")

    @cached_property
    def pyproject(self) -> Mapping[str, Any]:
        """pyproject.toml."""
        return self.toml("pyproject.toml")

    @cached_property
    def process(self) -> str | None:
        """The command of `web` in a Procfile."""
        match = re.search(r"^web:[ \t]*(\S.*)$", self.text("Procfile"), re.MULTILINE)
        return match[1].strip() if match else None


def mapping(value: Any) -> Mapping[str, Any]:
    """The value, or an empty mapping if it is something else."""
    return value if isinstance(value, dict) else {}


def get(data: Mapping[str, Any], *keys: str) -> Any:
    """A value of nested mappings; None if any is missing."""
    value: Any = data
    for key in keys:
        value = mapping(value).get(key)
    return value
