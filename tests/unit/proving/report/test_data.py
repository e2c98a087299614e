"""A proof for programs: JSON by its schema, and JUnit XML as CI servers read it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from shipway.domain import proof as words
from shipway.domain.proof import MigrationReport, Proof
from shipway.domain.record import from_data
from shipway.proving.report.data import as_json
from shipway.proving.report.junit import junit
from shipway.proving.report.schema import schema
from tests.unit.proving.report.proofs import GONE, PROOF, SAMPLES, hostile, huge

ROOT = Path(__file__).resolve().parents[4]
PARTS = ("up", "down", "up again", "data", "old code on the new schema", "new code on the old schema")
OUTCOMES = {  # of these parts: passed, failed, skipped
    "restored": "pppppp",
    "down-then-code": "ppppfp",
    "column-order": "ppppfp",
    "data-lost": "pppffp",
    "not-restored": "pfppfp",
    "irreversible": "pfssfp",
    "up-fails": "fsssfp",
    "down-fails": "pfssfp",
    "no-evidence": "ppppss",
    "schema-only": "pppspp",
}


def cases(proof: Proof) -> dict[str, ElementTree.Element]:
    """By name."""
    return {case.get("name", ""): case for case in ElementTree.fromstring(junit(proof).encode()).iter("testcase")}


def outcome(case: ElementTree.Element) -> str:
    """p, f or s."""
    return "f" if case.find("failure") is not None else "s" if case.find("skipped") is not None else "p"


@pytest.mark.parametrize("name", [*SAMPLES, "huge"])
def test_json_follows_its_schema_and_leads_back_to_the_proof(name: str) -> None:
    proof = huge() if name == "huge" else SAMPLES[name]
    data = json.loads(as_json(proof))
    jsonschema.Draft202012Validator(schema()).validate(data)
    assert from_data(Proof, data) == proof
    assert data["format"] == 1


def test_json_says_what_follows() -> None:
    data = json.loads(as_json(SAMPLES["data-lost"]))
    assert data["rollback"]["way"] == "forward only"
    assert json.loads(as_json(PROOF))["rollback"]["way"] == "code only"


def test_the_schema_refuses_other_words() -> None:
    data = json.loads(as_json(PROOF))
    jsonschema.Draft202012Validator.check_schema(schema())
    for key, value in (("mode", "other"), ("way", {}), ("old_code", {**data["old_code"], "verdict": "MAYBE"})):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema()).validate({**data, key: value})


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs" / "proof-report.md").read_text()
    kinds = [schema(), *schema()["$defs"].values()]
    assert [key for kind in kinds for key in kind["properties"] if f"`{key}`" not in text] == []


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_test_case_a_part(name: str) -> None:
    found = cases(SAMPLES[name])
    assert "".join(outcome(found[part]) for part in PARTS) == OUTCOMES[name]
    assert list(found)[len(PARTS) :] == ["migration 0008_price alone", "migration 0009_currency alone"]


def test_traffic_is_information_and_both_at_once_is_a_part_of_its_own() -> None:
    found = cases(SAMPLES["traffic"])
    assert (outcome(found["up under traffic"]), outcome(found["old and new code at once"])) == ("p", "f")
    lines = (found["up under traffic"].findtext("system-out") or "").splitlines()
    assert len(lines) == 5
    assert [line.startswith("warning: ") for line in lines] == [False, True, True, True, True]
    assert outcome(cases(SAMPLES["no-traffic"])["up under traffic"]) == "s"


def test_a_proof_of_an_older_version_is_still_read() -> None:
    data = json.loads(as_json(PROOF))
    for key in ("traffic", "growth", "together"):
        del data[key]
    assert from_data(Proof, data) == PROOF


@pytest.mark.parametrize("name", [*SAMPLES, "huge", "hostile"])
def test_counts_are_those_of_the_cases(name: str) -> None:
    proof = {"huge": huge(), "hostile": hostile(SAMPLES["not-restored"])}.get(name) or SAMPLES[name]
    root = ElementTree.fromstring(junit(proof).encode())
    (suite,) = root.findall("testsuite")
    outcomes = [outcome(case) for case in suite.findall("testcase")]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == tuple(
        map(str, (len(outcomes), outcomes.count("f"), outcomes.count("s")))
    )
    assert (root.get("tests"), root.get("failures")) == (suite.get("tests"), suite.get("failures"))
    assert len({(case.get("classname"), case.get("name")) for case in suite.findall("testcase")}) == len(outcomes)


def test_failures_have_their_reasons() -> None:
    failure = cases(SAMPLES["not-restored"])["down"].find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == (
        "NOT_RESTORED",
        f"NOT_RESTORED: after the down migration: {GONE}",
    )
    assert str(GONE) in (failure.text or "")
    failure = cases(SAMPLES["data-lost"])["data"].find("failure")
    assert failure is not None
    assert "public.discounts: 312 → 0 rows" in (failure.text or "")
    failure = cases(SAMPLES["down-fails"])["down"].find("failure")
    assert failure is not None
    assert "statement timeout" in (failure.text or "")
    skipped = cases(SAMPLES["no-evidence"])["old code on the new schema"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "NO_EVIDENCE; the plan has no scenario"


def test_a_migration_alone_is_judged_only_without_a_whole() -> None:
    alone = MigrationReport(("0001_a",), words.NOT_RESTORED, ("a type stays",))
    name = "migration 0001_a alone"
    assert outcome(cases(dataclasses.replace(PROOF, each=(alone,)))[name]) == "s"
    assert outcome(cases(dataclasses.replace(PROOF, each=(alone,), way=None))[name]) == "f"


def test_with_generated_rows_the_stages_have_other_names() -> None:
    assert PROOF.way
    stages = tuple(dataclasses.replace(stage, name=f"{stage.name}, with rows") for stage in PROOF.way.stages)
    found = cases(dataclasses.replace(PROOF, way=dataclasses.replace(PROOF.way, stages=stages)))
    assert "".join(outcome(found[part]) for part in PARTS) == "pppppp"
    assert found["up"].get("time") == "2.200"
