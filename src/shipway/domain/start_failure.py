"""Explain why the kernel failed to execute a container's command: image errors found in an engine's error or a log."""

from __future__ import annotations

import re

from shipway.domain.engine_commands import EngineCommands
from shipway.domain.value import dataclass

_REASONS = (
    "permission denied|no such file or directory|executable file not found in \\$PATH|exec format error|is a directory"
)
_BY_ENGINE = re.compile(rf'exec: \\?"(?P<file>[^"\\]+)\\?": (?:stat [^:]+: )?(?P<reason>{_REASONS})')
_IN_LOG = re.compile(
    rf"^(?:standard_init_linux\.go:\d+: )?exec (?P<file>\S+): (?P<reason>{_REASONS})\s*$", re.MULTILINE
)
_NO_COMMAND = re.compile(r"no command specified", re.IGNORECASE)


@dataclass(frozen=True)
class Refusal:
    """A command that can't be executed. file: as in the image or plan; empty if there is no command at all."""

    file: str
    reason: str


def refusal_in(text: str) -> Refusal | None:
    """Find it in an engine's error or a container's log; None for any other failure."""
    found = _BY_ENGINE.search(text) or _IN_LOG.search(text)
    if found:
        return Refusal(found["file"], found["reason"])
    return Refusal("", "no command") if _NO_COMMAND.search(text) else None


def explain(refusal: Refusal, content: bytes | None, commands: EngineCommands) -> tuple[str, str]:
    """The problem and its remedy. content: the beginning of the file, if it could be read. commands: of the engine."""
    name = refusal.file
    first = content.split(b"\n", 1)[0] if content else b""
    if not name:
        return (
            "its image has no CMD and no ENTRYPOINT",
            "give the service a `command:` in the plan, or its Dockerfile a CMD",
        )
    if first.startswith(b"#!") and first.endswith(b"\r"):
        return (
            f"{name} has Windows line endings (CRLF), so its interpreter isn't found",
            f"store it with LF: `{name.rpartition('/')[2]} text eol=lf` in .gitattributes, then `git add --renormalize .`",
        )
    if refusal.reason == "permission denied":
        return (
            f"{name} isn't executable",
            f"`git update-index --chmod=+x` for that file, or `RUN chmod +x {name}` in the Dockerfile",
        )
    if refusal.reason == "is a directory":
        return f"{name} is a folder", "name a file in `command:` or ENTRYPOINT"
    if refusal.reason == "exec format error":
        if first.startswith(b"\x7fELF"):
            return (
                f"{name} is built for another processor",
                f"build the image for the platform of the host (`{commands.build_for_platform}`)",
            )
        return (
            f"{name} has no `#!` line, or is built for another processor",
            "begin the script with `#!/bin/sh`, or build for the host's platform",
        )
    if first.startswith(b"#!"):
        interpreter = first[2:].split()[0].decode(errors="replace") if first[2:].split() else ""
        return (
            f"the interpreter of {name}, {interpreter}, isn't in the image",
            f"install it, or begin {name} with an interpreter that the image has (#!/bin/sh)",
        )
    return (
        f"{name} isn't in the image",
        "correct `command:` in the plan, or CMD or ENTRYPOINT in the Dockerfile; a name without a folder is searched in the image's PATH",
    )
