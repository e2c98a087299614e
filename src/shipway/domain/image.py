"""Images as an engine stores them."""

from __future__ import annotations

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class ImageInfo:
    """An image as the engine reports it."""

    id: str
    names: tuple[str, ...]  # name:tag and repository@digest; may be empty
    size: int  # bytes, including layers shared with other images
    created: float  # seconds since the epoch; a fully cached build has the age of its cached image


@dataclass(frozen=True)
class Layer:
    """A layer of an image in a registry."""

    content: str  # digest of its uncompressed content, as in the engine's `RootFS.Layers`
    size: int  # bytes, compressed as transferred


def repository_of(name: str) -> str:
    """The part before the tag or the digest."""
    repository, at, _ = name.partition("@")
    head, colon, tag = repository.rpartition(":")
    return head if colon and "/" not in tag and not at else repository


def base_name(name: str) -> str:
    """The base name: `server` of registry/library/server:15@sha256:…"""
    return name.split("@")[0].rpartition("/")[2].split(":")[0]
