"""A disposable database server in a container of this machine's engine, for proofs without a plan."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field

from shipway.domain.container import LABEL_APP, LABEL_PROOF, LABEL_ROLE, ContainerSpec, Publish
from shipway.domain.errors import DeployFailed, EngineError, ProofError, RegistryError, ShipwayError
from shipway.domain.image import base_name
from shipway.domain.value import dataclass
from shipway.drivers.shared import SHARED, port_taken
from shipway.ports import Images, OneOff, Runtime
from shipway.system.alive import is_gone, this_process
from shipway.system.redact import of_process

LABEL_OWNER = "shipway.owner"  # the process that removes it
ROLE = "folder"
READY = 180.0  # seconds from its start until it must answer
PAUSE = 0.1  # seconds between attempts
ATTEMPTS = 5  # to publish it on a port that was free a moment ago
HINT = "pass a running server: --database URL"


@dataclass(frozen=True)
class _Kind:
    image: str  # by default
    port: int
    url: str  # with {password} and {port}
    variables: tuple[str, ...]  # that take the password
    command: tuple[str, ...]
    client: Mapping[str, str] = field(default_factory=dict)  # variables of its client programs
    names: tuple[str, ...] = field(default=())  # base names of images; any other is the first kind's


def _settings(**values: object) -> tuple[str, ...]:
    return tuple(word for name, value in values.items() for word in ("-c", f"{name}={value}"))


# Durability is off: the server is disposable.
KINDS: Mapping[str, _Kind] = {
    "postgres": _Kind(
        "postgres:15", 5432, "postgresql://postgres:{password}@127.0.0.1:{port}/postgres", ("POSTGRES_PASSWORD",),
        ("postgres", *_settings(fsync="off", synchronous_commit="off", full_page_writes="off", autovacuum="off")),
        {"PGUSER": "postgres"}, ("postgres", "postgis", "pgvector", "timescaledb"),
    ),
    "mysql": _Kind(
        "mysql:8.4", 3306, "mysql://root:{password}@127.0.0.1:{port}", ("MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"),
        ("--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"),
        {}, ("mysql", "mariadb", "percona", "percona-server", "mysql-server"),
    ),
}  # fmt: skip


def kind_of(image: str) -> str | None:
    """The dialect of an image by its name; None if that doesn't tell it."""
    return next((name for name, kind in KINDS.items() if base_name(image) in kind.names), None)


@contextmanager
def own_server(
    runtime: Runtime, images: Images, dialect: str, image: str | None, ready: Callable[[str], object],
    on_pull: Callable[[str], None] = lambda line: None,
) -> Iterator[tuple[str, OneOff]]:  # fmt: skip
    """The URL of a new server, as its superuser, and what runs a command in its container, with the variables of its client
    programs. It is removed at the end, and so are those of processes that died.
    image: None is the dialect's default. ready: raises ProofError while the server at a URL doesn't answer. on_pull:
    receives the progress of a pull. ProofError if it can't be started."""
    kind = KINDS[dialect]
    image = image or kind.image
    name = f"shipway_folder_{os.getpid()}_{secrets.token_hex(4)}"
    try:
        runtime.ping()
        remove_leftovers(runtime)
        images.pull(image, on_pull)
    except (EngineError, RegistryError) as error:
        raise ProofError(f"no server can be started in a container: {error.message}", hint=_hint(error)) from error

    def client(command: Sequence[str]) -> tuple[int, str]:
        return runtime.execute(name, command, environment=kind.client, kept=True)

    try:
        yield _start(runtime, kind, image, name, ready), client
    finally:
        with suppress(EngineError):  # the next one removes it
            runtime.remove(name)


def remove_leftovers(runtime: Runtime) -> list[str]:
    """Remove servers of processes of this machine that died; returns their names."""
    gone = [
        item
        for item in runtime.list({LABEL_APP: SHARED, LABEL_ROLE: ROLE})
        if is_gone(item.labels.get(LABEL_OWNER, ""))
    ]
    for item in gone:
        runtime.remove(item.id)
    return [item.name for item in gone]


def _start(runtime: Runtime, kind: _Kind, image: str, name: str, ready: Callable[[str], object]) -> str:
    password = secrets.token_urlsafe(18)
    of_process().add({"scratch password": password})
    for attempt in range(1, ATTEMPTS + 1):
        port = _free_port()
        try:
            runtime.create(_spec(kind, image, name, password, port))
            runtime.start(name)
            break
        except (EngineError, DeployFailed) as error:
            if attempt == ATTEMPTS or not (isinstance(error, EngineError) and port_taken(error)):
                raise ProofError(f"the server {image} can't be started: {error.message}", hint=_hint(error)) from error
            runtime.remove(name)
    url = kind.url.format(password=password, port=port)
    _wait(runtime, name, image, lambda: ready(url))
    return url


def _spec(kind: _Kind, image: str, name: str, password: str, port: int) -> ContainerSpec:
    return ContainerSpec(
        name=name,
        image=image,
        labels={LABEL_APP: SHARED, LABEL_ROLE: ROLE, LABEL_PROOF: name, LABEL_OWNER: this_process()},
        command=kind.command,
        env=dict.fromkeys(kind.variables, password),
        publish=(Publish(kind.port, port),),
    )


def _wait(runtime: Runtime, name: str, image: str, ready: Callable[[], object]) -> None:
    deadline = time.monotonic() + READY
    while True:
        try:
            ready()
            return
        except ProofError as error:
            found = runtime.find(name)
            late = time.monotonic() > deadline
            if found is None or not found.running or late:
                lines = list(runtime.logs(name, tail=10)) if found else []
                why = f"it did not answer within {READY:g} s: {error.message}" if late else "it exited"
                text = "\n".join([f"the server {image} can't be used: {why}", *(f"  │ {line}" for line in lines)])
                raise ProofError(text, hint=HINT) from error
        time.sleep(PAUSE)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _hint(error: ShipwayError) -> str:
    return f"{HINT}; or: {error.hint}" if error.hint else HINT
