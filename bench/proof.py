"""The overhead of a proof over its copy, clone and migrations, and the proof of a long folder."""

from __future__ import annotations

import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bench import alembic_folder, long_folder
from bench.measure import Row, command, seconds
from bench.tools import docker, venv
from examples.project import SHIPWAY
from shipway.domain.proof import DATA, RESTORED
from shipway.drivers.database.bare import BareFolder
from shipway.drivers.database.sql import SqlFolder
from shipway.drivers.database.sql_folder import load
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.ports import DatabaseTool, ScratchDatabase
from shipway.proving.round_trip import MigrationRange
from shipway.proving.verify import ToolFor, verify

IMAGE = "postgres:15"
SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_wal_size=4GB",
)  # as a proof's server has them
ALEMBIC_MIGRATIONS = 100
GOAL = 1.15  # of a release's proof, for each size
SIZES = (("1 MB", 180, 7), ("1 GB", 340_000, 3))  # customers, and the number of proofs

# Some tables with text that compresses like real text; $n customers.
TABLES = """
CREATE FUNCTION word(n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (string_to_array('the of order late parcel thank you blue large invoice street paid wrong colour please again received broken screen
  refund week customer note address number garden house second morning delivery small green returned box paper question about stock', ' '))
  [1 + abs(hashint8(n)) % 40] $$;
CREATE FUNCTION words(n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT word(n) || ' ' || word(n * 3 + 1) || ' ' || word(n * 5 + 2) || ' ' || word(n * 7 + 3) || ' ' || word(n * 11 + 4) || ' ' || (n % 977)::text || ' '
    || word(n * 13 + 5) || ' ' || word(n * 17 + 6) || ' ' || md5(n::text) $$;
CREATE TABLE customers AS SELECT n AS id, 'person' || n || '@example.org' AS mail, words(n) AS address, now() - n * interval '1 min' AS since
  FROM generate_series(1, {n}) n;
CREATE TABLE products AS SELECT n AS id, initcap(words(n * 31)) AS title, (n * 37 % 9000)::integer AS price, words(n * 41) AS description
  FROM generate_series(1, {n} / 4) n;
CREATE TABLE orders AS SELECT n AS id, 1 + n % {n} AS customer_id, (ARRAY['new', 'paid', 'sent', 'done'])[1 + n % 4] AS state, words(n * 43) AS note,
  now() - n * interval '1 s' AS placed FROM generate_series(1, 3 * {n}::bigint) n;
CREATE TABLE order_lines AS SELECT n AS id, 1 + n % (3 * {n}) AS order_id, 1 + n % ({n} / 4) AS product_id, (1 + n % 5)::integer AS pieces
  FROM generate_series(1, 9 * {n}::bigint) n;
CREATE TABLE events AS SELECT n AS id, now() - n * interval '1 s' AS at, words(n * 47) || words(n * 53) AS message FROM generate_series(1, 7 * {n}::bigint) n;
ALTER TABLE customers ADD PRIMARY KEY (id);
ALTER TABLE products ADD PRIMARY KEY (id);
ALTER TABLE orders ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE order_lines ADD PRIMARY KEY (id), ADD FOREIGN KEY (order_id) REFERENCES orders, ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE events ADD PRIMARY KEY (id);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON order_lines (order_id);
ANALYZE;
"""
# The migrations of a release: a column, an index, a table, and a change of type that rewrites a table.
RELEASE = {
    "0001_gift.up.sql": "ALTER TABLE orders ADD COLUMN gift boolean NOT NULL DEFAULT false;",
    "0001_gift.down.sql": "ALTER TABLE orders DROP COLUMN gift;",
    "0002_state.up.sql": "CREATE INDEX orders_state ON orders (state, placed);",
    "0002_state.down.sql": "DROP INDEX orders_state;",
    "0003_reviews.up.sql": "CREATE TABLE reviews (id bigserial PRIMARY KEY, product_id bigint NOT NULL REFERENCES products, body text NOT NULL);",
    "0003_reviews.down.sql": "DROP TABLE reviews;",
    "0004_price.up.sql": "ALTER TABLE products ALTER COLUMN price TYPE bigint;",
    "0004_price.down.sql": "ALTER TABLE products ALTER COLUMN price TYPE integer;",
}


def rows() -> list[Row]:
    """All rows of this theme."""
    with server() as (container, url):
        found = [row for size, customers, times in SIZES for row in _proof(container, url, size, customers, times)]
        return [*found, *long_folder.measure(url), *_alembic_folder(url)]


