"""The frameworks, and where a repository lacks a Dockerfile."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from shipway.domain.value import dataclass
from shipway.drafting.dockerfiles import django, fastapi, flask, golang, ignore, laravel, nextjs, rails, server, static
from shipway.drafting.dockerfiles.recipe import Recipe, Unclear
from shipway.drafting.dockerfiles.sources import SKIPPED, Sources
from shipway.drafting.files import lenient

# In this order: a Django or Rails project may have a package.json for its assets, and a Nest server one for Vite.
FRAMEWORKS = (
    django.find, fastapi.find, flask.find, rails.find, laravel.find, golang.find, nextjs.find, server.find, static.find,
)  # fmt: skip
NAMES = "Django, FastAPI, Flask, Rails, Laravel, Go, Next.js, Express, Nest and other Node servers, Vite and other static sites"
_DOCKERFILE = re.compile(r"(?:.+\.)?(?:docker|container)file(?:[.-].+)?", re.IGNORECASE)
_OTHERS = {"node_modules", "vendor", "venv", "dist", "build", ".git", ".devcontainer"}
DEPTH = 3  # folders below the root in which a Dockerfile is searched


@dataclass(frozen=True)
class Proposal:
    """What to write into one folder; `reason` instead of a recipe if the application is known, but something is unclear."""

    folder: str
    recipe: Recipe | None
    ignored: str = ""
    reason: str = ""


def proposals(root: Path) -> list[Proposal]:
    """For each application without a Dockerfile, in the root and in the folders below it."""
    below = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.is_symlink())
    folders = [".", *(name for name in below if name not in SKIPPED and not name.startswith("."))]
    present = list(existing(root))
    return [
        found
        for folder in folders
        if not _has_one(root, folder, present) and (found := _proposal(Sources(root, folder)))
    ]


def _proposal(sources: Sources) -> Proposal | None:
    for find in FRAMEWORKS:
        try:
            recipe = find(sources)
        except Unclear as error:
            return Proposal(sources.folder, None, reason=str(error))
        if recipe:
            return Proposal(sources.folder, recipe, ignore.text(sources, recipe))
    return None


def existing(root: Path) -> Iterator[str]:
    """Paths of the repository's Dockerfiles, under any usual name."""
    for at, folders, files in os.walk(root):
        path = Path(at).relative_to(root)
        deep = len(path.parts) >= DEPTH
        folders[:] = [] if deep else sorted(name for name in folders if name not in _OTHERS)
        yield from (
            (path / name).as_posix()
            for name in sorted(files)
            if _DOCKERFILE.fullmatch(name) and not name.endswith("ignore")
        )


def _has_one(root: Path, folder: str, present: list[str]) -> bool:
    """In the folder, in one below it that is no application itself (`docker/`), or one further up that copies the folder."""
    for path in present:
        first = path.partition("/")[0] if "/" in path else "."
        if first == folder:
            return True
        if folder == "." and not _is_application(root, first):
            return True
        if first == "." or not _is_application(root, first):
            text = lenient(root / path)
            if re.search(rf"^\s*(?:COPY|ADD|WORKDIR)\b.*(?<![\w-]){re.escape(folder)}(?![\w-])", text, re.MULTILINE):
                return True
    return False


def _is_application(root: Path, folder: str) -> bool:
    manifests = (
        "package.json",
        "requirements.txt",
        "pyproject.toml",
        "manage.py",
        "Gemfile",
        "composer.json",
        "go.mod",
        "Pipfile",
        "index.html",
    )
    return any((root / folder / name).is_file() for name in manifests)
