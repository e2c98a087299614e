"""Small Alembic projects that differ in their migrations."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ALEMBIC_INI = """
[alembic]
script_location = %(here)s/migrations
[loggers]
keys = root,alembic
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARNING
handlers = console
[logger_alembic]
level = INFO
handlers =
qualname = alembic
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic
[formatter_generic]
format = %(levelname)-5.5s [%(name)s] %(message)s
"""
# It prints a lone word, as env.py files do: no tool may take it for a revision.
ENV_PY = """
import os
from logging.config import fileConfig
from alembic import context
from sqlalchemy import create_engine
fileConfig(context.config.config_file_name)
print("connecting")
url = os.environ["DATABASE_URL"].replace("mysql://", "mysql+pymysql://")
with create_engine(url).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=PER_MIGRATION)
    with context.begin_transaction():
        context.run_migrations()
"""


@dataclass(frozen=True)
class Script:
    """A migration of a project; it makes the table `name`."""

    id: str
    parents: tuple[str, ...]
    name: str
    broken: bool = False
    irreversible: bool = False

    def text(self) -> str:
        down = "raise NotImplementedError('no way back')" if self.irreversible else f"op.drop_table('{self.name}')"
        lines = [
            f'"""make {self.name}, at last"""',
            "from alembic import op",
            "import sqlalchemy as sa",
            f"revision = '{self.id}'",
            f"down_revision = {self.parents if len(self.parents) > 1 else ''.join(self.parents) or None!r}",
            "def upgrade():",
            f"    op.create_table('{self.name}', sa.Column('id', sa.Integer, primary_key=True))",
            *(["    op.execute('SELECT nope FROM nowhere')"] if self.broken else []),
            "def downgrade():",
            f"    {down}",
        ]
        return "\n".join(lines)


ONE, TWO = Script("aaa1", (), "one"), Script("bbb2", ("aaa1",), "two")
THREE, SIDE = Script("ccc3", ("bbb2",), "three"), Script("ddd4", ("aaa1",), "side")
BROKEN = Script("ccc3", ("bbb2",), "three", broken=True)
PROJECTS: Mapping[str, Sequence[Script]] = {
    "good": (ONE, TWO, THREE),
    "older": (ONE, TWO),
    "broken": (ONE, TWO, BROKEN),
    "together": (ONE, TWO, BROKEN),  # all in one transaction, as a new project's env.py has it
    "irreversible": (ONE, Script("bbb2", ("aaa1",), "two", irreversible=True), THREE),
    "named": (ONE, TWO, THREE),  # with a version table of another name
    "empty": (),
    "forked": (ONE, TWO, SIDE),
    "merged": (ONE, TWO, SIDE, Script("eee5", ("ddd4",), "side2"), Script("fff6", ("bbb2", "eee5"), "merge")),
}


BATCH = """
from alembic import op
import sqlalchemy as sa
revision = "bbb2"
down_revision = "aaa1"
def upgrade():
    with op.batch_alter_table("one") as batch:
        batch.add_column(sa.Column("size", sa.Integer, nullable=False, server_default="1"))
        batch.alter_column("id", new_column_name="number")
        batch.create_unique_constraint("one_size", ["size"])
def downgrade():
    with op.batch_alter_table("one") as batch:
        batch.drop_constraint("one_size")
        batch.alter_column("number", new_column_name="id")
        batch.drop_column("size")
"""


def write_alembic(folder: Path) -> None:
    """One folder a project."""
    for name, scripts in PROJECTS.items():
        versions = folder / name / "migrations" / "versions"
        versions.mkdir(parents=True)
        (folder / name / "alembic.ini").write_text(ALEMBIC_INI)
        text = ENV_PY.replace("PER_MIGRATION", str(name != "together"))
        if name == "named":
            text = text.replace("configure(", 'configure(version_table="applied_migrations", ')
        (versions.parent / "env.py").write_text(text)
        for script in scripts:
            (versions / f"{script.id}_{script.name}.py").write_text(script.text())
    batch = folder / "batch/migrations/versions"
    shutil.copytree(folder / "older", folder / "batch")
    (batch / "bbb2_two.py").write_text(BATCH)


FLASK_APP = """
import os
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
print("an app prints this and that")
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
Migrate(app, SQLAlchemy(app), transaction_per_migration=True)
"""
FLASK_KINDS = ("good", "older", "broken", "irreversible", "empty", "forked")


def write_flask(folder: Path) -> None:
    """One folder a project, with an app, and with migrations of Flask-Migrate: alembic.ini and env.py are the package's."""
    for name in FLASK_KINDS:
        versions = folder / name / "migrations" / "versions"
        versions.mkdir(parents=True)
        (folder / name / "app.py").write_text(FLASK_APP)
        (versions / "README").write_text("of this project\n")
        for script in PROJECTS[name]:
            (versions / f"{script.id}_{script.name}.py").write_text(script.text())
