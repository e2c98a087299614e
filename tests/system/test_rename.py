"""`shipway rename` with a database: the site answers all the time, no container is replaced, and the data stays."""

from __future__ import annotations

import pytest

from shipway.domain.errors import GateRefused
from tests.system.conftest import Make
from tests.system.tiny import Tiny, engine, visitors

pytestmark = pytest.mark.engine


def identities(project: Tiny) -> set[str]:
    return {engine(f"/containers/{name}/json")["Id"] for name in project.containers()}


def test_an_environment_and_its_app_get_new_names(make: Make) -> None:
    project = make(database=True)
    project.shipway("run", "staging")
    project.psql("INSERT INTO pets VALUES ('Rex')")
    before, places = identities(project), (project.networks(), project.volumes())

    # The plan is first: the new environment would take over the address of the old one, without its data.
    environments = project.plan["environments"]
    environments["preview"] = environments.pop("staging")
    environments["production"]["after"] = "preview"
    project.protect()
    project.change("two")
    refused = project.shipway("run", "staging", "--app", project.app, check=False)
    assert refused.code == GateRefused.exit_code
    assert "nothing was ever deployed to preview, and it has the address of staging" in refused.output
    assert "shipway rename environment staging preview" in refused.output
    assert "is it staging, renamed? shipway rename environment staging preview" in project.shipway("check").output
    assert project.answer() == "one"

    with visitors(project) as answers:
        project.shipway("rename", "environment", "staging", "preview", "--reason", "clearer")
        project.shipway("rename", "app", project.app, f"{project.app}-new")
        assert identities(project) == before
        assert (project.networks(), project.volumes()) == places
        project.plan["app"] = f"{project.app}-new"
        project.protect()
        project.change("two")
        project.shipway("run", "staging")
        assert project.answer() == "two"
        project.shipway("rollback", "preview")
    assert set(answers) == {"one", "two"}
    assert project.psql("SELECT name FROM pets") == "Rex"
    assert before & identities(project), "the database was not replaced"

    assert project.good()[0] == ("preview", "rollback", 1)
    history = project.shipway("history", "staging", "--app", project.app).output
    assert "renamed the environment first called staging to preview: clearer" in history
    assert f"renamed the app first called {project.app} to {project.app}-new" in history
    shown = project.shipway("status").output
    assert shown.startswith(f"{project.app}-new\n")
    assert "\n  preview  " in shown
    assert (
        project.shipway("exec", "preview", "web", "--", "sh", "-c", "echo $SHIPWAY_ENVIRONMENT").output == "staging\n"
    )
