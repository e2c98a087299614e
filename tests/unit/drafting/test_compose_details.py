"""The parts of reading Compose: health checks, proxies, commands, overrides, files that include others, mounts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from shipway.actions.projects.init import draft_plan
from shipway.drafting import commands, healthchecks, proxy_rules
from shipway.drafting.compose_files import choose
from shipway.drafting.compose_model import load, merged
from tests.unit.drafting.composed import drafted, write

WEB = "services:\n  web: {build: ., ports: ['80']}\n"


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("curl -s http://localhost:8888", healthchecks.Check(tcp=True, port=8888)),
        ("curl -f http://localhost:8888", healthchecks.Check("/", port=8888)),
        ("curl -f http://localhost:8000/healthz || exit 1", healthchecks.Check("/healthz", port=8000)),
        (["CMD", "wget", "-q", "--spider", "http://127.0.0.1/up?x=1"], healthchecks.Check("/up", port=80)),
        ("wget -qO- localhost:3000/api/health || exit 1", healthchecks.Check("/api/health", port=3000)),
        ("curl http://localhost:${PORT:-80}/x", healthchecks.Check("/x", port=8123)),
        ("curl http://web:5000/x", healthchecks.Check("/x", port=5000)),
        ("python -c \"import urllib.request; urllib.request.urlopen('http://localhost:8000/ok')\"", healthchecks.Check("/ok", port=8000)),
        ("curl -fsSL http://localhost:3000/", healthchecks.Check(command="curl -fsSL http://localhost:3000/", port=3000)),
        ("curl -s http://localhost:1/x | grep ok", healthchecks.Check(command="curl -s http://localhost:1/x | grep ok", port=1)),
        ("curl -f http://other:80/x", healthchecks.Check(command="curl -f http://other:80/x")),
        ("curl -fk https://localhost/x", healthchecks.Check(command="curl -fk https://localhost/x")),
        ("nc -z localhost 25", healthchecks.Check(tcp=True, port=25)),
        (["CMD-SHELL", "rq info || exit 1"], healthchecks.Check(command="rq info")),
        (["NONE"], None), ("", None), ([], None), (["CMD"], None), (None, None),
    ],
)  # fmt: skip
def test_health_checks(test: object, expected: healthchecks.Check | None) -> None:
    assert healthchecks.read(test, {"PORT": "8123"}, "web") == expected


def test_labels_of_proxies() -> None:
    rule = proxy_rules.from_labels({
        "traefik.http.routers.a.rule": "Host(`a.example`, `www.a.example`) && PathPrefix(`/api/`)", "traefik.http.services.a.loadbalancer.server.port": "8000",
        "traefik.http.middlewares.s.stripprefix.prefixes": "/api", "traefik.http.middlewares.auth.basicauth.users": "x",
    })  # fmt: skip
    assert rule is not None
    assert (rule.port, rule.path, rule.hosts, rule.public) == (8000, "/api", ["a.example", "www.a.example"], True)
    assert len(rule.todo) == 2
    old = proxy_rules.from_labels({"traefik.frontend.rule": "Host:a.example;PathPrefix:/x", "traefik.port": "80"})
    assert old is not None
    assert (old.port, old.path, old.hosts) == (80, "/x", ["a.example"])
    off = proxy_rules.from_labels({"traefik.enable": "false"})
    assert off is not None
    assert off.public is False
    assert proxy_rules.from_labels({"com.example.team": "x"}) is None
    nginx = proxy_rules.from_variables({"VIRTUAL_HOST": "a.example,b.example", "VIRTUAL_PORT": "3000"})
    assert nginx is not None
    assert (nginx.port, nginx.hosts) == (3000, ["a.example", "b.example"])


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("upstream x { server api:8000; }\nserver { server_name a.example; location /api/ { proxy_pass http://x/; } location / { proxy_pass http://web:3000; } }", {"api": (8000, "/api"), "web": (3000, "/")}),
        ("location / { proxy_pass http://web; }", {"web": (80, "/")}),
        ("a.example {\n  reverse_proxy /api/* api:8000\n  reverse_proxy web:3000\n}\n", {"api": (8000, "/api"), "web": (3000, "/")}),
        ("a.example {\n  handle_path /api/* {\n    reverse_proxy api:8000\n  }\n  root * /srv\n  file_server\n}\n", {"api": (8000, "/api")}),
        ("backend b\n  server s1 web:3000 check\n", {"web": (3000, "")}),
        ("http:\n  services:\n    w:\n      loadBalancer:\n        servers:\n          - url: http://web:3000\n", {"web": (3000, "/")}),
        ("# proxy_pass http://web:1;\nlocation / { proxy_pass http://elsewhere:1; }", {}),
    ],
)  # fmt: skip
def test_configurations_of_proxies(text: str, rules: dict[str, tuple[int, str]]) -> None:
    found = proxy_rules.from_files({"conf": text}, {"api", "web"})
    assert {name: (rule.port, rule.path) for name, rule in found.rules.items()} == rules
    assert found.site == ("file_server" in text)


@pytest.mark.parametrize(
    ("command", "serves"),
    [
        ("gunicorn app --workers 3", True), ("celery -A app worker -l info", False), ("celery -A app flower", True), ("bundle exec sidekiq", False),
        ("python -m app", None), ("/start-celeryworker", None), ("php artisan queue:work", False), ("node server.js", None), ("npm start", True),
    ],
)  # fmt: skip
def test_what_a_command_tells(command: str, serves: bool | None) -> None:
    assert commands.serves(command) is serves


@pytest.mark.parametrize(
    ("command", "rest"),
    [
        ("sh -c 'alembic upgrade head && exec gunicorn app -b :80'", "gunicorn app -b :80"),
        ('bash -c "python manage.py migrate --noinput && python manage.py collectstatic && gunicorn $APP"', "sh -c 'python manage.py collectstatic && gunicorn $APP'"),
        ("npx prisma migrate deploy", ""),
        ("gunicorn app", "gunicorn app"),
    ],
)  # fmt: skip
def test_migrations_in_a_command(command: str, rest: str) -> None:
    assert commands.without_migrations(command) == rest
    assert commands.migrates(command) == (rest != command)


def test_a_command_that_migrates_starts_only_the_program(tmp_path: Path) -> None:
    compose = "services:\n  web:\n    build: .\n    ports: ['80']\n    command: sh -c 'alembic upgrade head && gunicorn app'\n  db: {image: 'postgres:15'}\n"
    plan, text = drafted(tmp_path, {"compose.yaml": compose, "alembic.ini": ""})
    assert plan["services"]["web"]["command"] == "gunicorn app"
    assert "# without the migrations, which `database` runs" in text


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        ({"docker-compose.yml": WEB, "docker-compose.prod.yml": WEB}, ["docker-compose.prod.yml"]),
        ({"docker-compose.dev.yml": WEB, "deploy/compose.yaml": WEB}, ["deploy/compose.yaml"]),
        ({"compose.yaml": WEB, "compose.prod.yaml": "services: {web: {restart: always}}\n"}, ["compose.yaml", "compose.prod.yaml"]),
        ({"compose.yaml": "services: {web: {ports: ['80']}}\n", "compose.override.yaml": WEB}, ["compose.yaml", "compose.override.yaml"]),
        ({"compose.yaml": "services: {db: {image: 'postgres:15'}}\n", "docker/compose.yml": WEB}, ["docker/compose.yml"]),
        ({"compose.yaml": WEB, "compose.prod.yaml": "services: {proxy: {image: 'traefik:3'}}\n"}, ["compose.yaml", "compose.prod.yaml"]),
        ({"production.yml": WEB, "local.yml": WEB, "prod.yml": "a: 1\n"}, ["production.yml"]),
        ({"docker-compose.gpu.yml": WEB, "compose.yaml": WEB}, ["compose.yaml"]),
        ({"docker-compose.local.yml": WEB}, ["docker-compose.local.yml"]),
        ({"node_modules/x/compose.yaml": WEB, "examples/compose.yaml": WEB}, None),
    ],
)  # fmt: skip
def test_the_file_that_deploys_is_chosen(tmp_path: Path, files: dict[str, str], chosen: list[str] | None) -> None:
    found = choose(write(tmp_path, files))
    assert (found.files if found else None) == chosen
    assert not found or sorted([*found.files, *found.others]) == sorted(name for name in files if name != "prod.yml")


def test_overrides_follow_the_rules_of_compose(tmp_path: Path) -> None:
    base = {
        "ports": ["80"],
        "command": ["a", "b"],
        "environment": {"A": "1", "B": "2"},
        "volumes": [{"source": "x", "target": "/x"}],
        "image": "i",
    }
    over = {
        "ports": ["80", "81"],
        "command": ["c"],
        "environment": {"B": "3"},
        "volumes": [{"source": "y", "target": "/x"}],
        "image__reset": None,
    }
    assert merged(base, over) == {
        "ports": ["80", "81"], "command": ["c"], "environment": {"A": "1", "B": "3"}, "volumes": [{"source": "y", "target": "/x"}],
    }  # fmt: skip
    files = {
        "a.yml": "services:\n  web: {build: ., ports: ['80'], tty: true}\n",
        "b.yml": "services:\n  web:\n    ports: !override\n      - '81'\n    tty: !reset null\n",
    }
    project = load(write(tmp_path, files), ["a.yml", "b.yml"])
    assert project.services == {"web": {"build": {"context": "."}, "ports": ["81"]}}


def test_files_that_extend_and_include_each_other_end(tmp_path: Path) -> None:
    files = {
        "compose.yaml": "include: [compose.yaml, ../outside.yaml]\nservices:\n  web: {extends: {file: other/a.yaml, service: web}, ports: ['80']}\n  loop: {extends: loop}\n",
        "other/a.yaml": "services:\n  web: {extends: base}\n  base: {build: ., env_file: a.env, volumes: ['./data:/data'], depends_on: [x]}\n",
        "other/a.env": "A=1\n",
    }
    project = load(write(tmp_path / "shop", files), ["compose.yaml"])
    assert project.services["web"] == {
        "build": {"context": "other"}, "env_file": ["other/a.env"], "volumes": [{"type": "bind", "source": "./other/data", "target": "/data"}],
        "ports": ["80"],
    }  # fmt: skip
    assert sum("include was ignored" in note for note in project.notes) >= 2
    assert any("extends of loop was ignored" in note for note in project.notes)


def test_a_merge_makes_no_worker_public(tmp_path: Path) -> None:
    compose = """\
