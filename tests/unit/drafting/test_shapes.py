"""Repositories with the shape of public ones: their drafts are valid, and have the facts of a right plan."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shipway.actions.projects.init import draft_plan
from shipway.cli import cli
from shipway.drafting.survey import survey
from shipway.drafting.write import write
from shipway.planfile.read import read
from tests.matrix import FULL
from tests.unit.drafting.shapes import SHAPES
from tests.unit.drafting.shapes.shape import MISSING, RIGHT, WRONG, Shape

LIMITS = settings(
    max_examples=2000 if FULL else 40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=not FULL,
    phases=[phase for phase in Phase if FULL or phase is not Phase.shrink],
)  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_the_draft_has_the_facts_of_a_right_plan(tmp_path: Path, name: str) -> None:
    root = tmp_path / "shop"
    SHAPES[name].write(root)
    result = draft_plan(root)
    assert [problem.render() for problem in result.check.problems if problem.severity == "error"] == []
    assert [fact for fact, verdict in SHAPES[name].judge(result.text).items() if verdict != RIGHT] == []
    for value in ("changethis", "change-me", "shop:shop@", "root:example", "hunter2"):
        assert value not in result.text


def test_facts_that_a_draft_lacks_are_found() -> None:
    shape = Shape(
        {}, "services.web.port = 80\nservices.web.route = /\nservices.db absent\nservices.web.secrets has A\nsays x\n"
    )
    text = "services: {web: {port: 81}, db: {image: a}}  # y\n"
    assert list(shape.judge(text).values()) == [WRONG, MISSING, WRONG, MISSING, MISSING]


def test_the_files_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", tmp_path], check=True)
    SHAPES["traefik"].write(tmp_path)
    monkeypatch.chdir(tmp_path / "backend")
    arguments = ["init", "--stdout", "--compose", "../compose.yml", "--compose", "../compose.override.yml"]
    text = CliRunner().invoke(cli, arguments).output
    assert "# From compose.yml and compose.override.yml; not read" not in text
    assert "# From compose.yml and compose.override.yml." in text
    assert "mailcatcher" in text
    (tmp_path / "broken.yml").write_text("services: [\n")
    refused = CliRunner().invoke(cli, ["init", "--compose", "../broken.yml"])
    assert "broken.yml can't be read" in str(refused.exception)
    assert not (tmp_path / "backend" / "shipway.yaml").exists()
    outside = tmp_path.parent / "outside.yml"
    outside.write_text("services: {web: {image: 'a:1'}}\n")
    monkeypatch.chdir(tmp_path)
    assert "is not in the repository" in str(CliRunner().invoke(cli, ["init", "--compose", str(outside)]).exception)
    assert CliRunner().invoke(cli, ["init", "--hook", "x.git", "--compose", "compose.yml"]).exit_code == 2


NAMES = st.sampled_from(
    ["web", "api", "worker", "db", "cache", "my_app", "my-app", "Web", "all", "1", "a" * 60, "é", "proxy"]
)
TEXT = st.sampled_from(
    [
        "",
        "x",
        "a b",
        "'",
        "${X}",
        "${X:-y}",
        "${X:?}",
        "${A:-${B:-c}}",
        "$$",
        "${",
        "\n",
        "\x1b[31m",
        "é\u202e",
        "/",
        "a:b",
        "80",
        "redis://cache:6379/1",
        "postgres://u:p@db/x?sslmode=disable",
        "db",
        "http://localhost:80/x y",
        "x" * 5000,
    ]
) | st.text(max_size=12)
MOUNTS = (
    st.sampled_from(
        [
            ".:/app",
            "./data:/data",
            "named:/x",
            "/y",
            "x:relative",
            "/etc/localtime:/etc/localtime",
            "~/z:/z",
            "../up:/up",
            "${V:-v}:/v",
            ":",
            "a:/x:y",
        ]
    )
    | TEXT
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VARIABLES = st.dictionaries(
    st.sampled_from(["A", "PORT", "DATABASE_URL", "POSTGRES_PASSWORD", "DB_HOST", "a b", "SECRET_KEY", "DOMAIN"])
    | TEXT,
    VALUES,
    max_size=5,
)
IMAGES = (
    st.sampled_from(
        [
            "postgres:15",
            "postgres",
            "mysql:8",
            "mariadb:11",
            "redis:7",
            "rabbitmq:3",
            "nginx:1",
            "traefik:v3",
            "adminer",
            "${R}/x:${T}",
            "ghcr.io/a/shop:latest",
            "UPPER CASE",
            "",
            "a@b",
        ]
    )
    | TEXT
)
LABELS = st.dictionaries(
    st.sampled_from(
        [
            "traefik.enable",
            "traefik.http.routers.a.rule",
            "traefik.http.services.a.loadbalancer.server.port",
            "caddy",
            "caddy.reverse_proxy",
            "caddy.handle_path",
        ]
    ),
    st.sampled_from(
        [
            "true",
            "Host(`a.example`) && PathPrefix(`/x y`)",
            "Host(`b.example`)",
            "Host(",
            "99999999",
            "8000",
            "{{upstreams 3000}}",
            "/a/*",
            "a.example",
        ]
    )
    | TEXT,
    max_size=4,
)
SERVICE = st.fixed_dictionaries({}, optional={
    "image": IMAGES,
    "build": st.sampled_from([".", "api", "../x", "/abs", "https://git.example/x.git"]) | st.fixed_dictionaries({}, optional={"context": TEXT | st.just("."), "dockerfile": TEXT, "target": TEXT, "args": VARIABLES}),
    "command": TEXT | st.lists(TEXT, max_size=3) | st.sampled_from(["celery -A a worker", "sh -c 'alembic upgrade head && gunicorn a'", "npm run dev", "redis-server --requirepass x"]),
    "entrypoint": TEXT | st.lists(TEXT, max_size=2),
    "environment": VARIABLES | st.lists(TEXT, max_size=3),
    "env_file": st.sampled_from([".env", "missing.env", "../../etc/passwd"]) | st.lists(TEXT, max_size=2),
    "ports": st.lists(st.sampled_from(["80", "8080:80", "1-3:1-3", "${P:-9}:80/tcp", "0", "99999"]) | TEXT | st.integers(), max_size=3),
    "expose": st.lists(TEXT | st.integers(), max_size=2),
    "volumes": st.lists(MOUNTS, max_size=3),
    "labels": LABELS | st.lists(TEXT, max_size=2),
    "healthcheck": st.fixed_dictionaries({"test": TEXT | st.lists(TEXT, max_size=3) | st.sampled_from(["curl -f http://localhost:80/x", "curl -fL localhost", "wget -q http://localhost/a\x00b", "nc -z localhost 1"])}),
    "depends_on": st.lists(NAMES, max_size=2) | st.dictionaries(NAMES, st.just({"condition": "service_completed_successfully"}), max_size=2),
    "deploy": st.fixed_dictionaries({}, optional={"replicas": VALUES, "resources": st.just({"limits": {"cpus": "0.5", "memory": "1.5g"}}) | VALUES, "labels": LABELS}),
    "extends": NAMES | st.fixed_dictionaries({"file": TEXT, "service": NAMES}),
    "profiles": st.lists(TEXT, max_size=2), "secrets": st.lists(TEXT, max_size=2), "cap_add": st.lists(TEXT | st.just("NET_ADMIN"), max_size=2),
    "stop_grace_period": TEXT | st.just("1m30s"), "mem_limit": TEXT | st.just("1g"), "scale": VALUES, "restart": TEXT,
})  # fmt: skip


@LIMITS
@given(
    services=st.dictionaries(NAMES, SERVICE, min_size=1, max_size=5),
    over=st.dictionaries(NAMES, SERVICE, max_size=3),
    env=TEXT,
    config=TEXT,
)
def test_any_compose_file_gives_a_valid_draft(
    tmp_path_factory: pytest.TempPathFactory, services: object, over: object, env: str, config: str
) -> None:
    import json

    root = tmp_path_factory.mktemp("shop")
    (root / "compose.yaml").write_text(json.dumps({"services": services, "include": [env]}))
    (root / "compose.prod.yaml").write_text(json.dumps({"services": over}))
    (root / ".env").write_text(f"X={env}\nPOSTGRES_PASSWORD=hunter2-secret\n")
    (root / "nginx.conf").write_text(f"location / {{ proxy_pass http://{config}; }}\n")
    (root / "Dockerfile").write_text(f"FROM {config}\nEXPOSE 8000\n")
    text = write(survey(root, "shop", "main"))
    assert [
        problem.render() for problem in read(text, "shipway.yaml", None).problems if problem.severity == "error"
    ] == []
    assert "hunter2-secret" not in text
