"""Convert frozen dataclasses to JSON values and back, for plans and releases in the ledger."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_SIMPLE = frozenset({str, int, float, bool, type(None)})


def to_data(value: object) -> Any:
    """Convert to a value for `json.dumps`. Includes defaults, since a later default must not change an old record."""
    kind: type = type(value)
    if kind in _SIMPLE:  # most of all
        return value
    if (names := _fields(kind)) is not None:
        return {name: to_data(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {key: to_data(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_data(item) for item in value]
    return value


def from_data(cls: type[T], data: Any) -> T:
    """Reverse `to_data`. Ignores unknown keys, which a newer version may have written."""
    result: T = _build(cls, data)
    return result


@cache
def _fields(kind: type) -> tuple[str, ...] | None:
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _build(hint: Any, data: Any) -> Any:
    if data is None:
        return None
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _build(next(arg for arg in get_args(hint) if arg is not type(None)), data)
    if origin is tuple:
        args = get_args(hint)
        return tuple(_build(args[0 if args[-1] is Ellipsis else index], item) for index, item in enumerate(data))
    if origin is not None and issubclass(origin, Mapping):
        return {key: _build(get_args(hint)[1], item) for key, item in data.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        data = getattr(hint, "from_record", dict)(data)
        names = _fields(hint) or ()
        return hint(**{key: _build(hints[key], item) for key, item in data.items() if key in names})
    return hint(data) if hint is float else data
