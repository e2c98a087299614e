"""Commands of `tool: command`: what they print where a tool answers, where it fails, and without a database."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from shipway.actions.projects.init import draft_plan
from shipway.domain.plan import Database

DOCKERFILE = "FROM node:22\nWORKDIR /app\nCOPY . .\nEXPOSE 80\n"
RAILS = {
    "bin/rails": "",
    "config/application.rb": "",
    "Gemfile": 'gem "rails"\ngem "pg"\n',
    "db/migrate/20240201_b.rb": "",
    "db/migrate/20240101_a.rb": "",
}
LARAVEL = {
    "artisan": "", "composer.json": '{"require": {"laravel/framework": "11"}}', ".env.example": "DB_CONNECTION=pgsql\n",
    "database/migrations/2024_02_01_000000_b.php": "", "database/migrations/2024_01_01_000000_a.php": "",
}  # fmt: skip
PRISMA = {
    "package.json": '{"dependencies": {"@prisma/client": "5"}}', "prisma/schema.prisma": 'datasource db {\n provider = "postgresql"\n}',
    "prisma/migrations/2_b/migration.sql": "", "prisma/migrations/1_a/migration.sql": "", "prisma/migrations/1_a/down.sql": "DROP TABLE a;",
    "prisma/migrations/migration_lock.toml": "",
}  # fmt: skip
TYPEORM = {
    "package.json": '{"dependencies": {"typeorm": "0.3", "pg": "8"}}', "src/data-source.ts": "process.env.DATABASE_URL",
    "src/migrations/1700000000001-B.ts": "", "src/migrations/1700000000000-A.ts": "", "dist/migrations/1700000000001-B.js": "",
    "dist/migrations/1700000000000-A.js": "", "dist/migrations/1700000000000-A.js.map": "",
}  # fmt: skip
FLASK = {
    "requirements.txt": "flask-migrate\npsycopg\n", "migrations/alembic.ini": "[alembic]\n", "migrations/env.py": "from flask import current_app\n",
}  # fmt: skip


def database(root: Path, files: dict[str, str]) -> Database:
    """The section that is drafted for these files."""
    for name, text in {"Dockerfile": DOCKERFILE, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    result = draft_plan(root)
    assert [problem.render() for problem in result.check.problems] == []
    assert result.check.plan
    assert result.check.plan.database
    assert result.check.plan.database.tool == "command"
    return result.check.plan.database


def shell(root: Path, command: str, tool: str = "", output: str = "", code: int = 0) -> tuple[int, list[str]]:
    """Exit code and lines of a command, with a stand-in for the tool."""
    bin_ = root / "stand-ins"
    bin_.mkdir(exist_ok=True)
    if tool:
        (bin_ / "printed").write_text(output)
        (bin_ / tool).write_text(f"#!/bin/sh\ncat '{bin_}/printed'\nexit {code}\n")
        (bin_ / tool).chmod(0o755)
    env = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", command], cwd=root, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.split()


@pytest.mark.parametrize(
    ("files", "listed"),
    [
        (RAILS, ["20240101", "20240201"]),
        (LARAVEL, ["2024_01_01_000000_a", "2024_02_01_000000_b"]),
        (PRISMA, ["1_a", "2_b"]),
        (TYPEORM, ["1700000000000", "1700000000001"]),
    ],
    ids=["rails", "laravel", "prisma", "typeorm"],
)
def test_the_list_is_from_the_files_oldest_first(files: dict[str, str], listed: list[str], tmp_path: Path) -> None:
    found = database(tmp_path, files)
    assert found.commands
    assert shell(tmp_path, found.commands.list) == (0, listed)


def test_a_script_is_the_file_beside_the_migration(tmp_path: Path) -> None:
    found = database(tmp_path, PRISMA).commands
    assert found
    assert found.script
    assert shell(tmp_path, found.script.replace("{to}", "1_a")) == (0, ["DROP", "TABLE", "a;"])
    assert shell(tmp_path, found.script.replace("{to}", "2_b")) == (0, [])


LARAVEL_STATUS = """
  Migration name ........................ Batch / Status
  2024_01_01_000000_a .......................... [1] Ran
  2024_02_01_000000_b .......................... Pending
"""


@pytest.mark.parametrize(
    ("files", "tool", "output", "code", "expected"),
    [
        (LARAVEL, "php", LARAVEL_STATUS, 0, (0, ["2024_01_01_000000_a"])),
        (LARAVEL, "php", "  ERROR  Migration table not found.\n", 1, (0, [])),
        (LARAVEL, "php", "could not connect\n", 1, (1, ["could", "not", "connect"])),
        (TYPEORM, "npx", "query: SELECT 1\n [X] 1 A1700000000000\n [ ] B1700000000001\n", 0, (0, ["1700000000000"])),
        (TYPEORM, "npx", "refused\n", 1, (1, [])),
        (FLASK, "flask", "the app prints this\n3f1a2b (head)\n", 0, (0, ["3f1a2b"])),
        (FLASK, "flask", "3f1a2b\n", 0, (0, ["3f1a2b"])),
        (FLASK, "flask", "refused\n", 2, (2, [])),
    ],
)
def test_the_current_revision_or_a_failure(
    files: dict[str, str], tool: str, output: str, code: int, expected: tuple[int, list[str]], tmp_path: Path
) -> None:
    """A tool that fails must not look like an empty database: all migrations would run again."""
    found = database(tmp_path, files).commands
    assert found
    assert shell(tmp_path, found.current, tool, output, code) == expected


def test_what_is_recognised_and_not_run_is_named(tmp_path: Path) -> None:
    files = {
        "Dockerfile": DOCKERFILE,
        "db/changelog/db.changelog-master.xml": "<databaseChangeLog/>",
        "src/main/resources/db/migration/V1__a.sql": "CREATE TABLE a (id int);",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    text = draft_plan(tmp_path).text
    assert "Liquibase isn't built in" in text
    assert re.search(
        r"migrates when it starts \(src/main/resources/db/migration/V\*__\*\.sql, which Flyway runs\)", text
    )
    assert "tool: on-start}" in text


def test_an_image_without_the_migrations_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/1_a.up.sql").touch()
    (tmp_path / "Dockerfile").write_text(
        "FROM golang:1.22 AS build\nCOPY . .\nFROM scratch\nCOPY --from=build /app /app\nEXPOSE 80\n"
    )
    assert "# TODO: the image must contain migrations, but Dockerfile doesn't copy it" in draft_plan(tmp_path).text
