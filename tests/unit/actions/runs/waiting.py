"""A production that asks for two approvals, and pushes that wait for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest

from shipway.actions.projects.in_force import Rulebook, read_rules
from shipway.actions.runs.run import run
from shipway.actions.runs.waiting import Opened, take_up
from shipway.context import Context
from shipway.domain.errors import (
    DeploymentWaits,
)  # fmt: skip
from shipway.domain.release import SUCCEEDED, Approval, Deployment, Release, Trigger
from shipway.system.git import Repository
from tests.unit.actions.deployments.host_deployment import PRODUCTION, STAGING, HostDeployment, commit, parse_plan, text
from tests.unit.domain import samples
from tests.unit.system.repositories import copied, new_model
from tests.unit.system.test_git import git

ASKING = {**PRODUCTION, "approvals": {"count": 2}, "standby": "0s"}
GRACE, EVE, ADA = "grace@example.org", "eve@example.org", "ada@example.org"
WHERE = ("shop", "production")


class Place(HostDeployment):
    """production asks for two approvals, and staging has validated v1."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.first = self.runs((self.path / ".git/refs/tags/v1").read_text().strip())

    @staticmethod
    @cache
    def model() -> Path:
        """With a commit that has the tag v1."""
        made = copied(HostDeployment.model(), new_model() / "work")
        git(made, "switch", "--quiet", "main")
        commit(made, "asking", text(staging=STAGING, production=ASKING))
        commit(made, "one")
        git(made, "tag", "v1")
        return made

    def tagged(self, name: str, tag: str, plan: str | None = None) -> Release:
        """A release of a new commit with a tag, which staging has validated."""
        revision = self.commit(name, plan)
        git(self.path, "tag", tag)
        return self.runs(revision)

    def runs(self, revision: str, outcome: str = SUCCEEDED, environment: str = "staging") -> Release:
        number = len(self.ctx.ledger.releases("shop", limit=100)) + 1
        image = f"registry/shop/web@sha256:{number:064d}"
        self.world.images.public.add(image)
        tree = git(self.path, "rev-parse", f"{revision}^{{tree}}").strip()
        made = replace(
            samples.release(), revision=revision, tree=tree, plan=self.plan(revision), digest="", images={"web": image},
            schema=None,
        )  # fmt: skip
        made = self.ctx.ledger.add_release(made)
        record = Deployment(0, "shop", environment, made.number, "deploy", "ada", "", self.ctx.clock())
        self.ctx.ledger.end_deployment(self.ctx.ledger.begin_deployment(record), outcome, self.ctx.clock(), None, "")
        return made

    def push(self, tag: str, ctx: Context | None = None, person: str = "", token: int = 0) -> object:
        """The run of a pushed tag."""
        own = replace(ctx or self.world.controller(), actor=ADA)
        commit = self.repository.commit(tag)
        trigger = Trigger("tag", f"refs/tags/{tag}", ADA)
        rules = partial(read_rules, own, self.repository, self.plan(tag), parse_plan)
        return run(
            own, self.repository, commit, self.plan(tag), trigger, rules=rules, wait=0.0, person=person, token=token,
        )  # fmt: skip

    def approve(self, release: Release, *people: str) -> None:
        for person in people:
            self.ctx.ledger.add_approval(Approval(*WHERE, release.number, release.digest, person, "", self.ctx.clock()))

    def opened(self, ctx: Context) -> Opened:
        def found(release: Release, revision: str) -> tuple[Repository, Rulebook]:
            return self.repository, read_rules(ctx, self.repository, release.plan, parse_plan)

        return found

    def take_up(self, ctx: Context | None = None) -> Deployment | None:
        own = ctx or self.world.controller()
        return take_up(own, *WHERE, self.opened(own))

    def waits(self, tag: str = "v1") -> None:
        with pytest.raises(DeploymentWaits, match="needs 2 approvals"):
            self.push(tag)

    def running(self) -> int:
        """The release that the ledger takes for running."""
        current = self.world.ledger.current(*WHERE)
        return current.release if current else 0

    def history(self) -> list[tuple[int, str]]:
        return [(item.release, item.outcome) for item in self.ctx.ledger.deployments(*WHERE)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = Place(tmp_path)
    yield made
    made.world.close()
