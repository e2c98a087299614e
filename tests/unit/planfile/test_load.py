"""From a file to a Plan: defaults, shorthands, the cache, and what importing costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shipway import planfile
from shipway.domain.errors import PlanError
from shipway.domain.plan import Approvals, BuildSource, Health, Host, StepImage, Trigger
from shipway.planfile.problem import InvalidPlan

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "catalogue" / "shipway.yaml"
PLAN = """\
app: shop
services:
  web: {build: web/, port: 80, route: /, health: /up, environment: {VERSION: 3.10, DEBUG: true}, secrets: KEY}
  api: {build: {folder: ./api, dockerfile: docker/Api, target: run, args: {PY: 3.12}}, resources: {cpus: 0.5, memory: 1G}}
  proxy: {image: nginx:1, health: {tcp: true, timeout: 2m, interval: 250ms}, port: 80, drain: 0s}
accessories:
  db: {image: mysql:8, provides: DATABASE_URL, volume: /data}
  cache: {image: acme/cache:1, kind: redis, port: 6380, provides: REDIS_URL}
pipeline:
  unit: {image: {build: api, target: test}, run: true, with: db, timeout: 5m}
  lint: {image: python:3.12, run: ruff, needs: [unit]}
  images: {build: all}
environments:
  staging: {url: "http://staging.localhost:8080/", on: {branch: main}, approvals: 2, hosts: local}
  production: {url: http://localhost, after: staging, on: {branch: main, tag: v*}, approvals: {count: 1, not: author, expire: 7d}}
  spare: {url: http://spare.localhost}
"""


def test_the_folder_of_infrastructure_is_relative_to_the_plan() -> None:
    text = (
        "app: shop\nservices: {web: {image: 'nginx:1', port: 80, route: /, health: {path: /}}}\n"
        "environments: {production: {url: 'https://shop.example', infra: {tool: terraform, folder: FOLDER}}}\n"
    )

    def folder(given: str) -> str:
        plan = planfile.parse(text.replace("FOLDER", given), "apps/shop/shipway.yaml", files=lambda path: True)
        infra = plan.environments["production"].infra
        return infra.folder if infra else ""

    assert folder("infra") == "apps/shop/infra"
    assert folder("../../infra") == "infra"
    with pytest.raises(InvalidPlan, match="outside of the repository"):
        folder("../../../infra")


def test_shorthands_and_defaults() -> None:
    plan = planfile.parse(PLAN, "shipway.yaml")
    web, api, proxy = plan.services.values()
    assert web.build == BuildSource("web")
    assert web.health == Health(path="/up")
    assert web.secrets == ("KEY",)
    assert web.environment == {"VERSION": "3.10", "DEBUG": "true"}
    assert (web.replicas, web.drain, web.stop) == (1, 30.0, 10.0)
    assert api.build == BuildSource("api", "docker/Api", "run", {"PY": "3.12"})
    assert (api.resources.cpus, api.resources.memory) == (0.5, 1024**3)
    assert proxy.health == Health(tcp=True, timeout=120.0, interval=0.25)
    assert (proxy.drain, proxy.stop) == (30.0, 0.0)  # without a route it is `stop`


def test_accessories_get_kind_and_port() -> None:
    db, cache = planfile.parse(PLAN, "shipway.yaml").accessories.values()
    assert (db.kind, db.port) == ("mysql", 3306)
    assert (cache.kind, cache.port) == ("redis", 6380)


def test_steps() -> None:
    unit, lint, images = planfile.parse(PLAN, "shipway.yaml").pipeline.values()
    assert unit.image == StepImage(build=BuildSource("api", target="test"))
    assert (unit.run, unit.accessories, unit.timeout) == ("true", ("db",), 300.0)
    assert lint.image == StepImage(name="python:3.12")
    assert images.build == ("web", "api")


def test_environments() -> None:
    staging, production, spare = planfile.parse(PLAN, "shipway.yaml").environments.values()
    assert (staging.url, staging.domain, staging.port) == ("http://staging.localhost:8080", "staging.localhost", 8080)
    assert (staging.trigger, staging.approvals, staging.hosts) == (
        Trigger(branch="main"),
        Approvals(count=2),
        (Host("local"),),
    )
    assert production.trigger == Trigger(branch="main", tag="v*")
    assert production.approvals == Approvals(1, not_author=True, expire=604800.0)
    assert spare.trigger == Trigger(manual=True)


def test_the_example_has_no_problems() -> None:
    reading = planfile.examine(EXAMPLE)
    assert [problem.render() for problem in reading.problems] == []
    assert list(planfile.load(EXAMPLE).environments) == ["staging", "production"]


def test_the_error_has_all_problems(tmp_path: Path) -> None:
    file = tmp_path / "shipway.yaml"
    file.write_text("app: Shop\nservices: {web: {build: web}}\n")
    with pytest.raises(InvalidPlan) as caught:
        planfile.load(file)
    assert [(item.line, item.path, item.severity) for item in caught.value.problems] == [
        (1, "app", "error"),
        (2, "services.web.build", "error"),
    ]
    assert str(caught.value).endswith("2 errors")
    assert caught.value.exit_code == PlanError.exit_code


def test_warnings_are_no_error() -> None:
    text = "app: a\nservices: {web: {image: nginx:1}}\naccessories: {idle: {image: redis:7}}\n"
    assert planfile.parse(text, "shipway.yaml").app == "a"


@pytest.mark.parametrize(
    ("content", "message"), [(None, "there is no "), (b"app: \xff\xfe", "is not UTF-8 text (line 1, byte 5: 0xff)")]
)
def test_a_file_that_can_not_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "shipway.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PlanError) as caught:
        planfile.load(file)
    assert message in str(caught.value)


def test_the_cache_spares_parsing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, cache = tmp_path / "shipway.yaml", tmp_path / "cache"
    file.write_text(PLAN.replace("web/", ".").replace("./api", ".").replace("build: api", "build: ."))
    (tmp_path / "Dockerfile").touch()
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Api").touch()
    first = planfile.load_cached(file, cache)
    monkeypatch.setattr("shipway.planfile.load", lambda path: pytest.fail("parsed again"))
    assert planfile.load_cached(file, cache) == first
    assert len(list(cache.iterdir())) == 1


def test_another_text_or_version_is_another_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, cache = tmp_path / "shipway.yaml", tmp_path / "cache"
    file.write_text("app: one\nservices: {web: {image: nginx:1}}\n")
    planfile.load_cached(file, cache)
    file.write_text("app: two\nservices: {web: {image: nginx:1}}\n")
    assert planfile.load_cached(file, cache).app == "two"
    monkeypatch.setattr("shipway.__version__", "99")
    planfile.load_cached(file, cache)
    assert len(list(cache.iterdir())) == 3


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"app": "x", "services": {"web": 1}}'])
def test_a_damaged_cache_is_rewritten(tmp_path: Path, damage: str) -> None:
    file, cache = tmp_path / "shipway.yaml", tmp_path / "cache"
    file.write_text("app: one\nservices: {web: {image: nginx:1}}\n")
    plan = planfile.load_cached(file, cache)
    (entry,) = cache.iterdir()
    entry.write_text(damage)
    assert planfile.load_cached(file, cache) == plan
    assert json.loads(entry.read_text())["app"] == "one"


def test_an_invalid_plan_is_not_cached(tmp_path: Path) -> None:
    file, cache = tmp_path / "shipway.yaml", tmp_path / "cache"
    file.write_text("app: One\n")
    with pytest.raises(InvalidPlan):
        planfile.load_cached(file, cache)
    assert not cache.exists()


def test_a_cache_that_can_not_be_written_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "shipway.yaml"
    file.write_text("app: one\nservices: {web: {image: nginx:1}}\n")
    assert planfile.load_cached(file, file / "cache").app == "one"


def test_a_cached_plan_costs_no_yaml(tmp_path: Path) -> None:
    file = tmp_path / "shipway.yaml"
    file.write_text("app: one\nservices: {web: {image: nginx:1}}\n")
    code = "import sys, pathlib; from shipway import planfile; planfile.load_cached(*map(pathlib.Path, sys.argv[1:])); "
    code += "print([name for name in sys.modules if name in ('ruamel.yaml', 'shipway.planfile.sections', 'difflib')])"
    runs = [
        subprocess.run([sys.executable, "-c", code, file, tmp_path], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert "ruamel.yaml" in runs[0]
    assert runs[1] == "[]\n"
