"""Small repositories with the shape of public ones, and the facts that a right plan for each has.

A shape is its files and its facts, one a line:

    services.api.port = 8000              the value at this place of the plan, in YAML
    services.api.secrets has SECRET_KEY   an item of a list
    services.proxy absent                 nothing at this place
    says uploads                          a comment of the file has these words
    keeps /app/uploads                    a service has a volume there
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shipway.drafting.files import plain
from shipway.planfile.document import compose

RIGHT, WRONG, MISSING = "right", "wrong", "missing"
_ABSENT = object()
PYTHON = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n"  # a Dockerfile's beginning


@dataclass(frozen=True)
class Shape:
    """Files by path, and the facts."""

    files: Mapping[str, str]
    facts: str

    def write(self, root: Path) -> None:
        """Write the files."""
        for name, text in self.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)

    def judge(self, text: str) -> dict[str, str]:
        """Each fact, and whether the plan has it."""
        plan = plain(compose(text))
        comments = "\n".join(line.partition("#")[2] for line in text.splitlines() if "#" in line)
        facts = [line.strip() for line in self.facts.strip().splitlines() if line.strip()]
        return {fact: _judge(fact, plan, comments) for fact in facts}


def _judge(fact: str, plan: Any, comments: str) -> str:
    if fact.startswith("says "):
        return RIGHT if fact.removeprefix("says ").lower() in comments.lower() else MISSING
    if fact.startswith("keeps "):
        return RIGHT if fact.removeprefix("keeps ") in _kept(plan) else MISSING
    if fact.endswith(" absent"):
        return RIGHT if _at(plan, fact.removesuffix(" absent")) is _ABSENT else WRONG
    if " has " in fact:
        place, _, item = fact.partition(" has ")
        found = _at(plan, place)
        return RIGHT if isinstance(found, list) and plain(compose(item)) in found else MISSING
    place, _, expected = fact.partition(" = ")
    found = _at(plan, place)
    if found is _ABSENT:
        return MISSING
    return RIGHT if _same(place, found, plain(compose(expected))) else WRONG


def _kept(plan: Any) -> set[str]:
    """The folders of services that are volumes."""
    return {path for service in plan["services"].values() for path in service.get("volumes", {}).values()}


def _at(plan: Any, place: str) -> Any:
    for part in place.split("."):
        if not isinstance(plan, dict) or part not in plan:
            return _ABSENT
        plan = plan[part]
    return plan


def _same(place: str, found: Any, expected: Any) -> bool:
    if place.endswith(".build"):
        return _long(found) == _long(expected)
    if place.endswith((".command", ".entrypoint")):
        return shlex.split(str(found)) == shlex.split(str(expected))
    return bool(found == expected)


def _long(build: Any) -> Any:
    return {"folder": build} if isinstance(build, str) else build
