"""The command by which a migration tool applies all migrations in the release's image, for platforms that run it themselves."""

from __future__ import annotations

import shlex

from shipway.domain.database import Database

BIN = "PATH=$PWD/node_modules/.bin:$PATH"
COMMANDS = {
    "alembic": "alembic upgrade head", "django": "python manage.py migrate --noinput",
    "sequelize": f"{BIN} sequelize-cli db:migrate", "knex": f"{BIN} knex migrate:latest",
}  # fmt: skip
IN_FOLDER = ("alembic", "django")  # their `folder` is where the tool is started; others' is that of the migrations


def command_of(database: Database) -> str | None:
    """For `sh -c`; None if the tool has none in the image: Shipway runs these itself."""
    if database.commands is not None:
        return database.commands.up
    found = COMMANDS.get(database.tool)
    if found is not None and database.tool in IN_FOLDER and database.folder:
        return f"cd {shlex.quote(database.folder)} && {found}"
    return found
