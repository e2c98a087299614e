"""A scratch database server: the image of the proven database, with durability disabled (`fsync=off`)."""

from __future__ import annotations

import dataclasses
import re
import secrets
import shlex
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, LABEL_NAME, LABEL_ROLE, ContainerSpec
from shipway.domain.errors import DeployFailed, ProofError
from shipway.domain.plan import Accessory
from shipway.ports import Scratch, ScratchDatabase
from shipway.proving.sandbox import Sandbox
from shipway.steps.health import wait_healthy

SETTINGS = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off",
    "log_line_prefix": "%e %p %d ", "log_min_messages": "notice", "log_statement": "ddl",
}  # fmt: skip
# A line of the log: SQLSTATE, process, database, level, text. Continuation lines start with a tab.
LINE = re.compile(r"([0-9A-Z]{5}) (\d+) (\S*) ([A-Z]+): +(.*)")
PATIENCE = 10.0  # seconds until logged lines must be readable


@dataclass(frozen=True)
class Entry:
    """An entry of the server's log."""

    state: str  # SQLSTATE
    session: int
    level: str  # ERROR, STATEMENT, NOTICE …
    text: str


@dataclass(frozen=True)
class Server:
    """The server of one proof. `accessory` is from the current release's plan; in `network` the server has its name."""

    sandbox: Sandbox
    accessory: Accessory
    password: str
    container: str  # its unique name
    network: str
    scratch: Scratch

    def settled(self, database: str) -> Accessory:
        """The accessory with settings by which all derived addresses lead to this database."""
        return self.sandbox.ctx.kind(self.accessory).with_database(self.accessory, database)

    def join(self, network: str) -> None:
        """Make it reachable by the accessory's name in another network."""
        self.sandbox.ctx.runtime.connect(network, self.container, (self.accessory.name,))

    @contextmanager
    def rows_logged(self, database: ScratchDatabase) -> Iterator[None]:
        """Also log statements that change rows in this database for the duration: not for large amounts of rows."""
        database.execute(f"ALTER DATABASE {database.name} SET log_statement = 'mod'")
        yield
        database.execute(f"ALTER DATABASE {database.name} RESET log_statement")

    def mark(self, database: ScratchDatabase) -> str:
        """Write a mark to its log, for `log`."""
        mark = f"shipway-{uuid.uuid4().hex}"
        database.execute(f"DO $$ BEGIN RAISE LOG '{mark}'; END $$")
        return mark

    def log(self, database: ScratchDatabase, since: str) -> list[Entry]:
        """All entries of this database since that mark."""
        until = self.mark(database)
        deadline = time.monotonic() + PATIENCE
        while True:
            lines = list(self.sandbox.ctx.runtime.logs(self.container))
            found = [next((at for at, line in enumerate(lines) if mark in line), -1) for mark in (since, until)]
            if min(found) >= 0:
                return entries(lines[found[0] + 1 : found[1]], database.name)
            if time.monotonic() > deadline:  # the engine delivers it with a delay; it keeps the last 30 MB
                raise ProofError("the log of the scratch database server can't be read, or is too long")
            time.sleep(0.05)


def start(sandbox: Sandbox, app: str, accessory: Accessory, image: str) -> Server:
    """Start it and wait until it is healthy. `image`: a name to pull, or an id on the engine. ProofError if it doesn't
    start."""
    ctx, kind, password = sandbox.ctx, sandbox.ctx.kind(accessory), secrets.token_urlsafe(18)
    network = sandbox.network("database")
    ctx.redactor.add({"scratch password": password})
    ctx.images.pull(image, lambda line: ctx.reporter.line("prove", line))
    name = names.bounded(f"{app}_proof_{sandbox.name}_{accessory.name}")
    spec = ContainerSpec(
        name=name,
        image=image,
        labels={**sandbox.labels, LABEL_ROLE: "proof", LABEL_NAME: accessory.name, LABEL_CONFIG: name},
        command=_command(accessory),
        env=kind.with_placeholders(accessory, app, password),
        networks={network: (accessory.name,)},
    )
    ctx.runtime.create(spec)
    ctx.runtime.start(name)
    try:
        wait_healthy(ctx, [(name, kind.health_of(accessory), kind.port_of(accessory))])
    except DeployFailed as error:
        raise ProofError(f"the scratch database server did not start: {error.message}") from error
    found = ctx.runtime.find(name)
    address = found.addresses.get(network, "") if found else ""
    scratch = ctx.scratch(kind.url_of(accessory, app, address, password))
    return Server(sandbox, accessory, password, name, network, scratch)


def _command(accessory: Accessory) -> tuple[str, ...]:
    words = shlex.split(accessory.command or "postgres")
    if words[0] != "postgres":  # an unknown wrapper
        words = ["postgres"]
    return (*words, *(part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")))


def entries(lines: Sequence[str], database: str) -> list[Entry]:
    """The entries of one database."""
    made: list[Entry] = []
    ours = False  # whether the previous line is one of them, which this one may continue
    for line in lines:
        found = LINE.match(line)
        if found:
            ours = found[3] == database
            if ours:
                made.append(Entry(found[1], int(found[2]), found[4], found[5]))
        elif ours and line.startswith("\t"):
            made[-1] = dataclasses.replace(made[-1], text=f"{made[-1].text}\n{line[1:]}")
        else:
            ours = False
    return made
