"""What `--json` prints of the audit and of figures, see cli/json_outputs.py."""

from __future__ import annotations

from typing import Any

from shipway.domain.record_schema import class_schema, type_schema

Kinds = dict[str, Any]  # schemas of classes, by name


def audit(kinds: Kinds) -> Any:
    """Of `shipway audit`."""
    from shipway.domain.audit import Entry

    return type_schema(list[Entry], kinds)


def audit_verified(kinds: Kinds) -> Any:
    """Of `shipway audit verify`."""
    from shipway.domain.audit import Verified

    return type_schema(Verified, kinds)


def insights(kinds: Kinds) -> Any:
    """Of `shipway insights`."""
    from shipway.domain.insights import Insights

    more = {"per_week": {"type": "number"}, "failure_rate": {"type": ["number", "null"]}}
    found = {**class_schema(Insights, kinds)["properties"], **more}
    return {"type": "object", "required": list(found), "properties": found}


def sbom(kinds: Kinds) -> Any:
    """Of `shipway sbom`."""
    from shipway.actions.provenance.packages import ImagePackages, ServiceChanges

    return {"anyOf": [type_schema(list[item], kinds) for item in (ImagePackages, ServiceChanges)]}  # type: ignore[valid-type]


def signing_keys(kinds: Kinds) -> Any:
    """Of `shipway signing list`."""
    from shipway.domain.provenance import SigningKey

    return type_schema(list[SigningKey], kinds)


def tests(kinds: Kinds) -> Any:
    """Of `shipway tests`."""
    from shipway.domain.single_test import RunTest

    return type_schema(list[RunTest], kinds)
