"""The template database: a masked copy of the target's database on the scratch server. All other databases of a proof
are clones.

A dump streams between the servers in one container attached to both networks, or through a file if they are on
different hosts. Both are addressed by names that only one container has.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field

from shipway.context import Context
from shipway.domain import names
from shipway.domain.accessory import DatabaseLogin
from shipway.domain.container import LABEL_NAME, LABEL_ROLE, ContainerSpec
from shipway.domain.disk import relief
from shipway.domain.errors import DiskFull, EngineError, ProofError
from shipway.domain.plan import Accessory, Proving
from shipway.domain.proof import DATA
from shipway.domain.size import readable
from shipway.domain.value import dataclass
from shipway.ports import DatabaseServer, ScratchDatabase
from shipway.ports.server import COPY_FOLDER, Operation
from shipway.proving.server import Server
from shipway.steps.container import TIMED_OUT, run_container
from shipway.steps.database_server import ask, file_mount
from shipway.system.tars import of_files

TAIL = 8
COPIES = 6  # times the target's size: the template, and simultaneous clones
SPARE = 300_000_000  # bytes: for the server, its write-ahead log, and what migrations add
FILE = "/tmp/template.sql.gz"
BEGIN = "shipway-dump"  # the line before a dump among a job's output


@dataclass(frozen=True)
class Target:
    """An environment's running database. ctx: of its host."""

    ctx: Context
    app: str
    environment: str
    accessory: Accessory
    password: str  # of an external one, its address
    labels: Mapping[str, str] = field(default_factory=dict)  # of containers that read it

    @property
    def driver(self) -> DatabaseServer:
        """Of its server."""
        return self.ctx.servers[self.accessory.kind]

    @property
    def container(self) -> str:
        """Name of the container, unique on its engine."""
        return names.accessory(self.app, self.environment, self.accessory.name)

    def image(self) -> str:
        """The exact image that it runs, by id; of one without a container, the plan's. ProofError if it doesn't run."""
        if not self.accessory.in_container or not self.ctx.machine.executes:
            return self.accessory.image
        found = self.ctx.runtime.find(self.container)
        if found is None or not found.running:
            state = found.state if found else "missing"
            raise ProofError(
                f"the database of {self.environment} can't be read: its container {self.container} is {state}",
                hint="`shipway doctor` lists what is missing, and `--fix` starts it",
            )
        return found.image

    def size(self) -> int:
        """Size of the database in bytes."""
        code, output = self.ask("size")
        if code != 0 or not output.strip().isdigit():
            raise ProofError(f"the size of the database of {self.environment} can't be read: {output.strip()[-300:]}")
        return int(output)

    def ask(self, operation: Operation, *words: str) -> tuple[int, str]:
        """Run a command of its server; returns exit code and output."""
        labels = {**self.labels, LABEL_ROLE: "proof", LABEL_NAME: self.accessory.name} if self.labels else None
        command = self.driver.command(operation, *words)
        return ask(self.ctx, self.app, self.environment, self.accessory, self.password, command, labels=labels)

    @property
    def login(self) -> DatabaseLogin:
        """Where a client on the environment's network finds it. SecretError if the address of an external one is invalid."""
        kind = self.ctx.kind(self.accessory)
        host = self.container if self.ctx.machine.executes else self.accessory.name
        return kind.login_of(self.accessory, self.app, host, self.password)

    @property
    def role(self) -> str:
        """The role of an external one, whose rights migrations have in proofs too; empty: a superuser."""
        return self.login.user if self.accessory.external else ""


def require_space(ctx: Context, target: Target, proving: Proving) -> None:
    """DiskFull if the scratch server would fill this machine's disk, or a dump the target's."""
    size = target.size() if proving.mode == DATA else 0
    for at, needed in (
        (ctx, COPIES * size + SPARE),
        *(((target.ctx, size),) if target.ctx.machine.name != ctx.machine.name else ()),
    ):
        free = at.runtime.free_space()
        if free is not None and free < needed:
            raise DiskFull(
                f"the disk of {at.machine.name} is too full for a proof: {readable(free)} are free, and {readable(needed)} are "
                f"needed for copies of a database of {readable(size)}",
                hint=relief(at.runtime.commands),
            )


def make_template(server: Server, target: Target, proving: Proving, history: Collection[str] = ()) -> ScratchDatabase:
    """Create the template: with the target's masked rows in mode data; else only with the rows of the migration history
    tables, of which `history` names those that the driver doesn't know. ProofError if the target can't be dumped, or a mask fails on it."""
    database = server.scratch.create()
    _copy(server, target, database, proving, history)
    for rule in proving.mask:
        try:
            database.execute(rule, timeout=proving.timeout)
        except ProofError as error:
            raise ProofError(
                f"the mask `{rule}` failed on the copy: {error.message}", hint="correct `prove: mask` in the plan"
            ) from error
    return database


