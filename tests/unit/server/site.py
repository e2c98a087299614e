"""The release server's pages, with people and releases."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.people.identify import csrf
from shipway.actions.people.manage import add_person, grant
from shipway.actions.people.sign_in import make_link, sign_in_by_link
from shipway.domain.errors import PlanError
from shipway.domain.permissions import ALL, VIEWER
from shipway.domain.plan import Plan
from shipway.drivers import driver
from shipway.ports.forge import Forge, ForgeAccess
from shipway.server.access import COOKIE
from shipway.server.observer import Observer
from shipway.server.site import Site
from shipway.server.web import application
from shipway.system.passwords import Passwords
from shipway.system.process import Completed
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.server.asking import Answer, ask
from tests.unit.world import World

ORDERED = dataclasses.replace(
    PLAN,
    environments={
        "production": dataclasses.replace(PLAN.environments["production"], after="staging"),
        "staging": STAGING,
    },
)
EVIL = "<script>alert(1)</script>"
HTML = "text/html"
CHEAP = Passwords(time_cost=1, memory_cost=8, parallelism=1)


def forge(kind: str) -> Forge:
    found: Forge = driver("forge", kind)(ForgeAccess())
    return found


class Source:
    """Of the app of the samples."""

    name, is_checkout = "shop", False

    def __init__(self, plan: Plan = ORDERED) -> None:
        self._plan = plan

    def plan(self) -> Plan:
        return self._plan

    def clone(self) -> Path:
        raise PlanError("there is no clone here")


class Place:
    """A release server on a world in memory."""

    def __init__(self, folder: Path, *releases: int) -> None:
        self.world = World.deployed(folder, STAGING, *releases)
        self.ctx = self.world.controller()
        self.observer = Observer(self.ctx, lambda text, file, exists: PLAN, lambda app: Source())
        self.app = application(Site(self.ctx, self.observer, CHEAP, forge))
        self.sees = self.person("viewer@example.com", VIEWER)

    def person(self, name: str, role: str, app: str = ALL, environment: str = ALL) -> str:
        """Who has this role. Returns the secret of a session."""
        add_person(self.ctx, None, name)
        grant(self.ctx, None, name, role, app, environment)
        return sign_in_by_link(self.ctx, make_link(self.ctx, name), "127.0.0.1").secret

    def page(self, path: str, secret: str = "", **headers: str) -> Answer:
        return ask(self.app, path, **{"accept": HTML, "cookie": f"{COOKIE}={secret or self.sees}", **headers})

    def send(self, path: str, secret: str, headers: dict[str, str] | None = None, **fields: str) -> Answer:
        """A form of the session."""
        body = urlencode({"csrf": csrf(secret), **fields}).encode()
        given = {"accept": HTML, "cookie": f"{COOKIE}={secret}", "content_type": "application/x-www-form-urlencoded"}
        return ask(self.app, path, "POST", body, **{**given, **(headers or {})})

    def deployed(self, number: int, **fields: Any) -> None:
        deploy(self.world.controller(), DeployRequest(self.world.release(number, **fields), STAGING))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The commands that are started, with who starts them; none is."""
    found: list[tuple[str, list[str]]] = []

    def answer(self: object, person: str, words: list[str], delegation: str) -> Completed:
        assert delegation
        found.append((person, list(words)))
        return Completed(0, f"<{words[0]}> done")

    monkeypatch.setattr("shipway.server.commands.Commands.answer", answer)
    monkeypatch.setattr("shipway.server.commands.Commands.start", answer)
    return found
