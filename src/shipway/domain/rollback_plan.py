"""Plan a rollback: keep the schema, run the down migrations, or reject it. Pure.

The rollback path leads from the current schema revision down to the target's own, one step per release. The plan ends
at the highest revision on it that proven down migrations lead to and that the target works on:

- The target works on its own revision, and on one where its exact images were tested without a failure.
- If it works on a revision, it also works on the next newer one if that step only added to the schema and its previous
  code passed on it. This is inferred, not tested, and only for additive steps.

Waivers count if the proof alone finds no plan: for down migrations that ran but lost data or left another schema, and
for untested code. A waiver replaces neither a missing down migration nor code that failed.

If the schema is reverted, the old code would serve on the current one until then. So it is reverted first if the old
code failed on it, or if a step is breaking and no test shows that the old code works after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from shipway.domain.catalog import ADDITIVE, BREAKING
from shipway.domain.proof import (
    DATA_LOST,
    NO_EVIDENCE,
    NOT_RESTORED,
    REVERSIBLE,
    ROWS_ADDED,
    SAFE,
    UNSAFE,
    CompatibilityTest,
    Proof,
)
from shipway.domain.release import Waiver
from shipway.domain.schema_history import CODE_ONLY
from shipway.domain.value import dataclass

DOWN_THEN_CODE = "down, then code"  # the old code fails on the current schema, or a breaking step is untested
CODE_THEN_DOWN = "code, then down"  # nothing indicates that it fails: this order avoids downtime
FORWARD_ONLY = "forward only"
LABELS = {  # the kinds above are stored in the ledger; these are for display
    CODE_ONLY: "keep schema",
    DOWN_THEN_CODE: "revert schema, then switch",
    CODE_THEN_DOWN: "switch, then revert schema",
    FORWARD_ONLY: "no safe rollback (roll forward)",
}
PROVEN, WAIVED, UNKNOWN = "proven", "waived", "unknown"  # what counts as evidence: each includes the ones before
RAN = (ROWS_ADDED, DATA_LOST, NOT_RESTORED)  # ran down, with another result: can be waived


@dataclass(frozen=True)
class Step:
    """The effect of one release on the schema."""

    release: int
    before: str | None
    after: str
    proof: Proof | None = None  # None: never tested
    waiver: Waiver | None = None


@dataclass(frozen=True)
class RollbackPlan:
    """A rollback plan."""

    kind: str
    schema: str | None  # the final revision of the database
    reasons: tuple[str, ...] = ()  # messages with the reasons

    @property
    def down_first(self) -> bool:
        """Whether the schema is reverted before the switch."""
        return self.kind == DOWN_THEN_CODE

    def render(self) -> str:
        """Render for display."""
        end = "" if self.kind == FORWARD_ONLY else f"; final schema revision: {self.schema or 'none'}"
        return "\n".join([f"rollback plan: {label(self.kind)}{end}", *(f"  {reason}" for reason in self.reasons)])


def label(kind: str) -> str:
    """The name of a kind of rollback plan for display; any other text is returned unchanged."""
    return LABELS.get(kind, kind)


@dataclass(frozen=True)
class RollbackQuery:
    """The input of a rollback plan."""

    target: int  # release
    steps: Sequence[Step]  # newest first
    tried: Mapping[str, CompatibilityTest] = field(default_factory=dict)  # of the target on newer schemas
    proof_required: bool = False  # whether the environment requires proofs

    @property
    def schemas(self) -> list[str | None]:
        """The revisions on the path: from the current one to the target's own."""
        return [*(step.after for step in self.steps), self.steps[-1].before]


def rollback_plan(query: RollbackQuery, schema: str | None) -> RollbackPlan:
    """Plan the rollback of a database at this revision."""
    if not query.steps:
        return RollbackPlan(CODE_ONLY, schema, ("there are no migrations between the two releases",))
    descriptions = tuple(_describe(step) for step in query.steps)
    for counts in (PROVEN, WAIVED) if query.proof_required else (PROVEN, WAIVED, UNKNOWN):
        chosen = _chosen(query, counts)
        if chosen is None:
            continue
        by = [_by(step) for step in query.steps if counts != PROVEN and step.waiver]
        if counts == PROVEN:
            by += _inferred(query, chosen)
        if any(step.proof is None for step in query.steps[:chosen]):
            by.append("the down migrations run without a proof")
        return _decided(query, chosen, (*descriptions, *by))
    return RollbackPlan(FORWARD_ONLY, schema, descriptions)


