"""The Dockerfiles that `shipway init --dockerfile` writes: for each framework and version, without secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from shipway.drafting import dockerfile
from shipway.drafting.dockerfiles import ignore, versions
from shipway.drafting.dockerfiles.recipe import process
from shipway.drafting.dockerfiles.sources import Sources
from shipway.drafting.dockerfiles.table import proposals
from tests.applications import APPLICATIONS, package
from tests.unit.drafting.dockerfile_lint import problems
from tests.unit.drafting.dockerfiles import EXPRESS, FLASK, LARAVEL, LOCKS, RAILS, only, text_for
from tests.unit.drafting.repository import fill

LOCKS |= {
    "flask-pipenv": "Pipfile.lock",
    "rails": "Gemfile.lock",
    "express-yarn": "yarn.lock",
    "express-berry": "yarn.lock",
    "django": "",
    "flask-pip": "",
    "fastapi-project": "",
}


@pytest.mark.parametrize("name", APPLICATIONS)
def test_each_framework(name: str, tmp_path: Path) -> None:
    app = APPLICATIONS[name]
    lock = LOCKS.get(name, "package-lock.json" if "package.json" in app.files else "")
    locked = {lock: "__metadata:\n" if "berry" in name else "lockfileVersion: '9.0'\n"} if lock else {}
    text = text_for(tmp_path, {**app.files, **locked})
    facts = dockerfile.facts(text)
    assert (facts.port, facts.health) == (app.port, app.health)
    assert not lock or f": {lock}" in text
    assert not lock or lock in "".join(line for line in text.splitlines() if line.startswith("COPY"))


def test_rails(tmp_path: Path) -> None:
    text = text_for(tmp_path, RAILS)
    assert "FROM ruby:3.2.2-slim AS base" in text
    assert "libpq5" in text
    assert "yarn install --frozen-lockfile" in text
    assert dockerfile.facts(text).health == "/up"


def test_laravel(tmp_path: Path) -> None:
    text = text_for(tmp_path, LARAVEL)
    assert "FROM php:8.3-apache-bookworm AS base" in text
    assert "docker-php-ext-install opcache pcntl bcmath pdo_pgsql" in text
    assert "npm run build" in text
    assert dockerfile.facts(text).health == "/up"


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        (lambda text: text.replace("USER 1000:1000", "USER root"), "it runs as root"),
        (lambda text: text.replace("USER 1000:1000\n", ""), "it runs as root"),
        (lambda text: text + "COPY . .\n", "files are made after USER"),
        (lambda text: text.replace("HEALTHCHECK", "#"), "no HEALTHCHECK without a shell"),
        (lambda text: text.replace(":3.11-slim-bookworm", ":latest"), "an image is `latest`"),
        (lambda text: text.replace(":3.11-slim-bookworm", ""), "the image python has no tag"),
        (lambda text: text.replace("COPY requirements.txt ./", "COPY . ."), "sources are copied before the packages are installed"),
        (lambda text: text.replace("--from=dependencies", "--from=elsewhere"), "there is no stage elsewhere"),
        (lambda text: text.replace("ENV PORT", "ENV SECRET_KEY=x PORT"), "a secret is set for all layers"),
        (lambda text: text.replace("COPY . .", "COPY .env ./"), ".env is copied"),
        (lambda text: text.replace('CMD ["gunicorn"', 'CMD gunicorn ["'), "CMD is run by a shell"),
    ],
)  # fmt: skip
def test_the_checks_find_what_they_look_for(broken: object, found: str, tmp_path: Path) -> None:
    good = only(tmp_path, FLASK)
    assert good.recipe
    assert callable(broken)
    changed = broken(good.recipe.text)
    assert changed != good.recipe.text
    assert any(problem.startswith(found) for problem in problems(changed, good.ignored))
    assert ".git is not in .dockerignore" in problems(good.recipe.text, good.ignored.replace(".git\n", ""))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (">=3.11", "3.12"), (">=3.10,<3.12", "3.11"), ("^3.11", "3.12"), ("~3.11", "3.11"), ("~=3.11.2", "3.11"), ("~=3.10", "3.12"),
        ("==3.13.*", "3.13"), (">=3.13", "3.13"), ("<3.10", "3.9"), ("!=3.12.*,>=3.10", "3.11"), (">3.12.1", "3.12"), ("3.11", "3.11"),
        (">=4", "3.12"), ("nonsense", "3.12"), ("<=3.11", "3.11"), (">3.12", "3.13"),
    ],
)  # fmt: skip
def test_versions_of_python(wanted: str, expected: str, tmp_path: Path) -> None:
    fill(tmp_path, {"pyproject.toml": f'[project]\nrequires-python = "{wanted}"\n'})
    assert versions.python(Sources(tmp_path)).text == expected


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        (".nvmrc", "v20.11.1\n", "20"), (".nvmrc", "lts/jod\n", "22"), (".nvmrc", "lts/*\n", "22"), (".node-version", "18\n", "18"),
        (".tool-versions", "python 3.11.2\nnodejs 20.1.0\n", "20"), ("package.json", package(engines={"node": ">=18"}), "22"),
        ("package.json", package(engines={"node": "^20.9 || 18.x"}), "20"), ("package.json", package(engines={"node": "18 - 20"}), "20"),
        ("package.json", package(engines={"node": ">=24"}), "24"), ("package.json", package(volta={"node": "20.1.0"}), "20"),
        ("package.json", package(engines=["x"]), "22"), ("package.json", package(engines={"node": "<21"}), "20"),
    ],
)  # fmt: skip
def test_versions_of_node(file: str, text: str, expected: str, tmp_path: Path) -> None:
    fill(tmp_path, {file: text})
    found = versions.node(Sources(tmp_path))
    assert found.text == expected
    assert file in found.source or found.source.startswith("the usual version")


def test_a_part_takes_the_version_of_the_root(tmp_path: Path) -> None:
    found = only(
        tmp_path,
        {
            ".python-version": "3.10.4\n",
            **{f"backend/{name}": text for name, text in FLASK.items() if name != ".python-version"},
        },
    )
    assert found.recipe
    assert found.folder == "backend"
    assert "# - Python 3.10: /.python-version" in found.recipe.text


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"app.py": "from flask import Flask\napp = Flask(__name__)\n"}, "app:app"),
        ({"shop/__init__.py": "def create_app(config=None):\n    ...\n"}, "shop:create_app()"),
        ({"wsgi.py": "from shop import app\n", "shop/__init__.py": ""}, "wsgi:app"),
        ({".flaskenv": "FLASK_APP=shop.web:server\n", "shop/web.py": "server = Flask('x')\n", "app.py": "app = Flask('y')"}, "shop.web:server"),
        ({"src/shop/web.py": "application = create_app()\n"}, "shop.web:application"),
    ],
)  # fmt: skip
def test_where_the_flask_application_is(files: Mapping[str, str], line: str, tmp_path: Path) -> None:
    text = text_for(tmp_path, {"requirements.txt": "Flask>=3\nGunicorn\n", **files})
    assert f'CMD ["gunicorn", "{line}", ' in text
    assert ("PYTHONPATH=/app/src" in text) == any(name.startswith("src/") for name in files)
    assert "TODO" not in text


def test_a_missing_server_is_installed_and_named(tmp_path: Path) -> None:
    text = text_for(tmp_path, {**FLASK, "requirements.txt": "flask\n"})
    assert "# TODO: add gunicorn to the project's packages" in text
    assert "pip install gunicorn==" in text


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("gunicorn shop:app --bind 0.0.0.0:$PORT", ["gunicorn", "shop:app", "--bind", "0.0.0.0:8000"]),
        ("uvicorn a:b --port ${PORT:-5000}", ["uvicorn", "a:b", "--port", "8000"]),
        ("gunicorn a -w $WORKERS", ["sh", "-c", "exec gunicorn a -w $WORKERS"]),
        ("a && b", ["sh", "-c", "a && b"]),
        ("A=1 gunicorn a", ["sh", "-c", "exec env A=1 gunicorn a"]),
        ("unclosed 'quote", ["sh", "-c", "exec unclosed 'quote"]),
    ],
)
def test_the_command_of_a_procfile(command: str, words: list[str]) -> None:
    assert process(command, 8000) == words


def test_a_procfile_is_the_start_command(tmp_path: Path) -> None:
    text = text_for(tmp_path, {**FLASK, "Procfile": "release: flask db upgrade\nweb: gunicorn wsgi:app -w 4\n"})
    assert 'CMD ["gunicorn", "wsgi:app", "-w", "4"]' in text
    assert "# - Start command: web in Procfile" in text


@pytest.mark.parametrize("package", ["flask", "fastapi"])
def test_a_procfile_knows_an_application_that_was_not_found(package: str, tmp_path: Path) -> None:
    files = {
        "requirements.txt": f"{package}\n",
        "Procfile": "web: python -m shop --port $PORT\n",
        "src/shop/__main__.py": "",
    }
    text = text_for(tmp_path, files)
    assert 'CMD ["python", "-m", "shop", "--port", "8000"]' in text
    assert "PYTHONPATH=/app/src" in text
    fill(tmp_path, {"Procfile": f"web: {package} run\n"})
    assert (proposals(tmp_path)[0].recipe is None) == (package == "flask")


def test_django_settings_for_production(tmp_path: Path) -> None:
    files = {
        "manage.py": 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")  # django',
        "config/settings/base.py": 'STATIC_ROOT = "x"\nKEY = env("SECRET_KEY")\nA = config("DATABASE_URL", default="x")\n',
        "config/settings/local.py": "",
        "config/settings/production.py": 'HOSTS = os.environ["HOSTS"]\n',
        "config/wsgi.py": "",
        "requirements.txt": "django\n",
    }
    text = text_for(tmp_path, files)
    assert "DJANGO_SETTINGS_MODULE=config.settings.production" in text
    assert "RUN HOSTS=none SECRET_KEY=none python manage.py collectstatic" in text
    assert "# TODO: nothing serves the collected static files" in text


def test_requirements_that_name_others_are_copied_together(tmp_path: Path) -> None:
    files = {
        **FLASK,
        "requirements.txt": "-r requirements/web.txt\n-c constraints.txt\n",
        "requirements/web.txt": "flask\ngunicorn\n",
        "constraints.txt": "",
    }
    lines = text_for(tmp_path, files).splitlines()
    assert "COPY constraints.txt requirements.txt ./" in lines
    assert "COPY requirements/web.txt ./requirements/" in lines


def test_members_of_a_workspace_need_its_lock_file(tmp_path: Path) -> None:
    found = only(
        tmp_path,
        {"package.json": package(workspaces=["web"]), **{f"web/{name}": text for name, text in EXPRESS.items()}},
    )
    assert found.recipe is None
    assert "workspace" in found.reason


def test_a_token_is_not_copied(tmp_path: Path) -> None:
    lock = {"package-lock.json": "{}"}
    assert "COPY package.json .npmrc package-lock.json ./" in text_for(
        tmp_path, {**EXPRESS, **lock, ".npmrc": "a:_authToken=${TOKEN}\n"}
    )
    text = text_for(tmp_path, {".npmrc": "//registry.example/:_authToken=abc\n"})
    assert "COPY package.json package-lock.json ./" in text
    assert "# TODO: .npmrc is not copied" in text


def test_variables_of_pages_are_no_secrets(tmp_path: Path) -> None:
    files = {**APPLICATIONS["vite"].files, "package-lock.json": "{}", ".env": "VITE_A=1\nPASSWORD=hush\n"}
    found = only(tmp_path, files)
    assert found.recipe
    assert "ARG VITE_A\nARG VITE_TITLE\n" in found.recipe.text
    lines = found.ignored.splitlines()
    assert "!.env.production" in lines
    assert "!.env" not in lines


def test_private_keys_are_ignored_by_name(tmp_path: Path) -> None:
    found = only(
        tmp_path,
        {**FLASK, "certs/own.pem": "-----BEGIN PRIVATE KEY-----\n", "certs/ca.pem": "-----BEGIN CERTIFICATE-----\n"},
    )
    assert "certs/own.pem" in found.ignored.splitlines()
    assert "certs/ca.pem" not in found.ignored


@pytest.mark.parametrize(
    ("text", "lacks"),
    [("*\n!src\n", False), (".env\n", False), ("**/.env*\n", False), (".env.example\n", True), ("", True)],
)
def test_whether_secrets_get_into_the_image(text: str, lacks: bool) -> None:
    assert ignore.lacks_secrets(text) is lacks


@pytest.mark.parametrize(
    "file",
    [
        "package.json",
        "pyproject.toml",
        "requirements.txt",
        "Gemfile",
        "composer.json",
        "go.mod",
        "manage.py",
        "Procfile",
        ".nvmrc",
    ],
)
@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\0",
        b"[" * 50_000,
        b'{"dependencies": [], "scripts": 3, "engines": 7}',
        b"django flask\nrails\n" * 2000,
    ],
    ids=range(4),
)
def test_damaged_files_are_no_obstacle(file: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    fill(tmp_path, {"index.html": "", "app.py": "app = Flask('a')\n"})
    for item in proposals(tmp_path):
        assert item.recipe or item.reason


def test_names_from_the_repository_are_data(tmp_path: Path) -> None:
    """Nothing that a file says becomes an instruction of its own."""
    evil = 'server.js"]\nUSER root\nRUN echo'
    files = {
        "package.json": package(main=evil, scripts={"start": f"node {evil}"}, dependencies={"express": "4"}),
        "server.js": "",
        ".nvmrc": "22\nUSER root\n",
    }
    text = text_for(tmp_path, files)
    assert "USER root" not in text


def test_many_files_are_no_obstacle(tmp_path: Path) -> None:
    fill(tmp_path, FLASK)
    for number in range(40):
        here = tmp_path / "shop" / f"part{number}"
        here.mkdir()
        for other in range(100):
            (here / f"m{other}.py").touch()
    assert os.path.exists(tmp_path / "shop/part39/m99.py")
    assert "CMD" in text_for(tmp_path, {})


def test_a_server_by_the_module_of_node(tmp_path: Path) -> None:
    source = """const http = require("http");
http.createServer((req, res) => {
  if (req.url === "/health") return res.end("ok");
  res.end("hello");
}).listen(process.env.PORT || 4000);
"""
    files = {
        "package.json": package(scripts={"start": "node server.js"}),
        "package-lock.json": "{}",
        "server.js": source,
    }
    fill(tmp_path / "one", files)
    (found,) = proposals(tmp_path / "one")
    assert found.recipe is not None
    assert found.recipe.framework == "Node"
    text = found.recipe.text
    assert "EXPOSE 4000" in text
    assert "Health path /health: server.js" in text
    assert 'CMD ["node", "server.js"]' in text
    tested = {**files, "package.json": package(scripts={"start": "parcel serve"})}
    fill(tmp_path / "two", tested)
    assert proposals(tmp_path / "two") == []
