"""The ground on which a proof stands on an engine: networks and containers of its own, under a name that tells whether
its process lives. What a dead one left is removed by the next."""

from __future__ import annotations

import fcntl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from shipway.context import Context, attempt_all, side_by_side
from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_PROOF
from shipway.domain.errors import ShipwayError
from shipway.domain.plan import LOCAL

POLL = 0.2  # seconds between looks at `cancelled`


@dataclass(frozen=True)
class Ground:
    """Of one proof. Everything on an engine that carries its labels goes when the proof ends."""

    ctx: Context
    app: str
    name: str
    _file: Path  # locked while the process lives; lists the networks, and the hosts where something may be

    @property
    def labels(self) -> dict[str, str]:
        """By which a container is known as this proof's, and as no environment's."""
        return {LABEL_APP: self.app, LABEL_PROOF: self.name}

    def network(self, part: str) -> str:
        """Make a network from which nothing outside can be reached: a proof with an environment's secrets must not send
        its mail or charge its cards."""
        name = names.bounded(f"shipway_proof_{self.app}_{self.name}_{part}")
        self._note(f"network {name}")  # before it is there
        self.ctx.runtime.ensure_network(name, self.labels, internal=True)
        return name

    def on(self, host: str) -> Context:
        """Another host, where something of the proof is going to be."""
        if host != self.ctx.machine.name:
            self._note(f"host {host}")
        return self.ctx.on(host)

    def _note(self, line: str) -> None:
        with self._file.open("a") as file:
            file.write(line + "\n")


@contextmanager
def ground(ctx: Context, app: str) -> Iterator[Ground]:
    """A new one, after removing what dead ones left; taken away in the end."""
    folder = ctx.home / "proofs"
    folder.mkdir(parents=True, exist_ok=True)
    sweep(ctx)
    name = uuid.uuid4().hex[:10]
    path = folder / name
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        over = threading.Event()
        threading.Thread(target=_end_when_cancelled, args=(ctx, path, over), daemon=True).start()
        try:
            yield Ground(ctx, app, name, path)
        finally:
            over.set()
            _remove(ctx, path)


def sweep(ctx: Context) -> list[str]:
    """Remove what proofs left whose process is gone; gives their names."""
    gone = []
    for path in sorted((ctx.home / "proofs").glob("*")):
        try:
            with path.open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(ctx, path)
                gone.append(path.name)
        except BlockingIOError:  # it lives
            pass
    return gone


def _end_when_cancelled(ctx: Context, path: Path, over: threading.Event) -> None:
    """Take the containers away from under whoever waits for a migration that may take for ever."""
    while not over.wait(POLL):
        if ctx.cancelled.is_set():
            try:
                for item in ctx.runtime.list({LABEL_PROOF: path.name}):
                    ctx.runtime.remove(item.id)
            except ShipwayError:  # the next look tries again, and `_remove` tells
                pass


def _remove_containers(ctx: Context, host: str, proof: str) -> None:
    runtime = ctx.on(host).runtime
    side_by_side(runtime.remove, [item.id for item in runtime.list({LABEL_PROOF: proof})])


def _remove(ctx: Context, path: Path) -> None:
    """Where an engine is away, the file stays for the next one."""
    noted = [line.split(" ", 1) for line in path.read_text().splitlines()]
    try:
        hosts = [LOCAL, *(value for kind, value in noted if kind == "host")]
        networks = dict.fromkeys(value for kind, value in noted if kind == "network")
        attempt_all(
            *(partial(_remove_containers, ctx, host, path.name) for host in hosts),
            *(partial(ctx.runtime.remove_network, network) for network in networks),
        )
    except ShipwayError as error:
        ctx.reporter.note(f"what proof {path.name} left stays until the next one: {error.message}")
        return
    path.unlink(missing_ok=True)
