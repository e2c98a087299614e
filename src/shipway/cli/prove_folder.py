"""`shipway prove --migrations`."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.cli import Globals
from shipway.cli.output import say, style
from shipway.cli.progress import Progress, can_draw
from shipway.cli.report_files import ReportFiles
from shipway.domain.count import counted
from shipway.domain.errors import ProofError, ShipwayError, UsageError

if TYPE_CHECKING:
    from shipway.actions.proofs.folder import MigrationFolder, Options
    from shipway.actions.proofs.folder_selection import Listed, Selection
    from shipway.domain.proof import MigrationReport
    from shipway.drivers.database.sql_folder import Contents
    from shipway.folder import Server
    from shipway.proving.report.folder_results import FolderResults
    from shipway.proving.sequence import SequenceReport

COLOURS = {
    "RESTORED": "green",
    "COLUMN_ORDER": "green",
    "COSMETIC": "green",
    "ROWS_ADDED": "red",
    "DATA_LOST": "red",
    "NOT_RESTORED": "red",
    "IRREVERSIBLE": "yellow",
    "FAILS": "red",
    "HALF_APPLIED": "red",
    "SKIPPED": "yellow",
}
INDENT = " " * 14
SHOWN = 5  # files of the folder that are no migrations


def prove_folder(
    options: Globals, files: ReportFiles, migrations: Path, *, as_json: bool, layout: str | None, database: str | None,
    image: str | None, dialect: str | None, rows: bool, lint: bool, locks: bool, strict: bool, timeout: float,
    first: str | None, since: str | None, only: Sequence[str], changed: str | None,
) -> None:  # fmt: skip
    """Test the folder, print what was found, and write the reports: also if the test ends early."""
    from shipway.actions.proofs.changed_files import changed_files
    from shipway.actions.proofs.folder import Options, refusal
    from shipway.actions.proofs.folder_selection import Selection
    from shipway.folder import choose_dialect, read_folder, server_for

    chosen = choose_dialect(database, dialect, image)
    contents = read_folder(migrations, layout, chosen)
    difference = changed_files(contents.folder, changed) if changed is not None else None
    selection = Selection(first, since, tuple(only), difference.paths if difference else None)
    output = _Output(as_json, files, quiet=options.quiet)
    test = _Test(
        contents, server_for(contents, database, chosen, image), selection,
        Options(timeout, rows, lint, locks), output, against=difference.against if difference else "",
    )  # fmt: skip
    if failure := refusal(test.run(), strict=strict):
        raise failure


class _Output:
    """Lines for people, and reports for programs: only one of them goes to stdout."""

    def __init__(self, as_json: bool, files: ReportFiles, *, quiet: bool) -> None:
        self._as_json, self._files = as_json, files
        self.progress = Progress("migrations", active=not (quiet or as_json or files.to_stdout) and can_draw())

    def line(self, text: str) -> None:
        """Print a line, unless JSON is requested."""
        if not self._as_json:
            self.progress.line(text, err=self._files.to_stdout)

    def report(self, report: MigrationReport, label: str) -> None:
        """Print what was not restored. Reversible migrations are only counted."""
        from shipway.proving.verify import summarized

        warnings = [warning for warning in report.warnings if not summarized(warning)]  # summarized in the last line
        if report.verdict == "RESTORED" and not warnings:
            return
        texts = [*report.reasons, *(f"{style('warning:', 'yellow')} {warning}" for warning in warnings)]
        verdict = style(report.verdict.ljust(12), COLOURS[report.verdict])
        self.line("\n".join([f"{verdict}  {label}", *(line for text in texts for line in _indented(text))]))

    def results(self, results: FolderResults) -> None:
        """Print the summary, or the JSON, and write the files."""
        from shipway.proving.report.badge import folder_badge
        from shipway.proving.report.folder_json import folder_json
        from shipway.proving.report.folder_junit import folder_junit
        from shipway.proving.report.folder_markdown import folder_markdown
        from shipway.proving.report.folder_page import folder_page

        for line in _summary(results):
            self.line(line)
        if self._as_json:
            say(folder_json(results).removesuffix("\n"))
        self._files.write({
            "html": lambda: folder_page(results), "junit": lambda: folder_junit(results),
            "markdown": lambda: folder_markdown(results), "badge": lambda: folder_badge(results),
        })  # fmt: skip


@dataclass
class _Test:
    """One test of a folder, and what is known so far."""

    contents: Contents
    server: Server
    selection: Selection
    options: Options
    output: _Output
    against: str  # what --changed compares with
    began: float = field(default_factory=time.monotonic)
    at: float = field(default_factory=time.time)
    reports: list[MigrationReport] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    version: str = ""
    requested: int = 0

    def run(self) -> SequenceReport:
        """Prove, and report what was found even if that ends early."""
        try:
            with self.output.progress:
                done = self._prove()
        except UsageError:
            raise
        except (ShipwayError, KeyboardInterrupt) as error:
            self.output.results(self._results(str(error) or "interrupted"))
            raise
        self.output.results(self._results(""))
        return done

    def _prove(self) -> SequenceReport:
        from shipway.actions.proofs.folder import skipped_reports
        from shipway.actions.proofs.folder_selection import select
        from shipway.app import this_machine
        from shipway.folder import listed, open_folder
        from shipway.proving.sequence import SequenceReport

        migrations, skipped = listed(self.contents)
        if migrations or skipped:  # else only the tool knows them, and it needs a server
            self._introduce(migrations, skipped)
            if not select(migrations, skipped, self.selection):  # no server is needed for this
                for report in skipped_reports(migrations, skipped, self.selection):
                    self._add(report)
                self._nothing(migrations)
                return SequenceReport(tuple(self.reports), 0)
        self.output.progress.note("connecting" if self.server.url else "starting a server")
        with open_folder(
            self.contents, self.server, self.options.timeout, this_machine,
            changed=self.selection.changed or frozenset(), on_pull=lambda line: self.output.progress.note("pulling the server's image"),
        ) as folder:  # fmt: skip
            return self._prove_on(folder)

    def _prove_on(self, folder: MigrationFolder) -> SequenceReport:
        from shipway.actions.proofs.folder import prove_folder

        if not self.labels:
            self._introduce(folder.migrations, folder.skipped)
        done = prove_folder(folder, self.selection, self.options, self._add, self._begin)
        if not self.requested:
            self._nothing(folder.migrations)
        return done

    def _introduce(self, migrations: Sequence[Listed], skipped: Sequence[Listed]) -> None:
        """The first line: what was found in the folder."""
        self.labels = {item.revision: item.label for item in migrations}
        text = f"{self.contents.layout} folder {self.contents.folder}: {counted(len(migrations), 'migration')}"
        self.output.line(text + (f", {len(skipped)} skipped" if skipped else ""))
        if ignored := self.contents.ignored:
            more = f" and {len(ignored) - SHOWN} more" if len(ignored) > SHOWN else ""
            self.output.line(f"not migrations: {', '.join(ignored[:SHOWN])}{more}")

    def _nothing(self, migrations: Sequence[Listed]) -> None:
        """No migration was selected that can be tested: no failure if that is what the options say."""
        if self.against:
            self.output.line(f"nothing to test: no migration differs from {self.against}")
        elif self.selection.since is not None:
            self.output.line(f"nothing to test: {migrations[-1].label} is the newest migration")
        else:
            raise ProofError("all selected migrations are skipped: nothing was tested", hint="the reasons are above")

    def _begin(self, count: int, version: str) -> None:
        self.requested, self.version = count, version
        started = self.server.url is None and self.server.dialect != "sqlite"
        self.output.line(f"on {version}" + (", on a server that is started for this test" if started else ""))
        self.output.progress.begin(count)

    def _add(self, report: MigrationReport) -> None:
        self.reports.append(report)
        self.output.report(report, self.labels.get(report.migrations[0], report.migrations[0]))
        if report.verdict != "SKIPPED":
            self.output.progress.advance()

    def _results(self, error: str) -> FolderResults:
        from shipway.proving.report.folder_results import FolderResults

        return FolderResults(
            folder=str(self.contents.folder), layout=self.contents.layout, server=self.version, at=self.at,
            seconds=time.monotonic() - self.began, requested=self.requested, reports=tuple(self.reports),
            names=self.labels, error=error, watched=self.options.watched,
        )  # fmt: skip


def _indented(text: str) -> list[str]:
    """Lines below a verdict; on a terminal, they are wrapped to its width."""
    first, *rest = text.split("\n")
    lines = [INDENT + first, *(f"{INDENT}  {line}" for line in rest)]
    if not sys.stdout.isatty():
        return lines
    width = max(shutil.get_terminal_size((100, 24)).columns - 1, 2 * len(INDENT))
    wrapped = (
        textwrap.wrap(line, width, subsequent_indent=INDENT + "  ", break_on_hyphens=False, break_long_words=False)
        for line in lines
    )
    return [line for group in wrapped for line in group]


def _summary(results: FolderResults) -> list[str]:
    """The last lines: counts, and what was not tested."""
    if not results.requested and not results.reports:
        return []
    counts = ", ".join(f"{count} {verdict}" for verdict, count in results.counts().items())
    lines = [f"{len(results.tested)} of {results.requested} migrations tested" + (f": {counts}" if counts else "")]
    if results.unseen:
        lines.append(f"{len(results.unseen)} of them may lose rows: pass --rows to check")
    if any(word != "compatible" for word in results.compatibilities()):
        found = ", ".join(f"{count} {word}" for word, count in results.compatibilities().items())
        lines.append(f"compatibility with the old code: {found}")
    return lines
