"""An engine's disk usage: what can be removed, and how the user frees it. All sizes are bytes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.domain.size import readable

FEW = 3  # volumes that are listed by name
NAMELESS = "$(docker volume ls --quiet --filter dangling=true | grep -xE '[0-9a-f]{64}')"


@dataclass(frozen=True)
class DiskUsage:
    """What can be removed, by the engine's own count."""

    unused_images: int = 0  # of images without a container, running or not, excluding layers shared with other images
    build_cache: int = 0
    orphans: Mapping[str, int] = field(default_factory=dict)  # anonymous volumes without a container, id: size


def is_full(message: str) -> bool:
    """Whether a message of an engine or a build means that the disk is full."""
    return any(words in message.lower() for words in ("no space left on device", "disk quota exceeded"))


def relief(usage: DiskUsage | None = None) -> str:
    """List what would free space, with known sizes, omitting what is empty.

    No command here removes a named volume: `docker volume prune` of older engines also removes a database's volume
    while it has no container.
    """
    unknown = usage is None
    usage = usage or DiskUsage()
    ways = [
        ("shipway prune", "images of this app that nothing needs any more", None),
        ("docker builder prune", "the build cache", usage.build_cache),
        (
            "docker image prune --all",
            "images that no container uses; what a rollback needs is pulled again",
            usage.unused_images,
        ),
    ]
    if usage.orphans:
        chosen = " ".join(sorted(usage.orphans)) if len(usage.orphans) <= FEW else NAMELESS
        ways.append(
            (f"docker volume rm {chosen}", "volumes without a name that no container uses", sum(usage.orphans.values()))
        )
    shown = [
        f"  {command}  ({what}{'' if size is None or unknown else f': {readable(size)}'})"
        for command, what, size in ways if size is None or size or unknown
    ]  # fmt: skip
    return "\n".join(["this frees some there:", *shown])
