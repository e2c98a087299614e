"""The migration history tables of all migration tools: a copy of a schema needs their rows, whatever the tool is."""

from __future__ import annotations

MIGRATION_TABLES = frozenset(
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
        "shipway_on_start",
    }
)
