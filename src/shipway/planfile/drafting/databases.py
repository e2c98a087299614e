"""Migrations: Alembic and plain SQL files, and the tools that are recognised but not driven yet."""

from __future__ import annotations

from pathlib import Path

from shipway.planfile.drafting.draft import AccessoryDraft, DatabaseDraft, Draft, ServiceDraft
from shipway.planfile.drafting.projects import package_json

_NOT_YET = "not supported yet: run its migrations yourself, as the first thing of the service's start"


def find(root: Path, folders: list[str], draft: Draft) -> None:
    """Add what the folders (`.` is the root) have. The first tool that Shipway drives is the plan's."""
    for folder in folders:
        here = root / folder
        shown = "" if folder == "." else f"{folder}/"
        if (here / "alembic.ini").is_file():
            _add(draft, folder, DatabaseDraft(tool="alembic", why=f"{shown}alembic.ini"))
        if (here / "manage.py").is_file() and "django" in (here / "manage.py").read_text(errors="replace").lower():
            draft.databases.append(DatabaseDraft(unsupported=f"Django's migrations are {_NOT_YET}", why=f"{shown}manage.py"))
        sequelize = _sequelize(here)
        if sequelize:
            unsupported = f"Sequelize's migrations are {_NOT_YET}"
            draft.databases.append(DatabaseDraft(unsupported=unsupported, why=f"{shown}{sequelize}"))
        sql = next((path.parent for path in sorted(here.glob("*/*.up.sql"))), None)
        if sql:
            _add(draft, folder, DatabaseDraft(tool="sql", folder=sql.name, why=f"{shown}{sql.name}/*.up.sql"))


def _sequelize(here: Path) -> str | None:
    if (here / ".sequelizerc").is_file():
        return ".sequelizerc"
    package = package_json(here)
    needed = {**(package.get("dependencies") or {}), **(package.get("devDependencies") or {})}
    return "package.json" if {"sequelize", "sequelize-cli"} & set(needed) else None


def _add(draft: Draft, folder: str, database: DatabaseDraft) -> None:
    """With its service and its PostgreSQL; a database that nothing speaks of yet is added."""
    service = _owner(draft, folder)
    if service is None or any(item.tool for item in draft.databases):
        draft.notes.append(f"{database.why}: no service is built from that folder, or there is a tool already: left out")
        return
    if any(item.kind == "mysql" for item in draft.accessories) and not _postgres(draft):
        database.unsupported = "migrations are driven on PostgreSQL only so far: run these yourself"
        draft.databases.append(database)
        return
    accessory = _postgres(draft)
    if accessory is None:
        name = "db" if all(item.name != "db" for item in draft.services) else "database"
        accessory = AccessoryDraft(name, "postgres:16", "postgres", provides="DATABASE_URL", volume="/var/lib/postgresql/data")
        accessory.why.append(f"{database.why} needs a database")
        accessory.todo.append("nothing in the repository names the database: is it PostgreSQL, and which version?")
        draft.accessories.append(accessory)
    database.accessory, database.service = accessory.name, service.name
    draft.databases.append(database)


def _postgres(draft: Draft) -> AccessoryDraft | None:
    return next((item for item in draft.accessories if item.kind == "postgres"), None)


def _owner(draft: Draft, folder: str) -> ServiceDraft | None:
    """The service whose image has that folder's files in its working directory: built from it, public ones first."""
    built = [item for item in draft.services if item.folder == folder]
    return next((item for item in built if item.port), built[0] if built else None)
