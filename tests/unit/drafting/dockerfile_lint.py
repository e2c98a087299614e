"""Checks of a written Dockerfile and its .dockerignore: what any good one keeps to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

INSTALLS = re.compile(
    r"pip install -r|uv sync|poetry install|pipenv requirements|npm (?:ci|install)(?! --global)|pnpm install|yarn install"
    r"|yarn workspaces focus|bun install|bundle install|composer install|go mod download"
)
SECRET = re.compile(r"\b(?:ENV|ARG)\b.*(?:SECRET|PASSWORD|TOKEN|PRIVATE)", re.IGNORECASE)


@dataclass
class Stage:
    base: str
    name: str
    lines: list[str] = field(default_factory=list)  # after FROM, each instruction in one line

    def all(self, word: str) -> list[str]:
        return [line for line in self.lines if line.startswith(f"{word} ")]


def stages(text: str) -> list[Stage]:
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    found: list[Stage] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        if line.startswith("FROM "):
            words = line.split()
            found.append(Stage(words[1], words[3] if len(words) > 3 else ""))
        else:
            found[-1].lines.append(line)
    return found


def problems(text: str, ignored: str, *, build: bool = True) -> list[str]:
    """All that is wrong. build: whether the application must have a stage that is not in the image."""
    return [*_stages(stages(text), build), *_last(stages(text)[-1]), *_secrets(text, ignored)]


def _stages(found: list[Stage], build: bool) -> Iterator[str]:
    names = {stage.name for stage in found}
    if build and len(found) < 2:
        yield "a single stage"
    for number, stage in enumerate(found):
        before = {item.name for item in found[:number]}
        if stage.base not in before and not re.search(r":[\w.-]+$", stage.base):
            yield f"the image {stage.base} has no tag"
        if stage.base.endswith(":latest"):
            yield "an image is `latest`"
        for source in re.findall(r"--from=(\S+)", "\n".join(stage.lines)):
            if source not in before and source in names | {""}:
                yield f"{source} is a later stage"
            if source not in before and ":" not in source:
                yield f"there is no stage {source}"
        inherited = _inherited(found, stage)
        copied = next((place for place, line in enumerate(inherited) if line == "COPY . ."), len(inherited))
        # `uv sync` installs the project itself, after its packages.
        late = [line for line in inherited[copied:] if INSTALLS.search(line) and "uv sync" not in line]
        if late and not any(INSTALLS.search(line) for line in inherited[:copied]):
            yield f"sources are copied before the packages are installed: {late[0]}"
        for line in stage.all("RUN"):
            if "apt-get install" in line and "rm -rf /var/lib/apt/lists" not in line:
                yield "lists of packages stay in a layer"
        if any("curl" in line for line in stage.lines):
            yield "curl"


def _inherited(found: list[Stage], stage: Stage) -> list[str]:
    base = next((item for item in found if item.name == stage.base), None)
    return [*(_inherited(found, base) if base else []), *stage.lines]


def _last(stage: Stage) -> Iterator[str]:
    users = stage.all("USER")
    if not users or users[-1].split()[1].split(":")[0] in ("root", "0"):
        yield "it runs as root"
    elif any(line.startswith(("RUN ", "COPY ")) for line in stage.lines[stage.lines.index(users[-1]) :]):
        yield "files are made after USER"
    if len(stage.all("EXPOSE")) != 1:
        yield "not one EXPOSE"
    checks = stage.all("HEALTHCHECK")
    if len(checks) != 1 or not _is_words(checks[0].partition(" CMD ")[2]):
        yield "no HEALTHCHECK without a shell"
    starts = stage.all("CMD")
    if starts and not _is_words(starts[0].partition(" ")[2]):
        yield "CMD is run by a shell, which keeps the signals to itself"


def _is_words(text: str) -> bool:
    try:
        return bool(json.loads(text)) and isinstance(json.loads(text), list)
    except ValueError:
        return False


def _secrets(text: str, ignored: str) -> Iterator[str]:
    if SECRET.search(text):
        yield "a secret is set for all layers"
    if re.search(r"^COPY\b.*\s(?:\S*/)?\.env\b", text, re.MULTILINE):
        yield ".env is copied"
    lines = ignored.splitlines()
    for name in ("**/.env", "**/.env.*", "**/*.key", ".git"):
        if name not in lines:
            yield f"{name} is not in .dockerignore"
