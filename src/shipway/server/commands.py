"""Commands that a person starts on a page: the same as on the command line, as processes of their own."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from shipway.actions.people.acting import TOKEN_VARIABLE
from shipway.domain.value import dataclass
from shipway.system.acting import REQUEST, acting
from shipway.system.actor import DELEGATION
from shipway.system.background import own_command, own_variables
from shipway.system.plain import plain
from shipway.system.process import Completed, run
from shipway.system.redact import Redactor

TIMEOUT = 60.0  # seconds for a command whose answer is waited for
PIECE = 1 << 16  # bytes that are read at once
SOON = 3.0  # seconds within which a command that can't begin says so

Read = Callable[[float], Awaitable[tuple[list[str], bool]]]


@dataclass(frozen=True)
class Commands:
    """Runs `shipway` for people whose identity was proven and who may do it."""

    home: Path
    redactor: Redactor

    def answer(self, person: str, words: Sequence[str], delegation: str = "") -> Completed:
        """Run it to its end. Its output is without secrets and control characters."""
        done = run(self._command(person, words), cwd=Path("/"), env=variables_for(delegation), timeout=TIMEOUT)
        return Completed(done.code, plain(self.redactor.text(done.output)))

    def start(self, person: str, words: Sequence[str], delegation: str = "") -> Completed | None:
        """Start it: it goes on if this process ends. Returns how it ended if it did so soon; None: it has begun."""
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                self._command(person, words), cwd="/", env=variables_for(delegation), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                code = process.wait(SOON)
            except subprocess.TimeoutExpired:
                threading.Thread(target=process.wait, daemon=True).start()  # fetches its exit code, as the system asks
                return None
            log.seek(0)
            return Completed(code, plain(self.redactor.text(log.read().decode("utf-8", "replace"))))

    @asynccontextmanager
    async def follow(self, person: str, words: Sequence[str], delegation: str = "") -> AsyncIterator[Read]:
        """Start it, and stop it at the end of the block. Yields what reads the next lines of its output, for at most so many
        seconds: with whether it has ended. What it masks itself is masked."""
        process = await asyncio.create_subprocess_exec(
            *self._command(person, words), cwd="/", env=variables_for(delegation), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        output, rest = process.stdout, b""

        async def read(seconds: float) -> tuple[list[str], bool]:
            nonlocal rest
            try:
                data = await asyncio.wait_for(output.read(PIECE), seconds)
            except TimeoutError:
                return [], False
            *lines, rest = (rest + data).split(b"\n")
            return [line.decode("utf-8", "replace") for line in lines], not data

        try:
            yield read
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def _command(self, person: str, words: Sequence[str]) -> list[str]:
        return own_command("--home", str(self.home), "--as", person, *words)


def variables_for(delegation: str) -> dict[str, str]:
    """Those of a command: this process's own, with the number of the request that the command does, as recorded in the audit, with what proves for whom it is,
    and nothing that says it is for somebody else."""
    own = {name: value for name, value in own_variables().items() if name not in (TOKEN_VARIABLE, "SHIPWAY_ACTOR")}
    return {**own, REQUEST: str(acting().entry), DELEGATION: delegation}
