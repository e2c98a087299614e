"""`shipway init` on small repositories: what it finds, and that what it writes passes `shipway check`."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shipway import planfile
from shipway.actions.projects.init import draft_plan, write_plan
from shipway.cli import cli
from shipway.domain.errors import UsageError
from shipway.domain.plan import Database, Plan, StepImage
from tests.unit.drafting.repository import fill

PYTHON = "FROM python:3.11-slim AS base\nFROM base AS test\nFROM base\nEXPOSE 8000\n"
COMPOSE = """\
x-env: &env
  DATABASE_URL: postgresql+psycopg://shop:pw@db:5432/shop
  CACHE: redis://cache:6379/1
  SECRET_KEY: hush
  LOG_LEVEL: ${LOG_LEVEL:-info}
  VERSION: 3.10
  SENTRY: ${SENTRY}
services:
  web:
    build: ./web
    ports: ["127.0.0.1:3000:80/tcp"]
  api:
    build: {context: api, target: test, args: {PY: "3.12"}}
    ports: [{target: 8000, published: 8000}]
    environment: *env
    env_file: .env
    healthcheck: {test: ["CMD", "curl", "-f", "http://localhost:8000/health?x=1"]}
    volumes: ["./api:/app", "uploads:/uploads"]
  job_runner:
    build: ./api
    command: ["celery", "-A", "app", "worker", "--name", "a b"]
    environment:
      <<: *env
      BROKER: amqp://mq
  mail:
    image: acme/mail:2
    expose: ["25"]
    environment: [MODE=strict, API_TOKEN=hush, "QUOTED=a: b"]
  db:
    image: postgres:${PG:-16}
    environment: {POSTGRES_PASSWORD: hush, POSTGRES_INITDB_ARGS: --data-checksums}
    volumes: [data:/var/lib/postgresql/data, "./init.sql:/docker-entrypoint-initdb.d/init.sql"]
  cache: {image: "redis:7", command: redis-server --appendonly yes}
  mq: {image: "rabbitmq:3"}
