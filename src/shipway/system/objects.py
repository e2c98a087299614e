"""Read git's objects such that forged ones are detected: each must match the hash that it was requested by.

So whatever an earlier step wrote to a clone (refs, grafts, replacements, a commit graph, packs) can't deceive.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Sequence

from shipway.system.git.hashes import verify
from shipway.system.git.trees import entries

Ask = Callable[..., "subprocess.CompletedProcess[bytes]"]  # runs git with these arguments in one repository


def read_object(ask: Ask, kind: str, name: str) -> bytes | None:
    """Content of an object of a kind (commit, tree, blob); None if the repository lacks it."""
    done = ask("cat-file", kind, name)
    if done.returncode:
        return None
    verify(kind, name, done.stdout)
    return bytes(done.stdout)


def read_file(ask: Ask, commit: str, path: str) -> tuple[bool, bytes | None]:
    """A file of a commit, by names of folders from the root: whether all objects exist, and the content, None if it is
    missing."""
    header = read_object(ask, "commit", commit)
    if header is None:
        return False, None
    kind, name = "tree", header.split(b"\n", 1)[0].removeprefix(b"tree ").decode()
    for part in path.split("/"):
        content = read_object(ask, "tree", name)
        if content is None:
            return False, None
        entry = next((item for item in _entries(content, len(name) // 2) if item[1] == part.encode()), None)
        if entry is None or entry[0] == "link":
            return True, None
        kind, name = entry[0], entry[2]
    found = read_object(ask, "blob", name) if kind == "blob" else None
    return found is not None or kind != "blob", found


def leads_to(ask: Ask, tip: str, revision: str, *, merged: bool = True) -> bool | None:
    """Whether the history of `tip` has the commit; None if the repository lacks objects to decide it. merged=False: as a
    first parent, so that it wasn't only brought by a merge."""
    if tip == revision:
        return True
    asked = ask("merge-base", "--is-ancestor", revision, tip)
    if asked.returncode:
        return False if asked.returncode == 1 else None
    between = ask("rev-list", "--ancestry-path", f"{revision}..{tip}").stdout.decode().split()
    parents = {name: _parents(ask, name) for name in between}
    reached, left = {tip}, [tip]
    while left:
        for parent in parents.get(left.pop(), ())[: None if merged else 1]:
            if parent == revision:
                return True
            if parent in parents and parent not in reached:
                reached.add(parent)
                left.append(parent)
    return False


def _parents(ask: Ask, name: str) -> Sequence[str]:
    header = (read_object(ask, "commit", name) or b"").partition(b"\n\n")[0]
    return [line[7:].decode() for line in header.split(b"\n") if line.startswith(b"parent ")]


def _entries(tree: bytes, size: int) -> Iterable[tuple[str, bytes, str]]:
    """Kind, name and hash of each entry; `size` is that of a hash in bytes."""
    for mode, name, hash in entries(tree, size):
        yield {b"40000": "tree", b"160000": "link", b"120000": "link"}.get(mode, "blob"), name, hash
