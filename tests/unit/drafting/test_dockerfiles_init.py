"""`shipway init --dockerfile`: which files it writes, and that it never touches others."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from shipway.actions.projects.init import draft_plan
from shipway.drafting.dockerfiles.table import proposals
from tests.applications import APPLICATIONS, package
from tests.unit.drafting.dockerfiles import FLASK, contents, refused, run
from tests.unit.drafting.repository import fill


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"requirements.txt": "flask\n"}, "FLASK_APP"),
        ({"requirements.txt": "fastapi\n"}, "Procfile"),
        ({"package.json": package(dependencies={"express": "4"})}, "`start` script"),
        ({"go.mod": "module a\n"}, "package main"),
        ({"Gemfile": 'gem "rails"\n'}, "bundle lock"),
        ({"composer.json": '{"require": {"laravel/framework": "*"}}'}, "composer update"),
        ({"package.json": package(devDependencies={"@sveltejs/kit": "2", "vite": "6"})}, "adapter"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\nflask = "3"\n', "app.py": "app = Flask('a')"}, "poetry lock"),
    ],
)  # fmt: skip
def test_what_is_unclear_is_an_error_that_says_what_to_do(files: Mapping[str, str], reason: str, folder: Path) -> None:
    fill(folder, files)
    assert reason in refused(run("--dockerfile"))
    assert contents(folder) == files


def test_an_unclear_part_does_not_stop_the_others(folder: Path) -> None:
    fill(folder, {"Dockerfile": "FROM caddy:2\nEXPOSE 80\n", "api/requirements.txt": "flask\n"})
    done = run("--dockerfile")
    assert done.exit_code == 0, done.output
    assert "api/Dockerfile was not written: no `app = Flask(…)`" in done.output
    assert draft_plan(folder).check.valid


def test_the_plan_is_drafted_with_what_was_written(folder: Path) -> None:
    fill(folder, {**FLASK, "compose.yaml": "services:\n  db: {image: 'postgres:16'}\n"})
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "--allow-empty", "-qm", "x"], check=True
    )
    done = run("--dockerfile")
    assert done.exit_code == 0, done.output
    result = draft_plan(folder)
    assert result.check.problems == ()
    assert result.notes == ()
    assert result.check.plan
    service = result.check.plan.services["shop"]
    assert service.build
    assert (service.build.folder, service.port, service.health and service.health.path) == (".", 8000, "/healthz")
    assert (folder / "shipway.yaml").read_text() == result.text
    assert "wrote Dockerfile for Flask" in done.output
    assert "git add shipway.yaml Dockerfile .dockerignore && git commit" in done.output


def test_a_repository_of_parts(folder: Path) -> None:
    vite = APPLICATIONS["vite"].files
    fill(
        folder,
        {
            **{f"backend/{name}": text for name, text in FLASK.items()},
            **{f"frontend/{name}": text for name, text in vite.items()},
        },
    )
    fill(
        folder,
        {
            "frontend/Dockerfile": "FROM caddy:2\nEXPOSE 80\n",
            "docs/index.html": "",
            "tests/package.json": package(dependencies={"express": "4"}),
        },
    )
    done = run("--dockerfile")
    assert done.exit_code == 0, done.output
    written = {name for name in contents(folder) if "ocker" in name}
    assert written == {"backend/Dockerfile", "backend/.dockerignore", "frontend/Dockerfile"}
    assert set(draft_plan(folder).check.plan.services) == {"backend", "frontend"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Dockerfile", "FROM a\n"), ("web.Dockerfile", "FROM a\n"), ("Dockerfile.prod", "FROM a\n"), ("Containerfile", "FROM a\n"),
        ("docker/app/Dockerfile", "FROM a\n"),
    ],
)  # fmt: skip
def test_an_application_with_a_dockerfile_gets_no_other(name: str, text: str, folder: Path) -> None:
    fill(folder, {**FLASK, name: text})
    before = contents(folder)
    done = run("--dockerfile")
    assert done.exit_code == 0, done.output
    assert "no Dockerfile was written" in done.output
    assert {key: value for key, value in contents(folder).items() if key != "shipway.yaml"} == before


def test_a_part_that_the_roots_dockerfile_copies_gets_none(tmp_path: Path) -> None:
    vite = {f"frontend/{name}": text for name, text in APPLICATIONS["vite"].files.items()}
    fill(tmp_path, {"Dockerfile": "FROM node:22\nCOPY frontend/package.json .\n", **vite})
    assert proposals(tmp_path) == []
    fill(tmp_path, {"Dockerfile": "FROM node:22\nCOPY my-frontend/package.json .\n"})
    assert [item.folder for item in proposals(tmp_path)] == ["frontend"]


def test_an_own_dockerignore_is_kept(folder: Path) -> None:
    fill(folder, {**FLASK, ".dockerignore": "node_modules\n"})
    done = run("--dockerfile")
    assert (folder / ".dockerignore").read_text() == "node_modules\n"
    assert (folder / "Dockerfile").exists()
    assert ".dockerignore exists and was kept: add .env to it" in done.output


def test_nothing_is_written_where_a_file_cannot_be(folder: Path) -> None:
    fill(folder, FLASK)
    (folder / ".dockerignore").symlink_to("nowhere/else")
    assert "can't be written" in refused(run("--dockerfile"))
    assert not (folder / "Dockerfile").exists()
    assert not (folder / "shipway.yaml").exists()


def test_nothing_is_written_outside_of_the_repository(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    fill(outside, FLASK)
    (folder / "backend").symlink_to(outside)
    assert refused(run("--dockerfile"))
    assert contents(outside) == FLASK


def test_no_application_is_an_error(folder: Path) -> None:
    fill(folder, {"main.c": "int main;"})
    assert "Django, FastAPI, Flask" in refused(run("--dockerfile"))
    assert contents(folder) == {"main.c": "int main;"}


def test_an_edited_plan_is_kept_and_an_untouched_one_is_replaced(folder: Path) -> None:
    fill(folder, FLASK)
    assert run().exit_code == 0
    assert "`shipway init --dockerfile` does" in (folder / "shipway.yaml").read_text()
    assert run("--dockerfile").exit_code == 0
    drafted = (folder / "shipway.yaml").read_text()
    assert "port: 8000" in drafted
    (folder / "shipway.yaml").write_text("# mine\n")
    (folder / "Dockerfile").unlink()
    done = run("--dockerfile")
    assert done.exit_code == 0
    assert (folder / "Dockerfile").exists()
    assert (folder / "shipway.yaml").read_text() == "# mine\n"
    assert "kept" in done.output
    assert run("--dockerfile", "--force").exit_code == 0
    assert (folder / "shipway.yaml").read_text() == drafted


@pytest.mark.parametrize("other", [("--stdout",), ("--hook", "x.git")])
def test_options_that_exclude_each_other(other: tuple[str, ...], folder: Path) -> None:
    fill(folder, FLASK)
    assert run("--dockerfile", *other).exit_code == 2
    assert contents(folder) == FLASK
