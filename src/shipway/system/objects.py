"""Read git's objects such that forged ones are detected: each must match the hash that it was requested by.

So whatever an earlier step wrote to a clone (refs, grafts, replacements, a commit graph, packs) can't deceive.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Sequence

from shipway.system.git.hashes import verify
from shipway.system.git.trees import entries

Ask = Callable[
    ..., "subprocess.CompletedProcess[bytes]"
]  # runs git with these arguments and this input in one repository
Kept = dict[str, bytes]  # objects of the repository by hash, as git gave them: not verified yet


def read_object(ask: Ask, kept: Kept, kind: str, name: str) -> bytes | None:
    """Content of an object of a kind (commit, tree, blob); None if the repository lacks it."""
    if name not in kept:
        _fetch(ask, kept, [name])
    if name not in kept:
        return None
    verify(kind, name, kept[name])
    return kept[name]


def _fetch(ask: Ask, kept: Kept, names: Iterable[str]) -> None:
    """Ask once for all of them: by hash, or by any other name, whose object is kept by its hash alike."""
    asked = "".join(f"{name}\n" for name in names if "\n" not in name)
    data = ask("cat-file", "--batch", input=asked.encode("utf-8", "surrogateescape")).stdout
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        hash, _, size = data[at:end].rpartition(b" ")
        at = end + 1
        if size.isdigit():  # otherwise a word that says why there is none
            kept[hash.split(b" ")[0].decode()] = data[at : at + int(size)]
            at += int(size) + 1


def read_file(ask: Ask, kept: Kept, commit: str, path: str) -> tuple[bool, bytes | None]:
    """A file of a commit, by names of folders from the root: whether all objects exist, and the content, None if it is
    missing."""
    parts = path.split("/")
    if commit not in kept:
        places = ("/".join(parts[:count]) for count in range(len(parts) + 1))
        _fetch(ask, kept, [commit, *(f"{commit}:{place}" for place in places)])
    header = read_object(ask, kept, "commit", commit)
    if header is None:
        return False, None
    kind, name = "tree", header.split(b"\n", 1)[0].removeprefix(b"tree ").decode()
    for part in parts:
        content = read_object(ask, kept, "tree", name)
        if content is None:
            return False, None
        entry = next((item for item in _entries(content, len(name) // 2) if item[1] == part.encode()), None)
        if entry is None or entry[0] == "link":
            return True, None
        kind, name = entry[0], entry[2]
    found = read_object(ask, kept, "blob", name) if kind == "blob" else None
    return found is not None or kind != "blob", found


def leads_to(ask: Ask, kept: Kept, tip: str, revision: str, *, merged: bool = True) -> bool | None:
    """Whether the history of `tip` has the commit; None if the repository lacks objects to decide it. merged=False: as a
    first parent, so that it wasn't only brought by a merge."""
    if tip == revision:
        return True
    asked = ask("merge-base", "--is-ancestor", revision, tip)
    if asked.returncode:
        return False if asked.returncode == 1 else None
    between = ask("rev-list", "--ancestry-path", f"{revision}..{tip}").stdout.decode().split()
    _fetch(ask, kept, [name for name in between if name not in kept])
    parents = {name: _parents(ask, kept, name) for name in between}
    reached, left = {tip}, [tip]
    while left:
        for parent in parents.get(left.pop(), ())[: None if merged else 1]:
            if parent == revision:
                return True
            if parent in parents and parent not in reached:
                reached.add(parent)
                left.append(parent)
    return False


def _parents(ask: Ask, kept: Kept, name: str) -> Sequence[str]:
    header = (read_object(ask, kept, "commit", name) or b"").partition(b"\n\n")[0]
    return [line[7:].decode() for line in header.split(b"\n") if line.startswith(b"parent ")]


def _entries(tree: bytes, size: int) -> Iterable[tuple[str, bytes, str]]:
    """Kind, name and hash of each entry; `size` is that of a hash in bytes."""
    for mode, name, hash in entries(tree, size):
        yield {b"40000": "tree", b"160000": "link", b"120000": "link"}.get(mode, "blob"), name, hash
