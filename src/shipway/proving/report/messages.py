"""Messages shared by all reports of a proof."""

from __future__ import annotations

import re

from shipway.domain import proof as words
from shipway.domain.catalog import ADDITIVE, BREAKING, REVIEW
from shipway.domain.count import counted
from shipway.domain.proof import Loss, MigrationReport, Proof
from shipway.domain.value import dataclass

COMPATIBLE = "compatible"  # display of ADDITIVE
GOOD, DOUBT, BAD, NONE = "good", "doubt", "bad", "none"  # display grade of a verdict
GRADES = {
    words.RESTORED: GOOD, words.COLUMN_ORDER: GOOD, words.COSMETIC: GOOD, words.DATA_LOST: BAD, words.ROWS_ADDED: BAD, words.SKIPPED: NONE, words.NOT_RESTORED: BAD, words.IRREVERSIBLE: BAD,
    words.FAILS: BAD, words.HALF_APPLIED: BAD, words.SAFE: GOOD, words.UNSAFE: BAD, words.NO_EVIDENCE: NONE, COMPATIBLE: GOOD, REVIEW: DOUBT, BREAKING: DOUBT,
}  # fmt: skip
DOWN = {
    words.RESTORED: "the down migrations restore schema and rows",
    words.COLUMN_ORDER: "the down migrations restore schema and rows; some columns are in another order",
    words.COSMETIC: "the down migrations restore schema and rows; the text of functions differs in white space, comments or the order of settings",
    words.ROWS_ADDED: "the down migrations restore the schema and lose nothing, but rows that were added remain",
    words.DATA_LOST: "the down migrations restore the schema, but not all rows or values",
    words.NOT_RESTORED: "the down migrations run, but result in another schema",
    words.IRREVERSIBLE: "a down migration is missing, or does nothing",
    words.FAILS: "a migration failed or timed out",
    words.HALF_APPLIED: "a migration failed, and left a part of its changes",
}
OLD_CODE = {
    words.SAFE: "the old image works on the new schema",
    words.UNSAFE: "the old image does not work on the new schema",
    words.NO_EVIDENCE: "no scenario tested the old image: compatibility is unknown",
}
NEW_CODE = {
    words.SAFE: "the new image works on the old schema",
    words.UNSAFE: "the new image does not work on the old schema",
    words.NO_EVIDENCE: "no scenario tested the new image: compatibility is unknown",
}
TOGETHER = {
    words.SAFE: "both images worked on the new schema at the same time",
    words.UNSAFE: "the images do not work on the new schema at the same time: use blue-green or split the release",
    words.NO_EVIDENCE: "the images were not tested at the same time: compatibility is unknown",
}
COMPATIBILITY = {
    COMPATIBLE: "the up migrations only add: code for the old schema should keep working",
    REVIEW: "the up migrations change objects that code may rely on",
    BREAKING: "the up migrations remove objects that code may rely on",
}
MODES = {
    words.SCHEMA: "schema only, no rows",
    words.DATA: "with the target's data",
    words.ROWS: "with generated rows",
}


@dataclass(frozen=True)
class Verdict:
    """A verdict from the top of every report."""

    part: str  # down migrations, old code, new code, old and new code, compatibility
    word: str  # as in the ledger, except for the compatibility
    meaning: str
    reasons: tuple[str, ...] = ()

    @property
    def grade(self) -> str:
        """good, doubt, bad or none."""
        return GRADES.get(self.word, NONE)


def verdicts(proof: Proof) -> tuple[Verdict, ...]:
    """Verdicts in order of importance. Without a migration only the code is judged."""
    report = proof.way
    found = [] if report is None else [Verdict("down migrations", report.verdict, _down(proof), _why(report))]
    for part, test, meanings in (("old code", proof.old_code, OLD_CODE), ("new code", proof.new_code, NEW_CODE)):
        meaning = (
            meanings.get(test.verdict, "") if test.checks or test.verdict != words.SAFE else "there was nothing to test"
        )
        found.append(Verdict(part, test.verdict, meaning, test.reasons))
    if proof.together is not None:
        test = proof.together
        found.append(Verdict("old and new code", test.verdict, TOGETHER.get(test.verdict, ""), test.reasons))
    if report is not None and report.triage:
        word = compatibility(report)
        found.append(Verdict("compatibility", word, COMPATIBILITY.get(word, ""), report.triage_reasons))
    return tuple(found)


def compatibility(report: MigrationReport) -> str:
    """The compatibility for display: compatible, review or breaking; empty if it is unknown."""
    return COMPATIBLE if report.triage == ADDITIVE else report.triage


def other_reasons(report: MigrationReport) -> tuple[str, ...]:
    """Reasons, without those that repeat the lists of differences and losses."""
    listed = [str(item) for item in report.differences]
    tables = tuple(f"{loss.table} has " for loss in report.losses)
    return tuple(
        reason
        for reason in report.reasons
        if not reason.startswith(tables) and not any(reason.endswith(text) for text in listed)
    )


def _why(report: MigrationReport) -> tuple[str, ...]:
    counts = [
        text
        for count, text in (
            (len(report.differences), f"{counted(len(report.differences), 'object')} not restored"),
            (len(report.losses), f"rows of {counted(len(report.losses), 'table')} not restored"),
        )
        if count
    ]
    return (*other_reasons(report), *counts)


def _down(proof: Proof) -> str:
    verdict = "" if proof.way is None else proof.way.verdict
    if verdict == words.RESTORED and proof.mode == words.SCHEMA:
        return "the down migrations restore the schema; rows were not tested"
    return DOWN.get(verdict, "")


def releases(proof: Proof) -> str:
    """`release 12 → 14`; an unnumbered release has no number."""
    new = str(proof.release) if proof.release else "not created yet"
    return f"release {new}" if proof.before is None else f"release {proof.before} → {new}"


def schemas(proof: Proof) -> str:
    """`0007 → 0009`, empty if no revision is known."""
    before, after = proof.schema_before or "(empty)", proof.schema_after or "(empty)"
    if not (proof.schema_before or proof.schema_after):
        return ""
    return before if before == after else f"{before} → {after}"


def short_image(image: str) -> str:
    """Abbreviate a digest to 12 digits."""
    return re.sub(r"(sha256:[0-9a-f]{12})[0-9a-f]+", r"\1", image)


def loss_text(loss: Loss) -> str:
    """`10 → 9 rows; values of price, note differ`."""
    before, after = loss.rows
    rows = f"{before:,} → {after:,} rows" if before != after else f"{before:,} rows"
    return rows + (f"; values of {', '.join(loss.columns)} differ" if loss.columns else "")


@dataclass(frozen=True)
class Mode:
    """A lock mode, and what it blocks."""

    name: str
    blocks: str
    grade: str  # all, writes, changes, none


_BLOCKS = {
    "ACCESS EXCLUSIVE": ("reads and writes wait", "all"),
    "EXCLUSIVE": ("writes wait", "writes"),
    "SHARE ROW EXCLUSIVE": ("writes wait", "writes"),
    "SHARE": ("writes wait", "writes"),
    "SHARE UPDATE EXCLUSIVE": ("other schema changes wait", "changes"),
}
LOCK_GRADES = ("all", "writes", "changes", "none")  # most severe first


def mode_of(mode: str) -> Mode:
    """Find a mode by the name in a proof: `AccessExclusiveLock`, or `ACCESS EXCLUSIVE`."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode.removesuffix("Lock")).upper()
    blocks, grade = _BLOCKS.get(name, ("reads and writes continue", "none"))
    return Mode(name, blocks, grade)
