"""Tree objects, as git stores them."""

from __future__ import annotations

from collections.abc import Iterable


def entries(tree: bytes, size: int) -> Iterable[tuple[bytes, bytes, str]]:
    """Mode, name and hash of each entry of a tree object; `size` is that of a hash in bytes."""
    at = 0
    while at < len(tree):
        blank = tree.index(b" ", at)
        end = tree.index(b"\0", blank)
        yield tree[at:blank], tree[blank + 1 : end], tree[end + 1 : end + 1 + size].hex()
        at = end + 1 + size
