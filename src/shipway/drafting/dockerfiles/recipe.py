"""The parts of a Dockerfile that is written, and their text."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Sequence

from shipway.domain.shell_syntax import shell_syntax
from shipway.domain.value import dataclass

MARK = "`shipway init --dockerfile`"
_PORT = re.compile(r"\$\{PORT(?::?-\d+)?\}|\$PORT\b")


class Unclear(Exception):
    """The application is of a known kind, but something needed is not in its files; the message says what to do."""


@dataclass(frozen=True)
class Recipe:
    """One Dockerfile. facts: what was found and where. stages: their texts. ignored: lines of the .dockerignore."""

    framework: str
    facts: tuple[str, ...]
    stages: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def text(self) -> str:
        head = [f"# {self.framework}, written by {MARK}; yours to change. From the files of this folder:"]
        head += [f"# - {' '.join(fact.split())}" for fact in self.facts]
        return "\n\n".join(["\n".join(head), *self.stages]) + "\n"


def stage(*lines: str | Iterable[str]) -> str:
    """The text of a stage; empty lines are left out."""
    flat = [line for part in lines for line in ([part] if isinstance(part, str) else part)]
    return "\n".join(line for line in flat if line)


def todo(text: str) -> str:
    """A comment about what the files don't tell."""
    return f"# TODO: {text}"


def cached(folder: str, command: str) -> str:
    """RUN with a folder that is kept between builds, and is not part of the image."""
    return f"RUN --mount=type=cache,target={folder} {command}"


def packages(names: Iterable[str]) -> str:
    """Install packages of Debian; empty for none."""
    listed = " ".join(sorted(set(names)))
    if not listed:
        return ""
    return f"RUN apt-get update && apt-get install --yes --no-install-recommends {listed} \\\n && rm -rf /var/lib/apt/lists/*"


def command(words: Sequence[str]) -> str:
    """CMD without a shell, so that the program gets the signals."""
    return f"CMD {json.dumps(list(words), ensure_ascii=False)}"


def process(text: str, port: int) -> list[str]:
    """The words of a Procfile's command; by a shell if it needs one."""
    plain = _PORT.sub(str(port), text)
    try:
        words = shlex.split(plain)
    except ValueError:
        words = []
    if words and re.match(r"\w+=", words[0]):
        text = f"env {text}"
    elif words and not shell_syntax(plain):
        return words
    return ["sh", "-c", text if "&&" in text or ";" in text else f"exec {text}"]
