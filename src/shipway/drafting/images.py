"""The stages of a Dockerfile, as far as they tell what an image is."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path

from shipway.drafting.files import inside, lenient

SKIPPED = {"node_modules", "vendor", "venv", "dist", "build"}  # folders with files of others, or generated ones


@dataclass
class Stage:
    """One stage. base: the image that it finally comes from."""

    name: str
    base: str
    lines: list[str] = field(default_factory=list)
    command: str = ""  # of CMD, as it stands in the file
    parent: Stage | None = None
    entrypoint: bool = False  # whether it has an ENTRYPOINT

    @property
    def starts(self) -> str:
        """The command that the image has, also from the stage below it."""
        return self.command or (self.parent.starts if self.parent else "")


_WEB = re.compile(r"(^|/)(nginx|nginx-unprivileged|httpd|caddy)(:|@|$)")


def listens(stage: Stage | None) -> int | None:
    """The port that an image listens on: of EXPOSE, also in a stage below it, or that of a web server."""
    here = stage
    while here is not None:
        found = [match[1] for line in here.lines if (match := re.match(r"EXPOSE\s+(\d{1,5})\b", line, re.IGNORECASE))]
        if found and 0 < int(found[-1]) < 65536:
            return int(found[-1])
        here = here.parent
    server = _WEB.search(stage.base) if stage else None
    return None if server is None else 8080 if server[2] == "nginx-unprivileged" else 80


def stages(root: Path, file: str) -> list[Stage]:
    """The stages of a Dockerfile; none without the file."""
    path = inside(root, file)
    text = lenient(path) if path is not None and path.is_file() else ""
    joined = re.sub(r"\\\s*\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    found: list[Stage] = []
    for line in (line.strip() for line in joined.splitlines()):
        start = re.match(r"FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", line, re.IGNORECASE)
        if start:
            parent = next((stage for stage in found if stage.name == start[1].lower()), None)
            found.append(Stage((start[2] or "").lower(), parent.base if parent else start[1], parent=parent))
        elif found and line:
            found[-1].lines.append(line)
            found[-1].entrypoint |= line.upper().startswith("ENTRYPOINT")
            command = re.match(r"(?:CMD|ENTRYPOINT)\s+(.*)", line, re.IGNORECASE)
            found[-1].command = command[1] if command else found[-1].command
    return found


def stage(found: list[Stage], target: str | None) -> Stage | None:
    """The stage that is built: the target, else the last one."""
    named = next((item for item in found if target and item.name == target.lower()), None)
    return named or (found[-1] if found and not target else None)


def copies_exist(root: Path, folder: str, file: str) -> bool:
    """Whether the build's folder has what the Dockerfile copies: a file that a release builds before isn't there."""
    for item in stages(root, posixpath.join(folder, file)):
        for line in item.lines:
            match = re.match(r"(?:COPY|ADD)\s+((?:--(?!from)\S+\s+)*)(?!--)([^\[$*?<]+)$", line, re.IGNORECASE)
            for source in match[2].split()[:-1] if match else ():
                path = inside(root, posixpath.join(folder, source.lstrip("/")))
                if "://" not in source and not (path and path.exists()):
                    return False
    return True


def folders(root: Path) -> list[str]:
    """The folders directly below the root with a Dockerfile."""
    below = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [name for name in below if name not in SKIPPED and (root / name / "Dockerfile").is_file()]
