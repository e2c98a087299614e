"""The user's own Alembic, run on this machine on scratch databases."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from shipway.domain.errors import MigrationFailed, ProofError
from shipway.drivers.database import alembic_output as read
from shipway.drivers.database.alembic import Alembic
from shipway.ports import OneOff, Scratch, ScratchDatabase
from shipway.system.process import run


def alembic_here(folder: Path, database: ScratchDatabase, timeout: float) -> Alembic:
    """`folder` contains alembic.ini. Its env.py must take the database's address from DATABASE_URL."""
    return Alembic(_one_off(database.url, timeout), str(folder.absolute()))


def alembic_revisions(folder: Path, scratch: Scratch, timeout: float) -> list[str]:
    """All revisions, oldest first. ProofError if the project can't be queried, or ignores the given database
    address."""
    if not (folder / "alembic.ini").is_file():
        raise ProofError(
            f"there is no alembic.ini in {folder}", hint="pass the folder that contains it: --migrations FOLDER"
        )
    database = scratch.create()
    try:
        scratch.drop(database)
        _require_given_database(folder, database, timeout)
        database = scratch.create()
        _require_linear_history(folder, database, timeout)
        return alembic_here(folder, database, timeout).pending()
    except MigrationFailed as error:
        raise ProofError(error.message, hint=error.hint) from error
    finally:
        scratch.drop(database)


def _require_given_database(folder: Path, dropped: ScratchDatabase, timeout: float) -> None:
    """Checked before anything is written: given a dropped database, alembic must report exactly that one as missing."""
    code, output = _one_off(dropped.url, timeout)(
        ["sh", "-c", 'cd "$1" && alembic current', "shipway", str(folder.absolute())]
    )
    if code == 127:
        raise ProofError("there is no command alembic on the PATH", hint="activate the project's virtual environment")
    if code == 0 or dropped.name not in output:
        tail = "\n".join(output.splitlines()[-4:])
        raise ProofError(
            f"alembic ignores DATABASE_URL and uses another database; nothing was run\n{tail}",
            hint="env.py must read the address from os.environ['DATABASE_URL'] if it is set",
        )


def _require_linear_history(folder: Path, database: ScratchDatabase, timeout: float) -> None:
    """At a merge of branches there is no single revision to revert to."""
    _, output = _one_off(database.url, timeout)(
        ["sh", "-c", 'cd "$1" && alembic history', "shipway", str(folder.absolute())]
    )
    scripts = read.history(output.splitlines())
    if merges := [script.id for script in scripts.values() if len(script.parents) > 1]:
        raise ProofError(
            f"the history has branches, merged by {', '.join(merges)}: its migrations can't be tested one by one",
            hint="`shipway prove` with a plan tests the migrations of a release together, whatever their history is",
        )


def _one_off(url: str, timeout: float) -> OneOff:
    def call(command: Sequence[str]) -> tuple[int, str]:
        done = run(command, env={**os.environ, "DATABASE_URL": url}, timeout=timeout)
        return done.code, done.output

    return call
