"""Copies of a database, as the ledger holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shipway.domain.plan import NEVER, UNPROVEN, Snapshots

if TYPE_CHECKING:  # what every command imports must be cheap
    from shipway.domain.proof import Proof


@dataclass(frozen=True)
class Snapshot:
    """One copy. It was restored elsewhere when it was taken: `rows` are those that were found there."""

    app: str
    environment: str
    number: int  # from 1, by environment
    release: int  # that ran
    schema: str | None
    at: float  # seconds since the epoch
    actor: str
    cause: str
    file: str  # in the volume
    size: int  # bytes
    digest: str  # sha256 of the file
    rows: Mapping[str, int] = field(default_factory=dict)  # by table


def wanted(rule: Snapshots, proof: Proof | None, *, asked: bool) -> bool:
    """Whether one is taken before migrations with this proof. asked: the environment asks for proofs; elsewhere nothing
    is proven, and what is there is test data."""
    from shipway.domain.way_back import LEADS_BACK

    if rule.when == UNPROVEN:
        return asked and (proof is None or (proof.way is not None and proof.way.verdict not in LEADS_BACK))
    return rule.when != NEVER


def kept(snapshots: Sequence[Snapshot], most: int) -> list[Snapshot]:
    """Of an environment's, newest first: those whose files stay."""
    return list(snapshots[:most])


def lost(then: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """What going back would change, in words, by what the tables' rows tell."""
    lines = []
    for table in sorted({*then, *now}):
        before, after = then.get(table), now.get(table)
        if before is None:
            lines.append(f"{table}: {after} rows now; the snapshot doesn't have it")
        elif after is None:
            lines.append(f"{table}: comes back with {before} rows")
        elif before != after:
            lines.append(f"{table}: {after} rows now, {before} in the snapshot")
    return lines
