"""Detect migrations: the tool of a folder, and its migrations' path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from shipway.drafting.draft import AccessoryDraft, DatabaseDraft, Draft, ServiceDraft
from shipway.drafting.files import lenient
from shipway.drafting.projects import package_json

_DBMATE = re.compile(r"^--\s*migrate:up\b", re.MULTILINE)
_GOOSE = re.compile(r"^--\s*\+goose\s+up\b", re.MULTILINE | re.IGNORECASE)
_SEQUELIZE_PATH = re.compile(
    r"""['"]migrations-path['"]\s*:\s*(?:[\w.]+\(\s*(?:__dirname\s*,\s*)?)?((?:['"][^'"]+['"]\s*,?\s*)+)"""
)
_KNEX_PATH = re.compile(r"""directory\s*:\s*(['"][^'"]+['"])""")


def find(root: Path, folders: list[str], draft: Draft) -> None:
    """Add the migrations in the folders (`.` is the root). The first supported tool becomes the plan's."""
    for folder in folders:
        shown = "" if folder == "." else f"{folder}/"
        for database in _tools(root / folder):
            database.why = f"{shown}{database.why}"
            _add(draft, folder, database)


def _tools(here: Path) -> Iterator[DatabaseDraft]:
    """`why` is the file that identifies it."""
    if (here / "alembic.ini").is_file():
        yield DatabaseDraft(tool="alembic", why="alembic.ini")
    if (here / "manage.py").is_file() and "django" in lenient(here / "manage.py").lower():
        yield DatabaseDraft(tool="django", why="manage.py")
    package = package_json(here)
    needed = {
        name
        for key in ("dependencies", "devDependencies")
        if isinstance(package.get(key), dict)
        for name in package[key]
    }
    rc = here / ".sequelizerc"
    if rc.is_file() or {"sequelize", "sequelize-cli"} & needed:
        folder = _path(_SEQUELIZE_PATH, lenient(rc))
        yield DatabaseDraft(tool="sequelize", folder=folder, why=".sequelizerc" if rc.is_file() else "package.json")
    knexfile = next(
        (path for path in sorted(here.glob("knexfile.*")) if path.suffix in (".js", ".cjs", ".mjs", ".ts")), None
    )
    if knexfile:
        yield DatabaseDraft(tool="knex", folder=_path(_KNEX_PATH, lenient(knexfile)), why=knexfile.name)
    scripts = [path for pattern in ("*/*.sql", "db/migrations/*.sql") for path in sorted(here.glob(pattern))]
    if any(_DBMATE.search(lenient(path)) for path in scripts):
        folder = next(path for path in scripts if _DBMATE.search(lenient(path))).parent.relative_to(here).as_posix()
        yield DatabaseDraft(tool="dbmate", folder=None if folder == "db/migrations" else folder, why=f"{folder}/*.sql")
    plain = next((path for path in scripts if path.name.endswith(".up.sql") or _GOOSE.search(lenient(path))), None)
    diesel = next(iter(sorted(here.glob("*/*/up.sql"))), None)
    if plain:
        ending = "*.up.sql" if plain.name.endswith(".up.sql") else "*.sql"
        name = plain.parent.relative_to(here).as_posix()
        yield DatabaseDraft(tool="sql", folder=name, why=f"{name}/{ending}")
    elif diesel:
        yield DatabaseDraft(tool="sql", folder=diesel.parent.parent.name, why=f"{diesel.parent.parent.name}/*/up.sql")


def _path(pattern: re.Pattern[str], text: str) -> str | None:
    """The folder in a configuration's string literals, joined; None for the tool's default."""
    match = pattern.search(text)
    parts = re.findall(r"""['"]([^'"]+)['"]""", match[1]) if match else []
    path = "/".join(part.removeprefix("./").strip("/") for part in parts)
    return None if path in ("", "migrations") else path


def _add(draft: Draft, folder: str, database: DatabaseDraft) -> None:
    """Add it with its service and PostgreSQL; a database that nothing else mentions is added."""
    service = _owner(draft, folder)
    if service is None or any(item.tool for item in draft.databases):
        draft.notes.append(
            f"{database.why}: ignored: no service is built from that folder, or another tool was found before"
        )
        return
    if any(item.kind == "mysql" for item in draft.accessories) and not _postgres(draft):
        database.unsupported = "only migrations of PostgreSQL are supported: run these yourself"
        draft.databases.append(database)
        return
    accessory = _postgres(draft)
    outside = _outside(draft, service) if accessory is None else ""
    if outside:
        database.unsupported = outside
        draft.databases.append(database)
        return
    if accessory is None:
        name = "db" if all(item.name != "db" for item in draft.services) else "database"
        accessory = AccessoryDraft(
            name, "postgres:16", "postgres", provides="DATABASE_URL", volume="/var/lib/postgresql/data"
        )
        accessory.why.append(f"{database.why} needs a database")
        accessory.todo.append("the repository doesn't name the database: is it PostgreSQL, and which version?")
        draft.accessories.append(accessory)
    database.accessory, database.service = accessory.name, service.name
    draft.databases.append(database)


def _outside(draft: Draft, service: ServiceDraft) -> str:
    """Why no database is added to the accessories: the service's settings name another one. Empty without such a setting."""
    for name, value in service.environment.items():
        if re.match(r"(sqlite\w*(:|$)|file:)", value) or re.search(r"\.(sqlite3?|db3?)$", value):
            return f"{name} is a file of SQLite, whose migrations Shipway doesn't run: run these yourself"
    if not draft.origin or service.name not in draft.composed:
        return ""
    name = next((name for name in service.secrets if re.search(r"DATABASE_UR[LI]$|^POSTGRES_URL$", name)), "")
    where = f"{name} is a database outside of this plan" if name else "its Compose file has no PostgreSQL"
    return f"{where}: run these yourself, or add the accessory and `database`"


def _postgres(draft: Draft) -> AccessoryDraft | None:
    return next((item for item in draft.accessories if item.kind == "postgres"), None)


def _owner(draft: Draft, folder: str) -> ServiceDraft | None:
    """The service whose image has that folder in its working directory: built from it, public ones first."""
    built = [item for item in draft.services if item.folder == folder]
    return next((item for item in built if item.port), built[0] if built else None)
