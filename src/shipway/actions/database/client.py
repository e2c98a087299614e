"""Operate on a whole database with its own image's tools: each call runs one container that prints marked lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import field

from shipway.actions.database.volume_files import VolumeFiles
from shipway.actions.environment.accessory_rules import serving_image
from shipway.actions.environment.service_volumes import volume_names
from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import Base
from shipway.domain.container import ContainerSpec
from shipway.domain.desired import Settings
from shipway.domain.disk import relief
from shipway.domain.errors import DiskFull, SnapshotFailed
from shipway.domain.plan import Accessory, Environment
from shipway.domain.release import Release
from shipway.domain.size import readable
from shipway.domain.value import dataclass
from shipway.ports import DatabaseServer
from shipway.ports.server import Operation
from shipway.steps.container import capture
from shipway.steps.database_server import file_mount

FOLDER = "/snapshots"
TIMEOUT = 6 * 3600.0
TAIL = 8
OPERATIONS = {  # those of the script, for messages
    "take": "snapshot of", "load": "restore of", "swap": "renaming", "rows": "row count of", "sweep": "clean-up of",
    "there": "inspection of", "reach": "connection to", "verify": "test restore of", "base": "copy of the files of", "recover": "restore of a time of",
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """The marked lines of a call."""

    rows: dict[str, int] = field(default_factory=dict)
    taken: tuple[int, str] | None = None  # size and digest
    there: tuple[str, ...] = ()  # databases that Shipway created
    server: str = ""  # version of the server
    shape: str = ""  # sha256 of the schema in a restored copy
    base: tuple[int, str, Base] | None = None  # size and digest of its file
    lacks: str = ""  # rights that a restore needs and the client's role lacks


@dataclass(frozen=True)
class DatabaseClient:
    """The database of an environment, by the plan of a release. ctx: of the host where it runs."""

    ctx: Context
    app: str
    environment: str
    accessory: Accessory
    server: DatabaseServer
    spec: ContainerSpec
    files: VolumeFiles | None  # of the services; None if their volumes are in no snapshot

    def run(self, what: Operation, *arguments: str) -> Answer:
        """Run an operation, see ports.DatabaseServer. SnapshotFailed with its last lines if it fails."""
        self.ctx.images.pull(self.spec.image, lambda line: None)
        program, *options = self.server.command(what, *arguments)
        spec = dataclasses.replace(self.spec, entrypoint=(program,), command=tuple(options))
        code, output = capture(self.ctx, spec, timeout=TIMEOUT)
        answer, others = _read(output)
        if code != 0:
            full = next((line.split()[1:] for line in output.splitlines() if line.startswith("shipway-full ")), None)
            if full:
                size, free = map(int, full)
                raise DiskFull(
                    f"the disk is too full for a snapshot: {readable(free)} are free, but the snapshot and its verification "
                    f"need twice the database's {readable(size)}", hint=relief(self.ctx.runtime.commands),
                )  # fmt: skip
            raise SnapshotFailed(
                f"{OPERATIONS.get(what, f'{what} of')} the database of {self.environment} failed:\n"
                + "\n".join(others[-TAIL:])
            )
        return answer


def database_client(
    ctx: Context, release: Release, environment: Environment, settings: Settings
) -> DatabaseClient | None:
    """None if the release's plan has no database with migrations, or one of a kind that Shipway doesn't copy."""
    plan = release.plan
    accessory = release.migrated
    server = ctx.servers.get(accessory.kind) if accessory else None
    if accessory is None or server is None:
        return None
    password = settings.passwords.get(accessory.name, "")
    login = ctx.kind(accessory).login_of(accessory, plan.app, accessory.name, password)
    spec = ContainerSpec(
        name=f"{plan.app}_{environment.name}_job_snapshot",
        image=serving_image(ctx, names.accessory(plan.app, environment.name, accessory.name), accessory),
        labels=names.labels(plan.app, environment.name, "job", accessory.name),
        env=server.client(login),
        networks={names.network(plan.app, environment.name): ()},
        volumes={
            names.snapshots(plan.app, environment.name, accessory.name): FOLDER,
            **file_mount(plan.app, environment.name, accessory),
        },
    )
    client = DatabaseClient(ctx, plan.app, environment.name, accessory, server, spec, None)
    return with_volumes(client, volume_names(plan, snapshot=True))


def with_volumes(client: DatabaseClient, volumes: Iterable[str]) -> DatabaseClient:
    """The same client with the files of these volumes of the services, by their names in the plan."""
    found = {name: names.volume(client.app, client.environment, name) for name in volumes}
    files = VolumeFiles(client.ctx, client.spec, found, client.accessory.file) if found else None
    return dataclasses.replace(client, files=files)


def _read(output: str) -> tuple[Answer, Sequence[str]]:
    rows: dict[str, int] = {}
    taken, there, others, base = None, [], [], None
    server = lacks = shape = ""
    for line in output.splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "shipway-rows":
            table, _, count = rest.rpartition("\t")
            rows[table] = int(count)
        elif mark == "shipway-taken":
            size, digest = rest.split()
            taken = (int(size), digest)
        elif mark == "shipway-base":
            size, digest, piece, first, ended, data = rest.split()
            base = (int(size), digest, Base(piece, int(first), float(ended), int(data)))
        elif mark == "shipway-there":
            there.append(rest)
        elif mark == "shipway-server":
            server = rest
        elif mark == "shipway-shape":
            shape = rest
        elif mark == "shipway-lacks":
            lacks = rest
        else:
            others.append(line)
    return Answer(rows, taken, tuple(there), server, shape, base, lacks), others
