"""The user's own Django project, run on this machine on scratch databases."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from shipway.domain.errors import ProofError
from shipway.domain.own_tables import OwnTablesCache
from shipway.drivers.database import django_state as read
from shipway.drivers.database.django import SCRIPT, Django
from shipway.drivers.database.named import reason
from shipway.drivers.database.project_here import one_off, require_file, revisions, used
from shipway.drivers.libpq import variables
from shipway.ports import Scratch, ScratchDatabase

_SETTINGS = "the settings must take the database from os.environ['DATABASE_URL'] if it is set"
_POSTGRES = f"{_SETTINGS}, or from PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE"


def django_here(folder: Path, database: ScratchDatabase, timeout: float) -> Django:
    """`folder` contains manage.py. Its settings must take the database from DATABASE_URL, or on PostgreSQL from PGHOST, PGPORT,
    PGUSER, PGPASSWORD and PGDATABASE. Its revisions are those of `django_revisions`."""
    return _FolderDjango(one_off(_env(database), timeout), str(folder.absolute()), _cache(folder.absolute()))


def django_revisions(folder: Path, scratch: Scratch, timeout: float) -> list[str]:
    """Migrations to test one by one, oldest first, as `app.name`. Those of installed packages come as early as possible; a
    row of them is tested together, under the last one's name. ProofError if the project can't be queried, or ignores the
    given database."""
    require_file(folder, "manage.py")
    _cache.cache_clear()  # the files may have changed
    return revisions(
        scratch,
        lambda dropped: _require_given_database(folder, dropped, timeout),
        lambda database: django_here(folder, database, timeout),
    )


class _FolderDjango(Django):
    """For migrations one by one: a revision is the name of a migration, and stands for it and all before it."""

    def pending(self) -> list[str]:
        state = self._state()
        missing = [name for name in _order(state) if name not in state.applied]
        return [
            name
            for name, following in zip(missing, [*missing[1:], None], strict=True)
            if name not in state.installed or following not in state.installed
        ]

    def _resolve(self, state: read.State, revision: str) -> frozenset[str] | None:
        order = _order(state)
        return frozenset(order[: order.index(revision) + 1]) if revision in order else None


def _order(state: read.State) -> list[str]:
    """All migrations, each after those that it depends on; those of installed packages as early as possible."""
    found: dict[str, None] = {}
    todo = list(state.parents)
    while todo:
        ready = [name for name in todo if state.parents[name] <= found.keys()]
        name = next((name for name in ready if name in state.installed), ready[0])
        found[name] = None
        todo.remove(name)
    return list(found)


@lru_cache(maxsize=1)
def _cache(folder: Path) -> OwnTablesCache:
    return OwnTablesCache()


def _require_given_database(folder: Path, dropped: ScratchDatabase, timeout: float) -> None:
    """Checked before anything is written: given a dropped database, Django must try to use exactly that one."""
    env = _env(dropped)
    code, output = one_off(env, timeout)(["sh", "-c", SCRIPT, "shipway", str(folder.absolute()), "state", read.ASK])
    if code == 127 or "No module named 'django'" in output:
        raise ProofError(
            "there is no command python with Django on the PATH", hint="activate the project's virtual environment"
        )
    if not used(dropped, code, output):
        why = "ignores DATABASE_URL and uses another database" if code == 0 else "can't list the project's migrations"
        printed = "" if code == 0 else f"\n{reason(output.splitlines())}"
        raise ProofError(f"manage.py {why}; nothing was run{printed}", hint=_POSTGRES if "PGHOST" in env else _SETTINGS)


def _env(database: ScratchDatabase) -> dict[str, str]:
    if urlsplit(database.url).scheme not in ("postgresql", "postgres"):
        return {"DATABASE_URL": database.url}
    return {"DATABASE_URL": database.url, "PGPORT": "5432", **variables(database.url)}
