"""Environments on MariaDB whose migrations are those of Alembic, Django, Knex and Sequelize: migrated, proven, rolled back by the
tool's own down migrations, and what a failed or a waiting one does."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from shipway.domain.errors import MigrationFailed
from shipway.domain.proof import HALF_APPLIED, RESTORED
from tests.conformance import tool_projects as projects
from tests.conformance.alembic_projects import write_alembic
from tests.conformance.database_lab import build_image
from tests.conformance.scratch_lab import MARIADB, build_mariadb
from tests.system.conftest import Make
from tests.system.test_mysql import holding_a_lock, sql, tables
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.engine, pytest.mark.machine, pytest.mark.full, pytest.mark.timeout(900)]

PYTHON = """\
import http.server
class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open("name", "rb").read())
http.server.ThreadingHTTPServer(("", 8000), Site).serve_forever()
"""
NODE = "require('http').createServer((_, answer) => answer.end(require('fs').readFileSync('name'))).listen(8000)\n"
SERVERS = {"python": ("python", "site.py", PYTHON), "node": ("node", "site.js", NODE)}


@dataclass(frozen=True)
class Tool:
    image: str  # a recipe of the laboratory
    write: Callable[[Path], None]  # the projects `older`, `good` and `broken`
    made: str = "three"  # the table that `good` adds
    folder: str | None = None


def write_shops(folder: Path) -> None:
    """With Django's own apps, whose tables it fills itself."""
    for name, last in (
        ("older", "0002_stock"),
        ("good", "0003_note"),
        ("broken", "0003_note"),
        ("marked", "0004_mark"),
    ):
        projects.write_shop(folder / name, last)
    script = folder / "broken/shop/migrations/0003_note.py"
    script.write_text(
        script.read_text().replace(
            "operations = [",
            f"operations = [migrations.RunSQL('CREATE TABLE left_over (n int)', ''), migrations.RunSQL({projects.NOPE!r}), ",
        )
    )


TOOLS = {
    "alembic": Tool("python", write_alembic),
    "django": Tool("python", write_shops, "shop_note"),
    "knex": Tool("node", projects.write_knex, folder="migrations"),
    "sequelize": Tool("node", projects.write_sequelize, folder="migrations"),
}


def release(project: Tiny, folder: Path, name: str) -> None:
    """Commit the files of one of the tool's projects."""
    web = project.clone / "web"
    for path in web.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    shutil.copytree(folder / name, web, dirs_exist_ok=True)
    project.change(name)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool(name: str, make: Make, tmp_path: Path) -> None:
    tool = TOOLS[name]
    build_mariadb()
    (tmp_path / "image").mkdir()
    base = build_image(tool.image, tmp_path / "image")
    tool.write(tmp_path / "projects")
    project = make()
    program, file, text = SERVERS[tool.image]
    dockerfile = f'FROM {base}\nWORKDIR /projects/app\nCOPY . .\nCMD ["{program}", "{file}"]\n'
    project.write({"web/Dockerfile": dockerfile, f"web/{file}": text})
    project.plan["accessories"] = {"db": {"image": MARIADB, "provides": "DATABASE_URL", "volume": "/var/lib/mysql"}}
    project.plan["database"] = {
        "accessory": "db",
        "service": "web",
        "tool": name,
        "lock_timeout": "2s",
        "lock_retries": 0,
    }
    project.plan["database"] |= {"folder": tool.folder} if tool.folder else {}
    project.plan["environments"]["staging"]["prove"] = "required"
    project.protect()

    release(project, tmp_path / "projects", "older")
    project.shipway("run", "staging")
    assert project.answer() == "older"
    before = tables(project)
    assert tool.made not in before

    release(project, tmp_path / "projects", "broken")
    refused = project.shipway("run", "staging", check=False)
    assert HALF_APPLIED in refused.output, refused.output
    assert tables(project) == before

    release(project, tmp_path / "projects", "good")
    run = project.shipway("run", "staging")
    assert RESTORED in run.output, run.output
    assert (tables(project) - before, project.answer()) == ({tool.made}, "good")
    done = project.shipway("rollback", "staging")
    assert "revert" in done.output, done.output
    assert (tables(project), project.answer()) == (before, "older")

    if name == "django":
        waits_for_a_row(project, tmp_path / "projects")


def waits_for_a_row(project: Tiny, folder: Path) -> None:
    """The tool's session has no limit: its statement is ended from outside, in less than the server's 50 s."""
    project.change("good")
    project.shipway("run", "staging")
    sql(project, "INSERT INTO shop_item (name, stock) VALUES ('apple', 1)")
    release(project, folder, "marked")
    with holding_a_lock(project, "UPDATE shop_item SET stock = 2"):
        refused = project.shipway("run", "staging", check=False)
    assert refused.code == MigrationFailed.exit_code, refused.output
    assert "it didn't get a lock in 1 attempt of 2.0 s; held by process " in refused.output, refused.output
    assert sql(project, "SELECT name FROM shop_item") == "apple"
    project.shipway("run", "staging")
    assert sql(project, "SELECT name FROM shop_item") == "apple!"
