"""Programs that migrate when they start: seen in a plan's Dockerfiles, and drafted as such."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.actions.projects.check import check
from shipway.domain.errors import EngineError
from shipway.domain.plan import BuildSource, Service
from shipway.drafting.starts import of_plan
from shipway.drafting.survey import survey
from shipway.drafting.write import write
from shipway.planfile.read import read

SCRIPT = {
    "Dockerfile": 'FROM node:22\nENTRYPOINT ["./entry.sh"]\nCMD ["node", "."]\n',
    "entry.sh": "npx prisma migrate deploy\nexec $@\n",
}
PLAN = """\
app: shop
services: {web: {build: ., port: 80, route: /, health: /}}
accessories: {db: {image: "postgres:15", provides: DATABASE_URL, volume: /var/lib/postgresql/data}}
"""


def files(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("texts", "command", "seen"),
    [
        ({"Dockerfile": "FROM python:3\nCMD alembic upgrade head && serve\n"}, None, "alembic upgrade"),
        ({"Dockerfile": "FROM python:3\nCMD alembic upgrade head && serve\n"}, "serve", ""),
        (SCRIPT, None, "prisma migrate deploy"),
        ({"Dockerfile": "FROM python:3\nCMD serve\n"}, "sh -c 'flask db upgrade; serve'", "flask db upgrade"),
        ({"Dockerfile": "FROM python:3\nRUN alembic upgrade head\nCMD serve\n"}, None, ""),
        ({}, None, ""),
    ],
)
def test_what_a_start_runs(tmp_path: Path, texts: dict[str, str], command: str | None, seen: str) -> None:
    service = Service("web", BuildSource("."), command=command)
    assert of_plan(files(tmp_path, texts), service) == seen


@pytest.mark.parametrize(
    ("database", "warned"),
    [
        ("", "which no proof and no snapshot covers"),
        ("database: {accessory: db, service: web, tool: sql, folder: m}\n", "although `database` migrates before that"),
        ("database: {accessory: db, service: web, tool: on-start}\n", ""),
    ],
)
def test_check_names_it(tmp_path: Path, database: str, warned: str) -> None:
    files(tmp_path, {**SCRIPT, "shipway.yaml": PLAN + database})

    def machine() -> None:
        raise EngineError("no engine")

    found = check(tmp_path / "shipway.yaml", machine)  # type: ignore[arg-type]
    text = "\n".join(problem.render() for problem in found.problems)
    assert ("prisma migrate deploy" in text) == bool(warned), text
    assert warned in text
    assert found.plan is not None


def test_a_draft_says_so_where_no_tool_leads_back(tmp_path: Path) -> None:
    compose = (
        "services:\n"
        "  web: {build: ., ports: ['80:80'], command: sh -c 'bin/rails db:prepare && bin/serve', environment: {DATABASE_URL: 'postgres://a:b@db/a'}}\n"
        "  db: {image: 'postgres:15', environment: {POSTGRES_USER: a, POSTGRES_PASSWORD: b, POSTGRES_DB: a}}\n"
    )
    root = files(tmp_path, {"Dockerfile": "FROM ruby:3\nCOPY . .\n", "compose.yaml": compose})
    text = write(survey(root, "shop", "main"))
    found = read(text, "shipway.yaml", None)
    assert found.plan is not None, text
    assert found.plan.database is not None, text
    assert (found.plan.database.tool, found.plan.database.service) == ("on-start", "web")
    assert "only a snapshot restores the earlier schema" in text
