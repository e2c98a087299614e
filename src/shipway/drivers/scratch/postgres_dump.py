"""The schema of a database as pg_dump writes it, in comparable parts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from shipway.domain.errors import ProofError
from shipway.drivers.libpq import variables
from shipway.ports import OneOff
from shipway.system.process import run
from shipway.system.variables import for_others

OPTIONS = ("--schema-only", "--no-password", "--no-tablespaces", "--lock-wait-timeout=10000")
TIMEOUT = 120.0  # seconds
_ENTRY = re.compile(
    r"^-- Name: (?P<name>.*); Type: (?P<type>[^;]+); Schema: (?P<schema>[^;]+); Owner: ?(?P<owner>.*)$", re.MULTILINE
)
_OPTIONS = re.compile(r"\b((?:WITH|SET) )\(([^()]*)\)")
_CHOSEN = re.compile(r"CONSTRAINT \S+_not_null NOT NULL\b")
# Lines that depend on the entries before them, or on the run; and columns' options of the server's own (see postgres_tables), which
# an older pg_dump writes.
_NOISE = re.compile(r"^(?:--.*|SET default_\w+ = .*|\\(?:un)?restrict .*|ALTER .* SET \(\);|)$")


def read_dump(output: str) -> dict[str, str]:
    """Statements by type and name, such as `TABLE public.items`."""
    found: dict[str, str] = {}
    heads = list(_ENTRY.finditer(output))
    ends = [*(head.start() for head in heads[1:]), len(output)]
    for head, end in zip(heads, ends, strict=False):
        schema = "" if head["schema"] == "-" else f"{head['schema']}."
        lines = [_plain(line) for line in output[head.end() : end].splitlines()]
        lines = [line for line in lines if not _NOISE.match(line.rstrip())]
        key = f"{head['type']} {schema}{head['name']}"
        found[key] = "\n".join([*([found[key]] if key in found else []), *lines])
    return found


def _plain(line: str) -> str:
    """Options in a fixed order, and without the names of NOT NULL constraints that PostgreSQL chose (since 18): it keeps
    those of a renamed table."""
    line = _OPTIONS.sub(lambda match: f"{match[1]}({', '.join(_peoples(match[2]))})", line)
    return _CHOSEN.sub("NOT NULL", line)


def _peoples(options: str) -> list[str]:
    return sorted(option for option in options.split(", ") if not option.startswith("pg_"))


def dump(database: str, url: str, version: int, client: OneOff | None, session: str) -> Mapping[str, str] | None:
    """By `client`, which runs a command beside the server; without it by this machine's pg_dump, if that is not older than
    the server. `version` as in 150018; `url` is the database's; `session`: the application_name of the program's session."""
    words = [*OPTIONS, f"--dbname=dbname={database} application_name={session}"]
    if client is not None:
        code, output = client(["pg_dump", *words])
    elif local_version() < version // 10000:
        return None
    else:
        done = run([_program(), *words], env={**for_others(), **variables(url)}, timeout=TIMEOUT)
        code, output = done.code, done.output
    if code:
        raise ProofError(f"pg_dump can't write the schema of {database}\n{output.strip()}")
    return read_dump(output)


@cache
def local_version() -> int:
    """The major version of this machine's pg_dump; 0 if there is none."""
    program = _program()
    if not program:
        return 0
    match = re.search(r"(\d+)(?:\.\d+|\w+)", run([program, "--version"], timeout=TIMEOUT).output)
    return int(match[1]) if match else 0


@cache
def _program() -> str:
    """Its path; empty if there is none. Debian's chooses one of several, which takes as long as a dump: so it is the newest one itself."""
    found = shutil.which("pg_dump") or ""
    if Path(found).resolve().name != "pg_wrapper":
        return found
    newest = max(
        Path("/usr/lib/postgresql").glob("[0-9]*/bin/pg_dump"), key=lambda path: int(path.parts[4]), default=None
    )
    return str(newest or found)
