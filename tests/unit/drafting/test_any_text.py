"""Whatever texts a repository has, a draft is a valid plan, and a Dockerfile has only its own instructions."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from shipway.actions.projects.init import draft_plan
from shipway.drafting.dockerfiles.table import proposals
from tests.unit.drafting.repository import fill

TEXTS = (
    "a b", "a,b", "/a,b", "a]b", "/a}b", "{a}", "[id]", "a: b", "a #b", "#x", "'q'", '"q"', "é日", "a\tb", "-x", "..", "../x",
    "/", "", "*a", "&a", "!a", "%a", "@a", "`a`", "|", "> x", "null", "yes", "1e3", "12:30", "a\u2028b", "a\x1b[31m", "${X}",
    "${X:?no}", "$(id)", "a\\b", "x" * 400, "a\r\nb", "a\nRUN evil", "a\nb: c", "~", "? x", "- x", "a:", "{{x}}", "<<", "web", "8000",
)  # fmt: skip
INSTRUCTION = re.compile(r"(FROM|RUN|COPY|WORKDIR|ENV|EXPOSE|CMD|USER|HEALTHCHECK|ARG|ENTRYPOINT|STOPSIGNAL) |#|$")
Pick = Callable[[], str]


def compose(pick: Pick) -> str:
    """JSON is YAML too."""

    def service() -> dict[str, object]:
        return {
            "build": {"context": pick(), "dockerfile": pick(), "target": pick(), "args": {pick(): pick()}}, "command": [pick(), pick()],
            "environment": {"A": pick(), pick(): pick()}, "env_file": [".env"], "ports": [f"80:{pick()}"], "working_dir": pick(),
            "volumes": [f"{pick()}:/{pick()}", f"data:/{pick()}"], "secrets": [pick()], "stop_grace_period": pick(),
            "healthcheck": {"test": f"curl -f http://localhost:8000/{pick()}"},
            "labels": {"traefik.http.routers.x.rule": f"Host(`{pick()}`) && PathPrefix(`/{pick()}`)"},
        }  # fmt: skip

    images = {
        "db": {"image": "postgres:15", "volumes": [f"data:/{pick()}"]},
        "other": {"image": pick(), "command": pick()},
    }
    return json.dumps({"services": {"web": service(), "null": service(), **images}})


def kamal(pick: Pick) -> str:
    access = {"server": pick(), "username": pick(), "password": [pick()]}
    env = {"clear": {"A": pick(), pick(): pick()}, "secret": [pick()]}
    return json.dumps({"service": pick(), "image": pick(), "servers": [pick(), pick()], "registry": access, "env": env, "proxy": {"host": pick()}})  # fmt: skip


def package(pick: Pick) -> str:
    scripts = {"test": pick(), "start": pick(), "build": pick()}
    return json.dumps({"name": pick(), "main": pick(), "scripts": scripts, "dependencies": {"express": pick(), "pg": "8"}, "engines": {"node": pick()}})  # fmt: skip


FILES: Mapping[str, Callable[[Pick], str]] = {
    "compose.yml": compose,
    ".env": lambda pick: "\n".join(f'{name}={quote}{pick()}{quote}' for name in ("A", "B_KEY", "X.Y") for quote in ("", '"', "'")),
    ".env.example": lambda pick: f"A={pick()}\nDB_PASSWORD={pick()}\nAPP_URL={pick()}\n",
    "Procfile": lambda pick: f"web: {pick()}\nrelease: {pick()}\nworker: {pick()}\n",
    "Dockerfile": lambda pick: f"FROM python:3.11\nWORKDIR {pick()}\nEXPOSE {pick()}\nVOLUME {pick()}\nCMD {json.dumps([pick()])}\n",
    "apps/[id]/Dockerfile": lambda pick: f"FROM python:3.11 AS test\nFROM python:3.11\nEXPOSE 8000\nCMD {pick()}\n",
    "config/deploy.yml": kamal,
    "app.json": lambda pick: json.dumps({"name": pick(), "env": {pick(): pick()}, "scripts": {"postdeploy": pick()}}),
    "package.json": package,
    "requirements.txt": lambda pick: f"flask\npsycopg2\npytest\ngunicorn=={pick()}\n{pick()}\n",
    "pyproject.toml": lambda pick: f"[project]\nname={json.dumps(pick())}\nrequires-python={json.dumps(pick())}\n",
    ".python-version": lambda pick: pick(),
}  # fmt: skip


def repository(root: Path, seed: int) -> None:
    chance = random.Random(seed)
    fill(root, {name: text(lambda: chance.choice(TEXTS)) for name, text in FILES.items() if chance.random() < 0.5})


@pytest.mark.every_point
@pytest.mark.parametrize("seed", range(40))
def test_a_draft_is_valid(tmp_path: Path, seed: int) -> None:
    repository(tmp_path, seed)
    result = draft_plan(tmp_path)
    wrong = [item for item in result.check.problems if item.severity == "error" and "there is no f" not in item.message]
    assert wrong == [], result.text
    assert all(character.isprintable() or character in "\n\u2028" for character in result.text)


@pytest.mark.parametrize("name", ["null", "2048", "yes", "a,b", "a: b"])
def test_any_name_of_a_repository(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    root.mkdir()
    fill(root, {"Dockerfile": "FROM scratch\n"})
    assert draft_plan(root).check.valid


@pytest.mark.every_point
@pytest.mark.parametrize("seed", range(40))
def test_a_dockerfile_has_its_own_instructions_only(tmp_path: Path, seed: int) -> None:
    repository(tmp_path, seed)
    (tmp_path / "Dockerfile").unlink(missing_ok=True)
    (tmp_path / "package.json").write_text(package(lambda: random.Random(seed).choice(TEXTS)))
    for item in proposals(tmp_path):
        lines = item.recipe.text.split("\n") if item.recipe else []
        begins = [line for before, line in zip(["", *lines], lines, strict=False) if not before.endswith("\\")]
        assert all(map(INSTRUCTION.match, begins)), lines
        assert not any(line.startswith("RUN evil") for line in lines)
