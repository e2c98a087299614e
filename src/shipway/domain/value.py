"""`dataclass` of the standard library, for classes that a command defines by the hundred when it starts.

The standard decorator writes and compiles six methods for each frozen class, which takes a quarter of a command's start.
Here only `__init__` is compiled; the others are shared. What else a class can do, and its types, are the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, *, frozen: bool = False) -> Any:
        """See `dataclasses.dataclass`. A class that isn't frozen is made by that."""
        if not frozen:
            return dataclasses.dataclass(cls)
        return _frozen if cls is None else _frozen(cls)


_OWN, _NEW = "_own_", "_new_"  # names in a generated `__init__` that no field has


def _frozen(cls: type) -> type:
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # else the decorator asks for the signature, which takes longer than all else
    dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    found = dataclasses.fields(cls)
    compared = [item.name for item in found if item.compare]
    methods = {
        "__init__": _init(cls, found),
        "__repr__": _repr([item.name for item in found if item.repr]),
        "__eq__": _eq(compared),
        "__hash__": _hash([item.name for item in found if (item.compare if item.hash is None else item.hash)]),
        "__setattr__": _refuse_change,
        "__delattr__": _refuse_removal,
    }
    own = vars(cls)
    # A class that defines `__eq__` alone gets `__hash__ = None` from Python: that isn't its own.
    kept = {name for name in methods if name in own and own[name] is not None}
    for name, method in methods.items():
        if name not in kept:
            setattr(cls, name, method)
    return cls


def _init(cls: type, fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    """The only method that is specific to a class. Its fields are set at once, past `__setattr__`."""
    known: dict[str, Any] = {_NEW: object()}
    parameters, values = ["self"], list[str]()
    for item in fields:
        name, value = item.name, item.name
        if item.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = item.default
            given = f"{name}=_default_{name}"
            value = name if item.init else f"_default_{name}"
        elif item.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = item.default_factory
            given = f"{name}={_NEW}"
            value = f"_make_{name}() if {name} is {_NEW} else {name}" if item.init else f"_make_{name}()"
        else:
            given = name
        if item.init:
            parameters.append(given)
        values.append(f" {_OWN}[{name!r}] = {value}")
    after = [" self.__post_init__()"] if hasattr(cls, "__post_init__") else []
    body = [f" {_OWN} = self.__dict__", *values, *after]
    exec(f"def __init__({', '.join(parameters)}):\n" + "\n".join(body), known)  # of names of fields
    method: Callable[..., None] = known["__init__"]
    method.__qualname__ = f"{cls.__qualname__}.__init__"
    return method


def _key(names: list[str]) -> Callable[[object], Any]:
    return attrgetter(*names) if names else lambda item: ()


def _eq(names: list[str]) -> Callable[[object, object], Any]:
    key = _key(names)

    def equals(self: object, other: object) -> Any:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    return equals


def _hash(names: list[str]) -> Callable[[object], int]:
    key = _key(names)
    return lambda self: hash(key(self))


def _repr(names: list[str]) -> Callable[[object], str]:
    def shown(self: object) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return shown


def _refuse_change(self: object, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_removal(self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
