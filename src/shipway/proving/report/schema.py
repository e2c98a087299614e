"""`python -m shipway.proving.report.schema` prints the JSON Schema of a proof's JSON, generated from its types."""

from __future__ import annotations

import json
from typing import Any

from shipway.domain import proof as words
from shipway.domain.catalog import ADDITIVE, BREAKING, REVIEW
from shipway.domain.proof import Proof
from shipway.domain.record_schema import class_schema
from shipway.proving.report.data import FORMAT
from shipway.proving.report.follows import WAYS

WORDS = {  # permitted texts, by class and field
    ("MigrationReport", "verdict"): list(words.VERDICTS),
    ("MigrationReport", "triage"): [ADDITIVE, REVIEW, BREAKING, ""],
    ("CompatibilityTest", "verdict"): [words.SAFE, words.UNSAFE, words.NO_EVIDENCE],
    ("Wait", "waiting"): ["traffic", "migration"],
    ("Growth", "work"): ["rewrite", "scan", "index"],
    ("Proof", "mode"): [words.SCHEMA, words.DATA, words.ROWS],
    ("Stage", "outcome"): ["succeeded", "failed"],
    ("Difference", "change"): ["added", "removed", "changed"],
}


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12. Unknown keys are allowed, since newer versions add some."""
    kinds: dict[str, Any] = {}
    whole = class_schema(Proof, kinds, WORDS)
    rollback = {
        "type": "object",
        "required": ["way", "sentence"],
        "properties": {"way": {"enum": list(WAYS)}, "sentence": {"type": "string"}},
    }
    whole["properties"] = {"format": {"const": FORMAT}, "rollback": rollback, **whole["properties"]}
    whole["required"] = ["format", "rollback", *whole["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rollback proof by Shipway",
        **whole,
        "$defs": kinds,
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
