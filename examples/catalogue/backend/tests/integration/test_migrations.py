"""Every down script restores exactly the schema that its up script found."""

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from catalogue.models import Base

SCHEMA = """
SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default)
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT sequencename::text FROM pg_sequences WHERE schemaname = 'public'
ORDER BY 1
"""


def schema(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text(SCHEMA)))


def test_up_down_up_of_each_migration(alembic: Config, engine: Engine) -> None:
    command.downgrade(alembic, "base")
    scripts = list(ScriptDirectory.from_config(alembic).walk_revisions())[::-1]
    assert len(scripts) >= 3
    for script in scripts:
        before = schema(engine)
        command.upgrade(alembic, script.revision)
        after = schema(engine)
        assert after != before
        command.downgrade(alembic, "-1")
        assert schema(engine) == before, f"the down script of {script.revision} leaves a difference"
        command.upgrade(alembic, script.revision)
        assert schema(engine) == after


def test_the_models_fit_the_schema(empty: None, engine: Engine) -> None:
    found = inspect(engine)
    for table in Base.metadata.sorted_tables:
        there = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        mapped = {column.name: column.nullable for column in table.columns}
        assert mapped.items() <= there.items()
