"""A process that has loaded what `shipway hook` needs, and waits for a push: the start of Python takes longer than all that a hook
does. The other side is `system/hook_client.py`."""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from shipway.system.hook_client import FIRST, LOST, SOCKET, TAKEN, UNTAKEN
from shipway.system.installation import changed_at

LOADED = (
    "shipway.cli.hook", "shipway.cli.output", "shipway.app", "shipway.actions.runs.queue", "shipway.actions.audit.recorded",
    "shipway.actions.people.commanded", "shipway.actions.people.identify", "shipway.store.sqlite", "shipway.store.ledger",
    "shipway.drivers.credentials", "shipway.drivers.runtime.docker",
    "shipway.system.git.repository", "shipway.system.turns", "shipway.system.recorder", "shipway.system.umask", "concurrent.futures",
)  # fmt: skip
PATIENCE = 5.0  # seconds for a client to say what it wants
LARGEST = 16 << 20  # bytes of that


def main(folder: Path) -> None:
    """Work on one push, as `shipway hook` does, and end. Ends without one when stdin does, as the server's end of it. Only
    this user reaches the folder of the server."""
    version = changed_at()
    for name in LOADED:
        import_module(name)
    os.chdir(folder)
    own = f"{SOCKET}.{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(own)
        os.chmod(own, 0o600)
        listener.listen(1)
        os.rename(own, SOCKET)
        mine = os.stat(SOCKET).st_ino
        try:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            connection = listener.accept()[0] if listener in ready else None
        finally:
            with suppress(OSError):
                if os.stat(SOCKET).st_ino == mine:  # and not the next one's
                    os.unlink(SOCKET)
    if connection is not None and version == changed_at():
        with connection:
            _work(connection)


def _work(connection: socket.socket) -> None:
    given = _given(connection)
    if given is None:
        return
    arguments, streams = given
    try:
        connection.sendall(TAKEN)
    except OSError:  # it waits no longer
        return
    for number, stream in enumerate(streams):  # the server sees that stdout is closed, and starts another process
        os.dup2(stream, number)
        os.close(stream)
    over = threading.Event()
    threading.Thread(target=_watch, args=(connection, over), daemon=True).start()
    code = _run(arguments)
    over.set()
    with suppress(OSError):
        connection.sendall(bytes([LOST if code == UNTAKEN else code & 0xFF]))


def _given(connection: socket.socket) -> tuple[list[str], list[int]] | None:
    """Become the process that the client would be: its arguments, and its streams. None: it is another user, or went away."""
    _, user, _ = struct.unpack(
        "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    )
    if user != os.getuid():
        return None
    connection.settimeout(PATIENCE)
    streams = list[int]()
    try:
        head, streams, _, _ = socket.recv_fds(connection, FIRST, 3)
        length = int.from_bytes(head, "big")
        if len(head) != FIRST or len(streams) != 3 or length > LARGEST:
            return None
        body = bytearray()
        while len(body) < length:
            part = connection.recv(length - len(body))
            if not part:
                return None
            body += part
        connection.settimeout(None)
        here, umask, count, *rest = bytes(body).split(b"\0")
        os.chdir(here)
    except OSError:
        return None
    os.umask(int(umask))
    os.environb.clear()
    os.environb.update(item.split(b"=", 1) for item in rest[int(count) :])  # type: ignore[misc]
    return [os.fsdecode(word) for word in rest[: int(count)]], streams


def _watch(connection: socket.socket, over: threading.Event) -> None:
    """A client that goes is as a signal to its process."""
    with suppress(OSError):
        if not connection.recv(1) and not over.is_set():
            os.kill(os.getpid(), signal.SIGTERM)


def _run(arguments: list[str]) -> int:
    from shipway.cli import main as shipway

    with suppress(OSError):  # what `ps` and `top` show
        Path("/proc/self/comm").write_text("shipway hook", encoding="ascii")
    sys.argv = ["shipway", *arguments]
    try:
        shipway()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
