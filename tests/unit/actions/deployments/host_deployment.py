"""A repository on a host of one engine: commits, their releases, and the rules of its protected branch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from shipway.actions.deployments.admission import superseded_by
from shipway.actions.projects.in_force import Rulebook, read_rules
from shipway.context import Context
from shipway.domain.plan import Plan
from shipway.domain.release import SUCCEEDED, Deployment, Release
from shipway.planfile import parse
from shipway.system.git import Repository
from tests.unit.domain import samples
from tests.unit.system.repositories import committed, copied, new_model
from tests.unit.system.test_git import git
from tests.unit.world import World

STAGING = {"on": {"branch": "staging"}, "url": "http://staging.localhost:8080"}
PRODUCTION = {"on": {"tag": "v*", "branch": "main"}, "after": "staging", "url": "http://localhost:8080"}


def text(**environments: object) -> str:
    return json.dumps({"app": "shop", "services": {"web": {"image": "caddy:2"}}, "environments": environments})


@cache
def parsed(given: str, file: str = "shipway.yaml") -> Plan:
    """Each text once: most tests have the same few."""
    return parse(given, file, files=lambda path: True)


def parse_plan(given: str, file: str, exists: object) -> Plan:
    return parsed(given, file)


def commit(path: Path, name: str, plan: str | None = None) -> str:
    if plan is not None:
        (path / "shipway.yaml").write_text(plan)
    (path / "name").write_text(name)
    git(path, "add", ".")
    git(path, "commit", "--quiet", "--allow-empty", "--message", name)
    return committed(path)


class HostDeployment:
    """A repository without a remote, on main with a plan of staging and production, and a ledger."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder / "world")
        self.path = copied(self.model(), folder / "work")
        self.repository = Repository(self.path)
        self.ctx: Context = self.world.controller()

    @staticmethod
    @cache
    def model() -> Path:
        """What the repository begins as."""
        made = new_model()
        git(made, "init", "--quiet")
        commit(made, "zero", text(staging=STAGING, production=PRODUCTION))
        git(made, "switch", "--quiet", "--create", "staging")
        return made

    def commit(self, name: str, plan: str | None = None) -> str:
        return commit(self.path, name, plan)

    def plan(self, revision: str = "HEAD") -> Plan:
        return parsed(git(self.path, "show", f"{revision}:shipway.yaml"))

    def book(self, repository: Repository | None = None) -> Rulebook:
        return read_rules(self.ctx, repository or self.repository, self.plan(), parse_plan)

    def runs(self, revision: str, outcome: str = SUCCEEDED, environment: str = "staging") -> Release:
        """A release of the revision was deployed there."""
        tree = git(self.path, "rev-parse", f"{revision}^{{tree}}").strip()
        made = replace(samples.release(), revision=revision, tree=tree, plan=self.plan(revision), digest="")
        made = self.ctx.ledger.add_release(made)
        record = Deployment(0, "shop", environment, made.number, "deploy", "ada", "", self.ctx.clock())
        self.ctx.ledger.end_deployment(self.ctx.ledger.begin_deployment(record), outcome, self.ctx.clock(), None, "")
        return made

    def superseded(self, revision: str, ref: str = "refs/heads/staging") -> str:
        book = self.book()
        commit = self.repository.commit(revision)
        return superseded_by(book, book.of(self.ctx, "staging"), commit, ref, "shop")(self.ctx)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostDeployment]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = HostDeployment(tmp_path)
    yield made
    made.world.close()
