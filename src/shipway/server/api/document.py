"""The OpenAPI document, from the table."""

from __future__ import annotations

from functools import cache
from typing import Any

from shipway import shapes
from shipway.server.api.operation import ERROR, PREFIX, Field, Operation
from shipway.server.api.table import OPERATIONS
from shipway.shapes import Kinds

REASONS = {
    "400": "What was given is not valid",
    "401": "There is no token, or it doesn't count",
    "403": "The person or their token may not do this",
    "404": "There is no such thing, or it may not be seen",
    "408": "The body did not come in time",
    "409": "It was refused: `name` says why in a word, `message` as the command line does",
    "413": "The body is too large",
    "415": "The body is not JSON",
    "429": "Too many commands of this person have not answered yet",
    "500": "An error of Shipway itself",
    "503": "The ledger or an engine does not answer; it can be tried again",
    "504": "The command did not answer in time; it was ended",
}
CHANGING = ("408", "409", "413", "415", "429", "504")


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    kinds: Kinds = {"Error": ERROR}
    kinds["Event"] = shapes.event(kinds)
    paths: dict[str, Any] = {}
    for item in OPERATIONS:
        paths.setdefault(PREFIX + item.path, {})[item.method.lower()] = _operation(item, kinds)
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "Shipway", "version": "1",
            "description": "Times are seconds since the epoch (UTC). New keys may be added to answers at any time.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An API token: `shipway token create`"}
            },
            "schemas": kinds,
        },
    }  # fmt: skip
    found: dict[str, Any] = _moved(whole)
    return found


def _operation(item: Operation, kinds: Kinds) -> dict[str, Any]:
    schema = item.answer(kinds)
    needs = f"Needs the permission `{item.permission}`."
    given = [_parameter(each, "path") for each in item.places] + [_parameter(each, "query") for each in item.query]
    if item.media != "application/json":
        given.append(
            {
                "name": "Last-Event-ID",
                "in": "header",
                "required": False,
                "schema": {"type": "string"},
                "description": "As `after`",
            }
        )
    made: dict[str, Any] = {
        "operationId": item.name, "summary": item.meaning, "description": " ".join(filter(None, (item.more, needs))),
        "parameters": given, "responses": {str(item.status): _content("What was asked for", item.media, schema)},
    }  # fmt: skip
    if any(each.name == "dry_run" for each in item.body or ()):
        made["responses"]["200"] = _content("What would change", item.media, shapes.changeset(kinds))
    for status in ("400", "401", "403", "404", *(CHANGING if item.changes else ()), "500", "503"):
        made["responses"][status] = _content(REASONS[status], "application/json", {"$ref": "#/$defs/Error"})
    if item.body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": _body(item.body)}}}
    return made


def _parameter(item: Field, where: str) -> dict[str, Any]:
    needed = item.required or where == "path"
    return {"name": item.name, "in": where, "required": needed, "description": item.meaning, "schema": item.schema()}


def _body(fields: tuple[Field, ...]) -> dict[str, Any]:
    properties = {item.name: {**item.schema(), "description": item.meaning} for item in fields}
    needed = [item.name for item in fields if item.required]
    return {"type": "object", "required": needed, "properties": properties, "additionalProperties": False}


def _content(meaning: str, media: str, schema: Any) -> dict[str, Any]:
    return {"description": meaning, "content": {media: {"schema": schema}}}


def _moved(found: Any) -> Any:
    """With references to where OpenAPI keeps schemas."""
    if isinstance(found, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(value)
            for key, value in found.items()
        }
    return [_moved(item) for item in found] if isinstance(found, list | tuple) else found
