"""Write a Dockerfile and its ignore file for each application of a repository that has none."""

from __future__ import annotations

from pathlib import Path

from shipway.actions.projects.init import InitResult
from shipway.domain.errors import UsageError
from shipway.domain.value import dataclass
from shipway.drafting.dockerfiles import ignore
from shipway.drafting.dockerfiles.table import NAMES, Proposal, existing, proposals
from shipway.drafting.files import lenient
from shipway.system.umask import as_user

BY_HAND = "write one by hand, then run `shipway init`"


@dataclass(frozen=True)
class WrittenDockerfile:
    """One that was written. name: relative to the repository. todos: numbers of its lines with open questions."""

    name: str
    framework: str
    facts: tuple[str, ...]
    todos: tuple[int, ...]


@dataclass(frozen=True)
class DockerfilesResult:
    """All that were written, and what the person should know. files: relative to the repository."""

    written: tuple[WrittenDockerfile, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...]


def write_dockerfiles(root: Path) -> DockerfilesResult:
    """Existing files are kept. Raises UsageError, with nothing written, if none can be."""
    found = proposals(root)
    writable = [item for item in found if item.recipe]
    unclear = tuple(f"{_shown(item, 'Dockerfile')} was not written: {item.reason}" for item in found if not item.recipe)
    none = not writable and not any(existing(root))
    if none and unclear:
        raise UsageError("; ".join(unclear), hint=f"add what is missing and repeat the command, or {BY_HAND}")
    if none:
        raise UsageError(f"no Dockerfile was written: found no application of a known kind ({NAMES})", hint=BY_HAND)
    notes = [note for item in writable if (note := _kept(root, item))]
    files = {root / item.folder / "Dockerfile": item.recipe.text for item in writable if item.recipe}
    files |= {_ignore(root, item): item.ignored for item in writable if not _ignore(root, item).exists()}
    _write(files)
    names = tuple(path.relative_to(root).as_posix() for path in files)
    return DockerfilesResult(tuple(map(_written, writable)), names, (*notes, *unclear))


def is_untouched(before: InitResult) -> bool:
    """Whether the plan file is missing, or is what `init` writes without the Dockerfiles."""
    try:
        return before.path.read_text(encoding="utf-8") == before.text
    except FileNotFoundError:
        return True
    except (OSError, UnicodeDecodeError):
        return False


def _kept(root: Path, item: Proposal) -> str:
    path = _ignore(root, item)
    if not path.exists():
        return ""
    lacking = ignore.lacks_secrets(lenient(path))
    advice = ": add .env to it, or the file gets into the image" if lacking else ""
    return f"{_shown(item, ignore.NAME)} exists and was kept{advice}"


def _written(item: Proposal) -> WrittenDockerfile:
    assert item.recipe
    lines = enumerate(item.recipe.text.splitlines(), 1)
    todos = tuple(number for number, line in lines if line.startswith("# TODO: "))
    return WrittenDockerfile(_shown(item, "Dockerfile"), item.recipe.framework, item.recipe.facts, todos)


def _write(files: dict[Path, str]) -> None:
    """All or none, and never over an existing file."""
    done: list[Path] = []
    try:
        for path, text in files.items():
            with as_user(), path.open("x", encoding="utf-8") as file:
                done.append(path)
                file.write(text)
    except OSError as error:
        for path in done:
            path.unlink(missing_ok=True)
        raise UsageError(f"{error.filename or path} can't be written: {error.strerror}") from error


def _ignore(root: Path, item: Proposal) -> Path:
    return root / item.folder / ignore.NAME


def _shown(item: Proposal, name: str) -> str:
    return name if item.folder == "." else f"{item.folder}/{name}"
