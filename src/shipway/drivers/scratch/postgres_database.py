"""One scratch database on a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from shipway.domain.catalog import Catalog, Content
from shipway.drivers.scratch.postgres_catalog import read_catalog
from shipway.drivers.scratch.postgres_content import read_content, read_hashes
from shipway.drivers.scratch.postgres_dump import dump
from shipway.drivers.scratch.postgres_reader import Reader, reading
from shipway.drivers.scratch.postgres_replay import replaying
from shipway.drivers.scratch.postgres_script import run_script
from shipway.drivers.scratch.postgres_sequences import find_collisions
from shipway.drivers.scratch.postgres_session import DOING, end_sessions, session
from shipway.drivers.scratch.postgres_spare import Spare
from shipway.drivers.scratch.postgres_state import State, read_state, touched
from shipway.drivers.scratch.postgres_watch import watching
from shipway.ports import OneOff, Replayed, Watched


class PostgresDatabase:
    """`server` and `watcher` connect to the database that the server is administered from. Reading and watching use
    sessions that stay open (see Reader); a script has its own (see Spare), whose name dumps share: they change nothing either.
    `client` runs a command beside the server, if known."""

    def __init__(
        self, name: str, url: str, server: str, watcher: Reader, *, empty: bool, client: OneOff | None = None
    ) -> None:
        self.name = name
        self.url = url
        self._server, self._client = server, client
        self._reader, self.watcher, self._spare = Reader(url), watcher, Spare(url)
        self._made = State() if empty else self._state()

    def catalog(self) -> Catalog:
        return self._reader.read(read_catalog)

    def touched(self) -> Mapping[str, int | None]:
        return touched(self._made, self._state())

    def content(self, table: str, columns: Sequence[str]) -> Content:
        key = self._made.tables[table].key if table in self._made.tables else None
        return self._reader.read(lambda connection: read_content(connection, table, columns, key))

    def forget(self) -> None:
        self._made = self._state()

    @contextmanager
    def hashes(self, table: str, columns: Sequence[str]) -> Iterator[Iterator[int]]:
        with reading(self.url) as connection, read_hashes(connection, table, columns) as found:
            yield found

    def dump(self) -> Mapping[str, str] | None:
        version = self._reader.read(lambda connection: connection.info.server_version)
        return dump(self.name, self.url, version, self._client, self._spare.name)

    def collisions(self) -> Sequence[str]:
        return self._reader.read(find_collisions)

    def execute(self, sql: str, *, transaction: bool = True, timeout: float | None = None) -> Sequence[str]:
        with session(self._spare.take) as connection:
            notices = run_script(connection, sql, transaction=transaction, timeout=timeout)
        self._spare.open()
        return notices

    def watch(self, *, waits: bool = False) -> AbstractContextManager[Watched]:
        return watching(self._reader, self.watcher, waits=waits)

    def replay(self, statements: Sequence[str]) -> AbstractContextManager[Replayed]:
        return replaying(self.url, statements)

    def interrupt(self) -> Sequence[str]:
        self.close()
        with session(self._server) as connection:
            doing = [words for (words,) in connection.execute(DOING, [self.name])]
            end_sessions(connection, self.name)
        return doing

    def close(self) -> None:
        """Close its own sessions; the next call opens one again."""
        self._spare.close()
        self._reader.close()

    def _state(self) -> State:
        return self._reader.read(lambda connection: read_state(connection, self._spare.name))
