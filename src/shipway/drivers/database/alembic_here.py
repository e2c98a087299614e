"""The user's own Alembic, run on this machine on scratch databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from shipway.domain.errors import ProofError
from shipway.domain.own_tables import OwnTablesCache
from shipway.drivers.database import alembic_output as read
from shipway.drivers.database.alembic import Alembic, start_command
from shipway.drivers.database.alembic_worker import OTHER, Worker
from shipway.drivers.database.project_here import one_off, require_file, revisions, used
from shipway.ports import OnLine, Scratch, ScratchDatabase


def alembic_here(folder: Path, database: ScratchDatabase, timeout: float) -> Alembic:
    """`folder` contains alembic.ini. Its env.py must take the database's address from DATABASE_URL. All tools of a folder
    share one process, which ends with this one."""
    return _FolderAlembic(_project(folder.absolute()), database, timeout)


def alembic_revisions(folder: Path, scratch: Scratch, timeout: float) -> list[str]:
    """All revisions, oldest first: each one's parents are before it. ProofError if the project can't be queried, or
    ignores the given database address."""
    require_file(folder, "alembic.ini")
    _project.cache_clear()  # the files may have changed
    return revisions(
        scratch,
        lambda dropped: _require_given_database(folder, dropped, timeout),
        lambda database: alembic_here(folder, database, timeout),
    )


class Project:
    """A folder, and what its tools share. Commands run in a worker. If that can't fork, or an installed package holds on to
    the database of another command, each command is a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = OwnTablesCache()
        self.scripts: dict[str, read.Script] | None = None  # newest first
        self._worker: Worker | None = Worker(folder)

    def ask(self, arguments: Sequence[str], database: ScratchDatabase, timeout: float) -> tuple[int, str] | None:
        """Exit code and output of the worker; None if it can't run the command."""
        if self._worker is None:
            return None
        answer = self._worker.run(arguments, _env(database), database.name, timeout)
        if answer.threads or answer.code == OTHER:
            self._worker.close()
            self._worker = None
        return None if answer.code == OTHER else (answer.code, answer.output)


class _FolderAlembic(Alembic):
    """For migrations one by one, in the order of `alembic_revisions`: a revision stands for itself and all before it, also
    in other branches. So each can be reverted alone, inside of a branch and where branches are merged."""

    def __init__(self, project: Project, database: ScratchDatabase, timeout: float) -> None:
        super().__init__(one_off(_env(database), timeout), str(project.folder), project.cache)
        self._project, self._database, self._timeout = project, database, timeout

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        scripts = self._scripts()
        up_to = _up_to(scripts, to) if to is not None and to in scripts else set()
        needed = {name for revision in up_to for name in (*scripts[revision].parents, *scripts[revision].depends)}
        tips = [revision for revision in list(scripts)[::-1] if revision in up_to - needed]
        self._migrate("upgrade", tips or [to or "head"], on_line)

    def _execute(self, *arguments: str) -> tuple[int, str]:
        answer = self._project.ask(arguments, self._database, self._timeout)
        return super()._execute(*arguments) if answer is None else answer

    def _scripts(self) -> dict[str, read.Script]:
        if self._project.scripts is None:
            self._project.scripts = self._state().scripts
        return self._project.scripts

    def _kept(self, state: read.State, to: str | None) -> set[str]:
        return _up_to(state.scripts, to) if to else set()

    def _downgrade_targets(self, state: read.State, to: str | None, reverted: Sequence[str]) -> list[str]:
        scripts = list(state.scripts.values())[::-1]
        if all(script.parents == (before.id,) for before, script in pairwise(scripts)):  # without branches
            return super()._downgrade_targets(state, to, reverted)
        return [read.below_script(state.scripts[name]) for name in reverted]


def _up_to(scripts: Mapping[str, read.Script], revision: str) -> set[str]:
    names = list(scripts)[::-1]
    return set(names[: names.index(revision) + 1]) if revision in scripts else set()


@lru_cache(maxsize=1)
def _project(folder: Path) -> Project:
    return Project(folder)


def _require_given_database(folder: Path, dropped: ScratchDatabase, timeout: float) -> None:
    """Checked before anything is written: given a dropped database, alembic must try to use exactly that one."""
    code, output = one_off(_env(dropped), timeout)(start_command(str(folder.absolute()), "state"))
    if code == 127:
        raise ProofError("there is no command alembic on the PATH", hint="activate the project's virtual environment")
    if not used(dropped, code, output):
        tail = "\n".join(output.splitlines()[-4:])
        raise ProofError(
            f"alembic ignores DATABASE_URL and uses another database; nothing was run\n{tail}",
            hint="env.py, or the configuration of the Flask app, must read the address from os.environ['DATABASE_URL'] if it is set",
        )


def _env(database: ScratchDatabase) -> dict[str, str]:
    return {"DATABASE_URL": database.url}
