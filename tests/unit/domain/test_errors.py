"""Errors keep their class and what they know on their way up."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import shipway
from shipway.domain.errors import ShipwayError
from shipway.drivers.runtime.engine import EngineRefused


def classes() -> list[type[ShipwayError]]:
    """All of them, wherever they are."""
    for module in pkgutil.walk_packages(shipway.__path__, "shipway."):
        if ".testing" not in module.name and "__main__" not in module.name and ".inside" not in module.name:
            importlib.import_module(module.name)
    found, open_ = set[type[ShipwayError]](), [ShipwayError]
    while open_:
        kind = open_.pop()
        found.add(kind)
        open_ += kind.__subclasses__()
    return sorted(found, key=lambda kind: kind.__qualname__)


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__qualname__)
def test_every_error_can_be_told_where_it_was(kind: type[ShipwayError]) -> None:
    needed = [
        item
        for item in inspect.signature(kind).parameters.values()
        if item.default is inspect.Parameter.empty and item.kind is not item.VAR_KEYWORD
    ]
    values = {"message": "it failed", "status": 409, "problems": [], "on_line": None}
    error = kind(*(values.get(item.name, "") for item in needed if item.kind is not item.VAR_POSITIONAL))
    message, hint = error.message, error.hint
    again = error.within("step images", hint="look there")
    assert again is error
    assert (str(error), error.hint) == (f"step images: {message}", hint or "look there")


def test_nothing_makes_an_error_a_second_time() -> None:
    """`type(error)(…)` fails for a class that needs more than a message."""
    error = EngineRefused("no", 409).within("web")
    assert (type(error), error.status, error.message) == (EngineRefused, 409, "web: no")
    sources = Path(shipway.__path__[0]).rglob("*.py")
    assert [
        path.name for path in sources if "type(error)(" in path.read_text() or "error.__class__(" in path.read_text()
    ] == []
