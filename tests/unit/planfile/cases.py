"""The tables of plans and their problems: `=== title`, the plan, `--->`, and the problems as `shipway check` prints them.

A first line `files: a, b` names the only files of the repository; without it every file exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shipway.planfile.read import read

FOLDER = Path(__file__).with_name("cases")


@dataclass(frozen=True)
class Case:
    theme: str
    title: str
    text: str
    expected: str
    files: tuple[str, ...] | None

    def problems(self) -> str:
        found = read(self.text, "shipway.yaml", self.exists).problems
        return "".join(problem.render() + "\n" for problem in found)

    def exists(self, path: str) -> bool:
        return self.files is None or any(file == path or file.startswith(f"{path}/") for file in self.files)


def all_cases() -> Iterator[Case]:
    for file in sorted(FOLDER.glob("*.txt")):
        for block in file.read_text().split("=== ")[1:]:
            title, _, rest = block.partition("\n")
            text, _, expected = rest.partition("\n--->\n")
            files = None
            if text.startswith("files: "):
                line, _, text = text.partition("\n")
                files = tuple(line.removeprefix("files: ").split(", "))
            yield Case(file.stem, title, text + "\n" if text else "", expected, files)
