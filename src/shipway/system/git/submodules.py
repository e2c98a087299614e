"""Submodules: commits of other repositories that stand at a path. A clone keeps each one's objects in its own git directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

GITLINK = "160000"  # mode of a submodule in an index
SKIPPED = "none"  # `update` of one that a checkout leaves empty


@dataclass(frozen=True)
class Submodule:
    """What `.gitmodules` says of one."""

    name: str
    path: str
    url: str = ""
    update: str = ""

    def objects(self, git_folder: Path) -> Path:
        """Where a clone with that git directory has its repository, if it has."""
        return git_folder / "modules" / self.name


def submodules(settings: str) -> dict[str, Submodule]:
    """By path, of `git config --list -z` of a `.gitmodules`. Names that lead out of the folder of all submodules don't count."""
    given: dict[str, dict[str, str]] = {}
    for item in settings.split("\0"):
        key, _, value = item.partition("\n")
        name, _, what = key.removeprefix("submodule.").rpartition(".")
        if key.startswith("submodule.") and _is_safe(name):
            given.setdefault(name, {})[what] = value
    known = (Submodule(name, item.get("path", ""), item.get("url", ""), item.get("update", "")) for name, item in given.items())
    return {item.path.rstrip("/"): item for item in known if item.path}


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts
