"""The sandbox of a proof on an engine: its own networks and containers, with a name that shows whether its process is
alive. The next proof removes leftovers of a dead one."""

from __future__ import annotations

import fcntl
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_CONFIG, LABEL_NAME, LABEL_PROOF, LABEL_ROLE, ContainerSpec
from shipway.domain.errors import ShipwayError
from shipway.domain.plan import LOCAL
from shipway.domain.value import dataclass
from shipway.steps.container import capture
from shipway.system.parallel import attempt_all, side_by_side

CLEANING = 60.0  # seconds
POLL = 0.2  # seconds between checks of `cancelled`


@dataclass(frozen=True)
class Sandbox:
    """The sandbox of one proof. Everything with its labels is removed from the engines when the proof ends."""

    ctx: Context
    app: str
    name: str
    _file: Path  # locked while the process runs; lists the networks and the hosts used

    @property
    def labels(self) -> dict[str, str]:
        """Labels that mark a container as this proof's, and as no environment's."""
        return {LABEL_APP: self.app, LABEL_PROOF: self.name}

    def network(self, part: str) -> str:
        """Create a network that can't reach the outside: a proof with an environment's secrets must not send its mail
        or charge its cards."""
        name = names.bounded(f"shipway_proof_{self.app}_{self.name}_{part}")
        self._note(f"network {name}")  # before it is created
        self.ctx.runtime.ensure_network(name, self.labels, internal=True)
        return name

    def folder(self, image: str) -> Path:
        """A folder of this machine that containers can mount; it is removed with the proof, if need be as the user of this
        image."""
        found = _folder(self.ctx, self.name)
        self._note(f"image {image}")
        found.mkdir(parents=True, exist_ok=True, mode=0o700)
        return found

    def on(self, host: str) -> Context:
        """Another host that the proof is about to use."""
        if host != self.ctx.machine.name:
            self._note(f"host {host}")
        return self.ctx.on(host)

    def _note(self, line: str) -> None:
        with self._file.open("a") as file:
            file.write(line + "\n")


@contextmanager
def open_sandbox(ctx: Context, app: str) -> Iterator[Sandbox]:
    """A new sandbox, after removing leftovers of dead ones; it is removed at the end."""
    folder = ctx.home / "proofs"
    folder.mkdir(parents=True, exist_ok=True)
    clean_up(ctx)
    name = uuid.uuid4().hex[:10]
    path = folder / name
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        over = threading.Event()
        threading.Thread(target=_end_when_cancelled, args=(ctx, path, over), daemon=True).start()
        try:
            yield Sandbox(ctx, app, name, path)
        finally:
            over.set()
            _remove(ctx, path)


def clean_up(ctx: Context) -> list[str]:
    """Remove leftovers of proofs whose process died; returns their names."""
    gone = []
    for path in sorted((ctx.home / "proofs").glob("*")):
        try:
            with path.open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(ctx, path)
                gone.append(path.name)
        except BlockingIOError:  # its process runs
            pass
    return gone


def _end_when_cancelled(ctx: Context, path: Path, over: threading.Event) -> None:
    """On cancellation, remove the containers under a waiting migration, which might never end."""
    while not over.wait(POLL):
        if ctx.cancelled.is_set():
            try:
                for item in ctx.runtime.list({LABEL_PROOF: path.name}):
                    ctx.runtime.remove(item.id)
            except ShipwayError:  # the next check tries again, and `_remove` reports it
                pass


def _remove_containers(ctx: Context, host: str, proof: str) -> None:
    """And their volumes, which hold nothing of an environment."""
    runtime = ctx.on(host).runtime
    side_by_side(runtime.remove, [item.id for item in runtime.list({LABEL_PROOF: proof})])
    volumes = [item.name for item in runtime.objects({LABEL_PROOF: proof}) if item.kind == "volume"]
    side_by_side(runtime.remove_volume, volumes)


def _folder(ctx: Context, proof: str) -> Path:
    return ctx.home / "proof-files" / proof


def _remove(ctx: Context, path: Path) -> None:
    """If an engine is unreachable, the file is kept for the next clean-up."""
    noted = [line.split(" ", 1) for line in path.read_text(encoding="utf-8").splitlines()]
    try:
        hosts = [LOCAL, *(value for kind, value in noted if kind == "host")]
        networks = dict.fromkeys(value for kind, value in noted if kind == "network")
        attempt_all(
            *(partial(_remove_containers, ctx, host, path.name) for host in hosts),
            *(partial(ctx.runtime.remove_network, network) for network in networks),
        )
    except ShipwayError as error:
        ctx.reporter.note(
            f"leftovers of proof {path.name} could not be removed, the next proof retries: {error.message}"
        )
        return
    folder, image = _folder(ctx, path.name), next((value for kind, value in noted if kind == "image"), "")
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():  # with files of users in containers
        _empty(ctx, path.name, image, folder)
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        ctx.reporter.note(f"{folder} has copies of a database that could not be removed: remove the folder")
    path.unlink(missing_ok=True)


def _empty(ctx: Context, proof: str, image: str, folder: Path) -> None:
    """Remove its files in a container, by which they were made."""
    labels = {LABEL_PROOF: proof, LABEL_ROLE: "proof", LABEL_NAME: "files", LABEL_CONFIG: proof}
    spec = ContainerSpec(
        name=names.bounded(f"shipway_proof_{proof}_files"), image=image, labels=labels, entrypoint=("find",),
        command=("/proof", "-mindepth", "1", "-delete"), volumes={str(folder): "/proof"},
    )  # fmt: skip
    with suppress(ShipwayError):
        capture(ctx, spec, timeout=CLEANING)
