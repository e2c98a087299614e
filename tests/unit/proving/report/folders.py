"""Results of folders' tests, one of each kind."""

from __future__ import annotations

import dataclasses

from shipway.domain import proof as words
from shipway.domain.catalog import ADDITIVE, BREAKING, REVIEW, Difference
from shipway.domain.proof import Lock, Loss, MigrationReport, Stage
from shipway.proving.report.folder_results import FolderResults

UP, DOWN, AGAIN = (Stage(name, start, 0.25, "succeeded") for name, start in (("up", 1.0), ("down", 1.3), ("up again", 1.6)))  # fmt: skip
STAGES = (UP, DOWN, AGAIN)
GONE = Difference("removed", "index", "public.items_name")
GOOD = MigrationReport(("0001",), words.RESTORED, triage=ADDITIVE, stages=STAGES)
ORDER = MigrationReport(
    ("0002",), words.COLUMN_ORDER, ("columns of public.items are in another order: id, b, a; before: id, a, b",),
    BREAKING, ("column public.items.legacy removed: statements that name it fail",), stages=STAGES,
    warnings=("the up migration drops a column; the effect on rows was not tested",),
)  # fmt: skip
BAD = MigrationReport(
    ("0003",), words.NOT_RESTORED, (f"after the down migration: {GONE}", "public.items has 2 rows; before: 3"),
    REVIEW, ("a unique index on existing rows: `items_name`",), (GONE,), losses=(Loss("public.items", (3, 2)),), stages=STAGES,
    warnings=('the down migration reports: index "item_name" does not exist, skipping; is the name mistyped?',),
)  # fmt: skip
NONE = MigrationReport(
    ("0004",), words.IRREVERSIBLE, ("there is no down migration for 0004_orders.up.sql (missing)",), ADDITIVE, stages=(UP, DOWN)
)  # fmt: skip
FAILED = MigrationReport(
    ("0005",), words.FAILS, ('the up migration failed: 0005_x.up.sql: type "txt" does not exist\nat line 3: name txt | @team #1',),
    stages=(dataclasses.replace(UP, outcome="failed", output=("0005_x.up.sql",)),),
)  # fmt: skip
SKIPPED = MigrationReport(("0006_code",), words.SKIPPED, ("0006_code.go: it is written in Go",))
NAMES = {
    "0001": "0001 users", "0002": "0002 order", "0003": "0003 index", "0004": "0004 orders", "0005": "0005 x",
}  # fmt: skip


def results(*reports: MigrationReport, requested: int | None = None, error: str = "") -> FolderResults:
    """Of these reports."""
    tested = [report for report in reports if report.verdict != words.SKIPPED]
    return FolderResults(
        "db/migrations", "golang-migrate", "PostgreSQL 15.4", 1_700_000_000.0, 12.34,
        len(tested) if requested is None else requested, reports, NAMES, error,
    )  # fmt: skip


LOCKED = dataclasses.replace(
    GOOD,
    stages=(
        dataclasses.replace(
            UP, locks=(Lock("public.items", "AccessExclusiveLock", 0.0, 1.5), Lock("public.x", "RowShareLock", 0.0, 9.0)),
            rewrites=("public.items",),
        ),
    ),
)  # fmt: skip
SAMPLES = {
    "good": results(GOOD, dataclasses.replace(GOOD, migrations=("0002",))),
    "bad": results(SKIPPED, GOOD, ORDER, BAD, NONE, FAILED, requested=7),
    "ended": results(GOOD, BAD, requested=4, error="connection refused"),
    "nothing": results(),
    "locks": dataclasses.replace(results(LOCKED), watched=True),
}


def huge(count: int = 3000) -> FolderResults:
    """Many migrations with long reasons."""
    bad = dataclasses.replace(BAD, reasons=("x" * 900, *BAD.reasons), triage_reasons=("y" * 900,))
    return results(*(dataclasses.replace(bad, migrations=(f"{number:04}",)) for number in range(count)))
