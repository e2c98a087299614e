"""A real app with Flask-Migrate: its migrations are proven, deployed and reverted, in one container for each of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.first_deployment import PLAN, Newcomer, deployables

pytestmark = [pytest.mark.machine, pytest.mark.engine, pytest.mark.full, pytest.mark.timeout(1800)]

MORE = """\
import sqlalchemy as sa
from alembic import op

revision = "4a2"
down_revision = "3f1"


def upgrade():
    op.add_column("post", sa.Column("title", sa.String(80)))


def downgrade():
    op.drop_column("post", "title")
"""
# The same tool for which the plan has commands: what `tool: command` does.
LISTED = 'from alembic.script import ScriptDirectory as S; [print(r.revision) for r in reversed([*S("migrations").walk_revisions()])]'
CURRENT = 'found=$(flask db current) && echo "$found" | sed -n "s/^\\([0-9a-z]*\\)\\( (head)\\)*$/\\1/p"'
COMMANDS = f"""\
database:
  accessory: db
  service: web
  tool: command
  commands:
    list: {json.dumps(f"python -c '{LISTED}'")}
    current: {json.dumps(CURRENT)}
    up: flask db upgrade {{to}}
    down: flask db downgrade {{to}}
    base: base
"""


@pytest.mark.parametrize("tool", ["alembic", "command"])
def test_a_migration_is_proven_deployed_and_reverted(tool: str, tmp_path: Path) -> None:
    board = Newcomer(tmp_path / "project", next(item for item in deployables() if item.name == "procfile-flask"))
    try:
        board.create()
        board.deploy()
        board.git("switch", "--quiet", "staging")
        plan = board.clone / PLAN
        text = plan.read_text()
        assert "database: {accessory: db, service: web, tool: alembic, folder: migrations}\n" in text
        if tool == "command":
            text = re.sub(r"^database: .*\n", lambda _: COMMANDS, text, flags=re.MULTILINE)
        plan.write_text(text.replace("  staging:\n", "  staging:\n    prove: required\n"))
        (board.clone / "migrations/versions/4a2_title.py").write_text(MORE)
        board.git("add", "--all")
        board.git("commit", "--quiet", "--message", "Titles")
        board.git("push", "--quiet", "origin", "staging")
        with board.jobs() as up:
            run = board.shipway("run", "staging").output
        assert board.psql("SELECT version_num FROM alembic_version") == "4a2"
        assert "RESTORED" in run, run
        with board.jobs() as down:
            board.shipway("rollback", "staging", "--revert-schema", "--reason", "a test")
        assert board.psql("SELECT version_num FROM alembic_version") == "3f1"
        assert board.psql("SELECT count(*) FROM information_schema.columns WHERE table_name = 'post'") == "2"
        print(f"{tool}: {len(up)} containers for jobs to deploy, {len(down)} to roll back")
        assert len(down) == 1, down
        assert len(up) <= 2, up  # one reads the newest revision, before an environment is chosen
        assert board.containers(role="job") == {}
    finally:
        board.destroy()
