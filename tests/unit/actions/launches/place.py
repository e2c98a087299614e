"""A repository whose branch staging is to be launched, where nothing runs yet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.launches import steps
from shipway.actions.launches.launch import launch
from shipway.actions.launches.launching import LaunchRequest
from shipway.actions.projects.in_force import read_rules
from shipway.context import Context
from shipway.domain.launch import StepState
from shipway.domain.plan import Plan
from shipway.domain.record import to_data
from shipway.domain.release import Evidence
from shipway.domain.system_test import FAILED, KIND, PASSED, Result, SystemTest
from shipway.system.git import Repository
from shipway.testing.faults import Death
from tests.unit.actions.deployments.host_deployment import parse_plan
from tests.unit.domain import samples
from tests.unit.system.repositories import repository
from tests.unit.system.test_git import git
from tests.unit.world import World

HOST, PORT = "staging.localhost", 8080
ENVIRONMENT: dict[str, Any] = {
    "on": {"branch": "staging"}, "url": f"http://{HOST}:{PORT}", "secrets": ["SECRET_KEY"],
    "seed": {"service": "web", "run": "fill", "each": "environment"},
}  # fmt: skip
IMAGE = f"registry/shop/web@sha256:{1:064d}"
WEB = {"image": "caddy:2", "port": 80, "route": "/", "health": "/healthz"}


class Place:
    """A repository on its branch staging, and a world in which nothing runs."""

    def __init__(self, folder: Path, hosts: tuple[str, ...] = ("local",)) -> None:
        self.folder = folder
        self.world = World(folder / "world", hosts)
        self.text = json.dumps(
            {"app": "shop", "services": {"web": WEB}, "environments": {"staging": {**ENVIRONMENT, "hosts": hosts}}}
        )
        self.path = repository(folder / "work", {"shipway.yaml": self.text})
        git(self.path, "switch", "--quiet", "--create", "staging")
        self.plan = parse_plan(self.text, "shipway.yaml", None)
        self.world.secrets(self.world.ledger).set("shop/staging", "SECRET_KEY", "a-secret-key")
        self.world.images.public.add(IMAGE)
        self.passes = True

    def request(self, ctx: Context, **more: Any) -> LaunchRequest:
        repository = Repository(self.path)

        def rules(record: bool) -> Any:
            return read_rules(ctx, repository, self.plan, parse_plan, record=record)

        commit = repository.commit("HEAD")
        return LaunchRequest(self.plan, "staging", repository, commit, "refs/heads/staging", rules, **more)

    def launch(self, world: World | None = None, *, dies: Death | None = None, **more: Any) -> list[StepState]:
        ctx = (world or self.world).controller(dies=dies)
        return launch(ctx, self.request(ctx, **more))

    def seen(self, world: World, host: str = "local") -> str:
        """What a visitor of a host gets: nothing, the page, or the site."""
        try:
            release, text = world.engines[host].edge.request(HOST, PORT, "/")
        except ConnectionRefusedError:
            return "nothing"
        return "site" if release else "page" if text else "nothing"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = Place(tmp_path)
    without_an_engine(made, monkeypatch)
    yield made
    made.world.close()


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The same on two hosts."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = Place(tmp_path, ("local", "ssh://b"))
    without_an_engine(made, monkeypatch)
    yield made
    made.world.close()


def without_an_engine(made: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds and system tests need one."""

    def build(ctx: Context, repository: Repository, commit: Any, plan: Plan, *rest: object) -> int:
        if all(item.plan != plan for item in ctx.ledger.releases_of("shop", commit.tree)):
            release = replace(
                samples.release(), images={"web": IMAGE}, plan=plan, tree=commit.tree, revision=commit.revision,
                schema=None, digest="",
            )  # fmt: skip
            ctx.ledger.add_release(release)
        return 1

    def system_test(ctx: Context, app: str, environment: str, in_force: object) -> SystemTest:
        now = ctx.ledger.current(app, environment)
        assert now is not None
        result = Result("check", PASSED if made.passes else FAILED, "seen", "do this")
        found = SystemTest(app, environment, "", now.release, "", ctx.clock(), 1.0, (result,))
        data = json.dumps(to_data(found))
        ctx.ledger.add_evidence(Evidence(app, now.release, environment, KIND, "", found.passed, data, ctx.clock()))
        return found

    monkeypatch.setattr(steps, "build", build)
    monkeypatch.setattr(steps, "system_test", system_test)


def states(found: list[StepState]) -> dict[str, str]:
    return {item.name: item.state for item in found}


def seeds(world: World) -> list[str]:
    return [item.outcome for item in world.ledger.launch_records("shop", "staging") if item.step == "seed"]


def change(place: Place, old: str, new: str) -> None:
    """Commit another plan, here and to the branch with the rules."""
    text = place.text.replace(old, new)
    assert text != place.text
    (place.path / "shipway.yaml").write_text(text)
    git(place.path, "commit", "--quiet", "--all", "--message", "two")
    main = next(path.name for path in (place.path / ".git" / "refs" / "heads").iterdir() if path.name != "staging")
    git(place.path, "branch", "--quiet", "--force", main, "HEAD")
    place.plan = parse_plan(text, "shipway.yaml", None)


def seen_at(world: World, name: str, host: str = "local") -> str:
    try:
        return "site" if world.engines[host].edge.request(name, PORT, "/")[0] else "page"
    except ConnectionRefusedError:
        return "nothing"
