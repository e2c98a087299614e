"""A process that runs one command of a project's Alembic after the other, each in a fork: a command then takes the time
of its work, not of a start of Python and of imports."""

from __future__ import annotations

import json
import os
import select
import subprocess
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from shipway.domain.value import dataclass
from shipway.drivers.database.alembic import start_command
from shipway.system.process import CHUNK, kill_group
from shipway.system.variables import for_others

TIMED_OUT = 124  # as of timeout(1)
OTHER = 65  # see alembic_program


@dataclass(frozen=True)
class Answer:
    """Exit code and output of a command. ended: the process can't run another one. threads: it has some, so that it can't
    fork safely, and another process couldn't either."""

    code: int
    output: str
    ended: bool = False
    threads: bool = False


class Worker:
    """Starts with the first command. A command that takes too long is killed with its worker; the next one starts a new
    worker, as it does if the worker died. `folder` contains alembic.ini."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._process: _Process | None = None
        self._started_with = ""  # the database that packages may know which all commands share

    def run(self, arguments: Sequence[str], env: Mapping[str, str], name: str, timeout: float) -> Answer:
        """Run a verb with its operands on the database called `name`. The code is OTHER if env.py would use another one:
        then it must run in a process of its own."""
        with self._guard:
            if self._process is None:
                self._process = _Process(start_command(str(self._folder), "serve"), env)
                self._started_with = name
            request = json.dumps({"argv": list(arguments), "env": dict(env), "name": name})
            answer = None
            try:
                answer = self._process.ask(request, timeout)
            finally:
                if answer is None or answer.ended:
                    self._end()
            if answer.code and self._started_with != name and self._started_with in answer.output:
                return replace(answer, code=OTHER)
            return answer

    def close(self) -> None:
        with self._guard:
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


class _Process:
    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env={**for_others(), **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        self.end = weakref.finalize(self, _end, self._process)  # at the latest when this process exits

    def ask(self, request: str, timeout: float) -> Answer:
        output: list[str] = []
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()
            for line in self._lines(timeout):
                part = json.loads(line)
                if "code" in part:
                    return Answer(part["code"], "".join(output), threads=part["threads"])
                output.append(part["output"])
        except TimeoutError:
            return Answer(TIMED_OUT, "".join(output), ended=True)
        except BrokenPipeError:
            pass
        return Answer(self._process.wait() or 1, "".join(output) + self._printed(), ended=True)

    def _lines(self, timeout: float) -> Iterator[bytes]:
        """The next lines that it answers, until its end. TimeoutError after so many seconds."""
        assert self._process.stdout is not None
        file, deadline, begun = self._process.stdout.fileno(), time.monotonic() + timeout, b""
        poll = select.poll()
        poll.register(file, select.POLLIN)
        while True:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            data = os.read(file, CHUNK)
            if not data:
                return
            *lines, begun = (begun + data).split(b"\n")
            yield from lines

    def _printed(self) -> str:
        """Why it didn't start: it prints nothing else itself."""
        assert self._process.stderr is not None
        return self._process.stderr.read().decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    kill_group(process)
    process.wait()
    for file in (process.stdin, process.stdout, process.stderr):
        if file is not None:
            with suppress(BrokenPipeError):  # of a request that it never read
                file.close()
