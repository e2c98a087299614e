"""A compose file becomes a plan, and what a plan can't say is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.domain.errors import UsageError
from shipway.planfile import examine, parse
from shipway.planfile.drafting.survey import survey
from shipway.planfile.drafting.write import write
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
    assert ("keeps nothing" in text) == (volume != "/pg")
    assert not [item for item in read(text, "x", None).problems if "stay empty" in item.message]


def test_secrets_and_entrypoints_of_accessories_are_taken_over(tmp_path: Path) -> None:
    text, _ = drafted(tmp_path, HEAD + "  minio: {image: 'minio/minio:1', entrypoint: [minio], command: server /data, environment: {MINIO_ROOT_PASSWORD: '${PW}'}}\n")
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
    labels: {a: b}
    network_mode: host
    cap_add: [NET_ADMIN]
    x-own: 1
""")  # fmt: skip
    for words in ("${PORT:-80}, && needs a shell", "stop_grace_period:", "`replicas: 3`", "deploy.resources", "profiles:", "labels:", "network_mode:", "cap_add: a plan has no such key"):
        assert words in text, words
    assert "x-own" not in text
    assert notes == ["compose.yaml: include was not read"]
    assert drafted(tmp_path, "version: '2'\nweb:\n  build: .\n")[1] == ["compose.yaml has no `services:` in it: it was left out"]


def test_check_asks_the_engine_for_images_that_nobody_knows(tmp_path: Path) -> None:
    file = tmp_path / "shipway.yaml"
    file.write_text("app: a\nservices: {web: {image: nginx:1}}\naccessories:\n  q: {image: acme/queue:1, kind: other, port: 1, volume: /var, provides: Q, url: '{host}'}\n")
    assert examine(file).problems == ()
    (problem,) = examine(file, lambda image: {"Volumes": {"/var/lib/queue": {}}}).problems
    assert (problem.severity, problem.expected) == ("warning", "`volume: /var/lib/queue`")
    assert examine(file, lambda image: None).problems == ()


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A\n", "É", "A" * 201])
def test_names_of_secrets_are_checked(name: str) -> None:
    from shipway.actions.secret_names import check_name

    plan = parse("app: a\nservices: {web: {image: nginx:1, secrets: [SECRET_KEY]}}\nenvironments: {s: {url: http://a.example}}", "x")
    with pytest.raises(UsageError, match="can't be the name"):
        check_name(plan, "s", name)
    assert check_name(plan, "s", "SECRET_KEY") == ""
    assert "did you mean SECRET_KEY?" in check_name(plan, "s", "SECRETKEY")
