"""A compose file becomes a plan, and what a plan can't say is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.domain.errors import UsageError
from shipway.drafting.survey import survey
from shipway.drafting.write import write
from shipway.planfile import examine, parse
from shipway.planfile.read import read

HEAD = "services:\n  web: {build: ., ports: ['80']}\n"


def drafted(folder: Path, compose: str) -> tuple[str, list[str]]:
    (folder / "compose.yaml").write_text(compose)
    (folder / "Dockerfile").write_text("FROM python:3.11-slim\n")
    draft = survey(folder, "shop", "main")
    text = write(draft)
    assert parse(text, "shipway.yaml").app == "shop"
    return text, draft.notes


@pytest.mark.parametrize(
    ("accessory", "volume"),
    [
        ("{image: 'postgres:15', volumes: ['pg:/var/lib/postgresql']}", "/var/lib/postgresql/data"),
        ("{image: 'postgres:18', volumes: ['pg:/var/lib/postgresql/data']}", "/var/lib/postgresql"),
        ("{image: 'mysql:8', volumes: ['pg:/data']}", "/var/lib/mysql"),
        ("{image: 'postgres:15', volumes: ['pg:/pg'], environment: {PGDATA: /pg/data}}", "/pg"),
    ],
)
def test_a_volume_gets_the_path_that_the_image_writes_to(tmp_path: Path, accessory: str, volume: str) -> None:
    text, _ = drafted(tmp_path, f"{HEAD}  db: {accessory}\n")
    assert f"    volume: {volume}\n" in text
    assert ("stores nothing" in text) == (volume != "/pg")
    assert not [item for item in read(text, "x", None).problems if "stay empty" in item.message]


def test_secrets_and_entrypoints_of_accessories_are_taken_over(tmp_path: Path) -> None:
    text, _ = drafted(
        tmp_path,
        HEAD
        + "  minio: {image: 'minio/minio:1', entrypoint: [minio], command: server /data, environment: {MINIO_ROOT_PASSWORD: '${PW}'}}\n",
    )
    plan = parse(text, "shipway.yaml")
    assert plan.accessories["minio"].secrets == ("MINIO_ROOT_PASSWORD",)
    assert plan.accessories["minio"].entrypoint == "minio"


def test_nothing_is_left_out_in_silence(tmp_path: Path) -> None:
    text, notes = drafted(tmp_path, """\
include: [other.yml]
services:
  web:
    build: .
    command: serve --port=${PORT:-80} && echo ready
    stop_grace_period: 90s
    deploy: {replicas: 3, resources: {limits: {memory: 1G}}}
    profiles: [debug]
    network_mode: host
    cap_add: [NET_ADMIN, SYS_ADMIN]
    sysctls: {a: b}
    x-own: 1
