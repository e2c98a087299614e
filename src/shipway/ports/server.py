"""Database servers that run as accessories."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from shipway.domain.accessory import DatabaseLogin
    from shipway.domain.blocking_session import BlockingSession
    from shipway.domain.catalog import Catalog
    from shipway.domain.server_log import Costly, ServerLog, TableSize
    from shipway.ports.database import OneOff, Scratch, ScratchDatabase

COPY_FOLDER = "/shipway-proof"  # in a container of `copy` and `restore`, see DatabaseServer.serves
Operation: TypeAlias = Literal[
    "rows",
    "take",
    "load",
    "swap",
    "sweep",
    "verify",
    "there",
    "size",
    "tables",
    "schema",
    "blockers",
    "statements",
    "upgrade",
    "copy",
    "dump",
    "restore",
    "reach",
    "archive",
    "unarchive",
    "base",
    "recover",
]
"""An operation on whole databases; see `DatabaseServer.command`."""


class DatabaseServer(Protocol):
    """What Shipway knows about a database server in order to copy its databases and prove rollbacks on it; one driver
    for each kind of accessory whose databases can be under migrations.

    Drivers are stateless. They write commands and read output; their callers run the commands in containers of the
    server's own image, whose programs fit its version.
    """

    @property
    def product(self) -> str:
        """Its name for display."""

    @property
    def atomic_migrations(self) -> bool:
        """Whether it can undo changes of a schema in a transaction. If not, a migration that fails leaves what it did."""

    @property
    def serves(self) -> bool:
        """Whether a server process runs. If not, a database is a file, which its clients open: `scratch` gets the URL of a
        folder, with the file's name as its fragment, and each of its databases is in the parent folder of its URL's path. A
        container of `copy` and `restore` has that folder at /shipway-proof, which it fills in place of TO_….
        """

    @property
    def continuous(self) -> bool:
        """Whether it keeps a log of changes from which any time can be restored: `archive`, `base` and `recover`."""

    @property
    def history_tables(self) -> Collection[str]:
        """Names of the migration history tables that it knows."""

    def client(self, login: DatabaseLogin) -> dict[str, str]:
        """Variables by which the client programs in its image reach a database."""

    def limits(self, lock: float, statement: float, variables: Mapping[str, str]) -> dict[str, str]:
        """The variables of a migration's container, with a limit (seconds; 0: none) for each statement of its sessions: how
        long it may wait for a lock, and how long it may take."""

    def timed_out(self, output: str) -> Literal["lock", "statement"] | None:
        """Which of these limits ended a statement, by the tool's output; None: another error."""

    def command(self, operation: Operation, *words: str) -> tuple[str, ...]:
        """The command (argv) of an operation. It exits with 0 if it succeeds; a failed one can be repeated. Lines of its
        output that begin with `shipway-` are for the caller, the others for the user.

        With the variables of `client`, and the volume of snapshots at /snapshots:
        rows: prints `shipway-rows TABLE<tab>ROWS` for every table.
        take FILE KEPT…: dump the database into FILE, restore it to another server as a test, and remove files not KEPT. Prints
        lines as `rows`, then `shipway-taken SIZE DIGEST`; `shipway-full SIZE FREE` if the disk is too full. Bytes; sha256.
        verify FILE DIGEST: restore FILE to another server as a test; prints lines as `rows`.
        With the variable SHAPE, both also print `shipway-shape DIGEST`: sha256 of the schema found there, as text. With
        TEMPORARY, FILE needn't survive a power failure.
        load FILE DIGEST NEW: restore FILE into a database NEW with the owner, rights and settings of the client's one.
        swap NEW OLD: rename the client's database to OLD and NEW to its name, both or none, ending all its sessions. Once it
        has renamed them, it only completes what is left to do.
        there: prints `shipway-there NAME` for each database that a restore made, `shipway_restore_N`, and once it has been
        renamed `shipway_before_N`.
        sweep: remove these.

        With the variables of `client` but the host, and two servers OLD and NEW (variables with their host names):
        upgrade: copy all from OLD to the empty NEW of a later version. Prints `shipway-tables COUNT` last.

        With the variables of `client`; the destination is a database of a scratch server, in the variables TO_HOST, TO_PORT,
        TO_USER, TO_PASSWORD and TO_DATABASE; with TO_ROLE, that role of the copied ones then owns it, with this password. MODE is `data`, or `schema`: only migration history tables with rows.
        copy MODE TABLE…: copy the client's database to the destination. dump MODE FILE TABLE…, restore FILE: the same in two
        steps. The TABLEs are further migration history tables, by their names without a schema.

        The log of changes consists of segments, whose numbers grow by one; a piece is one without a break. The time is in seconds
        since the epoch, by the server's clock.
        archive PIECE NUMBER: in the server's running container: from now on it keeps each segment until a call names it, or
        a later one of its piece, as the last that is stored elsewhere. Prints `shipway-archive PIECE TIME FOLDER`: what was
        committed before is in these complete segments, one line `shipway-segment NUMBER NAME` each, files of FOLDER. Both
        words are empty if none is stored.
        unarchive: in the server's running container: it keeps no segments any longer.
        base: in the network of the server's container: copy all of the server's files into `base.tar.gz` of /snapshots. Prints
        `shipway-base SIZE DIGEST PIECE FIRST TIME DATA`: the number of the first segment that is needed to restore it, the
        time of its end, and the size of the files in bytes. `shipway-full SIZE FREE` if the disk is too full.
        recover TIME FILE KEPT…: as `take`, of a server as it was at a time (ISO 8601; empty: at the end), that it restores
        from `base.tar.gz` and the segments NAME.gz in /archive.

        reach: connect; prints `shipway-server VERSION`, and `shipway-lacks TEXT` if the role lacks rights that `load` and `swap`
        need: which ones, and the statements that give them.

        In the server's running container, or with the variables of `client`:
        size: prints the size of the accessory's database in bytes.
        tables: prints the sizes of its tables, for `table_sizes`.
        statements COUNT: prints the statements that its applications run most often, for `frequent`. Fails if the server
        doesn't record them.
        schema: prints the schema as text, to tell whether it has changed.
        blockers SECONDS ADDRESS…: prints the sessions that hold a lock which a migration waits for now, for `blocking`. Where a
        session can't be given the limit, ends the migration's statement if it has waited for longer. Its sessions come from the
        addresses.
        """

    def frequent(self, output: str) -> Sequence[str]:
        """The output of `statements`: each with `$1`, `$2` … in place of values, the most frequent first."""

    def blocking(self, output: str) -> Sequence[BlockingSession]:
        """The output of `blockers`: at most three, with one that waits for none itself first."""

    def table_sizes(self, output: str) -> Mapping[str, TableSize]:
        """The output of `tables`, by table as in a catalog."""

    def costly(self, statements: Sequence[str], before: Catalog, rewrites: Collection[str]) -> Sequence[Costly]:
        """Statements whose time under a lock grows with the rows of a table that existed before. rewrites: tables that
        were completely rewritten."""

    def rates(self, database: ScratchDatabase) -> Mapping[str, float]:
        """Bytes per second for each kind of work of `costly`, measured now in an empty database."""

    def scratch_command(self, command: str | None) -> tuple[str, ...]:
        """The command of a scratch server, for an accessory with this command: without durability, for speed, and with
        the log that `read_log` needs."""

    def scratch_files(self, login: DatabaseLogin) -> Mapping[str, str]:
        """Files of a scratch server's container, by path, by which its image makes this user a superuser."""

    def scratch(self, url: str, client: OneOff | None = None) -> Scratch:
        """A running scratch server, by the URL of its superuser. `client` runs a command in its container, with the
        variables of `client` for the accessory's login: it has the programs of the server's version."""

    def mark(self, database: ScratchDatabase, text: str) -> None:
        """Write a text into the log. Raises ProofError."""

    def log_rows(self, database: ScratchDatabase) -> AbstractContextManager[None]:
        """In the block, also log statements that change rows of this database: not for large amounts of rows."""

    def log(self, database: ScratchDatabase) -> Sequence[str] | None:
        """The lines of the log of a scratch server that keeps it itself; None: they are its output."""

    def read_log(self, lines: Sequence[str], database: str) -> ServerLog:
        """The entries about a database in lines of a scratch server's log."""
