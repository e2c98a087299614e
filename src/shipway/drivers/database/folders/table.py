"""The readers of all layouts, and which of them a folder has."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.drivers.database.folders.code import CODE, RAILS
from shipway.drivers.database.folders.files import Files
from shipway.drivers.database.folders.flyway import FLYWAY
from shipway.drivers.database.folders.generated import ATLAS, DRIZZLE, PRISMA, SUPABASE
from shipway.drivers.database.folders.liquibase import LIQUIBASE
from shipway.drivers.database.folders.model import Layout
from shipway.drivers.database.folders.pairs import DIESEL, HASURA, MIGRATE, SIMILAR, SQLX
from shipway.drivers.database.folders.sections import (
    DBMATE,
    GOOSE,
    PG_MIGRATE,
    SQL_MIGRATE,
    TERN,
)
from shipway.drivers.database.folders.sqitch import SQITCH
from shipway.drivers.database.folders.yoyo import YOYO

READERS: Mapping[str, Layout] = {
    "golang-migrate": MIGRATE,
    "up-down": SIMILAR,
    "diesel": DIESEL,
    "hasura": HASURA,
    "goose": GOOSE,
    "dbmate": DBMATE,
    "sql-migrate": SQL_MIGRATE,
    "node-pg-migrate": PG_MIGRATE,
    "tern": TERN,
    "yoyo": YOYO,
    "flyway": FLYWAY,
    "sqitch": SQITCH,
    "liquibase": LIQUIBASE,
    "prisma": PRISMA,
    "drizzle": DRIZZLE,
    "atlas": ATLAS,
    "supabase": SUPABASE,
    "sqlx": SQLX,
    "rails": RAILS,
    "code": CODE,
}
PROJECTS = {"alembic": "alembic.ini", "django": "manage.py"}  # layouts of other drivers, and what identifies them
NOT_SQL = ("rails", "code")
# The first group with a fitting layout decides: names of files that fit a later one may mean anything.
_GROUPS = (
    ("sqitch", "drizzle", "prisma", "liquibase"),
    (
        "golang-migrate", "up-down", "diesel", "hasura", "goose", "dbmate", "sql-migrate", "node-pg-migrate", "tern", "yoyo",
        "flyway",
    ),
    ("supabase",), ("atlas",), ("sqlx",), NOT_SQL[:1], NOT_SQL[1:],
)  # fmt: skip


def detect(files: Files, *, sql: bool) -> list[str]:
    """The layouts that a folder has, normally one; empty if it has none. sql: those with SQL, or those without."""
    if sql:
        projects = [name for name, file in PROJECTS.items() if file in files]
        if projects:
            return projects
    for group in _GROUPS:
        if (group[0] in NOT_SQL) != sql and (found := [name for name in group if READERS[name].fits(files)]):
            return found
    return []
