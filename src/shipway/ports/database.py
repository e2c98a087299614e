"""Migration tools, and scratch databases of proofs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from shipway.domain.value import dataclass

if TYPE_CHECKING:
    from shipway.domain.catalog import Catalog, Content, Difference
    from shipway.domain.own_tables import OwnTables
    from shipway.domain.proof import Lock
    from shipway.domain.server_log import LockWait
    from shipway.ports.images import OnLine

OneOff = Callable[[Sequence[str]], tuple[int, str]]
"""Runs one command (argv) in the image of a release, with its environment and secrets, and removes the
container: exit code and output (stdout and stderr together)."""


class DatabaseTool(Protocol):
    """A migration tool, bound to one release's image and one database. Raises MigrationFailed.

    All methods but `head` and `scripts` reject a database with applied migrations that the image lacks.
    """

    def head(self) -> str | None:
        """Newest revision in the image; None without migrations. Needs no database."""

    def current(self) -> str | None:
        """Current revision of the database; None if nothing is applied."""

    def pending(self) -> list[str]:
        """Revisions that `up` would apply, oldest first."""

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        """Apply all pending revisions, up to and including `to`."""

    def down(self, to: str | None, on_line: OnLine) -> None:
        """Revert, newest first, until `to` is the newest one applied; None reverts all. Irreversible, before anything
        runs, if a down migration is missing or empty, as far as that is visible without running it."""

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        """Down migrations of these revisions (oldest first), as text by path, to run them manually without the image.
        Missing ones are omitted. Needs no database."""

    def own_tables(self) -> OwnTables:
        """The tables that the tool keeps in the database for itself, under the names that the project configures. May
        ask the image, and its database."""


class ScratchDatabase(Protocol):
    """A database that a proof may change in any way. Raises ProofError."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str:
        """Address for this process."""

    def catalog(self) -> Catalog:
        """All user-created objects."""

    def touched(self) -> Mapping[str, int | None]:
        """Tables whose rows may have changed since the database was created, with the number of rows inserted, updated
        and deleted; None if the table was completely rewritten, or the number is unknown."""

    def forget(self) -> None:
        """From now on, `touched` is relative to this moment, and not to the database's creation."""

    def content(self, table: str, columns: Sequence[str]) -> Content:
        """The content of these columns; those that the table lacks are omitted."""

    def hashes(self, table: str, columns: Sequence[str]) -> AbstractContextManager[Iterator[int]]:
        """A hash for each row, of the values in these columns, all of which the table has; in ascending order."""

    def dump(self) -> Mapping[str, str] | None:
        """The schema as the server's own dump program writes it: statements by kind and name of their object, without the
        privileges of the server's defaults. None without such a program."""

    def collisions(self) -> Sequence[str]:
        """Sequences whose future values already exist in the column that they fill."""

    def execute(self, sql: str, *, transaction: bool = True, timeout: float | None = None) -> Sequence[str]:
        """Run a script of statements as its author intends, and return the notices. ProofError with the database's own
        message; a transaction is then rolled back."""

    def watch(self, *, waits: bool = False) -> AbstractContextManager[Watched]:
        """In the block, monitor the locks that other sessions hold; with `waits` also which sessions wait for them."""

    def replay(self, statements: Sequence[str]) -> AbstractContextManager[Replayed]:
        """In the block, run these statements again and again in sessions of an application of its own, each in a transaction
        that is rolled back. `$1`, `$2` … stand for values, which are invented. Statements that can't run are left out."""

    def interrupt(self) -> Sequence[str]:
        """Terminate all sessions in it. Returns messages about what each was doing."""


class Watched(Protocol):
    """The observations in a block of `ScratchDatabase.watch`; complete when the block has ended."""

    locks: Sequence[Lock]  # on objects that existed before the block, without ACCESS SHARE
    rewrites: Sequence[str]  # of such tables
    waits: Sequence[LockWait]  # if requested


class Replayed(Protocol):
    """What was repeated in a block of `ScratchDatabase.replay`; complete when the block has ended."""

    statements: int  # that could run before
    failures: Sequence[str]  # messages about objects that statements missed in the block


@dataclass(frozen=True)
class Rejected:
    """Generated rows that the up migrations failed with: how these change the schema, and their messages, oldest first."""

    changes: Sequence[Difference]
    messages: Sequence[str]


class Fill(Protocol):
    """Generates rows, and returns tables that stay empty, with the reason. Once the up migrations have rejected rows, it
    generates others. ProofError if it can't write any."""

    def __call__(
        self, database: ScratchDatabase, catalog: Catalog, *, rejected: Rejected | None = None
    ) -> Mapping[str, str]: ...


class Scratch(Protocol):
    """A database server on which proofs create databases, under names that identify their owner."""

    def create(self, like: ScratchDatabase | None = None) -> ScratchDatabase:
        """Create an empty one, or a clone."""

    def drop(self, database: ScratchDatabase) -> None:
        """Drop it with all its sessions. A missing one is no error."""

    def drop_orphans(self) -> Sequence[str]:
        """Drop leftovers of proofs whose process died; returns the names."""

    def version(self) -> str:
        """Product and version of the server, such as `PostgreSQL 15.4`. ProofError if it is unreachable."""

    def free_space(self) -> int | None:
        """Bytes available for databases; None if unknown."""

    @property
    def fill(self) -> Fill | None:
        """None if no rows can be generated for its databases."""

    def hints(self, message: str) -> Sequence[str]:
        """Remedies for an error message of the server, or of a tool that passes it on; often none."""

    def notices(self, lines: Sequence[str]) -> Sequence[str]:
        """The server's notices in a tool's output."""

    def cosmetic(self, difference: Difference) -> bool:
        """Whether an object differs only in white space and comments of its code."""

    def server_objects(self) -> Mapping[str, str]:
        """Objects that users created on the whole server, such as roles, which databases share: by name, in a
        form that only this driver reads, and that may be secret."""

    def restore_server_objects(self, known: Mapping[str, str]) -> Sequence[str]:
        """Drop all others, as far as no database needs them, and restore these; returns the names of those that differed."""

    def skipped(self, notice: str) -> bool:
        """Whether the notice says that a statement skipped the removal of an object, since there is none of that
        name."""


class Linter(Protocol):
    """Analyzes scripts without running them. Raises ProofError if it can't: a proof continues without it."""

    def lint(self, scripts: Mapping[str, str], version: str | None = None) -> Mapping[str, Sequence[tuple[int, str]]]:
        """Warnings about scripts by path, for a server of this version (`15.4`; None: any): each with its line, counted
        from 1, and the rule's message."""
