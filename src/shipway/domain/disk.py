"""The disk of an engine: what could go from it, and how a reader frees it. All sizes are bytes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.domain.size import readable

FEW = 3  # volumes that are named one by one
NAMELESS = "$(docker volume ls --quiet --filter dangling=true | grep -xE '[0-9a-f]{64}')"


@dataclass(frozen=True)
class DiskUsage:
    """What could go, as the engine counts it itself."""

    unused_images: int = 0  # of images that no container has, running or not, without the layers that others share
    build_cache: int = 0
    orphans: Mapping[str, int] = field(default_factory=dict)  # volumes without a name that no container has: id: size


def is_full(message: str) -> bool:
    """Whether an engine's or a build's words mean that there is no space."""
    return any(words in message.lower() for words in ("no space left on device", "disk quota exceeded"))


def relief(usage: DiskUsage | None = None) -> str:
    """What would free space, with the sizes where they are known and without what is empty.

    No command here removes a volume that has a name: `docker volume prune` of older engines takes a database's, too,
    while its container is away.
    """
    unknown = usage is None
    usage = usage or DiskUsage()
    ways = [
        ("shipway prune", "images of this app that nothing needs any more", None),
        ("docker builder prune", "the build cache", usage.build_cache),
        ("docker image prune --all", "images that no container uses; what a rollback needs is pulled again", usage.unused_images),
    ]
    if usage.orphans:
        chosen = " ".join(sorted(usage.orphans)) if len(usage.orphans) <= FEW else NAMELESS
        ways.append((f"docker volume rm {chosen}", "volumes without a name that no container uses", sum(usage.orphans.values())))
    shown = [
        f"  {command}  ({what}{'' if size is None or unknown else f': {readable(size)}'})"
        for command, what, size in ways if size is None or size or unknown
    ]  # fmt: skip
    return "\n".join(["this frees some there:", *shown])
