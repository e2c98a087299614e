"""Repositories in text form with the facts of a right plan, and how many of them a draft has.

A file of `tests/repositories` has a description, a line `Folder: NAME`, and sections that begin with `-- NAME --`: first the
facts, then the repository's files. A fact is one line:

    PATH = VALUE          a value of the plan; [a, b] compares names of a mapping or items of a list, in any order
    PATH ~ PATTERN        a value that matches; the keys of a mapping, joined with blanks
    no PATH               nothing there
    step RUN in IMAGE     a step with that command (a pattern) in an image whose name begins so (~: contains)
    no step RUN           no such step
    todo PATTERN          the draft asks
    keeps PATTERN         a service has a volume there
    says PATTERN, never says PATTERN    in the plan's text or in the notes
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shipway.actions.projects.init import InitResult, draft_plan

FOLDER = Path(__file__).with_name("repositories")
_SECTION = re.compile(r"^-- (.+) --\n", re.MULTILINE)


@dataclass(frozen=True)
class Sample:
    """A repository: its folder's name, its facts, and its files by path."""

    name: str
    folder: str
    facts: tuple[str, ...]
    files: Mapping[str, str]

    def unpack(self, parent: Path) -> Path:
        """Write the files into a git repository below `parent`; returns its root."""
        root = parent / self.folder
        for path, text in self.files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
        return root


@dataclass
class Score:
    """Facts by how a draft has them."""

    right: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def samples() -> Iterator[Sample]:
    """All repositories, by name."""
    for path in sorted(FOLDER.glob("*.txt")):
        head, _, facts, *parts = _SECTION.split(path.read_text())
        found = re.search(r"^Folder: (\S+)$", head, re.MULTILINE)
        assert found, path
        files = dict(zip(parts[::2], parts[1::2], strict=True))
        yield Sample(path.stem, found[1], tuple(line for line in facts.splitlines() if line), files)


def score(result: InitResult, facts: tuple[str, ...]) -> Score:
    """Sort the facts by how the draft has them."""
    from ruamel.yaml import YAML

    plan = _normal(YAML(typ="safe").load(result.text))
    reasons = [f"{what}: {why}" for what, why in result.found]
    said = "\n".join([result.text, *result.notes, *reasons])
    total = Score()
    for fact in facts:
        getattr(total, _judged(fact, plan, said)).append(fact)
    return total


def _judged(fact: str, plan: dict[str, Any], said: str) -> str:
    words = fact.split(" ")
    if fact.startswith("step "):
        run, _, image = fact.removeprefix("step ").rpartition(" in ")
        return _step(run, image, plan)
    if fact.startswith("no step "):
        pattern = fact.removeprefix("no step ")
        return "wrong" if any(re.search(pattern, run) for run, _ in _runs(plan)) else "right"
    if words[0] == "todo":
        asked = [line for line in said.splitlines() if "# TODO: " in line]
        return "right" if any(re.search(fact[5:], line) for line in asked) else "missing"
    if words[0] == "keeps":
        kept = [path for service in plan["services"].values() for path in (service.get("volumes") or {}).values()]
        return "right" if any(re.search(fact[6:], path) for path in kept) else "missing"
    if words[0] == "says":
        return "right" if re.search(fact[5:], said) else "missing"
    if words[:2] == ["never", "says"]:
        return "wrong" if re.search(fact[11:], said) else "right"
    if words[0] == "no":
        return "right" if _at(plan, words[1]) is None else "wrong"
    path, sign, expected = fact.split(" ", 2)
    found = _at(plan, path)
    if found is None:
        return "right" if sign == "~" and re.search(expected, "") else "missing"
    if sign == "~":
        text = " ".join(found) if isinstance(found, dict) else str(found)
        return "right" if re.search(expected, text) else "wrong"
    if expected.startswith("["):
        items = sorted(
            str(item.get("host") or item.get("name")) if isinstance(item, dict) else str(item) for item in found
        )
        return "right" if items == sorted(expected[1:-1].split(", ")) else "wrong"
    return "right" if str(found) == expected else "wrong"


def _step(run: str, image: str, plan: dict[str, Any]) -> str:
    found = [name for text, name in _runs(plan) if re.search(run, text)]
    if not found:
        return "missing"
    contained = image.startswith("~")
    fits = [name for name in found if (image[1:] in name if contained else name.startswith(image))]
    return "right" if fits else "wrong"


def _runs(plan: dict[str, Any]) -> list[tuple[str, str]]:
    steps = (plan.get("pipeline") or {}).values()
    return [(str(step["run"]), str(step.get("image"))) for step in steps if "run" in step]


def _at(plan: Any, path: str) -> Any:
    for key in path.split("."):
        plan = plan.get(key) if isinstance(plan, dict) else None
    return plan


def _normal(plan: dict[str, Any]) -> dict[str, Any]:
    """The long forms of `build` and `health`."""
    for service in plan["services"].values():
        if isinstance(service.get("build"), str):
            service["build"] = {"folder": service["build"]}
        if isinstance(service.get("health"), str):
            service["health"] = {"path": service["health"]}
    return plan


def main() -> None:
    """Print the score of each repository; with `-v`, what is wrong or missing."""
    totals = Score()
    for sample in samples():
        with tempfile.TemporaryDirectory() as parent:
            result = draft_plan(sample.unpack(Path(parent)))
        found = score(result, sample.facts)
        counts = f"{len(found.right)} right, {len(found.wrong)} wrong, {len(found.missing)} missing"
        print(f"{sample.name}: {counts}" + ("" if result.check.valid else "; the draft is not valid"))
        if "-v" in sys.argv:
            print("".join(f"  wrong: {fact}\n" for fact in found.wrong), end="")
            print("".join(f"  missing: {fact}\n" for fact in found.missing), end="")
        if sample.name in sys.argv:
            print(result.text, *result.notes, *(problem.render() for problem in result.check.problems), sep="\n")
            print(*(f"{what}: {why}" for what, why in result.found), sep="\n")
        for key in ("right", "wrong", "missing"):
            getattr(totals, key).extend(getattr(found, key))
    print(f"total: {len(totals.right)} right, {len(totals.wrong)} wrong, {len(totals.missing)} missing")


if __name__ == "__main__":
    main()
