"""Prove a folder of migrations one by one on the user's server, without a plan or an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shipway.domain.errors import NotProven, ProofError, UsageError
from shipway.domain.proof import (
    COLUMN_ORDER,
    COSMETIC,
    DATA_LOST,
    FAILS,
    IRREVERSIBLE,
    NOT_RESTORED,
    RESTORED,
    REVERSIBLE,
    ROWS_ADDED,
    SKIPPED,
    MigrationReport,
)
from shipway.ports import Linter, OnLine, Scratch
from shipway.proving.sequence import OnReport, SequenceReport, ToolAt, ends, verify_sequence

VERDICTS = (RESTORED, COSMETIC, COLUMN_ORDER, ROWS_ADDED, DATA_LOST, NOT_RESTORED, IRREVERSIBLE, FAILS, SKIPPED)


@dataclass(frozen=True)
class MigrationFolder:
    """A folder of migrations, and what proves them. Created by the composition root."""

    scratch: Scratch
    tool_at: ToolAt
    revisions: Sequence[str]  # oldest first, at least one
    scripts: Mapping[str, tuple[str, str]] = field(
        default_factory=dict
    )  # by revision: path and text of the up migration
    linter: Linter | None = None  # None without one for these scripts


def prove_folder(
    folder: MigrationFolder, on_report: OnReport, on_line: OnLine,
    *, timeout: float, first: str | None = None, only: str | None = None, rows: bool = False, lint: bool = False,
) -> SequenceReport:  # fmt: skip
    """Prove all, or those from `first` on, or `only` one. rows: generate rows where a migration may lose some. lint: add
    the linter's warnings. UsageError if the folder can't have these, ProofError if it can't be proven."""
    if rows and folder.scratch.fill is None:
        raise UsageError("--rows supports only PostgreSQL")
    if lint and folder.linter is None:
        raise UsageError("--lint supports only PostgreSQL")
    warnings = _warnings(folder.linter, folder.scripts) if lint and folder.linter else {}

    def warned(report: MigrationReport) -> MigrationReport:
        return replace(report, warnings=(*report.warnings, *warnings.get(report.migrations[0], ())))

    try:
        folder.scratch.drop_orphans()
    except ProofError as error:
        raise ProofError(
            error.message,
            hint=error.hint or "check that the server of --database is running, and accepts this user and password",
        ) from error
    desired = only or first
    begin = _index(folder.revisions, desired) if desired else 0
    done = verify_sequence(
        folder.scratch, folder.tool_at, folder.revisions, lambda report: on_report(warned(report)), on_line,
        timeout=timeout, start=begin, stop=begin + 1 if only else None, fill=folder.scratch.fill if rows else None,
    )  # fmt: skip
    return replace(done, reports=tuple(map(warned, done.reports)))


def counts(reports: Sequence[MigrationReport]) -> dict[str, int]:
    """Number of migrations by verdict, best first; unused verdicts are omitted."""
    found = Counter(report.verdict for report in reports)
    return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}


def refusal(done: SequenceReport) -> NotProven | None:
    """The command's final error; None if every migration can be rolled back."""
    bad = [report for report in done.reports if report.verdict not in REVERSIBLE]
    if not bad:
        return None
    last = done.reports[-1]
    if ends(last):
        remaining = done.requested - len(done.reports)
        tail = f", so the {remaining} after it were not tested" if remaining else ""
        return NotProven(
            f"the up migration {last.migrations[0]} fails{tail}; {len(bad)} of {len(done.reports)} tested migrations can't be reverted",
            hint=f"fix it, and continue there: --from {last.migrations[0]}",
        )
    return NotProven(
        f"{len(bad)} of {len(done.reports)} migrations can't be reverted", hint="fix their down migrations"
    )


def _warnings(linter: Linter, scripts: Mapping[str, tuple[str, str]]) -> dict[str, list[str]]:
    """The linter's warnings by revision."""
    found = linter.lint(dict(scripts.values()))
    return {
        revision: [f"{path}:{line}: {message}" for line, message in found.get(path, ())]
        for revision, (path, _) in scripts.items()
    }


def _index(revisions: Sequence[str], desired: str) -> int:
    """Index of a version, given with or without leading zeros."""
    for index, revision in enumerate(revisions):
        if desired == revision or (desired.isdigit() and revision.isdigit() and int(desired) == int(revision)):
            return index
    raise ProofError(f"the folder has no migration {desired}", hint=f"it has {revisions[0]} to {revisions[-1]}")
