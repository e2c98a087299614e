"""Run a tool that must not be killed while it writes its state."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from shipway.domain.errors import InfraError
from shipway.system.process import kill_group

GRACE = 600.0  # seconds to end after an interrupt
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")  # fmt: skip
MOST = 32 << 20  # bytes of output that are kept


def environment(secrets: Mapping[str, str], **more: str) -> dict[str, str]:
    """Variables of a tool: of this machine's only what any program needs; credentials are secrets that the plan names."""
    return {key: os.environ[key] for key in KEPT if key in os.environ} | more | dict(secrets)


def run_gently(
    args: Sequence[str], cwd: Path, env: Mapping[str, str], cancelled: threading.Event, *, input: str = "",
    on_line: Callable[[str], None] = lambda line: None, on_stdout: bool = False,
) -> tuple[int, str, str]:  # fmt: skip
    """Exit code, stdout and stderr. on_line gets the lines of stderr, with on_stdout those of both. When it is interrupted, the
    tool gets one SIGINT and time to end, then KeyboardInterrupt is raised."""
    try:
        process = subprocess.Popen(
            args, cwd=cwd, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise InfraError(f"{args[0]} can't be run: {error.strerror}") from error
    assert process.stdin
    assert process.stdout
    assert process.stderr
    found: dict[str, list[str]] = {"out": [], "err": []}
    readers = [
        threading.Thread(
            target=_read, args=(process.stdout, found["out"], on_line if on_stdout else None), daemon=True
        ),
        threading.Thread(target=_read, args=(process.stderr, found["err"], on_line), daemon=True),
    ]
    for reader in readers:
        reader.start()
    interrupted = False
    try:
        threading.Thread(target=_feed, args=(process, input), daemon=True).start()
        while process.poll() is None:
            try:
                if cancelled.is_set() and not interrupted:
                    raise KeyboardInterrupt
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                on_line("interrupted: waiting until it has ended, so that its state stays whole")
                os.killpg(process.pid, signal.SIGINT)
                try:
                    process.wait(GRACE)
                except subprocess.TimeoutExpired:
                    break
    finally:
        if process.poll() is None:
            kill_group(process)
            process.wait()
        for reader in readers:
            reader.join(10)
    if interrupted:
        raise KeyboardInterrupt
    return process.returncode, "".join(found["out"]), "".join(found["err"])


def _feed(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin
    try:
        process.stdin.write(text)
        process.stdin.close()
    except OSError:  # it reads nothing, or has ended
        return


def _read(stream: object, kept: list[str], on_line: Callable[[str], None] | None) -> None:
    size = 0
    for line in stream:  # type: ignore[attr-defined]
        size += len(line)
        if size <= MOST:
            kept.append(line)
        if on_line and line.strip():
            on_line(line.rstrip("\n"))
