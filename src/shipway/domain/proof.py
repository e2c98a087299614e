"""What was found when a release's way back was walked, as values that the ledger keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.domain.catalog import Difference
from shipway.domain.release import Release, digest_of

# What the down scripts do, from the best to the worst:
RESTORED = "RESTORED"  # schema and rows are what they were
COLUMN_ORDER = "COLUMN_ORDER"  # the same, but columns stand in another order
DATA_LOST = "DATA_LOST"  # the schema is what it was, rows or values are not
NOT_RESTORED = "NOT_RESTORED"  # they ran, and left another schema
IRREVERSIBLE = "IRREVERSIBLE"  # there are none, or they do nothing
FAILS = "FAILS"  # up, down or the second up ended with an error, or not in time
# Whether an image works on a schema that isn't its own:
SAFE, UNSAFE, NO_EVIDENCE = "SAFE", "UNSAFE", "NO_EVIDENCE"
# How a proof's database was filled:
SCHEMA, DATA, ROWS = "schema", "data", "rows"  # not at all, from the target, with generated rows


@dataclass(frozen=True)
class Lock:
    """A lock that a migration held on what was there before it."""

    relation: str
    mode: str  # as in pg_locks
    start: float  # seconds since the stage began
    seconds: float


@dataclass(frozen=True)
class Stage:
    """One part of a proof: golden, up, down, up again, old code, new code …"""

    name: str
    start: float  # seconds since the proof began
    seconds: float
    outcome: str  # succeeded, failed
    output: tuple[str, ...] = ()  # the last lines that it printed, where it failed
    locks: tuple[Lock, ...] = ()
    rewrites: tuple[str, ...] = ()  # tables that were written anew as a whole
    rows: Mapping[str, int] = field(default_factory=dict)  # rows changed, by table
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loss:
    """Rows or values of a table that are not what they were."""

    table: str
    rows: tuple[int, int]  # before and after
    columns: tuple[str, ...] = ()  # whose values differ


@dataclass(frozen=True)
class Way:
    """The round trip up, down, up of some migrations."""

    migrations: tuple[str, ...]  # oldest first
    verdict: str
    reasons: tuple[str, ...] = ()  # in words, the worst first
    triage: str = ""  # of the way up, see domain.catalog
    triage_reasons: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()  # of the schema before, and after the way down
    changes: tuple[Difference, ...] = ()  # of the schema before, and after the way up
    losses: tuple[Loss, ...] = ()
    stages: tuple[Stage, ...] = ()
    warnings: tuple[str, ...] = ()  # suspicious notices, lint


@dataclass(frozen=True)
class Trial:
    """An image that was run on a schema that isn't its own."""

    verdict: str  # SAFE, UNSAFE, NO_EVIDENCE
    reasons: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()  # that passed, with their kind: `write: add-item`
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True)
class Proof:
    """The way between two releases in one environment, as it was walked."""

    app: str
    environment: str
    release: int  # 0: not made yet
    digest: str  # over the images of the new release, see `images_digest`
    before: int | None  # the release that the environment runs
    before_digest: str
    schema_before: str | None  # revisions
    schema_after: str | None
    mode: str
    at: float
    seconds: float
    way: Way | None = None  # None: the release brings no migration
    each: tuple[Way, ...] = ()  # each migration alone, for information
    old_code: Trial = Trial(NO_EVIDENCE)  # the old image on the new schema
    new_code: Trial = Trial(NO_EVIDENCE)  # the new image on the old schema
    stages: tuple[Stage, ...] = ()
    image: str = ""  # of the scratch database server
    scripts: Mapping[str, str] = field(default_factory=dict)  # down scripts, by path

    @property
    def leads_back(self) -> bool:
        """Whether a way back was found: the old code works on the new schema, or the way down restores the old one."""
        return self.way is None or self.old_code.verdict == SAFE or self.way.verdict in (RESTORED, COLUMN_ORDER)


def images_digest(release: Release) -> str:
    """What a proof is bound to: the images alone. A plan that changes leaves it standing."""
    return digest_of(dict(release.images))
