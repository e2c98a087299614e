"""Facts of Dockerfiles: stages, variables, what is copied from where, and the folder that they are built from."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.drafting import builds, dockerfile
from shipway.drafting.platforms.declared import command
from shipway.drafting.tree import Tree


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("FROM node:20 AS build\nEXPOSE 5173\nFROM nginx:1\n", 80),
        ("FROM node:20 AS build\nEXPOSE 5173\nFROM scratch\n", None),
        ("FROM python:3 AS base\nEXPOSE 8000\nFROM base\n", 8000),
        ("FROM x\nARG PORT=3000\nEXPOSE $PORT\n", 3000),
        ("FROM x\nENV PORT 5000\nEXPOSE ${PORT}/tcp\n", 5000),
        ("FROM x\nEXPOSE ${PORT:-4000}\n", 4000),
        ("FROM x\nEXPOSE 443 8080\nENV PORT=8080\n", 8080),
        ("FROM x\nENV PORT=8081\n", 8081),
        ('FROM x\nCMD ["uvicorn", "a:b", "--port", "9000"]\n', 9000),
        ("FROM x\nCMD gunicorn a:b --bind=0.0.0.0:7000\n", 7000),
        ("FROM x\nCMD uvicorn a:b\n", 8000),
        ("FROM x\nHEALTHCHECK CMD curl localhost:1/\nHEALTHCHECK CMD curl -f http://localhost:6000/up\n", 6000),
        ("FROM php:8.3-apache\n", 80),
        ("FROM php:8.3-cli\n", None),
        ("FROM x\nEXPOSE 99999\nEXPOSE zero\n", None),
        ("EXPOSE 80\n", None),
        ("FROM\n", None),
    ],
)
def test_the_port_of_the_built_stage(text: str, port: int | None) -> None:
    assert dockerfile.facts(text).port == port


def test_the_stage_that_is_built_decides() -> None:
    text = "FROM x AS one\nEXPOSE 1111\nFROM y AS two\nEXPOSE 2222\n"
    assert (dockerfile.facts(text, "one").port, dockerfile.facts(text).port) == (1111, 2222)


@pytest.mark.parametrize(
    ("check", "path"),
    [
        ('curl -f "http://localhost:${PORT:-8000}/health" || exit 1', "/health"),
        ("wget -qO- http://127.0.0.1:$PORT/api/status", "/api/status"),
        (
            "python -c \"import os, urllib.request as r; r.urlopen(f'http://localhost:{os.environ['PORT']}/ready')\"",
            "/ready",
        ),
        ("node -e \"fetch('http://0.0.0.0:' + process.env.PORT + '/x')\"", "/"),
        ("curl http://localhost/a?b=1", "/a"),
        ("pg_isready", None),
    ],
)
def test_the_path_of_a_health_check(check: str, path: str | None) -> None:
    assert dockerfile.health_path(check) == path


def test_where_a_path_is_in_the_image() -> None:
    text = (
        "FROM python:3 AS build\nWORKDIR /app\nCOPY services/api services/api\nCOPY *.ini ./\n"
        "FROM python:3\nWORKDIR /srv\nCOPY --from=build /app .\nCOPY data /data\n"
    )
    facts = dockerfile.facts(text)
    assert facts.inside("services/api/alembic") == "services/api/alembic"
    assert facts.inside("alembic.ini") == "alembic.ini"
    assert facts.inside("data/x") == "/data/x"
    assert facts.inside("web") is None
    assert dockerfile.facts("FROM python:3\nWORKDIR /app\nCOPY src .\n").inside("src/manage.py") == "manage.py"
    assert dockerfile.facts("FROM acme/base\nCOPY src .\n").inside("src/manage.py") == "manage.py"


def test_stages_that_copy_from_one_another_take_no_time() -> None:
    lines = ["FROM x AS s0"]
    for number in range(1, 60):
        lines += [f"FROM x AS s{number}", f"COPY --from=s{number - 1} /a /a", f"COPY --from=s{number - 1} /b /b"]
    assert dockerfile.facts("\n".join(lines)).inside("web") is None


@pytest.mark.parametrize(
    ("files", "context"),
    [
        ({"docker/Dockerfile": "COPY . .\n", "main.py": ""}, "."),
        ({"docker/Dockerfile": "COPY package.json .\nCOPY src src\n", "package.json": "", "src/a.js": ""}, "."),
        ({"apps/web/Dockerfile": "COPY package.json .\n", "apps/web/package.json": "", "package.json": ""}, "apps/web"),
        ({"apps/web/Dockerfile": "COPY apps/web apps/web\n", "apps/web/package.json": "", "package.json": ""}, "."),
        ({"apps/web/Dockerfile": "COPY . .\nRUN npm ci\n", "apps/web/package.json": "", "package.json": "", "package-lock.json": ""}, "."),
        ({"api/Dockerfile": "COPY . .\nRUN pip install -r requirements.txt\n", "api/requirements.txt": "", "api/main.py": ""}, "api"),
        ({"api/Dockerfile": "COPY requirements*.txt /\nCOPY <<EOF /x\n", "api/requirements-prod.txt": ""}, "api"),
        ({"api/deploy/Dockerfile": "COPY --from=x /a /a\nADD https://a.example/x /x\nCOPY main.go .\n", "api/main.go": ""}, "api"),
        ({"api/Dockerfile": "COPY dist /srv\n", "api/index.js": ""}, "api"),
    ],
)  # fmt: skip
def test_the_folder_that_a_dockerfile_is_built_from(files: dict[str, str], context: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"FROM node:20\n{text}" if name.endswith("Dockerfile") else text)
    found, _ = builds.find(Tree(tmp_path))
    assert [item.context for item in found] == [context]


def test_names_of_dockerfiles(tmp_path: Path) -> None:
    for name in ("Dockerfile", "Dockerfile.prod", "Dockerfile.dev", "Dockerfile.worker", "api.Dockerfile", "Dockerfile.worker-alpine",
                 "x/Containerfile", ".devcontainer/Dockerfile", "tests/Dockerfile", "Dockerfile.md", "Dockerfile.j2"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("FROM python:3\nCOPY app.py .\n")
    (tmp_path / "app.py").touch()
    (tmp_path / "x/app.py").touch()
    found, notes = builds.find(Tree(tmp_path))
    assert [item.path for item in found] == [
        "Dockerfile.prod",
        "Dockerfile.worker",
        "api.Dockerfile",
        "x/Containerfile",
    ]
    assert builds.names(found, "shop") == ["shop", "worker", "api", "x"]
    assert len(notes) == 5


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("gunicorn app:app", "gunicorn app:app"),
        ("rq worker -u $REDIS_URL", "sh -c 'exec rq worker -u $REDIS_URL'"),
        ("flask translate; gunicorn app:app", "sh -c 'flask translate; exec gunicorn app:app'"),
        ("cd web && npm start", "sh -c 'cd web && exec npm start'"),
        ("A=1 serve", "sh -c 'exec env A=1 serve'"),
        ("a | b", "sh -c 'a | b'"),
        ("exec a $B", "sh -c 'exec a $B'"),
        ("", None),
        ("a 'b", None),
    ],
)
def test_commands_that_need_a_shell_get_one(given: str, expected: str | None) -> None:
    assert command(given) == expected
