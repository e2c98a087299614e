"""A program that migrates its database when it starts: the start of a release's image is its up migration."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from shipway.domain.errors import Irreversible, MigrationFailed
from shipway.domain.own_tables import OwnTables
from shipway.drivers.migration_tables import MIGRATION_TABLES
from shipway.ports import OneOff, OnLine

TABLE = "shipway_on_start"
# Further tables in which programs keep what they have applied.
_HISTORIES = frozenset({
    TABLE, "migrations", "migrations_lock", "pgmigrations", "_prisma_migrations", "__drizzle_migrations",
    "__EFMigrationsHistory", "ar_internal_metadata", "databasechangelog", "databasechangeloglock", "phinxlog",
    "doctrine_migration_versions", "mikro_orm_migrations", "kysely_migration", "kysely_migration_lock",
    "_sqlx_migrations", "refinery_schema_history", "gorp_migrations", "schema_info", "schema_version",
    "strapi_migrations", "strapi_database_schema", "directus_migrations", "migration_versions",
})  # fmt: skip
_NO_WAY = "a program that migrates when it starts has no down migration"
_READ = f"SELECT revision FROM {TABLE} ORDER BY id DESC LIMIT 1"
_EXISTS = f"SELECT to_regclass('{TABLE}') IS NOT NULL"


class OnStart:
    """See ports.DatabaseTool. A revision stands for an image, or with a `folder` for the migrations in it; a table in the
    database records the last one.

    start: starts the image alone and returns once it is healthy; MigrationFailed otherwise. image: its reference.
    `client` runs a command in the database's image with the variables of libpq; `files` returns the files of a folder.
    """

    def __init__(
        self, client: OneOff, files: Callable[[str], dict[str, bytes]], folder: str | None, image: str,
        start: Callable[[OnLine], None],
    ) -> None:  # fmt: skip
        self._client, self._files, self._folder, self._image, self._start = client, files, folder, image, start
        self._revision = ""

    def head(self) -> str:
        if not self._revision:
            found = hashlib.sha256()
            if self._folder is None:
                found.update(self._image.encode())
            for path, content in sorted(self._files(self._folder).items()) if self._folder else ():
                found.update(f"{path}\0{len(content)}\0".encode() + content)
            self._revision = found.hexdigest()[:12]
        return self._revision

    def current(self) -> str | None:
        return self._sql(_READ) or None if self._sql(_EXISTS) == "t" else None

    def pending(self) -> list[str]:
        return [] if self.current() == self.head() else [self.head()]

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        """`to` may be an earlier revision that is restored after an interrupted rollback: nothing was reverted then."""
        if to not in (None, self.head()):
            return
        if not self.pending():
            return
        self._start(on_line)
        self._sql(
            f"CREATE TABLE IF NOT EXISTS {TABLE} (id serial PRIMARY KEY, revision text NOT NULL, "
            f"at timestamptz NOT NULL DEFAULT now()); INSERT INTO {TABLE} (revision) VALUES ('{self.head()}')"
        )

    def down(self, to: str | None, on_line: OnLine) -> None:
        if to == self.current():
            return
        raise Irreversible(
            f"{_NO_WAY}: only a snapshot restores the earlier schema",
            hint="`shipway snapshots ENVIRONMENT` lists them, and `shipway restore ENVIRONMENT NUMBER` restores one",
        )

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        return {}

    def own_tables(self) -> OwnTables:
        return OwnTables(history=MIGRATION_TABLES | _HISTORIES)

    def _sql(self, statements: str) -> str:
        code, output = self._client(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statements])
        if code != 0:
            raise MigrationFailed(f"the database can't be asked: {output.strip()[-500:]}")
        return output.strip()
