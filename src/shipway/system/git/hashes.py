"""git's hashes: an object is what its name says, or the clone was written into."""

from __future__ import annotations

import hashlib

from shipway.domain.errors import RepositoryError


def verify(kind: str, name: str, content: bytes) -> None:
    """RepositoryError where an object of that kind (commit, tree, blob) does not have the hash by which it was asked for."""
    made = hashlib.new("sha256" if len(name) == 64 else "sha1", f"{kind} {len(content)}\0".encode() + content, usedforsecurity=True)
    if made.hexdigest() != name:
        raise RepositoryError(f"the object {name[:12]} of the repository is not what its hash says", hint="clone the repository again")
