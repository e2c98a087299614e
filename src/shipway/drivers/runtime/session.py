"""Sessions: connections to the input and output of a container, or of a command in a running one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shipway.domain.errors import EngineError
from shipway.drivers.runtime.engine import EngineRefused, segment, translated
from shipway.drivers.runtime.streams import frames, records

if TYPE_CHECKING:
    from shipway.drivers.runtime.engine import Engine
    from shipway.drivers.runtime.raw import RawStream

# The engine's default, Ctrl-P Ctrl-Q, would hold back each Ctrl-P, which shells use to repeat a command.
NEVER = "ctrl-@,ctrl-^,ctrl-@,ctrl-^"


class DockerSession:
    """Implements ports.Session. path: of the container or the command, for its size. ended: what it says of itself."""

    def __init__(
        self, engine: Engine, stream: RawStream, path: str, *, tty: bool, code: Callable[[], int],
        ended: Callable[[Any], bool], close: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._engine, self._stream, self._path = engine, stream, path
        self._code, self._ended, self._close = code, ended, close
        chunks = stream.chunks()
        self._output: Iterator[tuple[int, bytes]] = ((1, chunk) for chunk in chunks) if tty else frames(chunks)

    def receive(self) -> tuple[int, bytes] | None:
        with translated(self._engine.address):
            return next(self._output, None)

    def send(self, data: bytes) -> None:
        with translated(self._engine.address):
            self._stream.write(data)

    def end_input(self) -> None:
        with translated(self._engine.address):
            self._stream.end_writing()

    def resize(self, rows: int, columns: int) -> bool:
        try:
            self._engine.call("POST", f"{self._path}/resize", query={"h": rows, "w": columns})
        except EngineRefused:
            try:
                return self._ended(self._engine.call("GET", f"{self._path}/json"))
            except EngineRefused:  # the engine removed it
                return True
        return True

    def exit_code(self) -> int:
        with translated(self._engine.address):
            return self._code()

    def close(self) -> None:
        self._stream.close()
        self._close()


def attach(engine: Engine, container: str, *, tty: bool) -> DockerSession:
    """See `ports.runtime.Runtime.attach`. The exit code is read from the engine's events: its call for that answers only
    when the container's networks were removed too, which takes a fifth of a second."""
    path = f"/containers/{segment(container)}"
    query = {"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1, "detachKeys": NEVER}
    stream = engine.raw("POST", f"{path}/attach", query=query, upgrade=True)
    try:
        events = engine.raw("GET", "/events", query=_exits(container))
    except BaseException:
        stream.close()
        raise

    def code() -> int:
        event: Any = next(records(events.chunks()), None)
        if event is None:
            raise EngineError(
                f"the connection to the Docker Engine was lost, and with it how container {container} ended"
            )
        return int(event["Actor"]["Attributes"]["exitCode"])

    def ended(found: Any) -> bool:
        return found["State"]["Status"] not in ("created", "running")

    return DockerSession(engine, stream, path, tty=tty, code=code, ended=ended, close=events.close)


def _exits(container: str) -> dict[str, str]:
    """The query for the events of a container's exits."""
    return {"filters": json.dumps({"container": [container], "event": ["die"]})}


def execute(
    engine: Engine, container: str, command: Sequence[str], *, tty: bool, environment: Mapping[str, str]
) -> DockerSession:
    """See `ports.runtime.Runtime.session`."""
    body = {
        "AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Tty": tty, "Cmd": list(command),
        "Env": [f"{name}={value}" for name, value in environment.items()], "DetachKeys": NEVER,
    }  # fmt: skip
    made = engine.call("POST", f"/containers/{segment(container)}/exec", body=body)["Id"]
    path = f"/exec/{made}"
    stream = engine.raw("POST", f"{path}/start", body={"Detach": False, "Tty": tty}, upgrade=True)

    def code() -> int:
        found = engine.call("GET", f"{path}/json")["ExitCode"]
        if found is None:
            raise EngineError(f"the command in container {container} has not ended: its connection was lost")
        return int(found)

    def ended(found: Any) -> bool:
        return found["ExitCode"] is not None

    return DockerSession(engine, stream, path, tty=tty, code=code, ended=ended)
