"""Runs the migrations on DATABASE_URL."""

from alembic import context
from sqlalchemy import create_engine

from catalogue import logs, settings
from catalogue.database import driver_url

logs.configure()  # Alembic names each migration that it runs

engine = create_engine(
    driver_url(settings.required("DATABASE_URL")),
    # A migration that waits for a lock holds up every query behind it: better give up and retry.
    connect_args={"options": "-c lock_timeout=5s"},
)

with engine.connect() as connection:
    # Each migration commits for itself, so a long series never holds all of its locks at once.
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
