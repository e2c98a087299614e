"""Django, dbmate, Sequelize, Knex, and a tool that the plan gives commands for, against a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.domain.errors import MigrationFailed
from shipway.domain.plan import DatabaseCommands
from shipway.drivers.database.command import Command
from shipway.drivers.database.dbmate import Dbmate
from shipway.drivers.database.django import Django
from shipway.drivers.database.knex import Knex
from shipway.drivers.database.sequelize import Sequelize
from shipway.ports import DatabaseTool, OneOff, OnLine
from shipway.testing.database import DatabaseToolSuite, MigrationImages
from tests.conformance import database_lab as lab
from tests.conformance import tool_projects as projects

pytestmark = [pytest.mark.databases, pytest.mark.engine, pytest.mark.share(1 / 2)]


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    with lab.network() as name:
        yield name


@pytest.fixture(scope="module")
def postgres(network: str, folder: Path) -> Iterator[lab.Postgres]:
    env = {"POSTGRES_PASSWORD": lab.PASSWORD}
    with lab.container(network, *lab.POSTGRES, env=env) as name:
        server = lab.Postgres(name)
        server.wait()
        lab.docker("cp", str(folder / "own/projects"), f"{name}:/projects")
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder an image; each has `projects`."""
    folder = tmp_path_factory.mktemp("tools")
    projects.write_django(folder / "python/projects/django")
    projects.write_shop(folder / "python/projects/django/shop")
    projects.write_dbmate(folder / "python/projects/dbmate")
    projects.write_sequelize(folder / "node/projects/sequelize")
    projects.write_knex(folder / "node/projects/knex")
    projects.write_script(folder / "own/projects/script")
    return folder


@pytest.fixture(scope="module")
def python(network: str, folder: Path) -> Iterator[str]:
    with lab.container(network, lab.build_image("python", folder / "python"), "sleep", "infinity") as name:
        yield name


@pytest.fixture(scope="module")
def node(network: str, folder: Path) -> Iterator[str]:
    with lab.container(network, lab.build_image("node", folder / "node"), "sleep", "infinity") as name:
        yield name


class Images:
    """Of one tool, whose projects are in `image` and in `folder`."""

    def __init__(
        self, name: str, image: str, folder: Path, postgres: lab.Postgres, revisions: tuple[str, str, str]
    ) -> None:
        self.name, self.image, self.folder, self.postgres = name, image, folder, postgres
        self.revisions = revisions
        self.database = postgres.create()

    def run(self, project: str, **env: str) -> OneOff:
        """In the project's image; its WORKDIR is the project's folder."""
        url = f"postgres://postgres:{lab.PASSWORD}@{self.postgres.name}:5432/{self.database}"
        client = {
            "PGHOST": self.postgres.name,
            "PGUSER": "postgres",
            "PGPASSWORD": lab.PASSWORD,
            "PGDATABASE": self.database,
        }
        known = {"HOST": self.postgres.name, "DATABASE": self.database, "DATABASE_URL": url}
        known |= client if self.name == "script" else {}
        return lab.execute(self.image, {**known, **env}, f"/projects/{self.name}/{project}")

    def files(self, project: str, path: str) -> dict[str, bytes]:
        return lab.files_of(self.folder / "projects" / self.name / project / path)

    def tool(self, project: str, **env: str) -> DatabaseTool:
        run = self.run(project, **env)
        if self.name == "django":
            return Django(run)
        if self.name == "dbmate":
            return Dbmate(run, self.postgres.run(self.database), lambda path: self.files(project, path))
        if self.name == "script":
            return Command(run, COMMANDS)
        return {"sequelize": Sequelize, "knex": Knex}[self.name](run, lambda path: self.files(project, path))

    def tables(self) -> set[str]:
        return self.postgres.tables(self.database)


COMMANDS = DatabaseCommands(
    list="ls | sed -n 's/_.*[.]up[.]sql$//p'",
    current="sh migrate.sh current",
    up="sh migrate.sh up {to}",
    down="sh migrate.sh down {to}",
    script="cat {to}_*.down.sql || true",
    base="0",
)
DOWN_ONE = DatabaseCommands(COMMANDS.list, COMMANDS.current, "sh migrate.sh up 9999", "sh migrate.sh down 0 1")


