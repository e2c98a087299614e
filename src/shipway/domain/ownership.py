"""What on an engine belongs to which ledger. A guard against accidents, not against whoever holds the engine's socket."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shipway.domain.container import LABEL_LEDGER, EngineObject
from shipway.domain.count import counted

SLACK = 600.0  # seconds by which the clocks of a host and of this machine may differ
SHOWN = 5


@dataclass(frozen=True)
class Adoption:
    """A ledger has taken an object that carries no ledger's identity, or another one's."""

    host: str
    kind: str  # container, network or volume
    id: str
    name: str
    ledger: str  # identity that its label names; empty where it has none
    actor: str
    at: float


def made_since(thing: EngineObject, began: float | None) -> bool:
    """Whether an object may be from something that began then; None: there was nothing of the kind."""
    return began is not None and (not thing.created or thing.created >= began - SLACK)


def owner(thing: EngineObject) -> str:
    """Identity of the ledger that its label names; empty where it has none."""
    return thing.labels.get(LABEL_LEDGER, "")


def describe(others: Iterable[EngineObject]) -> str:
    """Such as `2 containers and 1 volume of ledger 1a2b3c4d: NAME, …`."""
    things = sorted(others, key=lambda item: (item.kind, item.name))
    counts = [(sum(item.kind == kind for item in things), kind) for kind in ("container", "network", "volume")]
    kinds = " and ".join(counted(count, kind) for count, kind in counts if count)
    listed = ", ".join(item.name for item in things[:SHOWN]) + (", …" if len(things) > SHOWN else "")
    ledgers = sorted({owner(item)[:8] for item in things if owner(item)})
    whose = f"of ledger {' and '.join(ledgers)}" if ledgers else "without a ledger's label, of which this one has no record"
    return f"{kinds} {whose}: {listed}"