""")  # fmt: skip
    for words in (
        "command: && requires a shell",
        "    stop: 90s\n",
        "    replicas: 3\n",
        "    resources: {memory: 1G}\n",
        "capabilities: [NET_ADMIN]",
        "cap_add SYS_ADMIN: services can't have it",
        "network_mode:",
        "sysctls: a plan has no such key",
    ):
        assert words in text, words
    assert "x-own" not in text
    assert notes == ["compose.yaml: include was ignored: other.yml is not in the repository"]
    assert drafted(tmp_path, "version: '2'\nweb:\n  build: .\n")[1] == [
        "compose.yaml has no `services:`: it was ignored"
    ]


def test_check_inspects_unknown_images_on_the_engine(tmp_path: Path) -> None:
    file = tmp_path / "shipway.yaml"
    file.write_text(
        "app: a\nservices: {web: {image: nginx:1}}\naccessories:\n  q: {image: acme/queue:1, kind: other, port: 1, volume: /var, provides: Q, url: '{host}'}\n"
    )
    assert examine(file).problems == ()
    (problem,) = examine(file, lambda image: {"Volumes": {"/var/lib/queue": {}}}).problems
    assert (problem.severity, problem.expected) == ("warning", "`volume: /var/lib/queue`")
    assert examine(file, lambda image: None).problems == ()


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A\n", "É", "A" * 201])
def test_names_of_secrets_are_checked(name: str) -> None:
    from shipway.actions.environment.secret_names import check_name

    plan = parse(
        "app: a\nservices: {web: {image: nginx:1, secrets: [SECRET_KEY]}}\nenvironments: {s: {url: http://a.example}}",
        "x",
    )
    with pytest.raises(UsageError, match="is not a valid variable name"):
        check_name(plan, "s", name)
    assert check_name(plan, "s", "SECRET_KEY") == ""
    assert "did you mean SECRET_KEY?" in check_name(plan, "s", "SECRETKEY")


@pytest.mark.parametrize(
    ("compose", "words"),
    [
        (
            HEAD
            + "  db: {image: 'postgres:15', volumes: ['pg:/var/lib/postgresql/data', './init.sql:/docker-entrypoint-initdb.d/init.sql']}",
            "init.sql, but a plan mounts no folders of the machine",
        ),
        (
            HEAD + "  db: {image: 'postgres:15', volumes: [{type: bind, source: ./conf, target: /etc/db}]}",
            "/etc/db was mounted from ./conf",
        ),
        (
            "services:\n  web: {build: ., ports: ['80'], volumes: ['.:/app', './nginx.conf:/etc/nginx.conf']}",
            "/etc/nginx.conf was mounted from ./nginx.conf",
        ),
        (
            "services:\n  web: {image: 'traefik:v2.10', ports: ['80:80', '443:443']}",
            "# Left out: web: Shipway's edge routes requests.",
        ),
        ("services:\n  web: {image: 'traefik:v2.10', ports: ['80:80']}", "Shipway's edge"),
        (
            "services:\n  web: {image: 'a:1', ports: ['80'], volumes: ['/var/run/docker.sock:/var/run/docker.sock']}",
            "# Left out: web: it needs the Docker Engine's socket",
        ),
        (
            HEAD + "  minio: {image: 'minio/minio:1', ports: ['9000-9001:9000-9001']}",
            "port 9001: a plan has one per service, here 9000",
        ),
        (HEAD + "  redis: {image: 'redis:7', command: redis-server --requirepass hunter2}", "it has no password"),
        (
            "services:\n  web: {build: {context: ., dockerfile_inline: FROM scratch}}",
            "build.dockerfile_inline: write it into a Dockerfile",
        ),
        ("services:\n  web: {build: {context: ., secrets: [npm]}}", "build.secrets: a plan has no such key"),
        (
            "services:\n  web: {build: {context: 'https://github.com/acme/web.git#main'}}",
            "https://github.com/acme/web.git#main is another repository",
        ),
        (
            "services:\n  web: {build: 'git@github.com:acme/web.git'}",
            "git@github.com:acme/web.git is another repository",
        ),
    ],
)
def test_what_a_plan_has_no_place_for_is_asked(tmp_path: Path, compose: str, words: str) -> None:
    assert words in drafted(tmp_path, compose)[0]


def test_what_needs_no_answer_is_not_asked(tmp_path: Path) -> None:
    source = "volumes: ['.:/app', '/app/node_modules', {type: bind, source: ./, target: /src}, 'named:/x']"
    text, _ = drafted(
        tmp_path,
        f"services:\n  web: {{build: {{context: ., labels: {{a: b}}}}, ports: ['8080:80', '80'], {source}}}\n  db: {{image: 'postgres:15', ports: ['5433:5432']}}\n",
    )
    assert "machine" not in text
    assert "has one per service" not in text
    assert "build." not in text


def test_a_volume_from_outside_is_said(tmp_path: Path) -> None:
    compose = (
        HEAD
        + "  db: {image: 'postgres:15', volumes: ['pg:/var/lib/postgresql/data']}\nvolumes: {pg: {external: true}, other: {}}\n"
    )
    assert drafted(tmp_path, compose)[1] == [
        "compose.yaml: the content of volume pg is not adopted: Shipway creates its own volumes"
    ]
