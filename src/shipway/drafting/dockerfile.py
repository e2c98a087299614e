"""Facts from a Dockerfile about its service."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from shipway.drafting.draft import ServiceDraft, plan_name
from shipway.drafting.files import lenient

TEST_STAGES = ("test", "tests", "testing", "ci", "dev", "development")
SKIPPED = {"node_modules", "vendor", "venv", "dist", "build"}
_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(\d+))?(/[^\s\"'|;&\])]*)?")


@dataclass(frozen=True)
class Facts:
    """Facts from the text; port and health are those of the last stage."""

    port: int | None
    health: str | None  # path that its HEALTHCHECK requests, or …
    health_command: str | None  # … its other command
    stages: tuple[str, ...]
    base: str  # image of the first stage
    text: str

    @property
    def test_stage(self) -> str | None:
        """A stage for running tests."""
        return next((stage for stage in TEST_STAGES if stage in self.stages), None)


def facts(text: str) -> Facts:
    """Never fails: what can't be parsed stays unknown."""
    joined = re.sub(r"\\\s*\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    lines = [line.strip() for line in joined.splitlines()]
    froms = [line.split() for line in lines if re.match(r"FROM\s", line, re.IGNORECASE)]
    stages = tuple(words[-1].lower() for words in froms if len(words) > 2 and words[-2].lower() == "as")
    base = next((word for word in froms[0][1:] if not word.startswith("--")), "") if froms else ""
    exposed = [match[1] for line in lines if (match := re.match(r"EXPOSE\s+(\d{1,5})\b", line, re.IGNORECASE))]
    checks = [line for line in lines if re.match(r"HEALTHCHECK\s", line, re.IGNORECASE)]
    command = _health_command(checks[-1]) if checks else None
    path = health_path(command) if command else None
    return Facts(int(exposed[-1]) if exposed else None, path, None if path else command, stages, base, text)


def _health_command(line: str) -> str | None:
    """The command of a HEALTHCHECK in either form: `CMD curl …` or `CMD ["curl", …]`."""
    command = re.split(r"\bCMD\s+", line, maxsplit=1)[-1].strip() if re.search(r"\bCMD\s", line) else ""
    if command.startswith("["):
        try:
            command = shlex.join(str(word) for word in json.loads(command))
        except (ValueError, RecursionError):
            return None
    return command or None


def health_path(command: str) -> str | None:
    """The path that a health check requests on its own machine: `curl -f http://localhost:8000/health`."""
    match = _URL.search(command)
    return (match[2] or "/").partition("?")[0] if match else None


def read(file: Path) -> Facts | None:
    """Facts of a file; None if it is missing."""
    return facts(lenient(file)) if file.is_file() else None


def folders(root: Path) -> list[str]:
    """The folders of a repository with a Dockerfile."""
    return [folder for folder in parts(root) if (root / folder / "Dockerfile").is_file()]


def parts(root: Path) -> list[str]:
    """The root (`.`) and its folders, without generated ones."""
    below = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [".", *(name for name in below if name not in SKIPPED)]


def service(root: Path, folder: str, app: str) -> ServiceDraft:
    """A service built from a folder."""
    name = plan_name(app if folder == "." else folder, "service")
    draft = ServiceDraft(name, folder=folder, why=[f"{'' if folder == '.' else folder + '/'}Dockerfile"])
    complete(draft, read(root / folder / "Dockerfile"))
    return draft


def complete(draft: ServiceDraft, known: Facts | None) -> None:
    """Add facts that the draft lacks."""
    if known is None:
        return
    if draft.port is None and known.port:
        draft.port = known.port
        draft.why.append(f"port {known.port} from EXPOSE")
    if draft.health or draft.health_command:
        return
    if draft.port and known.health:
        draft.health = known.health
        draft.why.append(f"health {known.health} from HEALTHCHECK")
    elif known.health_command:
        draft.health_command = known.health_command
        draft.why.append("health from HEALTHCHECK")
