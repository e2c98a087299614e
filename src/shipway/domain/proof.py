"""Results of a rollback proof, as values that the ledger stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.catalog import Difference
from shipway.domain.release import Release, digest_of
from shipway.domain.value import dataclass

# What the down migrations do, from best to worst:
RESTORED = "RESTORED"  # schema and rows are as before
COLUMN_ORDER = "COLUMN_ORDER"  # restored, but the order of columns differs
COSMETIC = "COSMETIC"  # restored, but the text of functions differs in white space, comments or the order of settings
ROWS_ADDED = "ROWS_ADDED"  # nothing is lost, but rows that were added remain
DATA_LOST = "DATA_LOST"  # the schema is as before; rows or values are not
NOT_RESTORED = "NOT_RESTORED"  # they ran, but the schema differs
IRREVERSIBLE = "IRREVERSIBLE"  # down migrations are missing or empty
FAILS = "FAILS"  # up, down or the second up failed or timed out
HALF_APPLIED = "HALF_APPLIED"  # the same, and a part of the failed migration's changes remains: it needs repair by hand
SKIPPED = "SKIPPED"  # can't be verified, for example a migration written in Go; the reason says why
VERDICTS = (
    RESTORED,
    COSMETIC,
    COLUMN_ORDER,
    ROWS_ADDED,
    DATA_LOST,
    NOT_RESTORED,
    IRREVERSIBLE,
    FAILS,
    HALF_APPLIED,
    SKIPPED,
)
FAILURES = (FAILS, HALF_APPLIED)
REVERSIBLE = (RESTORED, COLUMN_ORDER, COSMETIC)  # good enough for a rollback
# Whether an image works on another release's schema:
SAFE, UNSAFE, NO_EVIDENCE = "SAFE", "UNSAFE", "NO_EVIDENCE"
# Content of a proof's database:
SCHEMA, DATA, ROWS = "schema", "data", "rows"  # empty, from the target, generated rows


@dataclass(frozen=True)
class Lock:
    """A lock that a migration held on an object that existed before it."""

    relation: str
    mode: str  # in the words that reports explain, whatever the server calls it: AccessExclusiveLock …
    start: float  # seconds since the stage began
    seconds: float


@dataclass(frozen=True)
class Stage:
    """One stage of a proof: template, up, down, up again, old code, new code …"""

    name: str
    start: float  # seconds since the proof began
    seconds: float
    outcome: str  # succeeded, failed
    output: tuple[str, ...] = ()  # the last lines of output, if it failed
    locks: tuple[Lock, ...] = ()
    rewrites: tuple[str, ...] = ()  # tables that were completely rewritten
    rows: Mapping[str, int] = field(default_factory=dict)  # rows changed, by table
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loss:
    """Rows or values of a table that were not restored."""

    table: str
    rows: tuple[int, int]  # before and after
    columns: tuple[str, ...] = ()  # whose values differ
    only_added: bool = False  # every earlier row is there, unchanged


@dataclass(frozen=True)
class MigrationReport:
    """The round trip (up, down, up) of a sequence of migrations."""

    migrations: tuple[str, ...]  # oldest first
    verdict: str
    reasons: tuple[str, ...] = ()  # messages, most severe first
    triage: str = ""  # compatibility of the up migrations, see domain.catalog
    triage_reasons: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()  # of the schema before, and after down
    changes: tuple[Difference, ...] = ()  # of the schema before, and after up
    losses: tuple[Loss, ...] = ()
    stages: tuple[Stage, ...] = ()
    warnings: tuple[str, ...] = ()  # suspicious notices and lint warnings


@dataclass(frozen=True)
class CompatibilityTest:
    """The compatibility test of an image on another release's schema."""

    verdict: str  # SAFE, UNSAFE, NO_EVIDENCE
    reasons: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()  # passed scenarios with their kind: `write: add-item`
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True)
class Wait:
    """A statement that waited for a lock while the up migrations ran and the old release served."""

    waiting: str  # traffic or migration
    statement: str
    blocked_by: str  # statement of the other side
    relation: str  # empty if it is no relation that existed before
    mode: str  # of the requested lock
    start: float  # seconds since the up migrations began
    seconds: float  # the longest, if there are several
    count: int = 1  # of statements with this text


@dataclass(frozen=True)
class Traffic:
    """The up migrations while the old release serves and its scenarios run repeatedly. For information."""

    waits: tuple[Wait, ...] = ()  # longest first
    failures: tuple[str, ...] = ()  # of scenarios, or of the migrations, in that time
    runs: int = 0  # of scenarios in that time
    reason: str = ""  # why nothing was measured
    stages: tuple[Stage, ...] = ()
    statements: int = 0  # of the environment, repeated in that time


@dataclass(frozen=True)
class Growth:
    """An estimate for a statement that locks a table for a time that grows with its rows."""

    relation: str
    rows: int  # in the environment, estimated by its server
    bytes: int
    work: str  # rewrite, scan, index
    lock: str  # its mode
    seconds: float  # at the rate that the scratch server reached
    statement: str
    advice: str  # the safe form


@dataclass(frozen=True)
class Proof:
    """A rollback proof between two releases in one environment."""

    app: str
    environment: str
    release: int  # 0: not created yet
    digest: str  # over the images of the new release, see `images_digest`
    before: int | None  # the release that the environment runs
    before_digest: str
    schema_before: str | None  # revisions
    schema_after: str | None
    mode: str
    at: float
    seconds: float
    way: MigrationReport | None = None  # None: the release has no migrations
    each: tuple[MigrationReport, ...] = ()  # each migration's own round trip, for information
    old_code: CompatibilityTest = CompatibilityTest(NO_EVIDENCE)  # the old image on the new schema
    new_code: CompatibilityTest = CompatibilityTest(NO_EVIDENCE)  # the new image on the old schema
    stages: tuple[Stage, ...] = ()
    image: str = ""  # of the scratch database server
    scripts: Mapping[str, str] = field(default_factory=dict)  # down scripts, by path
    traffic: Traffic | None = None  # None: not tested
    growth: tuple[Growth, ...] = ()
    together: CompatibilityTest | None = None  # both images at once on the new schema; None: they never serve at once

    @property
    def leads_back(self) -> bool:
        """Whether a rollback is possible: the old code works on the new schema, or the down migrations restore the old
        one."""
        return self.way is None or self.old_code.verdict == SAFE or self.way.verdict in REVERSIBLE


def images_digest(release: Release) -> str:
    """The digest that a proof is bound to: over the images alone, so a changed plan doesn't invalidate it."""
    return digest_of(dict(release.images))