def _proof(container: str, url: str, size: str, customers: int, times: int) -> list[Row]:
    """A proof with rows, and its floor, in turn, on the same copy of the target. The migrations are run by the database's own
    client in its container, as for a release, and by this process, as for a folder: no tool is faster. The client's commands are
    started one by one for the floor, as by `docker exec`, and in a shell that stays open for a proof; compared with a floor in such
    a shell too, what a proof adds is seen alone. By this process, migrations take less time than pg_dump, which compares the schema
    before and after: that floor has both dumps."""
    runtime = DockerRuntime(Engine())

    def inside(command: Sequence[str], *, kept: bool = True) -> tuple[int, str]:
        return runtime.execute(container, ["env", "PGUSER=postgres", *command], kept=kept)

    beside, scratch = PostgresScratch(url, inside), PostgresScratch(url)
    target, template = beside.create(), beside.create()
    target.execute(TABLES.format(n=customers))
    copied = seconds(
        lambda: docker(
            "exec",
            container,
            "sh",
            "-c",
            f"pg_dump -U postgres {target.name} | psql -q -v ON_ERROR_STOP=1 -o /dev/null -U postgres {template.name}",
        )
    )
    beside.drop(target)
    templates = {beside: template, scratch: scratch.create(like=template)}
    files = {path: text.encode() for path, text in RELEASE.items()}
    migrations = load("migrations", files, "golang-migrate")
    span = MigrationRange(None, tuple(migration.version for migration in migrations))

    def by_client(database: ScratchDatabase, *, kept: bool = True) -> DatabaseTool:
        def run(command: Sequence[str]) -> tuple[int, str]:
            return inside([f"PGDATABASE={database.name}", *command], kept=kept)

        return SqlFolder(lambda folder: files, run, "migrations")

    def by_process(database: ScratchDatabase) -> DatabaseTool:
        return BareFolder(database, migrations)

    def floor(server: PostgresScratch, tool_for: ToolFor, *, dumps: bool = False) -> None:
        clone = server.create(like=templates[server])
        tool = tool_for(clone)
        if dumps:
            clone.dump()
        tool.up(_ignore)
        tool.down(None, _ignore)
        if dumps:
            clone.dump()
        tool.up(_ignore)
        server.drop(clone)

    def proof(server: PostgresScratch, tool_for: ToolFor) -> None:
        report = verify(server, templates[server], tool_for, mode=DATA, timeout=600.0, span=span)
        if report.verdict != RESTORED:
            raise RuntimeError(f"the proof is {report.verdict}: {report.reasons}")

    found = [Row(f"a copy of the target by dump and restore, {size}", copied, "s")]
    for name, fastest, tool_for, server, goal, of_trip in (
        ("its own client", partial(by_client, kept=False), by_client, beside, GOAL, 1.3),
        ("its own client in an open shell", by_client, by_client, beside, None, None),
        ("this process, with both dumps", by_process, by_process, scratch, GOAL, None),
    ):
        least = partial(floor, server, fastest, dumps=server is scratch)
        bare, ours = _in_turn(least, partial(proof, server, tool_for), times)
        found += [
            Row(f"clone, up, down, up by {name}, {size}", bare, "s"),
            Row(
                f"a proof / its floor: copy, clone, up, down, up by {name}, {size}",
                (copied + ours) / (copied + bare),
                "×",
                goal,
            ),
            Row(f"a round trip / its floor: clone, up, down, up by {name}, {size}", ours / bare, "×", of_trip),
        ]
    for server, copy in templates.items():
        server.drop(copy)
    return found


def _alembic_folder(url: str) -> list[Row]:
    """The command for an Alembic project, and its floor: one process of `alembic` for each up, down and up again."""
    with tempfile.TemporaryDirectory() as home:
        env = venv(Path(home) / "venv", *alembic_folder.PACKAGES)
        folder = Path(home) / "project"
        folder.mkdir()
        revisions = alembic_folder.write(folder, ALEMBIC_MIGRATIONS)
        scratch = PostgresScratch(url)
        database = scratch.create()

        def floor() -> None:
            for before, revision in zip(["base", *revisions], revisions, strict=False):
                for verb, target in (("upgrade", revision), ("downgrade", before), ("upgrade", revision)):
                    command("alembic", verb, target, cwd=folder, env={**env, "DATABASE_URL": database.url})()

        bare = seconds(floor)
        scratch.drop(database)
        prove = (SHIPWAY, "prove", "--migrations", folder, "--layout", "alembic", "--database", url)
        taken = seconds(command(*prove, env=env))
    what = f"a folder of {ALEMBIC_MIGRATIONS} Alembic migrations, tested one by one"
    return [
        Row(f"{what}, per migration", taken / ALEMBIC_MIGRATIONS, "s", 2.0),
        Row(f"{what} / its floor: `alembic` up, down, up", taken / bare, "×", 0.6),
    ]


def _in_turn(floor: Callable[[], None], proof: Callable[[], None], times: int) -> tuple[float, float]:
    """Medians of both, in seconds."""
    taken = [(seconds(floor), seconds(proof)) for _ in range(times + 1)][1:]  # the first warms up
    return statistics.median(first for first, _ in taken), statistics.median(second for _, second in taken)


@contextmanager
def server() -> Iterator[tuple[str, str]]:
    """A separate PostgreSQL server: container and URL."""
    password = secrets.token_hex(12)
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    container = docker(
        "run",
        "--detach",
        "--publish",
        "127.0.0.1::5432",
        "--shm-size",
        "512m",
        "--env",
        f"POSTGRES_PASSWORD={password}",
        IMAGE,
        *settings,
    )
    try:
        port = urlsplit(f"//{docker('port', container, '5432/tcp').splitlines()[0]}").port
        url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
        _await(url)
        yield container, url
    finally:
        docker("rm", "--force", "--volumes", container)


def _await(url: str, limit: float = 60.0) -> None:
    deadline = time.monotonic() + limit
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _ignore(line: str) -> None:
    """Ignore progress."""
