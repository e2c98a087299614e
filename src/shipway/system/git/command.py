"""Run git independently of the user's configuration and environment."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from shipway.domain.errors import RepositoryError
from shipway.domain.value import dataclass
from shipway.system.git.login import masked
from shipway.system.process import TICK, kill_group
from shipway.system.umask import of_user
from shipway.system.variables import for_others

TIMEOUT = 60.0
# Output must not depend on the user, and no program named by a configuration may run.
SETTINGS = {
    "advice.graftFileDeprecated": "false", "color.ui": "false", "core.commitGraph": "false", "core.fsmonitor": "false", "core.hooksPath": os.devnull,
    "core.quotePath": "false", "gc.auto": "0", "i18n.logOutputEncoding": "UTF-8",
    "log.mailmap": "false", "log.showSignature": "false", "maintenance.auto": "false", "merge.conflictStyle": "merge",
    "status.showUntrackedFiles": "no", "submodule.recurse": "false",
}  # fmt: skip
# Set by git for hooks or by users for other commands: they select another repository, or change the output.
DROPPED = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_ATTR_SOURCE", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_DIFF_OPTS", "GIT_DIR", "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_LITERAL_PATHSPECS", "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE", "LANGUAGE",
}  # fmt: skip
FIXED = {
    "GIT_ATTR_NOSYSTEM": "1", "GIT_GRAFT_FILE": os.devnull, "GIT_NO_REPLACE_OBJECTS": "1", "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
}  # fmt: skip


@dataclass(frozen=True)
class Done:
    """A command's exit code and output: in UTF-8, with other bytes as surrogates (see `printable`)."""

    code: int
    stdout: str
    stderr: str


def git(
    path: Path, *args: str, check: bool = True, named: bool = True, timeout: float = TIMEOUT, input: str = "",
    env: Mapping[str, str] | None = None, umask: int | None = None, over: threading.Event | None = None,
) -> Done:  # fmt: skip
    """Run it in a folder. named: the folder is given as a bare repository, and not just found (`safe.bareRepository`).
    umask: None is the user's, for the user's own repository. over: ends it at once, with all that it has started.

    RepositoryError if it times out after `timeout` seconds, is ended by `over`, and, with `check`, if it fails.
    """
    try:
        run = subprocess.run if over is None else partial(_until, over)
        done = run(
            ["git", *settings(named), *args], cwd=path, env=environment() if env is None else env, input=_encode(input),
            capture_output=True, timeout=timeout, check=False, umask=of_user() if umask is None else umask,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        if over is not None and over.is_set():
            raise RepositoryError(f"git {args[0]} was interrupted") from error
        raise RepositoryError(f"git {args[0]} timed out after {timeout:g} s") from error
    except FileNotFoundError:
        if not path.is_dir():
            raise RepositoryError(f"there is no folder {path}") from None
        raise RepositoryError("git is not installed", hint="install it, for example: apt-get install git") from None
    stderr = printable(_decode(done.stderr))
    if check and done.returncode:
        raise failure(f"git {args[0]} failed", stderr)
    return Done(done.returncode, _decode(done.stdout), stderr)


def _until(
    over: threading.Event, command: list[str], *, input: bytes, capture_output: bool, timeout: float, check: bool, **given: Any
) -> subprocess.CompletedProcess[bytes]:  # fmt: skip
    """As `subprocess.run`, in a process group of its own, which is killed. TimeoutExpired also when it is over."""
    deadline, rest = time.monotonic() + timeout, input or None
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **given
    )
    try:
        while True:
            try:
                out, err = process.communicate(rest, TICK)
                return subprocess.CompletedProcess(command, process.returncode, out, err)
            except subprocess.TimeoutExpired:
                rest = None  # it is being written
                if over.is_set() or time.monotonic() >= deadline:
                    raise
    finally:
        kill_group(process)
        process.wait()


def printable(text: str) -> str:
    """Bytes that are not UTF-8 as \\xNN."""
    return _encode(text).decode("utf-8", "backslashreplace")


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def failure(what: str, stderr: str) -> RepositoryError:
    """An error with git's own message: its first paragraph is the problem, the rest is the remedy."""
    happened, _, remedy = masked(stderr).strip().removeprefix("fatal: ").partition("\n\n")
    first, _, more = happened.partition("\nTo add an exception")  # the only remedy that begins in the same paragraph
    lead = f"To add an exception{more}\n" if more else ""
    return RepositoryError(f"{what}: {first}", hint=(lead + remedy).strip())


def environment() -> dict[str, str]:
    """Environment of git's commands. Keeps GIT_CONFIG_COUNT etc., by which a CI job provides credentials."""
    return {name: value for name, value in for_others().items() if name not in DROPPED} | FIXED


def settings(named: bool = True) -> list[str]:
    """Arguments that neutralize the configuration; named: see `git`."""
    given = {**SETTINGS, **({"safe.bareRepository": "all"} if named else {})}
    return [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
