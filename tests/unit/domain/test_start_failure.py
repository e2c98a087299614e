"""What engines and containers say of a command that can't be executed, and what a person should do."""

from __future__ import annotations

import pytest

from shipway.domain.start_failure import Refusal, explain, refusal_in
from shipway.drivers.runtime.commands import COMMANDS

OCI = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (f'{OCI}exec: "./start.sh": permission denied: unknown', Refusal("./start.sh", "permission denied")),
        (
            f'{OCI}exec: "./start.sh": stat ./start.sh: no such file or directory: unknown',
            Refusal("./start.sh", "no such file or directory"),
        ),
        (
            f'{OCI}exec: "gunicorn": executable file not found in $PATH: unknown',
            Refusal("gunicorn", "executable file not found in $PATH"),
        ),
        ("starting\nexec ./start.sh: no such file or directory", Refusal("./start.sh", "no such file or directory")),
        ("standard_init_linux.go:228: exec /start: exec format error", Refusal("/start", "exec format error")),
        ("No command specified", Refusal("", "no command")),
        ("failed to create shim task: cgroups: cannot find cgroup mount destination", None),
        ("open /data/file: permission denied", None),
        ("Error: the shell says exec ./start.sh: no such file or directory, maybe", None),
    ],
)
def test_what_they_say(text: str, refusal: Refusal | None) -> None:
    assert refusal_in(text) == refusal


@pytest.mark.parametrize(
    ("reason", "content", "says"),
    [
        ("no such file or directory", b"#!/bin/sh\r\nexec x\r\n", "CRLF"),
        ("permission denied", b"#!/bin/sh\nexec x\n", "isn't executable"),
        ("no such file or directory", b"#!/bin/bash\n", "interpreter of ./start.sh, /bin/bash"),
        ("no such file or directory", None, "isn't in the image"),
        ("exec format error", b"\x7fELF\x02", "another processor"),
        ("exec format error", b"echo hello\n", "no `#!` line"),
        ("is a directory", None, "is a folder"),
        ("no such file or directory", b"#!", "isn't in the image"),
    ],
)
def test_what_a_person_is_told(reason: str, content: bytes | None, says: str) -> None:
    why, hint = explain(Refusal("./start.sh", reason), content, COMMANDS)
    assert says in why
    assert hint


def test_an_image_without_a_command() -> None:
    why, hint = explain(Refusal("", "no command"), None, COMMANDS)
    assert "no CMD" in why
    assert "`command:`" in hint
