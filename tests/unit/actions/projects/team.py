"""A repository by several people, for tests of authors and approvals."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from shipway.actions.projects.authors import authors, provenance
from shipway.context import Context
from shipway.domain.registration import Registration
from shipway.domain.release import SUCCEEDED, Deployment, Release
from shipway.system.git import Repository
from tests.unit.domain import samples
from tests.unit.system.repositories import commit, committed, repository
from tests.unit.world import World

ALICE, BOB, CAROL, EVE, MALLORY = (f"{name}@example.org" for name in ("alice", "bob", "carol", "eve", "mallory"))


class Team:
    """A repository by several people, and what the ledger knows of it."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder / "home")
        self.path = repository(folder / "work", {"app": "one\n"})
        self.ctx: Context = dataclasses.replace(self.world.controller(), repository=lambda: Repository(self.clone))
        self.clone = self.path

    def write(self, who: str, name: str = "app", message: str = "change") -> str:
        """A commit of a person, in a file that nobody else writes."""
        return commit(self.path, {f"{name}-{who}": committed(self.path)}, message, email=who)

    def release(self, revision: str = "HEAD") -> Release:
        """As a run makes it."""
        found = Repository(self.path).commit(revision)
        number = len(self.world.ledger.releases("shop")) + 1
        made = dataclasses.replace(samples.release(number), revision=found.revision, tree=found.tree, digest="")
        return self.world.ledger.add_release(made)

    def deploy(self, release: Release, environment: str = "production") -> Release:
        """A deployment that succeeded."""
        id = self.world.ledger.begin_deployment(
            Deployment(0, "shop", environment, release.number, "deploy", ALICE, "", 1.0)
        )
        self.world.ledger.end_deployment(id, SUCCEEDED, 2.0, None, "")
        return release

    def register(self, address: str = "", baseline: str = "") -> None:
        """Bind the app to a repository."""
        self.world.ledger.register(
            Registration("shop", address or str(self.path), "shipway.yaml", "main", baseline, ALICE, 1.0)
        )

    def authors(self, release: Release, environment: str = "production", revision: str | None = None) -> dict[str, str]:
        """By person: how they count, and through which commit's subject."""
        found = authors(self.ctx, provenance(self.ctx, "shop"), environment, release, revision)
        return {
            who: f"{item.why}: {Repository(self.path).commit(item.revision).subject}"
            for who, item in found.people.items()
        }
