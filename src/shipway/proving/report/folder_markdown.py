"""The test of a folder as Markdown, for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from shipway.domain import proof as words
from shipway.domain.proof import REVERSIBLE, MigrationReport
from shipway.proving.report.folder_results import FolderResults, affects_code
from shipway.proving.report.markdown import MARKS, Block, assembled, bullets, code, escaped, row, table
from shipway.proving.report.messages import GRADES, NONE, compatibility
from shipway.proving.report.timeline import lock_texts, rewritten
from shipway.proving.verify import summarized
from shipway.system.durations import human


def folder_markdown(results: FolderResults) -> str:
    """One line with the result, a table of what fails, and the rest folded."""
    headline = results.headline()
    lead = [
        f"**{MARKS[results.grade]} Rollback: {escaped(headline)}.**",
        "",
        f"{escaped(results.source())}, {human(results.seconds)}: "
        + (", ".join(f"{count} {escaped(verdict)}" for verdict, count in results.counts().items()) or "nothing tested"),
    ]
    if results.error:
        lead += ["", f"The test was not completed: {escaped(results.error)}"]
    if results.unseen:
        lead += ["", f"{len(results.unseen)} of them may lose rows, which was not tested (`--rows`)."]
    return assembled(lead, _blocks(results))


def _blocks(results: FolderResults) -> Iterator[Block]:
    bad = [_judged(results, report) for report in results.bad]
    yield Block("", bad, table("migration", "verdict", "why"), open=True)
    yield Block(
        "All reasons", [line for report in results.bad if len(report.reasons) > 1 for line in _all(results, report)]
    )
    minor = [report for report in results.tested if report.verdict in REVERSIBLE and report.verdict != words.RESTORED]
    yield Block(
        "Reversible with a remark", [_judged(results, item) for item in minor], table("migration", "verdict", "why")
    )
    skipped = [row(code(results.label(item)), "; ".join(item.reasons)) for item in results.skipped]
    yield Block("Skipped", skipped, table("migration", "why"))
    warned = [
        f"{results.label(report)}: {warning}"
        for report in results.tested
        for warning in report.warnings
        if not summarized(warning)
    ]
    yield Block("Warnings", bullets(warned))
    noticed = [
        row(
            code(results.label(report)),
            f"{MARKS[GRADES[report.triage]]} {report.triage}",
            "; ".join(report.triage_reasons),
        )
        for report in results.tested
        if affects_code(report)
    ]
    yield Block("Compatibility with the old code", noticed, table("migration", "compatibility", "why"))
    yield Block("Locks that block reads or writes", bullets(_locks(results)))
    yield Block("All migrations", [_short(results, report) for report in results.tested], _ALL)


_ALL = table("migration", "verdict", "compatibility", "took")


def _judged(results: FolderResults, report: MigrationReport) -> str:
    why, more = report.reasons[:1], len(report.reasons) - 1
    text = "; ".join([*why, *([f"and {more} more"] if more > 0 else [])])
    return row(code(results.label(report)), code(report.verdict), text)


def _all(results: FolderResults, report: MigrationReport) -> list[str]:
    return bullets(f"{results.label(report)}: {reason}" for reason in report.reasons)


def _locks(results: FolderResults) -> Iterator[str]:
    for report in results.tested:
        for text in (*lock_texts(report), *(f"rewrites {name}" for name in rewritten(report))):
            yield f"{results.label(report)}: {text}"


def _short(results: FolderResults, report: MigrationReport) -> str:
    verdict = f"{MARKS[GRADES.get(report.verdict, NONE)]} {escaped(report.verdict)}"
    took = human(sum(stage.seconds for stage in report.stages))
    return row(code(results.label(report)), verdict, compatibility(report) or "unknown", took)
