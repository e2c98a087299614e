"""JSON Schemas of records, as `record.to_data` writes them, generated from their types. Pure."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
from collections.abc import Collection, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

SIMPLE = {bool: "boolean", str: "string", int: "integer", float: "number"}
Words = Mapping[tuple[str, str], list[str]]  # permitted texts, by class and field


def class_schema(
    cls: type,
    kinds: dict[str, Any],
    words: Words = {},  # noqa: B006 (never changed)
    *,
    late: Mapping[str, type] = {},
    only: Collection[str] | None = None,
) -> dict[str, Any]:
    """The schema of a dataclass; those of others that it refers to are added to `kinds`, by name. A field's description is
    the comment in its line. late: classes that its module imports only for types. only: these fields."""
    hints, comments = get_type_hints(cls, localns=dict(late)), _comments(cls)
    properties: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if only is not None and field.name not in only:
            continue
        known = words.get((cls.__name__, field.name))
        properties[field.name] = {"enum": known} if known else type_schema(hints[field.name], kinds, words)
        if field.name in comments:
            properties[field.name] = {**properties[field.name], "description": comments[field.name]}
    return {
        "type": "object",
        "description": " ".join((cls.__doc__ or "").split("\n\n")[0].split()),
        "required": list(properties),
        "properties": properties,
    }


def type_schema(hint: Any, kinds: dict[str, Any], words: Words = {}) -> dict[str, Any]:  # noqa: B006 (never changed)
    """The schema of a type."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return {}
    if origin in (Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if arg is type(None) else type_schema(arg, kinds, words) for arg in args]}
    if origin is list or (origin is tuple and args[-1] is Ellipsis):
        return {"type": "array", "items": type_schema(args[0], kinds, words)}
    if origin is tuple:
        return {
            "type": "array",
            "prefixItems": [type_schema(arg, kinds, words) for arg in args],
            "minItems": len(args),
            "maxItems": len(args),
        }
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": type_schema(args[1], kinds, words)}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in kinds:
            kinds[hint.__name__] = {}  # its own fields may refer to it
            kinds[hint.__name__] = class_schema(hint, kinds, words)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return {"type": SIMPLE[hint]}


def _comments(cls: type) -> dict[str, str]:
    """The comment behind each field; none where the source is missing."""
    try:
        source = inspect.getsource(cls)
    except (OSError, TypeError):
        return {}
    found = re.finditer(r"^    (\w+): [^#\n]*#[ ]+([^\n]+)$", source, re.MULTILINE)
    return {match[1]: match[2] for match in found}
