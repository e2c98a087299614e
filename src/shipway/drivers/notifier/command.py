"""Any command: it gets the notice as JSON on stdin."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from shipway.domain.errors import NotifyError
from shipway.domain.outbox import Notice
from shipway.domain.record import to_data
from shipway.ports import NotifierAccess
from shipway.system.process import run
from shipway.system.redact import shortened
from shipway.system.variables import for_others

SHOWN = 200  # characters of its output


class CommandNotifier:
    """Implements ports.Notifier. The command runs without a shell, and without the variables that only Shipway needs."""

    def __init__(self, access: NotifierAccess) -> None:
        self._command, self._timeout = access.command, access.timeout

    def check(self) -> None:
        """It must be a program of this machine."""
        if not self._command:
            raise NotifyError("there is no command", refused=True)
        program = self._command[0]
        if shutil.which(program) is None or ("/" in program and not program.startswith("/")):
            raise NotifyError(
                f"there is no program {program!r} on this machine",
                hint="give its whole path, and make it executable",
                refused=True,
            )

    def send(self, notice: Notice) -> None:
        """Exit code 0: people were told."""
        self.check()
        text = json.dumps({**to_data(notice), "trouble": notice.trouble})
        try:
            done = run(
                self._command, cwd=Path("/"), env=for_others(), timeout=self._timeout, input=f"{text}\n".encode()
            )
        except OSError as error:
            raise NotifyError(f"the command can't be started: {error.strerror or error}") from error
        said = shortened(" ".join(done.output.split()), SHOWN)
        if done.code == 124:
            raise NotifyError(f"the command did not end within {self._timeout:g} seconds")
        if done.code != 0:
            raise NotifyError(f"the command exited with {done.code}: {said}".rstrip(": "))
