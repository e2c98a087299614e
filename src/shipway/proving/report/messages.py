"""Messages shared by all reports of a proof."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shipway.domain import proof as words
from shipway.domain.catalog import ADDITIVE, BREAKING, REVIEW
from shipway.domain.proof import Loss, MigrationReport, Proof

GOOD, DOUBT, BAD, NONE = "good", "doubt", "bad", "none"  # display grade of a verdict
GRADES = {
    words.RESTORED: GOOD, words.COLUMN_ORDER: GOOD, words.DATA_LOST: BAD, words.NOT_RESTORED: BAD, words.IRREVERSIBLE: BAD,
    words.FAILS: BAD, words.SAFE: GOOD, words.UNSAFE: BAD, words.NO_EVIDENCE: NONE, ADDITIVE: GOOD, REVIEW: DOUBT, BREAKING: DOUBT,
}  # fmt: skip
DOWN = {
    words.RESTORED: "the down scripts bring schema and rows back",
    words.COLUMN_ORDER: "the down scripts bring all back; some columns stand in another order",
    words.DATA_LOST: "the schema comes back, rows or values do not",
    words.NOT_RESTORED: "the down scripts run, and leave another schema",
    words.IRREVERSIBLE: "there is no down script, or it does nothing",
    words.FAILS: "a migration ends with an error, or not in time",
}
OLD_CODE = {
    words.SAFE: "the old image works on the new schema",
    words.UNSAFE: "the old image does not work on the new schema",
    words.NO_EVIDENCE: "no check ran on the old image, so nothing is known",
}
NEW_CODE = {
    words.SAFE: "the new image works on the old schema",
    words.UNSAFE: "the new image does not work on the old schema",
    words.NO_EVIDENCE: "no check ran on the new image, so nothing is known",
}
TRIAGE = {
    ADDITIVE: "the way up only adds; code that knows the old schema should not notice",
    REVIEW: "the way up changes what code may rely on",
    BREAKING: "the way up takes away what code may rely on",
}
MODES = {
    words.SCHEMA: "schema only, no rows",
    words.DATA: "with the target's data",
    words.ROWS: "with generated rows",
}


@dataclass(frozen=True)
class Verdict:
    """A verdict from the top of every report."""

    part: str  # down migrations, old code, new code, compatibility
    word: str  # as in the ledger
    meaning: str
    reasons: tuple[str, ...] = ()

    @property
    def grade(self) -> str:
        """good, doubt, bad or none."""
        return GRADES.get(self.word, NONE)


def verdicts(proof: Proof) -> tuple[Verdict, ...]:
    """Verdicts in order of importance. Without a migration only the code is judged."""
    way = proof.way
    found = [] if way is None else [Verdict("way down", way.verdict, _down(proof), _why(way))]
    for part, trial, meanings in (("old code", proof.old_code, OLD_CODE), ("new code", proof.new_code, NEW_CODE)):
        meaning = (
            meanings.get(trial.verdict, "")
            if trial.checks or trial.verdict != words.SAFE
            else "there was nothing to try"
        )
        found.append(Verdict(part, trial.verdict, meaning, trial.reasons))
    if way is not None and way.triage:
        found.append(Verdict("triage", way.triage, TRIAGE.get(way.triage, ""), way.triage_reasons))
    return tuple(found)


def other_reasons(way: MigrationReport) -> tuple[str, ...]:
    """Reasons, without those that repeat the lists of differences and losses."""
    listed = [str(item) for item in way.differences]
    tables = tuple(f"{loss.table} has " for loss in way.losses)
    return tuple(
        reason
        for reason in way.reasons
        if not reason.startswith(tables) and not any(reason.endswith(text) for text in listed)
    )


def _why(way: MigrationReport) -> tuple[str, ...]:
    counts = [
        f"{count} {one if count == 1 else many} not as before"
        for count, one, many in (
            (len(way.differences), "object is", "objects are"),
            (len(way.losses), "table's rows are", "tables' rows are"),
        )
        if count
    ]
    return (*other_reasons(way), *counts)


def _down(proof: Proof) -> str:
    verdict = "" if proof.way is None else proof.way.verdict
    if verdict == words.RESTORED and proof.mode == words.SCHEMA:
        return "the down scripts bring the schema back; rows were not looked at"
    return DOWN.get(verdict, "")


def releases(proof: Proof) -> str:
    """`release 12 → 14`; an unnumbered release has no number."""
    new = str(proof.release) if proof.release else "not made yet"
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
    blocks, grade = _BLOCKS.get(name, ("reads and writes go on", "none"))
    return Mode(name, blocks, grade)
