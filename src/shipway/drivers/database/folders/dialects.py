"""Folders with the migrations of several database servers side by side: in subfolders, or with suffixes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shipway.domain.errors import ProofError
from shipway.drivers.database.folders.files import Files

_NAMES = {
    "postgres": ("postgres", "postgresql", "pg", "pgsql", "psql"), "mysql": ("mysql", "mysql8", "mysql5"), "mariadb": ("mariadb",),
    "sqlite": ("sqlite", "sqlite3"), "mssql": ("mssql", "sqlserver"), "oracle": ("oracle",), "cockroach": ("cockroach", "cockroachdb", "crdb"),
    "clickhouse": ("clickhouse",), "h2": ("h2",), "hsqldb": ("hsqldb",), "db2": ("db2",), "spanner": ("spanner",),
    "cassandra": ("cassandra",), "snowflake": ("snowflake",), "yugabyte": ("yugabyte", "yugabytedb"), "redshift": ("redshift",),
}  # fmt: skip
_CANONICAL = {name: dialect for dialect, names in _NAMES.items() for name in names}
_SUFFIX = re.compile(
    rf"^(?P<start>.*)\.(?P<dialect>{'|'.join(sorted(_CANONICAL, key=len, reverse=True))})(?P<end>(?:\.\w+){{0,2}}\.sql)$",
    re.IGNORECASE,
)

AUTOCOMMIT = ".autocommit."  # some tools mark a file in its name, after the dialect, that runs without a transaction


def canonical(name: str) -> str:
    """One name for a dialect, such as postgres for postgresql; other names as they are."""
    return _CANONICAL.get(name.lower(), name.lower())


def in_folders(files: Files) -> dict[str, list[str]]:
    """Subfolders that are named like a dialect and have SQL files."""
    found: dict[str, list[str]] = {}
    for name in files:
        folder, slash, _ = name.partition("/")
        if slash and name.endswith(".sql") and folder.lower() in _CANONICAL:
            folders = found.setdefault(canonical(folder), [])
            if folder not in folders:
                folders.append(folder)
    return found


def in_suffixes(files: Files) -> set[str]:
    """Dialects that names of files have, such as 0001_name.postgres.up.sql."""
    return {canonical(match["dialect"]) for name in files if (match := _SUFFIX.match(name))}


def server_of(dialect: str | None) -> str | None:
    """The kind of server that has this dialect."""
    return "mysql" if dialect == "mariadb" else dialect


def choose(folder: object, found: Iterable[str], dialect: str | None) -> str:
    """The dialect to read. ProofError that lists the choices if it can't be decided."""
    names = sorted(found)
    desired = canonical(dialect) if dialect else None
    if desired == "mysql" and "mysql" not in names and "mariadb" in names:
        desired = "mariadb"
    if desired == "mariadb" and "mariadb" not in names:
        desired = "mysql"
    if desired in names:
        return str(desired)
    choices = ", ".join(names)
    if desired is not None:
        raise ProofError(
            f"{folder} has no migrations for {dialect}; it has: {choices}", hint="pass one of these as --dialect"
        )
    if len(names) == 1:
        return names[0]
    raise ProofError(f"{folder} has migrations for several databases: {choices}", hint="pass one of these as --dialect")


def with_suffix(files: Files, dialect: str) -> Files:
    """The files of one dialect under their names without it, and those without a dialect where it has no other."""
    own: dict[str, str] = {}
    common: dict[str, str] = {}
    for name, path in files.names.items():
        match = _SUFFIX.match(name)
        if match is None:
            common[name.replace(AUTOCOMMIT, ".")] = path
        elif canonical(match["dialect"]) == dialect:
            own[match["start"] + match["end"].replace(AUTOCOMMIT, ".")] = path
    return files.renamed({**common, **own})


def without_others(files: Files, dialect: str | None) -> Files:
    """Without the subfolders of other dialects; None: of every dialect."""
    return files.renamed({
        name: path
        for name, path in files.names.items()
        if "/" not in name or name.partition("/")[0].lower() not in _CANONICAL or canonical(name.partition("/")[0]) == dialect
    })  # fmt: skip
