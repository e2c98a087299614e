"""Run a command: its lines as they come, and nothing of it left behind."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GRACE = 2.0  # seconds from SIGTERM to SIGKILL
TICK = 0.1  # seconds between looks whether the command has exited while another process keeps its output open
CHUNK = 1 << 16


@dataclass(frozen=True)
class Completed:
    """Exit code (minus the signal's number where one ended it) and output, stdout and stderr together."""

    code: int
    output: str


class ProcessTimeout(TimeoutError):
    """The command took longer than it may; `output` is what it wrote until then."""

    def __init__(self, command: str, timeout: float, output: str) -> None:
        super().__init__(f"`{command}` was stopped after {timeout:g} s")
        self.output = output


def run(
    args: Sequence[str],
    *,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes | str | None = None,
    timeout: float | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run to the end, in a process group of its own (a Ctrl-C at the terminal reaches only the caller).

    Lines (undecodable bytes replaced) reach on_line as they come, without their line end. env None: the caller's.
    At the end, on a time-out (ProcessTimeout) and on any exception in the caller or in on_line, the whole group is
    ended: also what the command left in the background. FileNotFoundError where there is no such command.
    """
    process = subprocess.Popen(
        args, cwd=cwd, env=env, bufsize=0, start_new_session=True,
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    deadline = None if timeout is None else time.monotonic() + timeout
    lines: list[str] = []
    grace = GRACE
    try:
        _feed(process, input)
        for line in _lines(process, deadline):
            lines.append(line)
            if on_line:
                on_line(line)
        grace = 0.0
    except TimeoutError:
        if deadline is None or time.monotonic() < deadline:
            raise  # on_line's own
        raise ProcessTimeout(args[0], timeout or 0.0, _joined(lines)) from None
    finally:
        _end(process, grace)
    return Completed(process.returncode, _joined(lines))


def _joined(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _feed(process: subprocess.Popen[bytes], input: bytes | str | None) -> None:
    stdin = process.stdin
    if stdin is None or input is None:
        return
    data = input.encode() if isinstance(input, str) else input

    def write() -> None:
        try:
            stdin.write(data)
        except (BrokenPipeError, ValueError):
            pass  # it doesn't want all of its input
        finally:
            stdin.close()

    threading.Thread(target=write, daemon=True).start()


def _lines(process: subprocess.Popen[bytes], deadline: float | None) -> Iterator[str]:
    rest = b""
    for chunk in _chunks(process, deadline):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield _text(line)
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")


def _chunks(process: subprocess.Popen[bytes], deadline: float | None) -> Iterator[bytes]:
    """What it writes, until it has exited. TimeoutError at the deadline."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            exited = _exited(process)
            ready = selector.select(0 if exited else _left(deadline, TICK))
            if ready:
                chunk = os.read(process.stdout.fileno(), CHUNK)
                if not chunk:
                    break
                yield chunk
            elif exited:
                return  # a process in the background keeps the output open; it is ended with the group
            _left(deadline, TICK)
    while not _exited(process):  # it closed its output and goes on
        time.sleep(_left(deadline, 0.005))


def _left(deadline: float | None, most: float) -> float:
    if deadline is None:
        return most
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(most, left)


def _exited(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has exited, without reaping it: its number, the group's, stays taken until the group is ended."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes], grace: float) -> None:
    try:
        if not _exited(process):
            os.killpg(process.pid, signal.SIGTERM)
            until = time.monotonic() + grace
            while not _exited(process) and time.monotonic() < until:
                time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()
