"""The stored output of a step: each line once, even if another process resumes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from shipway.steps.container import Enough

LARGEST = 256 << 20  # bytes of one attempt's output that are stored
UNKNOWN = "(from here on lines may be missing or repeated: the Docker Engine no longer has the whole output)"


class StepLog:
    """Writes redacted lines to a file, and shows them.

    resumed_at: the offset in bytes of a resumed container's output. `line` receives that output from its beginning again;
    what the file already has is neither written nor shown again.
    """

    def __init__(
        self, path: Path, redact: Callable[[str], str], show: Callable[[str], None], *, resumed_at: int | None = None
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._again = resumed_at is not None and path.exists()
        self._file = path.open("r+b" if self._again else "w+b")
        self._redact, self._show = redact, show
        self._full = False
        if resumed_at is not None and self._again:
            self._file.seek(min(resumed_at, path.stat().st_size))
        self._begin = self._file.tell()

    @property
    def position(self) -> int:
        """Offset in bytes of the next line."""
        return self._file.tell()

    def line(self, text: str) -> None:
        """Store and show it, unless it is there already, or the log is full: then its last line is a note about that."""
        for part in map(self._redact, text.split("\n")):
            if self._full:
                return
            if self._file.tell() - self._begin + len(part) >= LARGEST:
                self._full = True
                part = f"(the output is truncated here: only its first {LARGEST >> 20} MB are kept; the step continues)"
            self._put(part)

    def follow(self, text: str) -> None:
        """The same for a container's output: raises Enough when no more is wanted."""
        if self._full:
            raise Enough
        self.line(text)

    def say(self, text: str) -> None:
        """Write a message of Shipway, even to a full log."""
        self._put(text)

    def _put(self, part: str) -> None:
        data = part.encode(errors="replace") + b"\n"
        if not self._is_there(data):
            self._write(data)
            self._show(part)

    def cut(self) -> None:
        """Discard what a previous process wrote after this position: it will be repeated."""
        self._again = self._full = False
        self._file.truncate()
        self._begin = self._file.tell()

    def _is_there(self, data: bytes) -> bool:
        if not self._again:
            return False
        begin = self._file.tell()
        kept = self._file.readline()
        if kept == data:
            return True
        self._again = False
        if kept.endswith(b"\n"):
            self._file.seek(0, 2)
            self._write(UNKNOWN.encode() + b"\n")
        else:  # the end, or a line truncated when the process ended
            self._file.seek(begin)
            self._file.truncate()
        return False

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()

    def __enter__(self) -> StepLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
