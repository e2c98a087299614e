"""What the proof of a folder is composed of."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.domain.errors import ProofError, UsageError
from shipway.drivers.database.sql_folder import Contents, Skipped
from shipway.drivers.own_server import kind_of
from shipway.folder import choose_dialect, listed, server_for


@pytest.mark.parametrize(
    ("url", "dialect", "image", "found"),
    [
        (None, None, None, None),
        ("postgresql://x", None, None, "postgres"),
        ("mariadb://x", "mysql", None, "mysql"),
        ("sqlite:", None, None, "sqlite"),
        (None, "sqlite", None, "sqlite"),
        (None, None, "registry.example/team/mariadb:10.11", "mysql"),
        (None, None, "postgis/postgis:15-3.4", "postgres"),
        (None, None, "own:1", None),
        (None, "mysql", "own:1", "mysql"),
    ],
)
def test_the_dialect_that_the_options_name(
    url: str | None, dialect: str | None, image: str | None, found: str | None
) -> None:
    assert choose_dialect(url, dialect, image) == found


@pytest.mark.parametrize(
    ("url", "dialect", "image"),
    [
        ("postgresql://x", "mysql", None),
        (None, "postgres", "mysql:8.4"),
        ("postgresql://x", None, "postgres:15"),
        (None, "sqlite", "own:1"),
    ],
)
def test_options_that_contradict_each_other(url: str | None, dialect: str | None, image: str | None) -> None:
    with pytest.raises(UsageError):
        choose_dialect(url, dialect, image)


def test_the_server_of_a_folder() -> None:
    for of_folder, chosen, found in ((None, None, "postgres"), ("mysql", None, "mysql"), ("mssql", "mysql", "mysql")):
        contents = Contents(Path("db"), "goose", of_folder, (), ())
        assert server_for(contents, None, chosen, None).dialect == found
    with pytest.raises(ProofError, match="the migrations in db are written for mssql, which can't be tested"):
        server_for(Contents(Path("db"), "goose", "mssql", (), ()), None, None, None)


def test_skipped_migrations_name_their_file_once() -> None:
    contents = Contents(
        Path("db"), "goose", None, (), (Skipped("2", "2_a.go", "it is written in Go"), Skipped("3", "3.sql", "3.sql: odd"))
    )  # fmt: skip
    assert [item.reason for item in listed(contents)[1]] == ["2_a.go: it is written in Go", "3.sql: odd"]


def test_images_by_name() -> None:
    assert [kind_of(name) for name in ("postgres", "mysql:8@sha256:x", "a/percona-server:8", "redis:7")] == [
        "postgres", "mysql", "mysql", None,
    ]  # fmt: skip
