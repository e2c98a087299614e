"""Submodules: commits of other repositories at a path. A clone keeps their objects in git directories of their own."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from shipway.domain.value import dataclass

GITLINK = "160000"  # mode of a submodule in an index
SKIPPED = "none"  # `update` of a submodule that a checkout leaves empty


@dataclass(frozen=True)
class Submodule:
    """A submodule in `.gitmodules`."""

    name: str
    path: str
    url: str = ""
    update: str = ""

    def objects(self, git_folder: Path) -> Path:
        """The submodule's repository in the clone with that git directory; may be missing."""
        return git_folder / "modules" / self.name


def submodules(settings: str) -> dict[str, Submodule]:
    """Submodules by path, from `git config --list -z` of a `.gitmodules`. Ignores names that point outside of the folder of
    all submodules."""
    given: dict[str, dict[str, str]] = {}
    for item in settings.split("\0"):
        key, _, value = item.partition("\n")
        name, _, what = key.removeprefix("submodule.").rpartition(".")
        if key.startswith("submodule.") and _is_safe(name):
            given.setdefault(name, {})[what] = value
    known = (
        Submodule(name, item.get("path", ""), item.get("url", ""), item.get("update", ""))
        for name, item in given.items()
    )
    return {item.path.rstrip("/"): item for item in known if item.path}


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts
