"""git's hashes: they reveal manipulated objects in a clone."""

from __future__ import annotations

import hashlib

from shipway.domain.errors import RepositoryError


def verify(kind: str, name: str, content: bytes) -> None:
    """RepositoryError if an object of that kind (commit, tree, blob) does not match the hash that it was requested
    by."""
    made = hashlib.new(
        "sha256" if len(name) == 64 else "sha1", f"{kind} {len(content)}\0".encode() + content, usedforsecurity=True
    )
    if made.hexdigest() != name:
        raise RepositoryError(
            f"the object {name[:12]} of the repository does not match its hash", hint="clone the repository again"
        )
