"""Migration tools against a real MariaDB, which can't undo a failed migration."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shipway.domain.errors import MigrationFailed
from shipway.drivers.database.alembic import Alembic
from shipway.drivers.database.dbmate import Dbmate
from shipway.drivers.database.django import Django
from shipway.drivers.database.knex import Knex
from shipway.drivers.database.sequelize import Sequelize
from shipway.drivers.database.sql import SqlFolder
from shipway.ports import DatabaseTool, OneOff, OnLine
from shipway.testing.database import DatabaseToolSuite, MigrationImages
from tests.conformance import database_lab as lab
from tests.conformance import tool_projects as projects
from tests.conformance.alembic_projects import write_alembic
from tests.conformance.scratch_lab import MARIADB, build_mariadb
from tests.conformance.test_database import FOLDERS

pytestmark = [pytest.mark.databases, pytest.mark.engine, pytest.mark.share(1 / 2)]


class Server:
    """In a container; each test has a database of its own."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, database: str) -> OneOff:
        known = {
            "DB_HOST": self.name,
            "DB_PORT": "3306",
            "DB_USER": "root",
            "MYSQL_PWD": lab.PASSWORD,
            "DB_NAME": database,
        }
        return lab.execute(self.name, known)

    def query(self, database: str, statement: str) -> list[str]:
        words = ["mariadb", f"-h{self.name}", "-uroot", f"-p{lab.PASSWORD}", "-N", "-e", statement]
        code, output = self.run(database)([*words, *([database] if database else [])])
        assert code == 0, output
        return output.split()

    def tables(self, database: str) -> set[str]:
        return set(self.query(database, "SHOW TABLES")) - lab.OWN


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    with lab.network() as name:
        yield name


@pytest.fixture(scope="module")
def server(network: str) -> Iterator[Server]:
    build_mariadb()
    env = {"MARIADB_ROOT_PASSWORD": lab.PASSWORD}
    with lab.container(network, "--tmpfs", "/var/lib/mysql", MARIADB, env=env) as name:
        lab.until_ready(
            name, lambda: lab.execute(name, {})(["mariadb-admin", "ping", "-h127.0.0.1", "--silent"])[0] == 0
        )
        yield Server(name)


@pytest.fixture
def database(server: Server) -> str:
    name = f"t_{secrets.token_hex(4)}"
    server.query("", f"CREATE DATABASE {name}")
    return name


class HalfApplied(DatabaseToolSuite):
    def test_a_migration_that_fails_half_way(self, images: MigrationImages, on_line: OnLine) -> None:
        """Its table stays, and whoever wants to go on removes it first."""
        self.fail_half_way(images, on_line, {"one", "two", "three"})


class TestSqlFolder(HalfApplied):
    class Images:
        revisions = ("0001", "0002", "0003")

        def __init__(self, server: Server, database: str) -> None:
            self.server, self.database = server, database

        def tool(self, image: str) -> SqlFolder:
            return SqlFolder(lambda folder: FOLDERS[image], self.server.run(self.database), "migrations", "mysql")

        def tables(self) -> set[str]:
            return self.server.tables(self.database)

    @pytest.fixture
    def images(self, server: Server, database: str) -> Images:
        return self.Images(server, database)

    def test_rows_of_a_failed_migration_are_undone(self, images: Images, on_line: OnLine) -> None:
        """Where it changes no schema, a transaction covers it."""
        files = {**FOLDERS["older"], "0003_x.up.sql": b"INSERT INTO one VALUES (1);\nINSERT INTO nowhere VALUES (1);\n"}
        tool = SqlFolder(lambda folder: files, images.server.run(images.database), "migrations", "mysql")
        with pytest.raises(MigrationFailed, match=r"0003_x\.up\.sql failed") as failure:
            tool.up(on_line)
        assert "can't be undone as a whole by this server" in failure.value.hint
        assert images.server.query(images.database, "SELECT count(*) FROM one") == ["0"]


WRITE = {
    "python": {"alembic": write_alembic, "django": projects.write_django, "dbmate": projects.write_dbmate},
    "node": {"knex": projects.write_knex, "sequelize": projects.write_sequelize},
}


@pytest.fixture(scope="module")
def python(network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    with programs("python", network, tmp_path_factory.mktemp("python")) as found:
        yield found


@pytest.fixture(scope="module")
def node(network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    with programs("node", network, tmp_path_factory.mktemp("node")) as found:
        yield found


@contextmanager
def programs(kind: str, network: str, context: Path) -> Iterator[tuple[str, Path]]:
    """A container with the tools of a kind and their projects, and the folder of these."""
    for tool, write in WRITE[kind].items():
        write(context / "projects" / tool)
    with lab.container(network, lab.build_image(kind, context), "sleep", "infinity") as name:
        yield name, context / "projects"


class Images:
    """The projects of one tool. Its address is in DATABASE_URL."""

    def __init__(
        self, name: str, programs: tuple[str, Path], server: Server, database: str, revisions: tuple[str, str, str]
    ) -> None:
        self.name, (self.container, self.folder) = name, programs
        self.server, self.database, self.revisions = server, database, revisions

    def run(self, project: str) -> OneOff:
        url = f"mysql://root:{lab.PASSWORD}@{self.server.name}:3306/{self.database}"
        return lab.execute(self.container, {"DATABASE_URL": url}, f"/projects/{self.name}/{project}")

    def tool(self, image: str) -> DatabaseTool:
        run = self.run(image)

        def files(path: str) -> dict[str, bytes]:
            return lab.files_of(self.folder / self.name / image / path)

        match self.name:
            case "alembic":
                return Alembic(run)
            case "django":
                return Django(run)
            case "dbmate":
                return Dbmate(run, self.server.run(self.database), files, kind="mysql")
            case "knex":
                return Knex(run, files)
            case _:
                return Sequelize(run, files)

    def tables(self) -> set[str]:
        return self.server.tables(self.database)


class ToolOfAnImage(HalfApplied):
    """A tool of the lab's images: its kind, the fixture with the programs, and its revisions."""

    kind: str
    programs: str
    revisions: tuple[str, str, str]

    @pytest.fixture
    def images(self, request: pytest.FixtureRequest, server: Server, database: str) -> Images:
        return Images(self.kind, request.getfixturevalue(self.programs), server, database, self.revisions)


class TestDbmate(ToolOfAnImage):
    kind, programs, revisions = "dbmate", "python", ("20240101", "20240102", "20240103")


@pytest.mark.share(1 / 7)
class TestAlembic(ToolOfAnImage):
    kind, programs, revisions = "alembic", "python", ("aaa1", "bbb2", "ccc3")


@pytest.mark.share(1 / 7)
class TestDjango(ToolOfAnImage):
    kind, programs, revisions = "django", "python", ("shop.0001_one", "shop.0002_two", "shop.0003_three")


@pytest.mark.share(1 / 7)
class TestKnex(ToolOfAnImage):
    kind, programs, revisions = "knex", "node", ("20240101_one.js", "20240102_two.js", "20240103_three.js")


@pytest.mark.share(1 / 7)
class TestSequelize(ToolOfAnImage):
    kind, programs, revisions = "sequelize", "node", ("20240101-one.js", "20240102-two.js", "20240103-three.js")
