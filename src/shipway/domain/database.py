"""The database of a plan, and how it is migrated."""

from __future__ import annotations

import posixpath

from shipway.domain.value import dataclass

FILE_KIND = "file"  # kind of a database that is a file
ON_START = "on-start"  # the tool of a program that migrates when it starts

UNPROVEN, ALWAYS, NEVER = "unproven", "always", "never"


@dataclass(frozen=True)
class Snapshots:
    """When the database is copied before migrations, and how many copies are kept."""

    when: str = UNPROVEN  # unless a rollback proof shows that the down migrations restore it
    keep: int = 5


@dataclass(frozen=True)
class DatabaseCommands:
    """The shell commands that run any migration tool in the image. `{to}` stands for a revision."""

    list: str  # prints all revisions of the image, oldest first; runs without a database
    current: str  # prints the newest applied revision, or all of them
    up: str
    down: str
    script: str | None = None  # prints the script that reverts revision `{to}`; runs without a database
    base: str = ""  # denotes no revision


@dataclass(frozen=True)
class Database:
    """The accessory that is migrated, or the file; the service whose image has the migrations, and the migration tool."""

    accessory: str  # of a file, its path: no accessory has such a name
    service: str
    tool: str  # a name of the table of drivers
    folder: str | None = None  # in the image, relative to its WORKDIR: of the migrations or of the tool
    commands: DatabaseCommands | None = None  # of the tool `command`
    snapshot: Snapshots = Snapshots()
    lock_timeout: float = 5.0  # seconds that a statement of a migration may wait for a lock; 0: no limit
    statement_timeout: float = 1800.0  # seconds that a statement may take; 0: no limit
    lock_retries: int = 5  # further attempts of migrations that could not get a lock
    lock_pause: float = 10.0  # seconds before each of these
    contract: str | None = None  # name pattern of deferred (contract) migrations, which are applied one release later
    file: str | None = None  # path in the service's containers, in a volume; None: an accessory serves it
    image: str | None = None  # with what reads the file; None: the service's

    @property
    def on_start(self) -> bool:
        """Whether the program itself migrates, when it starts: there are no down migrations."""
        return self.tool == ON_START


@dataclass(frozen=True)
class DatabaseFile:
    """A database that is a file in a volume of services."""

    path: str  # in their containers
    volume: str  # its name in the plan; its folder is the file's

    @property
    def folder(self) -> str:
        """Path of its volume in their containers."""
        return posixpath.dirname(self.path)

    @property
    def name(self) -> str:
        """In the volume."""
        return posixpath.basename(self.path)
