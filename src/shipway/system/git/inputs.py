"""Which commits changed the files that match some patterns: by trees that are read by their hash, so that a manipulated
clone can't hide a change."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

from shipway.domain.authors import Written
from shipway.domain.errors import RepositoryError
from shipway.system.git.command import git
from shipway.system.git.hashes import verify
from shipway.system.git.history import commits
from shipway.system.git.trees import entries
from shipway.system.patterns import fixed, matches

FOLDER = b"40000"  # mode of a tree in a tree


def touched(path: Path, found: Sequence[Written], patterns: Sequence[str]) -> set[str]:
    """Those of the commits that changed a file which matches a pattern, compared with their parent. Merges are left out.
    RepositoryError if an object is missing or doesn't match its hash."""
    single = [item for item in found if not item.is_merge]
    parents = {item.revision: item.tree for item in commits(path, {item.parent for item in single if item.parent})}
    trees = _Trees(path, tuple(patterns))
    trees.read({item.tree for item in single} | set(parents.values()))
    return {
        item.revision
        for item in single
        if trees.digest(item.tree) != (trees.digest(parents[item.parent]) if item.parent else "")
    }


def same_inputs(path: Path, found: Sequence[Written], revision: str, patterns: Sequence[str]) -> set[str]:
    """Those of the commits whose files that match a pattern are those of the revision. Errors as of `touched`."""
    (other,) = commits(path, {revision})
    trees = _Trees(path, tuple(patterns))
    trees.read({item.tree for item in found} | {other.tree})
    return {item.revision for item in found if trees.digest(item.tree) == trees.digest(other.tree)}


@dataclass
class _Trees:
    """Trees of a repository, each read once."""

    path: Path
    patterns: tuple[str, ...]
    known: dict[str, list[tuple[bytes, str, str]]] = field(default_factory=dict)  # mode, name and hash of each entry

    def read(self, roots: Iterable[str]) -> None:
        """Read these and all below them that matter."""
        left = {(name, "") for name in roots}
        while left:
            self._read(sorted({name for name, _ in left} - self.known.keys()))
            left = {
                (below, posixpath.join(above, part))
                for name, above in left
                for mode, part, below in self.known[name]
                if mode == FOLDER and self._leads_on(posixpath.join(above, part))
            }

    def digest(self, name: str, above: str = "") -> str:
        """Digest over the matching files of a tree; "" if it has none."""
        return self._digests(name, above)

    def __post_init__(self) -> None:
        self._digests = cache(self._digest)

    def _digest(self, name: str, above: str) -> str:
        parts = list[str]()
        for mode, part, below in self.known[name]:
            place = posixpath.join(above, part)
            if self._covers(place):
                parts.append(f"{mode.decode()} {part}\0{below}")
            elif mode == FOLDER and self._leads_on(place) and (found := self.digest(below, place)):
                parts.append(f"{part}\0{found}")
        whole = "\n".join(parts).encode("utf-8", "surrogateescape")
        return sha256(whole).hexdigest() if parts else ""

    def _covers(self, place: str) -> bool:
        """Whether it and all below it match."""
        return any(matches(place, pattern) for pattern in self.patterns)

    def _leads_on(self, place: str) -> bool:
        """Whether something below a folder may match that the folder itself doesn't."""
        starts = (fixed(pattern) for pattern in self.patterns)
        return not self._covers(place) and any(
            not start or f"{start}/".startswith(f"{place}/") or f"{place}/".startswith(f"{start}/") for start in starts
        )

    def _read(self, names: Sequence[str]) -> None:
        if not names:
            return
        given = "".join(f"{name}\n" for name in names)
        data = git(self.path, "cat-file", "--batch", input=given).stdout.encode("utf-8", "surrogateescape")
        at = 0
        for name in names:
            begin = data.index(b"\n", at) + 1
            kind, *size = data[at:begin].split(b" ")[1:]
            if kind != b"tree":
                raise RepositoryError(f"the tree {name[:12]} is not in this clone", hint="git fetch")
            at = begin + int(size[0]) + 1
            content = data[begin : at - 1]
            verify("tree", name, content)
            self.known[name] = [
                (mode, part.decode("utf-8", "surrogateescape"), below)
                for mode, part, below in entries(content, len(name) // 2)
            ]
