"""Images as an engine stores them."""

from __future__ import annotations

from collections.abc import Sequence

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


def by_digest(image: str, known: object) -> str:
    """Of the names that an engine has for an image by digest (`RepoDigests`), the one in the reference's own repository; those of
    other registries, to which the same content was pushed, only if there is none. "": it has none at all."""
    names = [str(name) for name in known] if isinstance(known, Sequence) and not isinstance(known, str) else []
    if image in names:
        return image
    own = repository_of(image)
    same = [name for name in names if repository_of(name) == own]
    short = [
        name for name in names if own.endswith(f"/{repository_of(name)}")
    ]  # an engine leaves out its usual registry
    return next(iter((*same, *short, *names)), "")


def base_name(name: str) -> str:
    """The base name: `server` of registry/library/server:15@sha256:…"""
    return name.split("@")[0].rpartition("/")[2].split(":")[0]
