"""Commands of an engine's own command line, for messages that advise its user."""

from __future__ import annotations

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class EngineCommands:
    """Commands as a user writes them in a shell. Shipway runs none of them."""

    build_for_platform: str
    prune_build_cache: str
    prune_images: str  # all that no container uses
    remove_volumes: str  # followed by their names
    shell: str  # followed by a container and a command: runs it there with this terminal
    unused_volumes: str  # a shell expression: the names of all anonymous volumes without a container
