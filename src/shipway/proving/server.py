"""A scratch database server: the image of the proven database, with durability disabled."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, LABEL_NAME, LABEL_ROLE, ContainerSpec
from shipway.domain.errors import DeployFailed, ProofError
from shipway.domain.plan import Accessory
from shipway.domain.server_log import ServerLog
from shipway.domain.value import dataclass
from shipway.ports import DatabaseServer, Scratch, ScratchDatabase
from shipway.proving.sandbox import Sandbox
from shipway.steps.health import wait_healthy

PATIENCE = 10.0  # seconds until logged lines must be readable
SUPERUSER = "shipway_proof"  # of a scratch server for an external one
LOOPBACK = "127.0.0.1"  # of the container itself
CLIENT_TIMEOUT = 120.0  # seconds that a command in it may be silent


@dataclass(frozen=True)
class Server:
    """The server of one proof. `accessory` is from the current release's plan; in `network` the server has its name."""

    sandbox: Sandbox
    accessory: Accessory
    password: str
    container: str  # its unique name; empty if a database is a file
    network: str
    driver: DatabaseServer
    scratch: Scratch
    role: str = ""  # as which tools and services log in, of an external server's copy; empty: the superuser

    def settled(self, database: str) -> Accessory:
        """The accessory with settings such that all derived addresses point to this database."""
        if self.accessory.file:
            return self.accessory
        kind = self.sandbox.ctx.kind(self.accessory)
        chosen = kind.with_database(self.accessory, database)
        return kind.with_user(chosen, self.role) if self.role else chosen

    def folder(self, database: ScratchDatabase) -> str:
        """The folder with the file of a database without a server; empty for others."""
        return "" if self.driver.serves else str(Path("/" + database.url.partition(":///")[2].lstrip("/")).parent)

    def join(self, network: str) -> None:
        """Make it reachable by the accessory's name in another network."""
        if not self.driver.serves:
            return
        self.sandbox.ctx.runtime.connect(network, self.container, (self.accessory.name,))

    def addresses(self) -> Mapping[str, str]:
        """Its address in each network."""
        if not self.driver.serves:
            return {}
        found = self.sandbox.ctx.runtime.find(self.container)
        return found.addresses if found else {}

    def mark(self, database: ScratchDatabase) -> str:
        """Write a mark to its log, for `log`."""
        mark = f"shipway-{uuid.uuid4().hex}"
        self.driver.mark(database, mark)
        return mark

    def log(self, database: ScratchDatabase, since: str) -> ServerLog:
        """What was logged about this database since that mark."""
        if not self.driver.serves:
            return ServerLog()
        until = self.mark(database)
        deadline = time.monotonic() + PATIENCE
        while True:
            kept = self.driver.log(database)
            lines = list(self.sandbox.ctx.runtime.logs(self.container)) if kept is None else kept
            found = [next((at for at, line in enumerate(lines) if mark in line), -1) for mark in (since, until)]
            if min(found) >= 0:
                return self.driver.read_log(lines[found[0] + 1 : found[1]], database.name)
            if time.monotonic() > deadline:  # the engine delivers it with a delay; it keeps the last 30 MB
                raise ProofError("the log of the scratch database server can't be read, or is too long")
            time.sleep(0.05)


def start(sandbox: Sandbox, app: str, accessory: Accessory, image: str, role: str = "") -> Server:
    """Start it and wait until it is healthy. `image`: a name to pull, or an id on the engine. role: of an external server.
    ProofError if it doesn't start."""
    driver = sandbox.ctx.servers[accessory.kind]
    if accessory.file:
        url = f"file://{quote(str(sandbox.folder(image)))}#{quote(accessory.file.name)}"
        return Server(sandbox, accessory, "", "", sandbox.network("database"), driver, driver.scratch(url))
    ctx, kind, password = sandbox.ctx, sandbox.ctx.kind(accessory), secrets.token_urlsafe(18)
    if accessory.external:  # its superuser must be none of the copied roles
        accessory = kind.with_user(accessory.as_container(), SUPERUSER)
    network = sandbox.network("database")
    ctx.redactor.add({"scratch password": password})
    ctx.images.pull(image, lambda line: ctx.reporter.line("prove", line))
    name = names.bounded(f"{app}_proof_{sandbox.name}_{accessory.name}")
    setup = driver.scratch_files(kind.login_of(accessory, app, LOOPBACK, password))
    spec = ContainerSpec(
        name=name,
        image=image,
        labels={**sandbox.labels, LABEL_ROLE: "proof", LABEL_NAME: accessory.name, LABEL_CONFIG: name},
        command=driver.scratch_command(accessory.command),
        env=kind.with_placeholders(accessory, app, password),
        setup=setup,
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

    def client(command: Sequence[str]) -> tuple[int, str]:
        login = driver.client(kind.login_of(accessory, app, LOOPBACK, password))
        return ctx.runtime.execute(name, command, timeout=CLIENT_TIMEOUT, environment=login, kept=True)

    scratch = driver.scratch(kind.url_of(accessory, app, address, password), client)
    return Server(sandbox, accessory, password, name, network, driver, scratch, role)