x-app: &app
  build: .
  ports: ["8000:8000"]
  healthcheck: {test: curl -f http://localhost:8000/up}
services:
  jobs: {<<: *app, command: python -m jobs}
  web: {<<: *app, command: gunicorn app}
"""
    plan, text = drafted(tmp_path, {"compose.yaml": compose, "Dockerfile": "FROM python:3.12-slim\nEXPOSE 8000\n"})
    assert plan["services"]["jobs"] == {"build": ".", "command": "python -m jobs"}
    assert plan["services"]["web"]["route"] == "/"
    assert "its ports are those of web" in text


def test_a_publishers_image_is_built_where_its_source_is(tmp_path: Path) -> None:
    compose = "services:\n  shop: {image: 'ghcr.io/acme/shop:latest', ports: ['80']}\n  api: {image: 'acme/shop-api', expose: ['81']}\n"
    files = {"compose.yaml": compose, "api/Dockerfile": "FROM scratch\nCOPY main /\n", "api/main": ""}
    plan, text = drafted(tmp_path, files)
    assert (plan["services"]["shop"]["build"], plan["services"]["api"]["build"]) == (".", "api")
    assert "# its image was ghcr.io/acme/shop:latest: it is built here" in text
    (tmp_path / "shop" / "api" / "main").unlink()  # a release builds it before: the Dockerfile alone can't
    assert draft_plan(tmp_path / "shop").text.count("image: acme/shop-api") == 1


def test_no_postgresql_beside_sqlite(tmp_path: Path) -> None:
    compose = "services:\n  web: {build: ., ports: ['80'], environment: {DATABASE_URL: 'sqlite:////data/x.db'}, volumes: ['x:/data']}\n"
    plan, _ = drafted(tmp_path, {"compose.yaml": compose, "alembic.ini": ""})
    assert "accessories" not in plan
    assert plan["database"] == {"file": "/data/x.db", "service": "web", "tool": "alembic"}


@pytest.mark.parametrize("path", ["/x.db", "/data/deep/x.db", "/other/x.db"])
def test_a_file_of_sqlite_that_is_in_no_volume(tmp_path: Path, path: str) -> None:
    compose = f"services:\n  web: {{build: ., ports: ['80'], environment: {{DATABASE_URL: 'sqlite:///{path}'}}, volumes: ['x:/data']}}\n"
    plan, text = drafted(tmp_path, {"compose.yaml": compose, "alembic.ini": ""})
    assert "database" not in plan
    assert "DATABASE_URL is a file of SQLite, but not directly in a volume of web" in text


@pytest.mark.parametrize(
    "value", ["/data/x.db", "sqlite:/data/x.db", "sqlite+aiosqlite:////data/x.db?mode=rwc", "file:/data/x.db"]
)
def test_the_ways_to_name_a_file_of_sqlite(tmp_path: Path, value: str) -> None:
    compose = f"services:\n  web: {{build: ., ports: ['80'], environment: {{DB: '{value}'}}, volumes: ['x:/data']}}\n"
    plan, _ = drafted(tmp_path, {"compose.yaml": compose, "alembic.ini": ""})
    assert plan["database"]["file"] == "/data/x.db"


def test_nothing_false_is_said_about_a_file_with_databases_only(tmp_path: Path) -> None:
    _, text = drafted(tmp_path, {"compose.yaml": "services: {db: {image: 'postgres:15'}}\n"})
    result = draft_plan(tmp_path / "shop")
    assert "no compose file" not in str(result.found)
    assert "image: postgres:15" in text


def test_a_domain_that_is_not_in_the_repository(tmp_path: Path) -> None:
    compose = """\
services:
  web:
    build: {context: ., args: {URL: "https://${DOMAIN}"}}
    labels: ["traefik.http.routers.w.rule=Host(`${DOMAIN}`)", "traefik.http.services.w.loadbalancer.server.port=80"]
    environment: {SITE: "https://www.${DOMAIN}", MAIL: "a@${DOMAIN}"}
"""
    plan, text = drafted(tmp_path, {"compose.yaml": compose})
    assert "site.invalid" not in text
    assert plan["services"]["web"]["route"] == "/"
    assert plan["environments"]["staging"]["environment"] == {
        "SITE": "http://staging.shop.localhost:8080",
        "MAIL": "a@staging.shop.localhost",
    }


def test_mounts_are_kept_or_named(tmp_path: Path) -> None:
    compose = """\
services:
  web:
    build: ./api
    ports: ["80"]
    volumes: ["uploads:/up", "./api:/app", "/srv/media:/media", "~/.shop:/home", "./conf/app.ini:/etc/app.ini", "/var/run/docker.sock:/s", "/cache", "./api/static:/static", "/etc/timezone:/etc/timezone"]
"""
    files = {"compose.yaml": compose, "api/Dockerfile": "FROM scratch\n", "conf/app.ini": "", "api/static/x.css": ""}
    _plan, text = drafted(tmp_path, files | {"compose.yaml": compose.replace('"/var/run/docker.sock:/s", ', "")})
    assert "volumes: {uploads: /up, media: /media, shop: /home}" in text
    for words in (
        "its source is in the image",
        "/etc/app.ini was mounted from ./conf/app.ini: put it",
        "/cache was an anonymous volume",
        "its files are in the image",
        "set TZ",
    ):
        assert words in text, words


@pytest.mark.every_point
@pytest.mark.parametrize(
    "service",
    [
        "command: " + "alembic " * 25_000,
        "command: sh -c '" + "migrate -path x && " * 10_000 + "'",
        "healthcheck: {test: '" + "curl http:" * 20_000 + "'}",
        "environment: {A: '" + "${A:-" * 30_000 + "'}",
        "environment: {A: '" + "://a:" * 40_000 + "'}",
        "labels: ['traefik.http.routers.a.rule=" + "Host(" * 40_000 + "']",
        "volumes: ['" + "./" * 100_000 + ":/x']",
    ],
    ids=range(7),
)
def test_long_values_take_no_long_time(tmp_path: Path, service: str) -> None:
    conf = "location " * 7_000 + "upstream x { " * 5_000
    compose = f"services:\n  web:\n    build: .\n    ports: ['80']\n    {service}\n  proxy: {{image: 'nginx:1', volumes: ['./n.conf:/etc/nginx/nginx.conf'], ports: ['80:80']}}\n"
    write(tmp_path, {"Dockerfile": "FROM python:3.12-slim\n", "compose.yaml": compose, "n.conf": conf})
    begun = time.process_time()
    assert draft_plan(tmp_path).check.valid
    assert time.process_time() - begun < 5


def test_profiles(tmp_path: Path) -> None:
    compose = """\
services:
  web: {build: ., ports: ['80'], profiles: [web]}
  watch: {build: ., command: yarn build, profiles: [assets]}
  db: {image: 'postgres:15', profiles: [postgres]}
"""
    files = {"compose.yaml": compose, ".env.example": "COMPOSE_PROFILES=postgres,assets,web\n"}
    plan, text = drafted(tmp_path, files)
    assert (list(plan["services"]), list(plan["accessories"])) == (["web"], ["db"])
    assert "# Left out: watch: it was only started on demand (profiles: assets)." in text
    (tmp_path / "shop" / ".env.example").unlink()
    assert "  watch:\n" in draft_plan(tmp_path / "shop").text  # nothing is asked for: all of them are needed


def test_a_build_of_another_repository_is_no_source(tmp_path: Path) -> None:
    compose = "services:\n  web: {image: 'acme/site:1', ports: ['80']}\n"
    files = {"compose.yaml": compose, "dev/compose.yaml": "services:\n  web: {build: {context: ../..}}\n"}
    plan, _ = drafted(tmp_path, files)
    assert plan["services"]["web"]["image"] == "acme/site:1"


def test_symbolic_links_to_files_of_the_machine_are_not_followed(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "outside/settings": "OPEN_TO_ALL=x1\n",
            "outside/n.conf": "location / { proxy_pass http://web:4321; }\n",
            "outside/Dockerfile": "EXPOSE 4321\n",
        },
    )
    compose = "services:\n  web: {build: api, env_file: s.env, expose: []}\n  proxy: {image: 'nginx:1', volumes: ['./n.conf:/etc/nginx/nginx.conf'], ports: ['80:80']}\n"
    root = write(tmp_path / "shop", {"compose.yaml": compose, "api/x": ""})
    for name, target in (("s.env", "settings"), ("n.conf", "n.conf"), ("api/Dockerfile", "Dockerfile")):
        (root / name).symlink_to(tmp_path / "outside" / target)
    text = draft_plan(root).text
    assert "OPEN_TO_ALL" not in text
    assert "4321" not in text


def test_configuration_files_of_used_images_are_laid_into_them(tmp_path: Path) -> None:
    mounts = [
        "./nginx.conf:/etc/nginx/nginx.conf:ro",
        "./sites:/etc/nginx/conf.d",
        "./tls/site.key:/etc/site.key",
        "./link:/etc/link",
    ]
    compose = {
        "services": {"web": {"build": ".", "ports": ["80"]}, "proxy": {"image": "nginx:1.27", "volumes": mounts}}
    }
    root = write(tmp_path / "shop", {
        "Dockerfile": "FROM python:3.12-slim\n", "compose.yml": json.dumps(compose), "nginx.conf": "events {}\n",
        "sites/a.conf": "a\n", "sites/b.conf": "b\n", "tls/site.key": "k\n",
    })  # fmt: skip
    (root / "link").symlink_to("nginx.conf")
    result = draft_plan(root)
    assert [problem.render() for problem in result.check.problems if problem.severity == "error"] == []
    assert result.check.plan is not None
    assert result.check.plan.services["proxy"].files == {
        "/etc/nginx/nginx.conf": "nginx.conf", "/etc/nginx/conf.d/a.conf": "sites/a.conf", "/etc/nginx/conf.d/b.conf": "sites/b.conf",
    }  # fmt: skip
    for left in ("/etc/site.key", "/etc/link"):
        assert f"TODO: {left} was mounted from" in result.text, result.text
