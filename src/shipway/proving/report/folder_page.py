"""The test of a folder as one page that loads nothing and runs no script; all text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shipway.domain.proof import MigrationReport
from shipway.proving.report import tables
from shipway.proving.report.document import answer, document, facts, footer, sections
from shipway.proving.report.folder_results import FolderResults, affects_code
from shipway.proving.report.markup import Markup, join, tag
from shipway.proving.report.messages import COMPATIBILITY, DOWN, GRADES, NONE, compatibility
from shipway.proving.report.timeline import lock_texts, rewritten
from shipway.proving.verify import summarized
from shipway.system.durations import human, timestamp

ADVICE = {
    "good": "Each migration was applied, reverted and applied again.",
    "bad": "A rollback over these migrations is not safe: the reasons are below.",
    "none": "No migration was selected, or all of them were skipped.",
}


def folder_page(results: FolderResults) -> str:
    """A complete HTML 5 document in UTF-8."""
    # Names for people instead of revisions.
    shown = replace(results, reports=[_labelled(results, report) for report in results.reports], names={})
    headline = shown.headline()
    header = tag(
        "header",
        tag("p", "Rollback test of a folder", class_="eyebrow"),
        tag("h1", results.folder, " ", tag("span", results.layout, class_="on")),
        answer(f"Rollback: {headline}", results.error or ADVICE[results.grade], results.grade),
        facts(_facts(results)),
    )
    main = tag("main", sections(_sections(shown)))
    return document(f"{results.folder}: {headline}", header, main, footer({**DOWN, **COMPATIBILITY}))


def _labelled(results: FolderResults, report: MigrationReport) -> MigrationReport:
    return replace(report, migrations=(results.label(report),))


def _facts(results: FolderResults) -> Sequence[tuple[str, str]]:
    return (
        ("tested", f"{timestamp(results.at)} UTC, in {human(results.seconds)}"),
        ("server", results.server),
        ("migrations", f"{len(results.tested)} of {results.requested} tested"),
        ("verdicts", ", ".join(f"{count} {word}" for word, count in results.counts().items())),
        ("compatibility", ", ".join(f"{count} {word}" for word, count in results.compatibilities().items())),
        ("rows", f"{len(results.unseen)} migrations may lose rows, which was not tested" if results.unseen else ""),
    )


def _sections(results: FolderResults) -> Sequence[tuple[str, Markup | None]]:
    """Heading and content, most important first; None: nothing to report."""
    return (
        ("Not reversible", tables.migrations(results.bad)),
        ("Differences", _differences(results.bad)),
        ("Output of failed stages", _outputs(results.bad)),
        ("Skipped", tables.migrations(results.skipped)),
        ("Warnings", tables.warnings(_warnings(results))),
        ("Compatibility", _compatibility(results)),
        ("Locks", _locks(results)),
        ("All migrations", tables.migrations(results.tested)),
    )


def _differences(reports: Sequence[MigrationReport]) -> Markup | None:
    """Of each migration, what its down migration doesn't restore."""
    found = [
        join(
            tag("h3", report.migrations[0]),
            tables.differences(report.differences, "Before the up, and after the down migration", intended=False),
            tables.losses(report.losses),
        )
        for report in reports
        if report.differences or report.losses
    ]
    return join(found) or None


def _outputs(reports: Sequence[MigrationReport]) -> Markup | None:
    stages = [
        replace(stage, name=f"{report.migrations[0]}, {stage.name}") for report in reports for stage in report.stages
    ]
    return tables.outputs(stages)


def _warnings(results: FolderResults) -> list[str]:
    return [
        f"{report.migrations[0]}: {warning}"
        for report in results.tested
        for warning in report.warnings
        if not summarized(warning)
    ]


def _compatibility(results: FolderResults) -> Markup | None:
    """Migrations that code for the schema before may notice."""
    items = [
        tag(
            "li",
            tag("code", report.migrations[0]),
            " ",
            tag("span", compatibility(report), class_=f"word {GRADES.get(report.triage, NONE)}"),
            tag("ul", [tag("li", reason) for reason in report.triage_reasons], class_="plain"),
        )
        for report in results.tested
        if affects_code(report)
    ]
    return _list(items)


def _locks(results: FolderResults) -> Markup | None:
    if not results.watched:
        return None
    items = [
        tag("li", tag("code", report.migrations[0]), f": {text}") for report in results.tested for text in _held(report)
    ]
    note = "On a database in use, a lock request waits for the sessions that hold the lock, and later requests queue behind it. The tables were empty or small: with more rows, locks are held longer."
    return join(tag("p", note, class_="soft"), _list(items) or tag("p", "No lock blocked reads or writes."))


def _held(report: MigrationReport) -> list[str]:
    return [*lock_texts(report), *(f"rewrites {table}" for table in rewritten(report))]


def _list(items: Sequence[Markup]) -> Markup | None:
    """A list, folded if long."""
    first, rest = items[: tables.MOST], items[tables.MOST :]
    if not first:
        return None
    more = tag("details", tag("summary", f"and {len(rest)} more"), tag("ul", rest, class_="fine")) if rest else None
    return join(tag("ul", first, class_="fine"), more)
