"""The volumes of services: folders of their containers that outlive them."""

from __future__ import annotations

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Volume:
    """A volume of a service. Services of an environment share those with the same name."""

    name: str
    path: str  # in the container
    folder: str | None = None  # of the host, listed by its operator; None: a volume of the engine for each environment
    snapshot: bool = True  # whether snapshots of the environment include its files


def is_folder(source: str) -> bool:
    """Whether the source of a mount is a folder of the host and not the name of a volume."""
    return source.startswith("/")
