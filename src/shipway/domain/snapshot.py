"""Database snapshots, as stored in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from shipway.domain.plan import NEVER, UNPROVEN, Snapshots
from shipway.domain.value import dataclass

if TYPE_CHECKING:  # keeps imports of every command cheap
    from shipway.domain.proof import Proof


@dataclass(frozen=True)
class Archive:
    """The files of one volume of the services, in the volume of snapshots."""

    size: int  # bytes
    digest: str  # sha256
    files: int
    complete: bool = True  # False: files were changed or removed while it was written


@dataclass(frozen=True)
class Snapshot:
    """One snapshot. It was test-restored when it was taken; `rows` are the counts found in that copy."""

    app: str
    environment: str
    number: int  # from 1, by environment
    release: int  # the running release
    schema: str | None
    at: float  # seconds since the epoch
    actor: str
    cause: str
    file: str  # in the volume
    size: int  # bytes
    digest: str  # sha256 of the file
    rows: Mapping[str, int] = field(default_factory=dict)  # by table
    volumes: Mapping[str, Archive] = field(default_factory=dict)  # by name in the plan


def required(rule: Snapshots, proof: Proof | None, *, proof_required: bool) -> bool:
    """Whether a snapshot is taken before migrations with this proof. proof_required: whether the environment
    requires proofs; elsewhere nothing is proven, and there is only test data."""
    from shipway.domain.proof import REVERSIBLE

    if rule.when == UNPROVEN:
        return proof_required and (proof is None or (proof.way is not None and proof.way.verdict not in REVERSIBLE))
    return rule.when != NEVER


def kept(snapshots: Sequence[Snapshot], most: int) -> list[Snapshot]:
    """The snapshots whose files stay. snapshots: of an environment, newest first."""
    return list(snapshots[:most])


def lost(then: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """Messages about what a restore would change, from the tables' row counts."""
    lines = []
    for table in sorted({*then, *now}):
        before, after = then.get(table), now.get(table)
        if before is None:
            lines.append(f"{table}: {after} rows now; not in the snapshot")
        elif after is None:
            lines.append(f"{table}: missing now; {before} rows in the snapshot")
        elif before != after:
            lines.append(f"{table}: {after} rows now, {before} in the snapshot")
    return lines
