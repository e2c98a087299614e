"""What the tools of projects on this machine share: a project is asked on scratch databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from shipway.domain.errors import MigrationFailed, ProofError
from shipway.ports import DatabaseTool, OneOff, Scratch, ScratchDatabase
from shipway.system.process import run
from shipway.system.variables import for_others


def require_file(folder: Path, name: str) -> None:
    """ProofError if the folder is not that of a project."""
    if not (folder / name).is_file():
        raise ProofError(
            f"there is no {name} in {folder}", hint="pass the folder that contains it: --migrations FOLDER"
        )


def revisions(
    scratch: Scratch, require_given: Callable[[ScratchDatabase], None], tool: Callable[[ScratchDatabase], DatabaseTool]
) -> list[str]:
    """All revisions, oldest first. `require_given` gets a database that was dropped, and raises ProofError if the project
    uses another one. ProofError if the project can't be queried."""
    database = scratch.create()
    try:
        scratch.drop(database)
        require_given(database)
        scratch.drop(database)  # SQLite has created it
        database = scratch.create()
        return tool(database).pending()
    except MigrationFailed as error:
        raise ProofError(error.message, hint=error.hint) from error
    finally:
        scratch.drop(database)


def used(database: ScratchDatabase, code: int, output: str) -> bool:
    """Whether a command of a project tried to use a dropped database: a server misses it by name, SQLite creates it."""
    parts = urlsplit(database.url)
    return Path(parts.path[1:]).exists() if parts.scheme == "sqlite" else code != 0 and database.name in output


def one_off(env: Mapping[str, str], timeout: float) -> OneOff:
    """Runs commands with these variables in addition."""

    def call(command: Sequence[str]) -> tuple[int, str]:
        done = run(command, env={**for_others(), **env}, timeout=timeout)
        return done.code, done.output

    return call
