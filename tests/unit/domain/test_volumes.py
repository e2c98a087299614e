"""Where an accessory's data lies, and which version wrote it."""

from __future__ import annotations

import pytest

from shipway.domain.data_version import Series
from shipway.domain.plan import Accessory
from shipway.domain.volumes import declared_by, right_path, variables_of
from shipway.drivers.accessories import KINDS, known_variables, known_volumes

PGDATA = {"PGDATA": "/var/lib/postgresql/data"}
DECLARED = ("/var/lib/postgresql/data",)


@pytest.mark.parametrize(
    ("kind", "volume", "declared", "variables", "right"),
    [
        ("postgres", "/var/lib/postgresql/data", DECLARED, PGDATA, None),
        ("postgres", "/var/lib/postgresql/data/", DECLARED, PGDATA, None),
        ("postgres", "/var/lib/postgresql", DECLARED, PGDATA, "/var/lib/postgresql/data"),  # above
        ("postgres", "/data", DECLARED, PGDATA, "/var/lib/postgresql/data"),  # beside
        (
            "postgres",
            "/var/lib/postgresql/data",
            ("/var/lib/postgresql",),
            {"PGDATA": "/var/lib/postgresql/18/docker"},
            "/var/lib/postgresql",
        ),
        (
            "postgres",
            "/var/lib/postgresql",
            ("/var/lib/postgresql",),
            {"PGDATA": "/var/lib/postgresql/18/docker"},
            None,
        ),
        ("postgres", "/pgdata", DECLARED, {"PGDATA": "/pgdata/15"}, None),  # an image of the team's own
        ("postgres", "/data", (), {}, None),
        ("mysql", "/var/lib/mysql", ("/var/lib/mysql",), {}, None),
        ("mysql", "/var/lib", ("/var/lib/mysql",), {}, "/var/lib/mysql"),
        ("redis", "/data", ("/data",), {}, None),
        ("redis", "/", ("/data",), {}, "/data"),
        ("redis", "/redis", ("/data",), {}, "/data"),
        ("other", "/data/db", ("/data/configdb", "/data/db"), {}, None),
        ("other", "/data", ("/data/configdb", "/data/db"), {}, "/data/configdb"),
        ("other", "/data/sub", ("/data",), {}, None),
        ("other", "/anything", (), {}, None),
        ("other", None, ("/data",), {}, None),
    ],
)
def test_the_path_that_a_volume_should_have(
    kind: str, volume: str | None, declared: tuple[str, ...], variables: dict[str, str], right: str | None
) -> None:
    accessory = Accessory("db", "image:1", kind, volume=volume)
    assert right_path(accessory, declared, KINDS[kind].data_folder(accessory, variables)) == right


def test_a_folder_that_the_plan_names_to_the_image_is_right() -> None:
    moved = Accessory("db", "postgres:15", "postgres", volume="/pg", environment={"PGDATA": "/pg/data"})
    assert KINDS["postgres"].data_folder(moved, PGDATA) == "/pg/data"
    assert right_path(moved, DECLARED, "/pg/data") is None
    told = Accessory("cache", "redis:7", "redis", volume="/keep", command="redis-server --dir /keep")
    assert right_path(told, ("/data",), None) is None
    option = Accessory("db", "mysql:8", "mysql", command="mysqld --datadir=/keep")
    assert KINDS["mysql"].data_folder(option, {}) is None


def test_well_known_images_are_known_without_the_image() -> None:
    known = {image: known_volumes(image) for image in ("postgres:15-alpine", "postgres:18", "mysql:8", "acme/own:1")}
    assert known == {
        "postgres:15-alpine": ("/var/lib/postgresql/data",), "postgres:18": ("/var/lib/postgresql",),
        "mysql:8": ("/var/lib/mysql",), "acme/own:1": (),
    }  # fmt: skip
    assert known_variables("postgis/postgis:18-3.6") == {"PGDATA": "/var/lib/postgresql/18/docker"}
    assert known_variables("mysql:8") == {}


def test_what_an_engine_says_of_an_image() -> None:
    assert declared_by({"Volumes": {"/b/": {}, "/a": {}}}) == ("/a", "/b")
    assert (declared_by({"Volumes": None}), declared_by(None), variables_of({"Env": None})) == ((), (), {})
    assert variables_of({"Env": ["A=b=c", "D="]}) == {"A": "b=c", "D": ""}


@pytest.mark.parametrize(
    ("kind", "image", "variables", "series"),
    [
        ("postgres", "postgres:16", {"PG_MAJOR": "15"}, "PostgreSQL 15"),
        ("postgres", "postgres:16.2-alpine", {}, "PostgreSQL 16"),
        ("postgres", "registry:5000/own/postgres", {}, None),
        ("postgres", "postgres:9.6", {}, "PostgreSQL 9.6"),
        ("mysql", "mysql:8.4", {}, "MySQL 8.4"),
        ("mysql", "own/database:1", {"MARIADB_VERSION": "1:10.11.6+maria~ubu2204"}, "MariaDB 10.11"),
        ("mysql", "own/database:1", {}, None),
        ("redis", "redis:7", {}, None),
    ],
)
def test_the_version_of_an_image(kind: str, image: str, variables: dict[str, str], series: str | None) -> None:
    found = KINDS[kind].series(image, variables)
    assert (None if found is None else str(found)) == series


def test_what_reads_the_files_of_what() -> None:
    assert not Series("PostgreSQL", (16,)).fits(Series("PostgreSQL", (15,)))
    assert Series("MySQL", (8,)).fits(Series("MySQL", (8, 4)))
    assert not Series("MySQL", (8, 0)).fits(Series("MariaDB", (8, 0)))
    versions = KINDS["postgres"].versions
    assert versions is not None
    assert str(versions.of_file("15\n")) == "PostgreSQL 15"
    assert str(versions.of_file("9.6\n")) == "PostgreSQL 9.6"
    assert versions.of_file("") is None
