"""Scratch databases of SQLite: files in a folder."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import quote

from shipway.domain.catalog import Catalog, Content, Difference
from shipway.domain.errors import ProofError
from shipway.drivers.scratch.names import is_orphan, new_name
from shipway.drivers.scratch.sqlite_catalog import quoted, read_catalog
from shipway.drivers.scratch.unwatched import Unreplayed, Unwatched
from shipway.ports import Replayed, ScratchDatabase, Watched

STEPS = 10_000  # instructions of SQLite's virtual machine between two checks of the clock


class SqliteScratch:
    """`folder` is created if missing. file: the name of each database's file, in a folder of its own that any user may use;
    empty: named after the database, for this process alone."""

    def __init__(self, folder: Path, file: str = "") -> None:
        self._folder, self._file = folder, file

    def create(self, like: ScratchDatabase | None = None) -> ScratchDatabase:
        name = new_name()
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _translated(), _open(path, "rwc") as target:
            target.execute("VACUUM")  # writes the file
            if self._file:  # users of images share it; files beside it get its mode
                path.parent.chmod(0o777)
                path.chmod(0o666)
            if like is not None:
                with _open(self._path(like.name), "rw") as source:
                    source.backup(target)  # unlike a copied file, it includes the journal
        return SqliteDatabase(path, name)

    def drop(self, database: ScratchDatabase) -> None:
        self._drop(database.name)

    def drop_orphans(self) -> Sequence[str]:
        names = sorted(path.stem for path in self._folder.glob("*" if self._file else "*.db") if is_orphan(path.stem))
        for name in names:
            self._drop(name)
        return names

    def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    def free_space(self) -> int | None:
        try:
            return shutil.disk_usage(self._folder).free
        except OSError:
            return None

    @property
    def fill(self) -> None:
        """No rows are generated."""

    def hints(self, message: str) -> Sequence[str]:
        """None: its messages need no more explanation."""
        return ()

    def notices(self, lines: Sequence[str]) -> Sequence[str]:
        """None: it has no notices."""
        return ()

    def cosmetic(self, difference: Difference) -> bool:
        """Unknown: the text of statements is compared without white space already."""
        return False

    def server_objects(self) -> Mapping[str, str]:
        """None: there is no server."""
        return {}

    def restore_server_objects(self, known: Mapping[str, str]) -> Sequence[str]:
        return ()

    def skipped(self, notice: str) -> bool:
        return False

    def _drop(self, name: str) -> None:
        path = self._path(name)
        if self._file:
            shutil.rmtree(path.parent, ignore_errors=True)
            return
        for end in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + end).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / name / self._file if self._file else self._folder / f"{name}.db"


class SqliteDatabase:
    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.url = f"sqlite:///{path}"
        self._path = path
        self._made = self._keys()

    def catalog(self) -> Catalog:
        with self._session() as connection:
            return read_catalog(connection)

    def touched(self) -> Mapping[str, int | None]:
        """Every table: changes are not counted."""
        return dict.fromkeys(sorted({*self._made, *self._keys()}))

    def forget(self) -> None:
        self._made = self._keys()

    def content(self, table: str, columns: Sequence[str]) -> Content:
        """Each value counts with its type, and with its row's key from when the database was created."""
        with self._session() as connection:
            there = _columns(connection).get(table)
            if there is None:
                return Content(0)
            wanted = [column for column in columns if column in there]
            key = self._made.get(table, [name for name, part in there.items() if part])
            places = [wanted.index(name) for name in key] if set(key) <= set(wanted) else []
            sums, rows, whole = [0] * len(wanted), 0, 0
            for row in connection.execute(f"SELECT {', '.join([*wanted, '1'])} FROM {table}"):
                rows += 1
                whole += 0 if places else int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest())
                salt = hashlib.blake2b(repr([row[place] for place in places]).encode(), digest_size=16).digest()
                for place in range(len(wanted)):
                    sums[place] += int.from_bytes(
                        hashlib.blake2b(repr(row[place]).encode(), digest_size=8, key=salt).digest()
                    )
            return Content(rows, dict(zip(wanted, map(str, sums), strict=True)), "" if places else str(whole))

    @contextmanager
    def hashes(self, table: str, columns: Sequence[str]) -> Iterator[Iterator[int]]:
        with self._session() as connection:
            rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table}")
            yield iter(
                sorted(int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest()) for row in rows)
            )

    def dump(self) -> None:
        """None: the catalog has the text of all statements."""

    def collisions(self) -> Sequence[str]:
        """None: SQLite continues from the largest number of a row."""
        return ()

    def execute(self, sql: str, *, transaction: bool = True, timeout: float | None = None) -> Sequence[str]:
        deadline = time.monotonic() + timeout if timeout is not None else None
        with self._session() as connection:
            if deadline is not None:
                connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
            try:
                _run(connection, sql, transaction)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname == "SQLITE_INTERRUPT":
                    raise ProofError(f"it ran longer than {timeout:g} s and was cancelled") from error
                raise
        return []

    def watch(self, *, waits: bool = False) -> AbstractContextManager[Watched]:
        """Sees nothing: a writer locks the whole database."""
        return nullcontext(Unwatched())

    def replay(self, statements: Sequence[str]) -> AbstractContextManager[Replayed]:
        return nullcontext(Unreplayed())

    def interrupt(self) -> Sequence[str]:
        """Nothing to do: no server could end another session."""
        return ()

    def _keys(self) -> Mapping[str, list[str]]:
        with self._session() as connection:
            return {
                table: [name for name, key in columns.items() if key] for table, columns in _columns(connection).items()
            }

    @contextmanager
    def _session(self) -> Iterator[sqlite3.Connection]:
        with _translated(), _open(self._path, "rw") as connection:
            yield connection


def _run(connection: sqlite3.Connection, script: str, transaction: bool) -> None:
    if transaction:
        try:
            connection.executescript(f"BEGIN;\n{script}\n;COMMIT;")
            return
        except sqlite3.OperationalError as error:
            if "within a transaction" not in str(error):
                raise
            connection.rollback()  # the script has its own
    connection.executescript(script)


def _columns(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """By table: its columns, and their position in the primary key, from 1, or 0."""
    found: dict[str, dict[str, int]] = {}
    tables = "SELECT t.name, c.name, c.pk FROM pragma_table_list t, pragma_table_xinfo(t.name) c"
    for table, column, key in connection.execute(
        f"{tables} WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    ):
        found.setdefault(quoted(table), {})[quoted(column)] = key
    return found


@contextmanager
def _open(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ProofError(str(error)) from error
