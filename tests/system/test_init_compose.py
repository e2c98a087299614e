"""A repository with a whole Compose file: `init`, `check`, and the first deployment of the draft as it is."""

from __future__ import annotations

import difflib
import re
import subprocess
import time

import pytest

from examples.project import ADA
from tests.system.tiny import Tiny
from tests.unit.drafting.shapes.whole import WHOLE

pytestmark = [pytest.mark.machine, pytest.mark.engine, pytest.mark.timeout(900)]


def test_the_draft_of_a_whole_compose_file_is_deployed_without_an_edited_line(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    project = Tiny(tmp_path_factory.mktemp("whole"))
    try:
        project.clone.mkdir(parents=True)
        WHOLE.write(project.clone)
        project.git("init", "--quiet", "--initial-branch=main")
        project.git("config", "user.name", "Ada")
        project.git("config", "user.email", ADA)
        remote = project.folder / f"{project.app}.git"  # whose name is the app's
        project.git("init", "--quiet", "--bare", "--initial-branch=main", str(remote))
        project.git("remote", "add", "origin", str(remote))

        told = project.shipway("init").output
        draft = (project.clone / "shipway.yaml").read_text()
        assert "shipway.yaml is valid: 2 services, 2 environments, 1 step\n" in project.shipway("check").output
        project.git("add", "--all")
        project.git("commit", "--quiet", "--message", "The plan")
        project.git("switch", "--quiet", "--create", "staging")
        project.git("push", "--quiet", "origin", "main", "staging")
        secrets = re.findall(r"shipway secret set staging (\w+)", told)
        assert sorted(secrets) == ["POSTGRES_PASSWORD", "SESSION_SECRET"]
        for name in secrets:
            project.shipway("secret", "set", "staging", name, "--generate")
        run = project.shipway("run", "staging").output

        deployed = project.git("show", "staging:shipway.yaml").output
        changed = [line for line in difflib.ndiff(draft.splitlines(), deployed.splitlines()) if line[0] in "+-"]
        assert changed == []
        assert project.good() == [("staging", "deploy", 1)], run
        assert project.answer() == f"Corner shop at {project.staging}, visit 1"
        names = {re.sub(r"^.*?_staging_", "", name) for name in project.containers(environment="staging")}
        assert {re.sub(r"_r?\d+.*$", "", name) for name in names} >= {"db", "cache"}
        assert not [name for name in names if re.match(r"proxy|adminer|migrate", name)]
        deadline = time.monotonic() + 30
        while not int(rows := count(project)):  # that the collector wrote, with the parts of the address
            assert time.monotonic() < deadline, rows
            time.sleep(0.2)
    finally:
        project.destroy()


def count(project: Tiny) -> str:
    command = [
        "docker",
        "exec",
        f"{project.app}_staging_db",
        "psql",
        "-U",
        "keeper",
        "-d",
        "shop",
        "-At",
        "-c",
        "SELECT count(*) FROM visits",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
