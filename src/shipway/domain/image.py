"""Images as an engine has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageInfo:
    """An image as the engine reports it."""

    id: str
    names: tuple[str, ...]  # name:tag and repository@digest; empty: it has none
    size: int  # bytes, with the layers that it shares with others
    created: float  # seconds since the epoch; a build that found all in the cache is as old as what it found


@dataclass(frozen=True)
class Layer:
    """A layer of an image in a registry."""

    content: str  # digest of what it holds unpacked, by which engines know it (`RootFS.Layers`)
    size: int  # bytes, compressed as it is moved


def repository_of(name: str) -> str:
    """The part before the tag or the digest."""
    repository, at, _ = name.partition("@")
    head, colon, tag = repository.rpartition(":")
    return head if colon and "/" not in tag and not at else repository
