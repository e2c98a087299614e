"""The tables where migration tools keep their own books: no part of the schema that they make."""

from __future__ import annotations

BOOKS = frozenset(
    {
        "__diesel_schema_migrations",
        "alembic_version",
        "django_migrations",
        "flyway_schema_history",
        "goose_db_version",
        "knex_migrations",
        "knex_migrations_lock",
        "schema_migrations",  # golang-migrate, dbmate, Rails
        "SequelizeMeta",
        "shipway_migrations",
    }
)
