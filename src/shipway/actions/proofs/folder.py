"""Prove a folder of migrations one by one on a server, without a plan or an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace

from shipway.actions.proofs.folder_selection import Listed, Selection, select, select_skipped
from shipway.domain.errors import NotProven, ProofError, UsageError
from shipway.domain.proof import FAILURES, REVERSIBLE, SKIPPED, MigrationReport
from shipway.domain.value import dataclass
from shipway.ports import Fill, Linter, Scratch
from shipway.proving.sequence import ChangedRows, OnReport, SequenceReport, ToolAt, ends, verify_sequence
from shipway.proving.stage import ignore


@dataclass(frozen=True)
class MigrationFolder:
    """A folder of migrations, and what proves them. Created by the composition root."""

    scratch: Scratch
    tool_at: ToolAt
    migrations: Sequence[Listed]  # oldest first
    skipped: Sequence[Listed] = ()
    scripts: Mapping[str, tuple[str, str]] = field(
        default_factory=dict
    )  # by revision: path and text of the up migration
    changed: ChangedRows = lambda revision: ()
    linter: Linter | None = None  # None without one for these scripts


@dataclass(frozen=True)
class Options:
    """How a folder is proven. timeout: seconds for each up or down migration."""

    timeout: float
    rows: bool = False  # generate rows where a migration may lose some
    lint: bool = False  # add the linter's warnings
    watched: bool = False  # record locks and rewritten tables


def prove_folder(
    folder: MigrationFolder, selection: Selection, options: Options, on_report: OnReport,
    on_begin: Callable[[int, str], None] = lambda count, version: None,
) -> SequenceReport:  # fmt: skip
    """Prove the selected migrations; those before them are only applied. on_report: receives each report as soon as it
    is known, those of skipped migrations in their place. on_begin: receives the number to be proven,
    and the version of the server, before anything runs.

    UsageError if the folder can't have these options, ProofError if it can't be proven. The reports so far are valid
    then."""
    chosen = select(folder.migrations, folder.skipped, selection)
    fill = _fill(folder.scratch) if options.rows else None
    warnings = _warnings(folder, [folder.migrations[index].revision for index in chosen]) if options.lint else {}
    skipped = list(select_skipped(folder.migrations, folder.skipped, selection))
    reports: list[MigrationReport] = []

    def add(report: MigrationReport) -> None:
        reports.append(report)
        on_report(report)

    def add_skipped(before: int) -> None:
        while skipped and skipped[0].position <= before:
            add(_skipped_report(skipped.pop(0)))

    indexes = iter(chosen)

    def add_tested(report: MigrationReport) -> None:
        if report.verdict in FAILURES:
            folder.scratch.version()  # a lost server is no fault of the migration: ProofError
        add_skipped(next(indexes))
        add(replace(report, warnings=(*report.warnings, *warnings.get(report.migrations[0], ()))))

    if chosen:
        on_begin(len(chosen), _checked(folder.scratch))
        verify_sequence(
            folder.scratch, folder.tool_at, [item.revision for item in folder.migrations], add_tested, ignore,
            timeout=options.timeout, chosen=chosen, fill=fill, watched=options.watched, changed=folder.changed,
        )  # fmt: skip
    add_skipped(len(folder.migrations))
    return SequenceReport(tuple(reports), len(chosen))


def skipped_reports(
    migrations: Sequence[Listed], skipped: Sequence[Listed], selection: Selection
) -> list[MigrationReport]:
    """Reports of the selected migrations that are skipped, with the reason."""
    return [_skipped_report(item) for item in select_skipped(migrations, skipped, selection)]


def refusal(done: SequenceReport, *, strict: bool = False) -> NotProven | None:
    """The command's final error; None if every migration can be rolled back. strict: skipped ones count as well."""
    tested = [report for report in done.reports if report.verdict != SKIPPED]
    bad = [report for report in tested if report.verdict not in REVERSIBLE]
    if bad and ends(tested[-1]):
        remaining = done.requested - len(tested)
        tail = f", so the {remaining} after it were not tested" if remaining else ""
        return NotProven(
            f"the up migration {tested[-1].migrations[0]} fails{tail}; {len(bad)} of {len(tested)} tested migrations can't be reverted",
            hint=f"fix it, and continue there: --from {tested[-1].migrations[0]}",
        )
    if bad:
        return NotProven(f"{len(bad)} of {len(tested)} migrations can't be reverted", hint="fix their down migrations")
    skipped = len(done.reports) - len(tested)
    if strict and skipped:
        return NotProven(f"{skipped} of {len(done.reports)} migrations were skipped, which --strict doesn't accept")
    return None


def _skipped_report(item: Listed) -> MigrationReport:
    return MigrationReport((item.label,), SKIPPED, (item.reason,))


def _checked(scratch: Scratch) -> str:
    """The version of the server, without leftovers of others; ProofError if it can't be used."""
    try:
        scratch.drop_orphans()
        return scratch.version()
    except ProofError as error:
        raise ProofError(
            error.message,
            hint=error.hint or "check that the server of --database is running, and accepts this user and password",
        ) from error


def _fill(scratch: Scratch) -> Fill:
    if scratch.fill is None:
        raise UsageError("--rows supports only PostgreSQL")
    return scratch.fill


def _warnings(folder: MigrationFolder, revisions: Sequence[str]) -> dict[str, list[str]]:
    """The linter's warnings by revision."""
    if folder.linter is None:
        raise UsageError("--lint supports only folders of SQL files for PostgreSQL")
    scripts = {revision: folder.scripts[revision] for revision in revisions}
    found = folder.linter.lint(dict(scripts.values()))
    return {
        revision: [f"{path}:{line}: {message}" for line, message in found.get(path, ())]
        for revision, (path, _) in scripts.items()
    }
