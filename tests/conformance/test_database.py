"""The migration tools against a real PostgreSQL, and the one in memory beside them."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Sequence

import pytest

from shipway.domain.errors import MigrationFailed
from shipway.drivers.database.alembic import Alembic
from shipway.drivers.database.sql import SqlFolder
from shipway.ports import DatabaseTool
from shipway.testing.database import DatabaseToolSuite, MemoryDatabase, MemoryDatabaseTool
from tests.conformance import database_lab as lab
from tests.conformance.alembic_projects import write_alembic, write_flask

pytestmark = [pytest.mark.databases, pytest.mark.share(2 / 3)]

Files = dict[str, bytes]


def up_and_down(name: str) -> tuple[bytes, bytes]:
    return f"CREATE TABLE {name} (id int PRIMARY KEY)".encode(), f"DROP TABLE {name};\n".encode()


def folder_of(*names: str) -> Files:
    """Files in the layout of golang-migrate, without a last semicolon in the up files."""
    files: Files = {}
    for number, name in enumerate(names, 1):
        files[f"{number:04}_{name}.up.sql"], files[f"{number:04}_{name}.down.sql"] = up_and_down(name)
    return files


BROKEN = b"CREATE TABLE three (id int);\n\nSELECT nope FROM nowhere;\n"
GOOD = folder_of("one", "two", "three")
FOLDERS: dict[str, Files] = {
    "good": GOOD,
    "older": folder_of("one", "two"),
    "broken": {**GOOD, "0003_three.up.sql": BROKEN},
    "irreversible": {path: text for path, text in GOOD.items() if path != "0002_two.down.sql"},
    "empty": {"README.md": b"nothing yet"},
}


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    with lab.network() as name:
        yield name


@pytest.fixture(scope="module")
def postgres(network: str) -> Iterator[lab.Postgres]:
    env = {"POSTGRES_PASSWORD": lab.PASSWORD}
    with lab.container(network, *lab.POSTGRES, env=env) as name:
        server = lab.Postgres(name)
        server.wait()
        yield server


@pytest.fixture(scope="module")
def alembic(network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    context = tmp_path_factory.mktemp("alembic")
    write_alembic(context / "projects")
    write_flask(context / "projects/flask")
    image = lab.build_image("python", context)
    with lab.container(network, image, "sleep", "infinity") as name:
        yield name


@pytest.fixture
def database(postgres: lab.Postgres) -> str:
    return postgres.create()


class TestMemory(DatabaseToolSuite):
    class Images:
        revisions = ("0001", "0002", "0003")

        def __init__(self) -> None:
            self.database = MemoryDatabase()

        def tool(self, image: str) -> DatabaseTool:
            count = {"older": 2, "empty": 0}.get(image, 3)
            broken = ("0003",) if image == "broken" else ()
            irreversible = ("0002",) if image == "irreversible" else ()
            revisions = self.revisions[:count]
            return MemoryDatabaseTool(revisions, self.database, broken=broken, irreversible=irreversible)

        def tables(self) -> set[str]:
            names = {"0001": "one", "0002": "two", "0003": "three"}
            return {names[revision] for revision in self.database.applied}

    @pytest.fixture
    def images(self) -> Images:
        return self.Images()

    def test_it_notes_the_calls(self) -> None:
        tool = MemoryDatabaseTool(["1", "2"])
        tool.up(print, "1")
        tool.up(print)
        tool.down("1", print)
        tool.down(None, print)
        assert tool.calls == ["up 1", "up", "down 1", "down base"]


@pytest.mark.engine
class TestAlembic(DatabaseToolSuite):
    class Images:
        revisions = ("aaa1", "bbb2", "ccc3")

        def __init__(self, alembic: str, postgres: lab.Postgres, database: str) -> None:
            self.postgres, self.database = postgres, database
            url = f"postgresql+psycopg://postgres:{lab.PASSWORD}@{postgres.name}/{database}"
            self.run = lab.execute(alembic, {"DATABASE_URL": url}, "/projects/good")

        def tool(self, image: str) -> Alembic:
            return Alembic(self.run, None if image == "good" else f"/projects/{image}")

        def tables(self) -> set[str]:
            return self.postgres.tables(self.database)

    @pytest.fixture
    def images(self, alembic: str, postgres: lab.Postgres, database: str) -> Images:
        return self.Images(alembic, postgres, database)

    def test_the_log_names_the_failed_statement(self, images: Images) -> None:
        with pytest.raises(MigrationFailed, match='relation "nowhere" does not exist'):
            images.tool("broken").up(print)

    def test_all_in_one_transaction_goes_back_to_where_it_began(self, images: Images) -> None:
        with pytest.raises(MigrationFailed, match="ccc3 failed; the schema is now at no revision"):
            images.tool("together").up(print)
        assert images.tables() == set()

    def test_two_heads_are_refused(self, images: Images) -> None:
        tool = images.tool("forked")
        asks: list[Callable[[], object]] = [tool.head, tool.pending, lambda: tool.up(print)]
        for ask in asks:
            with pytest.raises(MigrationFailed, match=r"2 heads: (bbb2, ddd4|ddd4, bbb2)") as failure:
                ask()
            assert "alembic merge heads" in failure.value.hint
        assert images.tables() == set()

    def test_down_to_a_branch_that_another_was_merged_into(self, images: Images) -> None:
        """The older release never had the other branch: its tables must go too."""
        images.tool("older").up(print)
        merged = images.tool("merged")
        assert merged.pending() == ["ddd4", "eee5", "fff6"]
        merged.up(print)
        assert (merged.current(), images.tables()) == ("fff6", {"one", "two", "side", "side2", "merge"})
        merged.down("bbb2", print)
        assert (images.tool("older").current(), images.tables()) == ("bbb2", {"one", "two"})

    @pytest.mark.parametrize(("project", "name"), [("good", "alembic_version"), ("named", "applied_migrations")])
    def test_the_version_table_that_env_py_configures(self, images: Images, project: str, name: str) -> None:
        assert images.tool(project).own_tables().history == {name}
        tool = images.tool(project)
        tool.up(print)
        calls: list[Sequence[str]] = []

        def run(command: Sequence[str]) -> tuple[int, str]:
            calls.append(command)
            return images.run(command)

        tool = Alembic(run, f"/projects/{project}")
        assert tool.current() == "ccc3"
        assert (tool.own_tables().history, len(calls)) == ({name}, 1), "its own call isn't needed"
        assert name in images.postgres.query(images.database, "SELECT tablename FROM pg_tables")

    def test_the_version_table_behind_a_program_that_starts_alembic(self, images: Images, alembic: str) -> None:
        script = "mkdir -p /tmp/w && printf '#!/bin/sh\nexec %s \"$@\"\n' $(command -v alembic) > /tmp/w/alembic && chmod +x /tmp/w/alembic"
        assert images.run(["sh", "-c", script])[0] == 0

        def run(command: Sequence[str]) -> tuple[int, str]:
            return images.run(["sh", "-c", 'PATH=/tmp/w:$PATH exec "$@"', "sh", *command])

        assert Alembic(run, "/projects/named").own_tables().history == {"applied_migrations"}
        assert Alembic(run, "/projects/good").own_tables().history == {"alembic_version"}

    def test_head_needs_no_database(self, alembic: str) -> None:
        assert Alembic(lab.execute(alembic, {}), "/projects/good").head() == "ccc3"

    def test_a_database_that_does_not_answer(self, alembic: str) -> None:
        closed = {"DATABASE_URL": f"postgresql+psycopg://postgres:{lab.PASSWORD}@127.0.0.1:9/none"}
        tool = Alembic(lab.execute(alembic, closed), "/projects/good")
        asks: list[Callable[[], object]] = [tool.current, tool.pending, lambda: tool.up(print)]
        for ask in asks:
            with pytest.raises(MigrationFailed, match="Connection refused") as failure:
                ask()
            assert "database is reachable" in failure.value.hint

    @pytest.mark.parametrize("folder", ["/", "/nowhere"])
    def test_a_folder_without_alembic_ini(self, alembic: str, folder: str) -> None:
        tool = Alembic(lab.execute(alembic, {}), folder)
        for ask in (tool.head, tool.current):
            with pytest.raises(MigrationFailed) as failure:
                ask()
            assert "alembic.ini must be" in failure.value.hint

    def test_an_image_without_alembic(self, postgres: lab.Postgres) -> None:
        tool = Alembic(postgres.run("postgres"))
        for ask in (tool.head, tool.current):
            with pytest.raises(MigrationFailed) as failure:
                ask()
            assert "needs alembic" in failure.value.hint


class SqlImages:
    revisions = ("0001", "0002", "0003")

    def __init__(self, postgres: lab.Postgres, database: str) -> None:
        self.postgres, self.database = postgres, database

    def tool(self, image: str) -> SqlFolder:
        return self.folder(FOLDERS[image])

    def folder(self, files: Files) -> SqlFolder:
        return SqlFolder(lambda folder: files, self.postgres.run(self.database), "migrations")

    def tables(self) -> set[str]:
        return self.postgres.tables(self.database)


@pytest.mark.engine
@pytest.mark.share(1 / 3)  # Alembic, behind another command
class TestFlaskMigrate(DatabaseToolSuite):
    """The app is found from the WORKDIR, and the folder is the one that `flask db init` makes."""

    class Images:
        revisions = ("aaa1", "bbb2", "ccc3")

        def __init__(self, alembic: str, postgres: lab.Postgres, database: str) -> None:
            self.image, self.postgres, self.database = alembic, postgres, database
            self.url = f"postgresql+psycopg://postgres:{lab.PASSWORD}@{postgres.name}/{database}"

        def tool(self, image: str, workdir: str = "/projects/flask/good", **env: str) -> Alembic:
            run = lab.execute(self.image, {"DATABASE_URL": self.url, **env}, workdir)
            return Alembic(run, f"/projects/flask/{image}/migrations")

        def tables(self) -> set[str]:
            return self.postgres.tables(self.database)

    @pytest.fixture
    def images(self, alembic: str, postgres: lab.Postgres, database: str) -> Images:
        return self.Images(alembic, postgres, database)

    def test_the_app_beside_the_folder_and_no_app(self, images: Images) -> None:
        """Without an app in the WORKDIR, it is looked for beside the folder; the list of migrations needs none."""
        assert images.tool("good", "/").pending() == ["aaa1", "bbb2", "ccc3"]
        elsewhere = images.tool("good", "/", FLASK_APP="nowhere")
        assert elsewhere.head() == "ccc3"
        with pytest.raises(MigrationFailed, match="Could not import 'nowhere'") as failure:
            elsewhere.pending()
        assert "FLASK_APP" in failure.value.hint

    def test_two_heads_are_refused(self, images: Images) -> None:
        with pytest.raises(MigrationFailed, match="2 heads") as failure:
            images.tool("forked").up(print)
        assert "flask db merge heads" in failure.value.hint


@pytest.mark.engine
class TestSqlFolder(DatabaseToolSuite):
    @pytest.fixture
    def images(self, postgres: lab.Postgres, database: str) -> SqlImages:
        return SqlImages(postgres, database)

    def test_the_error_has_file_and_line(self, images: SqlImages) -> None:
        with pytest.raises(MigrationFailed, match=r'0003_three\.up\.sql:3: ERROR: +relation "nowhere" does not exist'):
            images.tool("broken").up(print)

    def test_a_down_script_that_fails(self, images: SqlImages) -> None:
        images.tool("good").up(print)
        tool = images.folder({**GOOD, "0002_two.down.sql": b"DROP TABLE two; DROP TABLE nowhere;"})
        with pytest.raises(MigrationFailed, match=r"0002_two\.down\.sql failed; the schema is now at 0002"):
            tool.down(None, print)
        assert (tool.current(), images.tables()) == ("0002", {"one", "two"})

    @pytest.mark.parametrize("empty", [b"", b"-- undo here\n/* later */\n"])
    def test_an_empty_down_script_stops_all_of_them(self, images: SqlImages, empty: bytes) -> None:
        tool = images.folder({**GOOD, "0002_two.down.sql": empty})
        tool.up(print)
        with pytest.raises(MigrationFailed, match=r"0002_two\.up\.sql; nothing was reverted"):
            tool.down(None, print)
        assert images.tables() == {"one", "two", "three"}

    def test_a_changed_file(self, images: SqlImages) -> None:
        images.tool("older").up(print)
        changed = images.folder({**GOOD, "0002_two.up.sql": b"CREATE TABLE two (id bigint)"})
        for ask in (changed.pending, lambda: changed.up(print)):
            with pytest.raises(MigrationFailed, match=r"changed after they were applied: 0002_two\.up\.sql"):
                ask()
        assert images.tables() == {"one", "two"}

    def test_a_version_older_than_the_schema(self, images: SqlImages) -> None:
        images.folder({path: text for path, text in GOOD.items() if "two" not in path}).up(print)
        with pytest.raises(
            MigrationFailed, match=r"older than the current revision 0003, but not applied: 0002_two\.up\.sql"
        ):
            images.tool("good").up(print)

    def test_statements_that_no_transaction_may_hold(self, images: SqlImages) -> None:
        """One statement alone is in no transaction, as with golang-migrate; several are, unless the file says otherwise."""
        index = b"CREATE INDEX CONCURRENTLY quick ON one (id);\nSELECT 1;\n"
        files = folder_of("one")
        files["0002_quick.up.sql"] = index
        with pytest.raises(MigrationFailed, match="cannot run inside a transaction block"):
            images.folder(files).up(print)
        files["0002_quick.up.sql"] = b"-- shipway: no-transaction\n" + index
        files["0002_quick.down.sql"] = b"DROP INDEX CONCURRENTLY quick;"
        tool = images.folder(files)
        tool.up(print)
        assert tool.current() == "0002"
        tool.down("0001", print)
        assert tool.current() == "0001"

    def test_an_error_without_a_transaction_says_so(self, images: SqlImages) -> None:
        text = b"-- shipway: no-transaction\nCREATE TABLE half (id int);\nSELECT nope;\n"
        tool = images.folder({"1_half.up.sql": text})
        with pytest.raises(MigrationFailed, match="now at no revision") as failure:
            tool.up(print)
        assert "manually undo" in failure.value.hint
        assert (tool.current(), images.tables()) == (None, {"half"})

    @pytest.mark.parametrize(
        ("files", "revisions"),
        [
            (
                {"2024-01-05-101500_b/up.sql": up_and_down("b")[0], "2024-01-05-101500_b/down.sql": up_and_down("b")[1],
                 "00000000000000_a/up.sql": up_and_down("a")[0], "00000000000000_a/down.sql": up_and_down("a")[1]},
                ["00000000000000", "20240105101500"],
            ),
            (
                {"V10__b.sql": up_and_down("b")[0], "U10__b.sql": up_and_down("b")[1],
                 "V9__a.sql": up_and_down("a")[0], "U9__a.sql": up_and_down("a")[1]},
                ["9", "10"],
            ),
        ],
        ids=["diesel", "flyway"],
    )  # fmt: skip
    def test_other_layouts(self, images: SqlImages, files: Files, revisions: list[str]) -> None:
        tool = images.folder(files)
        assert tool.pending() == revisions
        tool.up(print)
        assert (tool.current(), images.tables()) == (revisions[1], {"a", "b"})
        tool.down(revisions[0], print)
        assert images.tables() == {"a"}
        tool.down(None, print)
        assert images.tables() == set()

    def test_large_and_awkward_files(self, images: SqlImages) -> None:
        """Larger than one argument, and than one call, may be; quotes and backslashes arrive as they are."""
        rows = [base64.b64encode(os.urandom(450_000)).decode() for _ in range(3)]
        files = {f"{number}_o'clock $HOME.up.sql": self.big(number, row) for number, row in enumerate(rows, 1)}
        tool = images.folder(files)
        tool.up(print)
        sizes = images.postgres.query(images.database, "SELECT length(t) FROM b1 UNION ALL SELECT length(t) FROM b3")
        assert (tool.current(), sizes) == ("3", ["600000", "600000"])
        assert images.postgres.query(images.database, "SELECT note FROM b1") == [r"ü'\n$HOME%s"]

    @staticmethod
    def big(number: int, row: str) -> bytes:
        text = f"CREATE TABLE b{number} (t text, note text);\n"
        return (text + rf"INSERT INTO b{number} VALUES ('{row}', 'ü''\n$HOME%s');").encode()

    def test_files_that_meddle_with_the_session(self, images: SqlImages) -> None:
        files = {
            "1_dump.up.sql": b"SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.a (id int);",
            "2_own.up.sql": b"BEGIN;\nCREATE TABLE b (id int);\nCOMMIT;\n",
            "3_bom.up.sql": b"\xef\xbb\xbfCREATE TABLE c (id int); -- no line end",
        }
        tool = images.folder(files)
        tool.up(print)
        assert (tool.current(), images.tables()) == ("3", {"a", "b", "c"})

    def test_data_without_its_end_is_recorded_all_the_same(self, images: SqlImages) -> None:
        tool = images.folder({"1_copy.up.sql": b"CREATE TABLE a (id int);\nCOPY a FROM stdin;\n1\n2\n"})
        tool.up(print)
        assert (tool.current(), images.postgres.query(images.database, "SELECT id FROM a")) == ("1", ["1", "2"])

    def test_reading_changes_nothing(self, images: SqlImages) -> None:
        tool = images.tool("good")
        tool.pending()
        found = images.postgres.query(images.database, "SELECT to_regclass('shipway_migrations') IS NULL")
        assert found == ["t"]

    def test_a_database_that_does_not_answer(self, postgres: lab.Postgres) -> None:
        tool = SqlFolder(lambda folder: GOOD, postgres.run("postgres", PGPORT="9"), "migrations")
        with pytest.raises(MigrationFailed, match="Connection refused"):
            tool.up(print)