def forced(query: RollbackQuery, schema: str | None, kind: str, reason: str) -> RollbackPlan:
    """The plan that a user forces whatever the proofs show: keep the schema, or down to the target's own revision."""
    descriptions = (*(_describe(step) for step in query.steps), f"forced by the user: {reason}")
    if kind == CODE_ONLY or not query.steps:
        return RollbackPlan(CODE_ONLY, schema, descriptions)
    return _decided(query, len(query.steps), descriptions)


def finding(proof: Proof) -> str:
    """The proof's result in short: what a waiver refers to."""
    return f"{proof.way.verdict if proof.way else 'no migration'}, old code {proof.old_code.verdict}"


def _chosen(query: RollbackQuery, counts: str) -> int | None:
    """Index of the revision to end at."""
    for index in range(len(query.schemas)):
        if all(_leads_down(step, counts) for step in query.steps[:index]) and _works_on(query, index, counts):
            return index
    return None


def _works_on(query: RollbackQuery, index: int, counts: str) -> bool:
    """Whether the target works on this revision, by what counts."""
    if index == len(query.steps):
        return True
    step = query.steps[index]
    trial = query.tried.get(step.after)
    if trial is not None and trial.verdict != NO_EVIDENCE:
        return trial.verdict == SAFE
    if counts != PROVEN and step.waiver:
        unharmed = step.proof is None or step.proof.old_code.verdict != UNSAFE
        return unharmed and _works_on(query, index + 1, counts)
    return index + 1 < len(query.steps) and _only_adds(step) and _works_on(query, index + 1, counts)


def _only_adds(step: Step) -> bool:
    proof = step.proof
    return proof is not None and proof.old_code.verdict == SAFE and (proof.way is None or proof.way.triage == ADDITIVE)


def _leads_down(step: Step, counts: str) -> bool:
    if step.proof is None:
        return counts == UNKNOWN
    verdict = step.proof.way.verdict if step.proof.way else ""
    return verdict in REVERSIBLE or (counts != PROVEN and step.waiver is not None and verdict in RAN)


def _decided(query: RollbackQuery, index: int, reasons: tuple[str, ...]) -> RollbackPlan:
    schema = query.schemas[index]
    if index == 0:
        return RollbackPlan(CODE_ONLY, schema, reasons)
    unsafe = any(_failed(query, step) for step in query.steps[:index])
    breaking = () if unsafe else _untested_breaks(query, index)
    lost = f"data written since to objects that the down migrations from {query.schemas[0]} drop is lost"
    return RollbackPlan(DOWN_THEN_CODE if unsafe or breaking else CODE_THEN_DOWN, schema, (*reasons, *breaking, lost))


def _failed(query: RollbackQuery, step: Step) -> bool:
    test = query.tried.get(step.after)
    return test is not None and test.verdict == UNSAFE


def _untested_breaks(query: RollbackQuery, index: int) -> tuple[str, ...]:
    """Messages for the breaking steps above the final revision. A step does no harm to code that passed its test on
    that step's revision or a newer one."""
    found = []
    for step in query.steps[:index]:
        test = query.tried.get(step.after)
        if test is not None and test.verdict == SAFE:
            break
        way = step.proof.way if step.proof else None
        if way is not None and way.triage == BREAKING:
            why = f" ({way.triage_reasons[0]})" if way.triage_reasons else ""
            found.append(
                f"the schema is reverted first: {step.before or 'nothing'} → {step.after} breaks code for the older "
                f"schema{why}, and no test shows that release {query.target} works on it"
            )
    return tuple(found)


def _inferred(query: RollbackQuery, index: int) -> list[str]:
    """Message for a compatibility that was inferred, not tested."""
    if index == len(query.steps) or query.steps[index].after in query.tried:
        return []
    return [
        f"release {query.target} was not tested on {query.steps[index].after}; its compatibility is inferred, since all steps up to there only add to the schema"
    ]


def _by(step: Step) -> str:
    assert step.waiver is not None
    return f"release {step.release}: {step.waiver.finding} was waived by {step.waiver.actor}: {step.waiver.reason}"


def _describe(step: Step) -> str:
    text = f"release {step.release} ({step.before or 'nothing'} → {step.after})"
    proof = step.proof
    if proof is None:
        return f"{text}: no rollback proof in this environment"
    why = [*(proof.way.reasons[:1] if proof.way and proof.way.verdict not in REVERSIBLE else ()),
           *(proof.old_code.reasons[:1] if proof.old_code.verdict != SAFE else ())]  # fmt: skip
    return f"{text}: {finding(proof)}{''.join(f'; {reason}' for reason in why)}"