class TestDjango(DatabaseToolSuite):
    @pytest.fixture
    def images(self, python: str, folder: Path, postgres: lab.Postgres) -> Images:
        return Images(
            "django", python, folder / "python", postgres, ("shop.0001_one", "shop.0002_two", "shop.0003_three")
        )

    def test_a_release_that_adds_to_one_app_of_several(self, images: Images, on_line: OnLine) -> None:
        older, newer = images.tool("apps"), images.tool("apps_two")
        older.up(on_line)
        before = older.current()
        assert before == older.head() == "shop.0001_one+stock.0001_stock"
        assert newer.pending() == [newer.head()] == ["shop.0002_two+stock.0001_stock"]
        assert list(newer.scripts(newer.pending())) == [
            "/projects/django/apps_two/shop/migrations/0002_two.py",
            "manage.py sqlmigrate shop 0002_two --backwards",
        ]
        newer.up(on_line)
        assert newer.current() == newer.head()
        newer.down(before, on_line)
        assert (older.current(), images.tables()) == (before, {"one", "stock"})

    def test_two_heads_are_refused(self, images: Images, on_line: OnLine) -> None:
        forked = images.tool("apps_forked")
        for ask in (forked.head, forked.pending, lambda: forked.up(on_line)):
            with pytest.raises(MigrationFailed, match="shop have 2 heads: 0002_other, 0002_two"):
                ask()

    def test_a_branch_that_django_can_not_part(self, images: Images, on_line: OnLine) -> None:
        """It would leave `other`, which the older release never had."""
        images.tool("apps_two").up(on_line)
        merged = images.tool("apps_merged")
        before = merged.current()
        merged.up(on_line)
        with pytest.raises(MigrationFailed, match=r"can't separate shop\.0002_other"):
            merged.down(before, on_line)
        assert images.tables() == {"one", "two", "other", "stock"}

    def test_an_app_that_was_removed(self, images: Images, on_line: OnLine) -> None:
        """Its rows stay in the migration history table."""
        images.tool("apps").up(on_line)
        with pytest.raises(MigrationFailed, match=r"stock\.0001_stock") as failure:
            images.tool("without_stock").current()
        assert "delete its rows" in failure.value.hint
        images.tool("apps_two").up(on_line)
        assert images.tool("without_stock").current() == "shop.0002_two"

    def test_several_apps_go_down_together(self, images: Images, on_line: OnLine) -> None:
        tool = images.tool("apps_two")
        tool.up(on_line)
        tool.down(None, on_line)
        assert (tool.current(), images.tables()) == (None, set())

    def test_the_tables_that_django_fills(self, images: Images) -> None:
        own = images.tool("shop", HOST="127.0.0.1", PORT="9").own_tables()
        assert own.history == {"django_migrations"}
        assert own.kept == {"django_content_type", "auth_permission", "django_site"}
        assert images.tool("good").own_tables().kept == set()

    def test_head_and_scripts_need_no_database(self, images: Images) -> None:
        tool = images.tool("good", HOST="127.0.0.1", PORT="9")
        assert tool.head() == "shop.0003_three"
        assert list(tool.scripts(["shop.0002_two"])) == ["/projects/django/good/shop/migrations/0002_two.py"]
        for ask in (tool.current, tool.pending):
            with pytest.raises(MigrationFailed, match="Connection refused") as failure:
                ask()
            assert "database is reachable" in failure.value.hint

    def test_an_image_without_it(self, images: Images) -> None:
        with pytest.raises(MigrationFailed) as failure:
            Django(images.run("empty"), "/").head()
        assert "manage.py must be" in failure.value.hint
        with pytest.raises(MigrationFailed) as failure:
            Django(images.postgres.run("postgres")).head()
        assert "needs python" in failure.value.hint