def _copy(
    server: Server, target: Target, database: ScratchDatabase, proving: Proving, history: Collection[str]
) -> None:
    here, driver = server.sandbox.ctx, server.driver
    mode = "data" if proving.mode == DATA else "schema"
    environment = names.network(target.app, target.environment)
    reach = {**target.driver.client(target.login), **_to(server, database)}
    if not target.ctx.machine.executes:
        _through_output(server, target, database, proving, driver.command("dump", mode, FILE, *history))
        return
    if target.ctx.machine.name == here.machine.name:
        networks, mounts = (environment, server.network), {**_file_of(target), **_folder_of(server, database)}
        _run(server, here, driver.command("copy", mode, *history), networks, reach, proving, volumes=mounts)
        return

    def load(dumped: str) -> None:
        def transfer(container: str) -> None:
            here.runtime.put(container, "/tmp", target.ctx.runtime.get(dumped, FILE))

        _run(
            server,
            here,
            driver.command("restore", FILE),
            (server.network,),
            _to(server, database),
            proving,
            before=transfer,
            volumes=_folder_of(server, database),
        )

    try:
        _run(
            server,
            target.ctx,
            driver.command("dump", mode, FILE, *history),
            (environment,),
            {**target.driver.client(target.login), "TO_USER": _to(server, database).get("TO_USER", "")},
            proving,
            after=load,
            volumes=_file_of(target),
        )
    except FileNotFoundError:
        raise ProofError(f"the dump of the database of {target.environment} is missing") from None


def _through_output(
    server: Server, target: Target, database: ScratchDatabase, proving: Proving, dump: Sequence[str]
) -> None:  # fmt: skip
    """From a cluster, where no file of a job can be read once it has ended: its dump is what it prints."""
    if proving.mode == DATA:
        raise ProofError(
            f"the rows of {target.environment} can't be copied: it is in a cluster",
            hint="set `prove: {mode: schema}` in the plan",
        )
    here, lines = server.sandbox.ctx, list[str]()
    script = f'"$@" >&2 && echo {BEGIN} && base64 {FILE}'
    reach = {**target.driver.client(target.login), "TO_USER": _to(server, database).get("TO_USER", "")}
    command = ("sh", "-c", script, "sh", *dump)
    _run(server, target.ctx, command, (), reach, proving, volumes={}, lines=lines)
    content = base64.b64decode("".join(lines[lines.index(BEGIN) + 1 :]))

    def transfer(container: str) -> None:
        here.runtime.put(container, "/tmp", iter([of_files({FILE.rpartition("/")[2]: content})]))

    restore, networks = server.driver.command("restore", FILE), (server.network,)
    folder = _folder_of(server, database)
    _run(server, here, restore, networks, _to(server, database), proving, before=transfer, volumes=folder)


def _run(
    server: Server, ctx: Context, command: Sequence[str], networks: Sequence[str], env: dict[str, str], proving: Proving,
    *, before: Callable[[str], None] | None = None, after: Callable[[str], None] | None = None, volumes: Mapping[str, str],
    lines: list[str] | None = None,
) -> None:  # fmt: skip
    lines = [] if lines is None else lines
    served = server.driver.serves and ctx is server.sandbox.ctx
    found = ctx.runtime.find(server.container) if served else None
    spec = ContainerSpec(
        name=f"{server.sandbox.app}_proof_{server.sandbox.name}_dump",
        image=found.image if found else server.accessory.image,
        labels={**server.sandbox.labels, LABEL_ROLE: "proof", LABEL_NAME: "dump"},
        entrypoint=tuple(command[:1]),
        command=tuple(command[1:]),
        env=env,
        networks=dict.fromkeys(networks, ()),
        volumes=volumes,
    )
    try:
        code = run_container(ctx, spec, on_line=lines.append, timeout=proving.timeout, before=before, after=after)
    except EngineError as error:
        raise ProofError(f"the database can't be dumped: {error.message}", hint=error.hint) from error
    if code == TIMED_OUT:
        raise ProofError(
            f"the dump took longer than {proving.timeout:g} s", hint="increase `prove: timeout` in the plan"
        )
    if code != 0:
        raise ProofError("the database can't be copied to the scratch server:\n" + "\n".join(lines[-TAIL:]))


def _file_of(target: Target) -> dict[str, str]:
    """The mount with the target's file, if no server has it."""
    return file_mount(target.app, target.environment, target.accessory)


def _folder_of(server: Server, database: ScratchDatabase) -> dict[str, str]:
    """The mount into which a copy without a server is written."""
    folder = server.folder(database)
    return {folder: COPY_FOLDER} if folder else {}


def _to(server: Server, database: ScratchDatabase) -> dict[str, str]:
    kind = server.sandbox.ctx.kind(server.accessory)
    login = kind.login_of(server.accessory, server.sandbox.app, server.container, server.password)
    if not server.driver.serves:
        return server.driver.client(login)
    return {
        "TO_HOST": login.host, "TO_PORT": str(login.port), "TO_USER": login.user, "TO_PASSWORD": login.password,
        "TO_DATABASE": database.name, **({"TO_ROLE": server.role} if server.role else {}),
    }  # fmt: skip
