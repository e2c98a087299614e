"""Changed files of a folder, found by looking at their times and sizes: it works on every file system, also on those that
send no events, such as folders shared with a virtual machine."""

from __future__ import annotations

import fnmatch
import os
import time
from collections.abc import Callable
from pathlib import Path

State = tuple[int, int, int]  # time of change in ns, size, inode
# Never part of an app: other tools' state, and what editors write for a moment.
SKIPPED = frozenset({".git", "node_modules", "__pycache__", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
MOMENTARY = ("*.swp", "*.swx", "*~", ".#*", "#*#", "4913", "*.pyc", ".DS_Store", "*___jb_tmp___", "*___jb_old___")


class Watcher:
    """ignored: returns folders and files that are not watched, relative to the folder; asked again when a `.gitignore`
    changes."""

    def __init__(self, root: Path, ignored: Callable[[], frozenset[str]] = frozenset) -> None:
        self._root, self._find_ignored = root, ignored
        self._ignored = ignored()
        self._known, self.cost = self._look()

    def changes(self) -> list[str]:
        """Paths, relative to the folder, of files that were changed, created or removed since the last call."""
        now, self.cost = self._look()
        changed = sorted(path for path in now.keys() | self._known.keys() if now.get(path) != self._known.get(path))
        self._known = now
        if any(os.path.basename(path) == ".gitignore" for path in changed):
            self._ignored = self._find_ignored()
        return changed

    def _look(self) -> tuple[dict[str, State], float]:
        """All files, and the seconds that it took."""
        begun = time.monotonic()
        found: dict[str, State] = {}
        folders = [""]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(self._root / folder) as entries:
                    for entry in entries:
                        self._take(entry, f"{folder}{entry.name}", found, folders)
            except OSError:  # it was removed meanwhile, or can't be read
                continue
        return found, time.monotonic() - begun

    def _take(self, entry: os.DirEntry[str], path: str, found: dict[str, State], folders: list[str]) -> None:
        if path in self._ignored or entry.name in SKIPPED:
            return
        try:
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{path}/")
            elif not any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in MOMENTARY):
                seen = entry.stat(follow_symlinks=False)
                found[path] = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        except OSError:
            return
