"""A release of a Django project with Django's own apps: each `migrate` adds content types and permissions by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import psycopg
import pytest

from shipway.domain.proof import DATA, RESTORED, ROWS, SCHEMA
from shipway.drivers.database.django import Django
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.ports import ScratchDatabase
from shipway.proving.verify import verify
from tests.conformance import database_lab as lab
from tests.conformance.tool_projects import write_shop
from tests.matrix import sample

pytestmark = [pytest.mark.databases, pytest.mark.engine, pytest.mark.share(2 / 3)]

KEPT = {"django_content_type", "auth_permission"}
EMPTIED = "DO $$ DECLARE name text; BEGIN FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_migrations' LOOP EXECUTE format('TRUNCATE %I CASCADE', name); END LOOP; END $$"
ITEMS = "INSERT INTO shop_item (name) VALUES ('apple'), ('pear')"
ToolFor = Callable[[ScratchDatabase, str], Django]  # of a project


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    with lab.network() as name:
        yield name


@pytest.fixture(scope="module")
def postgres(network: str) -> Iterator[lab.Postgres]:
    options = ("--publish", "127.0.0.1::5432", *lab.POSTGRES)
    with lab.container(network, *options, env={"POSTGRES_PASSWORD": lab.PASSWORD}) as name:
        server = lab.Postgres(name)
        server.wait()
        yield server


@pytest.fixture(scope="module")
def tool_for(network: str, postgres: lab.Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolFor]:
    context = tmp_path_factory.mktemp("shop")
    for last in ("0001_initial", "0003_note", "0004_mark"):
        write_shop(context / "projects" / last, last)
    with lab.container(network, lab.build_image("python", context), "sleep", "infinity") as name:

        def tool(database: ScratchDatabase, project: str) -> Django:
            env = {"HOST": postgres.name, "DATABASE": database.name}
            return Django(lab.execute(name, env, f"/projects/{project}"))

        yield tool


@pytest.fixture(scope="module")
def scratch(postgres: lab.Postgres) -> PostgresScratch:
    port = lab.docker("port", postgres.name, "5432/tcp").splitlines()[0].rpartition(":")[2]
    return PostgresScratch(f"postgresql://postgres:{lab.PASSWORD}@127.0.0.1:{port}/postgres")


@pytest.fixture(scope="module")
def running(scratch: PostgresScratch, tool_for: ToolFor) -> Iterator[ScratchDatabase]:
    """The database of the previous release, with rows."""
    database = scratch.create()
    tool_for(database, "0001_initial").up(print)
    database.execute(ITEMS)
    yield database
    scratch.drop(database)


def rows(database: ScratchDatabase) -> dict[str, int]:
    with psycopg.connect(database.url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names}  # type: ignore[index]


def test_the_tables_whose_rows_change_are_the_tool_s_own(
    running: ScratchDatabase, scratch: PostgresScratch, tool_for: ToolFor
) -> None:
    """Up adds rows to them, and down keeps those: no other table has other rows after it."""
    database = scratch.create(like=running)
    tool = tool_for(database, "0004_mark")
    start, before = tool.current(), rows(database)
    tool.up(print)
    up = rows(database)
    assert {name for name in before if up[name] != before[name]} == {*KEPT, "django_migrations"}
    tool.down(start, print)
    down = rows(database)
    assert {name for name in before if down[name] != before[name]} == KEPT
    assert all(down[name] > before[name] for name in KEPT)
    tool.up(print)
    assert rows(database) == up
    own = tool.own_tables()
    assert (own.history, own.kept) == ({"django_migrations"}, {*KEPT, "django_site"})
    assert not own.kept - before.keys()
    scratch.drop(database)


@pytest.mark.parametrize(("release", "mode"), sample(product(("0003_note", "0004_mark"), (SCHEMA, ROWS, DATA)), 1 / 2))
def test_a_usual_release_passes(
    running: ScratchDatabase, scratch: PostgresScratch, tool_for: ToolFor, mode: str, release: str
) -> None:
    """A column with a default and a new table; and rows that are changed and changed back."""
    template = scratch.create(like=running)
    if mode != DATA:
        template.execute(EMPTIED)
    report = verify(
        scratch, template, lambda database: tool_for(database, release), mode=mode, timeout=600.0, fill=scratch.fill
    )
    assert (report.verdict, report.reasons, report.losses) == (RESTORED, (), ())
    scratch.drop(template)
