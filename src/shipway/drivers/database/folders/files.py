"""The files of a folder of migrations: listed without being read, within bounds."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shipway.domain.errors import ProofError
from shipway.drivers.database.migration import SqlFile

ENTRIES = 200_000  # files and folders
SCRIPTS = 20_000  # .sql files
SIZE = 64 << 20  # bytes of one file
TOTAL = 512 << 20  # bytes of all files that are read
FOREIGN = {"node_modules", "vendor", "venv", "__pycache__", "site-packages", "target", "dist"}  # no one's migrations
_PASS = "pass the folder of the migrations as --migrations"


class Unreadable(Exception):
    """Why a file can't be read as SQL."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path, self.reason = path, reason


@dataclass
class Files:
    """The regular files below a folder. `names` maps each name that a tool sees, relative to the folder, to its path
    there: they differ where files of several dialects are side by side."""

    root: Path
    names: Mapping[str, str]
    read: Callable[[str], bytes]  # by path; Unreadable, ProofError
    denied: tuple[str, ...] = ()  # subfolders without permission
    _texts: dict[str, str] = field(default_factory=dict)
    _total: int = 0

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def top(self, suffix: str = ".sql") -> list[str]:
        """Names without a subfolder, sorted."""
        return [name for name in self.names if "/" not in name and name.endswith(suffix)]

    def text(self, name: str) -> str:
        """The content of a text file. Unreadable if it isn't one."""
        if name not in self._texts:
            path = self.names[name]
            try:
                content = self.read(path)
            except Unreadable as error:
                raise Unreadable(path, error.reason) from None
            self._total += len(content)
            if self._total > TOTAL:
                raise ProofError(f"the files in {self.root} are larger than {TOTAL >> 20} MB together", hint=_PASS)
            try:
                self._texts[name] = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                raise Unreadable(path, "is not UTF-8") from None
        if "\0" in self._texts[name]:
            raise Unreadable(self.names[name], "contains a NUL byte: it is not text")
        return self._texts[name]

    def script(self, name: str, *, alone: bool = False) -> SqlFile:
        return SqlFile(self.names[name], self.text(name), alone)

    def setting(self, name: str) -> str:
        """The text of a file of settings; empty if it is missing or unreadable."""
        try:
            return self.text(name) if name in self.names else ""
        except Unreadable:
            return ""

    def above(self, name: str, levels: int = 4) -> str:
        """The text of a file of settings in the folder or one above it; empty if there is none."""
        if name in self.names:
            return self.setting(name)
        for folder in list(self.root.absolute().parents)[:levels]:
            try:
                if (folder / name).is_file():
                    return _content(folder / name).decode("utf-8", "replace")
            except (OSError, Unreadable, ProofError):
                return ""
        return ""

    def below(self, folder: str) -> Files:
        """Only the files of a subfolder."""
        start = f"{folder}/"
        inside = {name[len(start) :]: path[len(start) :] for name, path in self.names.items() if name.startswith(start)}
        denied = tuple(path for path in self.denied if path.startswith(start))
        return Files(self.root / folder, inside, lambda path: self.read(start + path), denied)

    def renamed(self, names: Mapping[str, str]) -> Files:
        """Only these names, each for the file that another name stands for now."""
        return Files(self.root, dict(sorted(names.items())), self.read, self.denied)


def files_of(root: Path) -> Files:
    """List a folder. ProofError if it can't be read, or has too many files."""
    if not root.is_dir():
        raise ProofError(f"there is no folder {root}", hint=_PASS)
    names: dict[str, Path] = {}
    denied: list[str] = []
    scripts = 0
    for seen, (path, name) in enumerate(_walk(root, denied), 1):
        scripts += name.endswith(".sql")
        if scripts > SCRIPTS:
            raise ProofError(f"{root} has more than {SCRIPTS:,} SQL files", hint=_PASS)
        if seen > ENTRIES:
            raise ProofError(f"{root} has more than {ENTRIES:,} files", hint=_PASS)
        names[name] = path
    # Names of tools are compared as text; the order of names is the order of most tools.
    return Files(root, {name: name for name in sorted(names)}, lambda name: _content(names[name]), tuple(denied))


def _walk(root: Path, denied: list[str]) -> Iterator[tuple[Path, str]]:
    """Regular files, with their names relative to the root; hidden ones and those of other projects are omitted."""
    visited: set[tuple[int, int]] = set()
    remaining = [(root, "")]
    while remaining:
        folder, prefix = remaining.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in visited:  # a symbolic link to a folder above
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                for entry in entries:
                    name = prefix + os.fsencode(entry.name).decode("utf-8", "backslashreplace")
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        if entry.name not in FOREIGN:
                            remaining.append((Path(entry.path), f"{name}/"))
                    elif entry.is_file() or (entry.is_symlink() and name.endswith(".sql")):
                        yield Path(entry.path), name
        except OSError as error:
            if not prefix:
                raise ProofError(f"{folder} can't be read: {error.strerror}", hint=_PASS) from error
            denied.append(prefix)


def _content(path: Path) -> bytes:
    try:
        # Not blocking, as a named pipe in place of the file would.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable(path.name, "is not a regular file")
            if status.st_size > SIZE:
                raise Unreadable(path.name, f"is too large: {status.st_size >> 20} MB, the limit is {SIZE >> 20} MB")
            content = file.read(SIZE + 1)
    except OSError as error:
        raise ProofError(f"{path} can't be read: {error.strerror}", hint="check its permissions") from error
    if len(content) > SIZE:
        raise Unreadable(path.name, f"is too large: the limit is {SIZE >> 20} MB")
    return content
