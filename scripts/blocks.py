"""The command blocks of the documents, and a shell that runs them one after the other.

A block of language `console` or `sh` has commands. A block with `title="PATH"` is a file that the reader saves. A block `text` below
a block of commands is an excerpt of its output. A block that a test can't run has the line `<!-- not run: REASON -->` before it.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COMMANDS = ("console", "sh", "bash")
_FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"<!-- not run: (.+) -->\n\Z")


@dataclass(frozen=True)
class Block:
    """A fenced block. where: page and line. file: the path to which a reader saves it. not_run: why no test runs it."""

    where: str
    language: str
    text: str
    file: str | None
    not_run: str | None

    @property
    def runs(self) -> bool:
        """Whether it has commands that a test has to run."""
        return self.language in COMMANDS and self.not_run is None


def blocks(page: Path) -> Iterator[Block]:
    """All fenced blocks of a page, from its top."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        reason = _NOT_RUN.search(text[: found.start()])
        line = text.count("\n", 0, found.start()) + 1
        yield Block(f"{page.name}:{line}", found[1], found[3], found[2], reason[1] if reason else None)


class Shell:
    """Runs blocks as a reader does: in one folder, which `cd` changes for all later ones."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder, self._env = folder, dict(env)

    def save(self, path: str, text: str) -> None:
        """A file below the current folder."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def run(self, commands: str) -> str:
        """The output, stdout and stderr together. RuntimeError with it if a command fails."""
        with tempfile.NamedTemporaryFile() as where:
            done = subprocess.run(
                ["bash", "-eu", "-o", "pipefail", "-c", f"{commands}\npwd > {where.name}"],
                cwd=self.folder, env=self._env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(f"exit code {done.returncode} of\n{commands}\n{done.stdout}")
            self.folder = Path(where.read().decode().strip())
        return done.stdout


def missing_lines(excerpt: str, output: str) -> list[str]:
    """Lines of an excerpt that the output doesn't have, in any order. `…` stands for any text, a number for any number."""
    found = [" ".join(line.split()) for line in output.splitlines()]
    return [line for line in excerpt.splitlines() if line.strip(" …") and not any(map(_pattern(line).fullmatch, found))]


def _pattern(line: str) -> re.Pattern[str]:
    parts = [re.sub(r"\d+", r"\\d+", re.escape(part)) for part in " ".join(line.split()).split("…")]
    return re.compile(".*".join(parts))
