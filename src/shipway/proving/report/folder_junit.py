"""The test of a folder as JUnit XML: a test case for each migration."""

from __future__ import annotations

from shipway.domain import proof as words
from shipway.domain.proof import REVERSIBLE, MigrationReport
from shipway.proving.report.folder_results import FolderResults
from shipway.proving.report.junit import suite
from shipway.proving.report.parts import ERROR, FAILED, PASSED, SKIPPED, Part, message, why


def folder_junit(results: FolderResults) -> str:
    """One suite. A migration that can't be reverted is a failure; a test that was not completed is an error."""
    found = [_part(results, report) for report in results.reports]
    if results.error:
        found.append(Part("the test of the remaining migrations", ERROR, message=f"not completed: {results.error}"))
    elif results.remaining:
        found.append(Part("the remaining migrations", SKIPPED, message=f"{results.remaining} not reached"))
    properties = {"folder": results.folder, "layout": results.layout, "server": results.server}
    return suite(results.source(), "migrations", found, results.at, results.seconds, properties)


def _part(results: FolderResults, report: MigrationReport) -> Part:
    taken = sum(stage.seconds for stage in report.stages)
    name = results.label(report)
    if report.verdict == words.SKIPPED:
        return Part(name, SKIPPED, message="; ".join(report.reasons))
    warnings = tuple(f"warning: {warning}" for warning in report.warnings)
    if report.verdict in REVERSIBLE:
        reasons = report.reasons if report.verdict != words.RESTORED else ()
        return Part(name, PASSED, taken, detail=(*reasons, *warnings))
    output = (line for stage in report.stages if stage.outcome != "succeeded" for line in stage.output)
    return Part(name, FAILED, taken, message(report), (*why(report), *output, *warnings))
