"""The results of a folder's test, for all its reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field

from shipway.domain.catalog import ADDITIVE, BREAKING, REVIEW
from shipway.domain.count import counted
from shipway.domain.proof import (
    REVERSIBLE,
    SKIPPED,
    VERDICTS,
    MigrationReport,
)
from shipway.domain.value import dataclass
from shipway.proving.report.messages import BAD, COMPATIBLE, GOOD, NONE, compatibility
from shipway.proving.sequence import ends
from shipway.proving.verify import summarized

COMPATIBILITIES = (COMPATIBLE, REVIEW, BREAKING)


@dataclass(frozen=True)
class FolderResults:
    """What was found in a folder; `reports` contains the skipped migrations too."""

    folder: str  # as the user wrote it, or the folder below it that has the migrations
    layout: str
    server: str  # product and version
    at: float  # seconds since the epoch
    seconds: float
    requested: int  # migrations that were selected, without skipped ones
    reports: Sequence[MigrationReport]
    names: Mapping[str, str] = field(default_factory=dict)  # by revision, for people
    error: str = ""  # why the test ended before all were tested; empty if it did not
    watched: bool = False  # whether locks were recorded

    @property
    def tested(self) -> list[MigrationReport]:
        return [report for report in self.reports if report.verdict != SKIPPED]

    @property
    def skipped(self) -> list[MigrationReport]:
        return [report for report in self.reports if report.verdict == SKIPPED]

    @property
    def bad(self) -> list[MigrationReport]:
        """Those that can't be reverted."""
        return [report for report in self.tested if report.verdict not in REVERSIBLE]

    @property
    def unseen(self) -> list[MigrationReport]:
        """Those that may lose rows, which was not tested."""
        return [report for report in self.tested if any(map(summarized, report.warnings))]

    @property
    def remaining(self) -> int:
        """Migrations that were selected and not tested."""
        return self.requested - len(self.tested)

    @property
    def grade(self) -> str:
        """good, bad, or none if there was nothing to test."""
        if self.bad or self.error or self.remaining:
            return BAD
        return GOOD if self.tested else NONE

    def label(self, report: MigrationReport) -> str:
        """A migration's name for people: `0012 items`."""
        return self.names.get(report.migrations[0], report.migrations[0])

    def counts(self) -> dict[str, int]:
        """Number of migrations by verdict, best first; unused verdicts are omitted."""
        return counts(self.reports)

    def compatibilities(self) -> dict[str, int]:
        """Number of tested migrations by compatibility with the code for the schema before."""
        found = Counter(compatibility(report) for report in self.tested)
        return {word: found[word] for word in COMPATIBILITIES if found[word]}

    def headline(self) -> str:
        """The result in one sentence."""
        tested, bad = len(self.tested), len(self.bad)
        if not self.requested:
            return "nothing was tested"
        if self.remaining:
            why = "the test was not completed"
            if not self.error and ends(self.tested[-1]):
                why = f"the up migration {self.label(self.tested[-1])} fails"
            found = f"{_do_not(bad)} revert cleanly" if bad else "all of these revert cleanly"
            return f"{why}: {tested} of {self.requested} migrations were tested" + (f", {found}" if tested else "")
        if not bad:
            return f"all {tested} migrations revert cleanly" if tested > 1 else "the migration reverts cleanly"
        return f"{bad} of {counted(tested, 'migration')} {'does' if bad == 1 else 'do'} not revert cleanly"

    def source(self) -> str:
        """Layout, folder and server, as one phrase."""
        return f"{self.layout} folder {self.folder}" + (f" on {self.server}" if self.server else "")


def counts(reports: Sequence[MigrationReport]) -> dict[str, int]:
    """Number of migrations by verdict, best first; unused verdicts are omitted."""
    found = Counter(report.verdict for report in reports)
    return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}


def affects_code(report: MigrationReport) -> bool:
    """Whether code for the schema before may notice it."""
    return report.triage not in ("", ADDITIVE)


def _do_not(count: int) -> str:
    return f"{count} {'does' if count == 1 else 'do'} not"
