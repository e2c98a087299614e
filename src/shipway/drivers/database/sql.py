"""Plain SQL files with up and down migrations, run by the client of the database's own image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from shipway.domain.errors import Irreversible, MigrationFailed
from shipway.domain.own_tables import OwnTables
from shipway.drivers.database.sql_client import CLIENTS, Job, Outcome, read
from shipway.drivers.database.sql_folder import Migration, SqlFile, load, order
from shipway.ports import OneOff, OnLine

_TAIL = 8
_FIX_UP = "correct the migration and release again: it continues from the current schema revision"
_FIX_DOWN = "correct the down migration and release again, or restore the database from a snapshot"


class SqlFolder:
    """See ports.DatabaseTool. Revisions are the versions in the files' names, such as 0001.

    `files` returns the files of a folder of the release's image by path below it; `client` runs a command in the
    database's image with the variables of its client. kind: of the database's accessory.
    """

    def __init__(
        self, files: Callable[[str], dict[str, bytes]], client: OneOff, folder: str, kind: str = "postgres"
    ) -> None:
        self._files = files
        self._run_client, self._client = client, CLIENTS[kind]
        self._folder = folder
        self._loaded: list[Migration] | None = None

    def head(self) -> str | None:
        migrations = self._migrations()
        return migrations[-1].version if migrations else None

    def current(self) -> str | None:
        applied = self._applied()
        self._refuse_unknown(applied)
        return _newest(applied)

    def pending(self) -> list[str]:
        return [migration.version for migration in self._missing()]

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        missing = self._missing()
        if to is not None:
            top = order_of(to)
            if top not in [order(migration.version) for migration in self._migrations()]:
                raise MigrationFailed(f"can't migrate up to {to}: the image's {self._folder} has no such version")
            missing = [migration for migration in missing if order(migration.version) <= top]
        self._run([self._client.apply_job(migration) for migration in missing], on_line, _FIX_UP)

    def down(self, to: str | None, on_line: OnLine) -> None:
        applied = self._applied()
        self._refuse_unknown(applied)
        known = {order(version): version for version in applied}
        floor = () if to is None else order_of(to)
        if floor is None or (floor and floor not in known):
            raise MigrationFailed(
                f"can't migrate down to {to}: it isn't applied; the schema is at {_newest(applied) or 'no revision'}",
                hint=f"applied revisions: {', '.join(sorted(applied, key=order)) or 'none'}",
            )
        above = [migration for migration in self._migrations() if order(migration.version) > floor]
        undo = [(known[key], item) for item in reversed(above) if (key := order(item.version)) in known]
        self._run([self._client.revert_job(version, down) for version, down in self._downs(undo)], on_line, _FIX_DOWN)

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        asked = {order_of(revision) for revision in revisions}
        downs = [item.down for item in self._migrations() if order(item.version) in asked]
        return {down.path: down.text for down in downs if down is not None and not down.empty}

    def own_tables(self) -> OwnTables:
        return OwnTables(history=frozenset({"shipway_migrations"}))

    def _migrations(self) -> list[Migration]:
        if self._loaded is None:  # an image never changes, and reading its files costs a container
            self._loaded = load(self._folder, self._files(self._folder))
        return self._loaded

    def _applied(self) -> dict[str, str]:
        """Version and checksum of all applied migrations."""
        code, output = self._run_client(self._client.command())
        outcome = read(output)
        if code != 0 or outcome.applied is None:
            raise _unreachable(outcome.lines)
        return outcome.applied

    def _missing(self) -> list[Migration]:
        """What `up` applies; rejects a folder whose history differs from the database's."""
        applied = self._applied()
        self._refuse_unknown(applied)
        sums = {order(version): checksum for version, checksum in applied.items()}
        migrations = self._migrations()
        changed = [item for item in migrations if sums.get(order(item.version), item.checksum) != item.checksum]
        if changed:
            raise MigrationFailed(
                f"changed after they were applied: {', '.join(item.up.path for item in changed)}",
                hint="restore the files, and put the change into a new migration",
            )
        missing = [item for item in migrations if order(item.version) not in sums]
        late = [item.up.path for item in missing if sums and order(item.version) < max(sums)]
        if late:
            raise MigrationFailed(
                f"older than the current revision {_newest(applied)}, but not applied: {', '.join(late)}",
                hint="give them a version after the newest one, so that every database applies them in the same order",
            )
        return missing

    def _refuse_unknown(self, applied: Iterable[str]) -> None:
        known = {order(migration.version) for migration in self._migrations()}
        unknown = sorted(version for version in applied if order_of(version) not in known)
        if unknown:
            raise MigrationFailed(
                f"the database has revision {', '.join(unknown)} applied, which the image's {self._folder} lacks",
                hint="a newer or different release migrated this database: deploy one that has this revision",
            )

    def _downs(self, undo: Sequence[tuple[str, Migration]]) -> list[tuple[str, SqlFile]]:
        """All down files, before anything runs. One without a statement counts as missing: it reverts nothing."""
        downs = [(version, migration.down) for version, migration in undo]
        lacking = [item.up.path for _, item in undo if item.down is None or item.down.empty]
        if lacking:
            raise Irreversible(
                f"missing or empty down migration for {', '.join(lacking)}; nothing was reverted",
                hint="write the down migration (`SELECT 1;` if there is nothing to undo), or restore the database from a snapshot",
            )
        return [(version, down) for version, down in downs if down is not None]

    def _run(self, jobs: Sequence[Job], on_line: OnLine, hint: str) -> None:
        files = {job.file.path: job.file for job in jobs}
        for command in list(self._client.calls(jobs)):
            code, output = self._run_client(command)
            outcome = read(output)
            for line in outcome.lines:
                on_line(line)
            if code == 0 and outcome.failed is None:
                continue
            if outcome.failed is None:
                raise _unreachable(outcome.lines)
            raise _failed(files[outcome.failed], outcome, hint, atomic=self._client.atomic)


def order_of(version: str) -> tuple[int, ...] | None:
    """Like `order`, for input that may be no version at all."""
    try:
        return order(version)
    except ValueError:
        return None


def _newest(applied: Iterable[str]) -> str | None:
    return max(applied, key=order, default=None)


def _failed(file: SqlFile, outcome: Outcome, hint: str, *, atomic: bool) -> MigrationFailed:
    if outcome.applied is None:
        where = "the schema's revision could not be read afterwards"
    else:
        where = f"the schema is now at {_newest(outcome.applied) or 'no revision: nothing is applied'}"
    if not (file.transaction and atomic):
        why = "runs without a transaction" if atomic else "can't be undone as a whole by this server"
        hint = f"{file.path} {why}: manually undo what it did before the error, then correct it"
    start = max(at for at, line in enumerate(outcome.lines) if line == file.path) + 1
    tail = "\n".join(outcome.lines[start:][-_TAIL:]) or "the client printed nothing"
    return MigrationFailed(f"{file.path} failed; {where}\n{tail}", hint=hint)


def _unreachable(lines: Sequence[str]) -> MigrationFailed:
    tail = "\n".join(lines[-_TAIL:]) or "the client printed nothing"
    return MigrationFailed(
        f"the applied migrations can't be read from the database\n{tail}", hint="check that it is running"
    )
