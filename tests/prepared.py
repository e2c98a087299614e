"""Commands without their start: a server that has loaded Shipway forks for each one. A third of what a short command takes is
loading the interpreter and the modules, and a run of the tests starts about a thousand.

What depends on the process itself (signals, its arguments in a list of processes, a terminal) starts the real command.
"""

from __future__ import annotations

import array
import atexit
import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

LOADED = ("click", "yaml", "jsonschema", "sqlite3", "rich", "asyncio")  # imported late by the commands


def run(
    args: Sequence[str], cwd: Path, env: Mapping[str, str], *, merged: bool, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run(["shipway", *args])` with this text as input. merged: stderr is part of stdout."""
    new = tempfile.TemporaryFile
    with new() as given, new() as output, new() as errors, socket.socket(socket.AF_UNIX) as wire:
        given.write(text.encode())
        given.seek(0)
        wire.connect(_server())
        files = [given.fileno(), output.fileno(), output.fileno() if merged else errors.fileno()]
        wire.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))])
        wire.sendall(json.dumps({"args": list(args), "cwd": str(cwd), "env": dict(env)}).encode() + b"\n")
        code = wire.makefile().readline()
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace").replace("\r\n", "\n"))
    return subprocess.CompletedProcess(["shipway", *args], int(code) if code else -9, *texts)


@cache
def _server() -> str:
    """The address of this process's server, which ends with it."""
    address = os.path.join(tempfile.mkdtemp(prefix="prepared-"), "socket")
    command = [sys.executable, "-m", "tests.prepared", address]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1])
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    atexit.register(_end, server)
    return address


def _end(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        server.wait(10)  # the time that it and its commands took counts as this process's


def _load() -> None:
    import importlib
    import pkgutil

    import shipway

    for module in pkgutil.walk_packages(shipway.__path__, "shipway."):
        parts = module.name.split(".")
        if not {"testing", "inside", "__main__"} & set(parts) and not module.name.endswith("_program"):
            importlib.import_module(module.name)
    for name in LOADED:
        importlib.import_module(name)


def _serve(address: str) -> None:
    import selectors
    import signal

    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as selector:
        listening.bind(address)
        listening.listen(32)
        signal.signal(signal.SIGCHLD, _reap)
        selector.register(listening, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)
        os.write(1, b"ready\n")
        while True:
            if any(key.fileobj == 0 for key, _ in selector.select()):
                os.unlink(address)
                os.rmdir(os.path.dirname(address))
                return
            wire, _ = listening.accept()
            if not os.fork():
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listening.close()
                selector.close()
                _command(wire)
            wire.close()


def _reap(*_: object) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _command(wire: socket.socket) -> None:
    """In the process of the command: never returns."""
    import threading

    from shipway.cli import main

    _, ancillary, _, _ = wire.recvmsg(1, socket.CMSG_SPACE(3 * 4))
    files = array.array("i", ancillary[0][2])
    for place, file in enumerate(files):
        os.dup2(file, place)
        os.close(file)
    asked = json.loads(wire.makefile().readline())
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["shipway", *asked["args"]]
    sys.modules["__main__"].__package__ = ""  # usage lines name the command
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        code = 1
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        wire.sendall(f"{code}\n".encode())
        os._exit(code)


if __name__ == "__main__":
    _load()
    gc.collect()
    gc.freeze()  # so that commands share its memory
    _serve(sys.argv[1])
