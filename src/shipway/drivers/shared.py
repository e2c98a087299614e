"""What the drivers have in common that run a container for all apps of an engine: the edge and the registry."""

from __future__ import annotations

from shipway.domain.errors import EngineError

SHARED = "_shared"  # LABEL_APP of what belongs to no single app; no plan may have this name


def port_taken(error: EngineError) -> bool:
    """Whether a container could not be started because another program has its port."""
    text = error.message.lower()
    return any(words in text for words in ("port is already allocated", "address already in use", "failed to bind"))
