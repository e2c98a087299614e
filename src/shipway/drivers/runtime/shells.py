"""Shells in running containers that stay open: to start a command of its own takes an engine longer than most commands take."""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from shipway.drivers.runtime.engine import EngineRefused, segment, translated
from shipway.drivers.runtime.streams import bounded, frames

if TYPE_CHECKING:
    from shipway.drivers.runtime.engine import Engine
    from shipway.drivers.runtime.raw import RawStream

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
KILLED = 137  # the code of a command whose container ended


class Shells:
    """Those of one engine. Each runs one command at a time; share them between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._guard = threading.Lock()
        self._idle: dict[str, list[_Shell]] = {}  # by container
        weakref.finalize(self, _close_all, self._idle)

    def run(
        self, container: str, command: Sequence[str], environment: Mapping[str, str], timeout: float
    ) -> tuple[int, str] | None:
        """Exit code and output; None if the command was not started, since there is no shell, the container has ended, or no
        shell can set such a variable."""
        if not all(map(_IDENTIFIER.fullmatch, environment)):
            return None
        with self._guard:
            idle = self._idle.setdefault(container, [])
            shell = idle.pop() if idle else None
        try:
            shell = shell or _Shell(self._engine, container)
        except EngineRefused:
            return None
        try:
            found = shell.run(command, environment, timeout)
        except BaseException:
            shell.close()
            raise
        if shell.ended:
            shell.close()
            return found
        with self._guard:
            self._idle.setdefault(container, []).append(shell)
        return found

    def close(self, container: str) -> None:
        """Close those of a container."""
        with self._guard:
            shells = self._idle.pop(container, [])
        for shell in shells:
            shell.close()


class _Shell:
    """One of them. Its commands get no input."""

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine, self._mark = engine, os.urandom(16).hex()
        self._end = re.compile(rf"\n{self._mark} (\d+)\n\Z".encode())
        self.ended = False
        body = {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Tty": False, "Cmd": ["sh"]}
        made = engine.call("POST", f"/containers/{segment(container)}/exec", body=body)["Id"]
        start = {"Detach": False, "Tty": False}
        self._stream: RawStream = engine.raw("POST", f"/exec/{made}/start", body=start, upgrade=True)
        self._output = frames(self._stream.chunks())

    def run(self, command: Sequence[str], environment: Mapping[str, str], timeout: float) -> tuple[int, str] | None:
        """None if it was not started. timeout: seconds that it may be silent."""
        import shlex  # late: every command imports this module

        # By exec in a subshell: so it is never one of the shell's own commands.
        own = "".join(f"export {name}={shlex.quote(value)}; " for name, value in environment.items())
        asked = f"({own}exec {shlex.join(command)} </dev/null)"
        line = f"exec 2>&1; echo {self._mark}; {asked}; printf '\\n%s %s\\n' {self._mark} $?\n"
        with translated(self._engine.address):
            self._stream.limit(timeout)
            try:
                self._stream.write(line.encode())
            except ConnectionError:
                self.ended = True
                return None
            output = bounded(self._until_end(), command[0])
        begun, end = f"{self._mark}\n".encode(), self._end.search(output)
        start = output.find(begun)  # after what an earlier command left in the background has written
        if start < 0:  # only the engine's message, if anything
            self.ended = True
            return None
        text = output[start + len(begun) : end.start() if end else None].decode(errors="replace")
        return int(end[1]) if end else KILLED, text

    def close(self) -> None:
        self._stream.close()

    def _until_end(self) -> Iterator[bytes]:
        tail = b""
        for _, data in self._output:
            yield data
            tail = (tail + data)[-100:]
            if self._end.search(tail):
                return
        self.ended = True


def _close_all(idle: dict[str, list[_Shell]]) -> None:
    for shells in idle.values():
        for shell in shells:
            shell.close()
