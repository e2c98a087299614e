"""Ownership of an engine's objects by ledgers. Protects against accidents, not against users of the engine's socket."""

from __future__ import annotations

from collections.abc import Iterable

from shipway.domain.container import LABEL_LEDGER, EngineObject
from shipway.domain.count import counted
from shipway.domain.value import dataclass

SLACK = 600.0  # seconds of tolerated clock difference between a host and this machine
SHOWN = 5


@dataclass(frozen=True)
class Adoption:
    """Record of an adopted object that had no ledger's identity or another ledger's."""

    host: str
    kind: str  # container, network or volume
    id: str
    name: str
    ledger: str  # identity in its label; empty if absent
    actor: str
    at: float


def made_since(thing: EngineObject, began: float | None) -> bool:
    """Whether an object may have been created since `began`; None: nothing has begun."""
    return began is not None and (not thing.created or thing.created >= began - SLACK)


def owner(thing: EngineObject) -> str:
    """Identity of the ledger in the object's label; empty if absent."""
    return thing.labels.get(LABEL_LEDGER, "")


def describe(others: Iterable[EngineObject]) -> str:
    """Describe as in `2 containers and 1 volume of ledger 1a2b3c4d: NAME, …`."""
    things = sorted(others, key=lambda item: (item.kind, item.name))
    counts = [(sum(item.kind == kind for item in things), kind) for kind in ("container", "network", "volume")]
    kinds = " and ".join(counted(count, kind) for count, kind in counts if count)
    listed = ", ".join(item.name for item in things[:SHOWN]) + (", …" if len(things) > SHOWN else "")
    ledgers = sorted({owner(item)[:8] for item in things if owner(item)})
    whose = f"of ledger {' and '.join(ledgers)}" if ledgers else "without a ledger's label, and unknown to this ledger"
    return f"{kinds} {whose}: {listed}"
