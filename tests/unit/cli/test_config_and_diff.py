"""`shipway config` and `shipway diff`: from the ledger alone, and without a value of a secret."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.cli import cli
from shipway.context import Context
from shipway.domain.errors import ShipwayError, UsageError
from shipway.domain.platform import KUBERNETES, ClusterSettings
from shipway.domain.registration import Registration
from shipway.planfile.document import compose
from tests.unit.domain.samples import STAGING
from tests.unit.system.repositories import ADA, commit, repository
from tests.unit.world import World

Command = Callable[..., str]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves in staging."""
    return World.deployed(tmp_path, STAGING, 1)


@pytest.fixture
def command(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Called from an empty folder."""

    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield world.controller()

    def call(*words: str) -> str:
        done = CliRunner().invoke(cli, ["--home", str(tmp_path), *words, "--app", "shop"])
        if isinstance(done.exception, ShipwayError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setattr("shipway.app.open_context", opened)
    return call


def test_the_configuration_has_no_secret(world: World, command: Command) -> None:
    told = command("config", "staging")
    assert told.startswith("# release 1, which runs there\n")
    assert "secret-key" not in told
    found = json.loads(command("config", "staging", "--json"))
    backend = found["services"]["backend"]
    assert backend["secrets"] == {"KEY": "******** (version 1)"}
    assert "KEY" not in backend["variables"]
    assert backend["variables"]["DATABASE_URL"] == "postgresql://shop:********@db:5432/shop"
    assert backend["variables"]["SHIPWAY_RELEASE"] == "1"
    assert backend["image"].endswith(f"backend@sha256:{1:064d}")
    assert (found["release"], found["environment"], found["url"]) == (1, "staging", STAGING.url)
    password = next(item.spec.env["POSTGRES_PASSWORD"] for item in world.runtime.containers.values() if item.spec.env.get("POSTGRES_PASSWORD"))  # fmt: skip
    assert password not in told + json.dumps(found)


def test_the_configuration_is_yaml(command: Command) -> None:
    assert compose(command("config", "staging"))
    assert 'port: "' not in command("config", "staging")


def test_a_missing_secret_is_told(world: World, command: Command) -> None:
    world.controller().secrets.remove("shop/staging", "KEY")
    assert json.loads(command("config", "staging", "--json"))["services"]["backend"]["secrets"] == {"KEY": "missing"}


def test_another_release(world: World, command: Command) -> None:
    world.release(2)
    assert command("config", "staging", "r2").startswith("# release 2\n")
    with pytest.raises(UsageError, match="shop has no release r9"):
        command("config", "staging", "r9")


def test_a_difference_of_releases_and_environments(world: World, command: Command) -> None:
    world.release(2, "0002")
    found = json.loads(command("diff", "staging", "r2", "--json"))
    assert (found["first"], found["second"]) == ("staging (r1)", "r2")
    assert found["schema"] == ["0001", "0002"]
    assert {item["name"] for item in found["images"]} == {"frontend", "backend", "worker"}
    told = command("diff", "staging", "r2")
    assert "schema: 0001 → 0002" in told
    assert "the commits in between are unknown: the ledger knows no repository of shop" in told
    assert "no difference" in command("diff", "r1", "staging")
    for name in ("nowhere", "r7"):
        with pytest.raises(UsageError, match=f"shop has no release {name}, and nothing was ever deployed"):
            command("diff", name, "r2")


def test_the_commits_in_between(world: World, command: Command, tmp_path: Path) -> None:
    clone = repository(tmp_path / "clone")
    first = commit(clone, {"a": "1"}, "one")
    commit(clone, {"a": "2"}, "two: with\ttabs")
    last = commit(clone, {"a": "3"}, "three", email="ben@example.org")
    world.ledger.register(Registration("shop", str(clone), "shipway.yaml", "main", "", ADA, 1.0))
    for revision in (first, last):
        release = world.release(9)
        world.ledger.add_release(dataclasses.replace(release, revision=revision, digest=""))
    told = command("diff", "r3", "r5")
    assert [line.split(" ", 4)[4] for line in told.splitlines() if line.startswith("  +")] == [
        "ben@example.org three",
        f"{ADA} two: with\ttabs",
    ]
    assert "  - " in command("diff", "r5", "r3")


def test_a_release_as_objects_of_kubernetes(command: Command) -> None:
    told = command("render", "staging", "--namespace", "web-team", "--storage", "2Gi")
    assert told.startswith("---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: web-team\n")
    assert "kind: Deployment" in told
    assert "secret-key" not in told
    assert "Secrets that must exist in web-team" in told
    assert "not in it: the migrations: memory" in told
    assert command("render", "staging", "r1", "--namespace", "web-team", "--storage", "2Gi") == told
    assert "namespace: shop-staging" in command("render", "staging")
    with pytest.raises(UsageError, match="no release r9"):
        command("render", "staging", "r9")
    with pytest.raises(UsageError, match="no name of a namespace"):
        command("render", "staging", "--namespace", "Web_Team")
    with pytest.raises(UsageError, match="no environment"):
        command("render", "nosuch")


def test_the_rights_that_shipway_needs_in_a_namespace(command: Command) -> None:
    told = command("render", "staging", "--rbac", "--namespace", "web-team")
    assert [line for line in told.splitlines() if line.startswith("kind: ")] == [
        "kind: Namespace", "kind: ServiceAccount", "kind: Role", "kind: RoleBinding",
    ]  # fmt: skip
    assert "ClusterRole" not in told  # nothing outside of the namespace
    assert "namespace: shop-staging" in command("render", "staging", "--rbac")
    assert "*" not in told
    with pytest.raises(UsageError, match="the same for every release"):
        command("render", "staging", "r1", "--rbac")
    with pytest.raises(UsageError, match="no environment"):
        command("render", "nosuch", "--rbac")


def test_objects_of_kubernetes_with_the_settings_of_the_plan(world: World, command: Command) -> None:
    settings = ClusterSettings("", "web-team", "nginx", "2Gi")
    world.release(2, environment=dataclasses.replace(STAGING, platform=KUBERNETES, cluster=settings))
    told = command("render", "staging", "r2")
    assert "namespace: web-team" in told
    assert "ingressClassName: nginx" in told
    assert 'storage: "2Gi"' in told
    options = command("render", "staging", "r2", "--namespace", "own", "--ingress-class", "own", "--storage", "3Gi")
    assert not any(text in options for text in ("web-team", "nginx", "2Gi"))


def test_a_gateway_in_place_of_an_ingress(world: World, command: Command) -> None:
    settings = ClusterSettings(gateway="infra/public")
    world.release(2, environment=dataclasses.replace(STAGING, platform=KUBERNETES, cluster=settings))
    told = command("render", "staging", "r2")
    assert "kind: HTTPRoute" in told
    assert "namespace: infra" in told
    assert "kind: Ingress" not in told
    other = command("render", "staging", "r2", "--gateway", "own")
    assert "namespace: infra" not in other
    assert "name: own" in other
    usual = command("render", "staging", "r2", "--ingress-class", "nginx")
    assert "kind: HTTPRoute" not in usual
    assert "ingressClassName: nginx" in usual
    assert "kind: HTTPRoute" in command("render", "staging", "r1", "--gateway", "own")
    assert "httproutes" in command("render", "staging", "--rbac", "--gateway", "own")
    assert "httproutes" not in command("render", "staging", "--rbac")
    with pytest.raises(UsageError, match="no name of a Gateway"):
        command("render", "staging", "--gateway", "a/b/c")
    with pytest.raises(UsageError, match="puts routes"):
        command("render", "staging", "--gateway", "own", "--ingress-class", "nginx")
