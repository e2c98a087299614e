"""A folder of SQL migrations run directly on a scratch database, without an image or a migration history table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from shipway.domain.errors import Irreversible, MigrationFailed, ProofError
from shipway.domain.own_tables import OwnTables
from shipway.drivers.database.beyond import beyond
from shipway.drivers.database.migration import Callbacks, Migration, SqlFile
from shipway.ports import OnLine, ScratchDatabase


class BareFolder:
    """See ports.DatabaseTool. Keeps the migration history in memory, starting with the given revision `current`; no one
    else may migrate the database meanwhile. `timeout` (seconds) applies to each file. A script that would reach beyond
    its database fails, and is not run."""

    def __init__(
        self,
        database: ScratchDatabase,
        migrations: Sequence[Migration],
        current: str | None = None,
        timeout: float | None = None,
    ) -> None:
        self._database = database
        self._timeout = timeout
        self._migrations = migrations
        self._versions = [migration.version for migration in migrations]
        self._applied = self._count(current)

    def head(self) -> str | None:
        return self._versions[-1] if self._versions else None

    def current(self) -> str | None:
        return self._versions[self._applied - 1] if self._applied else None

    def pending(self) -> list[str]:
        return self._versions[self._applied :]

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        end = len(self._versions) if to is None else self._count(to)
        applied = self._migrations[self._applied : end]
        self._run_all(applied[0].around_up.before if applied else (), on_line)
        for migration in applied:
            self._run_with(migration.up, migration.around_up, on_line)
            self._applied += 1
        self._run_all(applied[-1].around_up.after if applied else (), on_line)

    def down(self, to: str | None, on_line: OnLine) -> None:
        end = self._count(to)
        if end > self._applied:
            raise MigrationFailed(
                f"can't migrate down to {to}: it isn't applied; the schema is at {self.current() or 'no revision'}"
            )
        reverted = [(item, _down_file(item)) for item in reversed(self._migrations[end : self._applied])]
        if lacking := [item for item, down in reverted if down is None]:
            raise Irreversible(_lacking(lacking))
        for _, down in reverted:
            self._refuse(down)
        self._run_all(reverted[0][0].around_down.before if reverted else (), on_line)
        for migration, down in reverted:
            assert down is not None
            self._run_with(down, migration.around_down, on_line)
            self._applied -= 1
        self._run_all(reverted[-1][0].around_down.after if reverted else (), on_line)

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        asked = [item.down for item in self._migrations if item.version in revisions]
        return {down.path: down.text for down in asked if down is not None and not down.empty}

    def own_tables(self) -> OwnTables:
        return OwnTables()

    def _count(self, revision: str | None) -> int:
        """Number of applied migrations if this one is the newest."""
        if revision is None:
            return 0
        if revision not in self._versions:
            raise MigrationFailed(f"the folder has no migration {revision}")
        return self._versions.index(revision) + 1

    def _run_with(self, file: SqlFile, around: Callbacks, on_line: OnLine) -> None:
        """Run a script with those that share its transaction, then the checks."""
        if around.before_each or around.after_each:
            parts = (*around.before_each, file, *around.after_each)
            text = "\n;\n".join(part.text for part in parts if not part.empty)
            names = ", ".join(part.path for part in parts if part is not file)
            file = SqlFile(f"{file.path} (with {names})", text, not file.transaction)
        self._run(file, on_line)
        self._run_all(around.check_each, on_line)

    def _run_all(self, files: Sequence[SqlFile], on_line: OnLine) -> None:
        for file in files:
            self._run(file, on_line)

    def _run(self, file: SqlFile, on_line: OnLine) -> None:
        self._refuse(file)
        on_line(file.path)
        try:
            for notice in self._database.execute(file.text, transaction=file.transaction, timeout=self._timeout):
                on_line(notice)
        except ProofError as error:
            raise MigrationFailed(f"{file.path}: {error.message}") from error

    def _refuse(self, file: SqlFile | None) -> None:
        if file is not None and (reason := beyond(file.text, urlsplit(self._database.url).scheme)):
            raise MigrationFailed(f"{file.path}: {reason}")


def _down_file(migration: Migration) -> SqlFile | None:
    """The down file; None if it is missing or empty. An empty up file needs no down file."""
    if migration.down is not None and not migration.down.empty:
        return migration.down
    return migration.up if migration.up.empty else None


def _lacking(migrations: Sequence[Migration]) -> str:
    names = ", ".join(f"{item.up.path} ({'empty' if item.down else 'missing'})" for item in migrations)
    remedy = next((item.remedy for item in migrations if item.remedy), "")
    return f"there is no down migration for {names}{f': {remedy}' if remedy else ''}"
