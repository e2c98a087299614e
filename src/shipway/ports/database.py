"""Migration tools, and databases that a proof may do anything to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.catalog import Catalog, Content
    from shipway.domain.proof import Lock
    from shipway.ports.images import OnLine

OneOff = Callable[[Sequence[str]], tuple[int, str]]
"""Runs one command (argv) in the image of a release, with its environment and secrets, and takes the container away
again: exit code and output (stdout and stderr together)."""


class DatabaseTool(Protocol):
    """A migration tool, bound to one release's image and one database. Raises MigrationFailed.

    All but `head` and `scripts` refuse a database that has something applied which the image lacks.
    """

    def head(self) -> str | None:
        """Newest revision that the image brings; None where it has no migrations. Needs no database."""

    def current(self) -> str | None:
        """Revision of the database; None where nothing was applied yet."""

    def pending(self) -> list[str]:
        """Revisions that `up` would apply, oldest first."""

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        """Apply all pending ones, up to and with `to`."""

    def down(self, to: str | None, on_line: OnLine) -> None:
        """Revert, newest first, until `to` is the newest one applied; None reverts all. Irreversible, before anything
        runs, where one of them has no way down, or an empty one, as far as that is seen without running it."""

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        """What reverts these revisions (oldest first), as text by path, for people who have to do it without the
        image. Those without a way down are left out. Needs no database."""


class ScratchDatabase(Protocol):
    """A database that a proof may do anything to. Raises ProofError."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str:
        """Where this process reaches it."""

    def catalog(self) -> Catalog:
        """All that people made in it. The tables where migration tools keep their own books are left out."""

    def touched(self) -> Mapping[str, int | None]:
        """Tables whose rows may not be those that the database was made with, with the number of rows inserted, updated
        and deleted; None where the table was written anew as a whole, or nobody counted."""

    def content(self, table: str, columns: Sequence[str]) -> Content:
        """Of these columns; those that the table lacks are left out."""

    def collisions(self) -> Sequence[str]:
        """Sequences that will give a value which a row has already, in the column that they fill."""

    def execute(self, sql: str, *, transaction: bool = True, timeout: float | None = None) -> Sequence[str]:
        """Run a script of statements as its author would have it run, and give the notices. ProofError with the
        database's own words; nothing of it stays where it ran in a transaction."""

    def watch(self) -> AbstractContextManager[Watched]:
        """In the block, somebody looks at the locks that others take in it."""

    def interrupt(self) -> Sequence[str]:
        """End all sessions in it. Gives what each was at, in words."""


class Watched(Protocol):
    """What was seen in a block of `ScratchDatabase.watch`; complete when the block has ended."""

    locks: Sequence[Lock]  # on what was there when the block began, ACCESS SHARE left out
    rewrites: Sequence[str]  # tables, likewise


class Scratch(Protocol):
    """A database server where proofs make databases of their own, under names that tell whose they are."""

    def create(self, like: ScratchDatabase | None = None) -> ScratchDatabase:
        """An empty one, or a clone."""

    def drop(self, database: ScratchDatabase) -> None:
        """With all sessions in it. A missing one is no error."""

    def sweep(self) -> Sequence[str]:
        """Drop what proofs left whose process is gone; gives the names."""

    def free_space(self) -> int | None:
        """Bytes that databases may grow by; None where nobody can tell."""


class Linter(Protocol):
    """Reads scripts without running them. Raises ProofError where it can't: a proof goes without it."""

    def lint(self, scripts: Mapping[str, str], version: str | None = None) -> Mapping[str, Sequence[tuple[int, str]]]:
        """Of scripts by path, for a server of this version (`15.4`; None: any): warnings by path, each with its line,
        counted from 1, and the rule in its words."""
