"""`python -m shipway.proving.report.schema` prints the JSON Schema of a proof's JSON, generated from its types."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from shipway.domain import proof as words
from shipway.domain.catalog import ADDITIVE, BREAKING, REVIEW
from shipway.domain.proof import Proof
from shipway.proving.report.data import FORMAT
from shipway.proving.report.follows import WAYS

WORDS = {  # permitted texts, by class and field
    ("MigrationReport", "verdict"): list(words.VERDICTS),
    ("MigrationReport", "triage"): [ADDITIVE, REVIEW, BREAKING, ""],
    ("CompatibilityTest", "verdict"): [words.SAFE, words.UNSAFE, words.NO_EVIDENCE],
    ("Proof", "mode"): [words.SCHEMA, words.DATA, words.ROWS],
    ("Stage", "outcome"): ["succeeded", "failed"],
    ("Difference", "change"): ["added", "removed", "changed"],
}
SIMPLE = {bool: "boolean", str: "string", int: "integer", float: "number"}


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12. Unknown keys are allowed, since newer versions add some."""
    kinds: dict[str, Any] = {}
    whole = _class(Proof, kinds)
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


def _class(cls: type, kinds: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    properties = {}
    for field in dataclasses.fields(cls):
        known = WORDS.get((cls.__name__, field.name))
        properties[field.name] = {"enum": known} if known else _type(hints[field.name], kinds)
    return {
        "type": "object",
        "description": (cls.__doc__ or "").partition("\n")[0],
        "required": list(properties),
        "properties": properties,
    }


def _type(hint: Any, kinds: dict[str, Any]) -> dict[str, Any]:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if arg is type(None) else _type(arg, kinds) for arg in args]}
    if origin is tuple and args[-1] is Ellipsis:
        return {"type": "array", "items": _type(args[0], kinds)}
    if origin is tuple:
        return {
            "type": "array",
            "prefixItems": [_type(arg, kinds) for arg in args],
            "minItems": len(args),
            "maxItems": len(args),
        }
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _type(args[1], kinds)}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in kinds:
            kinds[hint.__name__] = {}  # its own fields may refer to it
            kinds[hint.__name__] = _class(hint, kinds)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return {"type": SIMPLE[hint]}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
