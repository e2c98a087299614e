"""The folder of `long_folder` as an Alembic project, and the virtual environment that runs it."""

from __future__ import annotations

from pathlib import Path

from bench import long_folder

PACKAGES = ("alembic==1.20.1", "sqlalchemy==2.1.9", "psycopg[binary]==3.3.9")
INI = "[alembic]\nscript_location = %(here)s/migrations\n"
ENV = """
import os
from alembic import context
from sqlalchemy import create_engine
with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""
SCRIPT = """
from alembic import op
revision, down_revision = {revision!r}, {before!r}
def upgrade():
    op.execute({up!r})
def downgrade():
    op.execute({down!r})
"""


def write(folder: Path, count: int) -> list[str]:
    """Write this many migrations; returns their revisions."""
    sources, versions = folder / "sources", folder / "migrations" / "versions"
    sources.mkdir()
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text(INI)
    (folder / "migrations" / "env.py").write_text(ENV)
    long_folder.write(sources, count)
    revisions: list[str] = []
    for file in sorted(sources.glob("*.up.sql")):
        down = file.with_name(file.name.replace(".up.", ".down."))
        before = revisions[-1] if revisions else None
        revisions.append(file.name[:4])
        text = SCRIPT.format(revision=revisions[-1], before=before, up=file.read_text(), down=down.read_text())
        (versions / f"{revisions[-1]}.py").write_text(text)
    return revisions
