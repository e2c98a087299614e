"""The migration history tables of migration tools, which are not part of the application's schema."""

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
    }
)


def is_migration_table(table: str) -> bool:
    """Whether a table, named with its schema as in a catalog, is a migration history table, in any schema."""
    bare = table.rpartition(".")[2].strip('"`')
    return bare in MIGRATION_TABLES