"""


def drafted(root: Path, files: Mapping[str, str]) -> tuple[Plan, str]:
    """The plan that comes of these files, and its text; fails where it has a problem, be it a warning."""
    fill(root, files)
    result = draft_plan(root)
    assert [problem.render() for problem in result.check.problems] == []
    assert result.check.plan is not None
    return result.check.plan, result.text


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["init", *arguments])


def test_a_compose_file(folder: Path) -> None:
    plan, _text = drafted(
        folder, {"compose.yaml": COMPOSE, "api/Dockerfile": PYTHON, "web/Dockerfile": "FROM nginx:1\n"}
    )
    web, api, job, mail = plan.services.values()
    assert (web.port, web.route, web.health and web.health.tcp) == (80, "/", True)
    assert (api.port, api.route, api.health and api.health.path) == (8000, "/api", "/health")
    assert api.build
    assert (api.build.folder, api.build.target, api.build.args) == (
        "api",
        None,
        {"PY": "3.12"},
    )  # the source is mounted
    assert api.environment == {"CACHE": "redis://cache:6379/1", "LOG_LEVEL": "info", "VERSION": "3.10"}
    assert api.secrets == ("SECRET_KEY", "SENTRY")
    assert (job.name, job.command, job.port) == ("job-runner", "celery -A app worker --name 'a b'", None)
    assert (mail.image, mail.port, mail.route) == ("acme/mail:2", 25, None)
    assert (mail.environment, mail.secrets) == ({"MODE": "strict", "QUOTED": "a: b"}, ("API_TOKEN",))
    db, cache, mq = plan.accessories.values()
    assert (db.image, db.kind, dict(db.forms), db.volume) == (
        "postgres:16",
        "postgres",
        {"DATABASE_URL": "postgresql+psycopg://{user}:{password}@{host}:{port}/{database}"},
        "/var/lib/postgresql/data",
    )
    assert db.environment == {"POSTGRES_INITDB_ARGS": "--data-checksums"}
    assert (cache.kind, cache.provides, cache.command) == ("redis", None, "redis-server --appendonly yes")
    assert (mq.kind, mq.provides, mq.port, mq.url) == ("other", "BROKER", 5672, "amqp://{host}:{port}")
    assert plan.pipeline["images"].build == ("web", "api", "job-runner")


def test_what_a_compose_file_does_not_tell_is_asked(folder: Path) -> None:
    _, text = drafted(folder, {"compose.yaml": COMPOSE, "api/Dockerfile": PYTHON, "web/Dockerfile": "FROM nginx:1\n"})
    asked = [line.partition("# TODO: ")[2] for line in text.splitlines() if "# TODO: " in line]
    for part in ("env_file .env", "/docker-entrypoint-initdb.d/init.sql"):
        assert any(part in line for line in asked), part
    for part in (
        "SENTRY  # no value for SENTRY in the repository",
        "# it is named job_runner",
        "a path that returns 200",
    ):
        assert part in text, part


def test_values_of_secrets_are_never_copied(folder: Path) -> None:
    _, text = drafted(folder, {"compose.yaml": COMPOSE, "api/Dockerfile": PYTHON, "web/Dockerfile": "FROM nginx:1\n"})
    assert "hush" not in text
    assert "pw@" not in text


def test_folders_with_dockerfiles(folder: Path) -> None:
    checked = 'HEALTHCHECK --interval=5s \\\n  CMD wget -q "http://127.0.0.1:8080/healthz" || exit 1\nEXPOSE 8080\n'
    plan, _ = drafted(folder, {
        "frontend/Dockerfile": "FROM node:22 AS build\nEXPOSE 1\nFROM nginx:1\n" + checked,
        "backend/Dockerfile": PYTHON,
        "worker/Dockerfile": 'FROM python:3.12\nHEALTHCHECK CMD ["python", "-m", "probe"]\n',
        "node_modules/Dockerfile": "FROM x\n",
        ".hidden/Dockerfile": "FROM x\n",
    })  # fmt: skip
    assert list(plan.services) == ["backend", "frontend", "worker"]
    backend, frontend, worker = plan.services.values()
    assert (frontend.route, frontend.port, frontend.health and frontend.health.path) == ("/", 8080, "/healthz")
    assert (backend.route, backend.port) == ("/api", 8000)
    assert (worker.route, worker.port, worker.health and worker.health.command) == (None, None, "python -m probe")


def test_a_dockerfile_in_the_root_is_called_after_the_repository(folder: Path) -> None:
    subprocess.run(["git", "remote", "add", "origin", "git@git.example:acme/My_Shop.git"], cwd=folder, check=True)
    plan, _ = drafted(folder, {"Dockerfile": PYTHON})
    assert (plan.app, list(plan.services)) == ("my-shop", ["my-shop"])
    assert plan.services["my-shop"].route == "/"


def test_alembic(folder: Path) -> None:
    plan, text = drafted(folder, {"backend/Dockerfile": PYTHON, "backend/alembic.ini": "[alembic]\n"})
    assert plan.database == Database("db", "shop", "alembic")
    assert plan.accessories["db"].image == "postgres:16"
    assert "# TODO: the repository doesn't name the database" in text


def test_alembic_with_a_database_of_the_compose_file(folder: Path) -> None:
    compose = "services:\n  api: {build: .}\n  pg: {image: 'postgis/postgis:16-3.4'}\n"
    plan, _ = drafted(folder, {"docker-compose.yml": compose, "Dockerfile": PYTHON, "alembic.ini": ""})
    assert plan.database == Database("pg", "api", "alembic")
    assert plan.accessories["pg"].provides == "DATABASE_URL"


def test_plain_sql(folder: Path) -> None:
    plan, _ = drafted(
        folder,
        {"api/Dockerfile": PYTHON, "api/migrations/0001_items.up.sql": "", "api/migrations/0001_items.down.sql": ""},
    )
    assert plan.database == Database("db", "shop", "sql", "migrations")


def test_migrations_of_mysql(folder: Path) -> None:
    compose = "services:\n  api: {build: .}\n  db: {image: 'mariadb:11'}\n"
    plan, _ = drafted(folder, {"docker-compose.yml": compose, "Dockerfile": PYTHON, "alembic.ini": ""})
    assert plan.database == Database("db", "api", "alembic")


SEQUELIZERC = "module.exports = {'migrations-path': path.resolve(__dirname, 'db', 'migrations'), 'models-path': path.resolve('x')}"


@pytest.mark.parametrize(
    ("files", "tool", "where"),
    [
        ({"manage.py": "import django\n"}, "django", None),
        ({".sequelizerc": SEQUELIZERC}, "sequelize", "db/migrations"),
        ({"package.json": '{"devDependencies": {"sequelize-cli": "6"}}'}, "sequelize", None),
        ({"knexfile.ts": "migrations: { directory: './src/migrations' }"}, "knex", "src/migrations"),
        ({"knexfile.js": "migrations: { directory: './migrations' }"}, "knex", None),
        ({"db/migrations/1_a.sql": "-- migrate:up\n"}, "dbmate", None),
        ({"sql/1_a.sql": "-- migrate:up\n"}, "dbmate", "sql"),
        ({"sql/1_a.sql": "-- +goose Up\n"}, "sql", "sql"),
        ({"migrations/2024-01-01-000000_a/up.sql": ""}, "sql", "migrations"),
    ],
    ids=[
        "django",
        "sequelizerc",
        "sequelize",
        "knex",
        "knex's default",
        "dbmate's default",
        "dbmate",
        "goose",
        "diesel",
    ],
)
def test_migration_tools(folder: Path, files: dict[str, str], tool: str, where: str | None) -> None:
    plan, _ = drafted(folder, {"Dockerfile": PYTHON, **files})
    assert plan.database is not None
    assert (plan.database.tool, plan.database.folder) == (tool, where)


def test_steps_in_the_test_stage_of_the_dockerfile(folder: Path) -> None:
    plan, _ = drafted(folder, {"api/Dockerfile": PYTHON, "api/requirements-dev.txt": "pytest==8\nruff\n"})
    assert list(plan.pipeline) == ["api-lint", "api-test", "images"]
    image = plan.pipeline["api-test"].image
    assert image
    assert image.build
    assert (image.build.folder, image.build.target) == ("api", "test")
    assert plan.pipeline["api-test"].run == "pytest"
    assert plan.pipeline["images"].needs == ("api-lint", "api-test")


@pytest.mark.parametrize(
    ("files", "commands"),
    [
        ({"requirements.txt": "flask\n", "requirements-dev.txt": "pytest\n"}, ["pip install -r requirements.txt -r requirements-dev.txt && pytest"]),
        ({"pyproject.toml": '[project]\nname = "x"\n[project.optional-dependencies]\ndev = ["pytest"]\n[tool.ruff]\n'},
         ["pip install ruff && ruff check .", "pip install '.[dev]' && pytest"]),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, ["pip install pytest && pytest"]),
        ({"package.json": '{"scripts": {"lint": "eslint .", "test": "vitest", "build": "vite build"}}', "package-lock.json": "{}"},
         ["npm ci && npm run lint", "npm ci && npm run test"]),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, []),
        ({"package.json": '{"scripts": {"test": "vitest"}}', "pnpm-lock.yaml": ""},
         ["corepack enable && pnpm install --frozen-lockfile && pnpm run test"]),
        ({"package.json": "{damaged"}, []),
    ],
    ids=["requirements", "pyproject with an extra", "pyproject without a package", "npm", "npm's placeholder", "pnpm", "damaged"],
)  # fmt: skip
def test_steps_in_a_plain_image(folder: Path, files: dict[str, str], commands: list[str]) -> None:
    plan, _ = drafted(folder, {"Dockerfile": "FROM scratch\nEXPOSE 80\n", **files})
    assert [step.run for step in plan.pipeline.values() if step.run] == commands


def test_a_plain_image_is_the_one_that_the_dockerfile_begins_with(folder: Path) -> None:
    plan, _ = drafted(
        folder,
        {
            "web/Dockerfile": "FROM node:20-alpine\nRUN npm run build\n",
            "web/package.json": '{"scripts": {"lint": "x", "build": "y"}}',
        },
    )
    assert list(plan.pipeline) == ["web-lint", "images"]  # the Dockerfile builds by itself
    assert plan.pipeline["web-lint"].image == StepImage(name="node:20-alpine")
    assert plan.pipeline["web-lint"].run == "cd web && npm install && npm run lint"


def test_an_empty_repository_needs_a_dockerfile_first(folder: Path) -> None:
    done = run()
    assert done.exit_code == 0
    assert "shipway.yaml:8:12: error: services.web.build: there is no file `Dockerfile`" in done.output
    assert "the plan is not valid yet" in done.output
    (folder / "Dockerfile").touch()
    assert planfile.load(folder / "shipway.yaml").app == "shop"


def test_a_damaged_compose_file_is_left_out_and_said(folder: Path) -> None:
    fill(folder, {"compose.yaml": "services: {web: [}\n", "Dockerfile": PYTHON})
    result = draft_plan(folder)
    assert result.check.valid
    assert result.notes[0].startswith("compose.yaml can't be read")


def test_it_is_written_into_the_root_of_the_repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folder, {"api/Dockerfile": PYTHON})
    monkeypatch.chdir(folder / "api")
    done = run()
    assert done.exit_code == 0, done.output
    assert planfile.load(folder / "shipway.yaml").services["shop"].port == 8000


def test_it_tells_what_it_found_and_what_is_next(folder: Path) -> None:
    fill(folder, {"compose.yaml": COMPOSE, "api/Dockerfile": PYTHON, "web/Dockerfile": "FROM nginx:1\n"})
    told = run().output
    for part in ("service api ", "health /health from healthcheck", "accessory mq ", "BROKER of job-runner is its address",
                 "shipway secret set staging SECRET_KEY", "resolve the TODOs in lines ", "shipway init --hook REPOSITORY.git", "shipway run staging"):  # fmt: skip
        assert part in told, part


def test_a_plan_is_only_replaced_by_force(folder: Path) -> None:
    fill(folder, {"Dockerfile": PYTHON, "shipway.yaml": "mine"})
    refused = run()
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.exit_code == 2
    assert (folder / "shipway.yaml").read_text() == "mine"
    assert run("--force").exit_code == 0
    assert planfile.load(folder / "shipway.yaml")


def test_stdout_writes_nothing(folder: Path) -> None:
    fill(folder, {"Dockerfile": PYTHON})
    done = run("--stdout")
    assert planfile.parse(done.output, "shipway.yaml").app == "shop"
    assert not (folder / "shipway.yaml").exists()


@pytest.mark.parametrize(("branch", "expected"), [("master", "master"), ("feature", "feature"), ("trunk", "trunk")])
def test_the_main_branch(tmp_path: Path, branch: str, expected: str) -> None:
    subprocess.run(["git", "init", "-q", "-b", branch, tmp_path], check=True)
    (tmp_path / "Dockerfile").write_text(PYTHON)
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-q", "--allow-empty", "-m", "x"]
    subprocess.run(command, cwd=tmp_path, check=True)
    plan = draft_plan(tmp_path).check.plan
    assert plan
    assert plan.environments["production"].trigger.branch == expected


def test_outside_of_a_repository(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(PYTHON)
    result = draft_plan(tmp_path)
    assert result.check.valid
    assert result.path == tmp_path / "shipway.yaml"


def test_a_plan_that_can_not_be_replaced_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "shipway.yaml").write_text("app: mine\n")
    real = Path.write_text

    def half(path: Path, text: str, **more: str) -> int:
        real(path, text[:10], **more)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(UsageError, match="No space left on device; it is as it was"):
        write_plan(draft_plan(folder), force=True)
    assert [item.name for item in folder.iterdir() if item.name != ".git"] == ["shipway.yaml"]
    assert (folder / "shipway.yaml").read_text() == "app: mine\n"


def test_a_name_that_no_file_can_have_is_a_problem_of_the_plan(folder: Path) -> None:
    (folder / "shipway.yaml").write_text(f"app: shop\nservices: {{web: {{build: {'x' * 500}}}}}\n")
    assert any("there is no folder" in item.message for item in planfile.examine(folder / "shipway.yaml").problems)


def test_an_address_in_parts_is_provided_in_parts(tmp_path: Path) -> None:
    plan, text = drafted(
        tmp_path,
        {
            "requirements.txt": "flask\npsycopg[binary]\nredis\n",
            "Dockerfile": PYTHON,
            "app.py": 'import os\nhost, password = os.environ["DB_HOST"], os.environ["DB_PASSWORD"]\n',
            ".env.example": "DB_HOST=localhost\nDB_PORT=5432\nDB_USER=me\nDB_PASSWORD=\nDB_NAME=shop\nREDIS_HOST=localhost\n",
        },
    )
    assert plan.accessories["db"].forms == {
        "DB_HOST": "{host}", "DB_PORT": "{port}", "DB_USER": "{user}", "DB_PASSWORD": "{password}", "DB_NAME": "{database}",
    }  # fmt: skip
    assert plan.accessories["redis"].forms == {"REDIS_HOST": "{host}"}
    assert [service.secrets for service in plan.services.values()] == [()], "the password is generated"
    assert [service.environment for service in plan.services.values()] == [{}]
    assert "same value" not in text