class NamedTable:
    """Projects whose migration history table has another name than the tool's default."""

    def test_the_name_that_the_project_configures(self, images: Images, on_line: OnLine) -> None:
        tool = images.tool("named")
        own = tool.own_tables().history
        tool.up(on_line)
        made = images.postgres.query(images.database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert own == set(made) - {"one", "two", "three"}
        assert "applied_migrations" in own

    def test_the_default_name(self, images: Images, on_line: OnLine) -> None:
        tool = images.tool("good")
        tool.up(on_line)
        made = images.postgres.query(images.database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert tool.own_tables().history == set(made) - {"one", "two", "three"}


class TestDbmate(NamedTable, DatabaseToolSuite):
    @pytest.fixture
    def images(self, python: str, folder: Path, postgres: lab.Postgres) -> Images:
        return Images("dbmate", python, folder / "python", postgres, ("20240101", "20240102", "20240103"))

    def test_a_migration_history_table_of_another_name(self, images: Images, on_line: OnLine) -> None:
        table = {"DBMATE_MIGRATIONS_TABLE": "public.applied_migrations"}
        assert images.tool("good", **table).own_tables().history == {"applied_migrations"}
        images.tool("good", **table).up(on_line)
        assert images.tool("good", **table).current() == "20240103"
        with pytest.raises(MigrationFailed, match="20240103"):
            images.tool("older", **table).down(None, on_line)

    def test_a_database_that_does_not_answer(self, images: Images) -> None:
        tool = images.tool("good", DATABASE_URL=f"postgres://postgres:{lab.PASSWORD}@127.0.0.1:9/x")
        with pytest.raises(MigrationFailed, match="connection refused") as failure:
            tool.current()
        assert "database is reachable" in failure.value.hint
        assert tool.head() == "20240103"


class TestSequelize(NamedTable, DatabaseToolSuite):
    @pytest.fixture
    def images(self, node: str, folder: Path, postgres: lab.Postgres) -> Images:
        revisions = ("20240101-one.js", "20240102-two.js", "20240103-three.js")
        return Images("sequelize", node, folder / "node", postgres, revisions)

    def test_a_database_that_does_not_answer(self, images: Images) -> None:
        with pytest.raises(MigrationFailed, match="ECONNREFUSED") as failure:
            images.tool("good", HOST="127.0.0.1", PORT="9").current()
        assert "database is reachable" in failure.value.hint

    def test_a_folder_that_is_not_the_tool_s(self, images: Images) -> None:
        with pytest.raises(MigrationFailed, match="which elsewhere of the image lacks") as failure:
            Sequelize(images.run("good"), lambda path: {}, "elsewhere").pending()
        assert "folder:" in failure.value.hint


class TestKnex(NamedTable, DatabaseToolSuite):
    @pytest.fixture
    def images(self, node: str, folder: Path, postgres: lab.Postgres) -> Images:
        revisions = ("20240101_one.js", "20240102_two.js", "20240103_three.js")
        return Images("knex", node, folder / "node", postgres, revisions)

    def test_a_migration_that_fails_half_way(self, images: MigrationImages, on_line: OnLine) -> None:
        """All that is pending is one transaction: nothing of it stays."""
        tool, (first, _, third) = images.tool("broken"), images.revisions
        with pytest.raises(MigrationFailed, match="now at no revision") as failure:
            tool.up(on_line)
        assert third in failure.value.message
        assert (tool.current(), images.tables()) == (None, set())
        tool.up(on_line, first)
        images.tool("good").up(on_line)
        assert images.tables() == {"one", "two", "three"}

    def test_an_image_without_it(self, images: Images) -> None:
        with pytest.raises(MigrationFailed) as failure:
            Knex(images.postgres.run("postgres"), lambda path: {}).current()
        assert "needs knex" in failure.value.hint


class TestCommand(DatabaseToolSuite):
    """A script of somebody's own, in the image of the database."""

    @pytest.fixture
    def images(self, folder: Path, postgres: lab.Postgres) -> Images:
        return Images("script", postgres.name, folder / "own", postgres, ("0001", "0002", "0003"))

    def test_a_tool_that_goes_down_one_by_one(self, images: Images, on_line: OnLine) -> None:
        tool = Command(images.run("good"), DOWN_ONE)
        with pytest.raises(MigrationFailed, match="always applies all"):
            tool.up(on_line, "0002")
        tool.up(on_line)
        tool.down("0001", on_line)
        assert (tool.current(), images.tables(), tool.scripts(["0002"])) == ("0001", {"one"}, {})

    def test_a_folder_to_run_in(self, images: Images, on_line: OnLine) -> None:
        tool = Command(images.run("."), COMMANDS, "good")
        tool.up(on_line, "0001")
        assert (tool.pending(), images.tables()) == (["0002", "0003"], {"one"})

    def test_a_command_that_fails(self, images: Images) -> None:
        tool = Command(images.run("good"), DatabaseCommands("echo 1", "echo wrong >&2; exit 3", "true", "true"))
        with pytest.raises(MigrationFailed, match=r"exit code 3: echo wrong.*\nwrong"):
            tool.current()
