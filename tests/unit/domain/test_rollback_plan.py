"""The decision of a rollback, for every verdict and along several releases."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.domain.catalog import ADDITIVE, BREAKING, REVIEW
from shipway.domain.proof import (
    COLUMN_ORDER,
    DATA_LOST,
    FAILS,
    IRREVERSIBLE,
    NO_EVIDENCE,
    NOT_RESTORED,
    RESTORED,
    SAFE,
    UNSAFE,
    CompatibilityTest,
    MigrationReport,
    Proof,
)
from shipway.domain.release import FAILED, SUCCEEDED, Deployment, Waiver
from shipway.domain.rollback_plan import (
    CODE_THEN_DOWN,
    DOWN_THEN_CODE,
    FORWARD_ONLY,
    RollbackQuery,
    Step,
    finding,
    forced,
    label,
    rollback_plan,
)
from shipway.domain.schema_history import CODE_ONLY, SchemaRevision, ahead, own_schema, schema_revisions
from tests.unit.domain import samples

DOWNS = (RESTORED, COLUMN_ORDER, DATA_LOST, NOT_RESTORED, IRREVERSIBLE, FAILS)
CODES = (SAFE, UNSAFE, NO_EVIDENCE)
TRIAGE = {"+": ADDITIVE, "?": REVIEW, "!": BREAKING}


def proof(number: int, down: str = RESTORED, code: str = SAFE, triage: str = ADDITIVE) -> Proof:
    """Of the release that brings schema 000N."""
    return Proof(
        "shop", "production", number, "digest", number - 1, "before", f"{number - 1:04}", f"{number:04}", "schema", 1.0, 1.0,
        way=MigrationReport((f"{number:04}",), down, (f"because {down}",), triage), old_code=CompatibilityTest(code, (f"because {code}",)),
    )  # fmt: skip


def step(number: int, found: Proof | None, *, accepted: bool = False) -> Step:
    word = None
    if accepted and found:
        word = Waiver("shop", "production", number, "digest", finding(found), "eve", "we know", 1.0, 9.0)
    return Step(number, f"{number - 1:04}", f"{number:04}", found, word)


def one_back(down: str, code: str, *, accepted: bool = False, asked: bool = True) -> RollbackQuery:
    found = proof(2, down, code)
    return RollbackQuery(1, (step(2, found, accepted=accepted),), {"0002": found.old_code}, asked)


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("down", DOWNS)
def test_every_verdict(down: str, code: str, accepted: bool, asked: bool) -> None:
    way = rollback_plan(one_back(down, code, accepted=accepted, asked=asked), "0002")
    leads = down in (RESTORED, COLUMN_ORDER)
    if code == SAFE:
        assert (way.kind, way.schema) == (CODE_ONLY, "0002")
    elif leads:
        assert (way.kind, way.schema) == (DOWN_THEN_CODE if code == UNSAFE else CODE_THEN_DOWN, "0001")
    elif accepted and code == NO_EVIDENCE:
        assert (way.kind, way.schema) == (CODE_ONLY, "0002")
    elif accepted and down in (DATA_LOST, NOT_RESTORED):
        assert (way.kind, way.schema) == (DOWN_THEN_CODE, "0001")
    else:
        assert (way.kind, way.schema) == (FORWARD_ONLY, "0002")
    assert f"release 2 (0001 → 0002): {down}, old code {code}" in way.render()
    if not leads:
        assert f"because {down}" in way.render()


def test_what_was_accepted_is_said_only_where_it_counts() -> None:
    assert "we know" not in rollback_plan(one_back(DATA_LOST, SAFE, accepted=True), "0002").render()
    assert "was waived by eve: we know" in rollback_plan(one_back(DATA_LOST, UNSAFE, accepted=True), "0002").render()


def test_no_migration_between() -> None:
    way = rollback_plan(RollbackQuery(1, (), proof_required=True), "0002")
    assert (way.kind, way.schema, way.reasons) == (
        CODE_ONLY,
        "0002",
        ("there are no migrations between the two releases",),
    )


def test_without_any_proof() -> None:
    unknown = (step(3, None), step(2, None))
    assert rollback_plan(RollbackQuery(1, unknown, proof_required=True), "0003").kind == FORWARD_ONLY
    way = rollback_plan(RollbackQuery(1, unknown), "0003")
    assert (way.kind, way.schema) == (CODE_THEN_DOWN, "0001")
    assert "without a proof" in way.render()


@pytest.mark.parametrize("known", [proof(3), None])
def test_a_proof_that_is_missing_on_the_way(known: Proof | None) -> None:
    other = proof(2) if known is None else None
    steps = (step(3, known), step(2, other))
    assert rollback_plan(RollbackQuery(1, steps, proof_required=True), "0003").kind == FORWARD_ONLY
    way = rollback_plan(RollbackQuery(1, steps), "0003")
    assert (way.kind, way.schema) == (CODE_THEN_DOWN, "0001")
    assert "without a proof" in way.render()


def test_where_nobody_asks_a_proof_that_found_no_way_still_counts() -> None:
    assert (
        rollback_plan(RollbackQuery(1, (step(3, None), step(2, proof(2, FAILS, UNSAFE)))), "0003").kind == FORWARD_ONLY
    )
    tried = {"0002": CompatibilityTest(SAFE)}
    way = rollback_plan(RollbackQuery(1, (step(3, None), step(2, proof(2, FAILS))), tried), "0003")
    assert (way.kind, way.schema) == (CODE_THEN_DOWN, "0002")


# Three steps, newest first, each as down verdict, old code and triage; then what the target did on a level where it was tried.
LONG = [
    ("all tried", "RESTORED SAFE +, RESTORED SAFE +, RESTORED SAFE +", {"0004": SAFE}, CODE_ONLY, "0004"),
    ("tried on the first, the others only add", "FAILS SAFE +, FAILS SAFE +, FAILS SAFE +", {"0002": SAFE}, CODE_ONLY, "0004"),
    ("never tried on the first", "RESTORED SAFE +, RESTORED SAFE +, RESTORED SAFE +", {}, CODE_THEN_DOWN, "0001"),
    ("failed on the last, though all only add", "RESTORED SAFE +, RESTORED SAFE +, RESTORED SAFE +", {"0002": SAFE, "0004": UNSAFE},
     DOWN_THEN_CODE, "0003"),
    ("the newest step breaks", "RESTORED SAFE !, RESTORED SAFE +, RESTORED SAFE +", {"0002": SAFE}, DOWN_THEN_CODE, "0003"),
    ("a step that breaks is kept", "RESTORED UNSAFE +, RESTORED SAFE !, RESTORED SAFE +", {"0003": SAFE}, CODE_THEN_DOWN, "0003"),
    ("a step breaks above one where the target passed", "RESTORED UNSAFE !, RESTORED SAFE !, RESTORED SAFE +", {"0003": SAFE}, DOWN_THEN_CODE, "0003"),
    ("the middle one is for review", "RESTORED SAFE +, RESTORED SAFE ?, RESTORED SAFE +", {"0002": SAFE}, CODE_THEN_DOWN, "0002"),
    ("the newest old code minded it", "RESTORED UNSAFE +, FAILS SAFE +, FAILS SAFE +", {"0002": SAFE}, CODE_THEN_DOWN, "0003"),
    ("no way down where one is needed", "FAILS SAFE !, RESTORED SAFE +, RESTORED SAFE +", {"0002": SAFE}, FORWARD_ONLY, "0004"),
    ("no way down at the bottom", "RESTORED UNSAFE !, RESTORED UNSAFE !, IRREVERSIBLE UNSAFE !", {"0002": UNSAFE}, FORWARD_ONLY, "0004"),
    ("the bottom needs none", "RESTORED UNSAFE !, RESTORED UNSAFE !, IRREVERSIBLE SAFE !", {"0002": SAFE}, DOWN_THEN_CODE, "0002"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "tried", "kind", "schema"), [row[1:] for row in LONG], ids=[row[0] for row in LONG])
def test_several_releases_back(steps: str, tried: dict[str, str], kind: str, schema: str) -> None:
    found = []
    for number, words in zip((4, 3, 2), steps.split(", "), strict=True):
        down, code, triage = words.split()
        found.append(step(number, proof(number, down, code, TRIAGE[triage])))
    way = rollback_plan(
        RollbackQuery(
            1, found, {level: CompatibilityTest(verdict) for level, verdict in tried.items()}, proof_required=True
        ),
        "0004",
    )
    assert (way.kind, way.schema) == (kind, schema)
    concluded = kind == CODE_ONLY and "0004" not in tried
    assert ("release 1 was not tested on 0004" in way.render()) == concluded


@pytest.mark.parametrize(("triage", "code", "kind"), [
    (BREAKING, NO_EVIDENCE, DOWN_THEN_CODE), (BREAKING, UNSAFE, DOWN_THEN_CODE), (BREAKING, SAFE, CODE_ONLY),
    (REVIEW, NO_EVIDENCE, CODE_THEN_DOWN), (ADDITIVE, NO_EVIDENCE, CODE_THEN_DOWN),
])  # fmt: skip
def test_old_code_that_nobody_tested_does_not_serve_on_a_schema_that_breaks_it(
    triage: str, code: str, kind: str
) -> None:
    """A column that is NOT NULL without a default fails every INSERT of the old code."""
    found = proof(2, code=code, triage=triage)
    assert found.way
    found = dataclasses.replace(found, way=dataclasses.replace(found.way, triage_reasons=("column age added",)))
    way = rollback_plan(RollbackQuery(1, (step(2, found),), {"0002": found.old_code}, proof_required=True), "0002")
    assert way.kind == kind
    untested = "breaks code for the older schema (column age added), and no test shows that release 1 works on it"
    assert (untested in way.render()) == (kind == DOWN_THEN_CODE and code == NO_EVIDENCE)


def test_a_break_does_no_harm_to_code_that_passed_on_a_newer_schema() -> None:
    steps = (step(3, proof(3)), step(2, proof(2, triage=BREAKING)))
    for tried, kind in (({"0003": CompatibilityTest(SAFE)}, CODE_THEN_DOWN), ({}, DOWN_THEN_CODE)):
        assert forced(RollbackQuery(1, steps, tried), "0003", DOWN_THEN_CODE, "why").kind == kind


@pytest.mark.parametrize("down", DOWNS)
def test_a_person_insists(down: str) -> None:
    asked = one_back(down, UNSAFE)
    by_code = forced(asked, "0002", CODE_ONLY, "the bug is worse")
    assert (by_code.kind, by_code.schema) == (CODE_ONLY, "0002")
    by_down = forced(asked, "0002", DOWN_THEN_CODE, "the bug is worse")
    assert (by_down.kind, by_down.schema) == (DOWN_THEN_CODE, "0001")
    for way in (by_code, by_down):
        assert "forced by the user: the bug is worse" in way.render()
        assert down in way.render()


def history(*words: str) -> list[Deployment]:
    """Newest first, from lines such as `deploy 2 0002`, oldest first; `failed` before it, `code only` after it."""
    made = []
    for number, line in enumerate(words, 1):
        outcome, line = (FAILED, line[7:]) if line.startswith("failed ") else (SUCCEEDED, line)
        kind, release, schema, *way = line.split(maxsplit=3)
        item = dataclasses.replace(
            samples.deployment(number, int(release), outcome), kind=kind, way=way[0] if way else ""
        )
        made.append(dataclasses.replace(item, schema=None if schema == "-" else schema))
    return made[::-1]


@pytest.mark.parametrize(("lines", "expected"), [
    (["deploy 1 0001", "deploy 2 0002"], [SchemaRevision("0001", 1), SchemaRevision("0002", 2)]),
    (["deploy 1 0001", "deploy 2 0002", "rollback 1 0001"], [SchemaRevision("0001", 1)]),
    (["deploy 1 0001", "deploy 2 0002", "rollback 1 0002 code only", "deploy 3 0003"], [SchemaRevision("0001", 1), SchemaRevision("0002", 2), SchemaRevision("0003", 3)]),
    (["deploy 1 0001", "failed deploy 2 0002"], [SchemaRevision("0001", 1), SchemaRevision("0002", 2)]),
    (["deploy 1 0001", "failed deploy 2 -"], [SchemaRevision("0001", 1)]),
    (["failed deploy 1 0001", "deploy 2 0002"], [SchemaRevision("0002", 2)]),
    (["deploy 1 0001", "deploy 2 0002", "rollback 1 0001", "deploy 3 0002"], [SchemaRevision("0001", 1), SchemaRevision("0002", 3)]),  # rewritten
    (["deploy 1 0001", "deploy 2 0002", "rollback 1 0001", "restore 1 0002"], [SchemaRevision("0001", 1), SchemaRevision("0002", 2)]),
    (["deploy 1 0001", "destroy 1 -", "deploy 2 0002"], [SchemaRevision("0002", 2)]),
    ([], []),
])  # fmt: skip
def test_levels(lines: list[str], expected: list[SchemaRevision]) -> None:
    assert schema_revisions(history(*lines)) == expected


def test_the_schema_of_a_release_is_not_the_one_that_it_came_back_to() -> None:
    past = history("deploy 1 0001", "deploy 2 0002", "rollback 1 0002 code only")
    first = samples.release(1, "0001")
    assert own_schema(past, first) == "0001"
    assert ahead(past, first) == "0002"
    assert ahead(history("deploy 1 0001", "deploy 2 0001", "rollback 1 0001 code only"), first) is None


def test_kinds_are_displayed_by_other_names_than_they_are_stored_by() -> None:
    assert {kind: label(kind) for kind in (CODE_ONLY, CODE_THEN_DOWN, DOWN_THEN_CODE, FORWARD_ONLY)} == {
        "code only": "keep schema",
        "code, then down": "switch, then revert schema",
        "down, then code": "revert schema, then switch",
        "forward only": "no safe rollback (roll forward)",
    }
