"""An engine's disk usage: what can be removed, and how the user frees it. All sizes are bytes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.engine_commands import EngineCommands
from shipway.domain.size import readable
from shipway.domain.value import dataclass

FEW = 3  # volumes that are listed by name


@dataclass(frozen=True)
class DiskUsage:
    """What can be removed, by the engine's own count."""

    unused_images: int = 0  # of images without a container, running or not, excluding layers shared with other images
    build_cache: int = 0
    orphans: Mapping[str, int] = field(default_factory=dict)  # anonymous volumes without a container, id: size
    volumes: Mapping[str, int] = field(default_factory=dict)  # named volumes with the app's label: size


def is_full(message: str) -> bool:
    """Whether a message of an engine or a build means that the disk is full."""
    return any(words in message.lower() for words in ("no space left on device", "disk quota exceeded"))


def relief(commands: EngineCommands, usage: DiskUsage | None = None) -> str:
    """List what would free space, with known sizes, omitting what is empty. No command in the list removes a named
    volume. commands: of the engine."""
    unknown = usage is None
    usage = usage or DiskUsage()
    options = [
        ("shipway prune", "images of this app that are no longer needed", None),
        (commands.prune_build_cache, "the build cache", usage.build_cache),
        (
            commands.prune_images,
            "images without a container; a rollback pulls what it needs again",
            usage.unused_images,
        ),
    ]
    if usage.orphans:
        chosen = " ".join(sorted(usage.orphans)) if len(usage.orphans) <= FEW else commands.unused_volumes
        what = "anonymous volumes without a container"
        options.append((f"{commands.remove_volumes} {chosen}", what, sum(usage.orphans.values())))
    shown = [
        f"  {command}  ({what}{'' if size is None or unknown else f': {readable(size)}'})"
        for command, what, size in options if size is None or size or unknown
    ]  # fmt: skip
    return "\n".join(["these commands free space there:", *shown])
