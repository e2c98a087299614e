"""Runs in the image, with the interpreter of its `alembic`: several commands in one process, because each start of
alembic takes half a second. Passed to `python -c` as text; for Python 3.7 and all releases of alembic since 1.0.

Arguments: the folder of `alembic`, which is added to the front of sys.path as alembic itself does (`-`: only the module
exists; empty: each command starts the program); a verb, and its operands. The relevant lines of the output are marked,
since log lines and the output of a project's env.py are on the same stream.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterable, Sequence

BESIDE = sys.argv[1]
UNKNOWN = 64  # exit code if the image lacks the target revision


def alembic(*argv: str) -> tuple[int, list[str]]:
    """Run a command; returns its exit code and lines."""
    lines: list[str] = []
    sys.stdout.flush()
    own, (read, write) = os.dup(1), os.pipe()
    os.dup2(write, 1)
    os.close(write)

    def take() -> None:
        with open(read, encoding="utf-8", errors="replace") as output:
            lines.extend(output.read().splitlines())

    reader = threading.Thread(target=take)
    reader.start()
    try:
        code = command(argv)
    finally:
        sys.stdout.flush()
        os.dup2(own, 1)
        os.close(own)
        reader.join()
    return code, lines


def command(argv: Sequence[str]) -> int:
    """Exit code, as a shell would see it."""
    if not BESIDE:
        return subprocess.call(["alembic", *argv])
    try:
        from alembic.config import main  # type: ignore[import-not-found]  # of the image

        main(argv=list(argv), prog="alembic")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 255
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def mark(name: str, lines: Iterable[str]) -> None:
    for line in lines:
        print(f"shipway-{name}: {line}")


def marked(name: str, *argv: str) -> int:
    code, lines = alembic(*argv)
    mark(name, [*lines, f"exit {code}"])
    return code


def state(below: str | None = None) -> int:
    """Print the state of the scripts and the database, with the files from a revision on."""
    marked("history", "history")
    if below is not None:
        files((), "-r", below + ":current")
    return marked("current", "current")


def files(wanted: Sequence[str], *options: str) -> None:
    """Print the files of the given revisions; of all if there are none."""
    shown = False
    for line in alembic("history", "--verbose", *options)[1]:
        if line.startswith("Rev: "):
            shown = not wanted or line[5:].split(" ")[0] in wanted
            mark("files", [line] if shown else [])
        elif shown and line.startswith("Path: "):
            mark("files", [line])
            with open(line[6:], encoding="utf-8", errors="replace") as file:
                mark("files", ["|" + text.rstrip("\n") for text in file])


def scripts(*revisions: str) -> None:
    """Print the files and the statements of the downgrade."""
    files(revisions)
    code, lines = alembic("downgrade", f"{revisions[-1]}:{revisions[0]}-1", "--sql")
    mark("sql", [] if code else lines)


def migrate(verb: str, targets: Sequence[str]) -> int:
    """Migrate to one target after the other. After a failure, print the state. Lines keep their order."""
    sys.stdout.flush()
    os.dup2(1, 2)
    for target in targets:
        failed = command([verb, target])
        if failed:
            sys.stdout.flush()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            state()
            return failed
    return 0


def has(revision: str) -> bool:
    pattern = f" -> {re.escape(revision)}[ ,]"
    return any(re.search(pattern, line) for line in alembic("history")[1])


def run(verb: str, targets: Sequence[str]) -> int:
    if verb == "heads":
        return command(["heads"])
    if verb == "state":
        return state(*targets)
    if verb in ("files", "scripts"):
        files(targets) if verb == "files" else scripts(*targets)
        return 0
    if verb == "upgrade" and targets[0] != "head" and not has(targets[0]):
        state()
        return UNKNOWN
    return migrate(verb, targets)


sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]  # whatever the image's locale is
if BESIDE not in ("", "-") and sys.path[:1] == [""]:
    sys.path[0] = BESIDE
RESULT = run(sys.argv[2], sys.argv[3:])
sys.stdout.flush()
sys.exit(RESULT)
